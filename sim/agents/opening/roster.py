"""Who is in the sample, one row each, from counts: status, origin, municipality, sex, age and key.

Everybody has a number, in the order status, origin, municipality; a sample of scale x is every
1/x-th of them. Rows come out sorted by municipality, status and key.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from sim.agents.opening.fitting import bits_for, seated
from sim.agents.opening.margins import N_BANDS
from sim.agents.opening.sorting import KEYS, sort_groups
from sim.core.kernels import borrow
from sim.core.rng import TAG_OPENING, identity
from sim.core.threads import Crew


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


class Found(NamedTuple):
    """The sample, in order of municipality, status and key."""

    key: np.ndarray
    municipality: np.ndarray
    status: np.ndarray
    origin: np.ndarray
    sex: np.ndarray
    band: np.ndarray


_KINDS: Final = (np.uint64, np.uint16, *(np.uint8,) * 4)
"""What the arrays of Found hold."""


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
def _count(c, first, stop, e, taken):
    """People of the sample in each cell of the statuses and origins that begin in [first, stop).

    taken  int32[M, S, O]  out, zeros on entry
    """
    e = borrow(e)
    for pair in range(e.begin.size - 1):
        before = e.begin[pair]
        if before < first or before >= stop:
            continue
        s, o = pair // e.cells.shape[1], pair % e.cells.shape[1]
        for m in range(e.cells.shape[2]):
            if e.cells[s, o, m] > 0:
                end = before + e.cells[s, o, m]
                taken[m, s, o] = chosen_before(end, e.scale) - chosen_before(before, e.scale)
                before = end


@njit(cache=True, nogil=True)
def _choose(c, first, stop, e, row_of, age, origin, key):
    """Turn people into rows: those of the statuses and origins that begin in [first, stop).

    row_of  int64[M * S * O]  first row of each cell
    age     uint8[n]          out: sex and band
    origin  uint8[n]          out
    key     uint64[n]         out

    A person's key is the hash of status, origin, sex, band, municipality, month and a running
    number among those who are alike in all of these.
    """
    e = borrow(e)
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
                    key[row] = identity(TAG_OPENING, content, where, alike[a])
                    age[row], origin[row] = a, o
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


@njit(cache=True, nogil=True)
def _arrange(c, start, stop, first, n_statuses, rows, age, origin, key, out):
    """Write the rows of those municipalities and statuses that begin in [start, stop).

    first   int64[M * S + 1]  first row of each
    rows    int32[n]          which of the people chosen, by age, origin and key, stands in a row
    out     Found
    """
    out = borrow(out)
    for group in range(first.size - 1):
        if start <= first[group] < stop:
            for i in range(first[group], first[group + 1]):
                row = rows[i]
                out.key[i], out.origin[i] = key[row], origin[row]
                out.municipality[i], out.status[i] = group // n_statuses, group % n_statuses
                out.sex[i], out.band[i] = age[row] // N_BANDS, age[row] % N_BANDS


def sample(everybody: Everybody, crew: Crew) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(columns key, municipality, status, origin and sex; five-year band of age, uint8[n])."""
    n_statuses, n_origins, n_places = everybody.cells.shape
    taken, people = np.zeros((n_places, n_statuses, n_origins), np.int32), int(everybody.begin[-1])
    crew.run(_count, people, everybody, taken)
    last = np.cumsum(taken.ravel(), dtype=np.int64)
    n = int(last[-1])
    chosen = np.empty(n, np.uint8), np.empty(n, np.uint8), np.empty(n, np.uint64)
    crew.run(_choose, people, everybody, last - taken.ravel(), *chosen)
    rows = np.arange(n, dtype=np.int32)
    first = np.concatenate([[0], last.reshape(-1, n_origins)[:, -1]])
    crew.run(sort_groups, n, first, chosen[-1], KEYS, rows)
    found = Found(*(np.empty(n, kind) for kind in _KINDS))
    crew.run(_arrange, n, first, n_statuses, rows, *chosen, found)
    columns = found._asdict()
    return columns, columns.pop("band")
