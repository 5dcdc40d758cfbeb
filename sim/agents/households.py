"""Whom the opening dependants depend on: the nearest resident who may bring a family.

The published figures do not say. A dependant is placed with an adult of the same origin in the
same municipality, else in the same prefecture, else anywhere, at most FAMILY_SIZE to one
principal (assumption). Everybody gets one dependant before anybody gets a second, both in order of
key, so the answer does not depend on the order of rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.ordering import KEYS, ranked

FAMILY_SIZE: Final = 4
ADULT_MONTHS: Final = (20 * 12, 65 * 12)
"""Ages of principals in months: 20 to 64 years (assumption)."""
LEVELS: Final = ("municipality", "prefecture", "country")


@njit(cache=True)
def match(group, dependants, candidates, places, principal):
    """Place the dependants of each group with its candidates, in rounds.

    group       int64[n]   where each person looks
    dependants  int64[d]   rows, sorted by group and then rank
    candidates  int64[c]   rows, sorted alike
    places      uint8[n]   dependants that each person may still take, in and out
    principal   int32[n]   out
    """
    d = c = 0
    while d < dependants.size and c < candidates.size:
        here = group[dependants[d]]
        while c < candidates.size and group[candidates[c]] < here:
            c += 1
        last = c
        while last < candidates.size and group[candidates[last]] == here:
            last += 1
        end = d
        while end < dependants.size and group[dependants[end]] == here:
            end += 1
        full = False
        while d < end and not full:
            full = True
            for k in range(c, last):
                if d < end and places[candidates[k]] > 0:
                    places[candidates[k]] -= 1
                    principal[dependants[d]] = candidates[k]
                    d, full = d + 1, False
        d, c = end, last


def place_dependants(
    columns: dict[str, np.ndarray],
    prefecture: np.ndarray,
    sponsored: np.ndarray,
    may_sponsor: np.ndarray,
    now: int,
) -> tuple[np.ndarray, dict[str, float]]:
    """Principals of all dependants, int32[n] rows (-1 = none), and the share placed at each level.

    columns      key, status, origin, municipality, born
    prefecture   int64[M] of each municipality
    sponsored    bool[S] statuses that depend on a principal
    may_sponsor  bool[S, S] row: the dependant's status, column: the principal's
    """
    status, key = columns["status"], columns["key"]
    principal = np.full(status.size, -1, np.int32)
    places = np.full(status.size, FAMILY_SIZE, np.uint8)
    report: dict[str, float] = dict.fromkeys((*LEVELS, "nowhere"), 0.0)
    n_dependants = max(int(np.bincount(status, minlength=sponsored.size)[sponsored].sum()), 1)
    for s in np.flatnonzero(sponsored):
        waiting = np.flatnonzero(status == s)
        candidates = adults(status, columns["born"], may_sponsor[s], now)
        for level in LEVELS:
            group, n_groups = _group(columns, prefecture, level)
            asked = np.zeros(n_groups, np.bool_)
            asked[group[waiting]] = True
            near = candidates[asked[group[candidates]]]
            match(
                group,
                _ranked(group, n_groups, key, waiting),
                _ranked(group, n_groups, key, near),
                places,
                principal,
            )
            left = waiting[principal[waiting] < 0]
            report[level] += (waiting.size - left.size) / n_dependants
            waiting, candidates = left, candidates[places[candidates] > 0]
        report["nowhere"] += waiting.size / n_dependants
    return principal, report


@njit(cache=True, nogil=True)
def adults(status, born, may, now):
    """Rows, ascending, of adults whose status may bring a family: may bool[S]."""
    rows, n = np.empty(status.size, np.int64), 0
    for i in range(status.size):
        age = now - np.int64(born[i])
        if may[status[i]] and ADULT_MONTHS[0] <= age < ADULT_MONTHS[1]:
            rows[n] = i
            n += 1
    return rows[:n].copy()


def _group(
    columns: dict[str, np.ndarray], prefecture: np.ndarray, level: str
) -> tuple[np.ndarray, int]:
    """(where each person looks, int32[n], the number of such groups)."""
    origin, place = columns["origin"].astype(np.int32), columns["municipality"]
    n_origins = int(origin.max(initial=0)) + 1
    if level == LEVELS[2]:
        return origin, n_origins
    if level == LEVELS[0]:
        return origin * np.int32(prefecture.size) + place, n_origins * prefecture.size
    n = int(prefecture.max()) + 1
    return origin * np.int32(n) + prefecture.astype(np.int32)[place], n_origins * n


def _ranked(group: np.ndarray, n_groups: int, key: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows sorted by group and then key."""
    return rows[ranked(group[rows], key[rows], n_groups, KEYS)]
