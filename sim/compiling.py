"""Has kernels compiled on another core while a run that found none compiles its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import sim
from sim.cores import usable_cores
from sim.numba_cache import is_cold


@contextlib.contextmanager
def compiled_beside() -> Iterator[None]:
    """Start `sim.ahead` if no kernel is compiled yet and there is a core for it; end it after.

    Compiling holds one core (Numba has one lock for it) and is most of a first run's start. A
    helper that cannot be started or fails costs time and nothing else.
    """
    helper = _start() if is_cold() and usable_cores() > 1 else None
    try:
        yield
    finally:
        if helper is not None:
            helper.kill()
            helper.communicate()


def _start() -> subprocess.Popen[bytes] | None:
    # Not from the folder of whoever types the command (-P): a folder `sim` may lie there.
    path = [str(Path(sim.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "sim.ahead"],
            stdin=subprocess.PIPE,  # its end tells the helper that this process is gone
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except OSError:
        return None
