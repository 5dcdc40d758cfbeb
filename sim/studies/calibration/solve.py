"""One step of a fit: the parameters and arrivals that best meet data and priors, given slopes.

Everything enters as one linear least-squares problem in standard deviations: published numbers,
priors of the knobs (each around its median, or around the period before), published entries, and
the steadiness of entries that nobody published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from scipy.linalg import solve as scipy_solve

from sim.config.schema.run import RunConfig
from sim.core.clock import HALF_YEAR, month_index, year_of
from sim.data.load import Data
from sim.studies.calibration.entries import open_cells, published_entries
from sim.studies.calibration.plan import FitPlan, Knob
from sim.studies.calibration.targets import Targets

MOST_SETS = 60

WIDE = 4.0
"""Standard deviation of any half-year's arrivals around the channel's level, in such levels."""

LEAST_SHARE = 0.002
"""Arrivals of a half-year are at least this share of the channel's mean."""


@dataclass(frozen=True)
class Channels:
    """What is believed of arrivals: R rows over the cells of H half-years and S statuses.

    open      bool[H, S] cells in which people may come
    size      float64[S] typical arrivals of a half-year: the unit of the solution
    rows      float64[R, H, S] and what they should be, want float64[R], in standard deviations
    known     bool[H, S] cells of years whose entries are published
    """

    open: np.ndarray
    size: np.ndarray
    rows: np.ndarray
    want: np.ndarray
    known: np.ndarray


@dataclass(frozen=True)
class Point:
    """Parameters and arrivals, and what the model says there.

    theta     float64[K] logarithms of the multipliers
    arrivals  float64[H, S] people who come in each half-year
    said      float64[N] what the model says about the N targets
    by_cell   float64[N, H, S] slopes of that by one more newcomer
    came      float64[H, S] people who come, those whom firms recruit as these recruit them
    """

    theta: np.ndarray
    arrivals: np.ndarray
    said: np.ndarray
    by_cell: np.ndarray
    came: np.ndarray


@dataclass(frozen=True)
class Step:
    """Where a step leads.

    theta       float64[K] logarithms of the multipliers
    arrivals    float64[H, S]
    covariance  float64[K, K] of theta, in Laplace's approximation
    weight      float64[N, K]: what each target said about each knob; the squares of a column sum to
                the information that the data hold about the knob
    """

    theta: np.ndarray
    arrivals: np.ndarray
    covariance: np.ndarray
    weight: np.ndarray


def channels(config: RunConfig, data: Data, plan: FitPlan, ends: np.ndarray) -> Channels:
    """Beliefs about the arrivals of a fit whose last half-year is the last of `ends`."""
    open_to = open_cells(config, ends)
    statuses, known = config.country.statuses, np.zeros(open_to.shape, np.bool_)
    level = np.array(
        [config.arrivals.channels[s].level if s in config.arrivals.channels else 0.0
         for s in statuses]
    )  # fmt: skip
    size = np.maximum(level / 2, 1.0)
    rows: list[np.ndarray] = []
    want: list[float] = []

    def believe(cells: list[tuple[int, int]], weights: list[float], value: float) -> None:
        row = np.zeros(open_to.shape)
        for cell, weight in zip(cells, weights, strict=True):
            row[cell] = weight
        rows.append(row)
        want.append(value)

    for (year, status), (people, quality) in published_entries(config, data).items():
        halves = [h for h, end in enumerate(ends.tolist()) if year_of(end) == year]
        s = statuses.index(status)
        if len(halves) != 2 or not open_to[halves, s].any():
            continue
        a, b, sd = halves[0], halves[1], plan.sd[quality] * people  # type: ignore[index]
        known[halves, s] = True
        believe([(a, s), (b, s)], [1 / sd, 1 / sd], people / sd)
        apart = plan.entries.split * people / 2
        believe([(a, s), (b, s)], [1 / apart, -1 / apart], 0.0)
    closed = _closed(config, ends)
    for s in np.flatnonzero(open_to.any(axis=0)).tolist():
        for h in np.flatnonzero(open_to[:, s]).tolist():
            believe([(h, s)], [1 / (WIDE * size[s])], 1 / WIDE)
            if h >= 2 and open_to[h - 2, s] and not (known[h, s] and known[h - 2, s]):
                loose = plan.entries.closed if (closed[h, s] or closed[h - 2, s]) else 1.0
                sd = plan.entries.step * loose * size[s]
                believe([(h, s), (h - 2, s)], [1 / sd, -1 / sd], 0.0)
    shape = (len(rows), *open_to.shape)
    return Channels(open_to, size, np.array(rows).reshape(shape), np.array(want), known)


def _closed(config: RunConfig, ends: np.ndarray) -> np.ndarray:
    """bool[H, S]: half-years in which an event edits a status's arrivals."""
    out = np.zeros((ends.size, len(config.country.statuses)), np.bool_)
    for event in config.event.values():
        for edit in event.edits.values():
            since = month_index(edit.since)
            until = month_index(edit.until) if edit.until else int(ends[-1])
            during = (ends >= since) & (ends - HALF_YEAR + 1 <= until)
            for s, name in enumerate(config.country.statuses):
                if any(fnmatchcase(f"arrivals.{name}", glob) for glob in edit.paths):
                    out[:, s] |= during
    return out


def first_arrivals(believed: Channels) -> np.ndarray:
    """float64[H, S]: where a fit begins: published entries, else the channel's level."""
    out = believed.open * believed.size[None, :]
    for row, want in zip(believed.rows, believed.want, strict=True):
        cells = np.nonzero(row)
        if want > 0 and len(cells[0]) > 1:
            out[cells] = want / row[cells].sum()
    return out


class Normal:
    """A linear least-squares problem in x: steps of K knobs, then of C cells in units of their own.

    Blocks of rows are collected by `add`; what is minimised is the sum of squares, in standard
    deviations, of what each row leaves of its gap.
    """

    def __init__(self, knobs: int, cells: int) -> None:
        self.knobs, self.cells = knobs, cells
        self._rows: list[np.ndarray] = []
        self._right: list[np.ndarray] = []

    def add(
        self, gap: np.ndarray, sd: np.ndarray | float = 1.0, *,
        knobs: np.ndarray | None = None, cells: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        """Ask for knobs @ x_K + cells @ x_C = gap, give or take sd.

        gap    float64[N]; sd float64[N], or 1 where rows and gap are in standard deviations already
        knobs  float64[N, K] and cells float64[N, C]: slopes; 0 if not given
        """
        parts = (
            np.zeros((gap.size, self.knobs)) if knobs is None else knobs,
            np.zeros((gap.size, self.cells)) if cells is None else cells,
        )
        self._rows.append(np.hstack(parts) / np.reshape(sd, (-1, 1)))
        self._right.append(gap / sd)

    def minimum(self, sd_of_step: np.ndarray, low: np.ndarray) -> np.ndarray:
        """float64[K + C]: the best x >= low, damped.

        sd_of_step  float64[K + C]: standard deviation of a prior around no step at all, which
                    holds the solution to where the slopes are true (Levenberg-Marquardt)
        """
        rows = np.vstack([*self._rows, np.diag(1 / sd_of_step)])
        right = np.concatenate([*self._right, np.zeros(sd_of_step.size)])
        return _bounded(rows.T @ rows, rows.T @ right, low)

    def covariance(self, free: np.ndarray) -> np.ndarray:
        """float64[K, K] of the knobs, without the damping; free bool[K + C]: what may vary."""
        rows = np.vstack(self._rows)
        information = rows.T @ rows
        return np.linalg.inv(information[np.ix_(free, free)])[: self.knobs, : self.knobs]


def solve(
    knobs: list[Knob], believed: Channels, targets: Targets, at: Point, by_knob: np.ndarray,
    trust: float,
) -> Step:  # fmt: skip
    """The best knobs and arrivals near a point, for a model that is linear around it.

    by_knob  float64[N, K]: slopes of what the model says by each knob
    trust    standard deviation within which a logarithm may move in this step, and a tenth of what
             arrivals may, as a share of the channel's mean; 0 holds the knobs
    """
    k, cells = len(knobs), np.nonzero(believed.open)
    unit = believed.size[cells[1]]  # persons by which one step of a cell counts
    normal = Normal(k, unit.size)
    normal.add(
        targets.value - at.said, targets.sd, knobs=by_knob,
        cells=at.by_cell[:, cells[0], cells[1]] * unit,
    )  # fmt: skip
    prior, prior_gap = _prior(knobs, at.theta)
    normal.add(prior_gap, knobs=prior)
    normal.add(
        _entries_gap(believed, at.arrivals), cells=believed.rows[:, cells[0], cells[1]] * unit
    )
    now = at.arrivals[cells] / unit
    free_step = np.concatenate([np.full(k, trust or 1e-6), np.full(unit.size, 10 * (trust or 1.0))])
    low = np.concatenate([np.full(k, -np.inf), np.minimum(LEAST_SHARE - now, -1e-9)])
    found = normal.minimum(free_step, low)
    moved = at.arrivals.copy()
    moved[cells] = np.maximum((now + found[k:]) * unit, LEAST_SHARE * unit)
    free = np.concatenate([np.ones(k, np.bool_), now + found[k:] > 1.5 * LEAST_SHARE])
    weight = by_knob / targets.sd[:, None]
    return Step(at.theta + found[:k], moved, normal.covariance(free), weight)


def _bounded(square: np.ndarray, right: np.ndarray, low: np.ndarray) -> np.ndarray:
    """float64[N]: minimum of x @ square @ x / 2 - right @ x with x >= low (active sets)."""
    held = np.zeros(right.size, np.bool_)
    x = low.copy()
    for _ in range(MOST_SETS):
        free = ~held
        x = np.where(held, low, 0.0)
        rest = right[free] - square[np.ix_(free, held)] @ low[held]
        x[free] = scipy_solve(square[np.ix_(free, free)], rest, assume_a="pos")
        slope = square @ x - right
        below, pushed = free & (x < low), held & (slope < 0)
        if not below.any() and not pushed.any():
            break
        held = (held | below) & ~pushed
    return np.maximum(x, low)


def cost(knobs: list[Knob], believed: Channels, targets: Targets, at: Point) -> float:
    """Half the sum of squares, in standard deviations, of data, priors and entries."""
    _, prior = _prior(knobs, at.theta)
    gaps = ((targets.value - at.said) / targets.sd, prior, _entries_gap(believed, at.arrivals))
    return 0.5 * math.fsum(float(gap @ gap) for gap in gaps)


def _entries_gap(believed: Channels, arrivals: np.ndarray) -> np.ndarray:
    """float64[R]: how far arrivals are from each belief about them, in standard deviations."""
    return believed.want - np.tensordot(believed.rows, arrivals, axes=2)


def _prior(knobs: list[Knob], theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows float64[K, K], gaps float64[K]) of the priors, in standard deviations."""
    rows, gap = np.zeros((len(knobs), len(knobs))), np.zeros(len(knobs))
    for k, knob in enumerate(knobs):
        rows[k, k], gap[k] = 1 / knob.sd, -theta[k] / knob.sd
        if knob.follows >= 0:
            rows[k, knob.follows] = -1 / knob.sd
            gap[k] += theta[knob.follows] / knob.sd
    return rows, gap
