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
    status, born = columns["status"], columns["born"]
    age = now - born.astype(np.int64)
    adult = (age >= ADULT_MONTHS[0]) & (age < ADULT_MONTHS[1])
    principal = np.full(status.size, -1, np.int32)
    places = np.full(status.size, FAMILY_SIZE, np.uint8)
    report: dict[str, float] = dict.fromkeys((*LEVELS, "nowhere"), 0.0)
    n_dependants = max(int(sponsored[status].sum()), 1)
    for s in np.flatnonzero(sponsored):
        waiting = np.flatnonzero(status == s)
        candidates = np.flatnonzero(adult & may_sponsor[s][status])
        for level in LEVELS:
            group = _group(columns, prefecture, level)
            match(
                group,
                _ranked(group, columns["key"], waiting),
                _ranked(group, columns["key"], candidates),
                places,
                principal,
            )
            left = waiting[principal[waiting] < 0]
            report[level] += (waiting.size - left.size) / n_dependants
            waiting, candidates = left, candidates[places[candidates] > 0]
        report["nowhere"] += waiting.size / n_dependants
    return principal, report


def _group(columns: dict[str, np.ndarray], prefecture: np.ndarray, level: str) -> np.ndarray:
    origin = columns["origin"].astype(np.int64)
    if level == LEVELS[0]:
        return origin << 16 | columns["municipality"]
    if level == LEVELS[1]:
        return origin << 16 | prefecture[columns["municipality"]]
    return origin


def _ranked(group: np.ndarray, key: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows sorted by group and then key."""
    return rows[np.lexsort((key[rows], group[rows]))]
