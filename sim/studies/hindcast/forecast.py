"""The ensemble of one origin: balance the past, draw, project.

Members are 1, 2, ...; each draws its rates, balances the entries of the past under them (from the
central ones), continues its own channels, runs with its own random numbers and multiplies its
stocks by errors such as the model made before. Member 0, the central forecast, does none of that.
A member depends on the origin, its number and the seed alone, so it may be made in any order, or
again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd

from sim.agents.opening.people import open_population
from sim.agents.record import Record
from sim.config.schema.firms import Firms
from sim.config.schema.policy import FittedRates
from sim.config.schema.run import RunConfig
from sim.core.clock import HALF_YEAR, half_year_end, month_index, month_name
from sim.core.threads import use_threads
from sim.data.load import Data
from sim.model.model import Kyosei
from sim.model.opening import open_work, state_of
from sim.studies.calibration.entries import estimated_arrivals
from sim.studies.calibration.fit import Effort, Keeper, fit_past
from sim.studies.calibration.plan import FitPlan, load_plan
from sim.studies.draws import DEMAND, SUPPLY, Ensemble
from sim.studies.hindcast.demand import demand_known, recruiting
from sim.studies.hindcast.entries import Balancing, PastEntries, balance, prepare, with_family
from sim.studies.hindcast.known import Known
from sim.studies.hindcast.members import drawn_rates, with_trends
from sim.studies.hindcast.misfit import error_factors, past_errors, yearly_steps
from sim.studies.hindcast.settings import Hindcast, Request
from sim.studies.hindcast.told import not_told
from sim.studies.hindcast.trend import trends

COLUMNS: Final = ["events", "month", "member", "kind", "code", "people"]

MEMBER_ROUNDS: Final = 2
"""Rounds of balancing for a member, which begins at the central entries."""


class RatesOfMember(Protocol):
    """Where a member's rates come from; 0 is the central ones."""

    def __call__(self, member: int) -> RunConfig: ...


@dataclass(frozen=True)
class ForecastOrigin:
    """All that the members of one origin share."""

    request: Request
    known: Known
    horizon: int
    rates: RatesOfMember
    task: Balancing
    past: PastEntries  # under the central rates
    firms: Firms  # as they were known
    misfit: np.ndarray  # float64[S + 1]: yearly step of the error that staying and switching make
    given: pd.DataFrame | None  # entries after the origin, in conditional mode


def prior_rates(config: RunConfig, request: Request, settings: Hindcast) -> RatesOfMember:
    """Rates drawn from the ranges of the configuration, or its values as they are."""
    if request.rates == "configured":
        return lambda member: config
    since = month_index(config.country.first_month)
    flat = settings.flat_sd.value if request.rates == "flat" else None
    return lambda m: drawn_rates(config, settings.rate_sd, request.seed, m, since, flat)


def prepare_origin(
    request: Request, known: Known, horizon: int, rates: RatesOfMember, data: Data | None = None
) -> ForecastOrigin:
    """Prepare an origin.

    data  all tables, from which conditional mode takes the entries after the origin; in free mode
          it is not wanted, and nothing of it is looked at
    """
    central = rates(0)
    assert central.firms is not None
    firms = demand_known(central, known)
    task = prepare(central, known, request.scale)
    past = balance(task, central, known.settings.arrivals.rounds)
    given = None
    if request.mode == "conditional" and data is not None:
        dates = data["arrivals"]["date"]
        later = (dates > month_name(known.origin)) & (dates <= month_name(horizon))
        given = data["arrivals"][later]
    misfit = yearly_steps(past_errors(task, past, central), known.settings.misfit)
    return ForecastOrigin(request, known, horizon, rates, task, past, firms, misfit, given)


def simulate_member(origin: ForecastOrigin, member: int) -> pd.DataFrame:
    """Half-yearly people of one member by status, origin and prefecture: columns as COLUMNS.

    Member 0 is the central one: no draws, no shocks; its random numbers are those of replicate 0.
    Told of later events and not told, a member has the same draws; where nothing came later, both
    are one run.
    """
    config, data = member_inputs(origin, member)
    made: list[tuple[RunConfig, pd.DataFrame]] = []
    frames = []
    for events in origin.request.events:
        own = config if events == "told" else not_told(config, origin.known.origin, origin.horizon)
        frame = next((frame for other, frame in made if other == own), None)
        if frame is None:
            frame = _simulated(origin, own, data, member)
            made.append((own, frame))
        frames.append(frame.assign(events=events))
    return pd.concat(frames, ignore_index=True)[COLUMNS]


def _simulated(origin: ForecastOrigin, config: RunConfig, data: Data, member: int) -> pd.DataFrame:
    opening = open_population(config, data, origin.known.origin, config.scale)
    state = state_of(config, data, opening.columns, use_threads(config.threads))
    open_work(state, data)
    halves, statuses = (origin.horizon - origin.known.origin) // HALF_YEAR, config.country.statuses
    factor = error_factors(origin.misfit, statuses, origin.request.seed, member, halves)
    return people_table(Kyosei(config, state=state).run(), config, member, factor)


def member_inputs(origin: ForecastOrigin, member: int) -> tuple[RunConfig, Data]:
    """The run of one member: its configuration and the tables that it reads."""
    request, settings = origin.request, origin.known.settings.arrivals
    config, past = origin.rates(member), origin.past
    if member:
        past = balance(origin.task, config, MEMBER_ROUNDS, begin=past)
    config = with_family(config, past.family, month_index(config.country.first_month))
    config = config.model_copy(update={"firms": origin.firms, "seed": request.seed})
    config = Ensemble(config).member(member, (DEMAND, SUPPLY))
    config = with_trends(config, trends(config, past, settings), settings, request.seed, member)
    config = recruiting(config, origin.firms, origin.known)
    if request.mode == "conditional":
        config = config.model_copy(
            update={"arrivals": config.arrivals.model_copy(update={"mode": "conditional"})}
        )
    config = config.model_copy(
        update={
            "start": month_name(origin.known.origin),
            "end": month_name(origin.horizon),
            "scale": request.scale,
            "replicate": member,
            "threads": request.threads,
        }
    )
    statuses = config.country.statuses
    known = origin.known.with_arrivals(estimated_arrivals(past.entries, past.ends, statuses))
    return config, _with_given(known.data, origin.given)


def constant_rates(origin: ForecastOrigin) -> pd.DataFrame:
    """The baseline of constant rates: the central rates, and the entries of the last two years as
    they were counted, closed borders and all."""
    config, data = member_inputs(origin, 0)
    mean = origin.past.entries[-4:].sum(axis=0) / 2
    statuses = config.country.statuses
    channels = {
        name: channel.model_copy(update={"level": float(mean[statuses.index(name)]), "growth": 0.0})
        for name, channel in config.arrivals.channels.items()
    }
    arrivals = config.arrivals.model_copy(update={"channels": channels, "mode": "free"})
    config = config.model_copy(update={"arrivals": arrivals, "event": {}})
    opening = open_population(config, data, origin.known.origin, config.scale)
    state = state_of(config, data, opening.columns, use_threads(config.threads))
    return people_table(Kyosei(config, state=state).run(), config, 0)


def _with_given(data: Data, given: pd.DataFrame | None) -> Data:
    if given is None:
        return data
    arrivals = pd.concat([data["arrivals"], given], ignore_index=True)
    return data.with_tables(arrivals=arrivals)


def people_table(
    record: Record, config: RunConfig, member: int, factor: np.ndarray | None = None
) -> pd.DataFrame:
    """People at the half-years after the opening, weighted back by 1 / scale.

    factor  float64[H, S]  multiplies the people of each half-year and status
    """
    published = np.array([config.status[s].published for s in config.country.statuses])
    names = {
        "status": (config.country.statuses, (1, 2)),
        "origin": (config.country.origins, (0, 2)),
        "prefecture": (sorted(config.prefecture), (0, 1)),
    }
    halves = [
        (month, cube) for month, cube in zip(record.months, record.cubes, strict=True)
        if month > record.months[0] and half_year_end(month) == month
    ]  # fmt: skip
    times = np.ones((len(halves), published.size)) if factor is None else factor
    frames = []
    for (month, cube), by_status in zip(halves, times, strict=True):
        people = cube * (published * by_status)[:, None, None] / config.scale
        for kind, (codes, others) in names.items():
            frames.append(
                pd.DataFrame({"month": month_name(month), "member": member, "kind": kind,
                              "code": codes, "people": people.sum(axis=others)})
            )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def ensemble(
    origin: ForecastOrigin,
    members: range,
    kept: Callable[[int, Callable[[], pd.DataFrame]], pd.DataFrame],
) -> pd.DataFrame:
    """All members; `kept(member, make)` gives what was kept of a member, or makes and keeps it."""
    frames = [kept(m, lambda m=m: simulate_member(origin, m)) for m in members]  # type: ignore[misc]
    return pd.concat(frames, ignore_index=True)


QUICK: Final = Effort(slopes=0.03, early=0.05, late=0.1)
"""Smaller runs than those of `kyosei calibrate`: there is a fit for each origin."""


def fitted_rates(
    config: RunConfig, known: Known, keeper: Keeper, say: Callable[[str], None],
    effort: Effort = QUICK,
) -> RatesOfMember:  # fmt: skip
    """Member m takes the m-th draw of the fit's uncertainty; 0 takes its centre.

    The tables of `known` are all that the fit sees. What it says of arrivals after the origin is
    left out: levels and growth come from the member's own past. Raises DataError if the fit asks
    for numbers that became known later.
    """
    plan = flat_plan(load_plan(config), known.settings.flat_sd.value)
    fit = fit_past(
        config, known.data, until=known.origin, plan=plan, effort=effort, keeper=keeper, say=say
    )

    def rates(member: int) -> RunConfig:
        return config.model_copy(update={"fit": of_the_past(fit.section(member), known.origin)})

    return rates


def flat_plan(plan: FitPlan, sd: float) -> FitPlan:
    """The plan with every parameter's prior at least so wide: those of configs/calibration rest on
    ranges and qualities that were given with later figures in view."""
    wide = {
        name: parameter.model_copy(update={"sd": max(parameter.sd or sd, sd)})
        for name, parameter in plan.parameters.items()
    }
    return plan.model_copy(update={"parameters": wide})


def of_the_past(fit: FittedRates, origin: int) -> FittedRates:
    """The fit without edits that begin after the origin."""
    edits = {name: e for name, e in fit.edits.items() if month_index(e.since) <= origin}
    return fit.model_copy(update={"edits": edits})
