"""Threads that run a kernel on chunks of rows. Kernels release the interpreter's lock.

Chunks are contiguous and each writes its own rows and its own row of the books, so how many there
are changes nothing. Plain threads compile in half the time of numba's own parallel loops, and
those drop stores to members of a tuple inside their body (seen with numba 0.68).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ALONE = 20_000
"""Rows below which handing chunks to threads costs more than it saves; the chunks stay the same."""


class Crew:
    """`size` threads, of which the caller is one; `run` cuts n rows into that many chunks."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size - 1) if size > 1 else None

    def run(self, kernel: Callable[..., Any], n: int, *args: Any) -> list[Any]:
        """kernel(chunk, first, stop, *args) for each chunk of rows [0, n); results in order."""
        spans = [(c, n * c // self.size, n * (c + 1) // self.size) for c in range(self.size)]
        if self._pool is None or n < ALONE:
            return [kernel(*span, *args) for span in spans]
        jobs = [self._pool.submit(kernel, *span, *args) for span in spans[:-1]]
        try:
            own = kernel(*spans[-1], *args)
        finally:
            done = [
                job.result() for job in jobs
            ]  # no error leaves this function while a chunk still runs
        return [*done, own]


def usable_cores() -> int:
    """Cores that this process may use, at least 1: the least of what binds it.

    That is its affinity, the quota of its control group (containers), and what a batch system or
    the user says of threads: SLURM_CPUS_PER_TASK, OMP_NUM_THREADS, NUMBA_NUM_THREADS.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    for name in ("SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        said = os.environ.get(name, "").partition(",")[0].strip()
        if said.isascii() and said.isdigit() and int(said) > 0:
            cores = min(cores, int(said))
    quota = _quota()
    return max(min(cores, cores if quota is None else math.ceil(quota)), 1)


def _quota() -> float | None:
    """Cores' worth of time that this process's control group may take; None without a limit."""
    try:
        with open("/proc/self/cgroup", encoding="ascii") as lines:
            groups = [line.rstrip("\n").split(":", 2) for line in lines]
    except (OSError, ValueError):
        return None  # not Linux
    for _, kinds, path in (group for group in groups if len(group) == 3):
        if not kinds:
            base = Path("/sys/fs/cgroup")
            found = _first_numbers(base / path.lstrip("/") / "cpu.max", base / "cpu.max")
        elif "cpu" in kinds.split(","):
            base = Path("/sys/fs/cgroup/cpu")
            name = "cpu.cfs_quota_us"
            found = _first_numbers(base / path.lstrip("/") / name, base / name)
            period = _first_numbers(base / path.lstrip("/") / "cpu.cfs_period_us")
            found = [*found[:1], *period[:1]]
        else:
            continue
        if len(found) == 2 and found[0] > 0 and found[1] > 0:
            return found[0] / found[1]
    return None


def _first_numbers(*paths: Path) -> list[float]:
    """The numbers in the first of the files that is there; none where it says `max`."""
    for path in paths:
        try:
            return [float(word) for word in path.read_text(encoding="ascii").split()]
        except OSError:
            continue
        except ValueError:
            return []
    return []


def use_threads(wanted: int | None) -> int:
    """How many threads kernels run on; None is all there are."""
    return wanted or usable_cores()


def crew_of(threads: int | None) -> Crew:
    """The threads of a run; None takes all usable cores."""
    return Crew(use_threads(threads))
