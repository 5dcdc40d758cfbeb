"""What a sensitivity study is told: configs/sensitivity/COUNTRY.yaml and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictInt, StrictStr

from sim.config.fates import all_fates
from sim.config.schema.base import Code, Label, Month, Number, Strict
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError
from sim.studies.settings import checked, load_mapping

Output = Literal["residents", "settled_share", "permanent", "irregular"]
Multiplier = Annotated[Number, Field(gt=0)]


class Varied(Strict):
    """One factor: what multiplies the values of its paths, between low and high."""

    paths: list[StrictStr]
    low: Multiplier
    high: Multiplier
    label: Label


class Study(Strict):
    """The file configs/sensitivity/COUNTRY.yaml."""

    start: Month
    end: Month
    scale: Annotated[Number, Field(gt=0, le=1)]
    trajectories: Annotated[StrictInt, Field(ge=2, le=1000)]
    kept: Annotated[StrictInt, Field(ge=2)]
    sobol: Annotated[StrictInt, Field(ge=2)]
    outputs: list[Output]
    factors: dict[Code, Varied]


NUMBERS: Final = ("trajectories", "kept", "sobol")


def load_study(country: str) -> dict[Any, Any]:
    """configs/sensitivity/COUNTRY.yaml as it is written. Raises ConfigError."""
    return load_mapping("sensitivity", country)


def study_of(
    words: Sequence[str], written: dict[Any, Any]
) -> tuple[Study, dict[str, str], list[str]]:
    """(study, own words such as seed and output, settings of the model).

    Raises ConfigError with every problem found.
    """
    own = {key: value for key, _, value in (w.partition("=") for w in words)}
    asked = dict(written)
    problems = []
    for name in (*NUMBERS, "start", "end", "scale"):
        if name not in own:
            continue
        text = own[name]
        try:
            asked[name] = text if name in ("start", "end") else _number(name, text)
        except ValueError:
            problems.append(f"{name} = {text}\n    write a number")
    try:
        study = checked(Study, asked, "sensitivity")
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    if study.sobol & (study.sobol - 1):
        raise ConfigError(f"sobol = {study.sobol}\n    write a power of two, such as 16")
    ours = {*NUMBERS, "start", "end", "scale", "seed", "output", "threads"}
    rest = [word for word in words if word.partition("=")[0] not in ours]
    return study, {name: own[name] for name in ("seed", "output", "threads") if name in own}, rest


def _number(name: str, text: str) -> float | int:
    return float(text) if name == "scale" else int(text)


def check_study(study: Study, config: RunConfig) -> None:
    """Every path must name something, and every range hold 1. Raises ConfigError."""
    targets = [f"{s}.{occasion}.{name}" for s, occasion, name, _, _ in all_fates(config)]
    targets += [f"arrivals.{status}" for status in config.country.statuses]
    problems = [
        f"sensitivity: factors.{name}: {pattern!r} matches nothing"
        for name, factor in study.factors.items()
        for pattern in factor.paths
        if not any(fnmatchcase(target, pattern) for target in targets)
    ]
    problems += [
        f"sensitivity: factors.{name}: low..high must hold 1"
        for name, factor in study.factors.items()
        if not factor.low < 1 < factor.high
    ]
    if problems:
        raise ConfigError(problems)
