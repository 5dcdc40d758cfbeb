"""How many of those who once came are still there: cohorts of entry, counted at half-years."""

from __future__ import annotations

from typing import Final

from numba import njit

from sim.agents.population import HOLE

YEARS: Final = (1, 3, 5, 10)
"""Years after which a cohort is looked for."""
WINDOW: Final = 6
"""Months of entry that make a cohort: those of one half-year."""


@njit(cache=True, nogil=True)
def count_cohorts(c, first, stop, status, born, entered, now, months, out):
    """People of rows [first, stop) who first came `months` to `months` + 5 months ago.

    months int64[K]; out int32[C, S, K]. Who was born here is no newcomer.
    """
    for i in range(first, stop):
        if status[i] != HOLE and entered[i] != born[i]:
            ago = now - entered[i]
            for k in range(months.size):
                if months[k] <= ago < months[k] + WINDOW:
                    out[c, status[i], k] += 1
