"""The arms that take a scenario apart: each of its parts alone, each left out, and none."""

from __future__ import annotations

from collections.abc import Mapping

from sim.comparison.packages import Package
from sim.comparison.question import Arm, Question
from sim.errors import ConfigError
from sim.schema import RunConfig


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
