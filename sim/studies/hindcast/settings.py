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
from sim.core.clock import month_index
from sim.core.errors import ConfigError
from sim.studies.settings import load_settings

Mode = Literal["free", "conditional"]
RateSource = Literal["fitted", "prior", "configured"]


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


class Scores(Strict):
    """What is scored."""

    levels: list[Share]
    groups: dict[Code, list[Code]]
    reference: Code


class Hindcast(Strict):
    """The file configs/hindcast/COUNTRY.yaml."""

    origins: dict[Month, Month]
    members: Annotated[StrictInt, Field(ge=1, le=1000)]
    scale: Annotated[Number, Field(gt=0, le=1)]
    known: KnownRules
    register_lead: Annotated[StrictInt, Field(ge=0, le=12)]
    arrivals: ArrivalsPast
    misfit: Misfits
    rate_sd: dict[Quality, Positive]  # of the logarithm, where a rate has no range
    scores: Scores


@dataclass(frozen=True)
class Request:
    """One call of `kyosei hindcast`."""

    origins: dict[str, str]  # origin -> horizon
    members: int
    scale: float
    mode: Mode
    rates: RateSource
    seed: int
    output: str
    threads: int | None
    overrides: tuple[str, ...]  # settings of the model


WORDS: Final = {
    "origin": "months to look from, a+b+c; all of configs/hindcast if not given",
    "horizon": "last month projected",
    "members": "runs of the ensemble",
    "scale": "share of the people simulated",
    "mode": "free, or conditional: entries are given",
    "rates": "prior (drawn from their ranges), fitted (to what was known) or configured",
    "seed": "luck and draws",
    "output": "folder for the results",
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
    rest = tuple(word for word in words if word.partition("=")[0] not in WORDS)
    problems: list[str] = []
    origins = _origins(own, settings, problems)
    mode, rates = own.get("mode", "free"), own.get("rates", "prior")
    if mode not in ("free", "conditional"):
        problems.append(f"mode = {mode}\n    write free or conditional")
    if rates not in ("fitted", "prior", "configured"):
        problems.append(f"rates = {rates}\n    write fitted, prior or configured")
    members = _whole("members", own.get("members", str(settings.members)), 1, problems)
    seed = _whole("seed", own.get("seed", "0"), 0, problems)
    threads = _whole("threads", own["threads"], 1, problems) if "threads" in own else None
    scale = _share("scale", own.get("scale", str(settings.scale)), problems)
    if problems:
        raise ConfigError(problems)
    output = own.get("output", "hindcasts")
    return Request(origins, members, scale, mode, rates, seed, output, threads, rest)  # type: ignore[arg-type]


def _origins(own: dict[str, str], settings: Hindcast, problems: list[str]) -> dict[str, str]:
    wanted = own["origin"].split("+") if "origin" in own else list(settings.origins)
    out = {}
    for origin in wanted:
        horizon = own.get("horizon", settings.origins.get(origin, ""))
        try:
            if month_index(origin) >= month_index(horizon):
                problems.append(f"horizon = {horizon}\n    lies before the origin {origin}")
        except ValueError as error:
            known = ", ".join(settings.origins)
            problems.append(f"origin = {origin}, horizon = {horizon}\n    {error}; known: {known}")
        out[origin] = horizon
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
