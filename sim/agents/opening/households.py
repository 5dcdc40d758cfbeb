"""The principals of the opening dependants: the nearest resident who may bring a family.

The published figures do not say. A dependant is placed with an adult of the same origin in the
same municipality, else in the same prefecture, else anywhere, at most FAMILY_SIZE to one
principal (assumption). Everybody gets one dependant before anybody gets a second, both in order of
key, so the answer does not depend on the order of rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.opening.sorting import KEYS, ranked
from sim.core.threads import Crew

FAMILY_SIZE: Final = 4

ADULT_MONTHS: Final = (20 * 12, 65 * 12)
"""Ages of principals in months: 20 to 64 years (assumption)."""

LEVELS: Final = ("municipality", "prefecture", "country")


@njit(cache=True)
def match(group, dependants, candidates, places, principal):
    """Place the dependants of each group with its candidates, in rounds.

    group       int64[n]   where each person looks
    dependants  int64[d]   rows, sorted by group and then rank
    candidates  int32[c]   rows, sorted alike
    places      uint8[n]   dependants that each person may still take, in and out
    principal   int32[n]   out
    """
    waiting = first = 0
    while waiting < dependants.size and first < candidates.size:
        here = group[dependants[waiting]]
        while first < candidates.size and group[candidates[first]] < here:
            first += 1
        stop = first
        while stop < candidates.size and group[candidates[stop]] == here:
            stop += 1
        end = waiting
        while end < dependants.size and group[dependants[end]] == here:
            end += 1
        full = False
        while waiting < end and not full:
            full = True
            for k in range(first, stop):
                if waiting < end and places[candidates[k]] > 0:
                    places[candidates[k]] -= 1
                    principal[dependants[waiting]] = candidates[k]
                    waiting, full = waiting + 1, False
        waiting, first = end, stop


def place_dependants(
    columns: dict[str, np.ndarray],
    prefecture: np.ndarray,
    sponsored: np.ndarray,
    may_sponsor: np.ndarray,
    now: int,
    crew: Crew,
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
    dependants = {int(s): np.flatnonzero(status == s) for s in np.flatnonzero(sponsored)}
    n_dependants = max(sum(rows.size for rows in dependants.values()), 1)
    group = np.empty(status.size, np.int32)
    for s, waiting in dependants.items():
        for level in LEVELS:
            n_groups = _group_people(columns, prefecture, level, group, crew)
            asked = np.zeros(n_groups, np.bool_)
            asked[group[waiting]] = True
            near = candidates(status, columns["born"], may_sponsor[s], now, group, asked, places)
            match(
                group,
                _ranked(group, n_groups, key, waiting, crew),
                _ranked(group, n_groups, key, near, crew),
                places,
                principal,
            )
            left = waiting[principal[waiting] < 0]
            report[level] += (waiting.size - left.size) / n_dependants
            waiting = left
        report["nowhere"] += waiting.size / n_dependants
    return principal, report


@njit(cache=True, nogil=True)
def candidates(status, born, may, now, group, asked, places):
    """Rows, int32 ascending, of adults who may yet take a dependant that looks where they are.

    may    bool[S]       whether their status may bring a family
    group  int32[n]      where each person is; asked bool[groups]: where somebody looks
    places uint8[n]      dependants that each person may still take
    """
    rows, n = np.empty(status.size, np.int32), 0
    for i in range(status.size):
        if may[status[i]] and places[i] > 0 and asked[group[i]]:
            age = now - np.int64(born[i])
            if ADULT_MONTHS[0] <= age < ADULT_MONTHS[1]:
                rows[n] = i
                n += 1
    return rows[:n].copy()


def _group_people(
    columns: dict[str, np.ndarray], prefecture: np.ndarray, level: str, group: np.ndarray,
    crew: Crew,
) -> int:  # fmt: skip
    """Write where each person looks, group int32[n]; returns the number of such groups."""
    origin = columns["origin"]
    n_origins = int(origin.max(initial=0)) + 1
    whole = np.zeros_like(prefecture)
    part = dict(zip(LEVELS, (np.arange(prefecture.size), prefecture, whole), strict=True))[level]
    n_parts = int(part.max()) + 1
    crew.run(_write_groups, group.size, origin, columns["municipality"], part, n_parts, group)
    return n_origins * n_parts


@njit(cache=True, nogil=True)
def _write_groups(chunk, first, stop, origin, municipality, part, n_parts, group):
    """Origin x part of the country, int32[n]; part int64[M] of each municipality."""
    for i in range(first, stop):
        group[i] = np.int64(origin[i]) * n_parts + part[municipality[i]]


def _ranked(
    group: np.ndarray, n_groups: int, key: np.ndarray, rows: np.ndarray, crew: Crew
) -> np.ndarray:
    """Rows sorted by group and then key."""
    return np.asarray(rows[ranked(group[rows], key[rows], n_groups, KEYS, crew)])
