"""A year of months from July 2037 on, process by process and kernel by kernel.

The opening is the cheapest month: later more people work, look for work, move and bring families.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.people import configuration
from benchmarks.report import Cell, Result
from sim.agents.state import State
from sim.core.threads import Crew
from sim.model.checkpoint import read, restore
from sim.model.month import MONTH
from sim.model.opening import audited_share, blank_state

KEPT = "2037-06"

LEAST = 0.3
"""Core-ns an agent-month from which a kernel has a row of its own."""


def measure(scale: float, threads: int, months: int) -> Result:
    """The same months on one thread and on `threads`, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"scale={scale}", f"end={KEPT}", f"checkpoint={KEPT}", f"output={folder}"]
        command = [sys.executable, "-m", "sim.cli.main", "run", "--quiet", "figures=false", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        kept = next(Path(folder).rglob("checkpoint-*.npz"))
        columns = [_apart(kept, scale, n, months) for n in (1, threads)]
    rows: list[tuple[Cell, ...]] = []
    for name in columns[0]["wall"]:
        rows.append((name, *(c[of][name] for c in columns for of in ("cores", "wall"))))
        for kernel, spent in columns[0]["kernels"][name].items():
            if spent >= LEAST:
                both = [c["kernels"][name][kernel] for c in columns]
                rows.append((f"  {kernel}", both[0], None, both[1], None))
    totals = [sum(c["wall"].values()) for c in columns]
    cores = [sum(c["cores"].values()) for c in columns]
    rows.append(("whole month", cores[0], totals[0], cores[1], totals[1]))
    return Result(
        f"Months from July 2037 on, {columns[0]['people']:,} people (scale {scale:g})",
        ("process, kernel", "core-ns", "ns", f"core-ns, {threads} threads", f"ns, {threads}"),
        rows,
        {"core-ns, one thread": cores[0], "gain of the threads": totals[0] / totals[1]},
        {"core-ns, one thread": ("<=", 40.0), "gain of the threads": (">=", 1.7)},
        f"mean of {months} months, run once before; kernels that chunks of rows go to",
    )


def _apart(kept: Path, scale: float, threads: int, months: int) -> dict[str, Any]:
    words = [str(kept), str(scale), str(threads), str(months)]
    command = [sys.executable, "-m", "benchmarks.late", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


class TimedCrew(Crew):
    """Threads that add up the processor time of each kernel, in seconds."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.spent: Counter[str] = Counter()

    def run(self, kernel: Callable[..., Any], n: int, *args: Any) -> list[Any]:
        before = time.process_time()
        out = super().run(kernel, n, *args)
        self.spent[kernel.__name__] += time.process_time() - before
        return out


def one_run(kept: Path, scale: float, threads: int, months: int) -> dict[str, Any]:
    """ns an agent-month by process: of the clock (`wall`), of all cores (`cores`), and of those by
    kernel (`kernels`)."""
    config, data = configuration(threads, scale)
    checkpoint = read(kept)
    for _ in range(2):  # the first loads what is compiled
        state = blank_state(config, data, checkpoint.arrays["people.key"].size, threads)
        restore(checkpoint, state)
        state.unaudited = audited_share(round(state.people.count() / scale))
        found = _months(state, threads, months)
    return found


def _months(state: State, threads: int, months: int) -> dict[str, Any]:
    state.crew = crew = TimedCrew(threads)
    wall: Counter[str] = Counter()
    cores: Counter[str] = Counter()
    kernels: dict[str, Counter[str]] = {process.__name__: Counter() for process in MONTH}
    agent_months = 0
    for _ in range(months):
        state.month += 1
        agent_months += state.people.count()
        for process in MONTH:
            name, clock, cpu = process.__name__, time.perf_counter(), time.process_time()
            crew.spent = kernels[name]
            process(state)
            wall[name] += time.perf_counter() - clock
            cores[name] += time.process_time() - cpu

    def each(spent: Counter[str]) -> dict[str, float]:
        return {name: 1e9 * seconds / agent_months for name, seconds in spent.items()}

    return {
        "people": state.people.count(),
        "wall": each(wall),
        "cores": each(cores),
        "kernels": {name: each(spent) for name, spent in kernels.items()},
    }


if __name__ == "__main__":
    path, *numbers = sys.argv[1:]
    print(json.dumps(one_run(Path(path), float(numbers[0]), int(numbers[1]), int(numbers[2]))))
