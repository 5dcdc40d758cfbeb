"""Who the opening residents are, as counts: status, origin, municipality, sex and age band.

Fixed by the published figures alone, the same in every replicate. What is assumed where nothing is
published: age and sex within a status are the same everywhere; at other dates than those of the
prefecture tables, status and origin are placed in the pattern of the latest ones, within the
prefecture totals of the date; people without a permit live where residents of their origin live
and have the ages and sexes of all residents within the limits of age of their status.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.agents.opening import margins
from sim.agents.opening.fitting import (
    Seating,
    fit_places,
    fit_totals,
    prefecture_residuals,
    round_rows,
    seat_residents,
    whole_places,
)
from sim.agents.opening.margins import N_BANDS, Axes
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.errors import DataError
from sim.core.memory import ByIdentity
from sim.core.rng import TAG_OPENING, identity
from sim.core.threads import Crew
from sim.data.load import Data

Report = dict[str, dict[str, float]]

Limits = tuple[tuple[int, int], ...]
"""Lowest and highest age of the residents of each status."""

# Words that keep the keyed permutations of the composition apart from one another.
SEATS, IRREGULAR_SEATS, AGES, STAGES = (np.uint64(n) for n in range(1, 5))


@dataclass(frozen=True)
class Composition:
    """Everybody, as counts. Nobody may change its arrays."""

    cells: np.ndarray  # int32[S, O, M]
    ages: np.ndarray  # int64[S, 2 * N_BANDS] by sex and band; rows add up as cells
    report: Report


_COMPOSITIONS: Final[ByIdentity[Composition]] = ByIdentity(size=2)
"""By data, and what of the settings it depends on. Takes 0.7 s; runs that differ in their rates or
their seed have the same."""


def compose_residents(
    config: RunConfig, data: Data, ax: Axes, month: int, crew: Crew
) -> Composition:
    """Whole counts of everybody by status, origin and municipality, and by sex and age band."""
    openings = [config.status[name].opening for name in ax.statuses]
    limits = tuple((opening.min_age, opening.max_age) for opening in openings)
    irregular = config.country.irregular
    names = tuple(ax.statuses), tuple(ax.origins), tuple(ax.prefectures)
    also = (names, month, irregular, limits)
    return _COMPOSITIONS.get(
        (data,), lambda: _compose(irregular, limits, data, ax, month, crew), also
    )


def _compose(
    irregular: str, limits: Limits, data: Data, ax: Axes, month: int, crew: Crew
) -> Composition:
    people = margins.status_origin(data, ax, month)
    tables = margins.prefecture_tables(data, ax, month)
    reference = margins.status_origin(data, ax, month_index(tables.date))
    shares = fit_places(ax, reference, tables)
    if month_index(tables.date) == month:
        wish = shares * people[:, :, None]
    else:
        wish = fit_totals(people, shares, margins.prefecture_shares(data, ax, month))
    count = whole_places(ax, people, wish)
    hidden = _irregular(irregular, data, ax, month, wish)
    cells = _seated(data, ax, count, month, SEATS, crew)
    cells += _seated(data, ax, hidden, month, IRREGULAR_SEATS, crew)
    published = _published_ages(limits, margins.age_sex(data, ax, month))
    totals = cells.sum(axis=(1, 2), dtype=np.int64)
    ages = round_rows(published, totals)
    share = totals[:, None] / np.maximum(published.sum(axis=1, keepdims=True), 1e-9)
    gap = cells.sum(axis=2) - hidden.sum(axis=2) - people
    report = {
        "status": _residual(gap.sum(axis=1)),
        "status_origin": _residual(gap),
        **_place_report(ax, count, wish),
        "status_age_sex": _residual(ages - published * share),
    }
    return Composition(cells, ages, report)


def _irregular(name: str, data: Data, ax: Axes, month: int, wish: np.ndarray) -> np.ndarray:
    """People without a permit, int64[S, O, P]: they live where residents of their origin live."""
    by_origin = margins.irregular_by_origin(data, ax, month)
    total = np.array(round(by_origin.sum()))
    whole = round_rows(by_origin, total)
    count = np.zeros(wish.shape, np.int64)
    count[ax.statuses.index(name)] = round_rows(wish.sum(axis=0), whole)
    return count


def municipalities(ax: Axes, data: Data) -> tuple[np.ndarray, list[str]]:
    """Row of the prefecture of each municipality, int64[M], and their codes in order."""
    table = data["municipalities"].sort_values("municipality")
    row = {code: k for k, code in enumerate(ax.prefectures)}
    prefecture = np.array([row[str(code)] for code in table["prefecture"]])
    if (np.diff(prefecture) < 0).any():
        raise DataError("municipalities of one prefecture must stand together, in order of code")
    return prefecture, [str(code) for code in table["municipality"]]


def seeds(kind: np.uint64, n: int, month: int) -> np.ndarray:
    """uint64[n] keys of permutations."""
    keys = [identity(TAG_OPENING, kind, np.uint64(i), month) for i in range(n)]
    return np.array(keys, np.uint64)


def _seated(
    data: Data, ax: Axes, count: np.ndarray, month: int, kind: np.uint64, crew: Crew
) -> np.ndarray:
    """The people of each prefecture in its municipalities, int32[S, O, M].

    Municipal totals are in proportion to the foreign residents of the register.
    """
    prefecture, codes = municipalities(ax, data)
    weights = margins.municipal_weights(data, codes, month)
    first = np.searchsorted(prefecture, np.arange(len(ax.prefectures) + 1))
    seats = np.zeros(len(codes), np.int64)
    for p, total in enumerate(count.sum(axis=(0, 1))):
        span = slice(first[p], first[p + 1])
        seats[span] = round_rows(weights[span], total)
    cells = np.zeros((*count.shape[:2], len(codes)), np.int32)
    keys = seeds(kind, len(ax.prefectures), month)
    seating = Seating(seats, first, keys)
    crew.run(seat_residents, int(seats.sum()), count, seating, cells)
    return cells


def _published_ages(limits: Limits, ages: np.ndarray) -> np.ndarray:
    """Weights by sex and band, float64[S, 2 * N_BANDS], from `margins.age_sex`.

    A status that was never published takes the ages of all residents within its limits.
    """
    by_band = ages[:-1].reshape(len(ages) - 1, -1).copy()
    for s, (youngest, oldest) in enumerate(limits):
        if by_band[s].sum() == 0:
            lowest = 5 * np.arange(N_BANDS)
            inside = (lowest + 4 >= youngest) & (lowest <= oldest)
            by_band[s] = np.where(inside, ages[-1], 0.0).ravel()
    return by_band


def _residual(gap: np.ndarray) -> dict[str, float]:
    return {"worst": float(np.abs(gap).max()), "mean": float(np.abs(gap).mean())}


def _place_report(ax: Axes, count: np.ndarray, wish: np.ndarray) -> Report:
    """How far the people are from each margin of places; fractions of a person cannot be met."""
    by_group, by_column = prefecture_residuals(ax, count, wish)
    return {
        "prefecture": _residual((count - wish).sum(axis=(0, 1))),
        "prefecture_group": _residual(by_group),
        "prefecture_origin": _residual(by_column),
        "status_origin_prefecture": _residual(count - wish),
    }
