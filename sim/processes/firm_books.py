"""What is remembered of the firms: by sector every month, by kind and standing every half-year."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.firms import HOLE
from sim.agents.labour import N_COUNTS
from sim.borrow import borrow
from sim.processes.firms import OFFERED
from sim.state import State
from sim.status_table import has_firms

FIRMS, WORKERS, OFFERS, LEFT = range(4)
"""Columns of Record.jobs: at the end of the month, but vacancies as the month began."""
SURVEYED = 3
"""Columns of Record.firms: firms, workers and vacancies that nobody took."""


def remember_jobs(state: State) -> None:
    """The month's work into the record; see `sim.recorder.Record` for shapes."""
    record, labour = state.record, state.labour
    counted = survey(state)
    jobs = np.zeros((counted.shape[0], 4), np.int64)
    jobs[:, [FIRMS, WORKERS, LEFT]] = counted.sum(axis=(1, 2))
    if labour is not None:
        jobs[:, OFFERS] = labour.firms.seen[:, OFFERED]
    _, _, _, tiers, fields = _sizes(state)
    record.jobs.append(jobs)
    record.support.append(support_cost(state))
    record.work.append(
        np.zeros((N_COUNTS, tiers), np.int64) if labour is None else labour.counts.copy()
    )
    record.capped.append(
        np.zeros((tiers, fields), np.int64) if labour is None else labour.capped.copy()
    )


def describe_firms(state: State) -> None:
    """Firms by kind and standing into the record."""
    state.record.firms[state.month] = survey(state)


def open_books(state: State) -> None:
    """Put the firms of the opening in the place of nobody, which is what the record has so far."""
    for name in ("jobs", "work", "capped", "support"):
        getattr(state.record, name).pop()
    remember_jobs(state)
    describe_firms(state)


def _sizes(state: State) -> tuple[int, int, int, int, int]:
    """Numbers of sectors, sizes, standings, tiers and fields; none where firms do not act."""
    body = state.config.firms
    if body is None or not has_firms(state.config):
        return 0, 0, 0, 0, 0
    return (
        len(body.sectors), len(body.sizes), len(body.statuses), len(body.tiers), len(body.fields),
    )  # fmt: skip


def survey(state: State) -> np.ndarray:
    """int64[sectors, sizes, standings, SURVEYED] of the firms as they are now."""
    shape = _sizes(state)[:3]
    if state.labour is None:
        return np.zeros((*shape, SURVEYED), np.int64)
    firms = state.labour.firms
    out = np.zeros((state.chunks, *shape, SURVEYED), np.int64)
    state.crew.run(count_firms_now, firms.n, firms.columns, out)
    return np.asarray(out.sum(axis=0))


def support_cost(state: State) -> float:
    """What firms spend on their workers' support this month, thousand yen at scale 1."""
    body, params = state.config.firms, state.params
    if state.labour is None or body is None:
        return 0.0
    firms, kinds = state.labour.firms, list(body.support.cost)
    workers = np.zeros((state.chunks, 2 ** len(kinds)), np.int64)
    state.crew.run(count_supported, firms.n, firms.columns, workers)
    cost = np.array([params[f"firms.support.cost.{name}"] for name in kinds])
    given = (np.arange(workers.shape[1])[:, None] >> np.arange(len(kinds))) & 1
    yearly = float(workers.sum(axis=0) @ (given @ cost)) * params["firms.support.burden"]
    return yearly / 12.0 / state.scale


@njit(cache=True, nogil=True)
def count_supported(c, first, stop, firms, workers):
    """Workers of firms [first, stop) by the bits of support: workers int64[C, 2**kinds]."""
    firms = borrow(firms)
    for f in range(first, stop):
        if firms.status[f] != HOLE and firms.support[f] > 0:  # none costs nothing
            here = 0
            for t in range(firms.heads.shape[1]):
                here += firms.heads[f, t]
            workers[c, firms.support[f]] += here


@njit(cache=True, nogil=True)
def count_firms_now(c, first, stop, firms, out):
    """Firms, workers and vacancies of rows [first, stop): out int64[C, K, Z, U, 3]."""
    firms = borrow(firms)
    for f in range(first, stop):
        status = firms.status[f]
        if status == HOLE:
            continue
        cell = out[c, firms.sector[f], firms.size[f], status]
        people, vacant = 0, 0
        for t in range(firms.heads.shape[1]):
            people += firms.heads[f, t]
            vacant += firms.vacancies[f, t]
        cell[0] += 1
        cell[1] += people
        cell[2] += vacant
