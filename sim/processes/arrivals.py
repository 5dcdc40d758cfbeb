"""Arrivals: how many people come to each cell (status, origin, prefecture), and who they are.

A cell's count is the inverse distribution function of a Poisson number at one uniform, so a rate
1 % higher adds about 1 % of people and leaves the others as they were. Each newcomer draws the
municipality: a count for every one of them would cost more than all else in a small run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from sim.agents.population import NO_SECTOR, SEEKS
from sim.agents.state import State
from sim.core.kernels import INLINED, borrow, prefetch
from sim.core.probability import LARGEST_MEAN, poisson
from sim.core.rng import (
    P_ARRIVAL_COUNT,
    P_ARRIVAL_PERSON,
    P_NEW_STATUS,
    TAG_ARRIVAL,
    draw,
    identity,
    low,
    occasion,
    threefry,
    unit,
)
from sim.policies.ratebook import Cap
from sim.processes.person import (
    AT_PERMIT_END,
    FIRST,
    IN,
    book,
    give_permit,
    open_workspace,
    pick_cut,
    wants_job,
)
from sim.processes.risk import renew_class

NOBODY, NONE = np.int64(-1), np.int64(0)
"""No principal; no language."""

AHEAD = 8
"""Newcomers ahead of the one in work whose rows are fetched."""


class Newcomer(NamedTuple):
    """Who somebody is who comes this month. All int64 but the key: for every other type the
    compiler would make another copy of `write_newcomer`."""

    key: np.uint64
    status: np.int64
    origin: np.int64
    sex: np.int64
    born: np.int64
    place: np.int64  # municipality
    principal: np.int64  # row of the person depended on, or NOBODY
    language: np.int64


class Cells(NamedTuple):
    """Cells of arrivals: status, origin and prefecture, and how many people each expects."""

    people: np.ndarray  # float64[S]: expected this month, already times scale
    share: np.ndarray  # float64[S, O, P]: shares of a status's arrivals; each status sums to 1 or 0
    word: np.ndarray  # uint64[S, O]: 40-bit words of (status, origin) shifted up by 24 bits
    place: np.ndarray  # uint64[P]: prefecture codes, below 2**24


class Comers(NamedTuple):
    """N cells that somebody comes to this month, and the rows for all of them."""

    cell: np.ndarray  # int64[N]: number of the cell
    first: np.ndarray  # int64[N + 1]: the cell's people are numbers first[k] to first[k + 1]
    rows: np.ndarray  # int32[first[-1]]: row of each in the population
    came: np.ndarray  # int64[C, S] out: people by chunk and status


@njit(cache=True, **INLINED)
def fetch_row(people, i):
    """Fetch the row of a newcomer into the cache: rows that are used again lie anywhere."""
    prefetch(people.key, i)
    prefetch(people.status, i)
    prefetch(people.born, i)  # and the fields that stand together with it
    prefetch(people.municipality, i)
    prefetch(people.principal, i)
    prefetch(people.permit_end, i)
    prefetch(people.risk, i)
    prefetch(people.firm, i)
    prefetch(people.job_since, i)
    prefetch(people.traits, i)
    prefetch(people.event, i)


@njit(cache=True, **INLINED)
def write_newcomer(scene, work, i, newcomer):
    """Write a newcomer of this month into row i and count them in the books."""
    people, status, month = scene.people, scene.status, scene.month
    people.key[i] = newcomer.key
    people.status[i] = newcomer.status
    people.origin[i] = newcomer.origin
    people.sex[i] = newcomer.sex
    people.born[i] = newcomer.born
    people.entered[i] = month.now
    people.since[i] = month.now
    people.municipality[i] = newcomer.place
    people.principal[i] = newcomer.principal
    people.language[i] = newcomer.language
    people.arrears[i] = 0
    people.counting[i] = month.now if status.counts[newcomer.status] else -1
    people.event[i] = 0
    people.firm[i] = -1
    people.job_since[i] = month.now
    people.sector[i] = NO_SECTOR
    x0, x1 = draw(month.k0, month.k1, newcomer.key, month.now, P_NEW_STATUS, 0)
    months = month.now - np.int64(newcomer.born)
    people.traits[i] = SEEKS if wants_job(status, newcomer.status, months, low(x1)) else 0
    people.stage[i] = pick_cut(status.stage_cut[newcomer.status], low(x0))
    give_permit(scene, i, FIRST, AT_PERMIT_END)
    renew_class(scene, i)
    book(scene, work, i, IN)


@njit(cache=True, **INLINED)
def draw_profile(profile, row, now, word0, word1):
    """(sex, month of birth, language) of a newcomer from two 64-bit words."""
    sex = np.int64((word0 & np.uint64(0xFFFFFFFF)) >= profile.female[row])
    band = pick_cut(profile.age_cut[row], word0 >> np.uint64(32))
    width = np.uint64(profile.age_months[row, band])
    offset = np.int64(((word1 & np.uint64(0xFFFFFFFF)) * width) >> np.uint64(32))
    born = now - np.int64(profile.age_from[row, band]) - offset
    return sex, born, pick_cut(profile.language_cut[row], word1 >> np.uint64(32))


@njit(cache=True)
def cell_count(mean, cell_key, month):
    """Number of arrivals in a cell with this mean, one uniform for each full LARGEST_MEAN of it
    and one for the rest: a mean that grows past a multiple adds people and changes none."""
    full = np.int64(mean / LARGEST_MEAN)
    count = 0
    for part in range(full + 1):
        x0, _ = draw(month.k0, month.k1, cell_key, month.now, P_ARRIVAL_COUNT, part)
        rest = LARGEST_MEAN if part < full else mean - full * LARGEST_MEAN
        count += poisson(rest, 1.0 - unit(x0))
    return count


@njit(cache=True, nogil=True)
def count_cells(chunk, first, stop, cells, month, counts):
    """Arrivals by cell, rows [first, stop) of counts int32[S * O, P], which is written."""
    cells = borrow(cells)
    n_origins, n_places = cells.share.shape[1], cells.share.shape[2]
    draws = np.zeros(n_places)
    when = occasion(month.now, P_ARRIVAL_COUNT, 0)
    for row in range(first, stop):
        s, o = row // n_origins, row % n_origins
        expected, word, shares = cells.people[s], cells.word[s, o], cells.share[s, o]
        for j in range(n_places):
            counts[row, j] = 0
        if expected <= 0.0:
            continue
        for j in range(n_places):
            x0, _ = threefry(month.k0, month.k1, word | cells.place[j], when)
            draws[j] = unit(x0)
        for j in range(n_places):
            # P(at least one) = 1 - exp(-x) <= x: most cells end here without an exp.
            mean = expected * shares[j]
            if draws[j] < mean:
                counts[row, j] = cell_count(mean, word | cells.place[j], month)


@njit(cache=True)
def occupied(counts):
    """(cells int64[N], first int64[N + 1]) of the cells with arrivals, in order."""
    flat = counts.reshape(-1)
    n = 0
    for k in range(flat.size):
        n += flat[k] > 0
    cells, first = np.zeros(n, np.int64), np.zeros(n + 1, np.int64)
    n = 0
    for k in range(flat.size):
        if flat[k] > 0:
            cells[n] = k
            first[n + 1] = first[n] + flat[k]
            n += 1
    return cells, first


@njit(cache=True, nogil=True)
def write_arrivals(chunk, first, stop, scene, cells, comers, profile):
    """Write the people of cells [first, stop) of `comers` into their rows."""
    scene, cells, comers, profile = borrow(scene), borrow(cells), borrow(comers), borrow(profile)
    work, world, month = open_workspace(scene, chunk, 0), scene.world, scene.month
    n_places, n_origins = cells.place.size, cells.word.shape[1]
    for k in range(first, stop):
        row, prefecture = comers.cell[k] // n_places, comers.cell[k] % n_places
        status, origin = row // n_origins, row % n_origins
        word, towns = cells.word[status, origin] | cells.place[prefecture], world.first[prefecture]
        for number in range(comers.first[k], comers.first[k + 1]):
            fetch_row(scene.people, comers.rows[min(number + AHEAD, comers.rows.size - 1)])
            key = identity(TAG_ARRIVAL, word, np.uint64(month.now), number - comers.first[k])
            x0, x1 = draw(month.k0, month.k1, key, month.now, P_ARRIVAL_PERSON, 0)
            sex, born, language = draw_profile(profile, status, month.now, x0, x1)
            x0, _ = draw(month.k0, month.k1, key, month.now, P_ARRIVAL_PERSON, 1)
            place = np.int64(towns + pick_cut(world.entry_cut[towns:], low(x0)))
            newcomer = Newcomer(key, status, origin, sex, born, place, NOBODY, language)
            write_newcomer(scene, work, np.int64(comers.rows[number]), newcomer)
            comers.came[chunk, status] += 1


YEAR = 12


def capped(
    people: np.ndarray,
    caps: Iterable[Cap],
    stock: np.ndarray,
    came: Sequence[np.ndarray],
    scale: float,
) -> np.ndarray:
    """float64[S]: expected arrivals of the month, cut in proportion where a cap leaves less room.

    people  float64[S]: expected, simulated people
    stock   int64[S]: simulated residents; certificates stop at a cap of the stock, changes of
            status in Japan go on
    came    int64[S] of each month before, the opening month first
    """
    out = people.astype(np.float64, copy=True)
    for cap in caps:
        rows = list(cap.statuses)
        expected = float(out[rows].sum())
        room = max(room_under(cap, rows, stock, came, scale), 0.0)
        if expected > room:
            out[rows] *= room / expected
    return out


def room_under(
    cap: Cap, rows: list[int], stock: np.ndarray, came: Sequence[np.ndarray], scale: float
) -> float:
    """Simulated people who may still come in the month under a cap; negative if too many have."""
    if cap.per == "stock":
        return cap.value * scale - float(stock[rows].sum())
    if cap.per == "year":
        recent = math.fsum(float(month[rows].sum()) for month in list(came)[1:][-(YEAR - 1) :])
        return cap.value * scale - recent
    if len(came) <= YEAR:  # no month of the year before to grow from
        return float("inf")
    return (1.0 + cap.value) * float(came[-YEAR][rows].sum())


def expected_arrivals(state: State) -> np.ndarray:
    """float64[S]: arrivals of the month at scale 1 as channels have them, events, edits and what
    origins supply included, caps not. Past entries are as they happened."""
    people = state.arrivals.people(state.month)
    if state.arrivals.is_past(state.month):
        return people
    _, power = state.arrivals.supplied(state.month, state.residents_by_origin)
    return np.asarray(people * state.policy.in_force(state.month).arrivals * power)


def usual_arrivals(state: State, month: int) -> np.ndarray:
    """float64[S]: arrivals a month at scale 1 at the level of each channel open in the month, as
    the fit has it: before seasons, shocks and what policy does."""
    return np.asarray(state.arrivals.levels(month) * state.policy.in_force(month).fitted_arrivals)


def arrivals(state: State) -> None:
    """People from abroad, by status, origin and municipality."""
    s, o, prefectures, _ = state.sizes
    plan, people = state.arrivals, expected_arrivals(state) * state.scale
    share, _ = plan.supplied(state.month, state.residents_by_origin)
    if not plan.is_past(state.month):
        caps = state.policy.in_force(state.month).caps
        people = capped(people, caps, state.stock, state.record.came, state.scale)
    if state.labour is not None:  # they come when firms recruit them
        people = np.where(state.rates.status.seeks, 0.0, people)
    counts = np.empty((s * o, prefectures), np.int32)
    places = state.places.prefectures
    cells = Cells(people, share, plan.cell_word, places)
    state.crew.run(count_cells, s * o, cells, state.now, counts)
    cell, first = occupied(counts)
    rows = state.people.take(int(first[-1]))
    comers = Comers(cell, first, rows, np.zeros((state.chunks, s), np.int64))
    state.crew.run(write_arrivals, cell.size, state.scene, cells, comers, plan.profile)
    state.tallies["came"] = comers.came.sum(axis=0)
