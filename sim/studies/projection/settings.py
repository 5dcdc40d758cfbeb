"""What a projection is told: configs/projection/COUNTRY.yaml and the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, StrictInt

from sim.config.schema.base import Number, Provenance, Strict
from sim.config.settings import SWEEP_SETTINGS, check_overrides
from sim.core.errors import ConfigError
from sim.studies.settings import checked, load_mapping

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

_FIXED: Final = {
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
    problems = check_overrides(words, sweep=True)
    written = load_mapping("projection", country)
    shared, launcher = list[str](), dict[str, str]()
    for word in words:
        name, _, value = word.partition("=")
        if name in OWN:
            written[name] = _number(name, value, problems)
        elif name.startswith("hydra") and "sweeper" not in name and name in SWEEP_SETTINGS:
            launcher[name] = value
        elif name.startswith(("sweep", "hydra")):
            problems.append(f"{word}: a projection is no sweep")
        elif name in _FIXED:
            problems.append(f"{word}: {_FIXED[name]}")
        else:
            shared.append(word)
    if problems:
        raise ConfigError(problems)
    settings = checked(Projection, written, f"projection/{country}.yaml")
    return Request(settings, tuple(shared), launcher)


def _number(name: str, text: str, problems: list[str]) -> Any:
    pattern = r"[0-9]*\.?[0-9]+(e-?[0-9]+)?" if name == "member_scale" else "[0-9]{1,6}"
    if re.fullmatch(pattern, text, re.ASCII) is None:
        like = "a number, such as 0.01" if name == "member_scale" else "a whole number"
        problems.append(f"{name}={text}: write {like}")
        return None
    return float(text) if name == "member_scale" else int(text)
