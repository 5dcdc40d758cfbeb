"""The labour market of a month: who looks for work where, which job they find.

Jobs and seekers stand on rings (sim.processes.offers), at a place that a hash of who they are and
of the month gives them. A seeker takes the next free job along the ring. So no order of rows
matters, and one more job or seeker changes only those whom it meets.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import HOLE, NO_SECTOR, NORMS, SEEKS
from sim.borrow import borrow
from sim.prefetch import prefetch
from sim.processes.fates import move
from sim.processes.lists import SEEKERS, flag
from sim.processes.offers import HASH, PLACE_BITS, ring_of
from sim.processes.person import MOVED, pick_cut
from sim.processes.work import leave_job
from sim.rng import P_SEARCH, P_SEARCH_PLACE, draw, high, low

AHEAD = 16
"""Seekers ahead of the one in work whose columns are fetched."""
TOGETHER = 4096
"""People whose jobs are added up in one number: workers above ONE, rows of firms below."""
ONE = np.int64(1 << 48)
ALONE = np.int64(0)
"""The chunk of what runs on one thread."""
NOWHERE = np.uint64((1 << 64) - 1)


@njit(cache=True, nogil=True)
def scan_people(c, first, stop, n, p, evicted, a, m, b, sums):
    """Lists those who look for work, rows [first, stop); frees the workers of `evicted` firms.

    evicted uint8[firms / 8 + 1] bits; sums int64[C, T, 2] takes the number of employed and the sum
    of the rows of their firms, as they are before.
    """
    p, a, b = borrow(p), borrow(a), borrow(b)
    start = 2 * (n * c // b.counts.shape[0])
    lists, counts = b.lists, b.counts[c]
    tiers = np.full(HOLE + 1, a.n_tiers, np.int64)  # by status; n_tiers where there is no tier
    for s in range(a.tier.size):
        tiers[s] = a.tier[s] if a.tier[s] >= 0 else a.n_tiers
    packed = np.zeros(a.n_tiers + 1, np.int64)
    seekers, n_seekers = lists[SEEKERS, start:], counts[SEEKERS]
    for lower in range(first, stop, TOGETHER):
        upper = min(lower + TOGETHER, stop)
        firms, status = p.firm[lower:upper], p.status[lower:upper]
        traits, event = p.traits[lower:upper], p.event[lower:upper]
        # Without a branch on who works and who looks for work; two loops keep their sums at hand.
        for k in range(upper - lower):
            firm = np.int64(firms[k])
            packed[tiers[status[k]]] += ONE + firm if firm >= 0 else 0
            if (firm >= 0) & (evicted[np.maximum(firm, 0) >> 3] >> (firm & 7) & 1 != 0):
                leave_job(p, lower + k, a, m, lists, counts, start)
                traits[k] |= SEEKS
        for k in range(upper - lower):
            seekers[n_seekers] = lower + k
            n_seekers += np.int64(traits[k] & SEEKS != 0) & np.int64(event[k] == 0)
        for t in range(a.n_tiers):
            sums[c, t, 0] += packed[t] >> 48
            sums[c, t, 1] += packed[t] & (ONE - 1)
            packed[t] = 0
    counts[SEEKERS] = n_seekers


@njit(cache=True, nogil=True)
def sum_heads(c, first, stop, heads, sums):
    """Adds up heads int32[firms, T] of firms [first, stop) into sums int64[C, T, 3]: people, the
    rows of their firms, and firms with less than nobody."""
    for t in range(heads.shape[1]):
        people, rows, below = np.int64(0), np.int64(0), np.int64(0)
        for f in range(first, stop):
            people += heads[f, t]
            rows += f * np.int64(heads[f, t])
            below += heads[f, t] < 0
        sums[c, t, 0] += people
        sums[c, t, 1] += rows
        sums[c, t, 2] += below


@njit(cache=True, nogil=True)
def first_search(c, first, stop, p, shares, a, m):
    """Who of those without a job looks for one at the opening; shares uint64[T] thresholds."""
    p, a = borrow(p), borrow(a)
    for i in range(first, stop):
        tier = np.int64(a.tier[p.status[i]])
        if tier < 0 or p.firm[i] >= 0:
            continue
        months = m.now - np.int64(p.born[i])
        x0, _ = draw(m.k0, m.k1, p.key[i], m.now, P_SEARCH, 0)
        if low(x0) < shares[tier] and a.working[0] <= months and months < a.working[1]:
            p.traits[i] |= SEEKS


@njit(cache=True, nogil=True)
def add_up(c, first, stop, jobs, out):
    """Adds up jobs, integers [firms, T], of firms [first, stop) into out int64[C, T]."""
    for t in range(jobs.shape[1]):
        total = np.int64(0)
        for f in range(first, stop):
            total += jobs[f, t]
        out[c, t] += total


@njit(cache=True)
def count_in(jobs, firm, tier, sign):
    """Adds `sign` to jobs, integers [firms, T], for each pair of firm and tier."""
    for k in range(firm.size):
        jobs[firm[k], tier[k]] += sign


@njit(cache=True, forceinline=True)
def elsewhere(cut, here, word):
    """Index of a place other than `here`, by the cumulative thresholds `cut` of all places."""
    start, stop = cut[here - 1] if here > 0 else np.uint64(0), cut[here]
    others = cut[-1] - (stop - start)
    if others == 0:
        return here
    at = (word * others) >> np.uint64(32)
    return pick_cut(cut, at if at < start else at + (stop - start))


@njit(cache=True, nogil=True)
def look(c, first, stop, seekers, spot, attempt, p, prefecture, market, a, m, ring):
    """Place of seekers [first, stop) on the rings, or NOWHERE for who does not apply.

    attempt 0, 1, ... of the month: each looks in another place, or in another sector. spot
    uint64[k] keeps each seeker's place on whatever ring for the later attempts.
    """
    p, a, market = borrow(p), borrow(a), borrow(market)
    sectors = market.sector_cut.shape[2]
    for k in range(first, stop):
        ahead = seekers[min(k + AHEAD, stop - 1)]
        prefetch(p.key, ahead)
        prefetch(p.status, ahead)
        prefetch(p.sector, ahead)
        prefetch(p.municipality, ahead)
        i = seekers[k]
        tier = np.int64(a.tier[p.status[i]])
        ring[k] = NOWHERE
        if tier < 0:
            continue
        if attempt == 0:
            x0, x1 = draw(m.k0, m.k1, p.key[i], m.now, P_SEARCH, 0)
            if low(x0) >= np.uint64(market.search):
                continue
            spot[k] = x1 & HASH
        y0, y1 = draw(m.k0, m.k1, p.key[i], m.now, P_SEARCH_PLACE, attempt)
        known = market.bound[tier] and p.sector[i] != NO_SECTOR
        sector = np.int64(p.sector[i]) if known else sectors
        where = np.int64(prefecture[p.municipality[i]])
        if low(y0) < market.cross[tier]:
            where = elsewhere(market.place_cut[tier, sector], where, high(y0))
        if not known:
            sector = pick_cut(market.sector_cut[tier, where], low(y1))
        cell = ring_of(tier, sector, where, sectors, m)
        ring[k] = (np.uint64(cell) << PLACE_BITS) | spot[k]


@njit(cache=True)
def pairs(starts, place, taken, seekers, job, who):
    """Who takes which job; returns how many do.

    starts int64[R + 1] and place uint64[jobs]: see Offers. taken int32[jobs] is -1 for free jobs,
    and the seeker's number afterwards. seekers uint64[k]: ring and place, ascending.
    job, who int32[k] out: the pairs, ring by ring.
    """
    waiting = np.empty(seekers.size, np.int32)
    k, made = 0, 0
    while k < seekers.size:
        ring, n = seekers[k] >> PLACE_BITS, 0
        begin, stop = starts[np.int64(ring)], starts[np.int64(ring) + 1]
        j = begin
        while k < seekers.size and seekers[k] >> PLACE_BITS == ring:
            at = seekers[k] & HASH
            while j < stop and (taken[j] >= 0 or place[j] < at):
                j += 1
            if j < stop:
                taken[j], job[made], who[made] = k, j, k
                made += 1
            else:  # nothing ahead: on from the beginning of the ring, after all others
                waiting[n] = k
                n += 1
            k += 1
        w = 0
        while w < n and begin < stop:
            if taken[begin] < 0:
                taken[begin], job[made], who[made] = waiting[w], begin, waiting[w]
                made += 1
                w += 1
            begin += 1
    return made


@njit(cache=True)
def hire(job, rows, taken, firm, p, firms, transfers, market, a, w, m, b, made):
    """Let the pairs be: row rows[k] of the population takes job[k]; free again if not after all.

    firm int32[jobs]. transfers int16[firms]: workers taken from other firms this year.
    made int64[T, 3]: hires, those of other prefectures, those refused because a firm had its
    share of transfers.
    """
    p, a, w, b, firms, market = (
        borrow(p), borrow(a), borrow(w), borrow(b), borrow(firms), borrow(market),
    )  # fmt: skip
    for k in range(job.size):
        ahead = min(k + AHEAD, job.size - 1)
        for column in (p.status, p.sector, p.traits, p.event):
            prefetch(column, rows[ahead])
        prefetch(p.municipality, rows[ahead])
        prefetch(p.firm, rows[ahead])
        prefetch(firms.municipality, firm[job[ahead]])
        prefetch(firms.sector, firm[job[ahead]])
        i, f = np.int64(rows[k]), np.int64(firm[job[k]])
        t, place = np.int64(a.tier[p.status[i]]), np.int64(firms.municipality[f])
        changed = p.sector[i] != NO_SECTOR
        if market.limited[t] and changed:
            if transfers[f] + 1 > max(1.0, market.share[w.prefecture[place]] * firms.heads[f, t]):
                taken[job[k]] = -1
                made[t, 2] += 1
                continue
            transfers[f] += 1
        p.firm[i] = f
        p.job_since[i] = m.now
        p.sector[i] = firms.sector[f]
        p.traits[i] &= NORMS
        firms.heads[f, t] += 1
        firms.vacancies[f, t] -= 1
        made[t, 0] += 1
        if w.prefecture[p.municipality[i]] != w.prefecture[place]:
            if changed:
                made[t, 1] += 1
            move(p, i, place, w, m, b, ALONE)
            flag(p.event, i, MOVED, b.lists, b.counts[ALONE], ALONE)
