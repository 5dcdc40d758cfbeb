"""The residents of the opening half-year, one row each, from the published margins.

Who they are (status, origin, municipality, sex, age band, stage, principal) is fixed by the data
alone and the same in every replicate. Their dates, language and arrears are drawn from the run's
key. A run at a smaller scale holds a systematic sample of the same people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit, prange

from sim.agents import margins
from sim.agents.composition import AGES, STAGES, Composition, Report, compose, municipalities, seeds
from sim.agents.date_tables import DateTables, date_tables
from sim.agents.dates import draw_dates
from sim.agents.households import place_dependants
from sim.agents.joint import shuffled
from sim.agents.margins import Axes
from sim.agents.population import FIELDS, Columns
from sim.data import Data
from sim.errors import InvariantError
from sim.recent import Recent
from sim.rng import TAG_OPENING, identity, low, run_key, threefry
from sim.schema import RunConfig
from sim.tables import word_of

_NOT_OURS: Final = ("risk", "firm", "job_since", "sector", "traits", "event")
MOST_KEPT: Final = 500_000
"""People of an opening sample that is worth its memory."""


@dataclass(frozen=True)
class Opening:
    """The opening residents.

    columns: as population.FIELDS less what a run keeps of the month and of jobs, each of length
        n; rows sorted by municipality, status and key.
    report: for each margin, how far the full count is from it, in people; for `dependants`,
        the share placed at each level.
    """

    columns: dict[str, np.ndarray]
    report: Report


_KEPT: Recent[tuple[Composition, dict[str, np.ndarray], np.ndarray]] = Recent(size=2)


def open_population(config: RunConfig, data: Data, month: int, scale: float) -> Opening:
    """The residents at the end of `month`, a month index, as `scale` of everybody.

    `data` maps table names to the frames of sim/data. Raises DataError if nothing is published
    for the month, or if tables and configuration name different things.
    """
    ax = margins.axes(config, data)
    people = compose(config, data, ax, month)
    prefecture, codes = municipalities(ax, data)
    columns, band = _rows(people, codes, ax, month, scale)
    months, stocks = margins.status_history(data, ax, month)
    _draw(config, date_tables(config, months, stocks, people.ages), columns, band, month)
    columns = _in_order(columns, len(codes), len(ax.statuses))
    sponsored, may_sponsor = _sponsors(config)
    columns["principal"], placed = place_dependants(
        columns, prefecture, sponsored, may_sponsor, month
    )
    return Opening(columns, {**people.report, "dependants": placed})


@njit(cache=True, parallel=True)
def _choose(cells, age_cut, seeds, chosen, out, words, month):
    """Turn the chosen places in the order status, origin, municipality into people.

    cells    int32[S, O, M]
    age_cut  int64[S, A]  cumulative people by sex and band
    seeds    uint64[S]    keys of the permutations that spread sexes and ages over a status
    chosen   int64[n]     places of the sample, ascending
    out      uint8[n, 4] status, origin, sex, band; uint16[n] municipality; uint64[n] key
    words    uint64[S, O] and uint64[M]: what places are called in keys

    A person's key is the hash of status, origin, sex, band, municipality, month and a running
    number among those who are alike in all of these.
    """
    n_origins, n_places, n_ages = cells.shape[1], cells.shape[2], age_cut.shape[1]
    codes, place, key = out
    size = np.zeros(cells.shape[0] * n_origins, np.int64)
    for pair in prange(size.size):
        for m in range(n_places):
            size[pair] += cells[pair // n_origins, pair % n_origins, m]
    for pair in prange(size.size):
        s, o = pair // n_origins, pair % n_origins
        before = size[:pair].sum()  # people up to this pair
        i = before - size[: s * n_origins].sum()  # running number within the status
        row = np.searchsorted(chosen, before)
        alike = np.zeros(n_ages, np.int64)
        for m in range(n_places):
            end = before + cells[s, o, m]
            if row == chosen.size or chosen[row] >= end:  # nobody here is in the sample
                i, before = i + end - before, end
                continue
            alike[:] = 0
            while before < end:
                seat = shuffled(i, age_cut[s, n_ages - 1], seeds[s])
                age = np.searchsorted(age_cut[s], seat, side="right")
                if row < chosen.size and chosen[row] == before:
                    codes[row, 0], codes[row, 1] = s, o
                    codes[row, 2], codes[row, 3] = age // (n_ages // 2), age % (n_ages // 2)
                    place[row] = m
                    content = words[0][s, o] << np.uint64(8) | np.uint64(age)
                    where = words[1][m] << np.uint64(16) | np.uint64(month)
                    key[row] = identity(TAG_OPENING, content, where, alike[age])
                    row += 1
                alike[age] += 1
                i, before = i + 1, before + 1


def _rows(
    people: Composition, codes: list[str], ax: Axes, month: int, scale: float
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of the sampled people with who they are, and their age bands, uint8[n].

    A small sample is kept for the next run: finding it means counting through everybody.
    """
    if people.cells.sum(dtype=np.int64) * scale > MOST_KEPT:
        return _sampled(people, codes, ax, month, scale)
    key = (id(people), tuple(ax.statuses), tuple(ax.origins), tuple(codes), month, scale)
    made = _KEPT.get(key, lambda: (people, *_sampled(people, codes, ax, month, scale)))
    return {name: column.copy() for name, column in made[1].items()}, made[2].copy()


def _sampled(
    people: Composition, codes: list[str], ax: Axes, month: int, scale: float
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    total = int(people.cells.sum(dtype=np.int64))
    chosen = np.floor((np.arange(int(total * scale) + 1) + 0.5) / scale).astype(np.int64)
    chosen = chosen[chosen < total]
    columns = {
        name: np.zeros(chosen.size, dtype)
        for name, (dtype, _) in FIELDS.items()
        if name not in _NOT_OURS
    }
    fixed = np.zeros((chosen.size, 4), np.uint8)
    cut = np.cumsum(people.ages, axis=1)
    pairs = [[word_of(f"{s} {o}") for o in ax.origins] for s in ax.statuses]
    words = np.array(pairs, np.uint64), np.array([word_of(code) for code in codes], np.uint64)
    out = fixed, columns["municipality"], columns["key"]
    _choose(people.cells, cut, seeds(AGES, len(ax.statuses), month), chosen, out, words, month)
    columns["status"][:], columns["origin"][:], columns["sex"][:] = fixed.T[:3]
    keys = np.sort(columns["key"])
    if (keys[1:] == keys[:-1]).any():
        raise InvariantError("two opening residents have the same key")
    return columns, fixed[:, 3].copy()


@njit(cache=True, parallel=True)
def _set_stage(key, status, cut, month, kind, stage):
    """Stage of each person by a hash of the key; cut uint64[S, G]."""
    for i in prange(key.size):
        word, _ = threefry(TAG_OPENING, kind, key[i], np.uint64(month))
        g = 0
        while low(word) >= cut[status[i], g]:
            g += 1
        stage[i] = g


def _draw(
    config: RunConfig,
    tables: DateTables,
    columns: dict[str, np.ndarray],
    band: np.ndarray,
    month: int,
) -> None:
    """Stages, then everything that depends on the seed."""
    _set_stage(columns["key"], columns["status"], tables.stage_cut, month, STAGES, columns["stage"])
    none = dict.fromkeys(_NOT_OURS, np.zeros(0, np.uint8))
    view = Columns(**columns, **none)
    k0, k1 = run_key(config.seed, config.replicate)
    draw_dates(tables, k0, k1, month, view, band)


@njit(cache=True, parallel=True)
def _sort_inside(first, order, key):
    """Sort each stretch first[b]..first[b + 1] of `order`, row numbers, by key."""
    for b in prange(first.size - 1):
        part = order[first[b] : first[b + 1]]
        if part.size > 1:
            part[:] = part[np.argsort(key[part])]


def _in_order(
    columns: dict[str, np.ndarray], n_places: int, n_statuses: int
) -> dict[str, np.ndarray]:
    """The columns sorted by municipality, status and key."""
    cell = columns["municipality"].astype(np.int64) * n_statuses + columns["status"]
    order = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[order], np.arange(n_places * n_statuses + 1))
    _sort_inside(first, order, columns["key"])
    return {name: column[order] for name, column in columns.items()}


def _sponsors(config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    """Statuses that depend on a principal, bool[S], and whom they may depend on, bool[S, S]."""
    names = config.country.statuses
    of = [config.status[name].sponsor for name in names]
    may = [[sponsor is not None and name in sponsor.of for name in names] for sponsor in of]
    return np.array([sponsor is not None for sponsor in of]), np.array(may)
