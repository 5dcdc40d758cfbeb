"""One member of the ensemble: drawn rates, and channels that go on from its own past.

A draw is a function of (seed, member, name of the number), like all luck; member 0 is the central
one, without draws.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import ndtri

from sim.clock import month_name
from sim.hindcast.settings import ArrivalsPast
from sim.hindcast.trend import Trend, shock_sigma
from sim.rng import identity, unit
from sim.schema import Channel, Edit, Fate, RunConfig
from sim.tables import word_of

TAG: Final = np.uint64(0x68696E64)
RANGE_SDS: Final = 2 * 1.6449
"""low..high of a number is read as its 90 % interval: so many standard deviations wide."""


def normal(seed: int, member: int, name: str) -> float:
    """A standard normal number: a function of its arguments; 0 for member 0."""
    if member == 0:
        return 0.0
    word = identity(TAG, np.uint64(word_of(name)), np.uint64(member), seed)
    return float(ndtri(unit(word)))


def drawn_rates(config: RunConfig, seed: int, member: int, since: int) -> RunConfig:
    """The configuration with every rate that has a range drawn from it (log-normal, cut at it)."""
    edits = dict(config.scenario.edits)
    for path, fate in _ranged(config):
        value = fate.rate if fate.rate is not None else fate.share
        low, high = fate.low, fate.high
        if member and value and low and high and low < high and low <= value <= high:
            spread = math.log(high / low) / RANGE_SDS
            drawn = value * math.exp(spread * normal(seed, member, path))
            drawn = min(max(drawn, low), high)
            name = f"draw_{len(edits)}"
            edits[name] = Edit(paths=[path], since=month_name(since), multiply=drawn / value)
    scenario = config.scenario.model_copy(update={"edits": edits})
    return config.model_copy(update={"scenario": scenario})


def _ranged(config: RunConfig) -> list[tuple[str, Fate]]:
    """Paths of the statuses' own fates with their ranges."""
    return [
        (f"{name}.{occasion}.{fate_name}", fate)
        for name, status in config.status.items()
        for occasion in ("monthly", "at_end", "at_limit")
        for fate_name, fate in getattr(status, occasion).items()
        if fate.low is not None and fate.high is not None
    ]


def continued(
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
    level, growth = np.array([trend.level, trend.growth]) + trend.root @ z
    limit = settings.growth_limit.value
    return channel.model_copy(
        update={
            "level": math.exp(level),
            "growth": math.expm1(min(max(growth, -limit), limit)),
            "fade": settings.fade.value,
            "phi": settings.phi.value,
            "sigma": shock_sigma(trend.noise, settings.phi.value),
        }
    )
