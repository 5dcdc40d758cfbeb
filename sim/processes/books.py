"""Books: stocks kept by events must equal a recount of everyone, to the person."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.agents.state import State
from sim.core.clock import calendar_month, month_name
from sim.core.errors import InvariantError
from sim.processes.survey import describe, remember_jobs


@njit(cache=True, nogil=True)
def recount(c, first, stop, status, municipality, n_statuses, out):
    """People by municipality and status from rows [first, stop): out int32[C, M * S]."""
    for i in range(first, stop):
        if status[i] != HOLE:
            out[c, np.int64(municipality[i]) * n_statuses + status[i]] += 1


@njit(cache=True)
def add_up(parts, stock):
    """Adds what every chunk has counted, int32[C, N], to int64[N]."""
    for c in range(parts.shape[0]):
        for k in range(stock.size):
            stock[k] += parts[c, k]


@njit(cache=True, nogil=True)
def recount_cube(
    c, first, stop, status, origin, municipality, prefecture, n_origins, n_prefectures, out
):
    """People by status, origin and prefecture from rows [first, stop): out int32[C, S * O * P]."""
    for i in range(first, stop):
        if status[i] != HOLE:
            row = np.int64(status[i]) * n_origins + origin[i]
            out[c, row * n_prefectures + prefecture[municipality[i]]] += 1


def books(state: State) -> None:
    """Close the month: the stocks kept by events must equal a recount, to the person."""
    s, o, p, m = state.sizes
    kept = state.books
    assert kept is not None
    add_up(kept.cube, state.cube)
    add_up(kept.place, state.place)
    count = np.zeros((state.chunks, m * s), np.int32)
    people = state.people
    state.crew.run(recount, people.n, people["status"], people["municipality"], s, count)
    flow, seen, expected, variance = kept.tally.sum(axis=0)
    flow = flow[: state.model.kinds]
    again = np.zeros(m * s, np.int64)
    add_up(count, again)
    _close(state, again, flow)
    audit = state.audit
    audit.seen += seen
    audit.expected += expected
    audit.variance += variance
    audit.screen += kept.screen.sum(axis=0)[: audit.screen.size]
    record = state.record
    record.months.append(state.month)
    record.cubes.append(state.cube.reshape(s, o, p).astype(np.int32))
    record.flows.append(flow)
    for name in ("came", "brought", "born"):
        getattr(record, name).append(state.tallies[name])
    record.born_citizens.append(int(state.tallies["born_citizens"]))
    remember_jobs(state)
    if calendar_month(state.month) in (6, 12):
        describe(state)


def _close(state: State, count: np.ndarray, flow: np.ndarray) -> None:
    """Raise InvariantError unless stocks, recount and flows agree to the person."""
    n, month = state.sizes[0], month_name(state.month)
    wrong = np.flatnonzero(count != state.place)
    if wrong.size:
        raise InvariantError(
            f"the books of {month} do not close: {wrong.size} cells of municipality x status "
            f"differ from a recount, by {int(abs(count - state.place).sum())} people"
        )
    stock = state.stock
    before = state.record.cubes[-1].reshape(n, -1).sum(axis=1, dtype=np.int64)
    newcomers = state.tallies["came"] + state.tallies["brought"] + state.tallies["born"]
    ledger = before + newcomers + state.model.net(flow)
    for what, other in (("recount", count.reshape(-1, n).sum(axis=0)), ("flows", ledger)):
        if not np.array_equal(stock, other):
            raise InvariantError(
                f"the books of {month} do not close: stocks by status differ from the {what} "
                f"by {int(abs(stock - other).sum())} people"
            )
    assert state.books is not None
    if state.books.screen[:, 2].sum():
        raise InvariantError(f"a bound on the hazard was too low in {month}")
