"""Half-yearly counts of residents by municipality, and how satisfied they are."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from sim.agents.firms import COUNTS
from sim.agents.firms import HOLE as NO_FIRM
from sim.agents.population import HOLE, NORMS
from sim.agents.record import CODE, FLAG, HALF_YEAR, MONTH, PLACES, Column, declare
from sim.agents.state import State
from sim.agents.towns import COUNTED
from sim.config.factors import AGES
from sim.core.kernels import borrow
from sim.core.sums import product
from sim.processes import towns as places
from sim.processes.firms import OFFERED

FINE: Final = 10_000
"""Satisfaction is added up in ten-thousandths: sums across threads are integers."""

FARED: Final = declare(
    "fared", "how residents fare: their number and sums over them", "int64", ("S", "P"), HALF_YEAR,
    columns=("people", Column("satisfaction", f"1/{FINE} of full satisfaction"), "b1", "norms"),
)  # fmt: skip

FARED_PEOPLE, FARED_CONTENT, FARED_B1, FARED_NORMS = map(
    FARED.at, ("people", "satisfaction", "b1", "norms")
)

N_FARED: Final = len(FARED.columns)

N_COUNTED: Final = len(COUNTED)

BEHIND_NHI, BEHIND_PENSION, TOWN_B1, TOWN_NORMS = map(
    COUNTED.index, ("behind_nhi", "behind_pension", "b1", "norms")
)

B1: Final = 3
"""Level of Japanese: see the column `language`."""

FIVE_YEARS: Final = 60


@njit(cache=True, nogil=True)
def mark_families(principal, family):
    """family uint8[n]: 1 for those who depend on somebody and those on whom somebody depends."""
    for i in range(principal.size):
        family[i] = 0
    for i in range(principal.size):
        on = principal[i]
        if on >= 0:
            family[i] = 1
            family[on] = 1


class Asked(NamedTuple):
    """What the satisfaction of residents is made of, besides their columns, and their places."""

    irregular: int  # the status without a permit
    seeks: np.ndarray  # bool[S]: statuses that ask for a job; none where firms do not act
    family: np.ndarray  # uint8[n]: see mark_families
    near: np.ndarray  # int64[M]: what local sentiment adds, in ten-thousandths
    weights: np.ndarray  # int64[5]: in order of WEIGHTS, in ten-thousandths
    prefecture: np.ndarray  # uint8[M]
    n_prefectures: int


@njit(cache=True, nogil=True)
def census(chunk, first, stop, people, asked, towns, fared):
    """Count residents of rows [first, stop).

    towns    int64[C, M * 4]: see agents.towns.COUNTED
    fared    int64[C, S * P * 4]: by the columns of FARED
    """
    people, asked = borrow(people), borrow(asked)
    base, permit, job, kin, speaks = (
        asked.weights[0], asked.weights[1], asked.weights[2], asked.weights[3], asked.weights[4],
    )  # fmt: skip
    for i in range(first, stop):
        s = people.status[i]
        if s == HOLE:
            continue
        town, level = np.int64(people.municipality[i]), np.int64(people.language[i])
        arrears, norms = np.int64(people.arrears[i]), np.int64(people.traits[i]) & NORMS
        at = town * N_COUNTED
        towns[chunk, at + BEHIND_NHI] += arrears & 1
        towns[chunk, at + BEHIND_PENSION] += (arrears >> 1) & 1
        towns[chunk, at + TOWN_B1] += level >= B1
        towns[chunk, at + TOWN_NORMS] += norms
        secure = 0 if s == asked.irregular else min(np.int64(people.permit_months[i]), FIVE_YEARS)
        content = base + permit * secure // FIVE_YEARS
        if not asked.seeks[s] or people.firm[i] >= 0:
            content += job
        content += kin * asked.family[i] + speaks * level // 4 + asked.near[town]
        at = (np.int64(s) * asked.n_prefectures + asked.prefecture[town]) * N_FARED
        fared[chunk, at + FARED_PEOPLE] += 1
        fared[chunk, at + FARED_CONTENT] += min(content, FINE)
        fared[chunk, at + FARED_B1] += level >= B1
        fared[chunk, at + FARED_NORMS] += norms


TOWNS: Final = declare(
    "towns", "municipalities that act", "float64", ("M",), HALF_YEAR,
    columns=(
        Column("support", "level of support as residents feel it", CODE),
        Column("classes", "has Japanese classes", FLAG),
        Column("linked", "takes part in the data link", FLAG),
        Column("caseload", "cases a month"), Column("capacity", "cases a month"),
        Column("backlog", "cases"),
        Column("sentiment", "share of nationals opposed to more foreign workers"),
    ),
)  # fmt: skip

WEIGHTS: Final = ("base", "permit", "job", "family", "language")


def take_census(state: State) -> tuple[np.ndarray, np.ndarray]:
    """int64[M, 4] by COUNTED and int64[S, P, 4] as FARED: everyone as they are now."""
    s, _, n_prefectures, m = state.sizes
    people, c = state.people, state.chunks
    family = np.empty(people.n, np.uint8)
    mark_families(people["principal"], family)
    local = state.params["integration.satisfaction.sentiment"]
    near = np.rint(local * (1.0 - state.towns.sentiment) * FINE).astype(np.int64)
    given = [state.params[f"integration.satisfaction.{name}"] for name in WEIGHTS]
    weights = np.rint(np.array(given) * FINE).astype(np.int64)
    towns = np.zeros((c, m * len(COUNTED)), np.int64)
    fared = np.zeros((c, s * n_prefectures * len(FARED.columns)), np.int64)
    seeks = state.rates.status.seeks & (state.labour is not None)
    asked = Asked(
        irregular=state.rates.status.irregular, seeks=seeks, family=family, near=near,
        weights=weights, prefecture=state.world.prefecture, n_prefectures=n_prefectures,
    )  # fmt: skip
    state.crew.run(census, people.n, people.columns, asked, towns, fared)
    by_town = towns.sum(axis=0).reshape(m, len(COUNTED))
    return by_town, fared.sum(axis=0).reshape(s, n_prefectures, len(FARED.columns))


def record_towns(state: State) -> None:
    """Record municipalities and how residents fare, at a half-year."""
    record, towns, month = state.record, state.towns, state.month
    if state.land is None:
        record.add(TOWNS, month, np.zeros((0, len(TOWNS.columns))))
        record.add(FARED, month, np.zeros((0, 0, len(FARED.columns)), np.int64))
        return
    towns.counts[:], fared = take_census(state)
    record.add(FARED, month, fared)
    felt = places.support_given(towns, state.params)
    columns = (
        felt, towns.classes, towns.linked, towns.cases, towns.capacity, towns.waiting,
        towns.sentiment,
    )  # fmt: skip
    record.add(TOWNS, month, np.stack(columns, axis=1).astype(np.float64))


BY_AGE: Final = declare("ages", "residents by sex and age", "int32", ("S", "sex", "age"), HALF_YEAR)
TRAITS: Final = declare(
    "traits", "residents, those in arrears, and those at each level of Japanese", "int32", ("S",),
    HALF_YEAR, columns=("people", "behind_nhi", "behind_pension", "behind_tax", "level_0",
                        "level_1", "level_2", "level_3", "level_4"),
)  # fmt: skip

TRAIT_PEOPLE, BEHIND, AT_LEVEL = map(TRAITS.at, ("people", "behind_nhi", "level_0"))
"""Columns of TRAITS; the last two begin those by bit of arrears and by level of Japanese."""


@njit(cache=True, nogil=True)
def count_traits(chunk, first, stop, people, now, ages, traits):
    """Ages and traits of rows [first, stop).

    ages   int32[C, S, 2, 23]  by status, sex and five-year age
    traits int32[C, S, 9]      by the columns of TRAITS
    """
    people = borrow(people)
    for i in range(first, stop):
        s = people.status[i]
        if s != HOLE:
            age = min(max((now - people.born[i]) // 12, 0), AGES - 1)
            ages[chunk, s, people.sex[i], age // 5] += 1
            traits[chunk, s, TRAIT_PEOPLE] += 1
            for bit in range(3):
                traits[chunk, s, BEHIND + bit] += (people.arrears[i] >> bit) & 1
            traits[chunk, s, AT_LEVEL + people.language[i]] += 1


YEARS: Final = (1, 3, 5, 10)
"""Years after which a cohort is looked for."""

WINDOW: Final = 6
"""Months of entry that make a cohort: those of one half-year."""

COHORTS: Final = declare(
    "cohorts", "those who came in one half-year and are there so many years later", "int32", ("S",),
    HALF_YEAR, columns=[f"after_{years}_years" for years in YEARS],
)  # fmt: skip


@njit(cache=True, nogil=True)
def count_cohorts(chunk, first, stop, people, now, months, out):
    """People of rows [first, stop) who first came `months` to `months` + 5 months ago.

    months int64[K]; out int32[C, S, K]. Who was born here is no newcomer.
    """
    people = borrow(people)
    for i in range(first, stop):
        status = people.status[i]
        if status != HOLE and people.entered[i] != people.born[i]:
            ago = now - people.entered[i]
            for k in range(months.size):
                if months[k] <= ago < months[k] + WINDOW:
                    out[chunk, status, k] += 1


JOBS: Final = declare(
    "jobs", "firms by sector at the end of the month; `offered` are vacancies as it began, "
    "`vacancies` those that nobody took", "int64", ("K",), MONTH,
    columns=(Column("firms", "establishments"), "workers", Column("offered", "jobs"),
             Column("vacancies", "jobs")),
)  # fmt: skip

WORK: Final = declare(
    "work", "what happened on the labour market", "int64", ("T",), MONTH, columns=COUNTS
)

CAPPED: Final = declare(
    "capped", "recruitments abroad that a cap stopped", "int64", ("T", "J"), MONTH, "recruitments"
)

SUPPORT: Final = declare(
    "support", "what firms spend on support", "float64", (), MONTH, "thousand yen a month, scale 1"
)

SURVEYED: Final = declare(
    "firms", "firms by kind and standing; `vacancies` are those that nobody took", "int64",
    ("K", "Z", "U"), HALF_YEAR,
    columns=(Column("firms", "establishments"), "workers", Column("vacancies", "jobs")),
)  # fmt: skip

FIRMS_THERE, WORKERS_THERE, STILL_OPEN = map(SURVEYED.at, ("firms", "workers", "vacancies"))


def record_jobs(state: State) -> None:
    """Record the month's work."""
    record, labour = state.record, state.labour
    counted = survey(state)
    jobs = np.zeros((counted.shape[0], len(JOBS.columns)), np.int64)
    jobs[:, [JOBS.at(name) for name in SURVEYED.names]] = counted.sum(axis=(1, 2))
    work, capped = np.zeros((0, len(COUNTS)), np.int64), np.zeros((0, 0), np.int64)
    if labour is not None:
        jobs[:, JOBS.at("offered")] = labour.firms.seen[:, OFFERED]
        work, capped = labour.counts.T.copy(), labour.capped.copy()
    record.add(JOBS, state.month, jobs)
    record.add(SUPPORT, state.month, support_cost(state))
    record.add(WORK, state.month, work)
    record.add(CAPPED, state.month, capped)


def record_firms_now(state: State) -> None:
    """Firms by kind and standing into the record."""
    state.record.add(SURVEYED, state.month, survey(state))


def survey(state: State) -> np.ndarray:
    """An entry of SURVEYED: the firms as they are now."""
    body = state.config.firms
    if state.labour is None or body is None:
        return np.zeros((0, 0, 0, len(SURVEYED.columns)), np.int64)
    shape = len(body.sectors), len(body.sizes), len(body.statuses), len(SURVEYED.columns)
    firms = state.labour.firms
    out = np.zeros((state.chunks, *shape), np.int64)
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
    each = product(given, cost)  # thousand yen a year for a worker, by what the firm gives
    yearly = math.fsum(workers.sum(axis=0) * each) * params["firms.support.burden"]
    return yearly / 12.0 / state.scale


@njit(cache=True, nogil=True)
def count_supported(chunk, first, stop, firms, workers):
    """Workers of firms [first, stop) by the bits of support: workers int64[C, 2**kinds]."""
    firms = borrow(firms)
    for f in range(first, stop):
        if firms.status[f] != NO_FIRM and firms.support[f] > 0:  # none costs nothing
            here = 0
            for t in range(firms.heads.shape[1]):
                here += firms.heads[f, t]
            workers[chunk, firms.support[f]] += here


@njit(cache=True, nogil=True)
def count_firms_now(chunk, first, stop, firms, out):
    """Firms, workers and vacancies of rows [first, stop): out int64[C, K, Z, U, 3]."""
    firms = borrow(firms)
    for f in range(first, stop):
        status = firms.status[f]
        if status == NO_FIRM:
            continue
        cell = out[chunk, firms.sector[f], firms.size[f], status]
        people, vacant = 0, 0
        for t in range(firms.heads.shape[1]):
            people += firms.heads[f, t]
            vacant += firms.vacancies[f, t]
        cell[FIRMS_THERE] += 1
        cell[WORKERS_THERE] += people
        cell[STILL_OPEN] += vacant


def record_half_year(state: State) -> None:
    """Record places, ages and traits as they are now."""
    s, m = state.sizes[0], state.sizes[3]
    ages = np.zeros((state.chunks, s, 2, 23), np.int32)
    traits = np.zeros((state.chunks, s, 9), np.int32)
    people = state.people
    state.crew.run(count_traits, people.n, people.columns, state.month, ages, traits)
    record = state.record
    record.add(PLACES, state.month, state.place.reshape(m, s).astype(np.int32))
    record.add(BY_AGE, state.month, ages.sum(axis=0, dtype=np.int32))
    record.add(TRAITS, state.month, traits.sum(axis=0, dtype=np.int32))
    months = 12 * np.array(YEARS)
    cohorts = np.zeros((state.chunks, s, months.size), np.int32)
    state.crew.run(count_cohorts, people.n, people.columns, state.month, months, cohorts)
    record.add(COHORTS, state.month, cohorts.sum(axis=0, dtype=np.int32))
    record_towns(state)
    record_firms_now(state)
