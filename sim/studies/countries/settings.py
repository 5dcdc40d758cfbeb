"""What a study of two countries is told: configs/countries/COUNTRY.yaml and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field, StrictStr

from sim.config.folders import configs_here
from sim.config.schema.base import Code, Strict
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError, nearest
from sim.studies.comparison.comparison import Comparison, comparison_of
from sim.studies.comparison.question import question_of
from sim.studies.settings import load_settings
from sim.studies.words import sorted_words

GROUP: Final = "countries"

_STATUS: Final = "people by status are not compared: statuses of two countries are not the same"

_REFUSED: Final = {
    "country": "write countries=japan,korea",
    "scenario": "each country has its own: they stand in configs/countries/COUNTRY.yaml",
    "by": _STATUS,
    "status": _STATUS,
    "decompose": "`kyosei compare` takes packages of one country apart",
}


class Compared(Strict):
    """The file configs/countries/COUNTRY.yaml.

    rotation    statuses of low-skilled workers whose stay was made to end
    skilled     statuses to which they rise
    by_descent  settled statuses held by descent, left out of the narrow definition
    note        what is assumed by these lists
    law         scenario from which all effects are measured
    scenarios   packages
    levers      name of what is the same in both countries -> words of an arm
    missing     the same names -> why the country has no such lever
    """

    rotation: list[Code]
    skilled: list[Code]
    by_descent: list[Code]
    note: StrictStr
    law: Code
    scenarios: list[Code]
    levers: dict[Code, StrictStr]
    missing: dict[Code, StrictStr] = Field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """One of the countries: what is compared of it, and the comparison that is made for it."""

    name: str
    compared: Compared
    asked: Comparison

    @property
    def config(self) -> RunConfig:
        """Of the law in force or scheduled."""
        return self.asked.settings


def sides_of(words: Sequence[str]) -> list[Side]:
    """Both countries. Raises ConfigError with everything wrong with the words."""
    said = sorted_words(words, "a study of countries", ("countries",), _REFUSED)
    known = configs_here().options(GROUP)
    names = said.own.get("countries", ",".join(known)).strip("[]").split(",")
    problems = list(said.problems)
    if len(names) != 2 or len(set(names)) != 2:
        problems.append(f"countries={','.join(names)}: write two of {', '.join(known)}")
    problems += [f"countries: there is no {name}.{nearest(name, known)}"
                 for name in names if name not in known]  # fmt: skip
    if problems:
        raise ConfigError(problems)
    launcher = [f"{name}={value}" for name, value in said.launcher.items()]
    return [_side(name, [*said.shared, *launcher]) for name in names]


def _side(name: str, shared: Sequence[str]) -> Side:
    told = load_settings(Compared, GROUP, name)
    arms = [f"arm.{lever}={words}" for lever, words in told.levers.items()]
    scenarios = ",".join([told.law, *told.scenarios])
    own = [f"country={name}", f"scenario={scenarios}", *arms, "figures=false", *shared]
    asked = comparison_of(question_of(own))
    statuses = asked.settings.country.statuses
    problems = [
        f"{GROUP}/{name}.yaml  {part}: {status} is no status of {name}.{nearest(status, statuses)}"
        for part in ("rotation", "skilled", "by_descent")
        for status in getattr(told, part)
        if status not in statuses
    ]
    if problems:
        raise ConfigError(problems)
    return Side(name, told, asked)
