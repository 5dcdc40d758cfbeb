"""The month of everyone: permits that end, then competing monthly fates, in one pass.

Blocks of people are screened without a branch: one draw each is compared with the bound of their
class of risk, and the end of their permit with the month. Exact rates are computed for the few
that pass.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import NORMS, SEEKS
from sim.agents.state import (
    BELOW_BOUND,
    BOUND_SUM,
    FLOW,
    MET,
    MET_FATES,
    MOTHERS,
    PERMITS_ENDED,
    SPONSOR_FATES,
    SPONSORS,
    State,
)
from sim.core.kernels import INLINED, borrow, hold, prefetch
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
    CITIZEN,
    DIED,
    FIRST,
    IRREGULAR,
    LEFT,
    MONTHLY,
    MOVED,
    PERMANENT,
    RENEWED,
    SHORT,
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
def apply_fate(scene, work, i, f, block):
    """Let fate f happen to person i, after the authority's decision where there is one.

    The person's factor codes are in the workspace; `block` is AT_PERMIT_END, MONTHLY or IN_FAMILY.
    """
    people, fates, status, month = scene.people, scene.fates, scene.status, scene.month
    kind, to = fates.kind[f], np.int64(fates.to[f])
    if fates.decision[f] >= 0:
        x0, _ = draw(month.k0, month.k1, people.key[i], month.now, P_DECISION, block)
        if not granted(scene, work, f, low(x0)):
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


@njit(cache=True, **INLINED)
def end_of_permit(scene, work, i):
    """What the end of the permit (or course, or stage, or longest stay) of person i brings: a
    fate, or -1 for another permit."""
    people, month = scene.people, scene.month
    s = np.int64(people.status[i])
    limit = month.now - people.since[i] >= scene.status.longest[s]
    work.screen[PERMITS_ENDED] += 1
    x0, _ = draw(month.k0, month.k1, people.key[i], month.now, P_PERMIT_OUTCOME, 0)
    lst = (AT_LIMIT if limit else AT_END) * month.n_statuses + s
    fill_codes(scene, i, work.codes)
    return pick_outcome(scene, work, lst, low(x0))


@njit(cache=True, **INLINED)
def screen(scene, work, first, size, when, words, passed):
    """Rows of a block that may have a fate this month: offsets in `passed`, their number back.

    One draw a person, compared with the bound of the risk class, and the end of the permit with
    the month; no branch, so that the compiler can use vector instructions. `words` keeps the
    draws of the occasion `when`.
    """
    # Slices first: an index `first + j` would keep the compiler from using vector instructions.
    people, bounds = scene.people, scene.bounds
    keys, risks, ends = (
        people.key[first : first + size], people.risk[first : first + size],
        people.permit_end[first : first + size],
    )  # fmt: skip
    drawn, now, k0, k1 = words[:size], scene.month.now, scene.month.k0, scene.month.k1
    for j in range(size):
        x0, _ = threefry(k0, k1, keys[j], when)
        drawn[j] = low(x0)
    n, bound_sum, below = np.int64(0), np.int64(0), np.int64(0)
    for j in range(size):
        bound = bounds[risks[j]]
        hit = np.int64(drawn[j] < bound)
        bound_sum += np.int64(bound)
        below += hit
        passed[n] = j
        n += hit | np.int64(ends[j] <= now)
    work.screen[BOUND_SUM] += bound_sum
    work.screen[BELOW_BOUND] += below
    return n


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
    people, month, bounds = scene.people, scene.month, scene.bounds
    buffers = np.zeros(BLOCK, np.uint64), np.zeros(BLOCK, np.int32)
    words, passed = borrow(buffers[0]), borrow(buffers[1])
    when = occasion(month.now, P_MONTHLY_FATE, 0)
    for lower in range(first, stop, BLOCK):
        n = screen(scene, work, lower, min(BLOCK, stop - lower), when, words, passed)
        for k in range(min(n, AHEAD)):
            fetch(people, lower + passed[k])
        for k in range(n):
            if k + AHEAD < n:
                fetch(people, lower + passed[k + AHEAD])
            if k + NEAR < n:
                firm = people.firm[lower + passed[k + NEAR]]
                prefetch(scene.world.firm_support, max(firm, 0))
            i = row_number(lower + passed[k])
            word, status = words[passed[k]], people.status[i]
            # One after the other, so that what a fate does is compiled into the loop only once.
            for block in range(MONTHLY + 1):
                f = -1
                ended = block == AT_PERMIT_END and people.permit_end[i] <= month.now
                if ended:
                    f = end_of_permit(scene, work, i)
                elif block == MONTHLY and people.status[i] == status:
                    # The bound counts what the permit's end has changed.
                    bound = np.uint64(bounds[people.risk[i]])
                    if word < bound:
                        fill_codes(scene, i, work.codes)
                        audited = people.key[i] & month.unaudited == 0
                        f = pick_fate(scene, work, np.int64(status), word, bound, audited)
                if f >= 0:
                    apply_fate(scene, work, i, f, block)
                if ended and people.permit_end[i] <= month.now:
                    give_permit(scene, i, RENEWED, AT_PERMIT_END)
    hold(buffers)


def fates(state: State) -> None:
    """Permits that end, then competing risks; one pass over everyone."""
    state.publish_firms()
    state.crew.run(month_of_everyone, state.people.n, state.scene)
    state.collect(state.people.n)
