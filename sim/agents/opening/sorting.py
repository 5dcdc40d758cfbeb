"""Rows in order of group and word, in a few passes: words are hashes, spread evenly over a range.

A comparison sort of millions of rows takes a second; where the words are even, each row's place in
its group is known to within a few rows beforehand.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.core.threads import Crew

KEYS: Final = np.uint64(2**64 - 1)
"""The largest word of identity keys."""

_ALONE: Final = Crew(1)


@njit(cache=True, nogil=True)
def by_group(group, n_groups):
    """(rows in order of group, int32; where each group begins, int64[n_groups + 1]).

    Rows of group -1 are in no group.
    """
    first = np.zeros(n_groups + 1, np.int64)
    for i in range(group.size):
        if group[i] >= 0:
            first[group[i] + 1] += 1
    for g in range(n_groups):
        first[g + 1] += first[g]
    following, rows = first.copy(), np.empty(first[n_groups], np.int32)
    for i in range(group.size):
        if group[i] >= 0:
            rows[following[group[i]]] = i
            following[group[i]] += 1
    return rows, first


@njit(cache=True, nogil=True)
def sort_groups(chunk, start, stop, first, word, most, rows):
    """Sort rows [first[g], first[g + 1]) by their words, uint64 up to `most`, in those groups that
    begin in [start, stop). Equal words keep their order; returns whether there were any."""
    longest = np.int64(0)
    for g in range(first.size - 1):
        if start <= first[g] < stop:
            longest = max(longest, first[g + 1] - first[g])
    count, old = np.empty(longest + 1, np.int64), np.empty(longest, np.int32)
    ties = False
    for g in range(first.size - 1):
        n = first[g + 1] - first[g]
        if n > 1 and start <= first[g] < stop:
            width = most // np.uint64(n) + np.uint64(1)
            ties |= _spread_evenly(rows[first[g] : first[g + 1]], word, width, count, old)
    return ties


@njit(cache=True)
def _spread_evenly(rows, word, width, count, old):
    """Put the rows of one group in order: into as many boxes as there are rows, then by steps.
    Returns whether two of them have the same word.

    `width` is the range of words that share a box; `count` and `old` are room to work in.
    """
    n, ties = rows.size, False
    for k in range(n + 1):
        count[k] = 0
    for k in range(n):
        old[k] = rows[k]
        count[word[rows[k]] // width + np.uint64(1)] += 1
    for k in range(n):
        count[k + 1] += count[k]
    for k in range(n):
        box = word[old[k]] // width
        rows[count[box]] = old[k]
        count[box] += 1
    for k in range(1, n):
        row, j = rows[k], k - 1
        while j >= 0 and word[rows[j]] > word[row]:
            rows[j + 1] = rows[j]
            j -= 1
        rows[j + 1] = row
        ties |= j >= 0 and word[rows[j]] == word[row]
    return ties


def ranked(
    group: np.ndarray, word: np.ndarray, n_groups: int, most: np.uint64, crew: Crew = _ALONE
) -> np.ndarray:
    """int32[n]: rows sorted by group, int[n] below `n_groups`, and then by word, uint64[n]."""
    rows, first = by_group(group, n_groups)
    crew.run(sort_groups, rows.size, first, word, most, rows)
    return rows
