"""Ten scenarios that part late: each from the start, and all from one kept month."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.report import Result

START, PARTED, FIRST_EDIT, END = "2025-06", "2029-06", "2029-07", "2030-12"
SMALL = 0.002


def words(k: int) -> str:
    """Scenario k: others leave faster from the month after the parting."""
    edit = f"{{paths: ['*.monthly.leave'], since: '{FIRST_EDIT}', multiply: {1 + 0.05 * k:.2f}}}"
    return f"scenario.edits={{late: {edit}}}"


def measure(threads: int, scale: float, scenarios: int = 10) -> Result:
    """Straight runs against one past and its forks, their files compared to the byte."""
    from sim.config import compose as config
    from sim.runs import run

    common = [f"start={START}", f"threads={threads}", "figures=false"]

    def make(root: Path, *more: str, share: float = scale) -> Path:
        words = [*common, f"scale={share}", f"output={root}", *more]
        return run.run(config.compose(words), quiet=True)

    with tempfile.TemporaryDirectory() as folder:
        straight, parted = Path(folder, "straight"), Path(folder, "parted")
        make(Path(folder, "warm"), "end=2025-12", share=SMALL)  # compile
        began = _clocks()
        ones = [make(straight, f"end={END}", words(k)) for k in range(1, scenarios + 1)]
        between = _clocks()
        past = make(parted, f"end={PARTED}", f"checkpoint={PARTED}")
        kept = _clocks()
        fork = f"from={past}@{PARTED}"
        others = [make(parted, f"end={END}", words(k), fork) for k in range(1, scenarios + 1)]
        ended = _clocks()
        equal = [_digest(one) == _digest(other) for one, other in zip(ones, others, strict=True)]
        differ = len({_digest(one) for one in ones})
        size = (past / f"checkpoint-{PARTED}.npz").stat().st_size
    if not all(equal) or differ != scenarios:
        raise RuntimeError(f"{sum(equal)} of {scenarios} forks equal their straight run")
    rows: list[tuple[str, float, float]] = [
        (f"{scenarios} straight runs, s", *_since(began, between)),
        ("the common past, s", *_since(between, kept)),
        (f"{scenarios} forks, s", *_since(kept, ended)),
    ]
    all_forked = _since(between, ended)
    ratio = [a / b for a, b in zip(_since(began, between), all_forked, strict=True)]
    return Result(
        f"{scenarios} scenarios, {START} to {END}, that part in {PARTED}; scale {scale:g}",
        ("", "by the clock", "all cores"),
        rows,
        {"times faster": ratio[0], "times less work": ratio[1], "kept month, MB": size / 1e6},
        {"times faster": (">=", 1.0)},
        f"every file of the {scenarios} forks is equal to the byte to that of its straight run",
    )


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(a: Iterable[float], b: Iterable[float]) -> tuple[float, float]:
    wall, cores = (z - y for y, z in zip(a, b, strict=True))
    return wall, cores


def _digest(folder: Path) -> str:
    """SHA-256 over the names and hashes of a run's files."""
    files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    text = json.dumps({name: record["sha256"] for name, record in sorted(files.items())})
    return hashlib.sha256(text.encode()).hexdigest()
