"""The jobs on offer in a month, on rings (sim.processes.rings).

A job's place is given by a hash of its firm, of the month and of its number.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.borrow import borrow
from sim.processes.rings import HASH, order, ring_of, spaces
from sim.rng import P_VACANCY, draw
from sim.state import State


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
