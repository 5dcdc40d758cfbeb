"""Lists that kernels leave for the rest of the month: who left, gave birth, lost a job."""

from __future__ import annotations

import numpy as np
from numba import njit

# Numbers of one type, here and where kernels are called: for each literal the compiler makes
# another copy of what it is given to.
FREED, FLAGGED, MOTHERS, SPONSORS, SPONSOR_FATES = map(np.int64, range(5))
LOST, GAINED, SEEKERS = map(np.int64, range(5, 8))  # jobs: row of the firm x number of tiers + tier
N_LISTS = 8
"""Rows of Books.lists."""


@njit(cache=True, forceinline=True)
def push(lists, counts, start, lst, row):
    """Append to this chunk's part of a list; a chunk's part starts at `start`."""
    lists[lst, start + counts[lst]] = row
    counts[lst] += 1


@njit(cache=True, forceinline=True)
def flag(events, i, event, lists, counts, start):
    """Let the dependants of person i hear of an event this month."""
    events[i] = event
    push(lists, counts, start, FLAGGED, i)
