"""The monthly pass of the engine against the same pass in plain NumPy, months in turn."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.numpy_model import NumpyFates
from benchmarks.people import state_with
from benchmarks.report import Result
from sim.agents.state import State
from sim.model import month
from sim.processes import fates as fates_module

REPEATS = 5


def measure(people: int, threads: int, months: int) -> Result:
    """Both run the same months from the same people; only the pass itself is timed.

    Each pass is timed five times from the same columns and the fastest counts, so that other
    work on the machine disturbs less. The month before compiles, and is reported apart.
    """
    engine, numpy = state_with(people, threads), state_with(people, threads)
    passes = {"engine": (engine, fates_module.fates), "numpy": (numpy, NumpyFates(0))}
    first = {name: _month(*one, repeats=1)[0] for name, one in passes.items()}
    wall, cores = dict.fromkeys(passes, 0.0), dict.fromkeys(passes, 0.0)
    agent_months = 0
    for _ in range(months):
        agent_months += engine.people.count()
        for name, one in passes.items():
            spent = _month(*one, repeats=REPEATS)
            wall[name] += spent[0]
            cores[name] += spent[1]
    rows = [
        (label, 1e9 * wall[name] / agent_months, agent_months / wall[name] / 1e6,
         1e9 * cores[name] / agent_months, cores[name] / wall[name], first[name])
        for name, label in (("engine", f"Kyosei, threads: {threads}"), ("numpy", "NumPy, plain"))
    ]  # fmt: skip
    numbers = {
        "people": float(engine.people.count()),
        "times faster": wall["numpy"] / wall["engine"],
        "times faster per core": cores["numpy"] / cores["engine"],
    }
    return Result(
        f"Monthly pass over {engine.people.count():,} people, per agent-month",
        ("", "ns", "million/s", "core-ns", "cores had", "first, s"),
        rows, numbers, {"times faster": (">=", 10.0)},
        f"{months} months, fastest of {REPEATS} each; the engine's first compiles or loads",
    )  # fmt: skip


def _month(state: State, fates: Callable[[State], None], repeats: int) -> tuple[float, float]:
    """Simulate a month with `fates` as its pass; its seconds by the clock and of all cores."""
    state.month += 1
    walls, cores = [], []
    for process in month.MONTH:
        if process is not fates_module.fates:
            process(state)
            continue
        before = {name: column.copy() for name, column in state.people.columns._asdict().items()}
        for k in range(repeats):
            if k > 0:
                _restore(state, before)
            wall, cpu = time.perf_counter(), time.process_time()
            fates(state)
            walls.append(time.perf_counter() - wall)
            cores.append(time.process_time() - cpu)
    return min(walls), min(cores)


def _restore(state: State, before: dict[str, object]) -> None:
    """Undo a pass: columns as they were, books and lists empty."""
    for name, column in state.people.columns._asdict().items():
        column[:] = before[name]
    state.clear_books()
    state.lists.clear()
