"""What a hindcast is told: configs/hindcast/COUNTRY.yaml and the words of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, StrictInt, StrictStr

from sim.config.schema.base import (
    Code,
    Month,
    Number,
    Positive,
    Provenance,
    Quality,
    Share,
    Strict,
    Value,
)
from sim.core.clock import half_year_end, month_index, month_name
from sim.core.errors import ConfigError
from sim.studies.settings import load_settings

Mode = Literal["free", "conditional"]
RateSource = Literal["fitted", "flat", "prior", "configured"]

Told = Literal["told", "not_told"]
"""Whether members know the dates and sizes of events and laws that came after the origin."""

EVENTS: Final[tuple[Told, ...]] = ("told", "not_told")


class KnownRules(Strict):
    """When the rows of each table were known. A table that no rule names is left out."""

    date: list[Code]  # column `date`
    year: list[Code]  # column `year`, and `period` where there is one
    year_columns: list[Code]  # columns y2013, y2014 ...: 1 January
    published: dict[Code, Month]  # the whole table, from this month
    always: dict[Code, list[StrictStr]]  # definitions; of the columns only these, if any are named
    never: list[Code]


class LawPlan(Provenance):
    """Entries a year from abroad that a law foresaw."""

    level: Positive
    years: Annotated[StrictInt, Field(ge=1)]


class ArrivalsPast(Strict):
    """How entries before the origin are estimated and continued."""

    balanced_years: Positive
    rounds: Annotated[StrictInt, Field(ge=1, le=50)]
    damping: Share
    fade: Value
    growth_sd: Value
    growth_limit: Value
    noise_sd: Value
    noise_years: Positive
    noise_limit: Positive
    open_share: Share
    plans: dict[Code, LawPlan]


class Misfits(Strict):
    """What is believed of the errors of staying and switching before they are looked at."""

    looks: Positive  # looks back by which all statuses together weigh for each
    common: Value  # step of the error that all statuses share, before any look back


class Scores(Strict):
    """What is scored."""

    levels: list[Share]
    point: Literal["central", "median"]  # the model's point forecast: the run without draws, or the
    # median of the members that draw
    statuses: dict[Code, list[Code]]  # stages and small statuses that count as one
    groups: dict[Code, list[Code]]  # groups as the country's configuration names them
    origins: list[Code]


class Stacking(Strict):
    """The model and its rivals together."""

    forecasters: list[Code]
    looks: Positive  # origins like which the weights below, and widths as they are, weigh
    weights: dict[float, dict[Code, Share]]  # by years, before anything is learnt


class Hindcast(Strict):
    """The file configs/hindcast/COUNTRY.yaml."""

    rule_origins: list[Month]  # rules of the forecast may be chosen by these alone
    judging_origins: list[Month]  # and these judge
    horizons: list[Positive]  # years
    until: Month  # last half-year that is scored
    members: Annotated[StrictInt, Field(ge=1, le=1000)]
    scale: Annotated[Number, Field(gt=0, le=1)]
    known: KnownRules
    register_lead: Annotated[StrictInt, Field(ge=0, le=12)]
    arrivals: ArrivalsPast
    misfit: Misfits
    rate_sd: dict[Quality, Positive]  # of the logarithm, where a rate has no range
    flat_sd: Value  # of every rate's logarithm, if rates are flat, and before a fit
    stacking: Stacking
    scores: Scores

    def all_origins(self) -> list[str]:
        """Rule origins and judging origins, in order."""
        return sorted([*self.rule_origins, *self.judging_origins])


@dataclass(frozen=True)
class Request:
    """One call of `kyosei hindcast`."""

    origins: dict[str, str]  # origin -> last month projected
    members: int
    scale: float
    mode: Mode
    rates: RateSource
    events: tuple[Told, ...]
    seed: int
    output: str
    threads: int | None
    overrides: tuple[str, ...]  # settings of the model
    launcher: tuple[str, ...] = ()  # settings of Hydra's launcher
    finished: str | None = None  # folder of finished origins that are scored


WORDS: Final = {
    "origin": "months to look from, a+b+c, or rule, or judging; all of configs/hindcast otherwise",
    "horizon": "last month projected; the longest horizon of configs/hindcast if not given",
    "members": "runs of the ensemble",
    "scale": "share of the people simulated",
    "mode": "free, or conditional: entries are given",
    "rates": "fitted (to what was known), flat, prior (drawn from their ranges) or configured",
    "events": "told, not_told, or both as told+not_told: events and laws after the origin",
    "seed": "random numbers and draws",
    "output": "folder for the results",
    "finished": "folder of finished origins: they are scored, and none is made",
    "threads": "how many threads; all cores if not given",
}


def load_hindcast(country: str) -> Hindcast:
    """The settings of a country, configs/hindcast/COUNTRY.yaml. Raises ConfigError."""
    return load_settings(Hindcast, "hindcast", country)


def request_of(words: Sequence[str], settings: Hindcast) -> Request:
    """What the words ask for; those that are not ours are settings of the model.

    Raises ConfigError with every problem found.
    """
    own = {key: value for key, _, value in (w.partition("=") for w in words) if key in WORDS}
    rest = [word for word in words if word.partition("=")[0] not in WORDS]
    launcher = tuple(word for word in rest if word.startswith("hydra"))
    problems: list[str] = []
    origins = _origins(own, settings, problems)
    mode, rates = own.get("mode", "free"), own.get("rates", "flat")
    if mode not in ("free", "conditional"):
        problems.append(f"mode = {mode}\n    write free or conditional")
    if rates not in ("fitted", "flat", "prior", "configured"):
        problems.append(f"rates = {rates}\n    write fitted, flat, prior or configured")
    events = tuple(own.get("events", "+".join(EVENTS)).split("+"))
    if not set(events) <= set(EVENTS):
        problems.append(f"events = {own['events']}\n    write told, not_told or told+not_told")
    members = _whole("members", own.get("members", str(settings.members)), 1, problems)
    seed = _whole("seed", own.get("seed", "0"), 0, problems)
    threads = _whole("threads", own["threads"], 1, problems) if "threads" in own else None
    scale = _share("scale", own.get("scale", str(settings.scale)), problems)
    if problems:
        raise ConfigError(problems)
    output = own.get("output", "hindcasts")
    overrides = tuple(word for word in rest if word not in launcher)
    return Request(
        origins, members, scale, mode, rates, events, seed, output, threads,  # type: ignore[arg-type]
        overrides, launcher, own.get("finished"),
    )  # fmt: skip


def _origins(own: dict[str, str], settings: Hindcast, problems: list[str]) -> dict[str, str]:
    sets = {"rule": settings.rule_origins, "judging": settings.judging_origins}
    asked = own.get("origin")
    if asked is None:
        wanted = settings.all_origins()
    else:
        wanted = [month for word in asked.split("+") for month in sets.get(word, [word])]
    longest, last = round(12 * max(settings.horizons)), month_index(settings.until)
    out = {}
    for origin in wanted:
        horizon = own.get("horizon", settings.until)
        try:
            begin = month_index(origin)
            end = month_index(horizon)
            if "horizon" not in own:
                end = min(begin + longest, last)
            if begin != half_year_end(begin):
                problems.append(f"origin = {origin}\n    write a half-year's end, June or December")
            elif begin >= end:
                problems.append(f"horizon = {horizon}\n    lies before the origin {origin}")
            out[origin] = month_name(end)
        except ValueError as error:
            known = ", ".join(settings.all_origins())
            problems.append(f"origin = {origin}, horizon = {horizon}\n    {error}; known: {known}")
    return out


def _whole(name: str, text: str, least: int, problems: list[str]) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least:
        return int(text)
    problems.append(f"{name} = {text}\n    write a whole number from {least}")
    return least


def _share(name: str, text: str, problems: list[str]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        problems.append(f"{name} = {text}\n    write a number above 0, at most 1")
    return value
