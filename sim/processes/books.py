"""Books: stocks kept by events must equal a recount of everyone, to the person."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.factors import AGES


@njit(cache=True, nogil=True)
def recount(c, first, stop, status, municipality, n_statuses, out):
    """People by municipality and status from rows [first, stop): out int32[C, M * S]."""
    for i in range(first, stop):
        if status[i] != HOLE:
            out[c, np.int64(municipality[i]) * n_statuses + status[i]] += 1


@njit(cache=True)
def add_up(parts, stock):
    """Adds what every chunk has counted, int32[C, N], to int64[N]."""
    for c in range(parts.shape[0]):
        for k in range(stock.size):
            stock[k] += parts[c, k]


@njit(cache=True, nogil=True)
def recount_cube(
    c, first, stop, status, origin, municipality, prefecture, n_origins, n_prefectures, out
):
    """People by status, origin and prefecture from rows [first, stop): out int32[C, S * O * P]."""
    for i in range(first, stop):
        if status[i] != HOLE:
            row = np.int64(status[i]) * n_origins + origin[i]
            out[c, row * n_prefectures + prefecture[municipality[i]]] += 1


@njit(cache=True, nogil=True)
def describe_people(c, first, stop, status, sex, born, arrears, language, now, ages, traits):
    """Ages and traits of rows [first, stop).

    ages   int32[C, S, 2, 23]  by status, sex and five-year age
    traits int32[C, S, 4 + 5]  people; in arrears with health insurance, pension, tax; language 0-4
    """
    for i in range(first, stop):
        s = status[i]
        if s != HOLE:
            age = min(max((now - born[i]) // 12, 0), AGES - 1)
            ages[c, s, sex[i], age // 5] += 1
            traits[c, s, 0] += 1
            for bit in range(3):
                traits[c, s, 1 + bit] += (arrears[i] >> bit) & 1
            traits[c, s, 4 + language[i]] += 1
