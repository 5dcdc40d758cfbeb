"""The labour market of a month: who looks for work where, which job they find.

Jobs and seekers stand on rings (sim.processes.market), at a place that a hash of who they are and
of the month gives them. A seeker takes the next free job along the ring. So no order of rows
matters, and one more job or seeker changes only those whom it meets.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import HOLE, NO_SECTOR, NORMS, SEEKS
from sim.agents.state import State
from sim.core.kernels import borrow, prefetch
from sim.core.rng import P_SEARCH, P_SEARCH_PLACE, P_VACANCY, draw, high, low
from sim.processes.fates import move
from sim.processes.person import MOVED, SEEKERS, flag, leave_job, pick_cut, set_risk

HASH = np.uint64((1 << 48) - 1)
"""Largest place on a ring."""


@njit(cache=True, forceinline=True)
def ring_of(tier, sector, prefecture, sectors, m):
    """Number of the ring of a tier, sector and prefecture."""
    return (np.int64(tier) * sectors + sector) * m.n_prefectures + prefecture


@njit(cache=True, forceinline=True)
def slot_of(place, n):
    """Where one of n evenly spread places belongs, about."""
    return np.int64(((place >> np.uint64(16)) * np.uint64(n)) >> np.uint64(32))


def spaces(count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts, at) from numbers by chunk and ring, int64[C, R].

    starts  int64[R + 1]: ring r has the room from starts[r] to starts[r + 1]
    at      int64[C, R]: where each chunk writes its first; chunk after chunk inside a ring
    """
    ends = np.cumsum(count.T).reshape(count.shape[::-1]).T
    return np.append(0, ends[-1]), np.ascontiguousarray(ends - count)


@njit(cache=True, forceinline=True)
def rings_between(starts, first, stop):
    """(first, last) of the rings that start at numbers [first, stop): those of a chunk."""
    return (
        np.searchsorted(starts, first),
        min(np.searchsorted(starts, stop), starts.size - 1),
    )


@njit(cache=True, nogil=True)
def order(c, first, stop, starts, place, rows, words):
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


@njit(cache=True, nogil=True)
def scan_people(c, first, stop, n, p, evicted, a, w, m, b, sums):
    """Lists those who look for work, rows [first, stop); frees the workers of `evicted` firms.

    evicted uint8[firms / 8 + 1] bits: first one for those without a firm, then one a firm.
    sums int64[C, T, 2] takes the number of employed and the sum of the rows of their firms, as
    they are before.
    """
    p, a, w, b = borrow(p), borrow(a), borrow(w), borrow(b)
    start = 2 * (n * c // b.counts.shape[0])
    lists, counts = b.lists, b.counts[c]
    # By status: where its tier is added up, the last place for none. Neighbours are added in two
    # places in turn, so that none waits for the one before; numbers without a sign are no index
    # from the end.
    tiers = np.full(HOLE + 1, 2 * a.n_tiers, np.uint64)
    for s in range(a.tier.size):
        tiers[s] = 2 * (a.tier[s] if a.tier[s] >= 0 else a.n_tiers)
    packed, out = np.zeros(2 * a.n_tiers + 2, np.int64), np.empty(TOGETHER, np.int32)
    seekers, n_seekers = lists[SEEKERS, start:], counts[SEEKERS]
    for lower in range(first, stop, TOGETHER):
        upper = min(lower + TOGETHER, stop)
        firms, status = p.firm[lower:upper], p.status[lower:upper]
        traits, event, n_out = p.traits[lower:upper], p.event[lower:upper], np.int64(0)
        # Without a branch on who works and who looks for work; two loops keep their sums at hand.
        for k in range(upper - lower):
            firm = np.int64(firms[k])
            packed[tiers[np.uint64(status[k])] + np.uint64(k & 1)] += (ONE + firm) & ~(firm >> 63)
            bit = np.uint64(firm + 1)
            out[n_out] = k
            n_out += np.int64(evicted[bit >> EIGHTH] >> (bit & REST) & np.uint64(1))
        for j in range(n_out):
            leave_job(p, lower + np.int64(out[j]), a, m, lists, counts, start)
            set_risk(p, lower + np.int64(out[j]), w, m)
            traits[out[j]] |= SEEKS
        for k in range(upper - lower):
            seekers[n_seekers] = lower + k
            n_seekers += np.int64(traits[k] & SEEKS != 0) & np.int64(event[k] == 0)
        for t in range(a.n_tiers):
            both = packed[2 * t] + packed[2 * t + 1]
            sums[c, t, 0] += both >> 48
            sums[c, t, 1] += both & (ONE - 1)
            packed[2 * t], packed[2 * t + 1] = 0, 0
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
def count_fields(c, first, stop, firms, field_of, out):
    """Jobs of firms [first, stop) by tier and field: out int64[C, 2, T, F], taken and kept for
    those who are on the way. field_of int64[sectors]."""
    firms = borrow(firms)
    for f in range(first, stop):
        field = field_of[np.int64(firms.sector[f])]
        for t in range(out.shape[2]):
            out[c, 0, t, field] += firms.heads[f, t]
            out[c, 1, t, field] += firms.pending[f, t]


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
def look(c, first, stop, seekers, spot, attempt, p, prefecture, market, a, m, ring, count, sought):
    """Ring of seekers [first, stop), int32, or NOWHERE for who does not apply.

    attempt 0, 1, ... of the month: each looks in another place, or in another sector, if none has
    found a job. spot uint64[k] keeps each seeker's place on whatever ring for the later attempts.
    count int64[C, R] takes how many stand on each ring; sought int64[C, T] how many look at the
    first attempt.
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
        if tier < 0 or (attempt > 0 and p.firm[i] >= 0):  # whoever has a job does not look at first
            continue
        if attempt == 0:
            sought[c, tier] += 1
            x0, x1 = draw(m.k0, m.k1, p.key[i], m.now, P_SEARCH, 0)
            if low(x0) >= np.uint64(market.search):
                continue
            spot[k] = x1 & HASH
        y0, y1 = draw(m.k0, m.k1, p.key[i], m.now, P_SEARCH_PLACE, attempt)
        if high(y1) < market.aside[tier]:
            tier = market.beside[tier]
        known = market.bound[tier] and p.sector[i] != NO_SECTOR
        sector = np.int64(p.sector[i]) if known else sectors
        where = np.int64(prefecture[p.municipality[i]])
        if low(y0) < market.cross[tier]:
            where = elsewhere(market.place_cut[tier, sector], where, high(y0))
        if not known:
            sector = pick_cut(market.sector_cut[tier, where], low(y1))
        ring[k] = ring_of(tier, sector, where, sectors, m)
        count[c, ring[k]] += 1


@njit(cache=True, nogil=True)
def line_up(c, first, stop, ring, at, seekers, spot, rows, spots):
    """Write those of [first, stop) who apply, and their places, behind the others of their rings;
    at int64[C, R]: see `rings.spaces`."""
    for k in range(first, stop):
        if ring[k] != NOWHERE:
            d = at[c, ring[k]]
            rows[d], spots[d] = seekers[k], spot[k]
            at[c, ring[k]] = d + 1


@njit(cache=True, nogil=True)
def pairs(c, first, stop, starts, spots, jobs, place, taken, job, who):
    """Who takes which job on the rings whose seekers start in [first, stop).

    starts, jobs int64[R + 1]: where each ring's seekers, and its jobs, start. spots, place uint64:
    their places, ascending on a ring. taken int32[jobs] is -1 for free jobs, and the seeker's
    number afterwards. job, who int32[seekers] out: the pairs, in order of job, at numbers
    [a, z), which are returned.
    """
    ring, last = rings_between(starts, first, stop)
    longest = 0
    for r in range(ring, last):
        longest = max(longest, starts[r + 1] - starts[r])
    waiting, late = np.empty(longest, np.int32), np.empty(longest, np.int32)
    begin = made = starts[ring]
    for r in range(ring, last):
        n, before = 0, made
        free, j, end = jobs[r], jobs[r], jobs[r + 1]
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


@njit(cache=True, forceinline=True)
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
def hire(job, rows, taken, firm, tier, p, firms, transfers, market, a, w, m, b, made):
    """Let the pairs be: row rows[k] of the population takes job[k]; free again if not after all.

    firm int32[jobs], tier uint8[jobs] of the vacancies: who takes one counts in their own tier.
    transfers int16[firms, 2]: see `Labour`.
    made int64[T, 3]: hires, those of other prefectures, those refused because a firm had its
    share of transfers.
    """
    p, a, w, b, firms, market = (
        borrow(p), borrow(a), borrow(w), borrow(b), borrow(firms), borrow(market),
    )  # fmt: skip
    for k in range(job.size):
        ahead = min(k + AHEAD, job.size - 1)
        for column in (p.status, p.traits, p.event):
            prefetch(column, rows[ahead])
        prefetch(p.born, rows[ahead])  # and the fields that stand together with it
        prefetch(p.municipality, rows[ahead])
        prefetch(p.firm, rows[ahead])
        prefetch(p.risk, rows[ahead])
        prefetch(firms.heads, firm[job[ahead]])
        prefetch(firms.vacancies, firm[job[ahead]])
        prefetch(firms.municipality, firm[job[ahead]])
        prefetch(firms.sector, firm[job[ahead]])
        i, f = np.int64(rows[k]), np.int64(firm[job[k]])
        t, place = np.int64(a.tier[p.status[i]]), np.int64(firms.municipality[f])
        changed = p.sector[i] != NO_SECTOR
        if market.limited[t] and changed:
            home, there = w.prefecture[p.municipality[i]], w.prefecture[place]
            inward = market.metropolitan[there] and not market.metropolitan[home]
            most = max(1.0, market.share * firms.heads[f, t])
            most_inward = max(1.0, market.inward * firms.heads[f, t])
            if transfers[f, 0] + 1 > most or (inward and transfers[f, 1] + 1 > most_inward):
                taken[job[k]] = -1
                made[t, 2] += 1
                continue
            transfers[f, 0] += 1
            transfers[f, 1] += inward
        p.firm[i] = f
        p.job_since[i] = m.now
        p.sector[i] = firms.sector[f]
        p.traits[i] &= NORMS
        firms.heads[f, t] += 1
        firms.vacancies[f, np.int64(tier[job[k]])] -= 1
        made[t, 0] += 1
        if w.prefecture[p.municipality[i]] != w.prefecture[place]:
            if changed:
                made[t, 1] += 1
            move(p, i, place, w, m, b, ALONE)  # renews the class of risk, too
            flag(p.event, i, MOVED, b.lists, b.counts[ALONE], ALONE)
        else:
            set_risk(p, i, w, m)


@njit(cache=True, nogil=True)
def count_offers(c, first, stop, firms, prefecture, sectors, m, count):
    """Vacancies of firms [first, stop) by ring; count int64[C, R]."""
    firms = borrow(firms)
    for f in range(first, stop):
        ring = ring_of(0, np.int64(firms.sector[f]), np.int64(0), sectors, m)
        ring += np.int64(prefecture[np.int64(firms.municipality[f])])
        for t in range(firms.vacancies.shape[1]):
            if firms.vacancies[f, t] > 0:
                count[c, ring + t * sectors * m.n_prefectures] += firms.vacancies[f, t]


@njit(cache=True, nogil=True)
def write_offers(c, first, stop, firms, prefecture, sectors, m, at, place, firm, words):
    """Write each vacancy of firms [first, stop) behind the others of its ring.

    at     int64[C, R]: where the chunk's next job of a ring is written
    place  uint64[n] out: place on the ring; firm int32[n] out; words uint64[n] out: the job's draw
    """
    firms = borrow(firms)
    for f in range(first, stop):
        where = np.int64(prefecture[np.int64(firms.municipality[f])])
        for t in range(firms.vacancies.shape[1]):
            ring = ring_of(t, np.int64(firms.sector[f]), where, sectors, m)
            for ordinal in range(firms.vacancies[f, t]):
                x0, x1 = draw(m.k0, m.k1, firms.key[f], m.now, P_VACANCY, (t << 20) | ordinal)
                k = at[c, ring]
                place[k], words[k], firm[k] = x0 & HASH, x1, f
                at[c, ring] = k + 1


class Offers:
    """n vacancies of a month on R rings.

    starts  int64[R + 1]: the jobs of ring r are starts[r] to starts[r + 1]
    place   uint64[n] on the ring, words uint64[n] draws, firm int32[n], tier uint8[n]
    taken   int32[n]: -1 free
    """

    def __init__(self, state: State, sectors: int) -> None:
        labour = state.labour
        assert labour is not None
        n_firms, crew, prefectures = labour.firms.n, state.crew, state.sizes[2]
        where = (labour.firms.columns, state.world.prefecture, sectors, state.now)
        count = np.zeros((state.chunks, labour.tiers * sectors * prefectures), np.int64)
        crew.run(count_offers, n_firms, *where, count)
        self.starts, at = spaces(count)
        n = int(self.starts[-1])
        self.place, self.words = np.empty(n, np.uint64), np.empty(n, np.uint64)
        self.firm = np.empty(n, np.int32)
        columns = (self.place, self.firm, self.words)
        crew.run(write_offers, n_firms, *where, at, *columns)
        crew.run(order, n, self.starts, *columns)
        per_tier = np.diff(self.starts[:: sectors * prefectures])
        self.tier = np.repeat(np.arange(labour.tiers, dtype=np.uint8), per_tier)
        self.taken = np.full(n, -1, np.int32)
