"""What a comparison asks, read from the words after `kyosei compare`."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.config.settings import check_overrides
from sim.core.errors import ConfigError
from sim.figures.look import FEWEST
from sim.studies.comparison.effects import Design
from sim.studies.words import sorted_words

_LIST: Final = re.compile(r"\[?([\w, .-]+)\]?", re.ASCII)

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)

_OWN: Final = (
    "scenario", "baseline", "draws", "replicates", "decompose", "years", "confidence", "figures",
)  # fmt: skip

_ARM: Final = "arm."

_REPLICATES: Final = (2, 1000)

_AGAIN: Final = 4
"""One draw in so many is run once more, with other random numbers; three of them at least."""

_REFUSED: Final = {
    "replicate": "replicates=N counts them",
    "checkpoint": "runs of a comparison keep no months",
    "from": "runs of a comparison begin at the beginning",
}


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: the words that make it what it is."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """Arms that share all other words, and what is wanted of them."""

    arms: tuple[Arm, ...]  # the baseline first
    drawn: bool  # whether replicates draw rates, demand, supply and responses, too
    replicates: int
    years: tuple[int, ...]  # empty: chosen from the span of the run
    decompose: tuple[str, ...]  # scenarios to take apart into their levers
    confidence: float
    figures: bool
    words: tuple[str, ...]  # settings that all runs share
    launcher: dict[str, str] = field(default_factory=lambda: dict[str, str]())

    @property
    def design(self) -> Design:
        again = max(FEWEST, math.ceil(self.replicates / _AGAIN))
        return Design(self.confidence, self.drawn, min(again, self.replicates) * self.drawn)

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)


def question_of(words: Sequence[str]) -> Question:
    """The question that the words ask. Raises ConfigError with everything wrong with them."""
    said = sorted_words(words, "a comparison", _OWN, _REFUSED)
    own, problems = said.own, said.problems
    names = _listed(own.get("scenario", ""), "scenario", problems)
    arms = [Arm(name, (f"scenario={name}",)) for name in names]
    arms += [_arm(word, problems) for word in said.shared if word.startswith(_ARM)]
    arms = _in_order(arms, own.get("baseline"), problems)
    drawn = said.one_of("draws", "all", "none") == "all"
    replicates = said.whole("replicates", 20 if drawn else 8, _REPLICATES)
    years = _listed(own.get("years", ""), "years", problems)
    problems += [f"years={year}: a year has four digits" for year in years
                 if re.fullmatch("[0-9]{4}", year, re.ASCII) is None]  # fmt: skip
    decompose = _listed(own.get("decompose", ""), "decompose", problems)
    problems += [f"decompose={name}: it is not among the scenarios compared"
                 for name in decompose if name not in [arm.name for arm in arms]]  # fmt: skip
    confidence = _confidence(own.get("confidence", "0.8" if drawn else "0.95"), problems)
    figures = said.one_of("figures", "true", "false") == "true"
    if problems:
        raise ConfigError(problems)
    shared = tuple(word for word in said.shared if not word.startswith(_ARM))
    return Question(
        tuple(arms), drawn, replicates, tuple(sorted({int(year) for year in years})),
        tuple(decompose), confidence, figures, shared, said.launcher,
    )  # fmt: skip


def _arm(word: str, problems: list[str]) -> Arm:
    name, _, value = word.removeprefix(_ARM).partition("=")
    if _NAME.fullmatch(name) is None:
        problems.append(f"arm.{name}: give it a plain name of letters, digits, _ and -")
    try:
        words = shlex.split(value)
    except ValueError as error:
        problems.append(f"arm.{name}: {error}")
        words = []
    if not words:
        problems.append(f"arm.{name}: write its settings, such as arm.{name}='scenario=NAME a.b=1'")
    problems += check_overrides(words, sweep=False)
    return Arm(name, tuple(words))


def _listed(text: str, name: str, problems: list[str]) -> list[str]:
    """Items of `[a, b]` or `a,b`; each once."""
    if not text:
        return []
    match = _LIST.fullmatch(text)
    items = [item.strip() for item in match[1].split(",")] if match else []
    if not items or not all(items):
        problems.append(f"{name}={text}: write {name}=a,b,c")
    twice = sorted({item for item in items if items.count(item) > 1})
    problems += [f"{name}: {item} stands there twice" for item in twice]
    return items


def _in_order(arms: list[Arm], baseline: str | None, problems: list[str]) -> list[Arm]:
    names = [arm.name for arm in arms]
    problems += [f"arm.{name} has the name of another arm"
                 for name in sorted({n for n in names if names.count(n) > 1})]  # fmt: skip
    if len(arms) < 2:
        problems.append("there is nothing to compare: write scenario=a,b with two or more of them")
    if baseline is None:
        return arms
    if baseline not in names:
        problems.append(f"baseline={baseline}: it is not among {', '.join(names) or 'the arms'}")
    return sorted(arms, key=lambda arm: arm.name != baseline)


def _confidence(text: str, problems: list[str]) -> float:
    if re.fullmatch(r"0?\.[0-9]{1,6}", text, re.ASCII) and float(text) > 0:
        return float(text)
    problems.append(f"confidence={text}: a number between 0 and 1, such as 0.8")
    return 0.8
