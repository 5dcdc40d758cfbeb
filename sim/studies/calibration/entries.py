"""Entries from abroad before today, by half-year and status.

Where people may enter at all, what is published of their number, and an estimate of it as the
table `arrivals` that runs over the past read. Calibration estimates entries together with the
rates, a hindcast those before an origin under rates that are given. Arrays are [H, S]: H
half-years, which are named by their last month, and S statuses in the order of the country.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from sim.agents.record import Record
from sim.config.schema.run import RunConfig
from sim.core.clock import HALF_YEAR, month_index, month_name
from sim.data.load import Data


def published_half_years(data: Data) -> list[int]:
    """Month indices at which stocks by status are published, ascending."""
    return sorted({month_index(str(date)) for date in data["stocks_status"]["date"]})


def published_stock_matrix(config: RunConfig, data: Data) -> np.ndarray:
    """float64[H, S]: stocks at the published half-years; NaN where a status is never published."""
    table = data["stocks_status"].pivot_table(
        index="date", columns="status", values="people", aggfunc="sum"
    )
    return table.sort_index().reindex(columns=config.country.statuses).to_numpy(float)


def simulated_stock_matrix(record: Record, months: Iterable[int], scale: float) -> np.ndarray:
    """float64[H, S]: stocks of a run at these month indices, at scale 1."""
    stock = {m: c.sum(axis=(1, 2)) for m, c in zip(record.months, record.cubes, strict=True)}
    return np.array([stock[month] for month in months]) / scale


def open_cells(config: RunConfig, ends: Sequence[int] | np.ndarray) -> np.ndarray:
    """bool[H, S]: half-years in which a status may be entered from abroad."""
    out = np.zeros((len(ends), len(config.country.statuses)), np.bool_)
    for s, name in enumerate(config.country.statuses):
        channel, status = config.arrivals.channels.get(name), config.status[name]
        if channel is None:
            continue
        since = [month_index(m) for m in (channel.since, status.since) if m is not None]
        until = [month_index(m) for m in (channel.until, status.entry_until) if m is not None]
        for h, end in enumerate(ends):
            out[h, s] = max(since, default=0) <= end and end - HALF_YEAR < min(until, default=end)
    return out


def published_entries(config: RunConfig, data: Data) -> dict[tuple[int, str], tuple[float, str]]:
    """(year, status) -> (new entries, quality) where a channel's entries are published."""
    entries = data["entries"].copy()
    for group, members in data["status_groups"].groupby("status_group")["status"]:
        channels = [status for status in members if status in config.arrivals.channels]
        if len(channels) == 1:  # a group enters by its channel
            entries.loc[entries["status"] == group, "status"] = channels[0]
    entries = entries[entries["status"].isin(list(config.arrivals.channels))]
    entries = entries[entries["quality"] != "assumption"]
    rows = entries[["year", "status", "people", "quality"]].itertuples(index=False)
    return {(int(y), str(s)): (float(people), str(q)) for y, s, people, q in rows}


def arrivals_table(
    people: np.ndarray, ends: Sequence[int] | np.ndarray, statuses: list[str]
) -> pd.DataFrame:
    """date, status, people of float64[H, S]; every half-year has a row for every status."""
    dates = [month_name(int(end)) for end in ends]
    return pd.DataFrame(
        {"date": np.repeat(dates, len(statuses)), "status": statuses * len(dates),
         "people": people.ravel()}
    )  # fmt: skip


def estimated_arrivals(
    people: np.ndarray, ends: Sequence[int] | np.ndarray, statuses: list[str],
    published: np.ndarray | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The table `arrivals` of the data: date, status, people, quality, source; no empty rows.

    people     float64[H, S], rounded to a tenth
    published  bool[H, S]: cells of years whose entries are published, marked `derived`; the others,
               and all without it, are marked `fitted`
    """
    table = arrivals_table(people, ends, statuses)
    table["people"] = table["people"].round(1)
    table["quality"] = "fitted" if published is None else np.where(
        published.ravel(), "derived", "fitted"
    )  # fmt: skip
    table["source"] = "arrivals_fit"
    return table[table["people"] > 0].reset_index(drop=True)
