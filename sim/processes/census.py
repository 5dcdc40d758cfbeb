"""Half-yearly counts of residents by municipality, and how satisfied they are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import HOLE, NORMS
from sim.borrow import borrow

FINE: Final = 10_000
"""Satisfaction is added up in ten-thousandths: sums across threads are integers."""
FARED: Final = ("people", "satisfaction", "b1", "norms")
"""Columns of the census by status and prefecture; satisfaction in units of 1 / FINE."""
FIVE_YEARS: Final = 60


@njit(cache=True, nogil=True)
def mark_families(principal, family):
    """family uint8[n]: 1 for those who depend on somebody and those on whom somebody depends."""
    for i in range(principal.size):
        family[i] = 0
    for i in range(principal.size):
        on = principal[i]
        if on >= 0:
            family[i] = 1
            family[on] = 1


@njit(cache=True, nogil=True)
def census(c, first, stop, p, a, w, seeks, family, near, weights, n_prefectures, towns, fared):
    """Count rows [first, stop) of the population p.

    seeks    bool[S]: statuses that ask for a job; none where firms do not act
    near     int64[M]: what local sentiment adds to satisfaction, in ten-thousandths
    weights  int64[5]: base, permit, job, family, language, in ten-thousandths
    towns    int64[C, M * 4]: see agents.towns.COUNTED
    fared    int64[C, S * P * 4]: see FARED
    """
    p, a, w = borrow(p), borrow(a), borrow(w)
    base, permit, job = weights[0], weights[1], weights[2]
    kin, speaks = weights[3], weights[4]
    for i in range(first, stop):
        s = p.status[i]
        if s == HOLE:
            continue
        town, level = np.int64(p.municipality[i]), np.int64(p.language[i])
        arrears, norms = np.int64(p.arrears[i]), np.int64(p.traits[i]) & NORMS
        at = town * 4
        towns[c, at] += arrears & 1
        towns[c, at + 1] += (arrears >> 1) & 1
        towns[c, at + 2] += level >= 3
        towns[c, at + 3] += norms
        secure = 0 if s == a.irregular else min(np.int64(p.permit_months[i]), FIVE_YEARS)
        content = base + permit * secure // FIVE_YEARS
        if not seeks[s] or p.firm[i] >= 0:
            content += job
        content += kin * family[i] + speaks * level // 4 + near[town]
        at = (np.int64(s) * n_prefectures + w.prefecture[town]) * 4
        fared[c, at] += 1
        fared[c, at + 1] += min(content, FINE)
        fared[c, at + 2] += level >= 3
        fared[c, at + 3] += norms


@njit(cache=True, nogil=True)
def count_origins(c, first, stop, status, origin, municipality, out):
    """People by origin and municipality from rows [first, stop): out int32[C, O, M]."""
    for i in range(first, stop):
        if status[i] != HOLE:
            out[c, origin[i], municipality[i]] += 1
