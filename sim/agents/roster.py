"""Who is in the sample, one row each, from counts: status, origin, municipality, sex, age and key.

Everybody has a number, in the order status, origin, municipality; a sample of scale x is every
1/x-th of them. Rows come out sorted by municipality, status and key.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.agents.joint import bits_for, seated
from sim.agents.margins import N_BANDS
from sim.agents.ordering import KEYS, sort_groups
from sim.crew import Crew
from sim.rng import TAG_OPENING, identity


class Everybody(NamedTuple):
    """Counts and names. S statuses, O origins, M municipalities, A ages by sex and band."""

    cells: np.ndarray  # int32[S, O, M]
    begin: np.ndarray  # int64[S * O + 1]: number of the first person of a status and origin
    age_cut: np.ndarray  # int64[S, A]: cumulative people
    seeds: np.ndarray  # uint64[S]: keys of the permutations that spread ages over a status
    pair_word: np.ndarray  # uint64[S, O] and
    place_word: np.ndarray  # uint64[M]: what places are called in keys
    month: int
    scale: float


@njit(cache=True, inline="always")
def _nth(k, scale):
    """Number of the k-th person of the sample."""
    return np.int64((k + 0.5) / scale)


@njit(cache=True)
def chosen_before(person, scale):
    """How many of the sample have a lower number."""
    k = np.int64(max(person * scale - 1.0, 0.0))
    while _nth(k, scale) < person:
        k += 1
    return k


@njit(cache=True, nogil=True)
def _count(e, taken):
    """People of the sample in each cell: taken int32[M, S, O], zeros on entry."""
    for s in range(e.cells.shape[0]):
        for o in range(e.cells.shape[1]):
            before = e.begin[s * e.cells.shape[1] + o]
            for m in range(e.cells.shape[2]):
                if e.cells[s, o, m] > 0:
                    end = before + e.cells[s, o, m]
                    taken[m, s, o] = chosen_before(end, e.scale) - chosen_before(before, e.scale)
                    before = end


@njit(cache=True, nogil=True)
def _choose(c, first, stop, e, row_of, age, key):
    """Turn people into rows: those of the statuses and origins that begin in [first, stop).

    row_of  int64[M * S * O]  first row of each cell
    age     uint8[n]          out: sex and band
    key     uint64[n]         out

    A person's key is the hash of status, origin, sex, band, municipality, month and a running
    number among those who are alike in all of these.
    """
    n_statuses, n_origins, n_places = e.cells.shape
    n_ages = e.age_cut.shape[1]
    alike = np.empty(n_ages, np.int64)
    for pair in range(n_statuses * n_origins):
        before = e.begin[pair]
        if before < first or before >= stop:
            continue
        s, o = pair // n_origins, pair % n_origins
        i, people = before - e.begin[s * n_origins], e.age_cut[s, n_ages - 1]
        bits, k = bits_for(people), chosen_before(before, e.scale)
        for m in range(n_places):
            end = before + e.cells[s, o, m]
            if _nth(k, e.scale) >= end:  # nobody here is in the sample
                i, before = i + end - before, end
                continue
            row = row_of[(m * n_statuses + s) * n_origins + o]
            alike[:] = 0
            while before < end:
                a = _age(e.age_cut, s, seated(i, people, e.seeds[s], bits))
                if _nth(k, e.scale) == before:
                    content = e.pair_word[s, o] << np.uint64(8) | np.uint64(a)
                    where = e.place_word[m] << np.uint64(16) | np.uint64(e.month)
                    key[row], age[row] = identity(TAG_OPENING, content, where, alike[a]), a
                    row, k = row + 1, k + 1
                alike[a] += 1
                i, before = i + 1, before + 1


@njit(cache=True, inline="always")
def _age(cut, s, seat):
    """Index of the first age whose cumulative people are more than `seat`."""
    low, high = 0, cut.shape[1] - 1
    while low < high:
        middle = (low + high) >> 1
        if cut[s, middle] > seat:
            high = middle
        else:
            low = middle + 1
    return low


def sample(everybody: Everybody, crew: Crew) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(columns key, municipality, status, origin and sex; five-year band of age, uint8[n])."""
    n_statuses, n_origins, n_places = everybody.cells.shape
    taken = np.zeros((n_places, n_statuses, n_origins), np.int32)
    _count(everybody, taken)
    last = np.cumsum(taken.ravel(), dtype=np.int64)
    n = int(last[-1])
    age, key = np.empty(n, np.uint8), np.empty(n, np.uint64)
    crew.run(_choose, int(everybody.begin[-1]), everybody, last - taken.ravel(), age, key)
    by_place, by_status = taken.sum(axis=(1, 2)), taken.sum(axis=2).ravel()
    rows, first = np.arange(n, dtype=np.int32), np.concatenate([[0], np.cumsum(by_status)])
    crew.run(sort_groups, by_status.size, first, key, KEYS, rows)
    origins = np.tile(np.arange(n_origins, dtype=np.uint8), n_places * n_statuses)
    statuses = np.tile(np.arange(n_statuses, dtype=np.uint8), n_places)
    age = age[rows]
    columns: dict[str, np.ndarray] = {
        "key": key[rows],
        "municipality": np.repeat(np.arange(n_places, dtype=np.uint16), by_place),
        "status": np.repeat(statuses, by_status),
        "origin": np.repeat(origins, taken.ravel())[rows],
        "sex": age // np.uint8(N_BANDS),
    }
    return columns, age % np.uint8(N_BANDS)
