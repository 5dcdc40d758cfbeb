"""The labour market of a month: who looks for work where, which job they find.

Jobs and seekers stand on rings, one for each tier, sector and prefecture, at a place that a hash
of who they are and of the month gives them. A seeker takes the next free job along the ring. So
no order of rows matters, and one more job or seeker changes only those whom it meets.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import NO_SECTOR, NORMS, SEEKS
from sim.borrow import borrow
from sim.processes.fates import move
from sim.processes.lists import SEEKERS, flag, push
from sim.processes.person import MOVED, pick_cut
from sim.processes.work import leave_job
from sim.rng import P_SEARCH, P_SEARCH_PLACE, P_VACANCY, draw, high, low

PLACE_BITS = np.uint64(48)
HASH = np.uint64((1 << 48) - 1)
NOWHERE = np.uint64((1 << 64) - 1)


@njit(cache=True, nogil=True)
def scan_people(c, first, stop, n, p, evicted, any_evicted, a, m, b, sums):
    """Lists those who look for work, rows [first, stop); frees the workers of `evicted` firms.

    evicted bool[firms]; sums int64[C, T, 2] takes the number of employed and the sum of the rows
    of their firms, as they are before.
    """
    p, a, b = borrow(p), borrow(a), borrow(b)
    start = 2 * (n * c // b.counts.shape[0])
    lists, counts = b.lists, b.counts[c]
    for i in range(first, stop):
        firm = np.int64(p.firm[i])
        if firm >= 0:
            tier = a.tier[p.status[i]]
            sums[c, tier, 0] += 1
            sums[c, tier, 1] += firm
            if any_evicted and evicted[firm]:
                leave_job(p, i, a, m, lists, counts, start)
                p.traits[i] |= SEEKS
        if p.traits[i] & SEEKS and p.event[i] == 0:
            push(lists, counts, start, SEEKERS, i)


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


@njit(cache=True)
def settle_jobs(heads, lost, gained):
    """Book jobs lost and gained, entries firm x T + tier, in heads int32[firms, T]."""
    tiers = heads.shape[1]
    for k in range(lost.size):
        heads[lost[k] // tiers, lost[k] % tiers] -= 1
    for k in range(gained.size):
        heads[gained[k] // tiers, gained[k] % tiers] += 1


@njit(cache=True)
def count_jobs(n, vacancies):
    """Number of jobs on offer by the first n firms; vacancies int16[firms, T]."""
    total = 0
    for f in range(n):
        for t in range(vacancies.shape[1]):
            total += vacancies[f, t]
    return total


@njit(cache=True)
def offer_jobs(n, firms, prefecture, sectors, m, ring, words, firm, tier):
    """One entry for every vacancy: place on the rings uint64, its draw uint64, firm, tier."""
    firms = borrow(firms)
    tiers, k = firms.vacancies.shape[1], 0
    for f in range(n):
        where = np.int64(prefecture[np.int64(firms.municipality[f])])
        for t in range(tiers):
            cell = ring_of(t, np.int64(firms.sector[f]), where, sectors, m)
            for ordinal in range(firms.vacancies[f, t]):
                x0, x1 = draw(m.k0, m.k1, firms.key[f], m.now, P_VACANCY, (t << 20) | ordinal)
                ring[k] = (np.uint64(cell) << PLACE_BITS) | (x0 & HASH)
                words[k], firm[k], tier[k] = x1, f, t
                k += 1


@njit(cache=True, forceinline=True)
def ring_of(tier, sector, prefecture, sectors, m):
    """Number of the ring of a tier, sector and prefecture."""
    return (np.int64(tier) * sectors + sector) * m.n_prefectures + prefecture


@njit(cache=True, nogil=True)
def look(c, first, stop, seekers, attempt, p, prefecture, market, a, m, ring):
    """Place of seekers [first, stop) on the rings, or NOWHERE for who does not apply.

    attempt 0, 1, ... of the month: each looks in another place, or in another sector.
    """
    p, a, market = borrow(p), borrow(a), borrow(market)
    sectors = market.sector_cut.shape[2]
    for k in range(first, stop):
        i = seekers[k]
        tier = np.int64(a.tier[p.status[i]])
        x0, x1 = draw(m.k0, m.k1, p.key[i], m.now, P_SEARCH, 0)
        ring[k] = NOWHERE
        if tier < 0 or low(x0) >= np.uint64(market.search):
            continue
        y0, y1 = draw(m.k0, m.k1, p.key[i], m.now, P_SEARCH_PLACE, attempt)
        known = market.bound[tier] and p.sector[i] != NO_SECTOR
        sector = np.int64(p.sector[i]) if known else sectors
        where = np.int64(prefecture[p.municipality[i]])
        if low(y0) < market.cross[tier]:
            where = pick_cut(market.place_cut[tier, sector], high(y0))
        if not known:
            sector = pick_cut(market.sector_cut[tier, where], low(y1))
        cell = ring_of(tier, sector, where, sectors, m)
        ring[k] = (np.uint64(cell) << PLACE_BITS) | (x1 & HASH)


@njit(cache=True)
def pairs(jobs, seekers, taken):
    """taken int32[jobs]: which seeker takes each job, -1 nobody. Both arrays of places ascend."""
    waiting = np.empty(seekers.size, np.int32)
    j, k = 0, 0
    taken[:] = -1
    while k < seekers.size:
        cell, n = seekers[k] >> PLACE_BITS, 0
        while j < jobs.size and jobs[j] >> PLACE_BITS < cell:
            j += 1
        begin = j
        while k < seekers.size and seekers[k] >> PLACE_BITS == cell:
            while j < jobs.size and jobs[j] < seekers[k]:
                j += 1
            if j < jobs.size and jobs[j] >> PLACE_BITS == cell:
                taken[j] = k
                j += 1
            else:  # nothing ahead: on from the beginning of the ring, after all others
                waiting[n] = k
                n += 1
            k += 1
        w = 0
        while w < n and begin < jobs.size and jobs[begin] >> PLACE_BITS == cell:
            if taken[begin] < 0:
                taken[begin] = waiting[w]
                w += 1
            begin += 1


@njit(cache=True)
def hire(taken, order, firm, tier, p, firms, transfers, market, a, w, m, b, made):
    """Let the pairs be: who found job j is seekers' row order[taken[j]]; -1 if not after all.

    transfers int16[firms]: workers taken from other firms this year. made int64[T, 3]: hires,
    those of other prefectures, those refused because a firm had its share of transfers.
    """
    p, a, w, b, firms, market = (
        borrow(p),
        borrow(a),
        borrow(w),
        borrow(b),
        borrow(firms),
        borrow(market),
    )
    for j in range(taken.size):
        if taken[j] < 0:
            continue
        i, f, t = order[taken[j]], np.int64(firm[j]), np.int64(tier[j])
        place = np.int64(firms.municipality[f])
        changed = p.sector[i] != NO_SECTOR
        if market.limited[t] and changed:
            if transfers[f] + 1 > max(1.0, market.share[w.prefecture[place]] * firms.heads[f, t]):
                taken[j] = -1
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
            move(p, i, place, w, m, b, 0)
            flag(p.event, i, MOVED, b.lists, b.counts[0], 0)
