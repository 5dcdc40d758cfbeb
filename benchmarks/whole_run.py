"""The main job from the command line to its folder: wall time and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Result


def measure(overrides: list[str]) -> Result:
    """`kyosei run`, outputs included, after a small run that compiles what is not yet compiled."""
    with tempfile.TemporaryDirectory() as folder:
        kept = [word for word in overrides if not word.startswith(("scale=", "end="))]
        warming, _, _ = _run([*kept, "scale=0.01", "end=2025-12", f"output={folder}/small"])
        wall, cores, peak = _run([*overrides, f"output={folder}/full"])
        files = [path for path in Path(folder, "full").rglob("*") if path.is_file()]
        manifest = json.loads(next(f for f in files if f.name == "manifest.json").read_text())
        size = sum(path.stat().st_size for path in files)
    parts = manifest["seconds"]
    rows: list[tuple[str, float]] = [
        ("small run before it, compiling included, s", warming),
        ("the run, s", wall),
        *((f"  {name}, s", seconds) for name, seconds in parts.items()),
        ("  start and end of the program, s", wall - sum(parts.values())),
        ("all cores, s", cores),
        ("million agent-months/s in the months", manifest["agent_months"] / parts["months"] / 1e6),
        ("peak memory, MB", peak),
        ("written, MB", size / 1e6),
    ]
    return Result(
        "The main job: " + " ".join(["kyosei run", *overrides]),
        ("", "measured"),
        rows,
        {"seconds": wall, "peak MB": peak},
        {"seconds": ("<=", 30.0), "peak MB": ("<=", 2000.0)},
        "the clock counts what others do on the machine: compare with the seconds of all cores",
    )


def _run(overrides: list[str]) -> tuple[float, float, float]:
    """(wall seconds, processor seconds, peak MB) of a run in a process of its own."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "sim.cli.main", "run", "--quiet", *overrides],
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"kyosei run ended with exit code {process.returncode}")
    wall = time.perf_counter() - started
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
