"""Cases of levers: what the law does to whom in which month, asked of the model's own tables.

A file `configs/policy/COUNTRY/cases/LEVER.yaml` says in `reference` where the law is written, and
has a list of `cases`:

    says       the case in one sentence
    reference  where that is written, if it is elsewhere
    month      YYYY-MM
    scenario   a scenario by name; if none is named, the law of 2025 and this lever
    beside     other levers that are pulled, too
    settings   of the lever, as on the command line: {variant: ..., level: ..., use.fee: ...}
    person     who is meant: status, and what else matters; see `Person`
    of         what is asked: a path such as monthly.permanent (of the person's status),
               monthly.permanent.grant, arrivals.student, town.link.share, or rule.fee;
               permits.first and permits.renewed: the share of the person's permit_months
    and one of
    may        whether it can happen at all
    is         the rate a year, share, probability, parameter or dated value of a rule
    times      the same relative to the same month without the lever
    most       the cap on arrivals (`per`: stock, year or growth); none if there is no cap

What a case does not say of a person is left out of the product, as if it had the factor 1; where
that could hide what the lever does, `evaluate` raises ValueError and asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import pytest
import yaml
from pydantic import Field, StrictBool, StrictInt, StrictStr

from sim.config.compose import compose
from sim.config.factors import AGES, ARREARS_BITS, FACTORS, SEXES
from sim.config.levers import set_levers
from sim.config.paths import ARRIVALS, GRANT
from sim.config.schema.base import Code, Month, Number, Strict
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.core.clock import month_index
from sim.data.load import load
from sim.policies.ratebook import InForce, RateBook
from sim.rates.places import load_places
from sim.rates.tables import Rates, build, table_size

LAW: Final = "baseline_2025"
RULE: Final = "rule."
PERMITS: Final = "permits."
NEAR: Final = 1e-3
"""Relative difference allowed: expected numbers are written with four digits."""
LEVELS: Final = ("none", "A1", "A2", "B1", "B2")
SUPPORT: Final = ("none", "basic", "one_stop", "leading")
HELP: Final = {"language": 1, "guidance": 2, "housing": 4}
Text = Annotated[StrictStr, Field(min_length=1)]


class Person(Strict):
    """Who is meant. Years and months are completed ones."""

    status: Code
    stage: Code | None = None
    origin: Code | None = None
    sex: Literal["F", "M"] | None = None
    age: StrictInt | None = None
    years_in_status: StrictInt | None = None
    years_resident: StrictInt | None = None
    counting_years: StrictInt | None = None
    permit_months: StrictInt | None = None
    permit_age: StrictInt | None = None
    months_without_job: StrictInt | None = None
    language: Literal["none", "A1", "A2", "B1", "B2"] | None = None
    arrears: list[Literal["nhi", "pension", "tax"]] | None = None
    employed: StrictBool | None = None
    firm_support: list[Literal["language", "guidance", "housing"]] | None = None
    town_support: Literal["none", "basic", "one_stop", "leading"] | None = None
    norms: StrictBool | None = None  # has taken the programme
    linked: StrictBool | None = None  # the municipality has joined the data link

    def codes(self, config: RunConfig, month: int) -> dict[str, int]:
        """Factor -> code, of the factors of which something is said."""
        bits = {"arrears": (self.arrears, ARREARS_BITS), "firm_support": (self.firm_support, HELP)}
        names = {
            "origin": (self.origin, config.country.origins),
            "stage": (self.stage, list(config.status[self.status].stages)),
            "sex": (self.sex, SEXES),
            "language": (self.language, LEVELS),
            "town_support": (self.town_support, SUPPORT),
        }
        out = {"calendar_month": month % 12 + 1}
        out |= {f: sum(of[bit] for bit in bit_names) for f, (bit_names, of) in bits.items()
                if bit_names is not None}  # fmt: skip
        out |= {f: list(known).index(name) for f, (name, known) in names.items()
                if name is not None}  # fmt: skip
        for factor in FACTORS:
            said = getattr(self, factor, None)
            if factor not in out and isinstance(said, int):
                out[factor] = int(said)
        if "sex" in out and "age" in out:
            out["age_sex"] = out["sex"] * AGES + out["age"]
        return out


class Case(Strict):
    """One case; see the head of the file."""

    says: Text
    reference: Text | None = None
    month: Month
    scenario: Code | None = None
    beside: list[Code] = Field(default_factory=list)
    settings: dict[StrictStr, StrictStr | Number] = Field(default_factory=dict)
    person: Person | None = None
    of: Text
    may: StrictBool | None = None
    is_: Number | None = Field(default=None, alias="is")
    times: Number | None = None
    most: Number | Literal["none"] | None = None
    per: Literal["stock", "year", "growth"] | None = None

    @property
    def expected(self) -> dict[str, Any]:
        """The one thing that is expected, by name."""
        given = {"may": self.may, "is": self.is_, "times": self.times, "most": self.most}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def path(self) -> str:
        return self.of if self.person is None else f"{self.person.status}.{self.of}"


class File(Strict):
    """The cases of a lever."""

    reference: Text
    cases: Annotated[list[Case], Field(min_length=2)]


def case_files(folder: Path | None = None) -> dict[str, Path]:
    """Lever -> its file of cases."""
    found = sorted(((folder or configs_folder()) / "policy").glob("*/cases/*.yaml"))
    return {path.stem: path for path in found}


@cache
def country_of(lever: str) -> str:
    """The country whose law a lever is."""
    return case_files()[lever].parts[-3]


def cases_of(path: Path) -> list[Case]:
    """The cases of a file. Raises ValidationError for a case that is not written as one."""
    return File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).cases


class World:
    """The model's tables under some words."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.config = compose(words)
        places = load_places(self.config, _data(self.config.country.data))
        self.rates: Rates = build(self.config, places.codes, places.mobility)
        self.policy = RateBook(self.config, self.rates)
        self.rows = {name.path: row for row, name in enumerate(self.rates.names)}

    def row(self, path: str) -> int:
        """Row of a rate, share or decision in the base of a month. KeyError if there is none."""
        row = self.rows[path.removesuffix(GRANT)]
        return int(self.rates.fates.decision[row]) if path.endswith(GRANT) else row

    def multipliers(self, path: str, now: InForce) -> Iterator[tuple[str, np.ndarray, bool]]:
        """(factor, its table in force, whether a lever may change it) of a rate or decision."""
        row, fates = self.row(path), now.fates
        own = {part.start for (owner, _, _), part in self.rates.own.items() if owner == path}
        stages = len(self.config.status[path.partition(".")[0]].stages)
        for k in range(fates.mult_first[row], fates.mult_first[row + 1]):
            factor, start = NAMES[int(fates.mult_factor[k])], int(fates.mult_offset[k])
            if factor != "municipality":
                size = max(stages, 1) if factor == "stage" else table_size(factor, self.config)
                yield factor, fates.values[start : start + size], start in own


NAMES: Final = {number: factor for factor, number in FACTORS.items()}


@cache
def _data(country: str) -> Any:
    return load(country)


@cache
def world(words: tuple[str, ...]) -> World:
    """The tables under these words, made once."""
    return World(words)


def words_of(lever: str, case: Case) -> tuple[str, ...]:
    """The words of the command line that a case stands for."""
    words = [f"country={country_of(lever)}", f"scenario={case.scenario or LAW}"]
    if case.scenario is None:
        words.append(f"scenario.levers=[{','.join([lever, *case.beside])}]")
    return (*words, *(f"policy.{lever}.{name}={value}" for name, value in case.settings.items()))


def evaluate(lever: str, case: Case) -> dict[str, Any]:
    """What the model says where the case expects something, under the same name.

    Raises ValueError if the case does not say enough to be answered.
    """
    (name,) = case.expected
    words, month = words_of(lever, case), month_index(case.month)
    if name == "most":
        return {name: _cap(world(words), case, month)}
    value = _value(lever, world(words), case, month, whole=name != "times")
    if name == "may":
        return {name: value > 0.0}
    if name == "is":
        return {name: value}
    off = [word for word in words if not word.startswith(f"policy.{lever}.strength")]
    without = world((*off, f"policy.{lever}.strength=0"))
    before = _value(lever, without, case, month, whole=False)
    if before == 0.0:
        raise ValueError(f"{case.path} is 0 without the lever, so nothing is a multiple of it")
    return {name: value / before}


def check(lever: str, case: Case) -> None:
    """AssertionError if the model says anything else than the case."""
    if len(case.expected) != 1:
        raise ValueError(f"{case.says}: must have one of may, is, times, most")
    found, ((_, expected),) = evaluate(lever, case), case.expected.items()
    ((name, value),) = found.items()
    if isinstance(expected, float) and isinstance(value, float):
        same = value == pytest.approx(expected, rel=NEAR, abs=1e-12)
    else:
        same = value == expected
    assert same, f"{lever}, {case.month}: {case.says}\n  {name}: {value}, not {expected}"


def _value(lever: str, world: World, case: Case, month: int, whole: bool) -> float:
    """The number that is asked for; `whole`: not only relative to another."""
    config, now, path = world.config, world.policy.in_force(month), case.path
    if path.startswith(RULE):
        (active,) = [active for active in set_levers(config) if active.code == lever]
        return active.quantity(path.removeprefix(RULE), month)
    if path.startswith(ARRIVALS):
        return float(now.arrivals[world.rates.codes.statuses.index(path.removeprefix(ARRIVALS))])
    if case.person is None:
        return now.params[path]
    if case.of.startswith(PERMITS):
        return _share_of_length(world, case, now)
    out, codes = float(now.base[world.row(path)]), case.person.codes(config, month)
    for factor, table, changed in world.multipliers(path, now):
        if factor in codes:
            out *= float(table[codes[factor]])
        elif (changed and np.ptp(table) > 0.0) or (whole and table.min() == 0.0):
            raise ValueError(f"{case.says}: say of the person, too: {factor}")
        elif changed:
            out *= float(table[0])
    return out


def _share_of_length(world: World, case: Case, now: InForce) -> float:
    """Share of the person's length among the permits that are given."""
    assert case.person is not None
    status = world.rates.codes.statuses.index(case.person.status)
    at = int(case.of.removeprefix(PERMITS) == "renewed"), status
    shares = np.diff(now.status.length_cut[at].astype(np.float64), prepend=0.0) / 2.0**32
    return float(shares[now.status.length[at] == case.person.permit_months].sum())


def _cap(world: World, case: Case, month: int) -> float | str:
    row = world.rates.codes.statuses.index(case.of.removeprefix(ARRIVALS))
    caps = [cap for cap in world.policy.in_force(month).caps
            if row in cap.statuses and case.per in (None, cap.per)]  # fmt: skip
    return min((cap.value for cap in caps), default="none")
