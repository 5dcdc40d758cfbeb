"""Firms at an origin: what was known of their demand, and how easily they recruit.

Growth of demand is estimated from the notifications known at the origin. How fast it returns to its
mean is not, since few changes do not tell it, nor the growth of sectors beyond the country's, which
begins as one for all. Sectors, sizes and places of firms are those of 2025, which hardly move how
many people come.
"""

from __future__ import annotations

import math
from typing import Final

from sim.agents.opening.firm_past import residents_at_work
from sim.config.schema.base import Value
from sim.config.schema.firms import Firms
from sim.config.schema.run import RunConfig
from sim.core.probability import MONTHS_PER_YEAR
from sim.studies.calibration.demand import estimate_demand
from sim.studies.calibration.estimate import Estimate
from sim.studies.hindcast.known import Known

MOST_SUCCESS: Final = 0.95

OPENED_ANEW: Final = 0.75
"""Success of recruiting for which as many are chosen in the first year as the channels have, over
the one at which the vacancies of the opening alone would do (of configs/firms, for 2025)."""


def demand_known(config: RunConfig, known: Known) -> Firms:
    """Firms that act, with their demand as the notifications known at the origin have it."""
    firms = config.firms
    assert firms is not None
    found = estimate_demand(config, known.data)
    now = max(found.latest, 0.0)
    sectors = {
        name: sector.model_copy(update={"growth": _value(sector.growth, now)})
        for name, sector in firms.sectors.items()
    }
    of_tiers = {**found.tiers, "programme": found.trainees}
    of_tiers |= dict.fromkeys(("skilled_1", "skilled_2"), found.skilled)
    tiers = {}
    for name, tier in firms.tiers.items():
        own = of_tiers.get(name, Estimate(0.0, 0.0))
        growth = _ranged(tier.growth, Estimate(now + own.value, own.sd))
        tiers[name] = tier.model_copy(update={"growth": growth})
    update = {"growth": _value(firms.growth, now), "sectors": sectors, "tiers": tiers}
    return firms.model_copy(update={**update, "active": True, "since": config.country.first_month})


def _value(value: Value, number: float) -> Value:
    return value.model_copy(update={"value": number})


def _ranged(value: Value, estimate: Estimate) -> Value:
    low, middle, high = (
        max(x, 0.0) for x in (estimate.range[0], estimate.value, estimate.range[1])
    )
    return value.model_copy(update={"value": middle, "low": low, "high": high})


def recruiting(config: RunConfig, central: Firms, known: Known) -> RunConfig:
    """The configuration with the success of recruiting at which firms begin to recruit as many as
    come by the channels' levels, times what a draw makes of the success of `central`."""
    firms = config.firms
    assert firms is not None
    vacancies = [sector.vacancies.value for sector in firms.sectors.values()]
    offered = math.fsum(vacancies) / len(vacancies) * (1.0 - firms.recruit.refused.value)
    success = {}
    for name, value in firms.recruit.success.items():
        channels = [
            config.arrivals.channels[status].level
            for status, tier in firms.tier_of.items()
            if tier == name and status in config.arrivals.channels
        ]
        at_work = residents_at_work(known.data, firms, name).get(known.origin, 0.0)
        if at_work > 0 and math.fsum(channels) > 0:
            needed = OPENED_ANEW * math.fsum(channels) / MONTHS_PER_YEAR / (at_work * offered)
            drawn = value.value / central.recruit.success[name].value
            value = _value(value, min(needed * drawn, MOST_SUCCESS))
        success[name] = value
    recruit = firms.recruit.model_copy(update={"success": success})
    return config.model_copy(update={"firms": firms.model_copy(update={"recruit": recruit})})
