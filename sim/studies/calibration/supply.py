"""How the supply of people by origin follows income: the estimate behind `arrivals.supply`.

For each origin and year since 2013 the rate of emigration to Japan is the growth and turnover of
the published stocks over the cohort of 18 to 34 at home. Its logarithm is regressed on that of
income per head and its square, with an effect for each origin (distance, history, language) and for
each year (demand, the yen, the time's rules); years in which an event changed all arrivals are left
out. A rising and a falling arm come from the same parabola: its top is the peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, year_of
from sim.data.load import Data
from sim.rates.arrivals import inflow_by_origin
from sim.rates.supply import series
from sim.studies.calibration.estimate import Estimate

ALL_ARRIVALS: Final = "arrivals.*"
"""Path of an event's edit that changes every channel."""

LEAST_PEOPLE = 200.0
"""Arrivals a year below which an origin says more about chance than about supply."""


@dataclass(frozen=True)
class SupplyEstimate:
    """Income at which the rate of emigration peaks, its curvature, and how the years fit; standard
    deviations are standard errors that leaving out one origin at a time gives."""

    log_peak: Estimate  # logarithm of dollars
    curvature: Estimate  # per squared logarithm
    residual_sd: float  # of the logarithm of a yearly rate
    origins: int
    cells: int  # origin-years


def estimate_supply(config: RunConfig, data: Data) -> SupplyEstimate:
    """Estimate the effect of income on the rate of emigration from the tables at hand.

    Raises ValueError if fewer than three origins have figures.
    """
    cells = _panel(config, data)
    origins = sorted({origin for origin, _, _, _ in cells})
    if len(origins) < 3:
        raise ValueError(
            f"the supply of {len(origins)} origins cannot be estimated, it takes three"
        )
    slope, square, sd = _fit(cells)
    others = [_fit([cell for cell in cells if cell[0] != origin]) for origin in origins]
    return SupplyEstimate(
        _jackknife(_log_peak(slope, square), [_log_peak(a, b) for a, b, _ in others]),
        _jackknife(-square, [-b for _, b, _ in others]),
        sd,
        len(origins),
        len(cells),
    )


def foretold(config: RunConfig, data: Data, last: int, later: int) -> float:
    """How much of what an estimate on the years to `last` foretells came: the slope of the changes
    of the origins' log rates from `last` to `later` on those that income makes, both around their
    means. 1: all of it, 0: nothing."""
    cells = _panel(config, data)
    slope, square, _ = _fit([cell for cell in cells if cell[1] <= last])
    then, now = ({cell[0]: cell for cell in cells if cell[1] == year} for year in (last, later))
    both = sorted(then.keys() & now.keys())

    def effect(income: float) -> float:
        return slope * income + square * income**2

    said = np.array([effect(now[o][2]) - effect(then[o][2]) for o in both])
    came = np.array([now[o][3] - then[o][3] for o in both])
    said, came = said - said.mean(), came - came.mean()
    return float((said * came).sum() / (said * said).sum())


def _panel(config: RunConfig, data: Data) -> list[tuple[int, int, float, float]]:
    """(origin, year, log income, log rate) of each origin-year with figures."""
    cohorts = series(config, data, "origin_cohorts", "people")
    incomes = series(config, data, "origin_income", "dollars")
    closed = _changed_years(config)
    cells = []
    for year, inflow in inflow_by_origin(config, data).items():
        for o, people in enumerate(inflow.tolist()):
            cohort, income = cohorts[o], incomes[o]
            if year in closed or cohort is None or income is None or people < LEAST_PEOPLE:
                continue
            middle = month_index(f"{year}-07")
            rate = people / cohort.at(middle)
            cells.append((o, year, math.log(income.at(middle)), math.log(rate)))
    return cells


def _changed_years(config: RunConfig) -> set[int]:
    """Years in which an event changes all arrivals."""
    out: set[int] = set()
    for event in config.event.values():
        for edit in event.edits.values():
            if ALL_ARRIVALS in edit.paths and edit.since and edit.until:
                first, last = year_of(month_index(edit.since)), year_of(month_index(edit.until))
                out.update(range(first, last + 1))
    return out


def _fit(cells: list[tuple[int, int, float, float]]) -> tuple[float, float, float]:
    """Coefficients of log income and its square, and the standard deviation of the residuals."""
    origin = np.array([cell[0] for cell in cells])
    year = np.array([cell[1] for cell in cells])
    income = np.array([cell[2] for cell in cells])
    x, z = _within(income, origin, year), _within(income**2, origin, year)
    y = _within(np.array([cell[3] for cell in cells]), origin, year)
    xx, xz, zz = float((x * x).sum()), float((x * z).sum()), float((z * z).sum())
    xy, zy = float((x * y).sum()), float((z * y).sum())
    det = xx * zz - xz * xz
    slope, square = (zz * xy - xz * zy) / det, (xx * zy - xz * xy) / det
    rest = y - slope * x - square * z
    free = len(cells) - np.unique(origin).size - np.unique(year).size + 1 - 2
    return slope, square, math.sqrt(float((rest * rest).sum()) / free)


def _within(values: np.ndarray, origin: np.ndarray, year: np.ndarray) -> np.ndarray:
    """Values without their effects of origin and year: means taken off in turn, to none."""
    out = values - values.mean()
    for _ in range(200):
        for by in (origin, year):
            for one in np.unique(by):
                out[by == one] -= out[by == one].mean()
    return out


def _log_peak(slope: float, square: float) -> float:
    return -slope / (2.0 * square)


def _jackknife(value: float, without: list[float]) -> Estimate:
    n = len(without)
    spread = np.asarray(without) - math.fsum(without) / n
    return Estimate(value, math.sqrt((n - 1) / n * float((spread * spread).sum())))
