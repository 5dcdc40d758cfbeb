"""What the dates of opening residents are drawn from: cumulative tables by status.

The published stocks do not say when people took their status. Tenure follows from how the stock
grew: people who entered k months ago number what came in then, thinned by those who have left
since. Only stocks up to the opening are used.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from sim.clock import calendar_month
from sim.schema import RunConfig, Status

LONGEST: Final = 720
"""Months of tenure, and of stay before it, beyond which nobody is placed."""
FULL: Final = 1 << 32


class DateTables(NamedTuple):
    """Cumulative tables, uint64 in parts of 2**32. S statuses, G stages, L lengths."""

    youngest: np.ndarray  # int64[S] months of age
    oldest: np.ndarray  # int64[S]
    born_here: np.ndarray  # uint64[S]
    tenure: np.ndarray  # uint64[S, LONGEST] of the renewable: what came in, thinned by leavers
    inflow: np.ndarray  # uint64[S, LONGEST] of those whose permit is not renewed: what came in
    earlier: np.ndarray  # uint64[S, LONGEST]
    longest: np.ndarray  # int64[S] months of the longest stay
    once: np.ndarray  # bool[S, G] course or only permit: it ends with no renewal
    once_length: np.ndarray  # int64[S, G, L]
    once_cut: np.ndarray  # uint64[S, G, L] weighted by how many of each length are still here
    length: np.ndarray  # int64[2, S, L] permit lengths at first and on renewal, 0 = no permit
    length_cut: np.ndarray  # uint64[2, S, L]
    language: np.ndarray  # uint64[S, 5]
    arrears: np.ndarray  # uint64[S, 3]
    stage_cut: np.ndarray  # uint64[S, G]
    counts: np.ndarray  # bool[S] months count for permanent residence


def _cumulative(weights: np.ndarray) -> np.ndarray:
    """uint64 thresholds of weights float64[..., K]; weights of zero give zeros."""
    total = np.cumsum(weights, axis=-1)
    whole = total[..., -1:]
    share = np.divide(total, whole, out=np.zeros_like(total), where=whole > 0)
    return np.floor(share * FULL).astype(np.uint64)


def monthly_inflow(
    months: np.ndarray, stocks: np.ndarray, turnover: np.ndarray, season: np.ndarray
) -> np.ndarray:
    """Who came in k months before the last of `months`: float64[S, LONGEST], any unit.

    months    int64[T]      months of published stocks, the last one the opening
    stocks    float64[T, S] straight lines in between, level before the first
    turnover  float64[S]    leavers a year
    season    float64[S, 12] weight of each calendar month
    """
    ago = months[-1] - np.arange(LONGEST + 1)
    path = np.array([np.interp(ago, months, column) for column in stocks.T])
    change = path[:, :-1] - path[:, 1:]
    inflow = np.maximum(change + turnover[:, None] / 12 * path[:, 1:], 0.0)
    return inflow * season[:, [calendar_month(int(m)) - 1 for m in ago[:-1]]]


def _season(config: RunConfig, name: str) -> list[float]:
    """Weight of each calendar month of entry: that of arrivals, level for other statuses."""
    channel = config.arrivals.channels.get(name)
    return [1.0 if channel is None else channel.season.get(m, 1.0) for m in range(1, 13)]


def _ends_for_good(status: Status) -> bool:
    """True if the shares of outcomes at the end of a permit leave nobody to be renewed."""
    return sum(fate.share or 0.0 for fate in status.at_end.values()) >= 1 - 1e-9


def _put(length: np.ndarray, cut: np.ndarray, mix: dict[int, float], reach: np.ndarray) -> None:
    """One mix of lengths; each share is weighted by reach[length]."""
    months = np.array(sorted(mix))
    weights = np.array([mix[m] for m in months]) * reach[months]
    if weights.sum() == 0:
        weights = np.array([mix[m] for m in months])
    length[: months.size] = months
    cut[:] = FULL
    cut[: months.size] = _cumulative(weights)


def date_tables(config: RunConfig, months: np.ndarray, stocks: np.ndarray) -> DateTables:
    """All tables; `months` int64[T] and `stocks` int64[T, S] as `margins.status_history`."""
    names = config.country.statuses
    statuses = [config.status[name] for name in names]
    opening = [status.opening for status in statuses]
    turnover = np.array([o.turnover for o in opening])
    stocks = np.where(stocks.any(axis=0), stocks, 1.0)  # never published: level
    season = np.array([_season(config, name) for name in names])
    inflow = monthly_inflow(months, stocks, turnover, season)
    ago = np.arange(LONGEST)
    survival = np.exp(-turnover[:, None] / 12 * ago)
    mean = np.array([12 * o.earlier_years for o in opening])[:, None]
    owing = np.array([[o.nhi_arrears, o.pension_arrears, o.tax_arrears] for o in opening])
    earlier = np.where(ago == 0, 1.0, 0.0)
    earlier = np.where(mean > 0, np.exp(-ago / np.maximum(mean, 1e-9)), earlier)
    return DateTables(
        youngest=np.array([12 * o.min_age for o in opening]),
        oldest=np.array([12 * o.max_age + 11 for o in opening]),
        born_here=np.array([math.floor(o.born_share * FULL) for o in opening], np.uint64),
        tenure=_cumulative(inflow * survival),
        inflow=_cumulative(inflow),
        earlier=_cumulative(earlier),
        longest=np.array([_longest(status) for status in statuses]),
        **_permit_tables(statuses, inflow),
        language=_cumulative(np.array([o.language for o in opening])),
        arrears=np.floor(FULL * owing).astype(np.uint64),
        stage_cut=_stage_cuts(statuses),
        counts=np.array([status.counts_for_pr for status in statuses]),
    )


def _longest(status: Status) -> int:
    return LONGEST if status.longest_stay is None else int(status.longest_stay.value)


def _stage_cuts(statuses: list[Status]) -> np.ndarray:
    cuts = np.full((len(statuses), _most_stages(statuses)), FULL, np.uint64)
    for s, status in enumerate(statuses):
        if status.stages:
            shares = np.array([stage.share for stage in status.stages.values()])
            cuts[s, : shares.size] = _cumulative(shares)
    return cuts


def _most_stages(statuses: list[Status]) -> int:
    return max(1, *(len(status.stages) for status in statuses))


def _permit_tables(statuses: list[Status], inflow: np.ndarray) -> dict[str, np.ndarray]:
    """The tables of DateTables that concern lengths of permits and courses."""
    mixes = [m for s in statuses if s.permits for m in (s.permits.first, s.permits.renewed)]
    mixes += [stage.months for s in statuses for stage in s.stages.values() if stage.months]
    n, n_lengths = _most_stages(statuses), max((len(mix) for mix in mixes), default=1)
    once = np.zeros((len(statuses), n), np.bool_)
    once_length = np.ones((len(statuses), n, n_lengths), np.int64)
    once_cut = np.full(once_length.shape, FULL, np.uint64)
    length = np.zeros((2, len(statuses), n_lengths), np.int64)
    length_cut = np.full(length.shape, FULL, np.uint64)
    for s, status in enumerate(statuses):
        reach = np.append(0.0, np.cumsum(inflow[s]))
        if status.permits is not None:
            _put(length[0, s], length_cut[0, s], status.permits.first, np.ones(LONGEST + 1))
            _put(length[1, s], length_cut[1, s], status.permits.renewed, np.ones(LONGEST + 1))
            if _ends_for_good(status):
                once[s] = True
                for g in range(n):
                    _put(once_length[s, g], once_cut[s, g], status.permits.first, reach)
        for g, stage in enumerate(status.stages.values()):
            if stage.months is not None:
                once[s, g] = True
                _put(once_length[s, g], once_cut[s, g], stage.months, reach)
    return {
        "once": once,
        "once_length": once_length,
        "once_cut": once_cut,
        "length": length,
        "length_cut": length_cut,
    }
