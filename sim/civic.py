"""Municipalities and agencies in the month: what they read from the state and leave in it."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.agents.agencies import open_agencies
from sim.agents.towns import COUNTED, open_towns
from sim.clock import calendar_month
from sim.processes import agencies as queues
from sim.processes import towns as places
from sim.processes.census import FARED, FINE, census, count_origins, mark_families
from sim.processes.pull import jobs_index, pull
from sim.state import State

TOWN: Final = ("support", "classes", "linked", "caseload", "capacity", "backlog", "sentiment")
"""Columns of Record.towns."""
WEIGHTS: Final = ("base", "permit", "job", "family", "language")
ENDED: Final = 3
"""Place in Books.screen of the number of permits that ended."""


def residents(state: State) -> places.Residents:
    """Foreign residents and people without a status by municipality, weighted."""
    irregular = state.model.status.irregular
    counted = np.ones(state.sizes[0], np.bool_)
    counted[irregular] = False
    return places.Residents.of(state.place, state.sizes[0], counted, irregular, state.scale)


def open_civic(state: State) -> None:
    """Municipalities and agencies at the opening, from the people who are there."""
    state.agencies = open_agencies(state.bureau)
    land = state.land
    if land is not None:
        people, params = residents(state), state.params
        counts, _ = take_census(state)
        foreign, irregular = people.foreign, people.irregular
        state.towns = open_towns(land, state.month, foreign, irregular, counts, state.sizes[1])
        levels = list(land.town.support.levels)
        nationals = land.nationals_in(state.month)
        usual = places.conditions(state.towns, params, people, nationals, levels)
        state.towns.usual[:] = usual
        places.work(state.towns, params, people)
        show(state)
        lean(state)
    remember(state)


def municipalities(state: State) -> None:
    """Budgets, desks, classes, the data link and sentiment; then what residents feel of them."""
    if state.land is not None:
        people = residents(state)
        places.step(state.towns, state.land, state.params, state.month, state.key, people)
        show(state)
        if calendar_month(state.month) == 1:
            lean(state)


def show(state: State) -> None:
    """Let kernels see support, sentiment and links as they are."""
    towns = state.towns
    state.world = state.world._replace(
        acting=True,
        support=places.support_given(towns, state.params),
        sentiment=np.minimum(towns.sentiment * 10.0, 9.0).astype(np.uint8),
        linked=towns.linked.copy(),
        pull=towns.pull,
    )


def agencies(state: State) -> None:
    """The month's cases at the agencies; the pace of next month's decisions follows."""
    kept, tallies = state.books, state.tallies
    assert kept is not None
    if state.agencies.act:
        flow = kept.tally[:, 0].sum(axis=0)
        ended = int(kept.screen[:, ENDED].sum())
        came = int(tallies["came"].sum() + tallies["brought"].sum())
        cases = queues.cases_of(state.bureau, flow, ended, came, state.scale)
        people = state.stock  # at the end of last month
        with_status = int(people.sum() - people[state.model.status.irregular]) / state.scale
        queues.step(state.agencies, state.bureau, state.params, state.month, with_status, cases)
    remember(state)


def remember(state: State) -> None:
    """Record the month of municipalities and agencies."""
    work, summary = state.agencies, np.zeros(0)
    if state.land is not None:
        summary = places.summary(
            state.towns, state.land, state.params, state.month, residents(state)
        )
    state.record.civic.append(summary)
    columns = (work.cases, work.decided, work.capacity, work.waiting)
    state.record.queues.append(np.stack(columns, axis=1))


def take_census(state: State) -> tuple[np.ndarray, np.ndarray]:
    """int64[M, 4] by COUNTED and int64[S, P, 4] by FARED: everyone as they are now."""
    s, _, n_prefectures, m = state.sizes
    people, c = state.people, state.chunks
    family = np.empty(people.n, np.uint8)
    mark_families(people["principal"], family)
    local = state.params["integration.satisfaction.sentiment"]
    near = np.rint(local * (1.0 - state.towns.sentiment) * FINE).astype(np.int64)
    given = [state.params[f"integration.satisfaction.{name}"] for name in WEIGHTS]
    weights = np.rint(np.array(given) * FINE).astype(np.int64)
    towns = np.zeros((c, m * len(COUNTED)), np.int64)
    fared = np.zeros((c, s * n_prefectures * len(FARED)), np.int64)
    seeks = state.model.status.seeks & (state.labour is not None)
    state.crew.run(
        census, people.n, people.columns, state.model.status, state.world, seeks, family, near,
        weights, n_prefectures, towns, fared,
    )  # fmt: skip
    by_town = towns.sum(axis=0).reshape(m, len(COUNTED))
    return by_town, fared.sum(axis=0).reshape(s, n_prefectures, len(FARED))


def describe_civic(state: State) -> None:
    """Record municipalities and how residents fare, at a half-year."""
    record, towns = state.record, state.towns
    if state.land is None:
        record.towns[state.month] = np.zeros((0, len(TOWN)))
        record.fared[state.month] = np.zeros((0, 0, len(FARED)), np.int64)
        return
    towns.counts[:], record.fared[state.month] = take_census(state)
    felt = places.support_given(towns, state.params)
    columns = (
        felt, towns.classes, towns.linked, towns.cases, towns.capacity, towns.waiting,
        towns.sentiment,
    )  # fmt: skip
    record.towns[state.month] = np.stack(columns, axis=1).astype(np.float64)


def lean(state: State) -> None:
    """Let internal moves of the coming year lean to co-nationals, support and jobs."""
    state.towns.pull = destinations(state, jobs_on_offer(state))
    state.world = state.world._replace(pull=state.towns.pull)


def jobs_on_offer(state: State) -> np.ndarray:
    """float64[M]: vacancies relative to residents and the country; 1 without firms."""
    m = state.sizes[3]
    vacancies = np.zeros(m)
    if state.labour is not None:
        firms = state.labour.firms
        alive = firms.alive
        open_now = firms["vacancies"][alive].sum(axis=1, dtype=np.int64)
        vacancies = np.bincount(firms["municipality"][alive], open_now, m) / state.scale
    few = state.params["town.pull.few"]
    return jobs_index(vacancies, residents(state).foreign, few)


def destinations(state: State, jobs: np.ndarray) -> np.ndarray:
    """int64[O, M + 1]: weights of internal moves from now on; see sim.processes.pull.

    jobs: float64[M], jobs on offer relative to the country's.
    """
    people, o, m = state.people, state.sizes[1], state.sizes[3]
    count = np.zeros((state.chunks, o, m), np.int32)
    columns = (people[name] for name in ("status", "origin", "municipality"))
    state.crew.run(count_origins, people.n, *columns, count)
    land = state.land
    assert land is not None
    names = ("conationals", "support", "jobs")
    a, b, c = (state.params[f"town.pull.{name}"] for name in names)
    by_origin = count.sum(axis=0, dtype=np.int64) / state.scale
    base, few = state.places.world.pull[0], state.params["town.pull.few"]
    tilt = np.where(land.metropolitan, state.params["town.pull.metro"], 1.0)
    return pull(base, by_origin, state.world.support, jobs, tilt, (a, b, c), few)
