"""Errors in stocks although entries are right: the model's own, from before the origin.

From each year before the origin the model runs to the origin under the central rates, from the
stocks of that year and with the entries that balanced. Its stock of a status then differs from the
published one, because people stay and switch otherwise than the rates have it. Members with drawn
rates do not vary by that: the same rates were wrong by so much before, and will be again.

The logarithm of the error is taken as a random walk, of its own for each status. Its size is
estimated here from the errors that were known at the origin, and every member walks on.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.agents.opening.people import open_population
from sim.config.schema.run import RunConfig
from sim.core.clock import HALF_YEAR, month_name
from sim.core.probability import MONTHS_PER_YEAR
from sim.core.threads import use_threads
from sim.model.model import Kyosei
from sim.model.opening import state_of
from sim.studies.calibration.entries import estimated_arrivals, simulated_stock_matrix
from sim.studies.hindcast.entries import Balancing, PastEntries, with_family
from sim.studies.hindcast.members import normal
from sim.studies.hindcast.settings import Misfits

ENOUGH_PEOPLE: Final = 1000.0
"""Errors of a status with fewer people than this at the beginning say little and do not count."""


def past_errors(task: Balancing, past: PastEntries, config: RunConfig) -> np.ndarray:
    """float64[L, H, S]: logarithm of published over simulated stock, NaN where either is missing.

    L  runs, each from the end of a year before the origin, with a year at least to go
    H  half-years after its beginning

    The last column, [L, H, S], is that of all statuses together: the result is [L, H, S + 1].
    """
    origin, first = task.known.origin, task.ends[0]
    begins = list(range(origin - MONTHS_PER_YEAR, first, -MONTHS_PER_YEAR))
    longest = (origin - min(begins, default=origin)) // HALF_YEAR
    shape = (len(begins), longest, past.entries.shape[1] + 1)
    out = np.full(shape, np.nan)
    for run, begin in enumerate(begins):
        simulated = _simulated(task, past, config, begin)
        row = task.ends.index(begin) + 1  # the first end after `begin`; targets begin one earlier
        published = task.target[row : row + len(simulated) + 1]
        big = (np.nan_to_num(published[0]) >= ENOUGH_PEOPLE) & (simulated[-1] > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.where(big, np.log(published[1:] / simulated), np.nan)
        counted = np.isfinite(published[1:])
        said = np.where(counted, simulated, 0.0).sum(axis=1)
        whole = np.log(np.where(counted, published[1:], 0.0).sum(axis=1) / said)
        out[run, : len(simulated)] = np.column_stack([own, whole])
    return out


def _simulated(task: Balancing, past: PastEntries, config: RunConfig, begin: int) -> np.ndarray:
    """float64[H, S]: stocks at the half-years from `begin` to the origin, entries given."""
    run = with_family(config, past.family, begin).model_copy(
        update={
            "start": month_name(begin),
            "end": month_name(task.known.origin),
            "scale": task.config.scale,
            "arrivals": task.config.arrivals,
            "replicate": 0,
        }
    )
    entries = estimated_arrivals(past.entries, past.ends, config.country.statuses)
    data = task.known.with_arrivals(entries).data
    opening = open_population(run, data, begin, run.scale)
    record = Kyosei(run, state=state_of(run, data, opening.columns, use_threads(run.threads))).run()
    ends = range(begin + HALF_YEAR, task.known.origin + 1, HALF_YEAR)
    return simulated_stock_matrix(record, ends, run.scale)


def yearly_steps(errors: np.ndarray, settings: Misfits) -> np.ndarray:
    """float64[S + 1]: standard deviation of a year's step of each status's walk, and last that of
    the walk which all statuses share.

    errors  float64[L, H, S + 1] as `past_errors` gives them. An error after h years varies by h
    times the square of the step; all statuses together say what to expect of one, and that weighs
    like `looks` runs of its own. What is expected of the shared walk is `common` of the settings.
    """
    each = _steps(errors[..., :-1], settings.looks, None)
    shared = _steps(errors[..., -1:], settings.looks, settings.common.value)
    return np.concatenate([each, shared])


def _steps(errors: np.ndarray, looks: float, expected: float | None) -> np.ndarray:
    """float64[S]: yearly steps, shrunk to the one expected; None: to the median of all."""
    if not np.isfinite(errors).any():
        return np.full(errors.shape[2], expected or 0.0)
    years = np.arange(1, errors.shape[1] + 1) * HALF_YEAR / MONTHS_PER_YEAR
    by_look = _mean(errors**2 / years[None, :, None], axis=1)
    each = _mean(by_look, axis=0)
    n = np.isfinite(errors).any(axis=1).sum(axis=0)
    common = float(np.median(each[n > 0])) if expected is None else expected**2
    return np.sqrt((looks * common + n * np.nan_to_num(each)) / (looks + n))


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean over an axis of what is finite; NaN where nothing is.

    An error is infinite where nobody of a status was simulated, as in runs of few people.
    """
    finite = np.isfinite(values)
    n = finite.sum(axis=axis)
    total = np.where(finite, values, 0.0).sum(axis=axis)
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)


def error_factors(
    steps: np.ndarray, statuses: list[str], seed: int, member: int, n: int
) -> np.ndarray:
    """float64[n, S]: what a member's stocks are multiplied by after each half-year; 1 for member 0,
    and 1 in the median of all members.

    steps  float64[S + 1] as `yearly_steps` gives them. The shared walk is part of each status's
    own: without it the errors of statuses cancel, and the total is believed too surely.
    """
    if member == 0:
        return np.ones((n, len(statuses)))
    names = [*statuses, "all"]
    z = np.array([[normal(seed, member, f"misfit.{s}.{h}") for s in names] for h in range(n)])
    shared = steps[-1]
    own = np.sqrt(np.maximum(steps[:-1] ** 2 - shared**2, 0.0))
    half = math.sqrt(HALF_YEAR / MONTHS_PER_YEAR)
    walk = np.cumsum((z[:, :-1] * own + z[:, -1:] * shared) * half, axis=0)
    return np.exp(walk)
