"""From an empty compiler cache to the end of the first month, and once more with the cache."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time

from benchmarks.report import Result

STEPS = ("import", "configuration and tables", "opening", "first month", "second month")


def measure(threads: int, scale: float) -> Result:
    """A cold and a second start of the main job, each in a new process."""
    with tempfile.TemporaryDirectory() as cache:
        cold, second = (_start(threads, scale, cache) for _ in range(2))
    rows = [(step, cold[step], second[step], cold[step] - second[step]) for step in STEPS]
    to_month = [sum(times[step] for step in STEPS[:-1]) for times in (cold, second)]
    rows.append(("to the end of the first month", *to_month, to_month[0] - to_month[1]))
    return Result(
        f"Start at scale {scale:g}, {threads} threads, in seconds",
        ("", "empty cache", "second start", "compiling"),
        rows,
        {"cold start": to_month[0], "second start": to_month[1]},
        {"cold start": ("<=", 60.0), "second start": ("<=", 5.0)},
    )


def _start(threads: int, scale: float, cache: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.start", str(threads), str(scale), str(time.time())]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every start would translate all of sim
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


def _first_months(threads: int, scale: float, launched: float) -> dict[str, float]:
    """Seconds of each step; `launched` is when the parent started this process."""
    from sim.cli.main import MANY_OBJECTS

    gc.set_threshold(MANY_OBJECTS)  # as the command does
    from sim.config.compose import compose
    from sim.data.load import data_of
    from sim.model.model import Kyosei
    from sim.model.precompile import compiled_beside

    at = [launched, time.time()]
    config = compose([f"threads={threads}", f"scale={scale}"])
    data = data_of(config)
    at.append(time.time())
    with compiled_beside():  # as a run does
        model = Kyosei(config, data)
        at.append(time.time())
        for _ in range(2):
            model.step()
            at.append(time.time())
    return {step: z - a for step, a, z in zip(STEPS, at[:-1], at[1:], strict=True)}


if __name__ == "__main__":
    print(json.dumps(_first_months(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))))
