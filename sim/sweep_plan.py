"""What a sweep is going to do, fixed before its first run: every line of overrides and its run.

The plan lies in `<output>/.sweeps/<id>/sweep.json`. Its id is made from the ids of its runs, so
the same words, data and code come back to the same plan, and go on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from sim import config
from sim.data import load
from sim.errors import ConfigError, KyoseiError, OutputError
from sim.manifest import code_digest
from sim.outputs import is_complete, json_text, write_atomically
from sim.resources import estimate
from sim.run import identity

RECORDS: Final = ".sweeps"
PLAN: Final = "sweep.json"
FAILED: Final = "failed"
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

    root: Path  # folder in which the runs make their own
    swept: list[str]  # settings that take more than one value
    rows: list[Row]
    code: str  # digests of what the ids were made with
    data: str
    memory: int = field(default=0, compare=False)  # bytes that the largest run will take

    @property
    def folder(self) -> Path:
        """The sweep's own folder, named by its content."""
        ids = "\n".join(row.run for row in self.rows)
        return self.root / RECORDS / hashlib.sha256(ids.encode()).hexdigest()[:16]

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
        return [row for row in self.unique if row.keeps or not is_complete(self.root / row.run)]

    def log(self, row: Row) -> Path:
        """Where a run says why it failed."""
        return self.folder / FAILED / f"{row.run}.log"


def planned(lines: Iterable[Sequence[str]], swept: list[str], root: Path) -> Plan:
    """Compose every line. Raises ConfigError with what is wrong in any of them."""
    rows, digests = [], set()
    memory: dict[tuple[object, ...], int] = {}
    problems: dict[str, list[str]] = {}
    for line in lines:
        try:
            settings = config.compose(line)
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
    return Plan(root, swept, rows, code_digest(), " ".join(sorted(digests)), most)


def _some(lines: list[str]) -> str:
    others = len(lines) - 1
    return lines[0] + (f" and {others} other run{'s' * (others > 1)}" if others else "")


def write_plan(plan: Plan) -> Path:
    """Write the plan into its folder, for the workers and for `kyosei collect`."""
    content = {
        "sweep": plan.folder.name, "swept": plan.swept, "code_sha256": plan.code,
        "data_sha256": plan.data, "runs": [asdict(row) for row in plan.rows],
    }  # fmt: skip
    path = plan.folder / PLAN
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda stream: stream.write(json_text(content).encode("utf-8")))
    return path


def read_plan(path: Path) -> Plan:
    """The plan that `write_plan` wrote. Raises OutputError."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = [Row([str(word) for word in row["overrides"]], row["run"])
                for row in content["runs"]]  # fmt: skip
        root = path.parent.parent.parent
        if not all(_RUN_ID.fullmatch(row.run) for row in rows):
            raise ValueError("a run is not named by 16 hexadecimal digits")
        return Plan(root, content["swept"], rows, content["code_sha256"], content["data_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} is not the record of a sweep: {error!r}") from error
