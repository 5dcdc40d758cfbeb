"""The main job from the command line to its folder: wall time and peak memory."""

from __future__ import annotations

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
        small = ["scale=0.01", "end=2025-12", f"output={folder}/small", *overrides]
        warming, _, _ = _run(small)
        wall, cores, peak = _run([f"output={folder}/full", *overrides])
        size = sum(f.stat().st_size for f in Path(folder, "full").rglob("*") if f.is_file())
    return Result(
        "The main job: " + " ".join(["kyosei run", *overrides]),
        ("", "wall, s", "all cores, s", "peak memory, MB", "written, MB"),
        [
            ("small run before it, compiling included", warming, None, None, None),
            ("the run", wall, cores, peak, size / 1e6),
        ],
        {"seconds": wall, "peak MB": peak},
        {"seconds": ("<=", 30.0), "peak MB": ("<=", 2000.0)},
    )


def _run(overrides: list[str]) -> tuple[float, float, float]:
    """(wall seconds, processor seconds, peak MB) of a run in a process of its own."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "sim.cli", "run", "--quiet", *overrides], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"kyosei run ended with exit code {process.returncode}")
    wall = time.perf_counter() - started
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
