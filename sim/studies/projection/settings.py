"""What a projection is told: configs/projection/COUNTRY.yaml and the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, StrictInt

from sim.config.schema.base import Number, Provenance, Strict
from sim.core.errors import ConfigError
from sim.studies.settings import checked, load_mapping
from sim.studies.words import sorted_words

Scale = Annotated[Number, Field(gt=0, le=1)]

ByMonths = dict[Annotated[StrictInt, Field(ge=1, le=600)], Annotated[Number, Field(ge=0)]]
"""Months ahead -> standard deviation of a logarithm."""


class Earned(Provenance):
    """How wrong hindcasts were: of all residents, and of the cells of the tables."""

    residents: ByMonths
    status: ByMonths
    origin: ByMonths
    prefecture: ByMonths


class Projection(Strict):
    """The file configs/projection/COUNTRY.yaml."""

    members: Annotated[StrictInt, Field(ge=1, le=10_000)]
    member_scale: Scale
    split: Annotated[StrictInt, Field(ge=0, le=1000)]
    earned: Earned


OWN: Final = ("members", "member_scale", "split")

_REFUSED: Final = {
    "replicate": "members count it",
    "checkpoint": "members keep no months",
    "from": "members begin at the beginning",
}


@dataclass(frozen=True)
class Request:
    """A projection that was asked for.

    words     settings of the model that all members share
    launcher  how the members are launched, as in a sweep
    """

    settings: Projection
    words: tuple[str, ...]
    launcher: dict[str, str]


def request_of(words: Sequence[str], country: str) -> Request:
    """The words after `kyosei project`. Raises ConfigError with every problem found."""
    said = sorted_words(words, "a projection", OWN, _REFUSED)
    written = load_mapping("projection", country)
    written |= {name: _number(name, value, said.problems) for name, value in said.own.items()}
    if said.problems:
        raise ConfigError(said.problems)
    settings = checked(Projection, written, f"projection/{country}.yaml")
    return Request(settings, tuple(said.shared), said.launcher)


def _number(name: str, text: str, problems: list[str]) -> Any:
    pattern = r"[0-9]*\.?[0-9]+(e-?[0-9]+)?" if name == "member_scale" else "[0-9]{1,6}"
    if re.fullmatch(pattern, text, re.ASCII) is None:
        like = "a number, such as 0.01" if name == "member_scale" else "a whole number"
        problems.append(f"{name}={text}: write {like}")
        return None
    return float(text) if name == "member_scale" else int(text)
