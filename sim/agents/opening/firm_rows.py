"""The firms of an opening as rows: how many in each cell, where, and how many jobs in each.

Axes: sector K, size Z, prefecture P, municipality M. What a firm is (sector, size, municipality,
how large) is fixed by the data and its identity; its standing and its support are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from scipy.special import ndtr, ndtri

from sim.agents.opening.firm_margins import Targets
from sim.agents.opening.fitting import Residuals, ratio, repair, round_rows
from sim.agents.opening.sorting import KEYS, ranked
from sim.core.kernels import borrow
from sim.core.probability import first_above
from sim.core.rng import (
    P_FIRM_OPENING,
    TAG_FIRM,
    draw,
    high,
    identity,
    low,
    threefry,
    unit,
)
from sim.core.threads import Crew

ROUNDS: Final = 400

MOST_SPREAD: Final = 2.5
"""Standard deviations at which the number of workers of a firm of its cell is cut off."""

LARGE = np.uint64(1)


@dataclass(frozen=True)
class Rows:
    """Firms sorted by sector, prefecture, municipality and key."""

    key: np.ndarray  # uint64[n]
    sector: np.ndarray  # uint8[n]
    size: np.ndarray  # uint8[n]
    prefecture: np.ndarray  # int64[n]
    municipality: np.ndarray  # int16[n]
    large: np.ndarray  # float64[n]: workers relative to firms of the same cell, mean about one


def count_firms(aim: Targets, establishments: int, workers: np.ndarray) -> np.ndarray:
    """Whole numbers of firms, int64[K, Z, P], at scale 1.

    workers float64[K, P]: where workers are expected. Sectors and sizes are met exactly,
    prefectures as far as moving single firms can.
    """
    firms = workers[:, None, :] * aim.firm_size[None, :, None]
    for _ in range(ROUNDS):
        for axis, margin in enumerate((aim.firm_sector, aim.firm_size, aim.firm_prefecture)):
            others = tuple(k for k in range(3) if k != axis)
            firms *= np.expand_dims(ratio(margin, firms.sum(axis=others)), others)
    firms *= establishments / firms.sum()
    sectors = round_rows(firms.sum(axis=(1, 2)), np.array(establishments))
    by_size = _whole(firms.sum(axis=2), sectors)
    flat = firms.reshape(-1, firms.shape[2])
    return _whole(flat, by_size.reshape(-1)).reshape(firms.shape)


def _whole(values: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Whole numbers int64[R, C] with row sums `totals` and column sums as near as swaps get."""
    count = round_rows(values, totals)
    count, wish = count[None].copy(), values[None].copy()
    gap = (count - wish).sum(axis=(0, 1))
    one_group, one_column = np.zeros(1, np.int64), np.zeros(count.shape[1], np.int64)
    residuals = Residuals(gap, gap[:, None].copy(), gap[:, None].copy())
    repair(count, wish, one_group, one_column, residuals)
    return count[0]


def make_rows(
    count: np.ndarray, words: tuple[np.ndarray, np.ndarray], first: np.ndarray,
    weight: np.ndarray, spread: np.ndarray, month: int, scale: float, crew: Crew,
) -> Rows:  # fmt: skip
    """A systematic sample of the counted firms, one row each.

    count   int64[K, Z, P]
    words   uint64[K, Z] and uint64[P]: what cells are called in keys
    first   int64[P + 1]: municipalities of a prefecture are first[p]..first[p + 1]
    weight  float64[M]: pull of a municipality on firms
    spread  float64[Z]: standard deviation of log size
    """
    by_cell = np.moveaxis(count, 1, 2).reshape(-1)  # sector, prefecture, size
    n_sizes, n_places = count.shape[1], count.shape[2]
    total = int(by_cell.sum())
    chosen = np.floor((np.arange(int(total * scale) + 1) + 0.5) / scale).astype(np.int64)
    chosen = chosen[chosen < total]
    before = np.concatenate([[0], np.cumsum(by_cell)])
    cell = np.searchsorted(before, chosen, side="right") - 1
    ordinal = chosen - before[cell]
    sector, size = cell // (n_places * n_sizes), cell % n_sizes
    prefecture = cell // n_sizes % n_places
    n = cell.size
    key, place, uniform = np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, np.float64)
    chosen_firms = _Chosen(
        cell, ordinal, prefecture, words[0][sector, size], words[1][prefecture], month
    )
    crew.run(_place, n, chosen_firms, by_cell, first, np.cumsum(weight), (key, place, uniform))
    large = relative_size(uniform, size, spread)
    group = sector * weight.size + place  # places stand in order of prefecture
    order = ranked(group, key, count.shape[0] * weight.size, KEYS, crew)
    return Rows(
        key[order], sector[order].astype(np.uint8), size[order].astype(np.uint8),
        prefecture[order], place[order].astype(np.int16), large[order],
    )  # fmt: skip


def relative_size(uniform: np.ndarray, size: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Size relative to firms of the same class, float64[n] with mean one: log-normal, cut off.

    uniform float64[n] in (0, 1), size int[n] the class; spread float64[Z] of the logarithm
    """
    log_size = spread[size] * np.clip(ndtri(uniform), -MOST_SPREAD, MOST_SPREAD)
    return np.asarray(np.exp(log_size) / _mean_size(spread)[size])


def _mean_size(spread: np.ndarray) -> np.ndarray:
    """Mean of the exponential of a normal number of this spread, cut off at MOST_SPREAD."""
    c = MOST_SPREAD
    inside = np.exp(spread**2 / 2) * (ndtr(c - spread) - ndtr(-c - spread))
    return inside + ndtr(-c) * (np.exp(spread * c) + np.exp(-spread * c))


class _Chosen(NamedTuple):
    """n firms of the sample, by cell of sector, prefecture and size."""

    cell: np.ndarray  # int64[n]
    ordinal: np.ndarray  # int64[n]: number within the cell
    prefecture: np.ndarray  # int64[n]
    kind_word: np.ndarray  # uint64[n]: what the sector and size are called in keys
    place_word: np.ndarray  # uint64[n]: what the prefecture is called in keys
    month: int


@njit(cache=True, nogil=True)
def _place(chunk, begin, stop, firms, by_cell, first, pull, out):
    """Identity, municipality and size of the firms [begin, stop).

    firms    _Chosen
    by_cell  int64: firms of each cell, at scale 1
    first    int64[P + 1]: municipalities of a prefecture are first[p]..first[p + 1]
    pull     float64[M]: cumulated pull of municipalities on firms
    out      key uint64[n], municipality int64[n], uniform of the size float64[n] in (0, 1)

    The firms of a cell are spread evenly over its municipalities' cumulated pull.
    """
    firms, (key, place, uniform) = borrow(firms), out
    for i in range(begin, stop):
        content = firms.place_word[i] << np.uint64(16) | np.uint64(firms.month)
        key[i] = identity(TAG_FIRM, firms.kind_word[i], content, firms.ordinal[i])
        cell, prefecture = firms.cell[i], firms.prefecture[i]
        start, _ = threefry(TAG_FIRM, LARGE, np.uint64(cell), np.uint64(0))
        lowest, end = np.int64(first[prefecture]), np.int64(first[prefecture + 1])
        below = pull[lowest - 1] if lowest > 0 else 0.0
        at = (firms.ordinal[i] + unit(start)) / by_cell[cell]
        at = below + (at - np.floor(at)) * (pull[end - 1] - below)
        place[i] = min(first_above(pull, lowest, end, at), end - 1)
        x0, _ = threefry(TAG_FIRM, LARGE, key[i], np.uint64(1))
        uniform[i] = unit(x0)


def sectors_taken(rows: Rows, shape: tuple[int, ...]) -> np.ndarray:
    """int64[K, P]: the sector itself where it has firms in the prefecture; else the one with most
    firms there; -1 where there are none at all. A small sample has such cells."""
    cell = rows.sector.astype(np.int64) * shape[1] + rows.prefecture
    firms = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    most = np.where(firms.max(axis=0) > 0, firms.argmax(axis=0), -1)
    own = np.arange(shape[0])[:, None]
    return np.where(firms > 0, own, most[None, :])


def jobs_of(rows: Rows, people: np.ndarray, aim: Targets) -> np.ndarray:
    """Workers of each firm, int64[n]: one each, and the others by size.

    people int64[K, P]: workers of each cell, all of whom get a place. Where there are fewer
    workers than firms, some firms have none.
    """
    n_places = people.shape[1]
    n_sizes = aim.firm_size.size
    cell = rows.sector.astype(np.int64) * n_places + rows.prefecture
    firms = np.bincount(cell * n_sizes + rows.size, minlength=people.size * n_sizes)
    firms = firms.reshape(-1, n_sizes).astype(np.float64)
    here, more = firms.sum(axis=1), people.reshape(-1).astype(np.float64)
    each = more >= here
    more = np.where(each, more - here, more)
    by_size = np.maximum(aim.worker_size * people.sum() - firms.sum(axis=0), 0.0)
    extra = firms * (by_size / np.maximum(firms.sum(axis=0), 1.0))[None, :]
    _meet_both(extra, by_size, more, ROUNDS)
    mean = extra / np.maximum(firms, 1.0)
    weight = np.maximum(mean[cell, rows.size], 1e-9) * rows.large
    return _seats(weight, cell, more.astype(np.int64)) + each[cell]


def _seats(weight: np.ndarray, cell: np.ndarray, total: np.ndarray) -> np.ndarray:
    """int64[n] in proportion to `weight` within each cell (ascending), adding up to its total."""
    running = np.cumsum(weight)
    last = np.searchsorted(cell, np.arange(total.size), side="right") - 1
    first = np.searchsorted(cell, np.arange(total.size))
    below = np.where(first > 0, running[np.maximum(first, 1) - 1], 0.0)
    size = np.maximum(running[np.maximum(last, 0)] - below, 1e-300)
    up_to = np.floor((running - below[cell]) / size[cell] * total[cell] + 1e-6).astype(np.int64)
    filled = last >= first
    up_to[last[filled]] = total[filled]
    before = np.concatenate([[0], up_to[:-1]])
    before[first[filled]] = 0
    return up_to - before


@njit(cache=True)
def _meet_both(table, by_column, by_row, rounds):
    """Iterative proportion, in place: float64[N, Z] by its columns, then by its rows, ..."""
    n, width = table.shape
    factor = np.zeros(width)
    for _ in range(rounds):
        factor[:] = 0.0
        for i in range(n):
            for z in range(width):
                factor[z] += table[i, z]
        for z in range(width):
            factor[z] = by_column[z] / factor[z] if factor[z] > 0 else 0.0
        for i in range(n):
            have = 0.0
            for z in range(width):
                table[i, z] *= factor[z]
                have += table[i, z]
            again = by_row[i] / have if have > 0 else 0.0
            for z in range(width):
                table[i, z] *= again


class StandingTables(NamedTuple):
    """How the standing and the support of a firm are drawn. U standings."""

    status_cut: np.ndarray  # uint64[U] cumulative thresholds
    months: np.ndarray  # int16[U]: how long a standing lasts, 0 = no end
    share: np.ndarray  # uint64[kinds] thresholds: firms that give each kind of support
    certified: int  # the standing of certified firms
    least: np.uint64  # threshold: share of these that give each kind, at least


class Standings(NamedTuple):
    """Standing and support of n firms."""

    status: np.ndarray  # uint8[n]
    until: np.ndarray  # int16[n]: month in which the status ends, 0 = not by itself
    support: np.ndarray  # uint8[n] bits


@njit(cache=True, nogil=True)
def draw_standing(chunk, first, stop, opening, key, tables, out):
    """Standing and support of the firms [first, stop) at the opening, into `out`.

    opening  RunMonth
    key      uint64[n] of the firms
    """
    k0, k1, now = opening
    tables, out = borrow(tables), borrow(out)
    for i in range(first, stop):
        x0, _ = draw(k0, k1, key[i], now, P_FIRM_OPENING, 0)
        status = 0
        while low(x0) >= tables.status_cut[status]:
            status += 1
        out.status[i], out.until[i] = status, 0
        months = np.uint64(tables.months[status])
        if months > 0:
            out.until[i] = now + 1 + np.int64(high(x0) * months >> np.uint64(32))
        least = tables.least if status == tables.certified else np.uint64(0)
        out.support[i] = draw_support(k0, k1, key[i], tables.share, least)


@njit(cache=True)
def draw_support(k0, k1, key, share, least):
    """Bits of support of a firm; shares are uint64[kinds] thresholds, none below `least`.

    The draws are the firm's for life: a higher share adds firms and takes it from none.
    """
    bits = 0
    for j in range(share.size):
        x0, _ = draw(k0, k1, key, 0, P_FIRM_OPENING, 1 + j)
        if low(x0) < max(share[j], least):
            bits |= 1 << j
    return np.uint8(bits)
