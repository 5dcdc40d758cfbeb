"""Arrivals: how many people come to each cell (status, origin, prefecture), and who they are.

A cell's count is the inverse distribution function of a Poisson number at one uniform, so a rate
1 % higher adds about 1 % of people and leaves the others as they were. Each newcomer draws the
municipality: a count for every one of them would cost more than all else in a small run.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from sim.borrow import borrow
from sim.processes.newcomers import AHEAD, NOBODY, draw_profile, fetch_row, settle
from sim.processes.person import pick_cut
from sim.rng import (
    P_ARRIVAL_COUNT,
    P_ARRIVAL_PERSON,
    TAG_ARRIVAL,
    draw,
    identity,
    low,
    occasion,
    threefry,
    unit,
)

LARGEST_MEAN = 500.0


@njit(cache=True)
def poisson(mean, u):
    """Inverse Poisson distribution function at u in (0, 1); mean at most LARGEST_MEAN."""
    term = math.exp(-mean)
    total, k = term, 0
    while u > total and k < 2000:
        k += 1
        term *= mean / k
        total += term
    return k


@njit(cache=True)
def cell_count(mean, cell_key, m):
    """Number of arrivals in a cell with this mean, one uniform for each full LARGEST_MEAN of it
    and one for the rest: a mean that grows past a multiple adds people and changes none."""
    full = np.int64(mean / LARGEST_MEAN)
    count = 0
    for part in range(full + 1):
        x0, _ = draw(m.k0, m.k1, cell_key, m.now, P_ARRIVAL_COUNT, part)
        rest = LARGEST_MEAN if part < full else mean - full * LARGEST_MEAN
        count += poisson(rest, 1.0 - unit(x0))
    return count


@njit(cache=True, nogil=True)
def count_cells(chunk, first, stop, people, share, cell_word, place_code, m, counts):
    """Arrivals by cell, rows [first, stop) of counts.

    people     float64[S]        expected this month, already times scale
    share      float64[S, O, P]  shares of a status's arrivals; each status sums to 1 or 0
    cell_word  uint64[S, O]      40-bit words of (status, origin) shifted up by 24 bits
    place_code uint64[P]         prefecture codes, below 2**24
    counts     int32[S * O, P]   out
    """
    n_origins, n_places = share.shape[1], share.shape[2]
    draws = np.zeros(n_places)
    when = occasion(m.now, P_ARRIVAL_COUNT, 0)
    for row in range(first, stop):
        s, o = row // n_origins, row % n_origins
        expected, word, shares = people[s], cell_word[s, o], share[s, o]
        for j in range(n_places):
            counts[row, j] = 0
        if expected <= 0.0:
            continue
        for j in range(n_places):
            x0, _ = threefry(m.k0, m.k1, word | place_code[j], when)
            draws[j] = unit(x0)
        for j in range(n_places):
            # P(at least one) = 1 - exp(-x) <= x: most cells end here without an exp.
            mean = expected * shares[j]
            if draws[j] < mean:
                counts[row, j] = cell_count(mean, word | place_code[j], m)


@njit(cache=True)
def occupied(counts):
    """(cells int64[N], first int64[N + 1]) of the cells with arrivals, in order."""
    flat = counts.reshape(-1)
    n = 0
    for k in range(flat.size):
        n += flat[k] > 0
    cells, first = np.zeros(n, np.int64), np.zeros(n + 1, np.int64)
    n = 0
    for k in range(flat.size):
        if flat[k] > 0:
            cells[n] = k
            first[n + 1] = first[n] + flat[k]
            n += 1
    return cells, first


@njit(cache=True, nogil=True)
def arrive(c, head, stop, p, rows, cells, first, cell_word, place_code, profile, a, w, m, b, came):
    """Write the newcomers of cells [head, stop) into `rows`, int32[first[-1]]; counts in came."""
    p, a, w, b, profile = borrow(p), borrow(a), borrow(w), borrow(b), borrow(profile)
    n_places, n_origins = place_code.size, cell_word.shape[1]
    for k in range(head, stop):
        row, prefecture = cells[k] // n_places, cells[k] % n_places
        status, origin = row // n_origins, row % n_origins
        word = cell_word[status, origin] | place_code[prefecture]
        for ordinal in range(first[k + 1] - first[k]):
            fetch_row(p, rows[min(first[k] + ordinal + AHEAD, rows.size - 1)])
            key = identity(TAG_ARRIVAL, word, np.uint64(m.now), ordinal)
            x0, x1 = draw(m.k0, m.k1, key, m.now, P_ARRIVAL_PERSON, 0)
            sex, born, language = draw_profile(profile, status, m.now, x0, x1)
            x0, _ = draw(m.k0, m.k1, key, m.now, P_ARRIVAL_PERSON, 1)
            place = w.first[prefecture] + pick_cut(w.entry_cut[w.first[prefecture] :], low(x0))
            i = np.int64(rows[first[k] + ordinal])
            settle(p, i, key, status, origin, sex, born, place, NOBODY, language,
                   a, w, m, b, c)  # fmt: skip
            came[c, status] += 1
