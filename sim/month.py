"""One month, as a list of processes in order. Each is a few lines that call kernels.

To add a process: a function here (kernel in `sim/processes/`) and its line in MONTH.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from sim.civic import agencies, describe_civic, municipalities
from sim.clock import calendar_month, month_name
from sim.errors import InvariantError
from sim.processes.arrivals import arrive, count_cells, occupied
from sim.processes.books import add_up, describe_people, recount
from sim.processes.caps import capped
from sim.processes.cohorts import YEARS, count_cohorts
from sim.processes.families import born_here, brought, follow, forget_events, mark
from sim.processes.fates import month_of_everyone
from sim.processes.firm_books import describe_firms, remember_jobs
from sim.processes.firms import plan
from sim.processes.jobs import jobs, recruited
from sim.processes.lists import FLAGGED, FREED, MOTHERS, SPONSOR_FATES, SPONSORS
from sim.processes.risk import renew_classes
from sim.state import State


def policy(state: State) -> None:
    """The month's rates: baseline edited by what is in force."""
    state.set_rates()
    state.open_books()
    state.people.begin_month()
    state.lists.clear()
    if calendar_month(state.month) == 1:
        renew_risks(state)


def renew_risks(state: State) -> None:
    """Put everyone into the risk class of their present age and duration."""
    p = state.people
    names = ("status", "firm", "born", "since", "language", "arrears", "municipality")
    columns = (p[name] for name in names)
    mobility = state.world.mobility
    state.crew.run(renew_classes, p.n, *columns, mobility, state.month, p["risk"])


def fates(state: State) -> None:
    """Permits that end, then competing risks; one pass over everyone."""
    state.look_around()
    p = state.people
    state.crew.run(
        month_of_everyone,
        p.n,
        p.columns,
        state.model.fates,
        state.base,
        state.bounds,
        state.model.status,
        state.world,
        state.now,
        state.books,
    )
    state.collect(p.n)


def children(state: State) -> None:
    """Births to residents; a child that is a citizen is counted and not simulated."""
    p, a = state.people, state.model.status
    mothers = state.lists[MOTHERS]
    foreign = mothers[a.child[p["status"][mothers]] >= 0]
    rows = p.take(foreign.size)
    female = state.plan.newborn_female
    born = np.zeros((state.chunks, state.sizes[0]), np.int64)
    world, now = state.world, state.now
    state.crew.run(
        born_here, foreign.size, p.columns, foreign, rows, female, a, world, now, state.books, born
    )
    state.tallies["born"] = born.sum(axis=0)
    state.tallies["born_citizens"] = np.array(mothers.size - foreign.size)


def family_arrivals(state: State) -> None:
    """Family members whom residents bring."""
    p, model = state.people, state.model
    sponsors, chosen = state.lists[SPONSORS], state.lists[SPONSOR_FATES]
    rows = p.take(sponsors.size)
    came = np.zeros((state.chunks, state.sizes[0]), np.int64)
    tables = (model.fates, state.plan.profile, model.status, state.world)
    state.crew.run(
        brought, rows.size, p.columns, sponsors, chosen, rows, *tables, state.now, state.books, came
    )
    state.tallies["brought"] = came.sum(axis=0)


def dependants(state: State) -> None:
    """Those who depend on people to whom something happened."""
    p = state.people
    state.make_room()
    happened = np.zeros(p.n // 8 + 1, np.uint8)
    mark(happened, state.lists[FLAGGED])
    state.crew.run(
        follow,
        p.n,
        p.columns,
        happened,
        state.model.fates,
        state.base,
        state.model.status,
        state.world,
        state.now,
        state.books,
    )
    state.collect(p.n)
    forget_events(p.columns.event, state.lists[FLAGGED])
    p.free(state.lists[FREED])


def arrivals(state: State) -> None:
    """People from abroad, by status, origin and municipality."""
    s, o, prefectures, _ = state.sizes
    plan, people = state.plan, state.plan.people(state.month) * state.scale
    if not plan.is_past(state.month):
        now = state.rates.in_force(state.month)
        people = capped(
            people * now.arrivals, now.caps, state.stock, state.record.came, state.scale
        )
    if state.labour is not None:  # they come when firms recruit them
        people = np.where(state.model.status.seeks, 0.0, people)
    counts = np.empty((s * o, prefectures), np.int32)
    places = state.places.prefectures
    share = plan.share(state.month)
    state.crew.run(count_cells, s * o, people, share, plan.cell_word, places, state.now, counts)
    cells, first = occupied(counts)
    rows = state.people.take(int(first[-1]))
    came = np.zeros((state.chunks, s), np.int64)
    state.crew.run(
        arrive,
        cells.size,
        state.people.columns,
        rows,
        cells,
        first,
        plan.cell_word,
        places,
        plan.profile,
        state.model.status,
        state.world,
        state.now,
        state.books,
        came,
    )
    state.tallies["came"] = came.sum(axis=0)


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


def describe(state: State) -> None:
    """Record places, ages and traits as they are now."""
    s, m = state.sizes[0], state.sizes[3]
    ages = np.zeros((state.chunks, s, 2, 23), np.int32)
    traits = np.zeros((state.chunks, s, 9), np.int32)
    p = state.people
    columns = (p[name] for name in ("status", "sex", "born", "arrears", "language"))
    state.crew.run(describe_people, p.n, *columns, state.month, ages, traits)
    record = state.record
    record.places[state.month] = state.place.reshape(m, s).astype(np.int32)
    record.ages[state.month] = ages.sum(axis=0, dtype=np.int32)
    record.traits[state.month] = traits.sum(axis=0, dtype=np.int32)
    months = 12 * np.array(YEARS)
    cohorts = np.zeros((state.chunks, s, months.size), np.int32)
    columns = (p[name] for name in ("status", "born", "entered"))
    state.crew.run(count_cohorts, p.n, *columns, state.month, months, cohorts)
    record.cohorts[state.month] = cohorts.sum(axis=0, dtype=np.int32)
    describe_civic(state)
    describe_firms(state)


MONTH: Final[tuple[Callable[[State], None], ...]] = (
    policy,
    municipalities,
    plan,
    fates,
    jobs,
    children,
    family_arrivals,
    dependants,
    arrivals,
    recruited,
    agencies,
    books,
)
