"""What a calibration may move and what it is held to: configs/calibration/COUNTRY.yaml, checked.

A parameter multiplies baseline rates, shares or numbers of firms, for good or period by period; a
target is a published flow or stock and the model's own quantity beside it. Stocks by status,
entries by channel and workers by tier are targets by themselves and need no line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, StrictBool, StrictStr

from sim.config.fates import all_fates
from sim.config.paths import parameters_known
from sim.config.schema.base import (
    RANGE_SDS,
    Code,
    Month,
    Number,
    Positive,
    Quality,
    Strict,
    Value,
)
from sim.config.schema.policy import Edit
from sim.config.schema.run import Fate, RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError
from sim.studies.settings import load_settings

Spread = Annotated[Number, Field(gt=0)]


class Parameter(Strict):
    """A multiplier, to be estimated. Log-normal around 1, or around the event's size."""

    paths: list[StrictStr] = []
    event: StrictStr | None = None  # EVENT.EDIT: its paths and dates, and its size as the median
    since: Month | None = None
    until: Month | None = None
    periods: list[Month] = []  # each begins a multiplier of its own that follows the one before
    sd: Spread | None = None  # of the logarithm; None: from low..high of the number, or its quality
    step: Spread | None = 0.15  # of the logarithm, from one period to the next; None: each is alone
    reason: StrictStr


class Target(Strict):
    """Rows of a data table and what they are compared with: flows of a year, or a stock."""

    table: Code
    rows: dict[StrictStr, StrictStr | list[StrictStr]] = {}  # column -> value, or any of values
    flows: list[StrictStr] = []  # globs over STATUS.OCCASION.FATE, summed over the year
    stock: Code | None = None  # status whose people are counted instead
    born: StrictBool = False  # or births of residents' children
    sd: dict[Quality, Spread] = {}  # relative error; else that of the plan


class Stocks(Strict):
    """How well published stocks, or workers, must be met: what the model's shape leaves open."""

    sd: Spread  # share of the stock
    floor: Positive  # people


class Entries(Strict):
    """What is believed of arrivals: published years, and how steady the others are."""

    step: Spread  # change from the same half a year before, share of the channel's mean
    closed: Spread  # so many times that while an event edits arrivals
    split: Spread  # how a published year may fall into halves, share of the half


class FitPlan(Strict):
    """One calibration."""

    start: Month
    stocks: Stocks
    workers: Stocks  # of tiers whose statuses ask for a job, each October
    entries: Entries
    sd: dict[Quality, Spread]  # relative error of a published number, by its quality
    prior_sd: dict[Quality, Spread]  # of a rate's logarithm, where no range is given
    parameters: dict[Code, Parameter]
    targets: dict[Code, Target]


@dataclass(frozen=True)
class Knob:
    """One number to be estimated: the logarithm of a multiplier in one period."""

    name: str
    edit: Edit  # its paths and dates
    median: float  # multiplier before the data
    sd: float  # of the logarithm: around the median, or around the knob it follows
    follows: int  # knob of the period before, -1 if it is the first
    reason: str
    event: str | None = None


def load_plan(config: RunConfig) -> FitPlan:
    """The plan of a country, configs/calibration/COUNTRY.yaml. Raises ConfigError."""
    return load_settings(FitPlan, "calibration", config.country.name)


def knobs(config: RunConfig, plan: FitPlan, first: int, last: int) -> list[Knob]:
    """All numbers to be estimated from months first..last; periods that begin later are dropped.

    The last period known has no end, so that it goes on into the future.
    """
    numbers: dict[str, Fate | Value] = {
        f"{s}.{where}.{name}": fate for s, where, name, _, fate in all_fates(config)
    }
    numbers |= parameters_known(config)
    out: list[Knob] = []
    for name, parameter in plan.parameters.items():
        out += _knobs(config, plan, numbers, name, parameter, len(out), (first, last))
    return out


def _knobs(
    config: RunConfig, plan: FitPlan, numbers: Mapping[str, Fate | Value], name: str,
    parameter: Parameter, count: int, span: tuple[int, int],
) -> list[Knob]:  # fmt: skip
    paths, since, until, median = parameter.paths, parameter.since, parameter.until, 1.0
    if parameter.event is not None:
        event, _, key = parameter.event.partition(".")
        edit = config.event[event].edits[key]
        paths, since, until, median = edit.paths, edit.since, edit.until, edit.multiply or 1.0
    known = [path for path in numbers if any(fnmatchcase(path, glob) for glob in paths)]
    if not known:
        raise ConfigError(f"calibration parameter {name} matches nothing: {paths}")
    sd = parameter.sd or _prior_sd(plan, [numbers[path] for path in known])
    begins = sorted(month_index(m) for m in parameter.periods)
    begins = begins or [month_index(since) if since is not None else span[0]]
    begins = [begin for begin in begins if begin < span[1]]
    out: list[Knob] = []
    for k, begin in enumerate(begins):
        end = month_name(begins[k + 1] - 1) if k + 1 < len(begins) else until
        dates = Edit(paths=paths, since=month_name(begin), until=end, multiply=1.0)
        own = (
            f"{name}_{month_name(begin).replace('-', '_')}" if len(parameter.periods) > 1 else name
        )
        follows = count + k - 1 if k and parameter.step is not None else -1
        spread = parameter.step if follows >= 0 and parameter.step is not None else sd
        out.append(Knob(own, dates, median, spread, follows, parameter.reason, parameter.event))
    return out


def _prior_sd(plan: FitPlan, numbers: list[Fate | Value]) -> float:
    """From low..high where every number gives it, else by quality; the widest of them."""
    return max(
        math.log(number.high / number.low) / RANGE_SDS
        if number.low and number.high
        else plan.prior_sd[number.quality]
        for number in numbers
    )
