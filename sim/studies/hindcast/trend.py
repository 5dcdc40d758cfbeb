"""How entries go on after the origin: level, growth that fades, shocks, from the half-years before.

The logarithm of a channel's entries, season apart, is a random walk with drift, as forecasts of
inflows have it: the last half-year is the level, the drift is shrunk towards none and fades.
Half-years in which events stopped arrivals are left out and the others freed from the events' part,
so that a closure is not taken for a trend.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.config.schema.run import RunConfig
from sim.core.clock import calendar_month, month_index
from sim.studies.hindcast.entries import PastEntries
from sim.studies.hindcast.settings import ArrivalsPast

ITERATIONS: Final = 5

ENOUGH_A_YEAR: Final = 500.0
"""Channels with fewer people a year have no trend: their mean goes on."""

LEAST_OF_MEAN: Final = 0.2
"""Least entries of a half-year, as a share of the mean: balancing may leave one without any."""

ENOUGH_HALF_YEARS: Final = 4
"""With so many half-years since its law a channel has a trend of its own, not the law's plan."""


@dataclass(frozen=True)
class Trend:
    """What is believed of one channel at the origin.

    level    persons a year at the origin, logarithm
    growth   of the logarithm, a year
    root     float64[2, 2]: level and growth = mean + root @ standard normals
    noise    standard deviation of the change of the logarithm in a year, drift apart
    seen     how many half-years say so
    """

    level: float
    growth: float
    root: np.ndarray
    noise: float
    seen: int


def trends(config: RunConfig, past: PastEntries, settings: ArrivalsPast) -> dict[str, Trend]:
    """Channel -> trend, for channels that have entries, or a plan of the law."""
    out = {}
    for name in config.arrivals.channels:
        rates, ages, second = _halves(past, config.country.statuses.index(name), settings)
        begun = _years_of_law(config, name, past.ends[-1])
        seen = ages / 2 < begun - 1 if begun is not None else np.ones(ages.size, np.bool_)
        plan = settings.plans.get(name)
        if plan is not None and seen.sum() < ENOUGH_HALF_YEARS and begun is not None and begun > 0:
            out[name] = _certain(plan.level, settings.noise_sd.value)
        elif rates[seen].sum() > 0:
            out[name] = fitted_trend(rates[seen], ages[seen], second[seen], settings)
    return out


def _halves(
    past: PastEntries, s: int, settings: ArrivalsPast
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each usable half-year, the last first: persons a year, freed from events; how many
    half-years ago it was, 0 the last; whether it is a second half."""
    entries, factor = 2 * past.entries[::-1, s], past.factor[::-1, s]
    second = np.array([calendar_month(end) == 12 for end in past.ends[::-1]])
    usable = factor >= settings.open_share
    ages = np.flatnonzero(usable).astype(float)
    return entries[usable] / factor[usable], ages, second[usable]


def _years_of_law(config: RunConfig, name: str, origin: int) -> float | None:
    """Years for which a channel has been open at the origin; None: it always was."""
    channel, status = config.arrivals.channels[name], config.status[name]
    since = [month_index(m) for m in (channel.since, status.since) if m is not None]
    return (origin - max(since) + 1) / 12 if since else None


def _certain(level: float, noise: float) -> Trend:
    return Trend(math.log(level), 0.0, np.diag([noise, 0.0]), noise, 0)


def fitted_trend(
    rates: np.ndarray, ages: np.ndarray, second: np.ndarray, settings: ArrivalsPast
) -> Trend:
    """The trend of one channel: a random walk with drift in the logarithm.

    rates  float64[H]  persons a year;  ages  float64[H]  half-years before the last, ascending
    second bool[H]     whether it is the second half of a year

    A step over d half-years is normal around d * drift with variance d * q. The drift is normal
    around none beforehand; q is estimated with `noise_years` of prior data.
    """
    if rates[:2].mean() < ENOUGH_A_YEAR:
        return _certain(max(float(rates.mean()), 1.0), 2 * settings.noise_sd.value)
    y = np.log(np.maximum(rates, LEAST_OF_MEAN * rates.mean()))
    season = _season(y, ages, second)
    y = y - np.where(second, season, -season)
    steps, gaps = y[:-1] - y[1:], np.diff(ages)
    n, before = 2 * settings.noise_years, settings.noise_sd.value**2 / 2
    q, drift, precision = before, 0.0, 0.0
    for _ in range(ITERATIONS):
        precision = gaps.sum() / q + (settings.growth_sd.value / 2) ** -2
        drift = float(steps.sum() / q / precision)
        rest = float((((steps - drift * gaps) ** 2) / gaps).sum())
        q = min((n * before + rest) / (n + steps.size), settings.noise_limit**2 / 2)
    limit = settings.growth_limit.value
    growth, unsure = min(max(2 * drift, -limit), limit), 2 / math.sqrt(precision)
    # The middle of the last usable half-year lies a quarter of a year and its age before the
    # origin. The walk's end differs from its mean over that half-year by a third of a step.
    away = 0.25 + ages[0] / 2
    root = np.array([[math.sqrt(q * (1 / 3 + ages[0])), away * unsure], [0.0, unsure]])
    whole_year = math.log(math.cosh(season))  # the mean of both halves is above their geometric one
    return Trend(float(y[0]) + whole_year + away * growth, growth, root, math.sqrt(2 * q),
                 rates.size)  # fmt: skip


def _season(y: np.ndarray, ages: np.ndarray, second: np.ndarray) -> float:
    """How far the logarithm of second halves lies above the year's middle, and of first below.

    Each second half is held against the first halves beside it. One year without any season counts
    with those that are seen.
    """
    found = dict(zip(ages.tolist(), y.tolist(), strict=True))
    above = []
    for age in ages[second].tolist():
        beside = [found[other] for other in (age - 1, age + 1) if other in found]
        if beside:
            above.append(found[age] - math.fsum(beside) / len(beside))
    return math.fsum(above) / (len(above) + 1) / 2


def shock_sigma(noise: float) -> float:
    """Monthly step of a random walk that moves by `noise` in a year."""
    return noise / math.sqrt(12)
