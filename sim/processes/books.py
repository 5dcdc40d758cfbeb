"""Books: stocks kept by events must equal a recount of everyone, to the person."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.agents.record import BORN, BORN_CITIZENS, BROUGHT, CAME, CUBES, FLOWS
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


UNSOUND: Final = (
    "were born in the future", "entered in the future", "got their status in the future",
    "entered before they were born", "have a code outside its table", "depend on nobody",
)  # fmt: skip
"""What `unsound` counts, by its columns."""


@njit(cache=True, nogil=True)
def unsound(
    c, first, stop, status, born, entered, since, sex, language, arrears, origin, principal,
    limits, out,
):  # fmt: skip
    """Residents of rows [first, stop) who break a rule of UNSOUND: out int64[C, 6].

    limits int64[3]: the month, the number of origins, and the rows in use
    """
    now, origins, rows = limits[0], limits[1], limits[2]
    for i in range(first, stop):
        if status[i] == HOLE:
            continue
        out[c, 0] += born[i] > now
        out[c, 1] += entered[i] > now
        out[c, 2] += since[i] > now
        out[c, 3] += entered[i] < born[i]
        coded = sex[i] <= 1 and language[i] <= 4 and arrears[i] <= 7 and origin[i] < origins
        out[c, 4] += not coded
        holder = principal[i]
        if holder >= rows or holder < -1:
            out[c, 5] += 1
        elif holder >= 0:
            out[c, 5] += status[holder] == HOLE


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
    record.add(CUBES, state.month, state.cube.reshape(s, o, p).astype(np.int32))
    record.add(FLOWS, state.month, flow)
    for series in (CAME, BROUGHT, BORN):
        record.add(series, state.month, state.tallies[series.name])
    record.add(BORN_CITIZENS, state.month, int(state.tallies["born_citizens"]))
    remember_jobs(state)
    if calendar_month(state.month) in (6, 12):
        recount_all(state)
        describe(state)


def recount_all(state: State) -> None:
    """Raise InvariantError unless stocks by origin and prefecture, and all columns, are sound."""
    _, o, p, _ = state.sizes
    people, month = state.people, month_name(state.month)
    cube = np.zeros((state.chunks, state.cube.size), np.int32)
    columns = (people[name] for name in ("status", "origin", "municipality"))
    state.crew.run(recount_cube, people.n, *columns, state.world.prefecture, o, p, cube)
    again = cube.sum(axis=0, dtype=np.int64)
    if not np.array_equal(again, state.cube):
        raise InvariantError(
            f"the books of {month} do not close: stocks by status, origin and prefecture differ"
            f" from a recount by {int(abs(again - state.cube).sum())} people"
        )
    limits = np.array([state.month, o, people.n], np.int64)
    wrong = np.zeros((state.chunks, len(UNSOUND)), np.int64)
    names = ("status", "born", "entered", "since", "sex", "language", "arrears", "origin")
    columns = (people[name] for name in (*names, "principal"))
    state.crew.run(unsound, people.n, *columns, limits, wrong)
    found = wrong.sum(axis=0)
    if found.any():
        counted = zip(UNSOUND, found.tolist(), strict=True)
        raise InvariantError(
            [f"in {month}, {count} people {rule}" for rule, count in counted if count]
        )


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
