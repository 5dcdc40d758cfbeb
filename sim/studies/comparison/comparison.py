"""`kyosei compare`: paired runs of several scenarios, and what they say, in one folder."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from sim.config.compose import compose
from sim.config.levers import active_levers
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, year_of
from sim.core.errors import ConfigError
from sim.figures.look import FEWEST, Label, Look, look_of
from sim.studies.comparison.packages import Package, packages_among, parted
from sim.studies.comparison.question import Arm, Question
from sim.studies.comparison.series import compared
from sim.studies.draws import SOURCES, Ensemble, first_attempt, what_is_held
from sim.studies.words import lasting
from sim.sweeps.plan import Plan, planned

ROUND_YEARS: Final = (2030, 2040, 2050, 2060, 2070)

RANDOM_ALONE: Final = (
    "Drawn: random numbers and shocks. Held fixed: rates, firms' demand, arrivals, responses to"
    " policy, the law of the scenario, the form of the model."
)

OTHER_NUMBERS: Final = 10_000
"""Added to a replicate's number where its draw is made again: beyond all replicates."""


@dataclass(frozen=True)
class Comparison:
    """A question with its runs.

    arms      all arms, those that take packages apart included; the baseline first
    shown     names of the arms that were asked for
    configs   each arm's settings, with those of the first replicate
    packages  what to take apart
    years     December of these is named; the last one is the end of the run
    runs      arm -> its runs' numbers in order of replicate, and then those of the draws made again
    sources   what replicates draw; [] for random numbers alone
    """

    question: Question
    arms: tuple[Arm, ...]
    configs: dict[str, RunConfig]
    packages: list[Package]
    years: tuple[int, ...]
    plan: Plan
    runs: dict[str, list[str]]
    sources: Sequence[str]

    @property
    def shown(self) -> list[str]:
        return [arm.name for arm in self.question.arms]

    @property
    def settings(self) -> RunConfig:
        """Of the baseline's first replicate."""
        return self.configs[self.question.arms[0].name]

    @property
    def months(self) -> list[str]:
        """Named months, YYYY-MM, in order."""
        return sorted({f"{year}-12" for year in self.years} | {self.settings.end})

    def look(self) -> Look:
        """Words and colours for figures."""
        settings, asked = self.settings, self.question
        look = look_of(settings, self.number, indicators=compared(settings))
        titles = {name: self.configs[name].scenario.title for name in self.shown}
        own = Counter(title.en for title in titles.values())  # an arm may vary a scenario
        plain = [arm.name for arm in asked.arms if arm.words == (f"scenario={arm.name}",)]
        levers = {code: active.lever.title for config in self.configs.values()
                  for active in active_levers(config) for code in [active.code]}  # fmt: skip
        told = levers | {name: title for name, title in titles.items()
                         if name in plain or own[title.en] == 1}  # fmt: skip
        again, level = asked.design.again, f"{100 * asked.confidence:g} %"
        return replace(
            look, scenario=f"{len(titles) - 1} arms against {titles[self.shown[0]].en}",
            sample=f"scale {settings.scale:g}, seed {settings.seed}, {asked.replicates} paired "
            "replicates" + (f" and {again} draws again with other random numbers" if again else ""),
            arms={name: Label(title.en, title.ja) for name, title in told.items()},
            level=level, intervals=f"{level} intervals {'over draws' if again else 'of the mean'}",
            inner="of the mean, by random numbers alone" if again >= FEWEST else "",
            varies=what_is_held(self.sources) if self.sources else RANDOM_ALONE,
        )  # fmt: skip

    @property
    def number(self) -> str:
        """16 hexadecimal digits that change with whatever the results depend on."""
        asked = asdict(self.question)
        chosen = {name: asked[name] for name in ("decompose", "confidence", "figures")}
        content = [self.runs, self.shown, self.years, chosen, self.plan.code, self.plan.data]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def comparison_of(question: Question) -> Comparison:
    """All runs that the question needs, planned. Raises ConfigError with every problem."""
    composed = _composed(question, question.arms)
    _check(question, composed)
    more, packages = parted(question, composed)
    arms = (*question.arms, *more)
    every = composed | _composed(question, more)
    shared = lasting(question.words)
    lines, configs = [], []
    ensembles = _ensembles(question, arms, every) if question.drawn else []
    turns = _drawn(question, ensembles) if ensembles else _undrawn(question, arms, every)
    for turn in turns:
        for arm, (words, config) in zip(arms, turn, strict=True):
            lines.append([*shared, *lasting(arm.words), *words, "figures=false"])
            configs.append(config.model_copy(update={"figures": False, "threads": None}))
    root = Path(composed[question.arms[0].name].output).absolute()
    plan = planned(lines, ["scenario", "replicate"], root, configs)
    numbers = [run.number for run in plan.runs]
    runs = {arm.name: numbers[k :: len(arms)] for k, arm in enumerate(arms)}
    found = [*packages, *(p for p in packages_among(composed) if p.name not in question.decompose)]
    years = question.years or _years(composed[question.arms[0].name])
    drawn = {source for ensemble in ensembles for source in ensemble.sources()}
    sources = [source for source in SOURCES if source in drawn]
    return Comparison(question, arms, composed, found, years, plan, runs, sources)


Turn = list[tuple[list[str], RunConfig]]
"""What makes each arm what it is in a replicate: words, and the settings that they lead to."""


def _undrawn(
    question: Question, arms: Iterable[Arm], composed: Mapping[str, RunConfig]
) -> Iterator[Turn]:
    """Replicates that differ by their random numbers alone."""
    for r in range(question.replicates):
        yield [([f"replicate={r}"], composed[arm.name].model_copy(update={"replicate": r}))
               for arm in arms]  # fmt: skip


def _ensembles(
    question: Question, arms: Iterable[Arm], composed: Mapping[str, RunConfig]
) -> list[Ensemble]:
    """One for each arm. What some arm sets by hand is drawn in none: an effect is that of its words
    alone."""
    words = [*question.words, *(word for arm in arms for word in arm.words)]
    fixed = [word.partition("=")[0].lstrip("~") for word in words]
    return [Ensemble(composed[arm.name], fixed) for arm in arms]


def _drawn(question: Question, ensembles: Sequence[Ensemble]) -> Iterator[Turn]:
    """Replicates that draw what is not known, the same in all arms; and then some of their draws
    once more, with other random numbers."""
    members = range(1, question.replicates + 1)
    attempts = {member: first_attempt(ensembles, member) for member in members}
    turns = [(member, member) for member in members]
    turns += [(member, OTHER_NUMBERS + member) for member in members[: question.design.again]]
    for member, replicate in turns:
        given = SOURCES, attempts[member], replicate
        yield [(one.words(member, *given), one.member(member, *given)) for one in ensembles]


def _composed(question: Question, arms: Iterable[Arm]) -> dict[str, RunConfig]:
    """The settings of each arm, by name. Raises ConfigError with every problem."""
    composed: dict[str, RunConfig] = {}
    problems: list[str] = []
    for arm in arms:
        try:
            composed[arm.name] = compose([*question.words, *arm.words])
        except ConfigError as error:
            problems += [f"{problem}\n    in {arm.name}" for problem in error.problems]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return composed


def _years(settings: RunConfig) -> tuple[int, ...]:
    first, last = year_of(month_index(settings.start)), year_of(month_index(settings.end))
    return tuple(year for year in ROUND_YEARS if first < year <= last)


def _check(question: Question, composed: dict[str, RunConfig]) -> None:
    """What makes runs comparable. Raises ConfigError."""
    problems = []
    base = question.arms[0].name
    for name, settings in composed.items():
        for setting in ("start", "end", "scale", "seed"):
            own, first = getattr(settings, setting), getattr(composed[base], setting)
            if own != first:
                problems.append(f"{setting}: {own} in {name}, {first} in {base}; arms share it")
    start, end = (month_index(text) for text in (composed[base].start, composed[base].end))
    problems += [
        f"years={year}: the runs go from {composed[base].start} to {composed[base].end}"
        for year in question.years
        if not start <= month_index(f"{year}-12") <= end
    ]
    if problems:
        raise ConfigError(problems)
