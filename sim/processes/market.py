"""The labour market of a month: who looks for work where, which job they find.

A ring is where the vacancies and seekers of one tier, sector and prefecture meet: each stands at a
place that a hash of its key and the month gives it, and a seeker takes the next free job along the
ring. So no order of rows matters, and one more job or seeker changes only those whom it meets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.agents.firms import ALL, CROSSED, HIRED, INWARD, REFUSED
from sim.agents.population import HOLE, NO_SECTOR, SEEKS
from sim.agents.state import SEEKERS, State
from sim.core.kernels import INLINED, borrow, prefetch
from sim.core.rng import P_SEARCH, P_SEARCH_PLACE, P_VACANCY, draw, high, low
from sim.processes.person import (
    MOVED,
    flag,
    leave_job,
    open_workspace,
    pick_cut,
    set_place,
    take_job,
)

HASH = np.uint64((1 << 48) - 1)
"""Largest place on a ring."""


@njit(cache=True, **INLINED)
def ring_of(tier, sector, prefecture, sectors, month):
    """Number of the ring of a tier, sector and prefecture."""
    return (np.int64(tier) * sectors + sector) * month.n_prefectures + prefecture


@njit(cache=True, **INLINED)
def slot_of(place, n):
    """Where one of n evenly spread places belongs, about."""
    return np.int64(((place >> np.uint64(16)) * np.uint64(n)) >> np.uint64(32))


def ring_spaces(count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts, at) from numbers by chunk and ring, int64[C, R].

    starts  int64[R + 1]: ring r has the room from starts[r] to starts[r + 1]
    at      int64[C, R]: where each chunk writes its first; chunk after chunk inside a ring
    """
    ends = np.cumsum(count.T).reshape(count.shape[::-1]).T
    return np.append(0, ends[-1]), np.ascontiguousarray(ends - count)


@njit(cache=True, **INLINED)
def rings_between(starts, first, stop):
    """(first, last) of the rings that start at numbers [first, stop): those of a chunk."""
    return (
        np.searchsorted(starts, first),
        min(np.searchsorted(starts, stop), starts.size - 1),
    )


@njit(cache=True, nogil=True)
def sort_rings(chunk, first, stop, starts, place, rows, words):
    """Put what stands on the rings that start in [first, stop) in the order of its places.

    place uint64, rows int32 and words uint64 (or None) are moved together; who has the same place
    stays in order. Places are evenly spread: each says about where it belongs among the others.
    """
    ring, last = rings_between(starts, first, stop)
    longest = 0
    for r in range(ring, last):
        longest = max(longest, starts[r + 1] - starts[r])
    at = np.zeros(longest + 1, np.int64)
    places, row, draws = (
        np.empty(longest, np.uint64), np.empty(longest, np.int32), np.empty(longest, np.uint64),
    )  # fmt: skip
    for r in range(ring, last):
        a, n = starts[r], starts[r + 1] - starts[r]
        for k in range(n + 1):
            at[k] = 0
        for k in range(a, a + n):
            at[slot_of(place[k], n) + 1] += 1
        for k in range(n):
            at[k + 1] += at[k]
        for k in range(a, a + n):
            slot = slot_of(place[k], n)
            d = at[slot]
            places[d], row[d] = place[k], rows[k]
            if words is not None:
                draws[d] = words[k]
            at[slot] += 1
        for k in range(n):  # the last step: few stand wrong, by few places
            e = a + k
            while e > a and place[e - 1] > places[k]:
                place[e], rows[e] = place[e - 1], rows[e - 1]
                if words is not None:
                    words[e] = words[e - 1]
                e -= 1
            place[e], rows[e] = places[k], row[k]
            if words is not None:
                words[e] = draws[k]


AHEAD = 16
"""Seekers ahead of the one in work whose columns are fetched."""

TOGETHER = 4096
"""People whose jobs are added up in one number: workers above ONE, rows of firms below."""

ONE = np.int64(1 << 48)

EIGHTH, REST = np.uint64(3), np.uint64(7)
"""Shift and mask of a bit among bytes."""

ALONE = np.int64(0)
"""The chunk of what runs on one thread."""

NOWHERE = np.int32(-1)

WORKERS, FIRM_ROWS, BELOW_NOBODY = range(3)
"""Columns of the sums that compare firms' headcounts with people."""

HERE, ON_THE_WAY = range(2)


@njit(cache=True, nogil=True)
def scan_people(chunk, first, stop, scene, evicted, sums):
    """List those who look for work, rows [first, stop); free the workers of `evicted` firms.

    evicted uint8[firms / 8 + 1] bits: first one for those without a firm, then one a firm.
    sums int64[C, T, 2], columns WORKERS and FIRM_ROWS, takes the employed and the sum of the rows
    of their firms, as they are before.
    """
    scene = borrow(scene)
    people, status = scene.people, scene.status
    work = open_workspace(scene, chunk, first)
    # By status: where its tier is added up, the last place for none. Neighbours are added in two
    # places in turn, so that none waits for the one before; unsigned numbers are no index from
    # the end.
    tiers = np.full(HOLE + 1, 2 * status.n_tiers, np.uint64)
    for s in range(status.tier.size):
        tiers[s] = 2 * (status.tier[s] if status.tier[s] >= 0 else status.n_tiers)
    packed, out = np.zeros(2 * status.n_tiers + 2, np.int64), np.empty(TOGETHER, np.int32)
    seekers, n_seekers = work.lists[SEEKERS, work.start :], work.counts[SEEKERS]
    for lower in range(first, stop, TOGETHER):
        upper = min(lower + TOGETHER, stop)
        firms, statuses = people.firm[lower:upper], people.status[lower:upper]
        traits, event, n_out = people.traits[lower:upper], people.event[lower:upper], np.int64(0)
        # Without a branch on who works and who looks for work; two loops keep their sums in
        # registers.
        for k in range(upper - lower):
            firm = np.int64(firms[k])
            packed[tiers[np.uint64(statuses[k])] + np.uint64(k & 1)] += (ONE + firm) & ~(firm >> 63)
            bit = np.uint64(firm + 1)
            out[n_out] = k
            n_out += np.int64(evicted[bit >> EIGHTH] >> (bit & REST) & np.uint64(1))
        for j in range(n_out):
            leave_job(scene, work, lower + np.int64(out[j]))
            traits[out[j]] |= SEEKS
        for k in range(upper - lower):
            seekers[n_seekers] = lower + k
            n_seekers += np.int64(traits[k] & SEEKS != 0) & np.int64(event[k] == 0)
        for t in range(status.n_tiers):
            both = packed[2 * t] + packed[2 * t + 1]
            sums[chunk, t, WORKERS] += both >> 48
            sums[chunk, t, FIRM_ROWS] += both & (ONE - 1)
            packed[2 * t], packed[2 * t + 1] = 0, 0
    work.counts[SEEKERS] = n_seekers


@njit(cache=True, nogil=True)
def sum_heads(chunk, first, stop, heads, sums):
    """Add up heads int32[firms, T] of firms [first, stop) into sums int64[C, T, 3].

    Columns: WORKERS, FIRM_ROWS (summed over workers), BELOW_NOBODY (firms of negative headcount).
    """
    for t in range(heads.shape[1]):
        people, rows, below = np.int64(0), np.int64(0), np.int64(0)
        for f in range(first, stop):
            people += heads[f, t]
            rows += f * np.int64(heads[f, t])
            below += heads[f, t] < 0
        sums[chunk, t, WORKERS] += people
        sums[chunk, t, FIRM_ROWS] += rows
        sums[chunk, t, BELOW_NOBODY] += below


@njit(cache=True, nogil=True)
def first_search(chunk, first, stop, people, status, month, shares):
    """Who of those without a job looks for one at the opening; shares uint64[T] thresholds."""
    people, status = borrow(people), borrow(status)
    youngest, oldest = status.working[0], status.working[1]
    for i in range(first, stop):
        tier = np.int64(status.tier[people.status[i]])
        if tier < 0 or people.firm[i] >= 0:
            continue
        months = month.now - np.int64(people.born[i])
        x0, _ = draw(month.k0, month.k1, people.key[i], month.now, P_SEARCH, 0)
        if low(x0) < shares[tier] and youngest <= months and months < oldest:
            people.traits[i] |= SEEKS


@njit(cache=True, nogil=True)
def count_fields(chunk, first, stop, firms, field_of, out):
    """Jobs of firms [first, stop) by tier and field: out int64[C, 2, T, F], jobs of people who
    are HERE and of those ON_THE_WAY. field_of int64[sectors]."""
    firms = borrow(firms)
    for f in range(first, stop):
        field = field_of[np.int64(firms.sector[f])]
        for t in range(out.shape[2]):
            out[chunk, HERE, t, field] += firms.heads[f, t]
            out[chunk, ON_THE_WAY, t, field] += firms.pending[f, t]


@njit(cache=True)
def add_jobs(jobs, firm, tier, sign):
    """Add `sign` to jobs, integers [firms, T], for each pair of firm and tier."""
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


class Search(NamedTuple):
    """n people who look for work, and the rings R on which they apply."""

    seekers: np.ndarray  # int32[n]: rows
    spot: np.ndarray  # uint64[n]: place of each on whatever ring, in all attempts of the month
    ring: np.ndarray  # int32[n]: the ring on which each applies, or NOWHERE
    applied: np.ndarray  # int64[C, R]: how many apply on each ring
    sought: np.ndarray  # int64[C, T]: how many look for work at the first attempt


@njit(cache=True, nogil=True)
def apply_for_jobs(chunk, first, stop, scene, market, search, attempt):
    """Choose the rings on which seekers [first, stop) apply.

    attempt 0, 1, ... of the month: each looks in another place, or in another sector, if none has
    found a job.
    """
    scene, market, search = borrow(scene), borrow(market), borrow(search)
    people, status, month, prefecture = (
        scene.people, scene.status, scene.month, scene.world.prefecture,
    )  # fmt: skip
    sectors = market.sector_cut.shape[2]
    for k in range(first, stop):
        ahead = search.seekers[min(k + AHEAD, stop - 1)]
        prefetch(people.key, ahead)
        prefetch(people.status, ahead)
        prefetch(people.sector, ahead)
        prefetch(people.municipality, ahead)
        i = search.seekers[k]
        tier = np.int64(status.tier[people.status[i]])
        search.ring[k] = NOWHERE
        if tier < 0 or (attempt > 0 and people.firm[i] >= 0):  # has a job: does not look at first
            continue
        if attempt == 0:
            search.sought[chunk, tier] += 1
            x0, x1 = draw(month.k0, month.k1, people.key[i], month.now, P_SEARCH, 0)
            if low(x0) >= np.uint64(market.search):
                continue
            search.spot[k] = x1 & HASH
        y0, y1 = draw(month.k0, month.k1, people.key[i], month.now, P_SEARCH_PLACE, attempt)
        if high(y1) < market.aside[tier]:
            tier = market.beside[tier]
        known = market.bound[tier] and people.sector[i] != NO_SECTOR
        sector = np.int64(people.sector[i]) if known else sectors
        where = np.int64(prefecture[people.municipality[i]])
        if low(y0) < market.cross[tier]:
            where = elsewhere(market.place_cut[tier, sector], where, high(y0))
        if not known:
            sector = pick_cut(market.sector_cut[tier, where], low(y1))
        search.ring[k] = ring_of(tier, sector, where, sectors, month)
        search.applied[chunk, search.ring[k]] += 1


@njit(cache=True, nogil=True)
def line_up(chunk, first, stop, search, at, rows, spots):
    """Write those of [first, stop) who apply, and their places, behind the others of their rings;
    at int64[C, R]: see `ring_spaces`."""
    search = borrow(search)
    for k in range(first, stop):
        if search.ring[k] != NOWHERE:
            d = at[chunk, search.ring[k]]
            rows[d], spots[d] = search.seekers[k], search.spot[k]
            at[chunk, search.ring[k]] = d + 1


class Jobs(NamedTuple):
    """n vacancies on R rings, in order of place on each ring."""

    starts: np.ndarray  # int64[R + 1]: the jobs of ring r are starts[r] to starts[r + 1]
    place: np.ndarray  # uint64[n]: place on the ring
    firm: np.ndarray  # int32[n]: row of the firm
    tier: np.ndarray  # uint8[n]
    words: np.ndarray  # uint64[n]: draw of the vacancy
    taken: np.ndarray  # int32[n]: -1 for a free job, else the number of the seeker in line


class Pairs(NamedTuple):
    """Jobs and who takes them."""

    job: np.ndarray  # int32[n]: number of the job
    who: np.ndarray  # int32[n]: number of the seeker in line


@njit(cache=True, nogil=True)
def pair_up(chunk, first, stop, starts, spots, jobs, pairs):
    """Who takes which job on the rings whose seekers start in [first, stop).

    starts int64[R + 1]: where each ring's seekers start; spots uint64: their places, ascending on
    a ring. The pairs are written at numbers [a, z), which are returned, in order of job.
    """
    jobs, pairs = borrow(jobs), borrow(pairs)
    place, taken, job, who = jobs.place, jobs.taken, pairs.job, pairs.who
    ring, last = rings_between(starts, first, stop)
    longest = 0
    for r in range(ring, last):
        longest = max(longest, starts[r + 1] - starts[r])
    waiting, late = np.empty(longest, np.int32), np.empty(longest, np.int32)
    begin = made = starts[ring]
    for r in range(ring, last):
        n, before = 0, made
        free, j, end = jobs.starts[r], jobs.starts[r], jobs.starts[r + 1]
        for k in range(starts[r], starts[r + 1]):
            while j < end and (taken[j] >= 0 or place[j] < spots[k]):
                j += 1
            if j < end:
                taken[j], job[made], who[made] = k, j, k
                made += 1
            else:  # nothing ahead: on from the beginning of the ring, after all others
                waiting[n] = k
                n += 1
        w = 0
        while w < n and free < end:
            if taken[free] < 0:
                taken[free], late[w] = waiting[w], free
                w += 1
            free += 1
        _merge(job, who, before, made, late, waiting, w)
        made += w
    return begin, made


@njit(cache=True, **INLINED)
def _merge(job, who, first, stop, jobs, whose, n):
    """Merge n further pairs into the pairs [first, stop); both are in order of job."""
    end = stop + n
    while n > 0:
        end -= 1
        if stop > first and job[stop - 1] > jobs[n - 1]:
            stop -= 1
            job[end], who[end] = job[stop], who[stop]
        else:
            n -= 1
            job[end], who[end] = jobs[n], whose[n]


@njit(cache=True)
def hire(scene, market, jobs, pairs, transfers, made):
    """Hire each matched seeker; the job is free again if the firm has its share of transfers.

    Who takes a vacancy of another tier counts in their own.

    pairs      rows of the population in place of numbers in line
    transfers  int16[firms, 2], columns ALL and INWARD: see `Labour`
    made       int64[T, 3]: columns HIRED, CROSSED (hired from other prefectures) and REFUSED (a
               firm had its share of transfers)
    """
    scene, market, jobs, pairs = borrow(scene), borrow(market), borrow(jobs), borrow(pairs)
    people, firms, prefecture = scene.people, scene.firms, scene.world.prefecture
    work, firm = open_workspace(scene, ALONE, 0), jobs.firm
    for k in range(pairs.job.size):
        ahead = min(k + AHEAD, pairs.job.size - 1)
        row, job = pairs.who[ahead], pairs.job[ahead]
        for column in (people.status, people.traits, people.event):
            prefetch(column, row)
        prefetch(people.born, row)  # and the fields that stand together with it
        prefetch(people.municipality, row)
        prefetch(people.firm, row)
        prefetch(people.risk, row)
        prefetch(firms.heads, firm[job])
        prefetch(firms.vacancies, firm[job])
        prefetch(firms.municipality, firm[job])
        prefetch(firms.sector, firm[job])
        i, f = np.int64(pairs.who[k]), np.int64(firm[pairs.job[k]])
        t, place = np.int64(scene.status.tier[people.status[i]]), np.int64(firms.municipality[f])
        changed = people.sector[i] != NO_SECTOR
        if market.limited[t] and changed:
            home, there = prefecture[people.municipality[i]], prefecture[place]
            inward = market.metropolitan[there] and not market.metropolitan[home]
            most = max(1.0, market.share * firms.heads[f, t])
            most_inward = max(1.0, market.inward * firms.heads[f, t])
            full = transfers[f, ALL] + 1 > most
            if full or (inward and transfers[f, INWARD] + 1 > most_inward):
                jobs.taken[pairs.job[k]] = -1
                made[t, REFUSED] += 1
                continue
            transfers[f, ALL] += 1
            transfers[f, INWARD] += inward
        take_job(scene, i, f)
        firms.heads[f, t] += 1
        firms.vacancies[f, np.int64(jobs.tier[pairs.job[k]])] -= 1
        made[t, HIRED] += 1
        if prefecture[people.municipality[i]] != prefecture[place]:
            if changed:
                made[t, CROSSED] += 1
            set_place(scene, work, i, place)
            flag(scene, work, i, MOVED)


@njit(cache=True, nogil=True)
def count_offers(chunk, first, stop, firms, place, count):
    """Vacancies of firms [first, stop) by ring; count int64[C, R].

    place: prefecture uint8[M], number of sectors, Month
    """
    firms, (prefecture, sectors, month) = borrow(firms), place
    for f in range(first, stop):
        ring = ring_of(0, np.int64(firms.sector[f]), np.int64(0), sectors, month)
        ring += np.int64(prefecture[np.int64(firms.municipality[f])])
        for t in range(firms.vacancies.shape[1]):
            if firms.vacancies[f, t] > 0:
                of_tier = ring + t * sectors * month.n_prefectures
                count[chunk, of_tier] += firms.vacancies[f, t]


@njit(cache=True, nogil=True)
def write_offers(chunk, first, stop, firms, place, at, jobs):
    """Write each vacancy of firms [first, stop) behind the others of its ring.

    place: as of `count_offers`; at int64[C, R]: where the chunk's next job of a ring is written
    """
    firms, jobs, (prefecture, sectors, month) = borrow(firms), borrow(jobs), place
    for f in range(first, stop):
        where = np.int64(prefecture[np.int64(firms.municipality[f])])
        for t in range(firms.vacancies.shape[1]):
            ring = ring_of(t, np.int64(firms.sector[f]), where, sectors, month)
            for ordinal in range(firms.vacancies[f, t]):
                block = (t << 20) | ordinal
                x0, x1 = draw(month.k0, month.k1, firms.key[f], month.now, P_VACANCY, block)
                k = at[chunk, ring]
                jobs.place[k], jobs.words[k], jobs.firm[k] = x0 & HASH, x1, f
                at[chunk, ring] = k + 1


class Offers:
    """n vacancies of a month on R rings.

    jobs    the vacancies as kernels see them
    starts, words, firm, tier, taken  of `jobs`
    """

    def __init__(self, state: State, sectors: int) -> None:
        labour = state.labour
        assert labour is not None
        n_firms, firms = labour.firms.n, labour.firms.columns
        place = (state.world.prefecture, sectors, state.now)
        count = np.zeros((state.chunks, labour.tiers * sectors * state.sizes[2]), np.int64)
        state.crew.run(count_offers, n_firms, firms, place, count)
        starts, at = ring_spaces(count)
        n = int(starts[-1])
        per_tier = np.diff(starts[:: sectors * state.sizes[2]])
        self.tier = np.repeat(np.arange(labour.tiers, dtype=np.uint8), per_tier)
        self.jobs = jobs = Jobs(
            starts, place=np.empty(n, np.uint64), firm=np.empty(n, np.int32), tier=self.tier,
            words=np.empty(n, np.uint64), taken=np.full(n, -1, np.int32),
        )  # fmt: skip
        state.crew.run(write_offers, n_firms, firms, place, at, jobs)
        state.crew.run(sort_rings, n, starts, jobs.place, jobs.firm, jobs.words)
        self.starts, self.words, self.firm, self.taken = starts, jobs.words, jobs.firm, jobs.taken
