"""Compiles the kernels of a month on a country without people, for a run that is at its opening.

Run by `sim.model.precompile`. The dearest process comes first, then the last of the month and so on
backwards: the run, which compiles what it needs as it goes, comes from the other side. Kernels go
into the cache, where the run finds them; nothing else is left, and no result depends on it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from sim import PACKAGE
from sim.agents.firms import FirmBook, FirmSet, labour_of
from sim.agents.state import State
from sim.config.compose import compose
from sim.core.numba_cache import is_cold
from sim.core.threads import usable_cores
from sim.data.load import data_of
from sim.model.opening import blank_state
from sim.processes import arrivals as arrivals_module
from sim.processes import families as month
from sim.processes import fates as fates_module
from sim.processes.jobs import recruited

ORDER: Final[tuple[Callable[[State], None], ...]] = (
    fates_module.fates,
    recruited,
    arrivals_module.arrivals,
    month.dependants,
    month.family_arrivals,
    month.children,
)
"""The opening, `firms_month` and `jobs` are compiled by the run itself meanwhile."""


def empty_country() -> State:
    """The default country in the first month of a run, with neither people nor firms."""
    config = compose(["threads=1"])
    state = blank_state(config, data_of(config), 0, threads=1)
    statuses, _, prefectures, towns = state.sizes
    body = config.firms
    if body is not None:
        tiers, sectors, sizes = len(body.tiers), len(body.sectors), len(body.sizes)
        book = FirmBook(
            demand=np.ones((sectors, tiers)),
            extent=np.ones(sectors),
            noise=np.zeros(1),
            stead=np.zeros(tiers),
            past=np.zeros((0, tiers)),
            instead=np.zeros((0, tiers)),
            first=np.array([state.month]),
            share=np.zeros(2),
            usual=np.zeros((sectors, sizes, tiers)),
            cells=np.zeros((sectors, sizes, prefectures), np.int64),
            years=np.zeros(1),
            pull=np.zeros(towns + 1),
            workforce=np.ones((1, prefectures)),
        )
        firms = FirmSet(tiers, 0, book)
        state.labour = labour_of(config, firms, state.places.world.prefecture, prefectures)
    state.month += 1
    state.base = state.policy.in_force(state.month).base
    state.tallies["came"] = np.zeros(statuses, np.int64)
    return state


def compile_all() -> None:
    """Call each process of ORDER once."""
    state = empty_country()
    for process in ORDER:
        process(state)


def _end_with_parent() -> None:
    """End this process when nobody holds the other end of its standard input any more."""
    sys.stdin.buffer.read()
    os._exit(0)


@contextlib.contextmanager
def compiled_beside() -> Iterator[None]:
    """Start `sim.model.precompile` if no kernel is compiled yet and a core is free; end it after.

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
    path = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "sim.model.precompile"],
            stdin=subprocess.PIPE,  # its end tells the helper that this process is gone
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except OSError:
        return None


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    compile_all()
