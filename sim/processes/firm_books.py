"""What is remembered of the firms: by sector every month, by kind and standing every half-year."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.firms import HOLE
from sim.borrow import borrow
from sim.processes.firms import OFFERED
from sim.state import State

FIRMS, WORKERS, OFFERS, LEFT = range(4)
"""Columns of Record.jobs: at the end of the month, but vacancies as the month began."""
SURVEYED = 3
"""Columns of Record.firms: firms, workers and vacancies that nobody took."""


def remember_jobs(state: State) -> None:
    """Firms, workers, vacancies offered and left by sector, int64[K, 4]; K = 0 without firms."""
    counted = survey(state)
    out = np.zeros((counted.shape[0], 4), np.int64)
    out[:, [FIRMS, WORKERS, LEFT]] = counted.sum(axis=(1, 2))
    if state.labour is not None:
        out[:, OFFERS] = state.labour.firms.seen[:, OFFERED]
    state.record.jobs.append(out)


def survey(state: State) -> np.ndarray:
    """int64[sectors, sizes, standings, SURVEYED] of the firms as they are now."""
    body = state.config.firms
    if state.labour is None or body is None:
        return np.zeros((0, 0, 0, SURVEYED), np.int64)
    firms = state.labour.firms
    shape = len(body.sectors), len(body.sizes), len(body.statuses), SURVEYED
    out = np.zeros((state.chunks, *shape), np.int64)
    state.crew.run(count_firms_now, firms.n, firms.columns, out)
    return np.asarray(out.sum(axis=0))


@njit(cache=True, nogil=True)
def count_firms_now(c, first, stop, firms, out):
    """Firms, workers and vacancies of rows [first, stop): out int64[C, K, Z, U, 3]."""
    firms = borrow(firms)
    for f in range(first, stop):
        status = firms.status[f]
        if status == HOLE:
            continue
        cell = out[c, firms.sector[f], firms.size[f], status]
        cell[0] += 1
        for t in range(firms.heads.shape[1]):
            cell[1] += firms.heads[f, t]
            cell[2] += firms.vacancies[f, t]
