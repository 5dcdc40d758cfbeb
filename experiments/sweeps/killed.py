"""A sweep that is killed again and again ends with the tables of one that was left alone.

    python -m experiments.sweeps.killed --runs 200 --kills 3 --folder /tmp/killed

Each kill is SIGKILL to the sweep's whole process group, so nothing can tidy up. Prints what was
lost each time, and whether the collected tables are equal byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

RATE = "status.student.monthly.leave.rate"


class Kill(NamedTuple):
    """What one kill left behind."""

    seconds: float  # from the start of the process
    complete: int
    half_done: int  # folders without a manifest
    damaged: int  # runs that say they are complete and are not


class Outcome(NamedTuple):
    left_alone: float  # seconds
    killed: float  # seconds of all its processes together
    kills: list[Kill]
    equal: bool
    tables: dict[str, str]  # SHA-256 by name


def words(runs: int, output: Path, more: Sequence[str] = ()) -> list[str]:
    """A sweep of about so many two-year runs of one person in a hundred."""
    rates = ",".join(f"{0.02 + 0.02 * i:.2f}" for i in range(min(10, runs)))
    seeds = max(runs // 10, 1)
    return ["-m", "scale=0.01", "end=2027-06", f"seed=range(0,{seeds})", f"{RATE}={rates}",
            f"output={output}", *more]  # fmt: skip


def start(arguments: Iterable[str]) -> subprocess.Popen[bytes]:
    """`kyosei run` in a process group of its own."""
    command = [sys.executable, "-m", "sim.cli.main", "run", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


def finish(arguments: Iterable[str]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    if start(arguments).wait() != 0:
        raise SystemExit("the sweep failed")
    return time.perf_counter() - began


def complete(output: Path) -> int:
    return len(list(output.glob("*/manifest.json")))


def kill_at(arguments: Sequence[str], output: Path, count: int) -> Kill:
    """Start the sweep, and kill its whole group when so many runs are there."""
    began = time.perf_counter()
    process = start(arguments)
    while complete(output) < count and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    seconds = time.perf_counter() - began
    time.sleep(0.5)  # the last of the group
    return Kill(seconds, complete(output), *state(output))


def state(output: Path) -> tuple[int, int]:
    """(folders of unfinished runs, complete ones that do not verify)."""
    from sim.files.manifest import verify

    folders = [path for path in output.iterdir() if len(path.name) == 16]
    done = [path for path in folders if (path / "manifest.json").exists()]
    return len(folders) - len(done), sum(bool(verify(path)) for path in done)


def tables(output: Path) -> dict[str, str]:
    """SHA-256 of the collected tables."""
    subprocess.run([sys.executable, "-m", "sim.cli.main", "collect", str(output)], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    files = sorted((output / "collected").iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def experiment(folder: Path, runs: int, kills: int, more: Sequence[str] = ()) -> Outcome:
    """The same sweep twice: left alone, and killed and started again."""
    whole, broken = folder / "left-alone", folder / "killed"
    left_alone = finish(words(runs, whole, more))
    expected = tables(whole)
    total = complete(whole)
    told, spent = [], 0.0
    for k in range(kills):
        told.append(kill_at(words(runs, broken, more), broken, total * (k + 1) // (kills + 1)))
        spent += told[-1].seconds
    spent += finish(words(runs, broken, more))
    found = tables(broken)
    return Outcome(left_alone, spent, told, found == expected, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kyosei-killed"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    warm = options.folder / "warm"  # compile before anything is timed
    finish(["scale=0.001", "end=2025-12", "--quiet", f"output={warm}"])
    outcome = experiment(options.folder, options.runs, options.kills)
    print(f"left alone: {complete(options.folder / 'left-alone')} runs,"
          f" {outcome.left_alone:.0f} s")  # fmt: skip
    for i, kill in enumerate(outcome.kills, 1):
        print(
            f"kill {i} after {kill.seconds:.0f} s: {kill.complete} runs complete,"
            f" {kill.half_done} half done, {kill.damaged} damaged"
        )
    lost = outcome.killed - outcome.left_alone
    print(f"killed {options.kills} times and continued: {outcome.killed:.0f} s, {lost:.0f} s lost")
    for name, digest in outcome.tables.items():
        print(f"  {digest[:16]}  {name}")
    print("equal to the byte" if outcome.equal else "NOT EQUAL")


if __name__ == "__main__":
    main()
