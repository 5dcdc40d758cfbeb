"""What a whole month costs, process by process, for populations of several sizes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks.people import state_with
from benchmarks.report import Cell, Result
from sim.model import month


def measure(sizes: list[int], threads: int, months: int) -> Result:
    """Each size in a process of its own, so that its peak memory is its own."""
    columns = [_apart(people, threads, months) for people in sizes]
    names = [process.__name__ for process in month.MONTH]
    rows: list[list[Cell]] = [[name, *(c["ns"][name] for c in columns)] for name in names]
    totals = [sum(c["ns"].values()) for c in columns]
    rows += [
        ["whole month", *totals],
        ["million agent-months/s", *(1000 / total for total in totals)],
        ["firms", *(c["firms"] for c in columns)],
        ["bytes a person, columns", *(c["column_bytes"] for c in columns)],
        ["peak memory, MB", *(c["peak_mb"] for c in columns)],
        ["first month, s", *(c["first_month"] for c in columns)],
    ]
    passes = [c["ns"]["fates"] for c in columns]
    numbers = {
        "monthly pass, dearest over cheapest": max(passes) / min(passes),
        "whole month, dearest over cheapest": max(totals) / min(totals),
        "bytes a person": max(c["column_bytes"] for c in columns),
    }
    flat = ("<=", 1.5)
    return Result(
        "Cost of a month, ns per agent-month",
        ("process", *(f"{c['people']:,}" for c in columns)), rows, numbers,
        {"monthly pass, dearest over cheapest": flat, "whole month, dearest over cheapest": flat,
         "bytes a person": ("<=", 100.0)},
        f"{threads} threads; cheapest of the same {months} months, process by process",
    )  # fmt: skip


def _apart(people: int, threads: int, months: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scaling", str(people), str(threads), str(months)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def one_size(people: int, threads: int, months: int) -> dict[str, Any]:
    """Least ns per agent-month by process, and memory."""
    state = state_with(people, threads, firms=True)
    spent: dict[str, list[float]] = {process.__name__: [] for process in month.MONTH}
    started = time.perf_counter()
    first = 0.0
    for k in range(months + 1):
        state.month += 1
        n = state.people.count()
        for process in month.MONTH:
            before = time.perf_counter()
            process(state)
            if k > 0:
                spent[process.__name__].append(1e9 * (time.perf_counter() - before) / n)
        first = first or time.perf_counter() - started
    return {
        "people": state.people.count(),
        "firms": state.labour.firms.count() if state.labour is not None else 0,
        "ns": {name: min(values) for name, values in spent.items()},
        "column_bytes": state.people.nbytes() / state.people.capacity,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "first_month": first,
    }


if __name__ == "__main__":
    print(json.dumps(one_size(*(int(word) for word in sys.argv[1:4]))))
