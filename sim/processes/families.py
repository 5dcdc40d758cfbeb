"""Families: births, members brought from abroad, and dependants who follow their principal."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.agents.state import State
from sim.core.kernels import borrow, hold, prefetch
from sim.core.rng import (
    P_BROUGHT_FAMILY,
    P_FAMILY,
    P_NEWBORN,
    TAG_BIRTH,
    TAG_FAMILY,
    draw,
    identity,
    low,
)
from sim.processes.arrivals import AHEAD, NOBODY, NONE, draw_profile, fetch_row, settle
from sim.processes.fates import BLOCK, apply_fate, fetch, move
from sim.processes.person import (
    FLAGGED,
    FREED,
    IN_FAMILY,
    MOTHERS,
    MOVED,
    PERMANENT,
    SPONSOR_FATES,
    SPONSORS,
    code_buffer,
    fill_codes,
    pick_outcome,
)
from sim.rates.fates import FIRST_FAMILY


@njit(cache=True, nogil=True)
def born_here(c, head, stop, p, mothers, rows, female, a, w, m, b, born):
    """Write the newborns of mothers [head, stop) into `rows`, int32[B]; counts in born[C, S].

    mothers int32[B], whose children are no citizens, in any order.
    """
    p, a, w, b = borrow(p), borrow(a), borrow(w), borrow(b)
    for k in range(head, stop):
        fetch_row(p, rows[min(k + AHEAD, stop - 1)])
        mother, i = mothers[k], np.int64(rows[k])
        key = identity(TAG_BIRTH, p.key[mother], np.uint64(m.now), 0)
        status, origin = np.int64(a.child[p.status[mother]]), np.int64(p.origin[mother])
        x0, _ = draw(m.k0, m.k1, key, m.now, P_NEWBORN, 0)
        sex, place, principal = np.int64(low(x0) >= female), p.municipality[mother], NOBODY
        if a.sponsored[status]:
            principal = np.int64(mother if a.family[p.status[mother]] else p.principal[mother])
        settle(p, i, key, status, origin, sex, np.int64(m.now), np.int64(place), principal,
               NONE, a, w, m, b, c)  # fmt: skip
        born[c, status] += 1


@njit(cache=True, nogil=True)
def brought(c, head, stop, p, sponsors, fates, rows, t, profile, a, w, m, b, came):
    """Write one family member of sponsors [head, stop) into `rows`; counts in came[C, S].

    The last row of `profile` is that of family members.
    """
    p, t, a, w, b, profile = borrow(p), borrow(t), borrow(a), borrow(w), borrow(b), borrow(profile)
    for k in range(head, stop):
        fetch_row(p, rows[min(k + AHEAD, stop - 1)])
        sponsor, i = sponsors[k], np.int64(rows[k])
        key = identity(TAG_FAMILY, p.key[sponsor], np.uint64(m.now), 0)
        x0, x1 = draw(m.k0, m.k1, key, m.now, P_BROUGHT_FAMILY, 0)
        row = profile.female.size - 1
        sex, birth, language = draw_profile(profile, row, m.now, x0, x1)
        status = np.int64(t.to[fates[k]])
        origin, place = np.int64(p.origin[sponsor]), np.int64(p.municipality[sponsor])
        principal = np.int64(sponsor if a.sponsored[status] else -1)
        settle(p, i, key, status, origin, sex, birth, place, principal, language,
               a, w, m, b, c)  # fmt: skip
        came[c, status] += 1


@njit(cache=True, nogil=True)
def follow(c, first, stop, p, happened, t, base, a, w, m, b):
    """Dependants of those to whom something happened this month move, switch, leave or stay.

    happened uint8[rows / 8 + 1]: bits of the rows with an event, few enough to stay at hand.
    """
    p, t, a, w, b = borrow(p), borrow(t), borrow(a), borrow(w), borrow(b)
    base = borrow(base)
    buffers = code_buffer(), np.zeros(BLOCK, np.int32)
    codes, hear, happened = borrow(buffers[0]), borrow(buffers[1]), borrow(happened)
    start = 2 * first
    for lower in range(first, stop, BLOCK):
        principals = p.principal[lower : min(lower + BLOCK, stop)]
        n = np.int64(0)
        for j in range(principals.size):  # no branch on who depends on somebody
            principal = np.maximum(principals[j], 0)
            hear[n] = j
            n += np.int64(happened[principal >> 3] >> (principal & 7) & 1) & np.int64(
                principals[j] >= 0
            )
        for k in range(n):
            ahead = hear[np.minimum(k + AHEAD, n - 1)]
            fetch(p, lower + np.int64(ahead))
            prefetch(p.event, principals[ahead])
            prefetch(p.municipality, principals[ahead])
            i, principal = lower + np.int64(hear[k]), principals[hear[k]]
            event = np.int64(p.event[principal])
            if p.status[i] == HOLE:
                continue
            if event == MOVED:
                move(p, i, np.int64(p.municipality[principal]), w, m, b, c)
                continue
            if event != PERMANENT:
                p.principal[i] = -1
            fill_codes(p, i, m.now, codes, a, w)
            x0, _ = draw(m.k0, m.k1, p.key[i], m.now, P_FAMILY, 0)
            lst = (FIRST_FAMILY - 1 + event) * m.n_statuses + p.status[i]
            f = pick_outcome(t, base, lst, codes, low(x0), b.tally[c])
            if f >= 0:
                apply_fate(p, i, f, t, base, codes, a, w, m, b, c, start, IN_FAMILY)
    hold(buffers)


@njit(cache=True)
def mark(bits, rows):
    """Set the bits of rows, uint8[rows / 8 + 1]."""
    for k in range(rows.size):
        bits[rows[k] >> 3] |= np.uint8(1 << (rows[k] & 7))


@njit(cache=True)
def forget_events(event, rows):
    """Clear this month's events of principals."""
    for k in range(rows.size):
        event[rows[k]] = 0


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
