"""Families: births, members brought from abroad, and dependants who follow their principal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.agents.state import FLAGGED, FREED, MOTHERS, SPONSOR_FATES, SPONSORS, State
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
from sim.processes.arrivals import (
    AHEAD,
    NOBODY,
    NONE,
    Newcomer,
    draw_profile,
    fetch_row,
    write_newcomer,
)
from sim.processes.fates import BLOCK, apply_fate, fetch
from sim.processes.person import (
    IN_FAMILY,
    MOVED,
    PERMANENT,
    fill_codes,
    open_workspace,
    pick_outcome,
    set_place,
)
from sim.rates.fates import FIRST_FAMILY


class Births(NamedTuple):
    """B births of children who are no citizens."""

    mothers: np.ndarray  # int32[B]: rows, in any order
    rows: np.ndarray  # int32[B]: rows for the children
    female: np.uint64  # threshold: share of girls
    born: np.ndarray  # int64[C, S] out: children by chunk and status


class Brought(NamedTuple):
    """B family members whom residents bring."""

    sponsors: np.ndarray  # int32[B]: rows of those who bring one
    fates: np.ndarray  # int32[B]: rows of the fates by which they do
    rows: np.ndarray  # int32[B]: rows for the family members
    came: np.ndarray  # int64[C, S] out: people by chunk and status


@njit(cache=True, nogil=True)
def write_births(chunk, first, stop, scene, births):
    """Write the children [first, stop) into their rows."""
    scene, births = borrow(scene), borrow(births)
    work, people, month = open_workspace(scene, chunk, 0), scene.people, scene.month
    for k in range(first, stop):
        fetch_row(people, births.rows[min(k + AHEAD, stop - 1)])
        mother = births.mothers[k]
        key = identity(TAG_BIRTH, people.key[mother], np.uint64(month.now), 0)
        status = np.int64(scene.status.child[people.status[mother]])
        x0, _ = draw(month.k0, month.k1, key, month.now, P_NEWBORN, 0)
        sex, principal = np.int64(low(x0) >= births.female), NOBODY
        if scene.status.sponsored[status]:
            sponsors = scene.status.family[people.status[mother]]
            principal = np.int64(mother if sponsors else people.principal[mother])
        origin, place = np.int64(people.origin[mother]), np.int64(people.municipality[mother])
        child = Newcomer(key, status, origin, sex, np.int64(month.now), place, principal, NONE)
        write_newcomer(scene, work, np.int64(births.rows[k]), child)
        births.born[chunk, status] += 1


@njit(cache=True, nogil=True)
def write_brought(chunk, first, stop, scene, brought, profile):
    """Write the family members [first, stop) into their rows; the last row of `profile` is that
    of family members."""
    scene, brought, profile = borrow(scene), borrow(brought), borrow(profile)
    work, people, month = open_workspace(scene, chunk, 0), scene.people, scene.month
    for k in range(first, stop):
        fetch_row(people, brought.rows[min(k + AHEAD, stop - 1)])
        sponsor = brought.sponsors[k]
        key = identity(TAG_FAMILY, people.key[sponsor], np.uint64(month.now), 0)
        x0, x1 = draw(month.k0, month.k1, key, month.now, P_BROUGHT_FAMILY, 0)
        row = profile.female.size - 1
        sex, born, language = draw_profile(profile, row, month.now, x0, x1)
        status = np.int64(scene.fates.to[brought.fates[k]])
        origin, place = np.int64(people.origin[sponsor]), np.int64(people.municipality[sponsor])
        principal = np.int64(sponsor if scene.status.sponsored[status] else -1)
        member = Newcomer(key, status, origin, sex, born, place, principal, language)
        write_newcomer(scene, work, np.int64(brought.rows[k]), member)
        brought.came[chunk, status] += 1


@njit(cache=True, nogil=True)
def follow_principals(chunk, first, stop, scene, happened):
    """Dependants of those who had an event this month move, switch, leave or stay.

    happened uint8[rows / 8 + 1]: bits of the rows with an event, few enough to stay in the cache.
    """
    scene, happened = borrow(scene), borrow(happened)
    work, people, month = open_workspace(scene, chunk, first), scene.people, scene.month
    buffer = np.zeros(BLOCK, np.int32)
    hear = borrow(buffer)
    for lower in range(first, stop, BLOCK):
        principals = people.principal[lower : min(lower + BLOCK, stop)]
        n = np.int64(0)
        for j in range(principals.size):  # no branch on who depends on somebody
            principal = np.maximum(principals[j], 0)
            hear[n] = j
            n += np.int64(happened[principal >> 3] >> (principal & 7) & 1) & np.int64(
                principals[j] >= 0
            )
        for k in range(n):
            ahead = hear[np.minimum(k + AHEAD, n - 1)]
            fetch(people, lower + np.int64(ahead))
            prefetch(people.event, principals[ahead])
            prefetch(people.municipality, principals[ahead])
            i, principal = lower + np.int64(hear[k]), principals[hear[k]]
            event = np.int64(people.event[principal])
            if people.status[i] == HOLE:
                continue
            if event == MOVED:
                set_place(scene, work, i, np.int64(people.municipality[principal]))
                continue
            if event != PERMANENT:
                people.principal[i] = -1
            fill_codes(scene, i, work.codes)
            x0, _ = draw(month.k0, month.k1, people.key[i], month.now, P_FAMILY, 0)
            lst = (FIRST_FAMILY - 1 + event) * month.n_statuses + people.status[i]
            f = pick_outcome(scene, work, work.codes, lst, low(x0))
            if f >= 0:
                apply_fate(scene, work, work.codes, i, f, IN_FAMILY)
    hold(buffer)


@njit(cache=True)
def mark_rows(bits, rows):
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
    p, status = state.people, state.rates.status
    mothers = state.lists[MOTHERS]
    foreign = mothers[status.child[p["status"][mothers]] >= 0]
    rows = p.take(foreign.size)
    born = np.zeros((state.chunks, state.sizes[0]), np.int64)
    births = Births(foreign, rows, state.arrivals.newborn_female, born)
    state.crew.run(write_births, rows.size, state.scene, births)
    state.tallies["born"] = born.sum(axis=0)
    state.tallies["born_citizens"] = np.array(mothers.size - foreign.size)


def family_arrivals(state: State) -> None:
    """Family members whom residents bring."""
    sponsors, fates = state.lists[SPONSORS], state.lists[SPONSOR_FATES]
    rows = state.people.take(sponsors.size)
    came = np.zeros((state.chunks, state.sizes[0]), np.int64)
    brought = Brought(sponsors, fates, rows, came)
    state.crew.run(write_brought, rows.size, state.scene, brought, state.arrivals.profile)
    state.tallies["brought"] = came.sum(axis=0)


def dependants(state: State) -> None:
    """Dependants follow the events of their principals: moves, new statuses, departures, deaths."""
    p = state.people
    state.make_room()
    happened = np.zeros(p.n // 8 + 1, np.uint8)
    mark_rows(happened, state.lists[FLAGGED])
    state.crew.run(follow_principals, p.n, state.scene, happened)
    state.collect(p.n)
    forget_events(p.columns.event, state.lists[FLAGGED])
    p.free(state.lists[FREED])
