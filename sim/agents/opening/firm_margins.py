"""What is published about the firms that employ foreign workers, as the margins of an opening.

Axes: status of residence S, sector K, size Z, prefecture P. Every share refers to the latest
notifications (October of a year); where an industry is missing in the latest year, its share of
an earlier year fills what the published ones leave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sim.agents.opening.fitting import ratio
from sim.config.schema.firms import Firms
from sim.config.schema.run import RunConfig
from sim.core.clock import EPOCH_YEAR
from sim.core.errors import DataError
from sim.data.load import Data

ROUNDS: Final = 400

MIDYEAR: Final = 9
"""Month of the projections, 1 October, counted from January."""

TOTAL: Final = "total"

NEIGHBOUR: Final = 0.02
"""Start of the fit of commuting: how likely a prefecture of the region is against one's own."""


@dataclass(frozen=True)
class Targets:
    """Shares that add up to one, and the tables behind the jobs of each status."""

    firm_sector: np.ndarray  # float64[K] of establishments
    firm_size: np.ndarray  # float64[Z]
    firm_prefecture: np.ndarray  # float64[P]
    worker_sector: np.ndarray  # float64[K] of workers
    worker_size: np.ndarray  # float64[Z]
    worker_prefecture: np.ndarray  # float64[P]
    groups: dict[str, int]  # published workers by group of statuses, latest
    workers: int  # published workers, latest
    published: np.ndarray  # float64[S, K] share of a status's workers, NaN where not published


def targets(config: RunConfig, data: Data, firms: Firms) -> Targets:
    """The margins of the opening. Raises DataError if an industry of a sector has no figures."""
    industry, totals = data["workers_industry"], data["workers_totals"]
    last = int(totals["year"].to_numpy().argmax())
    all_workers, all_firms = (
        int(totals[name].iloc[last]) for name in ("workers", "establishments")
    )
    sizes = list(firms.sizes.values())
    worker = _sectors(industry, "workers", "share_of_workers", all_workers, firms)
    firm = _sectors(industry, "establishments", "share_of_establishments", all_firms, firms)
    prefectures = sorted(config.prefecture)
    return Targets(
        firm_sector=firm,
        firm_size=np.array([size.establishments.value for size in sizes]),
        firm_prefecture=_prefectures(data, "share_of_establishments", prefectures),
        worker_sector=worker,
        worker_size=np.array([size.workers.value for size in sizes]),
        worker_prefecture=_prefectures(data, "share_of_workers", prefectures),
        groups=_groups(data, firms),
        workers=all_workers,
        published=_published(config, data, firms),
    )


def _sectors(
    table: pd.DataFrame, quantity: str, share: str, total: int, firms: Firms
) -> np.ndarray:
    """Shares float64[K] of the sectors: the latest figures, the others scaled to what is left."""
    industries = [name for sector in firms.sectors.values() for name in sector.industries]
    known: dict[int, dict[str, float]] = {}
    for year, industry, value in _rows(table, quantity, "industry"):
        if industry in industries:
            known.setdefault(year, {})[industry] = value
    full = [year for year, values in known.items() if len(values) == len(industries)]
    if not full:
        raise DataError(f"workers_industry: no year has {quantity} of every industry of firms")
    base = known[max(full)]
    later = {}
    for year, industry, value in _rows(table, share, "industry"):
        if year > max(full) and industry in industries:
            later[industry] = value / 100.0
    for year in sorted(year for year in known if year > max(full)):
        later |= {industry: value / total for industry, value in known[year].items()}
    rest = math.fsum(value for industry, value in base.items() if industry not in later)
    left = (1.0 - math.fsum(later.values())) / rest
    shares = {name: later.get(name, base[name] * left) for name in industries}
    by_sector = [
        math.fsum(shares[i] for i in sector.industries) for sector in firms.sectors.values()
    ]
    return np.array(by_sector) / math.fsum(by_sector)


def _rows(table: pd.DataFrame, quantity: str, by: str) -> list[tuple[int, str, float]]:
    """(year, code, value) of one quantity, in order of year."""
    chosen = table[table["quantity"] == quantity].sort_values("year", kind="stable")
    columns = (chosen[name].tolist() for name in ("year", by, "value"))
    return list(zip(*columns, strict=True))


def _prefectures(data: Data, quantity: str, codes: Sequence[str]) -> np.ndarray:
    """Shares float64[P] of the latest year that has every prefecture."""
    known: dict[int, dict[str, float]] = {}
    for year, code, value in _rows(data["workers_prefecture"], quantity, "prefecture"):
        known.setdefault(year, {})[code] = value
    full = [year for year, values in known.items() if set(codes) <= set(values)]
    if not full:
        raise DataError(f"workers_prefecture: no year has {quantity} of every prefecture")
    values = np.array([known[max(full)][code] for code in codes])
    return values / values.sum()


def _groups(data: Data, firms: Firms) -> dict[str, int]:
    table = data["workers_status"]
    columns = (table[name].tolist() for name in ("status_group", "year", "workers"))
    latest = {group: n for group, _, n in sorted(zip(*columns, strict=True))}
    return {group: int(latest[group]) for group in firms.groups.of if group in latest}


def _published(config: RunConfig, data: Data, firms: Firms) -> np.ndarray:
    """float64[S, K]: published share of each status's workers in a sector, else NaN."""
    table = data["workers_status_industry"]
    table = table[table["year"] == table["year"].max()]
    columns = (table[name].tolist() for name in ("status_group", "industry", "share"))
    known = {(group, industry): share for group, industry, share in zip(*columns, strict=True)}
    out = np.full((len(config.country.statuses), len(firms.sectors)), np.nan)
    for mix in firms.mixes.values():
        for k, sector in enumerate(firms.sectors.values()):
            cells = [(mix.table, industry) for industry in sector.industries]
            if all(cell in known for cell in cells):
                for status in mix.statuses:
                    s = config.country.statuses.index(status)
                    out[s, k] = math.fsum(known[cell] for cell in cells)
    return out


def fit_jobs(config: RunConfig, firms: Firms, aim: Targets, workers: np.ndarray) -> np.ndarray:
    """Shares float64[S, K] of the sectors in the jobs of each status; rows add to one or are 0.

    workers float64[S]: employed. Published shares are kept; the other cells are fitted, by
    iterative proportion from the configuration's mixes, so that the sectors' workers are met as
    far as the published ones leave room.
    """
    fixed = np.nan_to_num(aim.published) * workers[:, None]
    free = np.zeros_like(fixed)
    for mix in firms.mixes.values():
        for status in mix.statuses:
            s = config.country.statuses.index(status)
            row = np.array([mix.shares.get(sector, 0.0) for sector in firms.sectors])
            free[s] = np.where(np.isnan(aim.published[s]), row, 0.0)
    left = np.maximum(workers - fixed.sum(axis=1), 0.0)
    column = np.maximum(aim.worker_sector * workers.sum() - fixed.sum(axis=0), 0.0)
    for _ in range(ROUNDS):
        free *= ratio(column, free.sum(axis=0))[None, :]
        free *= ratio(left, free.sum(axis=1))[:, None]
    jobs = fixed + free
    return jobs * ratio(np.ones(workers.size), jobs.sum(axis=1))[:, None]


def fit_commuting(
    config: RunConfig, stay: np.ndarray, mobile: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Where those who may commute work: float64[P, P], home to work; rows add to one.

    stay    float64[P]  workers who work where they live
    mobile  float64[P]  the others
    share   float64[P]  published share of workers by prefecture of the firm

    Workers cross borders only within a region.
    """
    prefectures = [config.prefecture[code] for code in sorted(config.prefecture)]
    region = np.array([prefecture.region for prefecture in prefectures])
    seed = np.where(region[:, None] == region[None, :], NEIGHBOUR, 0.0)
    np.fill_diagonal(seed, 1.0)
    total = stay.sum() + mobile.sum()
    wanted = np.maximum(share * total - stay, 0.05 * mobile)
    wanted *= ratio(np.array([mobile.sum()]), np.array([wanted.sum()]))
    flow = seed * mobile[:, None]
    for _ in range(ROUNDS):
        flow *= ratio(wanted, flow.sum(axis=0))[None, :]
        flow *= ratio(mobile, flow.sum(axis=1))[:, None]
    rows = flow.sum(axis=1, keepdims=True)
    return np.where(rows > 0, flow / np.maximum(rows, 1e-300), np.eye(share.size))


def workforce(config: RunConfig, data: Data, month: int) -> tuple[np.ndarray, np.ndarray]:
    """(months float64[Y], people of working age float64[Y, P] relative to `month`).

    By the official projections: the prefecture's population times the nation's share of 15 to 64;
    prefectures keep their share of the nation after their last year. Nothing else is published by
    prefecture before 2050. Where no projection is known yet, they stay as many.
    """
    if data["projection_national"].empty or data["projection_prefecture"].empty:
        return np.array([float(month)]), np.ones((1, len(config.prefecture)))
    nation: dict[str, dict[int, float]] = {}
    table = data["projection_national"]
    for year, quantity, value in zip(
        *(table[name].tolist() for name in ("year", "quantity", "value")), strict=True
    ):
        nation.setdefault(quantity, {})[year] = value
    total, able = nation["population"], nation["population_age_15_64"]
    local = data["projection_prefecture"]
    local = local[local["age_group"] == TOTAL].sort_values(["year", "prefecture"], kind="stable")
    known = sorted(local["year"].unique().tolist())
    people = local["people"].to_numpy(np.float64).reshape(len(known), -1)
    years = sorted(set(total) & set(able))
    if not years or known[0] > years[0] or people.shape[1] != len(config.prefecture):
        raise DataError("the projections of nation and prefectures do not fit each other")
    rows = [
        people[known.index(y)] if y in known else people[-1] * total[y] / total[known[-1]]
        for y in years
    ]
    working = np.array(rows) * np.array([able[y] / total[y] for y in years])[:, None]
    months = np.array([(y - EPOCH_YEAR) * 12.0 + MIDYEAR for y in years])
    start = np.array([np.interp(month, months, column) for column in working.T])
    return months, working / start
