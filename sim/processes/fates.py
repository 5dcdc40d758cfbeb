"""The month of everyone: permits that end, then competing monthly fates, in one pass.

Blocks of people are screened without a branch: one draw each is compared with the bound of their
class of risk, and the end of their permit with the month. Those who pass are collected, and their
exact rates computed together, status by status: all people of a status have the same multipliers,
so each is decoded once, and the compiler can use vector instructions. Everybody's products and sums
are made in the order in which they would be made alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.agents.population import NORMS, SEEKS
from sim.agents.state import (
    BELOW_BOUND,
    BOUND_BROKEN,
    BOUND_SUM,
    FLOW,
    FREED,
    MET,
    MET_FATES,
    MOST_FATES,
    MOTHERS,
    PERMITS_ENDED,
    SPONSOR_FATES,
    SPONSORS,
    State,
)
from sim.config.factors import N_FACTORS
from sim.core.kernels import INLINED, borrow, hold, prefetch
from sim.core.probability import any_event, threshold
from sim.core.rng import (
    P_DECISION,
    P_MONTHLY_FATE,
    P_MOVE,
    P_PERMIT_OUTCOME,
    draw,
    high,
    low,
    occasion,
    threefry,
)
from sim.processes.person import (
    AT_PERMIT_END,
    BYTE,
    CITIZEN,
    DIED,
    EIGHT,
    FIRST,
    IRREGULAR,
    LEFT,
    MONTHLY,
    MOVED,
    PERMANENT,
    RENEWED,
    SHORT,
    SIXTEEN,
    fill_codes,
    flag,
    give_permit,
    granted,
    leave_job,
    open_workspace,
    pick_fate,
    pick_outcome,
    push,
    remove,
    set_arrears,
    set_language,
    set_place,
    set_status,
)
from sim.rates import kinds
from sim.rates.tables import AT_END, AT_LIMIT

BLOCK = 4096
"""Rows that are screened at once."""

ENOUGH = 2048
"""Listed people at whom the screening pauses: their columns and codes still fit into the cache."""

LANES = 64
"""People of one status whose rates are multiplied side by side."""

NONE, TOGETHER = np.int32(-1), np.int32(-2)
"""In place of a fate: nothing happens; rates are still to be computed, with others'."""

AHEAD, NEAR = 8, 4
"""Rows whose columns, and then whose firm, are fetched ahead of the one in work."""


@njit(cache=True, **INLINED)
def destination(scene, i, words0, words1):
    """Municipality that mover i goes to: in the prefecture or beyond, by its pull.

    `words0` and `words1` are 64-bit draws. Nobody moves to where they are; returns where they are
    if there is nowhere else to go.
    """
    world, place = scene.world, np.int64(scene.people.municipality[i])
    pull, prefecture = world.pull[scene.people.origin[i]], world.prefecture[place]
    first, last = world.first[prefecture], world.first[prefecture + 1]
    inside = pull[last] - pull[first]
    own = pull[place + 1] - pull[place]
    if low(words0) < np.uint64(world.same_prefecture) and inside > own:
        at = np.int64((high(words0) * np.uint64(inside - own)) >> np.uint64(32)) + pull[first]
        at = at if at < pull[place] else at + own
    else:
        outside = pull[-1] - inside
        if outside <= 0:
            return place
        at = np.int64((high(words1) * np.uint64(outside)) >> np.uint64(32))
        at = at if at < pull[first] else at + inside
    return np.searchsorted(pull, at, side="right") - 1


@njit(cache=True, **INLINED)
def apply_fate(scene, work, codes, i, f, block):
    """Let fate f happen to person i, after the authority's decision where there is one.

    `codes` are the person's factor codes; `block` is AT_PERMIT_END, MONTHLY or IN_FAMILY.
    """
    people, fates, status, month = scene.people, scene.fates, scene.status, scene.month
    kind, to = fates.kind[f], np.int64(fates.to[f])
    if fates.decision[f] >= 0:
        x0, _ = draw(month.k0, month.k1, people.key[i], month.now, P_DECISION, block)
        if not granted(scene, work, codes, f, low(x0)):
            return
    work.tally[FLOW, f] += 1
    if people.key[i] < month.followed:
        push(work, MET, i)
        push(work, MET_FATES, f)
    if kind <= kinds.CITIZEN:  # leave, die, citizen
        event = LEFT if kind == kinds.LEAVE else (DIED if kind == kinds.DIE else CITIZEN)
        remove(scene, work, i, event)
    elif kind == kinds.SWITCH:
        if to == status.permanent or to == status.irregular:
            flag(scene, work, i, PERMANENT if to == status.permanent else IRREGULAR)
        set_status(scene, work, i, to, block)
    elif kind == kinds.STAGE:
        people.stage[i] = to
        give_permit(scene, i, FIRST, block)
    elif kind == kinds.MOVE:
        x0, x1 = draw(month.k0, month.k1, people.key[i], month.now, P_MOVE, block)
        set_place(scene, work, i, destination(scene, i, x0, x1))
        flag(scene, work, i, MOVED)
    elif kind == kinds.BIRTH:
        push(work, MOTHERS, i)
    elif kind == kinds.FAMILY:
        push(work, SPONSORS, i)
        push(work, SPONSOR_FATES, f)
    elif kind == kinds.ARREARS:
        set_arrears(scene, i, people.arrears[i] | fates.bits[f])
    elif kind == kinds.CLEAR:
        set_arrears(scene, i, people.arrears[i] & ~fates.bits[f])
    elif kind == kinds.LEARN:
        set_language(scene, i, min(people.language[i] + 1, 4))
    elif kind == kinds.QUIT:
        leave_job(scene, work, i)
        if status.seeks[people.status[i]]:
            people.traits[i] |= SEEKS
    elif kind == kinds.NORMS:
        people.traits[i] |= NORMS
    elif kind == kinds.SEEK and people.firm[i] < 0 and status.tier[people.status[i]] >= 0:
        people.traits[i] |= SEEKS
    elif kind == kinds.SHORT:
        give_permit(scene, i, SHORT, block)


class Listed(NamedTuple):
    """People of some rows who may have a fate this month, in order of row; and buffers."""

    row: np.ndarray  # int32[ENOUGH + BLOCK]
    word: np.ndarray  # uint64: monthly draw
    status: np.ndarray  # uint8: before any fate of the month
    codes: np.ndarray  # uint16[ENOUGH + BLOCK, N_FACTORS]: see fill_codes
    bound: np.ndarray  # uint32: of the class of risk, after the end of a permit
    fate: np.ndarray  # int32: row of the fate, or -1
    by_status: np.ndarray  # uint32: numbers in this list, status by status
    words: np.ndarray  # uint64[BLOCK]: draws of all whom the screening looks at


class Lanes(NamedTuple):
    """Buffers of up to LANES people of one status, whose rates are computed side by side."""

    rates: np.ndarray  # float64[MOST_FATES, LANES]: running sums of rates per year, in the end
    total: np.ndarray  # float64[LANES]: all rates per year
    share: np.ndarray  # float64[LANES]: probability of a fate this month per unit of its rate
    least: np.ndarray  # float64[LANES]: the draw, as a probability
    missed: np.ndarray  # int64[LANES]: fates of the list that the draw lies beyond


@njit(cache=True, **INLINED)
def screen(scene, work, first, size, when, listed, n):
    """List people of a block who may have a fate this month behind the n who are there; returns
    how many are listed then.

    One draw a person, compared with the bound of the risk class, and the end of the permit with
    the month; no branch, so that the compiler can use vector instructions. `when` is the occasion.
    """
    # Slices first: an index `first + j` would keep the compiler from using vector instructions.
    people, bounds = scene.people, scene.bounds
    keys, risks, ends = (
        people.key[first : first + size], people.risk[first : first + size],
        people.permit_end[first : first + size],
    )  # fmt: skip
    drawn, now, k0, k1 = listed.words[:size], scene.month.now, scene.month.k0, scene.month.k1
    for j in range(size):
        x0, _ = threefry(k0, k1, keys[j], when)
        drawn[j] = low(x0)
    bound_sum, below, before, passed = np.int64(0), np.int64(0), n, listed.row
    for j in range(size):
        bound = bounds[risks[j]]
        hit = np.int64(drawn[j] < bound)
        bound_sum += np.int64(bound)
        below += hit
        passed[n] = j
        n += hit | np.int64(ends[j] <= now)
    for k in range(before, n):
        listed.word[k] = drawn[passed[k]]
        passed[k] += first
        listed.status[k] = people.status[passed[k]]
    work.screen[BOUND_SUM] += bound_sum
    work.screen[BELOW_BOUND] += below
    return n


@njit(cache=True, **INLINED)
def choose_outcomes(scene, work, listed, n):
    """What the end of the permit (or course, or stage, or longest stay) brings to those of the n
    listed whose permit ends: a fate, or another permit."""
    people, month = scene.people, scene.month
    for k in range(min(n, AHEAD)):
        fetch(people, listed.row[k])
    for k in range(n):
        if k + AHEAD < n:
            fetch(people, listed.row[k + AHEAD])
        i = row_number(listed.row[k])
        listed.fate[k] = NONE
        if people.permit_end[i] > month.now:
            continue
        s = np.int64(people.status[i])
        limit = month.now - people.since[i] >= scene.status.longest[s]
        work.screen[PERMITS_ENDED] += 1
        x0, _ = draw(month.k0, month.k1, people.key[i], month.now, P_PERMIT_OUTCOME, 0)
        lst = (AT_LIMIT if limit else AT_END) * month.n_statuses + s
        fill_codes(scene, i, listed.codes[k])
        listed.fate[k] = pick_outcome(scene, work, listed.codes[k], lst, low(x0))


@njit(cache=True, **INLINED)
def choose_fates(scene, work, listed, n, starts, lanes):
    """The monthly fate of those of the n listed whose draw lies below their bound.

    The end of a permit has been before: who has another status by it has no other fate, and the
    bound counts what it has changed. starts int64[statuses + 2] is a buffer.
    """
    people, month, status = scene.people, scene.month, listed.status
    starts[:] = 0
    for k in range(n):
        if k + AHEAD < n:
            fetch(people, listed.row[k + AHEAD])
        if k + NEAR < n:
            firm = people.firm[listed.row[k + NEAR]]
            prefetch(scene.world.firm_support, max(firm, 0))
        i = row_number(listed.row[k])
        listed.fate[k] = NONE
        listed.bound[k] = scene.bounds[people.risk[i]]
        if people.status[i] != status[k] or listed.word[k] >= np.uint64(listed.bound[k]):
            continue
        fill_codes(scene, i, listed.codes[k])
        if people.key[i] & month.unaudited == 0:  # alone: the audit asks for every probability
            word, bound = listed.word[k], np.uint64(listed.bound[k])
            lst = np.int64(status[k])
            listed.fate[k] = pick_fate(scene, work, listed.codes[k], lst, word, bound)
        else:
            listed.fate[k] = TOGETHER
            starts[status[k] + 2] += 1
    for s in range(month.n_statuses):
        starts[s + 2] += starts[s + 1]
    for k in range(n):
        if listed.fate[k] == TOGETHER:
            listed.by_status[starts[status[k] + 1]] = k
            starts[status[k] + 1] += 1
    for s in range(month.n_statuses):
        for q in range(starts[s], starts[s + 1], LANES):
            choose_together(scene, work, listed, s, q, min(starts[s + 1] - q, LANES), lanes)


@njit(cache=True, **INLINED)
def choose_together(scene, work, listed, lst, lower, n, lanes):
    """As `pick_fate` for the n people from number `lower` of `by_status` on, of one status.

    Multipliers in the outer loop, people in the inner one. Nobody of them is audited.
    """
    fates, who = scene.fates, listed.by_status[lower : lower + n]
    rates, total, share, least, missed = lanes
    first, n_fates = fates.first[lst], fates.first[lst + 1] - fates.first[lst]
    for f in range(n_fates):
        for j in range(n):
            rates[f, j] = scene.base[first + f]
    for k in range(fates.mult_first[first], fates.mult_first[first + n_fates]):
        word = fates.packed[k]
        row, factor, start = rates[word & BYTE], (word >> EIGHT) & BYTE, word >> SIXTEEN
        for j in range(n):
            row[j] *= fates.values[start + np.uint64(listed.codes[who[j], factor])]
    for j in range(n):
        total[j] = 0.0
        missed[j] = 0
        least[j] = (np.float64(listed.word[who[j]]) + 1.0) * (1.0 / 4294967296.0)
    for f in range(n_fates):
        for j in range(n):
            total[j] += rates[f, j]
            rates[f, j] = total[j]
    for j in range(n):
        share[j] = 0.0  # so that all fates are missed where nothing happens
        if total[j] > 0.0:
            p = any_event(total[j])
            if min(threshold(p), np.uint64(4294967295)) > np.uint64(listed.bound[who[j]]):
                work.screen[BOUND_BROKEN] += 1
            if p >= least[j]:
                share[j] = p / total[j]
    for f in range(n_fates):
        for j in range(n):
            missed[j] += np.int64(rates[f, j] * share[j] < least[j])
    for j in range(n):
        listed.fate[who[j]] = first + missed[j] if missed[j] < n_fates else NONE


@njit(cache=True, **INLINED)
def fetch(people, i):
    """Fetch what most fates look at of person i into the cache."""
    prefetch(people.born, i)  # and the fields that stand together with it
    prefetch(people.status, i)
    prefetch(people.firm, i)
    prefetch(people.municipality, i)
    prefetch(people.traits, i)


@njit(cache=True, **INLINED)
def row_number(i):
    """Row i as a number that the compiler knows to be no index from the end of a column."""
    return np.int64(np.uint32(i))


@njit(cache=True, nogil=True)
def month_of_everyone(chunk, first, stop, scene):
    """Permits that end and monthly fates of rows [first, stop), counted in the chunk's books."""
    scene = borrow(scene)
    work = open_workspace(scene, chunk, first)
    people, month, room = scene.people, scene.month, ENOUGH + BLOCK
    buffers = Listed(
        np.empty(room, np.int32), np.empty(room, np.uint64), np.empty(room, np.uint8),
        np.empty((room, N_FACTORS), np.uint16), np.empty(room, np.uint32),
        np.empty(room, np.int32), np.empty(room, np.uint32), np.empty(BLOCK, np.uint64),
    )  # fmt: skip
    side_by_side = Lanes(
        np.empty((MOST_FATES, LANES)), np.empty(LANES), np.empty(LANES), np.empty(LANES),
        np.empty(LANES, np.int64),
    )  # fmt: skip
    starts = np.empty(month.n_statuses + 2, np.int64)
    listed, lanes = borrow(buffers), borrow(side_by_side)
    when = occasion(month.now, P_MONTHLY_FATE, 0)
    lower, n = np.int64(first), np.int64(0)
    while lower < stop:
        size = min(BLOCK, stop - lower)
        n = screen(scene, work, lower, size, when, listed, n)
        lower += size
        if n < ENOUGH and lower < stop:
            continue
        # One after the other, so that what a fate does is compiled into the loop only once.
        for block in range(MONTHLY + 1):
            if block == AT_PERMIT_END:
                choose_outcomes(scene, work, listed, n)
            else:
                choose_fates(scene, work, listed, n, starts, lanes)
            for k in range(n):
                i, f = row_number(listed.row[k]), np.int64(listed.fate[k])
                if f >= 0:
                    apply_fate(scene, work, listed.codes[k], i, f, block)
                if block == AT_PERMIT_END and people.permit_end[i] <= month.now:
                    give_permit(scene, i, RENEWED, AT_PERMIT_END)
        n = np.int64(0)
    hold(buffers)
    hold(side_by_side)


def fates(state: State) -> None:
    """Permits that end, then competing risks; one pass over everyone."""
    state.publish_firms()
    state.crew.run(month_of_everyone, state.people.n, state.scene)
    state.collect(state.people.n)
    _sort_lists(state.lists)


def _sort_lists(lists: dict[int | np.int64, np.ndarray]) -> None:
    """Put into order of row those for whom rows are taken or freed, and what they have met.

    Where the screening paused, and with it who comes before whom, depends on the number of threads.
    """
    for people, *met in ((FREED,), (MOTHERS,), (SPONSORS, SPONSOR_FATES), (MET, MET_FATES)):
        order = np.argsort(lists[people], kind="stable")
        for each in (people, *met):
            lists[each] = lists[each][order]
