"""Arrivals: how many people come to each cell (status, origin, prefecture), and who they are.

A cell's count is the inverse distribution function of a Poisson number at one uniform, so a rate
1 % higher adds about 1 % of people and leaves the others as they were. Each newcomer draws the
municipality: a count for every one of them would cost more than all else in a small run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numba import njit

from sim.agents.population import NO_SECTOR, SEEKS
from sim.agents.state import State
from sim.core.kernels import borrow, prefetch
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
    pick_cut,
    set_risk,
    wants_job,
)

NOBODY, NONE = np.int64(-1), np.int64(0)
"""No principal; no language."""

AHEAD = 8
"""Newcomers ahead of the one in work whose rows are fetched."""


@njit(cache=True, forceinline=True)
def fetch_row(p, i):
    """Start loading the row into which somebody will settle: rows in use again lie anywhere."""
    prefetch(p.key, i)
    prefetch(p.status, i)
    prefetch(p.born, i)  # and the fields that stand together with it
    prefetch(p.municipality, i)
    prefetch(p.principal, i)
    prefetch(p.permit_end, i)
    prefetch(p.risk, i)
    prefetch(p.firm, i)
    prefetch(p.job_since, i)
    prefetch(p.traits, i)
    prefetch(p.event, i)


@njit(cache=True, forceinline=True)
def settle(p, i, key, status, origin, sex, born, place, principal, language, a, w, m, b, c):
    """Write a newcomer of this month into row i and book them.

    All int64 but the key: every other type would make the compiler write another copy.
    """
    p.key[i] = key
    p.status[i] = status
    p.origin[i] = origin
    p.sex[i] = sex
    p.born[i] = born
    p.entered[i] = m.now
    p.since[i] = m.now
    p.municipality[i] = place
    p.principal[i] = principal
    p.language[i] = language
    p.arrears[i] = 0
    p.counting[i] = m.now if a.counts[status] else -1
    p.event[i] = 0
    p.firm[i] = -1
    p.job_since[i] = m.now
    p.sector[i] = NO_SECTOR
    x0, x1 = draw(m.k0, m.k1, key, m.now, P_NEW_STATUS, 0)
    p.traits[i] = SEEKS if wants_job(a, status, m.now - np.int64(born), low(x1)) else 0
    p.stage[i] = pick_cut(a.stage_cut[status], low(x0))
    give_permit(p, i, FIRST, a, m, AT_PERMIT_END)
    set_risk(p, i, w, m)
    book(b.cube[c], b.place[c], p.status[i], p.origin[i], p.municipality[i], w.prefecture, m, IN)


@njit(cache=True, forceinline=True)
def draw_profile(profile, row, now, word0, word1):
    """(sex, month of birth, language) of a newcomer from two 64-bit words."""
    sex = np.int64((word0 & np.uint64(0xFFFFFFFF)) >= profile.female[row])
    band = pick_cut(profile.age_cut[row], word0 >> np.uint64(32))
    width = np.uint64(profile.age_months[row, band])
    offset = np.int64(((word1 & np.uint64(0xFFFFFFFF)) * width) >> np.uint64(32))
    born = now - np.int64(profile.age_from[row, band]) - offset
    return sex, born, pick_cut(profile.language_cut[row], word1 >> np.uint64(32))


@njit(cache=True)
def cell_count(mean, cell_key, m):
    """Number of arrivals in a cell with this mean, one uniform for each full LARGEST_MEAN of it
    and one for the rest: a mean that grows past a multiple adds people and changes none."""
    full = np.int64(mean / LARGEST_MEAN)
    count = 0
    for part in range(full + 1):
        x0, _ = draw(m.k0, m.k1, cell_key, m.now, P_ARRIVAL_COUNT, part)
        rest = LARGEST_MEAN if part < full else mean - full * LARGEST_MEAN
        count += poisson(rest, 1.0 - unit(x0))
    return count


@njit(cache=True, nogil=True)
def count_cells(chunk, first, stop, people, share, cell_word, place_code, m, counts):
    """Arrivals by cell, rows [first, stop) of counts.

    people     float64[S]        expected this month, already times scale
    share      float64[S, O, P]  shares of a status's arrivals; each status sums to 1 or 0
    cell_word  uint64[S, O]      40-bit words of (status, origin) shifted up by 24 bits
    place_code uint64[P]         prefecture codes, below 2**24
    counts     int32[S * O, P]   out
    """
    n_origins, n_places = share.shape[1], share.shape[2]
    draws = np.zeros(n_places)
    when = occasion(m.now, P_ARRIVAL_COUNT, 0)
    for row in range(first, stop):
        s, o = row // n_origins, row % n_origins
        expected, word, shares = people[s], cell_word[s, o], share[s, o]
        for j in range(n_places):
            counts[row, j] = 0
        if expected <= 0.0:
            continue
        for j in range(n_places):
            x0, _ = threefry(m.k0, m.k1, word | place_code[j], when)
            draws[j] = unit(x0)
        for j in range(n_places):
            # P(at least one) = 1 - exp(-x) <= x: most cells end here without an exp.
            mean = expected * shares[j]
            if draws[j] < mean:
                counts[row, j] = cell_count(mean, word | place_code[j], m)


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
def arrive(c, head, stop, p, rows, cells, first, cell_word, place_code, profile, a, w, m, b, came):
    """Write the newcomers of cells [head, stop) into `rows`, int32[first[-1]]; counts in came."""
    p, a, w, b, profile = borrow(p), borrow(a), borrow(w), borrow(b), borrow(profile)
    n_places, n_origins = place_code.size, cell_word.shape[1]
    for k in range(head, stop):
        row, prefecture = cells[k] // n_places, cells[k] % n_places
        status, origin = row // n_origins, row % n_origins
        word = cell_word[status, origin] | place_code[prefecture]
        for ordinal in range(first[k + 1] - first[k]):
            fetch_row(p, rows[min(first[k] + ordinal + AHEAD, rows.size - 1)])
            key = identity(TAG_ARRIVAL, word, np.uint64(m.now), ordinal)
            x0, x1 = draw(m.k0, m.k1, key, m.now, P_ARRIVAL_PERSON, 0)
            sex, born, language = draw_profile(profile, status, m.now, x0, x1)
            x0, _ = draw(m.k0, m.k1, key, m.now, P_ARRIVAL_PERSON, 1)
            place = w.first[prefecture] + pick_cut(w.entry_cut[w.first[prefecture] :], low(x0))
            i = np.int64(rows[first[k] + ordinal])
            settle(p, i, key, status, origin, sex, born, place, NOBODY, language,
                   a, w, m, b, c)  # fmt: skip
            came[c, status] += 1


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


def expected(state: State) -> np.ndarray:
    """float64[S]: arrivals of the month at scale 1 as channels have them, events, edits and what
    origins supply included, caps not. Past entries are as they happened."""
    people = state.plan.people(state.month)
    if state.plan.is_past(state.month):
        return people
    _, power = state.plan.supplied(state.month, state.residents_by_origin)
    return np.asarray(people * state.rates.in_force(state.month).arrivals * power)


def usual(state: State, month: int) -> np.ndarray:
    """float64[S]: arrivals a month at scale 1 at the level of each channel open in the month, as
    the fit has it: before seasons, shocks and what policy does."""
    return np.asarray(state.plan.levels(month) * state.rates.in_force(month).fitted_arrivals)


def arrivals(state: State) -> None:
    """People from abroad, by status, origin and municipality."""
    s, o, prefectures, _ = state.sizes
    plan, people = state.plan, expected(state) * state.scale
    share, _ = plan.supplied(state.month, state.residents_by_origin)
    if not plan.is_past(state.month):
        caps = state.rates.in_force(state.month).caps
        people = capped(people, caps, state.stock, state.record.came, state.scale)
    if state.labour is not None:  # they come when firms recruit them
        people = np.where(state.model.status.seeks, 0.0, people)
    counts = np.empty((s * o, prefectures), np.int32)
    places = state.places.prefectures
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
