"""`kyosei compare`: paired runs of several scenarios, and what they say, in one folder."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from sim import config
from sim.clock import month_index, year_of
from sim.comparison.derived import labels_of
from sim.comparison.packages import Package, packages_among
from sim.comparison.parts import parted
from sim.comparison.question import Arm, Question, question_of
from sim.comparison.results import write_results
from sim.comparison.runs import is_done, launch_runs, make_first
from sim.comparison.shared_past import bytes_of_copies
from sim.errors import ConfigError, OutputError
from sim.leavings import found_complete
from sim.manifest import environment
from sim.numba_cache import is_cold
from sim.outputs import RunFolder
from sim.plots_label import Label
from sim.plots_look import Look, look_of
from sim.schema import RunConfig
from sim.sweep import word_of
from sim.sweep_launch import Share, share_of
from sim.sweep_plan import MOST_TOLD, Plan, Row, planned, write_plan
from sim.sweep_progress import duration

SUMMARY: Final = "summary.txt"
ROUND_YEARS: Final = (2030, 2040, 2050, 2060, 2070)


@dataclass(frozen=True)
class Comparison:
    """A question with its runs.

    arms      all arms, those that take packages apart included; the baseline first
    shown     names of the arms that were asked for
    configs   each arm's settings, with those of the first replicate
    packages  what to take apart
    years     December of these is named; the last one is the end of the run
    runs      arm -> its runs' numbers in order of replicate
    """

    question: Question
    arms: tuple[Arm, ...]
    configs: dict[str, RunConfig]
    packages: list[Package]
    years: tuple[int, ...]
    plan: Plan
    runs: dict[str, list[str]]

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
        base, *others = self.shown
        labels = {name: Label(en, ja) for name, (en, ja, _) in labels_of(self.settings).items()}
        look = look_of(self.settings, self.number, indicators=labels)
        return replace(look, scenario=f"{', '.join(others)} against {base}")

    @property
    def number(self) -> str:
        """16 hexadecimal digits that change with whatever the results depend on."""
        asked = asdict(self.question)
        chosen = {name: asked[name] for name in ("decompose", "confidence", "figures")}
        content = [self.runs, self.shown, self.years, chosen, self.plan.code, self.plan.data]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def compare(words: Sequence[str], quiet: bool = False) -> int:
    """Make what runs are missing, write the comparison's folder, print its summary and the folder.

    Returns the exit code. Raises ConfigError before anything is written.
    """
    started = time.perf_counter()
    asked = comparison_of(question_of(words))
    folder = asked.plan.root / asked.number
    if found_complete(folder):
        _say(quiet, f"comparison {asked.number} is complete already: nothing to do")
    else:
        code = _make_runs(asked, quiet)
        if code:
            return code
        with RunFolder(asked.plan.root, asked.number) as place:
            if place.adopt() is None:
                facts = write_results(place, asked)
                place.finish({**_facts(asked), **facts})
    print((folder / SUMMARY).read_text(encoding="utf-8"))
    _say(quiet, f"done in {duration(time.perf_counter() - started)}")
    print(folder)
    return 0


def comparison_of(question: Question) -> Comparison:
    """All runs that the question needs, planned. Raises ConfigError with every problem."""
    composed: dict[str, RunConfig] = {}
    problems: list[str] = []
    for arm in question.arms:
        try:
            composed[arm.name] = config.compose([*question.words, *arm.words])
        except ConfigError as error:
            problems += [f"{problem}\n    in {arm.name}" for problem in error.problems]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    _check(question, composed)
    more, packages = parted(question, composed)
    arms = (*question.arms, *more)
    lines = [
        [*question.words, *arm.words, f"replicate={r}", "figures=false"]
        for r in range(question.replicates)
        for arm in arms
    ]
    root = Path(composed[question.arms[0].name].output).absolute()
    shared = ("output=", "threads=")
    lines = [[word for word in line if not word.startswith(shared)] for line in lines]
    plan = planned(lines, ["scenario", "replicate"], root)
    names = [row.run for row in plan.rows]
    runs = {arm.name: names[k :: len(arms)] for k, arm in enumerate(arms)}
    found = [*packages, *(p for p in packages_among(composed) if p.name not in question.decompose)]
    years = question.years or _years(composed[question.arms[0].name])
    return Comparison(question, arms, composed, found, years, plan, runs)


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


def _make_runs(asked: Comparison, quiet: bool) -> int:
    """Make the missing runs; returns the highest exit code, and says what failed."""
    plan = asked.plan
    pending = [row for row in plan.unique if not is_done(plan, row)]
    threads = asked.settings.threads
    memory = plan.memory + bytes_of_copies(asked.settings)
    share = share_of(asked.question.launcher, threads, max(len(pending), 1), memory)
    share = _whole_replicates(share, asked)
    path = write_plan(plan)
    for row in pending:
        plan.log(row).unlink(missing_ok=True)
    _say(quiet, _opening_line(asked, pending, share))
    if pending:
        if share.workers > 1 and is_cold():
            _say(quiet, "compiling the model: once, with the first run")
            make_first(plan, pending[0], share.threads)
        launch_runs(plan, path, pending, share, quiet)
    return _failures(plan)


def _whole_replicates(share: Share, asked: Comparison) -> Share:
    """All arms of a replicate in one job, if nobody has to wait for that: they share their past."""
    arms = len(asked.plan.unique) // asked.question.replicates
    if share.workers > asked.question.replicates:
        return share
    return share._replace(size=math.ceil(share.size / arms) * arms)


def _opening_line(asked: Comparison, pending: Sequence[Row], share: Share) -> str:
    runs = len(asked.plan.unique)
    text = f"comparison {asked.number}: {len(asked.arms)} arms x {asked.question.replicates}"
    text += f" paired replicates, {runs} runs"
    text += f", {runs - len(pending)} there already" if len(pending) < runs else ""
    threads = "all threads" if share.threads is None else f"{share.threads} thread(s)"
    return f"{text}; {share.launcher}, {share.workers} at a time, {threads} each"


def _failures(plan: Plan) -> int:
    left = [row for row in plan.unique if not is_done(plan, row)]
    if not left:
        return 0
    print(f"kyosei: {len(left)} of {len(plan.unique)} runs failed", file=sys.stderr)
    worst = 0
    for place, row in enumerate(left):
        code, why = word_of(plan.log(row))
        worst = max(worst, code)
        if place < MOST_TOLD:
            print(f"failed: {' '.join(row.overrides)}", why, sep="\n", file=sys.stderr)
    print("kyosei: the same command goes on where this one stopped", file=sys.stderr)
    return worst or OutputError.exit_code


def _facts(asked: Comparison) -> dict[str, object]:
    """What the manifest says beside the list of files; nothing of it changes from time to time."""
    settings = asked.settings
    return {
        "kind": "comparison", "baseline": asked.shown[0], "runs": asked.runs,
        "arms": {arm.name: list(arm.words) for arm in asked.arms},
        "shared": [w for w in asked.question.words if not w.startswith(("output=", "threads="))],
        "replicates": asked.question.replicates, "confidence": asked.question.confidence,
        "named_months": asked.months, "start": settings.start, "end": settings.end,
        "scale": settings.scale, "seed": settings.seed, "code_sha256": asked.plan.code,
        "data_sha256": asked.plan.data, "environment": environment(),
    }  # fmt: skip


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        print(text, file=sys.stderr, flush=True)
