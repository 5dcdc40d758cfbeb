"""A package of changes taken apart: what each part does alone, and what is left between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from sim.config.paths import sections
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError
from sim.studies.comparison.effects import Arms, with_effect
from sim.studies.comparison.question import Arm, Question

ALONE: Final = "alone"

LEFT_OUT: Final = "left out"

INTERACTION: Final = "interaction"

PACKAGE: Final = "package"

_NAMES: Final = ("scenario.name", "scenario.title.")
"""What a scenario is called is no change."""


class Package(NamedTuple):
    """Arms whose replicates say what a package is made of.

    whole      arm with all parts; none: the arm with no part
    alone      part -> arm with that part only
    without    part -> arm with all the others; empty if nobody asked for it
    """

    name: str
    whole: str
    none: str
    alone: dict[str, str]
    without: dict[str, str]


def changes(config: RunConfig, baseline: RunConfig) -> frozenset[tuple[str, str]]:
    """What tells a configuration from the baseline: (path, value) of every setting of it that the
    baseline does not have, or has otherwise, and ("not " + path, value) the other way round."""
    own, base = (_parts(one, other) for one, other in ((config, baseline), (baseline, config)))
    return frozenset(own - base) | {(f"not {path}", value) for path, value in base - own}


def _parts(config: RunConfig, other: RunConfig) -> set[tuple[str, str]]:
    """Leaves of the sections that the other one has otherwise, or not at all: few of them are."""
    theirs = dict(sections(other))
    bodies = {path: part for path, part in sections(config) if theirs.get(path) != part}
    out = {
        leaf
        for path, part in bodies.items()
        for leaf in _leaves(part.model_dump(mode="json", by_alias=True), ".".join(map(str, path)))
    }
    for name, field in RunConfig.model_fields.items():
        value = getattr(config, name)
        if not isinstance(value, BaseModel | dict):
            out |= set(_leaves(value, field.alias or name))
    return out


def _leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    """(dotted path, value as text); an item of a list stands at the list's own path."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(path, inner) for inner in value]
    else:
        return [] if path.startswith(_NAMES) else [(path, repr(value))]
    return [leaf for inner_path, inner in pairs for leaf in _leaves(inner, inner_path)]


def packages_among(configs: Mapping[str, RunConfig]) -> list[Package]:
    """Arms that are the sum of other arms, as far as their settings say; the baseline comes first.

    An arm is a package if its changes from the baseline are those of two or more other arms put
    together, none of which is a package itself.
    """
    names = list(configs)
    base = names[0]
    made = {name: changes(configs[name], configs[base]) for name in names[1:]}
    found: list[Package] = []
    for name in sorted(made, key=lambda arm: len(made[arm])):
        known = {package.whole for package in found}
        parts = [other for other in made if other not in known and made[other]
                 and made[other] < made[name]]  # fmt: skip
        if len(parts) > 1 and frozenset().union(*(made[p] for p in parts)) == made[name]:
            found.append(Package(name, name, base, {part: part for part in parts}, {}))
    return found


def decomposition_table(
    arms: Arms, packages: Sequence[Package], named: Sequence[pd.Timestamp]
) -> pd.DataFrame:
    """What each part of each package does at the named months.

    package, kind (alone, left out, package, interaction), part, month, year, indicator, by,
    group, effect, se, low, high, random_low, random_high, replicates. `left out` is what the
    package loses without the part; `interaction` is the package less the sum of its parts alone.
    """
    chosen = arms.rows(pd.DatetimeIndex(arms.index.get_level_values("month")).isin(named))
    keys = chosen.index.to_frame(index=False)
    keys.insert(1, "year", pd.DatetimeIndex(keys["month"]).year.astype(np.int16))
    parts = []
    for package in packages:
        for kind, part, paired in _differences(chosen, package):
            frame = keys.copy()
            frame.insert(0, "package", package.name)
            frame.insert(1, "kind", kind)
            frame.insert(2, "part", part)
            parts.append(with_effect(frame, paired, arms.design))
    return pd.concat(parts, ignore_index=True)


def _differences(arms: Arms, package: Package) -> list[tuple[str, str, np.ndarray]]:
    """(kind, part, float64[R + again, N] of paired differences)."""
    none, whole = arms.of(package.none), arms.of(package.whole)
    alone = {part: arms.of(arm) - none for part, arm in package.alone.items()}
    out = [(PACKAGE, package.name, whole - none)]
    out += [(ALONE, part, paired) for part, paired in alone.items()]
    out += [(LEFT_OUT, part, whole - arms.of(arm)) for part, arm in package.without.items()]
    out.append(
        (INTERACTION, INTERACTION, whole - none - np.add.reduce(list(alone.values()), axis=0))
    )
    return out


def parted(
    question: Question, composed: Mapping[str, RunConfig]
) -> tuple[list[Arm], list[Package]]:
    """(more arms, packages) for every scenario that the question wants taken apart.

    Parts are the levers and the edits of the scenario that the baseline does not have. Of two
    parts, each alone is the other one left out. Raises ConfigError if a scenario has fewer.
    """
    arms: list[Arm] = []
    packages: list[Package] = []
    base = question.arms[0].name
    for name in question.decompose:
        off = switches(composed[name], composed[base])
        if len(off) < 2:
            raise ConfigError(
                f"decompose={name}: it has {len(off)} levers and edits that {base} has not;"
                " two or more can be taken apart"
            )
        more, package = _arms(question.arm(name), off)
        arms += more
        packages.append(package)
    return arms, packages


def switches(config: RunConfig, baseline: RunConfig) -> dict[str, str]:
    """Part -> the word that takes it out of the scenario."""
    levers = [name for name in _levers(config) if name not in _levers(baseline)]
    edits = [name for name in config.scenario.edits
             if config.scenario.edits[name] != baseline.scenario.edits.get(name)]  # fmt: skip
    off = {name: f"policy.{name}.strength=0" for name in levers}
    return off | {name: f"~scenario.edits.{name}" for name in edits}


def _levers(config: RunConfig) -> list[str]:
    return list(getattr(config.scenario, "levers", []))


def _arms(whole: Arm, off: Mapping[str, str]) -> tuple[list[Arm], Package]:
    made: dict[tuple[str, ...], Arm] = {(): whole}

    def without(parts: list[str], label: str) -> str:
        """Name of the arm that lacks the parts, made once."""
        words = tuple(off[part] for part in parts)
        made.setdefault(words, Arm(f"{whole.name}, {label}", (*whole.words, *words)))
        return made[words].name

    parts = list(off)
    none = without(parts, "none of its parts")
    alone = {p: without([q for q in parts if q != p], f"only {p}") for p in parts}
    left_out = {p: without([p], f"without {p}") for p in parts}
    package = Package(whole.name, whole.name, none, alone, left_out)
    return [arm for arm in made.values() if arm is not whole], package
