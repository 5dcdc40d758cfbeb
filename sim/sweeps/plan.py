"""What a sweep is going to do, fixed before its first run: every line of overrides and its run.

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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sim.config.compose import compose
from sim.config.settings import configs_folder
from sim.core.errors import ConfigError, KyoseiError, OutputError
from sim.data.load import FOLDERS, load
from sim.files.folder import found_complete, is_complete, sealed, write_atomically
from sim.files.manifest import code_digest
from sim.runs.resources import estimate
from sim.runs.run import identity

RECORDS: Final = ".sweeps"

PLAN: Final = "sweep.json"

FAILED: Final = "failed"

LAUNCHES: Final = "launches"

MOST_TOLD: Final = 20

_RUN_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Row:
    """One run."""

    overrides: list[str]
    run: str

    @property
    def keeps(self) -> bool:
        """Whether it shall keep months, which say nothing of its name."""
        return any(word.startswith("checkpoint=") for word in self.overrides)


@dataclass(frozen=True)
class Plan:
    """All runs of a sweep. Two lines may lead to one run."""

    key: str  # SHA-256 of the lines, the configuration files, the data and the code
    root: Path  # folder in which the runs make their own
    swept: list[str]  # settings that take more than one value
    rows: list[Row]
    code: str  # digests of what the ids were made with
    data: str
    memory: int  # bytes that the largest run will take

    @property
    def folder(self) -> Path:
        """The sweep's own folder, named by its content."""
        return self.root / RECORDS / self.key[:16]

    @property
    def unique(self) -> list[Row]:
        """The first row of each run, in order."""
        first: dict[str, Row] = {}
        for row in self.rows:
            first.setdefault(row.run, row)
        return list(first.values())

    def missing(self) -> list[Row]:
        """Runs that have no complete folder yet."""
        return [row for row in self.unique if not is_complete(self.root / row.run)]

    def pending(self) -> list[Row]:
        """Runs to ask for: those missing, and those that shall keep months, which they check."""
        return [row for row in self.unique if row.keeps or not found_complete(self.root / row.run)]

    def log(self, row: Row) -> Path:
        """Where a run says why it failed."""
        return self.folder / FAILED / f"{row.run}.log"


def planned(lines: Sequence[Sequence[str]], swept: list[str], root: Path) -> Plan:
    """The plan of these lines, from its record if there is one.

    Raises ConfigError with what is wrong in any of the lines.
    """
    content = json.dumps([[list(line) for line in lines], swept, _inputs()])
    key = hashlib.sha256(content.encode()).hexdigest()
    record = root / RECORDS / key[:16] / PLAN
    if record.is_file():
        with suppress(OutputError):  # damaged: plan again
            known = read_plan(record)
            if known.key == key:
                return known
    return _composed(lines, swept, root, key)


def _inputs() -> str:
    """SHA-256 over all that a run is made from: the code, the configuration files, the data."""
    digest = hashlib.sha256(code_digest().encode())
    for folder in (configs_folder(), FOLDERS):
        for path in sorted(folder.rglob("*.*")):
            content = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def _composed(lines: Sequence[Sequence[str]], swept: list[str], root: Path, key: str) -> Plan:
    rows, digests = [], set()
    memory: dict[tuple[object, ...], int] = {}
    problems: dict[str, list[str]] = {}
    for line in lines:
        try:
            settings = compose(line)
            data = load(settings.country.data)
        except KyoseiError as error:
            for problem in error.problems:
                problems.setdefault(problem, []).append(" ".join(line))
            continue
        rows.append(Row(list(line), identity(settings, data)[0]))
        digests.add(data.digest)
        size = (settings.country.name, settings.start, settings.end, settings.scale)
        if size not in memory:
            memory[size] = estimate(settings, data).memory
    if problems:
        told = [f"{problem}\n    in {_some(where)}" for problem, where in problems.items()]
        left = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        raise ConfigError(told[:MOST_TOLD] + left)
    most = max(memory.values(), default=0)
    return Plan(key, root, swept, rows, code_digest(), " ".join(sorted(digests)), most)


def _some(lines: list[str]) -> str:
    others = len(lines) - 1
    return lines[0] + (f" and {others} other run{'s' * (others > 1)}" if others else "")


def write_plan(plan: Plan) -> Path:
    """Write the plan into its folder, for the workers and for `kyosei collect`."""
    content = {
        "sweep": plan.key, "swept": plan.swept, "code_sha256": plan.code,
        "data_sha256": plan.data, "memory_bytes": plan.memory,
        "runs": [asdict(row) for row in plan.rows],
    }  # fmt: skip
    path = plan.folder / PLAN
    for folder in (path.parent.parent, path.parent):
        if folder.is_symlink():
            raise OutputError(f"cannot write into {folder}: it is a symbolic link")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda stream: stream.write(sealed(content).encode("utf-8")))
    return path


def read_plan(path: Path) -> Plan:
    """The plan that `write_plan` wrote. Raises OutputError."""
    try:
        text = path.read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
        if sealed(content) != text:
            raise ValueError("it is not as it was written")
        rows = [Row([str(word) for word in row["overrides"]], row["run"])
                for row in content["runs"]]  # fmt: skip
        root = path.parent.parent.parent
        if not all(_RUN_ID.fullmatch(row.run) for row in rows):
            raise ValueError("a run is not named by 16 hexadecimal digits")
        return Plan(
            content["sweep"], root, content["swept"], rows, content["code_sha256"],
            content["data_sha256"], content["memory_bytes"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} is not the record of a sweep: {error!r}") from error
