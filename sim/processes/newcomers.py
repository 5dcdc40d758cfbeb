"""How a row becomes a person: shared by births, brought family and arrivals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.agents.population import NO_SECTOR, SEEKS
from sim.prefetch import prefetch
from sim.processes.person import AT_PERMIT_END, FIRST, IN, book, give_permit, pick_cut, set_risk
from sim.processes.work import wants_job
from sim.rng import P_NEW_STATUS, draw, low

NOBODY, NONE = np.int64(-1), np.int64(0)
"""No principal; no language."""
AHEAD = 8
"""Newcomers ahead of the one in work whose rows are fetched."""


class Profile(NamedTuple):
    """Who comes, one row per status. A age bands, L language levels."""

    female: np.ndarray  # uint64[S] threshold
    age_from: np.ndarray  # int16[S, A] lower bound in months
    age_months: np.ndarray  # int16[S, A] width of the band in months
    age_cut: np.ndarray  # uint64[S, A] cumulative thresholds
    language_cut: np.ndarray  # uint64[S, L] cumulative thresholds


@njit(cache=True, forceinline=True)
def fetch_row(p, i):
    """Start loading the row into which somebody will settle: rows in use again lie anywhere."""
    prefetch(p.key, i)
    prefetch(p.status, i)
    prefetch(p.born, i)  # and the fields that stand together with it
    prefetch(p.municipality, i)
    prefetch(p.principal, i)
    prefetch(p.permit_end, i)
    prefetch(p.risk, i)
    prefetch(p.firm, i)
    prefetch(p.job_since, i)
    prefetch(p.traits, i)
    prefetch(p.event, i)


@njit(cache=True, forceinline=True)
def settle(p, i, key, status, origin, sex, born, place, principal, language, a, w, m, b, c):
    """Write a newcomer of this month into row i and book them.

    All int64 but the key: every other type would make the compiler write another copy.
    """
    p.key[i] = key
    p.status[i] = status
    p.origin[i] = origin
    p.sex[i] = sex
    p.born[i] = born
    p.entered[i] = m.now
    p.since[i] = m.now
    p.municipality[i] = place
    p.principal[i] = principal
    p.language[i] = language
    p.arrears[i] = 0
    p.counting[i] = m.now if a.counts[status] else -1
    p.event[i] = 0
    p.firm[i] = -1
    p.job_since[i] = m.now
    p.sector[i] = NO_SECTOR
    x0, x1 = draw(m.k0, m.k1, key, m.now, P_NEW_STATUS, 0)
    p.traits[i] = SEEKS if wants_job(a, status, m.now - np.int64(born), low(x1)) else 0
    p.stage[i] = pick_cut(a.stage_cut[status], low(x0))
    give_permit(p, i, FIRST, a, m, AT_PERMIT_END)
    set_risk(p, i, w, m)
    book(b.cube[c], b.place[c], p.status[i], p.origin[i], p.municipality[i], w.prefecture, m, IN)


@njit(cache=True, forceinline=True)
def draw_profile(profile, row, now, word0, word1):
    """(sex, month of birth, language) of a newcomer from two 64-bit words."""
    sex = np.int64((word0 & np.uint64(0xFFFFFFFF)) >= profile.female[row])
    band = pick_cut(profile.age_cut[row], word0 >> np.uint64(32))
    width = np.uint64(profile.age_months[row, band])
    offset = np.int64(((word1 & np.uint64(0xFFFFFFFF)) * width) >> np.uint64(32))
    born = now - np.int64(profile.age_from[row, band]) - offset
    return sex, born, pick_cut(profile.language_cut[row], word1 >> np.uint64(32))
