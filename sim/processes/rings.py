"""Rings on which jobs and those who look for them stand: one for each tier, sector and prefecture.

Whoever stands on a ring does so at a place that a hash gives, so no order of rows matters. They are
laid out ring by ring, and inside a ring by place: count them (int64[C, R], by chunk and ring), take
`spaces`, write each behind the others of its ring, then `order`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

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
