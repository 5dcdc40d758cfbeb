"""What a run of a sweep costs beside its months, from the second run of a process on.

    python -m experiments.sweeps.startup --runs 20 --folder /tmp/startup

Every run is a job's own, in this process: composed, opened, simulated, written and flushed to disk.
The runs differ in a rate and in their seed, so nothing but what a sweep shares is shared.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from sim.model.model import Kyosei
from sim.sweeps.job import attempt
from sim.sweeps.plan import planned

RATE = "status.student.monthly.leave.rate"


def measure(folder: Path, runs: int, scale: float) -> tuple[float, list[dict[str, float]]]:
    """(seconds of planning a run, seconds of each run by part); the first run is not among them."""
    lines = [[f"scale={scale}", "end=2027-06", f"seed={i}", f"{RATE}={0.02 + 0.01 * i:.2f}",
              "figures=false"] for i in range(runs + 1)]  # fmt: skip
    folder.mkdir(parents=True)  # a run of a sweep does not make it
    planned(lines[:1], ["seed", RATE], folder)
    began = time.perf_counter()
    plan = planned(lines, ["seed", RATE], folder)
    planning = (time.perf_counter() - began) / len(lines)
    rows = []
    for run in plan.runs:
        with processor_of_months() as inside:
            began, used = time.perf_counter(), time.process_time()
            attempt(plan, run, 1)
            whole, used = time.perf_counter() - began, time.process_time() - used
        manifest = json.loads((folder / run.number / "manifest.json").read_text(encoding="utf-8"))
        parts = manifest["seconds"]
        rows.append({"whole": whole, "processor": used, "months": parts["months"],
                     "opening": parts["opening"], "outputs": parts["outputs"],
                     "beside the months": whole - parts["months"],
                     "processor beside": used - sum(inside)})  # fmt: skip
    return planning, rows[1:]


@contextmanager
def processor_of_months() -> Iterator[list[float]]:
    """Processor seconds of the months of each run made meanwhile: the clock also counts others."""
    spent: list[float] = []
    step = Kyosei.step

    def timed(model: Kyosei) -> None:
        before = time.process_time()
        step(model)
        spent.append(time.process_time() - before)

    with patch.object(Kyosei, "step", timed):
        yield spent


def table(rows: Sequence[dict[str, float]]) -> str:
    lines = [f"{'seconds of a run':24} {'median':>8} {'lowest':>8} {'highest':>8}"]
    for name in rows[0]:
        values = [row[name] for row in rows]
        middle, low, high = statistics.median(values), min(values), max(values)
        lines.append(f"{name:24} {middle:8.3f} {low:8.3f} {high:8.3f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kyosei-startup"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    planning, rows = measure(options.folder, options.runs, options.scale)
    print(table(rows))
    print(f"{'planning, before the first':24} {planning:6.3f} each")


if __name__ == "__main__":
    main()
