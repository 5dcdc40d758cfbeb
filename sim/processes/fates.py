"""The month of everyone: permits that end, then competing monthly fates, in one pass.

Blocks of people are screened without a branch: one draw each, compared with the bound of their
risk class, and the end of the permit with the month. The few that pass get exact rates.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import NORMS, SEEKS
from sim.agents.state import State
from sim.core.kernels import borrow, hold, prefetch
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
    FLOW,
    IN,
    IRREGULAR,
    LEFT,
    MONTHLY,
    MOTHERS,
    MOVED,
    OUT,
    PERMANENT,
    RENEWED,
    SHORT,
    SPONSOR_FATES,
    SPONSORS,
    book,
    change_status,
    code_buffer,
    fill_codes,
    flag,
    give_permit,
    granted,
    leave_job,
    pick_fate,
    pick_outcome,
    push,
    remove,
    set_risk,
)
from sim.rates.tables import AT_END, AT_LIMIT

BLOCK = 4096

AHEAD, NEAR = 8, 4
"""Rows whose columns, and then whose firm, are fetched ahead of the one in work."""

CERTAIN = 4294967296


@njit(cache=True, forceinline=True)
def destination(place, origin, w, word0, word1):
    """Municipality that a mover from `place` goes to: in the prefecture or beyond, by its pull.

    Nobody moves to where they are; returns `place` if there is nowhere else to go.
    """
    pull, prefecture = w.pull[origin], w.prefecture[place]
    first, last = w.first[prefecture], w.first[prefecture + 1]
    inside = pull[last] - pull[first]
    own = pull[place + 1] - pull[place]
    if low(word0) < np.uint64(w.same_prefecture) and inside > own:
        at = np.int64((high(word0) * np.uint64(inside - own)) >> np.uint64(32)) + pull[first]
        at = at if at < pull[place] else at + own
    else:
        outside = pull[-1] - inside
        if outside <= 0:
            return place
        at = np.int64((high(word1) * np.uint64(outside)) >> np.uint64(32))
        at = at if at < pull[first] else at + inside
    return np.searchsorted(pull, at, side="right") - 1


@njit(cache=True, forceinline=True)
def move(p, i, place, w, m, b, c):
    """Person i now lives in municipality `place`."""
    cube, towns, status, origin = b.cube[c], b.place[c], p.status[i], p.origin[i]
    book(cube, towns, status, origin, p.municipality[i], w.prefecture, m, OUT)
    p.municipality[i] = place
    set_risk(p, i, w, m)
    book(cube, towns, status, origin, p.municipality[i], w.prefecture, m, IN)


@njit(cache=True, forceinline=True)
def apply_fate(p, i, f, t, base, codes, a, w, m, b, c, start, block):
    """Let fate f happen to person i, after the authority's decision where there is one.

    `codes` are the person's factor codes; `block` is AT_PERMIT_END, MONTHLY or IN_FAMILY.
    """
    kind, to = t.kind[f], np.int64(t.to[f])
    if t.decision[f] >= 0:
        x0, _ = draw(m.k0, m.k1, p.key[i], m.now, P_DECISION, block)
        if not granted(t, base, f, codes, low(x0), b.tally[c]):
            return
    b.tally[c, FLOW, f] += 1
    if kind <= 3:  # leave, die, citizen
        event = LEFT if kind == 1 else (DIED if kind == 2 else CITIZEN)
        remove(p, i, event, a, w, m, b, c, start)
    elif kind == 4:  # switch
        if to == a.permanent or to == a.irregular:
            event = PERMANENT if to == a.permanent else IRREGULAR
            flag(p.event, i, event, b.lists, b.counts[c], start)
        change_status(p, i, to, a, w, m, b, c, start, block)
    elif kind == 5:  # stage
        p.stage[i] = to
        give_permit(p, i, FIRST, a, m, block)
    elif kind == 6:  # move
        x0, x1 = draw(m.k0, m.k1, p.key[i], m.now, P_MOVE, block)
        place = destination(np.int64(p.municipality[i]), p.origin[i], w, x0, x1)
        move(p, i, place, w, m, b, c)
        flag(p.event, i, MOVED, b.lists, b.counts[c], start)
    elif kind == 7:  # birth
        push(b.lists, b.counts[c], start, MOTHERS, i)
    elif kind == 8:  # family
        push(b.lists, b.counts[c], start, SPONSORS, i)
        push(b.lists, b.counts[c], start, SPONSOR_FATES, f)
    elif kind == 9:  # arrears
        p.arrears[i] |= t.bits[f]
        set_risk(p, i, w, m)
    elif kind == 10:  # clear
        p.arrears[i] &= ~t.bits[f]
        set_risk(p, i, w, m)
    elif kind == 11:  # learn
        p.language[i] = min(p.language[i] + 1, 4)
        set_risk(p, i, w, m)
    elif kind == 12:  # quit
        leave_job(p, i, a, m, b.lists, b.counts[c], start)
        set_risk(p, i, w, m)
        if a.seeks[p.status[i]]:
            p.traits[i] |= SEEKS
    elif kind == 13:  # norms
        p.traits[i] |= NORMS
    elif kind == 15:  # short
        give_permit(p, i, SHORT, a, m, block)
    elif kind == 14 and p.firm[i] < 0 and a.tier[p.status[i]] >= 0:  # seek
        p.traits[i] |= SEEKS


@njit(cache=True, forceinline=True)
def end_of_permit(p, i, t, base, codes, a, w, m, b, c):
    """What the end of the permit (or course, or stage, or longest stay) of person i brings: a
    fate, or -1 for another permit."""
    s = np.int64(p.status[i])
    limit = m.now - p.since[i] >= a.longest[s]
    b.screen[c, 3] += 1
    x0, _ = draw(m.k0, m.k1, p.key[i], m.now, P_PERMIT_OUTCOME, 0)
    lst = (AT_LIMIT if limit else AT_END) * m.n_statuses + s
    fill_codes(p, i, m.now, codes, a, w)
    return pick_outcome(t, base, lst, codes, low(x0), b.tally[c])


@njit(cache=True, forceinline=True)
def screen(key, risk, permit_end, first, size, bounds, m, when, words, passed, sums):
    """Rows of a block that may have a fate this month: offsets in `passed`, their number back.

    One draw a person, compared with the bound of the risk class, and the end of the permit with
    the month; no branch, so that the compiler can use vector instructions. `words` keeps the
    draws; sums int64[2] takes the sum of the bounds and the number of draws below them.
    """
    # Slices first: an index `first + j` would keep the compiler from using vector instructions.
    keys, risks, ends = (
        key[first : first + size], risk[first : first + size], permit_end[first : first + size],
    )  # fmt: skip
    drawn, now, k0, k1 = words[:size], m.now, m.k0, m.k1
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
    sums[0] += bound_sum
    sums[1] += below
    return n


@njit(cache=True, forceinline=True)
def fetch(p, i):
    """Start loading what most fates look at of person i."""
    prefetch(p.born, i)  # and the fields that stand together with it
    prefetch(p.status, i)
    prefetch(p.firm, i)
    prefetch(p.municipality, i)
    prefetch(p.traits, i)


@njit(cache=True, forceinline=True)
def row_number(i):
    """The row i as the compiler likes it: known not to count from the end of a column."""
    return np.int64(np.uint32(i))


@njit(cache=True, nogil=True)
def month_of_everyone(c, first, stop, p, t, base, bounds, a, w, m, b):
    """Permits that end and monthly fates of rows [first, stop), the chunk c; counted in its books.

    p Columns; t FateTable; base float64[F + G] in force; bounds uint32[classes + 1];
    a StatusTable; w World; m Month; b Books.
    """
    p, t, a, w, b = borrow(p), borrow(t), borrow(a), borrow(w), borrow(b)
    base, bounds = borrow(base), borrow(bounds)
    longest = 0
    for lst in range(t.first.size - 1):
        longest = max(longest, t.first[lst + 1] - t.first[lst])
    buffers = (
        code_buffer(), np.zeros(longest + 1), np.zeros(BLOCK, np.uint64), np.zeros(BLOCK, np.int32),
    )  # fmt: skip
    codes, rates, words, passed = (
        borrow(buffers[0]), borrow(buffers[1]), borrow(buffers[2]), borrow(buffers[3]),
    )  # fmt: skip
    tally = b.tally[c]
    when = occasion(m.now, P_MONTHLY_FATE, 0)
    start = 2 * first  # of this chunk's part of the lists: a person may enter one twice
    for lower in range(first, stop, BLOCK):
        size = min(BLOCK, stop - lower)
        n = screen(p.key, p.risk, p.permit_end, lower, size, bounds, m, when, words, passed,
                   b.screen[c])  # fmt: skip
        for k in range(min(n, AHEAD)):
            fetch(p, lower + passed[k])
        for k in range(n):
            if k + AHEAD < n:
                fetch(p, lower + passed[k + AHEAD])
            if k + NEAR < n:
                prefetch(w.firm_support, max(p.firm[lower + passed[k + NEAR]], 0))
            i = row_number(lower + passed[k])
            word, status = words[passed[k]], p.status[i]
            # One after the other, so that what a fate does is compiled into the loop only once.
            for block in range(MONTHLY + 1):
                f = -1
                ended = block == AT_PERMIT_END and p.permit_end[i] <= m.now
                if ended:
                    f = end_of_permit(p, i, t, base, codes, a, w, m, b, c)
                elif block == MONTHLY and p.status[i] == status:
                    bound = np.uint64(bounds[p.risk[i]])  # with what the permit's end has changed
                    if word < bound:
                        fill_codes(p, i, m.now, codes, a, w)
                        audited = p.key[i] & m.unaudited == 0
                        f = pick_fate(
                            t, base, np.int64(status), codes, word, bound, rates, audited, tally,
                            b.screen[c],
                        )  # fmt: skip
                if f >= 0:
                    apply_fate(p, i, f, t, base, codes, a, w, m, b, c, start, block)
                if ended and p.permit_end[i] <= m.now:
                    give_permit(p, i, RENEWED, a, m, AT_PERMIT_END)
    hold(buffers)


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
