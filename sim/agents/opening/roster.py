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
from sim.core.probability import first_above
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
def _count(chunk, first, stop, everybody, taken):
    """People of the sample in each cell of the statuses and origins that begin in [first, stop).

    taken  int32[M, S, O]  out, zeros on entry
    """
    everybody = borrow(everybody)
    cells, scale = everybody.cells, everybody.scale
    for pair in range(everybody.begin.size - 1):
        before = everybody.begin[pair]
        if before < first or before >= stop:
            continue
        status, origin = pair // cells.shape[1], pair % cells.shape[1]
        for place in range(cells.shape[2]):
            if cells[status, origin, place] > 0:
                end = before + cells[status, origin, place]
                chosen = chosen_before(end, scale) - chosen_before(before, scale)
                taken[place, status, origin] = chosen
                before = end


class Chosen(NamedTuple):
    """The n people of the sample, in order of cell."""

    age: np.ndarray  # uint8[n]: sex and band
    origin: np.ndarray  # uint8[n]
    key: np.ndarray  # uint64[n]


@njit(cache=True, nogil=True)
def _choose(chunk, first, stop, everybody, row_of, chosen):
    """Write those of the sample whose statuses and origins begin in [first, stop) into `chosen`.

    row_of  int64[M * S * O]  first row of each cell

    A person's key is the hash of status, origin, sex, band, municipality, month and a running
    number among those who are alike in all of these.
    """
    everybody, chosen = borrow(everybody), borrow(chosen)
    cells, age_cut, scale = everybody.cells, everybody.age_cut, everybody.scale
    n_statuses, n_origins, n_places = cells.shape
    n_ages = age_cut.shape[1]
    alike = np.empty(n_ages, np.int64)
    for pair in range(n_statuses * n_origins):
        before = everybody.begin[pair]
        if before < first or before >= stop:
            continue
        status, origin = pair // n_origins, pair % n_origins
        i, people = before - everybody.begin[status * n_origins], age_cut[status, n_ages - 1]
        bits, k = bits_for(people), chosen_before(before, scale)
        for place in range(n_places):
            end = before + cells[status, origin, place]
            if _nth(k, scale) >= end:  # nobody here is in the sample
                i, before = i + end - before, end
                continue
            row = row_of[(place * n_statuses + status) * n_origins + origin]
            alike[:] = 0
            while before < end:
                seat = seated(i, people, everybody.seeds[status], bits)
                age = first_above(age_cut[status], 0, n_ages - 1, seat)
                if _nth(k, scale) == before:
                    content = everybody.pair_word[status, origin] << np.uint64(8) | np.uint64(age)
                    where = everybody.place_word[place] << np.uint64(16)
                    where |= np.uint64(everybody.month)
                    chosen.key[row] = identity(TAG_OPENING, content, where, alike[age])
                    chosen.age[row], chosen.origin[row] = age, origin
                    row, k = row + 1, k + 1
                alike[age] += 1
                i, before = i + 1, before + 1


@njit(cache=True, nogil=True)
def _arrange(chunk, start, stop, first, n_statuses, rows, chosen, out):
    """Write the rows of those municipalities and statuses that begin in [start, stop).

    first   int64[M * S + 1]  first row of each
    rows    int32[n]          which of the people chosen stands in a row
    chosen  Chosen
    out     Found
    """
    chosen, out = borrow(chosen), borrow(out)
    for group in range(first.size - 1):
        if start <= first[group] < stop:
            for i in range(first[group], first[group + 1]):
                row = rows[i]
                out.key[i], out.origin[i] = chosen.key[row], chosen.origin[row]
                out.municipality[i], out.status[i] = group // n_statuses, group % n_statuses
                out.sex[i], out.band[i] = chosen.age[row] // N_BANDS, chosen.age[row] % N_BANDS


def sample(everybody: Everybody, crew: Crew) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(columns key, municipality, status, origin and sex; five-year band of age, uint8[n])."""
    n_statuses, n_origins, n_places = everybody.cells.shape
    taken, people = np.zeros((n_places, n_statuses, n_origins), np.int32), int(everybody.begin[-1])
    crew.run(_count, people, everybody, taken)
    last = np.cumsum(taken.ravel(), dtype=np.int64)
    n = int(last[-1])
    chosen = Chosen(np.empty(n, np.uint8), np.empty(n, np.uint8), np.empty(n, np.uint64))
    crew.run(_choose, people, everybody, last - taken.ravel(), chosen)
    rows = np.arange(n, dtype=np.int32)
    first = np.concatenate([[0], last.reshape(-1, n_origins)[:, -1]])
    crew.run(sort_groups, n, first, chosen.key, KEYS, rows)
    found = Found(*(np.empty(n, kind) for kind in _KINDS))
    crew.run(_arrange, n, first, n_statuses, rows, chosen, found)
    columns = found._asdict()
    return columns, columns.pop("band")
