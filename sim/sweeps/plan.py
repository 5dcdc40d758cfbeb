"""The plan of a sweep, fixed before its first run: every line of overrides and its run.

The plan lies in `<output>/.sweeps/<id>/sweep.json`. Its id is made from the words and from all
that they are read with, so the same command comes back to the same plan, and goes on where it
stopped without composing every run again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sim.config.compose import compose
from sim.config.folders import configs_here
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError, KyoseiError, OutputError
from sim.core.memory import LastResults, state_of_files
from sim.data.load import FOLDERS, data_of
from sim.files.folder import found_complete, is_complete, sealed, write_atomically
from sim.files.manifest import code_digest
from sim.runs.resources import estimate
from sim.runs.run import identity

RECORDS: Final = ".sweeps"

PLAN: Final = "sweep.json"

FAILED: Final = "failed"

LAUNCHES: Final = "launches"

MOST_SHOWN: Final = 20

GONE: Final = "{} was taken away: the sweep ends"

_RUN_ID = re.compile(r"[0-9a-f]{16}")


MOST_SETTINGS: Final = 1000
"""Runs of a plan whose settings are kept with it: 20 kB each, beside what they share."""

_SEED: Final = re.compile(r"(seed|replicate)=(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class PlannedRun:
    """One run: its words, the number that names its folder, and its settings, if they were composed
    in this process."""

    words: list[str]
    number: str
    config: RunConfig | None = field(default=None, compare=False, repr=False)

    @property
    def keeps(self) -> bool:
        """Whether it shall keep months, which say nothing of its name."""
        return any(word.startswith("checkpoint=") for word in self.words)


@dataclass(frozen=True)
class Plan:
    """All runs of a sweep. Two lines may lead to one run."""

    key: str  # SHA-256 of the lines, the configuration files, the data and the code
    root: Path  # folder in which the runs make their own
    swept: list[str]  # settings that take more than one value
    runs: list[PlannedRun]
    code: str  # digests of what the ids were made with
    data: str
    memory: int  # bytes that the largest run will take
    _composed: LastResults[RunConfig] = field(
        default_factory=lambda: LastResults(size=64), compare=False, repr=False
    )  # by words; composing takes a worker 0.07 s or more

    @property
    def folder(self) -> Path:
        """The sweep's own folder, named by its content."""
        return self.root / RECORDS / self.key[:16]

    @property
    def path(self) -> Path:
        """Where the plan's record lies."""
        return self.folder / PLAN

    @property
    def unique(self) -> list[PlannedRun]:
        """Each run once, in order."""
        first: dict[str, PlannedRun] = {}
        for run in self.runs:
            first.setdefault(run.number, run)
        return list(first.values())

    def part(self, job: int, size: int) -> list[PlannedRun]:
        """The runs of a job, if every job has `size` of them."""
        return self.unique[job * size : (job + 1) * size]

    def missing(self) -> list[PlannedRun]:
        """Runs that have no complete folder yet."""
        return [run for run in self.unique if not is_complete(self.root / run.number)]

    def pending(self) -> list[PlannedRun]:
        """Runs to ask for: those missing, and those that shall keep months, which they check."""
        return [
            run for run in self.unique if run.keeps or not found_complete(self.root / run.number)
        ]

    def log(self, run: PlannedRun) -> Path:
        """Where a run says why it failed."""
        return self.folder / FAILED / f"{run.number}.log"

    def begun(self, run: PlannedRun) -> Path:
        """A file that is there while some process makes the run, and stays if that is killed."""
        return self.folder / f"{run.number}.begun"

    def settings(self, run: PlannedRun) -> RunConfig:
        """The settings of a run. Behind a process border, where there are only its words, runs that
        differ in seed and replicate alone are composed once. Raises ConfigError."""
        if run.config is not None:
            return run.config
        drawn_by_words = [match for match in map(_SEED.fullmatch, run.words) if match is not None]
        words = [word for word in run.words if _SEED.fullmatch(word) is None]
        config = self._composed.get(tuple(words), lambda: compose(words))
        return config.model_copy(update={match[1]: int(match[2]) for match in drawn_by_words})


def planned(
    lines: Sequence[Sequence[str]], swept: list[str], root: Path,
    configs: Sequence[RunConfig] | None = None,
) -> Plan:  # fmt: skip
    """The plan of these lines, from its record if there is one.

    configs  the settings of the lines, if they are composed already

    Raises ConfigError with what is wrong in any of the lines.
    """
    content = json.dumps([[list(line) for line in lines], swept, _inputs()])
    key = hashlib.sha256(content.encode()).hexdigest()
    record = root / RECORDS / key[:16] / PLAN
    if record.is_file():
        with suppress(OutputError):  # damaged: plan again
            known = read_plan(record)
            if known.key == key:
                return known if configs is None else _with_settings(known, configs)
    return _composed(lines, swept, root, key, configs)


def _with_settings(plan: Plan, configs: Sequence[RunConfig]) -> Plan:
    pairs = zip(plan.runs, configs, strict=True)
    return replace(plan, runs=[replace(run, config=config) for run, config in pairs])


def _inputs() -> str:
    """SHA-256 over all that a run is made from: the code, the configuration files, the data."""
    digest = hashlib.sha256(code_digest().encode())
    for folder in (*configs_here().folders, FOLDERS):
        for path in sorted(folder.rglob("*.*")):
            content = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def _composed(
    lines: Sequence[Sequence[str]], swept: list[str], root: Path, key: str,
    configs: Sequence[RunConfig] | None,
) -> Plan:  # fmt: skip
    runs, digests = [], set()
    memory: dict[tuple[object, ...], int] = {}
    problems: dict[str, list[str]] = {}
    keep = configs is not None or len(lines) <= MOST_SETTINGS
    for place, line in enumerate(lines):
        try:
            settings = compose(line) if configs is None else configs[place]
            data = data_of(settings)
        except KyoseiError as error:
            for problem in error.problems:
                problems.setdefault(problem, []).append(" ".join(line))
            continue
        number = identity(settings, data)[0]
        runs.append(PlannedRun(list(line), number, settings if keep else None))
        digests.add(data.digest)
        size = (settings.country.name, settings.start, settings.end, settings.scale)
        if size not in memory:
            memory[size] = estimate(settings, data).memory
    if problems:
        told = [f"{problem}\n    in {_some(where)}" for problem, where in problems.items()]
        left = [f"and {len(told) - MOST_SHOWN} more"] if len(told) > MOST_SHOWN else []
        raise ConfigError(told[:MOST_SHOWN] + left)
    most = max(memory.values(), default=0)
    return Plan(key, root, swept, runs, code_digest(), " ".join(sorted(digests)), most)


def _some(lines: list[str]) -> str:
    others = len(lines) - 1
    return lines[0] + (f" and {others} other run{'s' * (others > 1)}" if others else "")


def write_plan(plan: Plan) -> Path:
    """Write the plan into its folder, for the workers and for `kyosei collect`.

    In this process `plan_at` finds the plan itself, settings and all.
    """
    content = {
        "sweep": plan.key, "swept": plan.swept, "code_sha256": plan.code,
        "data_sha256": plan.data, "memory_bytes": plan.memory,
        "runs": [{"overrides": run.words, "run": run.number} for run in plan.runs],
    }  # fmt: skip
    path = plan.path
    for folder in (path.parent.parent, path.parent):
        if folder.is_symlink():
            raise OutputError(f"cannot write into {folder}: it is a symbolic link")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda stream: stream.write(sealed(content).encode("utf-8")))
    _PLANS.put(state_of_files(path.parent, path.name), plan)
    return path


_PLANS: Final[LastResults[Plan]] = LastResults(size=1)
"""By the state of the record. A launcher hands its jobs words and nothing else, even in the process
that made the plan: this leads from the words to the plan with its settings (see `Plan.settings`,
which saves each job 0.07 s or more a run)."""


def plan_at(path: Path) -> Plan:
    """The plan of a sweep, read once a process. Raises OutputError."""
    try:
        return _PLANS.get(state_of_files(path.parent, path.name), lambda: read_plan(path))
    except OutputError as error:
        if path.is_file():
            raise
        raise OutputError(GONE.format(path)) from error


def read_plan(path: Path) -> Plan:
    """The plan that `write_plan` wrote. Raises OutputError."""
    try:
        text = path.read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
        if sealed(content) != text:
            raise ValueError("it is not as it was written")
        runs = [PlannedRun([str(word) for word in run["overrides"]], run["run"])
                for run in content["runs"]]  # fmt: skip
        root = path.parent.parent.parent
        if not all(_RUN_ID.fullmatch(run.number) for run in runs):
            raise ValueError("a run is not named by 16 hexadecimal digits")
        return Plan(
            content["sweep"], root, content["swept"], runs, content["code_sha256"],
            content["data_sha256"], content["memory_bytes"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} is not the record of a sweep: {error!r}") from error
