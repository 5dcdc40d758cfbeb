"""Cumulative tables by status from which the dates of opening residents are drawn.

The published stocks do not say when people took their status. Tenure follows from how the stock
grew: people who entered k months ago number what came in then, thinned by those who have left
since. Only stocks up to the opening are used.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from sim.config.fates import share_ending, with_events
from sim.config.schema.run import RunConfig, Status
from sim.core.clock import calendar_month
from sim.core.probability import FULL

LONGEST: Final = 720
"""Months of tenure, and of stay before it, beyond which nobody is placed."""


GUIDE_BITS: Final = 8
"""Upper bits of a 32-bit draw that narrow down where in a cumulative table it falls."""

FEW_RENEWED: Final = 0.5
"""Permits of which no more than this share is renewed end for good, for most."""

CLOSE: Final = 1e-9

FIRST_PERMIT, RENEWED_PERMIT = range(2)
"""Rows of `length` and `length_cut`."""


class DateTables(NamedTuple):
    """Cumulative tables, uint64 in parts of 2**32. S statuses, G stages, L lengths.

    The guide of a table says where a draw with given upper bits falls in it, see `_guide`.
    """

    youngest: np.ndarray  # int64[S] months of age
    oldest: np.ndarray  # int64[S]
    born_here: np.ndarray  # uint64[S, N_BANDS] born in Japan, by age: the youngest of the status
    tenure: np.ndarray  # uint64[S, LONGEST] of the renewable: what came in, thinned by leavers
    inflow: np.ndarray  # uint64[S, LONGEST] of those whose permits end for good: what came in
    earlier: np.ndarray  # uint64[S, LONGEST]
    tenure_guide: np.ndarray  # uint16[S, 2**GUIDE_BITS + 1], as the next two
    inflow_guide: np.ndarray
    earlier_guide: np.ndarray
    longest: np.ndarray  # int64[S] months of the longest stay
    ends: np.ndarray  # bool[S, G] most permits (or courses) end for good
    end_start: np.ndarray  # int64[S, G, N] start of the present permit after taking the status
    end_length: np.ndarray  # int64[S, G, N] its length
    end_cut: np.ndarray  # uint64[S, G, N] weighted by how many are still inside such a permit
    length: np.ndarray  # int64[2, S, L] months by FIRST_PERMIT and RENEWED_PERMIT; 0 = no permit
    length_cut: np.ndarray  # uint64[2, S, L]
    language: np.ndarray  # uint64[S, 5]
    arrears: np.ndarray  # uint64[S, 3]
    pays: np.ndarray  # int64[3, 2] first and last month of age that pays, in the order of arrears
    stage_cut: np.ndarray  # uint64[S, G]
    counts: np.ndarray  # bool[S] months count for permanent residence


def _cumulative(weights: np.ndarray) -> np.ndarray:
    """uint64 thresholds of weights float64[..., K]; weights of zero give zeros."""
    total = np.cumsum(weights, axis=-1)
    whole = total[..., -1:]
    share = np.divide(total, whole, out=np.zeros_like(total), where=whole > 0)
    return np.floor(share * FULL).astype(np.uint64)


def _guide(cut: np.ndarray) -> np.ndarray:
    """uint16[S, 2**GUIDE_BITS + 1]: first index of each row above each step, else its length."""
    steps = np.arange((1 << GUIDE_BITS) + 1, dtype=np.uint64) << np.uint64(32 - GUIDE_BITS)
    found = [np.searchsorted(row, steps, side="right") for row in cut]
    return np.array(found, np.uint16)


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


def _put(length: np.ndarray, cut: np.ndarray, mix: dict[int, float]) -> None:
    months = sorted(mix)
    length[: len(months)] = months
    cut[: len(months)] = _cumulative(np.array([mix[m] for m in months]))


def date_tables(
    config: RunConfig, months: np.ndarray, stocks: np.ndarray, ages: np.ndarray
) -> DateTables:
    """All tables.

    months  int64[T] and stocks int64[T, S] as `margins.status_history`
    ages    int64[S, 2 * N_BANDS] residents by sex and band
    """
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
    paying = config.life.paying_ages
    earlier = np.where(ago == 0, 1.0, 0.0)
    earlier = np.where(mean > 0, np.exp(-ago / np.maximum(mean, 1e-9)), earlier)
    long = {"tenure": inflow * survival, "inflow": inflow, "earlier": earlier}
    cumulated = {name: _cumulative(weights) for name, weights in long.items()}
    return DateTables(
        youngest=np.array([12 * o.min_age for o in opening]),
        oldest=np.array([12 * o.max_age + 11 for o in opening]),
        born_here=_born_here(np.array([o.born_share for o in opening]), ages),
        **cumulated,
        **{f"{name}_guide": _guide(cut) for name, cut in cumulated.items()},
        longest=np.array([_longest(status) for status in statuses]),
        **_lengths(statuses),
        **_endings(config, inflow, int(months[-1])),
        language=_cumulative(np.array([o.language for o in opening])),
        arrears=np.floor(FULL * owing).astype(np.uint64),
        pays=12 * np.array([paying.nhi, paying.pension, paying.tax]) + [0, 11],
        stage_cut=_stage_cuts(statuses),
        counts=np.array([status.counts_for_pr for status in statuses]),
    )


def _born_here(share: np.ndarray, ages: np.ndarray) -> np.ndarray:
    """Thresholds by band, uint64[S, N_BANDS]: as many of the youngest as make up the share.

    share  float64[S]. Who was born here is younger than who came (assumption).
    """
    people = ages.reshape(len(share), 2, -1).sum(axis=1)
    younger = np.cumsum(people, axis=1) - people
    wanted = (share * people.sum(axis=1))[:, None] - younger
    part = np.clip(wanted / np.maximum(people, 1), 0.0, 1.0)
    return np.floor(part * FULL).astype(np.uint64)


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


def _lengths(statuses: list[Status]) -> dict[str, np.ndarray]:
    """Tables `length` and `length_cut`."""
    permits = [status.permits for status in statuses]
    n = max((len(mix) for p in permits if p for mix in (p.first, p.renewed)), default=1)
    length = np.zeros((2, len(statuses), n), np.int64)
    cut = np.full(length.shape, FULL, np.uint64)
    for s, permit in enumerate(permits):
        if permit is not None:
            _put(length[FIRST_PERMIT, s], cut[FIRST_PERMIT, s], permit.first)
            _put(length[RENEWED_PERMIT, s], cut[RENEWED_PERMIT, s], permit.renewed)
    return {"length": length, "length_cut": cut}


def _endings(config: RunConfig, inflow: np.ndarray, month: int) -> dict[str, np.ndarray]:
    """Tables `ends` and `end_*`: who takes a course, or a permit that few have renewed.

    Nobody of them has been here longer than the permits last, so tenure follows what came in
    within that time. At most one renewal is looked at.
    """
    names = config.country.statuses
    statuses = [config.status[name] for name in names]
    found: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for s, status in enumerate(statuses):
        reach = np.append(0.0, np.cumsum(inflow[s, : _longest(status)]))
        fates = with_events(config, f"{names[s]}.at_end", status.at_end, month)
        for g, stage in enumerate(status.stages or [None]):
            course = status.stages[stage].months if stage is not None else None
            first = course or (status.permits.first if status.permits else None)
            renewed = 1 - min(share_ending(config, fates, stage, month), 1.0)
            if first is not None and (course is not None or renewed <= FEW_RENEWED):
                found[s, g] = _ending(first, status, renewed, reach)
    shape = (len(statuses), _most_stages(statuses), max(map(len, found.values()), default=1))
    ends = np.zeros(shape[:2], np.bool_)
    start, length = np.zeros(shape, np.int64), np.ones(shape, np.int64)
    cut = np.full(shape, FULL, np.uint64)
    for at, rows in found.items():
        ends[at] = True
        start[at][: len(rows)] = [row[0] for row in rows]
        length[at][: len(rows)] = [row[1] for row in rows]
        cut[at][: len(rows)] = _cumulative(np.array([row[2] for row in rows]))
    return {"ends": ends, "end_start": start, "end_length": length, "end_cut": cut}


def _ending(
    first: dict[int, float], status: Status, renewed: float, reach: np.ndarray
) -> list[tuple[int, int, float]]:
    """(start, length, weight) of the permits that people may hold: the first, or a second one.

    `reach` float64[K] is how many came in during the last k months.
    """
    last = reach.size - 1
    rows = [(0, m, share * reach[min(m, last)]) for m, share in first.items()]
    if renewed > CLOSE and status.permits is not None:
        for before, share in first.items():
            for m, again in status.permits.renewed.items():
                came = reach[min(before + m, last)] - reach[min(before, last)]
                rows.append((before, m, share * renewed * again * came))
    if not any(row[2] for row in rows):  # nobody came lately: as if entries had been level
        rows = [(0, m, share * m) for m, share in first.items()]
    return rows
