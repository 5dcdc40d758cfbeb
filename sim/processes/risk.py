"""Risk classes: an upper bound on the total hazard of everyone in a class, so most draws end early.

A class is (status, whether employed, age band, language, arrears, mobility of the municipality),
and years in status where that pays (YEAR_BANDS): the factors that make total hazards differ most.
Classes are renewed every January and at every change, so a bound covers a year more than its band.
The bound only saves time: a person's fate depends on the draw and the exact rates alone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.agents.state import BandTable
from sim.config.factors import AGES, FACTORS, NO_JOB_ASKED, WITH_JOB, WITHOUT_JOB, YEARS
from sim.core.kernels import INLINED, borrow, hold
from sim.core.threads import Crew
from sim.rates.places import N_MOBILITY
from sim.rates.tables import FateTable

AGE_BANDS: Final = (0, 15, 18, 20, 25, 30, 40, 50, 60, 70, 80, 90)

YEAR_BANDS: Final = (0,)  # five bands lower the bounds by a thirtieth and miss the cache

N_AGE: Final = len(AGE_BANDS)

N_YEAR: Final = len(YEAR_BANDS)

N_LANGUAGE: Final = 5

N_ARREARS: Final = 8

DIMENSIONS: Final = (2, N_AGE, N_YEAR, N_LANGUAGE, N_ARREARS, N_MOBILITY)
"""Numbers of bands of each axis of the classes of one status, the last axis fastest."""

BY_EMPLOYED, BY_AGE, BY_YEARS, BY_LANGUAGE, BY_ARREARS, BY_MOBILITY = range(len(DIMENSIONS))
"""The axes of DIMENSIONS: those before BY_YEARS are the same in a group of classes."""

NO_AXIS: Final = -1
"""Of a multiplier that no band tells apart."""

PER_STATUS: Final = int(np.prod(DIMENSIONS))

_AGE_BAND = (np.searchsorted(AGE_BANDS, np.arange(AGES), side="right") - 1).astype(np.uint8)

_YEAR_BAND = (np.searchsorted(YEAR_BANDS, np.arange(YEARS), side="right") - 1).astype(np.uint8)


def n_classes(n_statuses: int) -> int:
    """Number of risk classes; the class of that number is the hole's."""
    return n_statuses * PER_STATUS


@njit(cache=True, **INLINED)
def class_of(people, i, mobility, now):
    """Class of risk of person i in month `now`; mobility uint8[M]."""
    age = min(max((now - people.born[i]) // 12, 0), AGES - 1)
    years = min((now - people.since[i]) // 12, YEARS - 1)
    group = (np.int64(people.status[i]) * 2 + np.int64(people.firm[i] >= 0)) * N_AGE
    group = (group + _AGE_BAND[age]) * N_YEAR + _YEAR_BAND[years]
    group = (group * N_LANGUAGE + people.language[i]) * N_ARREARS + people.arrears[i]
    return group * N_MOBILITY + mobility[people.municipality[i]]


@njit(cache=True, **INLINED)
def renew_class(scene, i):
    """Put person i into their class of risk, as of now."""
    scene.people.risk[i] = class_of(scene.people, i, scene.world.mobility, scene.month.now)


@njit(cache=True, nogil=True)
def renew_classes(chunk, first, stop, people, mobility, now):
    """Put everyone of rows [first, stop) into their class of risk; mobility uint8[M]."""
    people = borrow(people)
    for i in range(first, stop):
        if people.status[i] != HOLE:
            people.risk[i] = class_of(people, i, mobility, now)


def band_table(t: FateTable, mobility: np.ndarray) -> BandTable:
    """Reduce every multiplier table to bands; `mobility` is uint8[M], the class of each place."""
    ends = np.unique(np.append(t.mult_offset, t.values.size))
    size = dict(zip(ends[:-1].tolist(), np.diff(ends).tolist(), strict=True))
    axis = np.full(t.mult_offset.size, NO_AXIS, np.int64)
    values = np.ones((t.mult_offset.size, N_AGE))
    name_of = {row: name for name, row in FACTORS.items()}
    reduced: dict[tuple[int, int], tuple[int, np.ndarray]] = {}  # many fates share a table
    for k, at in enumerate(zip(t.mult_factor.tolist(), t.mult_offset.tolist(), strict=True)):
        if at not in reduced:
            table = t.values[at[1] : at[1] + size[at[1]]]
            reduced[at] = _reduce(name_of[at[0]], table, mobility)
        axis[k], bands = reduced[at]
        values[k, : bands.size] = bands
    return BandTable(axis, values)


def rebanded(bands: BandTable, old: FateTable, new: FateTable, mobility: np.ndarray) -> BandTable:
    """The bands of `new`, which differs from `old` in some values alone."""
    starts, table = _tables(new)
    changed = np.flatnonzero(old.values != new.values)
    touched = np.zeros(starts.size, np.bool_)
    touched[np.searchsorted(starts, changed, side="right") - 1] = True
    values, again = bands.values.copy(), np.flatnonzero(touched[table])
    plain = again[bands.axis[again] < 0]  # most; see the last line of _reduce
    values[plain, 0] = np.maximum.reduceat(new.values, starts)[table[plain]]
    name_of = {row: name for name, row in FACTORS.items()}
    ends = np.append(starts[1:], new.values.size)
    for k in again[bands.axis[again] >= 0].tolist():
        inside = new.values[starts[table[k]] : ends[table[k]]]
        _, largest = _reduce(name_of[int(new.mult_factor[k])], inside, mobility)
        values[k, : largest.size] = largest
    return BandTable(bands.axis, values)


def _tables(t: FateTable) -> tuple[np.ndarray, np.ndarray]:
    """int64: where the tables of `t.values` begin, and int64[K] which one each multiplier takes."""
    starts = np.unique(t.mult_offset).astype(np.int64)
    return starts, np.searchsorted(starts, t.mult_offset)


def _reduce(factor: str, table: np.ndarray, mobility: np.ndarray) -> tuple[int, np.ndarray]:
    """(axis, largest value by band) of one multiplier table."""
    if factor == "employed":
        without = max(table[WITHOUT_JOB], table[NO_JOB_ASKED])
        return BY_EMPLOYED, np.array([without, table[WITH_JOB]])
    if factor == "age":
        return BY_AGE, _by_band(table, AGE_BANDS)
    if factor == "age_sex":
        return BY_AGE, _by_band(np.maximum(table[:AGES], table[AGES:]), AGE_BANDS)
    if factor == "years_in_status":
        return BY_YEARS, _by_band(table, YEAR_BANDS)
    if factor in ("language", "arrears"):
        return BY_LANGUAGE if factor == "language" else BY_ARREARS, table
    if factor == "municipality":
        groups = [table[mobility == k] for k in range(N_MOBILITY)]
        return BY_MOBILITY, np.array([group.max() if group.size else 0.0 for group in groups])
    return NO_AXIS, np.array([table.max()])


def _by_band(table: np.ndarray, bands: tuple[int, ...]) -> np.ndarray:
    """Largest value from each band's start to one year beyond its end (classes grow stale)."""
    ends = [*bands[1:], table.size]
    return np.array([table[a : z + 1].max() for a, z in zip(bands, ends, strict=True)])


def class_bounds(
    crew: Crew,
    t: FateTable,
    bands: BandTable,
    base: np.ndarray,
    n_statuses: int,
    known: np.ndarray | None = None,
    stale: np.ndarray | None = None,
) -> np.ndarray:
    """Bounds as thresholds, uint32[classes + 1]; the last is the hole's and is never met.

    A bound is a threshold at or above that of the sum over fates of base x product of the largest
    multipliers that the class allows, a hair above: rounding in the exact sum must never exceed it.
    Where `known` holds bounds, only those of the statuses `stale`, int64, are made anew.
    """
    again = np.arange(n_statuses) if known is None or stale is None else stale
    if known is not None and again.size == 0:
        return known
    out = np.zeros(n_classes(n_statuses) + 1, np.uint32) if known is None else known.copy()
    groups = (again[:, None] * 2 * N_AGE + np.arange(2 * N_AGE)).ravel()
    crew.run(_fill_bounds, groups.size, groups, t, bands, base, out)
    return out


def stale_statuses(
    t: FateTable,
    old: tuple[BandTable, np.ndarray],
    new: tuple[BandTable, np.ndarray],
    n_statuses: int,
) -> np.ndarray:
    """int64: statuses whose monthly fates have another base or other bands than before.

    Of a table that policy changes the largest value often stays, and with it the bounds.
    """
    rows = np.flatnonzero(old[1] != new[1])
    if old[0] is not new[0]:
        mults = np.flatnonzero((old[0].values != new[0].values).ravel()) // N_AGE
        rows = np.append(rows, np.searchsorted(t.mult_first, mults, side="right") - 1)
    monthly = t.first[: n_statuses + 1]
    rows = rows[rows < monthly[-1]]
    return np.unique(np.searchsorted(monthly, rows, side="right") - 1)


@njit(cache=True, nogil=True)
def _fill_bounds(chunk, first, stop, groups, t, bands, base, out):
    # Loops over single numbers: expressions of whole arrays take seconds to compile.
    t, bands, base, out = borrow(t), borrow(bands), borrow(base), borrow(out)
    below = N_YEAR * N_LANGUAGE * N_ARREARS * N_MOBILITY
    buffers = np.zeros(below), np.zeros((len(DIMENSIONS), N_ARREARS))
    total, inside = borrow(buffers[0]), borrow(buffers[1])
    for g in range(first, stop):
        group = groups[g]
        lst = group // (2 * N_AGE)
        employed, age = group // N_AGE % 2, group % N_AGE
        for rest in range(below):
            total[rest] = 0.0
        for f in range(t.first[lst], t.first[lst + 1]):
            rate = base[f]
            for axis in range(BY_YEARS, len(DIMENSIONS)):
                for band in range(N_ARREARS):
                    inside[axis, band] = 1.0
            for k in range(t.mult_first[f], t.mult_first[f + 1]):
                axis = bands.axis[k]
                if axis >= BY_YEARS:  # differs inside the group
                    for band in range(N_ARREARS):
                        inside[axis, band] *= bands.values[k, band]
                elif axis == NO_AXIS:
                    rate *= bands.values[k, 0]
                else:
                    rate *= bands.values[k, employed if axis == BY_EMPLOYED else age]
            if rate > 0.0:
                _add_rates(rate, inside, total)
        start = group * below
        for rest in range(below):
            # 1 - exp(-x) is at most x - x**2 / 2 + x**3 / 6.
            x = total[rest] * ((1.0 + 1e-12) / 12.0)
            bound = x * (1.0 - x * (0.5 - x / 6.0)) * 4294967296.0 + 3.0
            out[start + rest] = np.uint32(min(bound, 4294967295.0))
    hold(buffers)


@njit(cache=True, **INLINED)
def _add_rates(rate, inside, total):
    """Add a fate's `rate` in a group to all its classes, times its multipliers `inside`, float64
    [axis, band], that differ between them."""
    rest = 0
    for years in range(N_YEAR):
        for language in range(N_LANGUAGE):
            so_far = rate * inside[BY_YEARS, years] * inside[BY_LANGUAGE, language]
            for arrears in range(N_ARREARS):
                in_arrears = so_far * inside[BY_ARREARS, arrears]
                for mobility in range(N_MOBILITY):
                    total[rest] += in_arrears * inside[BY_MOBILITY, mobility]
                    rest += 1
