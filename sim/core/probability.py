"""Rates per year to competing probabilities per month, exactly; thresholds of draws."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

MONTHS_PER_YEAR = 12

FULL = 1 << 32
"""Thresholds are parts of 2**32: a draw of 32 bits is below FULL for certain."""


def competing(rates_per_year: Sequence[float]) -> np.ndarray:
    """Monthly probabilities of competing risks, float64[K].

    `rates_per_year` are hazards per person-year. The first event within the month decides, so
    p_k = h_k / H * (1 - exp(-H)) with h = rate / 12 and H = sum(h): the first row of
    expm(generator) when each fate is absorbing within the month.
    """
    hazards = np.asarray(rates_per_year, np.float64) / MONTHS_PER_YEAR
    total = float(hazards.sum())
    if total == 0.0:
        return np.zeros_like(hazards)
    return hazards * (-math.expm1(-total) / total)


@njit(cache=True)
def any_event(total_rate_per_year: float) -> float:
    """Probability that at least one of competing events comes within a month."""
    return -math.expm1(-total_rate_per_year / 12.0)


@njit(cache=True)
def threshold(p: float) -> np.uint64:
    """floor(p * 2**32) as uint64; 2**32 (certain) is allowed. p is clipped to [0, 1]."""
    if not p > 0.0:
        return np.uint64(0)
    if p >= 1.0:
        return np.uint64(4294967296)
    return np.uint64(p * 4294967296.0)


LARGEST_MEAN = 500.0


@njit(cache=True)
def poisson(mean, u):
    """Inverse Poisson distribution function at u in (0, 1); mean at most LARGEST_MEAN."""
    term = math.exp(-mean)
    total, k = term, 0
    while u > total and k < 2000:
        k += 1
        term *= mean / k
        total += term
    return k


@njit(cache=True)
def first_above(values, start, stop, x):
    """Index of the first of the ascending values in [start, stop) that is above x, else stop."""
    while start < stop:
        middle = (start + stop) >> 1
        if values[middle] > x:
            stop = middle
        else:
            start = middle + 1
    return start


def cuts(weights: ArrayLike) -> np.ndarray:
    """Cumulative thresholds of a mix along the last axis, uint64[..., K].

    The last is FULL, so no draw falls outside. Weights of a row may not all be 0.
    """
    total = np.cumsum(np.asarray(weights, np.float64), axis=-1)
    out = np.floor(total / total[..., -1:] * FULL).astype(np.uint64)
    out[..., -1] = FULL
    return out


def thresholds(shares: ArrayLike) -> np.ndarray:
    """floor(share * 2**32) of each share in [0, 1], uint64 of their shape."""
    return (np.asarray(shares, np.float64) * FULL).astype(np.uint64)
