"""Books: stocks kept by events must equal a recount of everyone, to the person.

Every month stocks are held against flows, which costs nothing. Counting everyone again is a pass
over all people: a large run does it each half-year and at its end (see OFTEN).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.agents.record import BORN, BORN_CITIZENS, BROUGHT, CAME, CUBES, FLOWS
from sim.agents.state import BOUND_BROKEN, State
from sim.core.clock import calendar_month, month_name
from sim.core.errors import InvariantError
from sim.core.kernels import borrow
from sim.processes.survey import record_half_year, record_jobs


@njit(cache=True, nogil=True)
def recount(chunk, first, stop, people, n_statuses, out):
    """People by municipality and status from rows [first, stop): out int32[C, M * S]."""
    people = borrow(people)
    for i in range(first, stop):
        status = people.status[i]
        if status != HOLE:
            out[chunk, np.int64(people.municipality[i]) * n_statuses + status] += 1


@njit(cache=True)
def add_up(parts, stock):
    """Adds what every chunk has counted, int32[C, N], to int64[N]."""
    for c in range(parts.shape[0]):
        for k in range(stock.size):
            stock[k] += parts[c, k]


@njit(cache=True, nogil=True)
def recount_cube(chunk, first, stop, people, prefecture, month, out):
    """People by status, origin and prefecture from rows [first, stop): out int32[C, S * O * P]."""
    people = borrow(people)
    for i in range(first, stop):
        if people.status[i] != HOLE:
            cell = np.int64(people.status[i]) * month.n_origins + people.origin[i]
            out[chunk, cell * month.n_prefectures + prefecture[people.municipality[i]]] += 1


UNSOUND: Final = (
    "were born in the future", "entered in the future", "got their status in the future",
    "entered before they were born", "have a code outside its table", "depend on nobody",
)  # fmt: skip
"""What `count_unsound` counts, by its columns."""

BORN_LATER, ENTERED_LATER, CHANGED_LATER, ENTERED_UNBORN, MISCODED, ORPHANED = range(len(UNSOUND))


@njit(cache=True, nogil=True)
def count_unsound(chunk, first, stop, people, month, rows, out):
    """Residents of rows [first, stop) who break a rule of UNSOUND: out int64[C, 6].

    rows: those in use, holes included
    """
    people, now = borrow(people), month.now
    for i in range(first, stop):
        if people.status[i] == HOLE:
            continue
        out[chunk, BORN_LATER] += people.born[i] > now
        out[chunk, ENTERED_LATER] += people.entered[i] > now
        out[chunk, CHANGED_LATER] += people.since[i] > now
        out[chunk, ENTERED_UNBORN] += people.entered[i] < people.born[i]
        coded = people.sex[i] <= 1 and people.language[i] <= 4 and people.arrears[i] <= 7
        out[chunk, MISCODED] += not (coded and people.origin[i] < month.n_origins)
        holder = people.principal[i]
        if holder >= rows or holder < -1:
            out[chunk, ORPHANED] += 1
        elif holder >= 0:
            out[chunk, ORPHANED] += people.status[holder] == HOLE


OFTEN: Final = 500_000
"""Simulated people up to whom everyone is counted again each month. With more it is done in June,
December and the last month of a run: a loss is noticed within half a year, and the run fails."""


def books(state: State) -> None:
    """Close the month: the stocks kept by events must equal a recount, to the person."""
    s, o, p, _ = state.sizes
    kept, half_year = state.books, calendar_month(state.month) in (6, 12)
    add_up(kept.cube, state.cube)
    add_up(kept.place, state.place)
    flow, seen, expected, variance = kept.tally.sum(axis=0)
    flow = flow[: state.rates.kinds]
    if state.people.n <= OFTEN or half_year or month_name(state.month) == state.config.end:
        recount_places(state)
    _close(state, flow)
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
    record_jobs(state)
    if half_year:
        recount_all(state)
        record_half_year(state)


def recount_all(state: State) -> None:
    """Raise InvariantError unless stocks by origin and prefecture, and all columns, are sound."""
    people, month = state.people, month_name(state.month)
    cube = np.zeros((state.chunks, state.cube.size), np.int32)
    prefecture = state.world.prefecture
    state.crew.run(recount_cube, people.n, people.columns, prefecture, state.now, cube)
    again = cube.sum(axis=0, dtype=np.int64)
    if not np.array_equal(again, state.cube):
        raise InvariantError(
            f"the books of {month} do not close: stocks by status, origin and prefecture differ"
            f" from a recount by {int(abs(again - state.cube).sum())} people"
        )
    wrong = np.zeros((state.chunks, len(UNSOUND)), np.int64)
    state.crew.run(count_unsound, people.n, people.columns, state.now, people.n, wrong)
    found = wrong.sum(axis=0)
    if found.any():
        counted = zip(UNSOUND, found.tolist(), strict=True)
        raise InvariantError(
            [f"in {month}, {count} people {rule}" for rule, count in counted if count]
        )


def recount_places(state: State) -> None:
    """Raise InvariantError unless stocks by municipality and status are those of a recount."""
    s, m = state.sizes[0], state.sizes[3]
    count, again = np.zeros((state.chunks, m * s), np.int32), np.zeros(m * s, np.int64)
    state.crew.run(recount, state.people.n, state.people.columns, s, count)
    add_up(count, again)
    wrong = np.flatnonzero(again != state.place)
    if wrong.size:
        raise InvariantError(
            f"the books of {month_name(state.month)} do not close: {wrong.size} cells of"
            f" municipality x status differ from a recount, by"
            f" {int(abs(again - state.place).sum())} people"
        )
    _compare(state, "recount", again.reshape(m, s).sum(axis=0))


def _compare(state: State, what: str, people: np.ndarray) -> None:
    """Raise InvariantError unless stocks by status are `people`, int64[S], counted in a way."""
    if not np.array_equal(state.stock, people):
        raise InvariantError(
            f"the books of {month_name(state.month)} do not close: stocks by status differ from"
            f" the {what} by {int(abs(state.stock - people).sum())} people"
        )


def _close(state: State, flow: np.ndarray) -> None:
    """Raise InvariantError unless stocks and flows agree to the person."""
    before = state.record.cubes[-1].reshape(state.sizes[0], -1).sum(axis=1, dtype=np.int64)
    newcomers = state.tallies["came"] + state.tallies["brought"] + state.tallies["born"]
    _compare(state, "flows", before + newcomers + state.rates.net(flow))
    if state.books.screen[:, BOUND_BROKEN].sum():
        raise InvariantError(f"a bound on the hazard was too low in {month_name(state.month)}")
