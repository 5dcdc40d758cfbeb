"""The jobs on offer in a month, on rings: one ring for each tier, sector and prefecture.

A job stands on its ring at a place that a hash of its firm, the month and its number gives it, so
no order of rows matters. Jobs are laid out ring by ring, and inside a ring by place.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.borrow import borrow
from sim.rng import P_VACANCY, draw
from sim.state import State

PLACE_BITS = np.uint64(48)
HASH = np.uint64((1 << 48) - 1)


@njit(cache=True, forceinline=True)
def ring_of(tier, sector, prefecture, sectors, m):
    """Number of the ring of a tier, sector and prefecture."""
    return (np.int64(tier) * sectors + sector) * m.n_prefectures + prefecture


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
def write_offers(c, first, stop, firms, prefecture, sectors, m, at, place, words, firm):
    """Write each vacancy of firms [first, stop) behind the others of its ring.

    at     int64[C, R]: where the chunk's next job of a ring is written
    place  uint64[n] out: place on the ring; words uint64[n] out: its draw; firm int32[n] out
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


@njit(cache=True, forceinline=True)
def slot_of(place, n):
    """Where one of n evenly spread places belongs, about."""
    return np.int64(((place >> np.uint64(16)) * np.uint64(n)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def order_offers(c, first, stop, starts, place, words, firm):
    """Put the jobs of each ring that starts in [first, stop) in the order of their places.

    Places are evenly spread, so a job's place says about where it belongs among the others.
    """
    ring, last = np.searchsorted(starts, first), np.searchsorted(starts, stop)
    last = min(last, starts.size - 1)
    longest = 0
    for r in range(ring, last):
        longest = max(longest, starts[r + 1] - starts[r])
    at = np.zeros(longest + 1, np.int64)
    places, draws, firms = (
        np.empty(longest, np.uint64), np.empty(longest, np.uint64), np.empty(longest, np.int32),
    )  # fmt: skip
    for r in range(ring, last):
        a, n = starts[r], starts[r + 1] - starts[r]
        at[: n + 1] = 0
        for k in range(a, a + n):
            at[slot_of(place[k], n) + 1] += 1
        for k in range(n):
            at[k + 1] += at[k]
        for k in range(a, a + n):
            slot = slot_of(place[k], n)
            d = at[slot]
            places[d], draws[d], firms[d] = place[k], words[k], firm[k]
            at[slot] += 1
        for k in range(n):  # the last step: few stand wrong, by few places
            e = a + k
            while e > a and place[e - 1] > places[k]:
                place[e], words[e], firm[e] = place[e - 1], words[e - 1], firm[e - 1]
                e -= 1
            place[e], words[e], firm[e] = places[k], draws[k], firms[k]


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
        ends = np.cumsum(count.T).reshape(count.shape[::-1]).T  # ring by ring, chunk by chunk
        self.starts = np.append(0, ends[-1])
        n = int(self.starts[-1])
        self.place, self.words = np.empty(n, np.uint64), np.empty(n, np.uint64)
        self.firm = np.empty(n, np.int32)
        columns = (self.place, self.words, self.firm)
        crew.run(write_offers, n_firms, *where, np.ascontiguousarray(ends - count), *columns)
        crew.run(order_offers, n, self.starts, *columns)
        per_tier = np.diff(self.starts[:: sectors * prefectures])
        self.tier = np.repeat(np.arange(labour.tiers, dtype=np.uint8), per_tier)
        self.taken = np.full(n, -1, np.int32)
