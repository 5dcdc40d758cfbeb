"""One member of the ensemble: drawn rates, and channels that go on from its own past.

A draw is a function of (seed, member, name of the number), as all random numbers are; member 0 is
the central one, without draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.special import ndtri

from sim.config.schema.base import RANGE_SDS, Quality
from sim.config.schema.policy import Edit
from sim.config.schema.run import Channel, Fate, RunConfig
from sim.core.clock import month_name
from sim.core.rng import identity, unit, word_of
from sim.core.sums import product
from sim.studies.hindcast.settings import ArrivalsPast
from sim.studies.hindcast.trend import Trend, shock_sigma

TAG: Final = np.uint64(0x68696E64)


def normal(seed: int, member: int, name: str) -> float:
    """A standard normal number: a function of its arguments; 0 for member 0."""
    if member == 0:
        return 0.0
    word = identity(TAG, np.uint64(word_of(name)), np.uint64(member), np.uint64(seed))
    return float(ndtri(unit(np.uint64(word))))


def drawn_rates(
    config: RunConfig, spread: dict[Quality, float], seed: int, member: int, since: int,
    flat: float | None = None,
) -> RunConfig:  # fmt: skip
    """The configuration with every rate and share of the statuses drawn, log-normal: the value is
    the median.

    low..high of a number is its 80 % interval; a number without a range varies by `spread`, the
    standard deviation of the logarithm by quality. With `flat` all vary by that: ranges and
    qualities cite what became known later. Shares stay below 1.
    """
    if member == 0:
        return config
    edits = dict(config.scenario.edits)
    for path, fate in own_fates(config):
        value = fate.rate if fate.rate is not None else fate.share
        sd = flat or _log_sd(fate, spread)
        factor = _factor(fate, value, sd, normal(seed, member, path)) if value else 1.0
        if factor != 1.0:
            since_month = month_name(since)
            edits[f"draw_{len(edits)}"] = Edit(paths=[path], since=since_month, multiply=factor)
    scenario = config.scenario.model_copy(update={"edits": edits})
    return config.model_copy(update={"scenario": scenario})


def _log_sd(fate: Fate, spread: dict[Quality, float]) -> float:
    """Standard deviation of the logarithm of a rate or share."""
    if fate.low and fate.high and fate.low < fate.high:
        return math.log(fate.high / fate.low) / RANGE_SDS
    return spread[fate.quality]


def _factor(fate: Fate, value: float, sd: float, z: float) -> float:
    """What the draw z multiplies the value by; the value is the median of the draws."""
    factor = math.exp(sd * z)
    return min(factor, 1.0 / value) if fate.share is not None else factor


def own_fates(config: RunConfig) -> Iterator[tuple[str, Fate]]:
    """Paths of the statuses' own fates, those of families left out."""
    for name, status in config.status.items():
        for occasion in ("monthly", "at_end", "at_limit"):
            for fate_name, fate in getattr(status, occasion).items():
                yield f"{name}.{occasion}.{fate_name}", fate


def with_trends(
    config: RunConfig, believed: dict[str, Trend], settings: ArrivalsPast, seed: int, member: int
) -> RunConfig:
    """The configuration with every channel's level, growth and shocks as believed at the origin.

    A channel of which nothing was known at the origin is closed, unless a later law opens it.
    """
    channels = {
        name: _channel(channel, believed.get(name), settings, name, seed, member)
        for name, channel in config.arrivals.channels.items()
    }
    update = {"channels": channels, "mode": "free", "shocks": member > 0}
    return config.model_copy(update={"arrivals": config.arrivals.model_copy(update=update)})


def _channel(
    channel: Channel, trend: Trend | None, settings: ArrivalsPast, name: str, seed: int, member: int
) -> Channel:
    if trend is None:
        return channel.model_copy(update={"level": 0.0, "growth": 0.0})
    z = np.array([normal(seed, member, f"{what}.{name}") for what in ("level", "growth")])
    level, growth = np.array([trend.level, trend.growth]) + product(trend.root, z)
    limit = settings.growth_limit.value
    return channel.model_copy(
        update={
            "level": math.exp(level),
            "growth": math.expm1(min(max(growth, -limit), limit)),
            "fade": settings.fade.value,
            "phi": 1.0,
            "sigma": shock_sigma(trend.noise),
        }
    )
