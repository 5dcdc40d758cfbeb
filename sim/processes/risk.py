"""Risk classes: an upper bound on the total hazard of everyone in a class, so most draws end early.

A class is (status, origin, sex, age band, band of years in status). Classes are renewed every
January and at every change, so a bound covers one more year of age and duration than the band says.
The bound only saves time: a person's fate depends on the draw and the exact rates alone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.crew import Crew
from sim.factors import AGES, N_FACTORS, YEARS
from sim.tables import FateTable
from sim.units import any_event, threshold

AGE_BANDS: Final = (0, 5, 15, 18, 20, 25, 30, 40, 50, 60, 70, 80, 90)
YEAR_BANDS: Final = (0, 1, 2, 3, 5, 10)
N_AGE: Final = len(AGE_BANDS)
N_YEAR: Final = len(YEAR_BANDS)

_AGE_BAND = np.searchsorted(AGE_BANDS, np.arange(AGES), side="right").astype(np.uint8) - 1
_YEAR_BAND = np.searchsorted(YEAR_BANDS, np.arange(YEARS), side="right").astype(np.uint8) - 1


def n_classes(n_statuses: int, n_origins: int) -> int:
    """Number of risk classes; the class of that number is the hole's.."""
    n = n_statuses * n_origins * 2 * N_AGE * N_YEAR
    return n


@njit(cache=True)
def risk_class(status, origin, sex, born, since, now, n_origins):
    """Risk class of a person, as of now."""
    age = min(max((now - born) // 12, 0), AGES - 1)
    years = min((now - since) // 12, YEARS - 1)
    group = (np.int64(status) * n_origins + origin) * 2 + sex
    return (group * N_AGE + _AGE_BAND[age]) * N_YEAR + _YEAR_BAND[years]


@njit(cache=True, nogil=True)
def renew_classes(chunk, first, stop, status, origin, sex, born, since, now, n_origins, risk):
    """Recompute the class of rows [first, stop)."""
    for i in range(first, stop):
        if status[i] != HOLE:
            risk[i] = risk_class(status[i], origin[i], sex[i], born[i], since[i], now, n_origins)


def longest_band(bands: tuple[int, ...], size: int) -> np.ndarray:
    """int32[bands, 2]: first and last value of each band, one more at the end for staleness."""
    ends = [*bands[1:], size]
    return np.array([(a, min(z, size - 1)) for a, z in zip(bands, ends, strict=True)], np.int32)


def class_bounds(
    crew: Crew, t: FateTable, base: np.ndarray, n_statuses: int, n_origins: int
) -> np.ndarray:
    """Bounds as thresholds, uint64[classes + 1]; the last class is the hole's and is never met.

    A bound is the threshold of the sum over fates of base x product of the largest multiplier
    that the class allows.
    """
    out = np.zeros(n_classes(n_statuses, n_origins) + 1, np.uint64)
    ages, years = longest_band(AGE_BANDS, AGES), longest_band(YEAR_BANDS, YEARS)
    crew.run(
        _fill_bounds, n_statuses * n_origins * 2, t, base, n_origins, ages, years,
        _table_maxima(t), out,
    )  # fmt: skip
    return out


def _table_maxima(t: FateTable) -> np.ndarray:
    """float64[K]: largest value of each multiplier table (they end where the next begins)."""
    ends = np.unique(np.append(t.mult_offset, t.values.size))
    size = {int(a): int(z) for a, z in zip(ends[:-1], ends[1:], strict=True)}
    return np.array([t.values[o : size[int(o)]].max() for o in t.mult_offset.astype(np.int64)])


@njit(cache=True, nogil=True)
def _fill_bounds(chunk, first, stop, t, base, n_origins, ages, years, maxima, out):
    for group in range(first, stop):
        sex, origin = group % 2, (group // 2) % n_origins
        lst = group // (2 * n_origins)
        low, high = np.full(N_FACTORS, -1, np.int32), np.zeros(N_FACTORS, np.int32)
        low[0], high[0], low[2], high[2] = origin, origin, sex, sex
        for a in range(N_AGE):
            low[3], high[3] = ages[a, 0], ages[a, 1]
            low[4], high[4] = sex * AGES + ages[a, 0], sex * AGES + ages[a, 1]
            for y in range(N_YEAR):
                low[5], high[5] = years[y, 0], years[y, 1]
                total = 0.0
                for f in range(t.first[lst], t.first[lst + 1]):
                    total += _largest(t, base, f, low, high, maxima)
                # A hair above: rounding in the exact sum must never exceed the bound.
                bound = threshold(any_event(total * (1.0 + 1e-12))) + np.uint64(2)
                out[(group * N_AGE + a) * N_YEAR + y] = min(bound, np.uint64(4294967296))


@njit(cache=True)
def _largest(t, base, f, low, high, maxima):
    out = base[f]
    for k in range(t.mult_first[f], t.mult_first[f + 1]):
        factor = t.mult_factor[k]
        if low[factor] < 0:
            out *= maxima[k]
        else:
            most = 0.0
            for code in range(low[factor], high[factor] + 1):
                most = max(most, t.values[t.mult_offset[k] + code])
            out *= most
    return out
