"""How entries go on after the origin: level, growth that fades, shocks, from the years before it.

The logarithm of a channel's yearly entries is a random walk with drift, as forecasts of inflows
have it: the last year is the level, the drift is shrunk towards none and fades. Years in which
events stopped arrivals are left out and the others freed from the events' part, so that a closure
is not taken for a trend.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.clock import month_index
from sim.hindcast.past import Past
from sim.hindcast.settings import ArrivalsPast
from sim.schema import RunConfig

ROUNDS: Final = 5
FEW: Final = 500.0
"""Channels with fewer people a year have no trend: their mean goes on."""
LEAST: Final = 0.2
"""Balancing may leave a year without entries; it counts as this share of the mean year."""


@dataclass(frozen=True)
class Trend:
    """What is believed of one channel at the origin.

    level    persons a year at the origin, logarithm
    growth   of the logarithm, a year
    root     float64[2, 2]: level and growth = mean + root @ standard normals
    noise    standard deviation of a year's logarithm around its trend
    years    how many years say so
    """

    level: float
    growth: float
    root: np.ndarray
    noise: float
    years: int


def trends(config: RunConfig, past: Past, settings: ArrivalsPast) -> dict[str, Trend]:
    """Channel -> trend, for channels that have entries, or a plan of the law."""
    out = {}
    for name in config.arrivals.channels:
        s = config.country.statuses.index(name)
        rates, ages = _years(past, s, settings)
        begun = _years_of_law(config, name, past.ends[-1])
        seen = ages < begun - 1 if begun is not None else np.ones(ages.size, np.bool_)
        plan = settings.plans.get(name)
        if plan is not None and seen.sum() < 2 and begun is not None and begun > 0:
            out[name] = _certain(plan.level, settings.noise_sd.value)
        elif rates[seen].sum() > 0:
            out[name] = fitted(rates[seen], ages[seen], settings)
    return out


def _years(past: Past, s: int, settings: ArrivalsPast) -> tuple[np.ndarray, np.ndarray]:
    """Entries of each usable year freed from events, and how many years ago it was; 0 the last."""
    n = len(past.ends) // 2
    entries = past.entries[-2 * n :, s].reshape(n, 2).sum(axis=1)[::-1]
    factor = past.factor[-2 * n :, s].reshape(n, 2).mean(axis=1)[::-1]
    usable = factor >= settings.open_share
    return entries[usable] / factor[usable], np.flatnonzero(usable).astype(float)


def _years_of_law(config: RunConfig, name: str, origin: int) -> float | None:
    """Years for which a channel has been open at the origin; None: it always was."""
    channel, status = config.arrivals.channels[name], config.status[name]
    since = [month_index(m) for m in (channel.since, status.since) if m is not None]
    return (origin - max(since) + 1) / 12 if since else None


def _certain(level: float, noise: float) -> Trend:
    return Trend(math.log(level), 0.0, np.diag([noise, 0.0]), noise, 0)


def fitted(rates: np.ndarray, ages: np.ndarray, settings: ArrivalsPast) -> Trend:
    """The trend of one channel: a random walk with drift in the logarithm.

    rates  float64[Y]  persons a year;  ages  float64[Y]  years before the last year, ascending

    A step over d years is normal around d * growth with variance d * noise**2. Growth is normal
    around none beforehand; the noise is estimated with `noise_years` of prior data.
    """
    recent = float(rates[0])
    if recent < FEW:
        return _certain(max(float(rates.mean()), 1.0), 2 * settings.noise_sd.value)
    y = np.log(np.maximum(rates, LEAST * rates.mean()))
    steps, gaps = y[:-1] - y[1:], np.diff(ages)
    noise, growth, precision = settings.noise_sd.value, 0.0, settings.growth_sd.value**-2
    for _ in range(ROUNDS):
        precision = gaps.sum() / noise**2 + settings.growth_sd.value**-2
        growth = float(steps.sum() / noise**2 / precision)
        rest = float((((steps - growth * gaps) ** 2) / gaps).sum())
        prior = settings.noise_years * settings.noise_sd.value**2
        noise = math.sqrt((prior + rest) / (settings.noise_years + steps.size))
        noise = min(noise, settings.noise_limit)
    limit = settings.growth_limit.value
    growth = min(max(growth, -limit), limit)
    # The last year's middle lies half a year before the origin.
    root = np.array([[noise * math.sqrt(0.5), 0.5 / math.sqrt(precision)],
                     [0.0, 1 / math.sqrt(precision)]])  # fmt: skip
    return Trend(float(y[0]) + 0.5 * growth, growth, root, noise, rates.size)


def shock_sigma(noise: float, phi: float) -> float:
    """Innovation of a monthly AR(1) whose mean over a year varies by `noise`."""
    lags = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    share = float((phi**lags).mean())  # variance of the year's mean, of a month's
    return noise / math.sqrt(share) * math.sqrt(1 - phi**2)
