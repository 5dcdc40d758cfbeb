"""Whole people from fractions: joint tables that meet published margins, cell by cell.

Axes: status S, origin O, prefecture P, municipality M, status group G, origin column C.
Nothing here depends on the seed: the composition of the opening residents is the same in every
replicate.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from sim.agents.opening.margins import Axes, Prefectures
from sim.core.sums import product

ROUNDS: Final = 500

TOLERANCE: Final = 1e-9
"""Largest relative miss of a margin at which fitting stops."""

NO_GAIN: Final = 3.0 + 1e-9
"""Difference of summed residuals up to which moving one person gains nothing."""

REMEMBERED: Final = 64
"""Swaps that a row may fall behind before it is looked at in full."""


def ratio(wanted: np.ndarray, have: np.ndarray) -> np.ndarray:
    """wanted / have, float64 of their shape; 0 where there is nothing to scale."""
    return np.divide(wanted, have, out=np.zeros_like(have), where=have > 0)


def _members(index: np.ndarray, size: int) -> np.ndarray:
    """float64[size, n] incidence of classes; members of class -1 are in no row."""
    return (np.arange(size)[:, None] == index[None, :]).astype(np.float64)


def fit_places(ax: Axes, people: np.ndarray, tables: Prefectures) -> np.ndarray:
    """Where the residents of each status and origin live: shares float64[S, O, P].

    Iterative proportional fitting of status x origin (`people`, int64[S, O]) to the published
    prefecture x group and prefecture x origin, started from their independence within the
    prefecture. People of undetermined address are fitted as a place of their own and then left
    out of the shares, which spreads them in proportion. Each row (s, o) adds to one, whether or
    not anybody was there at the date of the tables.
    """
    group, column = _members(ax.group_of, len(ax.groups)), _members(ax.column_of, len(ax.columns))
    by_group, by_column = tables.by_group.astype(float), tables.by_column.astype(float)
    total = by_group.sum(axis=1)
    seed = product(ratio(by_group, total[:, None].repeat(len(group), 1)), group).T
    shape = seed[:, None, :] * product(by_column, column).T[None, :, :]
    for _ in range(ROUNDS):
        shape *= ratio(np.ones(people.shape), shape.sum(axis=2))[:, :, None]
        joint = shape * people[:, :, None]
        by_c = product(joint.sum(axis=0).T, column.T)
        shape *= product(ratio(by_column, by_c), column).T[None, :, :]
        joint = shape * people[:, :, None]
        by_g = product(joint.sum(axis=1).T, group.T)
        shape *= product(ratio(by_group, by_g), group).T[:, None, :]
        if _misses(by_g, by_group) < TOLERANCE:
            break
    known = shape[:, :, :-1]
    everywhere = np.broadcast_to(total[:-1] / total[:-1].sum(), known.shape)
    rows = known.sum(axis=2, keepdims=True)
    return np.divide(known, rows, out=everywhere.copy(), where=rows > 0)


def _misses(have: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(ratio(have, np.maximum(wanted, 1e-300)) - (wanted > 0)).max())


def fit_totals(people: np.ndarray, shares: np.ndarray, prefectures: np.ndarray) -> np.ndarray:
    """Fit the shares to other totals: float64[S, O, P] with rows `people` (int64[S, O]) and
    prefecture totals in proportion to `prefectures` (float64[P])."""
    wanted = prefectures / prefectures.sum() * people.sum()
    joint = shares * people[:, :, None]
    for _ in range(ROUNDS):
        have = joint.sum(axis=(0, 1))
        if _misses(have, wanted) < TOLERANCE:
            break
        joint *= ratio(wanted, have)[None, None, :]
        joint *= ratio(people.astype(float), joint.sum(axis=2))[:, :, None]
    return joint


def round_rows(values: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Whole numbers int64[..., K] whose rows add exactly to `totals` (int64[...]).

    Rows of `values` are first scaled to the totals; the largest remainders are rounded up, of
    equal ones the first. A row of zeros is spread evenly.
    """
    values = np.where(values.sum(axis=-1, keepdims=True) > 0, values, 1.0)
    scaled = values * (totals / values.sum(axis=-1))[..., None]
    whole = np.floor(scaled)
    short = totals - whole.sum(axis=-1).astype(np.int64)
    rank = np.argsort(np.argsort(whole - scaled, axis=-1, kind="stable"), axis=-1)
    return whole.astype(np.int64) + (rank < short[..., None])


class Residuals(NamedTuple):
    """Counts less what is wished for, by prefecture and its groups."""

    by_place: np.ndarray  # float64[P]
    by_group: np.ndarray  # float64[P, G]: by group of statuses
    by_column: np.ndarray  # float64[P, C]: by origin column


@njit(cache=True)
def repair(count, wish, group_of, column_of, residuals):
    """Swap people one at a time between prefectures, within their status and origin.

    count      int64[S, O, P]   in and out; row sums (s, o) stay as they are
    wish       float64[S, O, P] fractional counts; no cell ends two or more away from its own
    group_of   int64[S], column_of int64[O]
    residuals  Residuals        in and out

    A swap must lower the sum of squared residuals, added over all three. Returns the number of
    swaps. Most rounds swap a few people: a row is looked at again only if a swap since then
    touched prefectures that widen its gap.
    """
    by_place, by_group, by_column = residuals
    shape = count.shape[:2]
    most, least = np.full(shape, np.inf), np.full(shape, -np.inf)
    seen, moved = np.zeros(shape, np.int64), np.empty(2 * REMEMBERED, np.int64)
    swaps, before = 0, -1
    while swaps != before:
        before = swaps
        for s in range(shape[0]):
            for o in range(shape[1]):
                group, column = by_group[:, group_of[s]], by_column[:, column_of[o]]
                new = swaps - seen[s, o]
                for k in range(2 * seen[s, o], 2 * swaps if new < REMEMBERED else 0):
                    p = moved[k % moved.size]
                    excess = by_place[p] + group[p] + column[p]
                    most[s, o], least[s, o] = max(most[s, o], excess), min(least[s, o], excess)
                seen[s, o] = swaps
                if new < REMEMBERED and most[s, o] - least[s, o] <= NO_GAIN:
                    continue
                while True:
                    source, target, most[s, o], least[s, o] = _ends(
                        count[s, o], wish[s, o], by_place, group, column
                    )
                    if source < 0 or target < 0 or most[s, o] - least[s, o] <= NO_GAIN:
                        break
                    for p, change in ((source, -1), (target, 1)):
                        count[s, o, p] += change
                        by_place[p] += change
                        group[p] += change
                        column[p] += change
                        moved[(2 * swaps + (change + 1) // 2) % moved.size] = p
                    swaps += 1
                seen[s, o] = swaps
    return swaps


@njit(cache=True, inline="always")
def _ends(count, wish, by_place, by_group, by_column):
    """The most overfull prefecture that may lose one, the emptiest that may gain one (-1: none),
    and their residuals."""
    source, target, most, least = -1, -1, -np.inf, np.inf
    for p in range(count.size):
        excess = by_place[p] + by_group[p] + by_column[p]
        if excess > most and count[p] > 0 and count[p] - 1 > wish[p] - 2.0:
            most, source = excess, p
        if excess < least and wish[p] > 0.0 and count[p] + 1 < wish[p] + 2.0:
            least, target = excess, p
    return source, target, most, least


def whole_places(ax: Axes, people: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Whole residents int64[S, O, P] near `joint`, exact by status and origin."""
    count = round_rows(joint, people)
    by_group, by_column = map(np.ascontiguousarray, prefecture_residuals(ax, count, joint))
    residuals = Residuals(by_group.sum(axis=1), by_group, by_column)
    repair(count, joint, ax.group_of, ax.column_of, residuals)
    return count


def prefecture_residuals(
    ax: Axes, count: np.ndarray, wish: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`count` less `wish` by prefecture and group, float64[P, G], and by origin, float64[P, C]."""
    group, column = _members(ax.group_of, len(ax.groups)), _members(ax.column_of, len(ax.columns))
    gap = count - wish
    return product(gap.sum(axis=1).T, group.T), product(gap.sum(axis=0).T, column.T)


@njit(cache=True, inline="always")
def _scramble(x):
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


@njit(cache=True, inline="always")
def bits_for(n):
    """Bits, at least 2, that numbers below n need."""
    bits = np.uint64(2)
    while (1 << np.int64(bits)) < n:
        bits += np.uint64(1)
    return bits


@njit(cache=True, inline="always")
def seated(i, n, seed, bits):
    """Place of i in a keyed permutation of range(n), without making the permutation.

    A Feistel network on just enough bits, `bits_for(n)`, walked until it lands inside the range.
    """
    if n <= 1:
        return np.int64(i)
    right = bits >> np.uint64(1)
    low_mask = (np.uint64(1) << right) - np.uint64(1)
    high_mask = (np.uint64(1) << (bits - right)) - np.uint64(1)
    x = np.uint64(i)
    while True:
        upper, lower = x >> right, x & low_mask
        for step in range(3):
            salt = seed + np.uint64(2 * step) * np.uint64(0x9E3779B97F4A7C15)
            upper ^= _scramble(lower + salt) & high_mask
            lower ^= _scramble(upper + salt + np.uint64(0x632BE59BD9B4E019)) & low_mask
        x = (upper << right) | lower
        if x < np.uint64(n):
            return np.int64(x)


class Seating(NamedTuple):
    """How the residents of P prefectures are seated in M municipalities."""

    seats: np.ndarray  # int64[M]: residents of each municipality
    first: np.ndarray  # int64[P + 1]: municipalities of prefecture p are first[p]..first[p + 1]
    seeds: np.ndarray  # uint64[P]: keys of the permutations


@njit(cache=True, nogil=True)
def seat_residents(chunk, begin, stop, count, seating, cells):
    """Give the residents of prefectures to their municipalities: of those prefectures whose first
    resident has a number in [begin, stop), when all are numbered in order of prefecture.

    count    int64[S, O, P]
    seating  Seating          its seats add up to count by prefecture
    cells    int32[S, O, M]   out, zeros on entry
    """
    number = np.int64(0)
    for prefecture in range(count.shape[2]):
        total = np.int64(0)
        for place in range(seating.first[prefecture], seating.first[prefecture + 1]):
            total += seating.seats[place]
        if begin <= number < stop:
            _seat(count, seating, prefecture, total, cells)
        number += total


@njit(cache=True, inline="always")
def _seat(count, seating, prefecture, total, cells):
    """The residents of one prefecture, `total` in number."""
    seats, first = seating.seats, seating.first
    place_of = np.empty(total, np.uint16)
    start = 0
    for place in range(first[prefecture], first[prefecture + 1]):
        place_of[start : start + seats[place]] = place
        start += seats[place]
    i, bits, seed = 0, bits_for(total), seating.seeds[prefecture]
    for s in range(count.shape[0]):
        for o in range(count.shape[1]):
            for _ in range(count[s, o, prefecture]):
                cells[s, o, place_of[seated(i, total, seed, bits)]] += 1
                i += 1
