"""Threads that run a kernel on chunks of rows. Kernels release the interpreter's lock.

Chunks are contiguous and each writes its own rows and its own row of the books, so how many there
are changes nothing. Plain threads compile in half the time of numba's own parallel loops, and
those drop stores to members of a tuple inside their body (seen with numba 0.68).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
            done = [job.result() for job in jobs]  # nobody goes on while a chunk is in work
        return [*done, own]


def usable_cores() -> int:
    """Cores that this process may use, which on a cluster are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(wanted: int | None) -> int:
    """How many threads kernels run on; None is all there are."""
    return wanted or usable_cores()


def crew_of(threads: int | None) -> Crew:
    """The threads of a run; None takes all usable cores."""
    return Crew(use_threads(threads))
