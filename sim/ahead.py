"""Compiles the kernels of a month on a country without people, for a run that is at its opening.

Run by `sim.compiling`. The dearest process comes first, then the last of the month and so on
backwards: the run, which compiles what it needs as it goes, comes from the other side. Kernels go
into the cache, where the run finds them; nothing else is left, and no result depends on it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Final

import numpy as np

from sim import month
from sim.agents.firms import FirmBook, FirmSet
from sim.agents.labour import labour_of
from sim.config import compose
from sim.data import load
from sim.model import blank_state
from sim.processes.jobs import recruited
from sim.processes.risk import n_classes
from sim.state import State

ORDER: Final[tuple[Callable[[State], None], ...]] = (
    month.fates,
    recruited,
    month.arrivals,
    month.dependants,
    month.family_arrivals,
    month.children,
)
"""The run compiles the rest itself meanwhile: the opening, `plan` and `jobs`."""


def empty_country() -> State:
    """The default country in the first month of a run, with neither people nor firms."""
    config = compose(["threads=1"])
    state = blank_state(config, load(config.country.data), 0, threads=1)
    statuses, _, prefectures, towns = state.sizes
    body = config.firms
    if body is not None:
        tiers, sectors, sizes = len(body.tiers), len(body.sectors), len(body.sizes)
        book = FirmBook(
            demand=np.ones((sectors, tiers)),
            extent=np.ones(sectors),
            usual=np.zeros((sectors, sizes, tiers)),
            cells=np.zeros((sectors, sizes, prefectures), np.int64),
            years=np.zeros(1),
            pull=np.zeros(towns + 1),
            workforce=np.ones((1, prefectures)),
        )
        firms = FirmSet(tiers, 0, book)
        state.labour = labour_of(config, firms, state.places.world.prefecture, prefectures)
    state.month += 1
    state.base = state.rates.in_force(state.month).base
    state.bounds = np.zeros(n_classes(statuses) + 1, np.uint32)
    state.open_books()
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


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    compile_all()
