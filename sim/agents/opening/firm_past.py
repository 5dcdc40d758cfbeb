"""Foreign workers every October, by tier of job.

In tiers whose statuses ask for a job they are the residents in these statuses, between June and
December, times the share with a job: employers notified three in four of them in 2012 and nearly
all in 2025, so that notifications grew faster than work. The others are as notified, by group of
statuses: a tier is made of groups less others (`notified` and `less` in the configuration).
Octobers without a figure lie on a straight line of logarithms between those that have one; before
the first and after the last the group keeps its share of all workers; a group whose statuses did
not exist yet has none.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping

import numpy as np

from sim.config.schema.firms import Firms
from sim.config.schema.run import RunConfig
from sim.core.clock import EPOCH_YEAR, HALF_YEAR, month_index
from sim.data.load import Data

OCTOBER = 9
"""Months of the year before October."""

EVERYBODY = "total"


def october(year: int) -> int:
    """Month index of an October."""
    return (year - EPOCH_YEAR) * 12 + OCTOBER


def totals(data: Data, quantity: str) -> dict[int, float]:
    """Year -> workers or establishments, published or between two published years."""
    table = data["workers_totals"]
    known = {int(y): float(n) for y, n in zip(table["year"], table[quantity], strict=True)}
    return {year: _between(known, year) for year in range(min(known), max(known) + 1)}


def _between(known: Mapping[int, float], year: int) -> float:
    """On the straight line of logarithms between the nearest known years, constant outside."""
    years = sorted(known)
    logs = [math.log(known[y]) for y in years]
    return known[year] if year in known else math.exp(float(np.interp(year, years, logs)))


def workers_by_tier(config: RunConfig, data: Data, firms: Firms) -> tuple[list[int], np.ndarray]:
    """(years, workers float64[years, T]) by tier, each October with notifications."""
    everybody = totals(data, "workers")
    table, known = data["workers_status"], dict[str, dict[int, float]]()
    for year, group, n in zip(
        *(table[name].tolist() for name in ("year", "status_group", "workers")), strict=True
    ):
        known.setdefault(group, {})[int(year)] = float(n)
    years = sorted(everybody)
    out = np.zeros((len(years), len(firms.tiers)))
    for t, (name, tier) in enumerate(firms.tiers.items()):
        statuses = [config.status[s] for s, of in firms.tier_of.items() if of == name]
        since = min((month_index(s.since) if s.since else 0 for s in statuses), default=0)
        for k, year in enumerate(years):
            if october(year) >= since:
                groups = [(g, 1.0) for g in tier.notified] + [(g, -1.0) for g in tier.less]
                parts = [sign * _group(known, everybody, g, year) for g, sign in groups]
                out[k, t] = max(math.fsum(parts), 0.0)
        if tier.search == "all":
            _residents(data, firms, name, years, out[:, t])
    return years, out


def _residents(data: Data, firms: Firms, tier: str, years: list[int], out: np.ndarray) -> None:
    """Workers float64[years] of a tier from its residents, where these are published: straight
    lines between half-years, and on beyond the last."""
    known = residents_at_work(data, firms, tier)
    months = sorted(known)
    for k, year in enumerate(years):
        month = october(year)
        if month >= months[0] - HALF_YEAR:
            a = max(0, min(bisect(months, month) - 1, len(months) - 2))
            first, last = known[months[a]], known[months[a + 1]]
            slope = (last - first) / (months[a + 1] - months[a])
            out[k] = max(first + slope * (month - months[a]), 0.0)


def residents_at_work(data: Data, firms: Firms, tier: str) -> dict[int, float]:
    """Half-year's end -> residents in the statuses of a tier times the shares with a job."""
    table = data["stocks_status"]
    known: dict[int, float] = {}
    for date, status, people in table[["date", "status", "people"]].itertuples(False):
        if firms.tier_of.get(status) == tier:
            month = month_index(date)
            known[month] = known.get(month, 0.0) + people * firms.employed[status].value
    return known


def _group(
    known: Mapping[str, Mapping[int, float]], everybody: Mapping[int, float], group: str, year: int
) -> float:
    if group == EVERYBODY:
        return everybody[year]
    if group not in known:
        return 0.0
    first, last = min(known[group]), max(known[group])
    if first <= year <= last:
        return _between(known[group], year)
    near = first if year < first else last
    return known[group][near] * everybody[year] / everybody[near]
