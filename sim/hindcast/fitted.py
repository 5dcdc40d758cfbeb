"""Rates fitted to what was known at the origin: the calibration, told nothing later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.calibration.fit import Effort, Keeper, fit_past
from sim.clock import month_index
from sim.hindcast.forecast import Rates
from sim.hindcast.known import Known
from sim.schema import RunConfig
from sim.schema_fit import FittedRates

QUICK: Final = Effort(slopes=0.03, early=0.05, late=0.1)
"""Smaller runs than those of `kyosei calibrate`: there is a fit for each origin."""


def fitted_rates(
    config: RunConfig, known: Known, keeper: Keeper, say: Callable[[str], None],
    effort: Effort = QUICK,
) -> Rates:  # fmt: skip
    """Member m takes the m-th draw of the fit's uncertainty; 0 takes its centre.

    The tables of `known` are all that the fit sees. What it says of arrivals after the origin is
    left out: levels and growth come from the member's own past. Raises DataError if the fit asks
    for numbers that became known later.
    """
    fit = fit_past(
        config, known.data, until=known.origin, effort=effort, keeper=keeper, say=say
    )  # fmt: skip

    def rates(member: int) -> RunConfig:
        return config.model_copy(update={"fit": of_the_past(fit.section(member), known.origin)})

    return rates


def of_the_past(fit: FittedRates, origin: int) -> FittedRates:
    """The fit without edits that begin after the origin."""
    edits = {name: e for name, e in fit.edits.items() if month_index(e.since) <= origin}
    return fit.model_copy(update={"edits": edits})
