"""Recruitment abroad: jobs that nobody in the country took, certificates, arrival at the firm."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.borrow import borrow
from sim.processes.newcomers import AHEAD, NOBODY, draw_profile, fetch_row, settle
from sim.processes.person import pick_cut, set_risk
from sim.rng import (
    P_RECRUIT,
    P_RECRUITED_PERSON,
    P_VACANCY,
    TAG_RECRUIT,
    draw,
    high,
    identity,
    low,
    unit,
)

EARLIER = 1 << 19
"""Set in the blocks of draws about recruitments before the opening."""


@njit(cache=True)
def choose(taken, words, tier, success):
    """int64: free jobs for which somebody abroad is chosen; success uint64[T] thresholds."""
    rows, n = np.empty(taken.size, np.int64), 0
    for j in range(taken.size):
        rows[n] = j
        n += taken[j] < 0 and low(words[j]) < success[tier[j]]
    return rows[:n].copy()


@njit(cache=True, nogil=True)
def come(
    c, first, stop, firm, tier, words, asked, rows, p, firms, status_cut, origin_cut, profile, a, w,
    m, b, came,
):  # fmt: skip
    """Write the recruited people [first, stop) into `rows`; counts in came int64[C, S].

    firm int32[n], tier uint8[n], words uint64[n] the draw of the vacancy, asked int16[n] its month
    status_cut uint64[T, S]; origin_cut uint64[S, P, O], cumulative
    """
    p, a, w, b, profile, firms = (
        borrow(p), borrow(a), borrow(w), borrow(b), borrow(profile), borrow(firms),
    )  # fmt: skip
    for k in range(first, stop):
        fetch_row(p, rows[min(k + AHEAD, stop - 1)])
        f, t, i = np.int64(firm[k]), np.int64(tier[k]), np.int64(rows[k])
        key = identity(TAG_RECRUIT, words[k], np.uint64(asked[k]), t)
        place = np.int64(firms.municipality[f])
        x0, _ = draw(m.k0, m.k1, key, m.now, P_RECRUIT, 0)
        status = pick_cut(status_cut[t], low(x0))
        origin = pick_cut(origin_cut[status, w.prefecture[place]], high(x0))
        y0, y1 = draw(m.k0, m.k1, key, m.now, P_RECRUITED_PERSON, 0)
        sex, born, language = draw_profile(profile, status, m.now, y0, y1)
        settle(p, i, key, status, origin, sex, born, place, NOBODY, language, a, w, m, b, c)
        p.firm[i] = f
        p.sector[i] = firms.sector[f]
        p.traits[i] = 0
        set_risk(p, i, w, m)
        came[c, status] += 1


@njit(cache=True)
def already_chosen(n, firms, share, m, pending):
    """People on the way to each firm at the opening: its heads x share[tier], rounded by a draw.

    pending int16[firms, T] out. Share is float64[T].
    """
    for f in range(n):
        for t in range(share.size):
            x0, _ = draw(m.k0, m.k1, firms.key[f], m.now, P_VACANCY, (t << 20) | EARLIER)
            pending[f, t] = np.int64(firms.heads[f, t] * share[t] + unit(x0))


@njit(cache=True)
def earlier_words(firm, tier, ordinal, firms, m, words):
    """The draw of each person on the way at the opening, uint64[n]."""
    for k in range(firm.size):
        block = (np.int64(tier[k]) << 20) | EARLIER | (ordinal[k] + 1)
        _, words[k] = draw(m.k0, m.k1, firms.key[firm[k]], m.now, P_VACANCY, block)
