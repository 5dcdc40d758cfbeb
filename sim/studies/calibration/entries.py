"""Fit the table `arrivals`: who came in each past half-year, so that the stocks balance.

Published yearly entries are taken as they are and split over the two halves. Where none is
published the model runs over the past and the arrivals of each half-year take up what its stocks
lack, again and again until the gap is steady; they are marked `fitted`. A status that has too many
people gets no arrivals, and the gap that remains shows in the error of the run.

Run it with `python -m sim.studies.calibration.entries`; it rewrites the table in the country's
data folder.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace

import numpy as np
import pandas as pd

from sim.agents.opening.people import open_population
from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name, year_of
from sim.core.threads import use_threads
from sim.data.load import Data, load
from sim.files.folder import write_atomically
from sim.model.model import Kyosei
from sim.model.opening import state_of
from sim.outputs.summary import table

HALF = 6


def halves(data: Data) -> list[int]:
    """Month indices of the half-years after the first published one."""
    return sorted({month_index(str(date)) for date in data["stocks_status"]["date"]})[1:]


def target_stocks(config: RunConfig, data: Data) -> np.ndarray:
    """float64[H + 1, S]: published stocks; NaN for statuses that are never published."""
    table_ = data["stocks_status"].pivot_table(
        index="date", columns="status", values="people", aggfunc="sum"
    )
    return table_.sort_index().reindex(columns=config.country.statuses).to_numpy(float)


def published_entries(config: RunConfig, data: Data, ends: list[int]) -> dict[tuple[int, str], int]:
    """(year, status) -> published new entries of statuses that have a channel of arrivals."""
    first, entries = year_of(ends[0]), data["entries"].copy()
    groups = data["status_groups"]
    for group, members in groups.groupby("status_group")["status"]:  # a group enters by its channel
        channels = [status for status in members if status in config.arrivals.channels]
        if len(channels) == 1:
            entries.loc[entries["status"] == group, "status"] = channels[0]
    entries = entries[entries["status"].isin(list(config.arrivals.channels))]
    entries = entries[(entries["year"] >= first) & (entries["quality"] != "assumption")]
    rows = entries[["year", "status", "people"]].itertuples(index=False)
    return {(int(year), str(status)): int(people) for year, status, people in rows}


def open_halves(config: RunConfig, ends: list[int]) -> np.ndarray:
    """bool[H, S]: half-years in which a status may be entered from abroad."""
    out = np.zeros((len(ends), len(config.country.statuses)), np.bool_)
    for s, name in enumerate(config.country.statuses):
        channel, status = config.arrivals.channels.get(name), config.status[name]
        if channel is None:
            continue
        since = [month_index(m) for m in (channel.since, status.since) if m is not None]
        until = [month_index(m) for m in (channel.until, status.entry_until) if m is not None]
        for h, end in enumerate(ends):
            out[h, s] = max(since, default=0) <= end and end - HALF < min(until, default=end)
    return out


def simulate(config: RunConfig, data: Data, columns: dict[str, np.ndarray]) -> np.ndarray:
    """float64[H + 1, S]: stocks at the half-years of a run over the past."""
    people = {name: column.copy() for name, column in columns.items()}
    model = Kyosei(config, state=state_of(config, data, people, use_threads(config.threads)))
    record = model.run()
    wanted = [record.months[0], *halves(data)]
    stock = {m: c.sum(axis=(1, 2)) for m, c in zip(record.months, record.cubes, strict=True)}
    return np.array([stock[month] for month in wanted]) / config.scale


def impose(
    people: np.ndarray, known: dict[tuple[int, str], int], ends: list[int], statuses: list[str]
) -> np.ndarray:
    """bool[H, S] of the cells that published entries fix; they are set in `people`, [H, S]."""
    fixed = np.zeros(people.shape, np.bool_)
    for (year, status), entries in known.items():
        rows = [h for h, end in enumerate(ends) if year_of(end) == year]
        s = statuses.index(status)
        if len(rows) == 2:
            split = people[rows, s] + 1e-9
            share = np.clip(split / split.sum(), 0.2, 0.8)  # a fit may starve one half
            people[rows, s] = entries * share / share.sum()
            fixed[rows, s] = True
    return fixed


def as_table(
    people: np.ndarray, fixed: np.ndarray, ends: list[int], statuses: list[str]
) -> pd.DataFrame:
    """The table `arrivals`, without empty rows."""
    rows = [
        (month_name(end), status, round(float(people[h, s]), 1),
         "derived" if fixed[h, s] else "fitted", "arrivals_fit")
        for h, end in enumerate(ends) for s, status in enumerate(statuses) if people[h, s] > 0
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["date", "status", "people", "quality", "source"])


def fit(scale: float, rounds: int, damping: float = 0.8) -> pd.DataFrame:
    """The fitted table. Prints the remaining gap of each round."""
    data = load(compose([]).country.data)
    ends = halves(data)
    config = compose([
        f"scale={scale}", f"end={month_name(ends[-1])}", f"start={month_name(ends[0] - HALF)}",
        "arrivals.shocks=false",
    ])  # fmt: skip
    statuses = config.country.statuses
    target = target_stocks(config, data)
    known = published_entries(config, data, ends)
    open_to = open_halves(config, ends)
    people = np.zeros((len(ends), len(statuses)))
    for s, status in enumerate(statuses):
        if status in config.arrivals.channels:
            people[:, s] = open_to[:, s] * config.arrivals.channels[status].level / 4
    columns = open_population(config, data, month_index(config.start), scale).columns
    for turn in range(rounds):
        fixed = impose(people, known, ends, statuses)
        arrivals = as_table(people, fixed, ends, statuses)
        stock = simulate(config, with_arrivals(data, arrivals), columns)
        gap = np.nan_to_num(target - stock)
        print(
            f"round {turn + 1}: {np.abs(gap[-1]).sum() / np.nansum(target[-1]):.2%} of residents "
            f"in the wrong status at {month_name(ends[-1])}",
            flush=True,
        )
        if turn + 1 < rounds:
            step = damping * np.diff(gap, axis=0)
            people = np.where(open_to & ~fixed, np.maximum(people + step, 0.0), people)
            unknown = np.flatnonzero(open_to.any(axis=0) & np.isnan(target).all(axis=0))
            for row in unknown.tolist():  # no stock to fit to: the level of the configuration
                people[:, row] = open_to[:, row] * config.arrivals.channels[statuses[row]].level / 2
    print(gap_table(statuses, stock, target))
    return arrivals


def gap_table(statuses: list[str], stock: np.ndarray, target: np.ndarray) -> str:
    """Simulated and published stocks at the last half-year."""
    rows = [
        [name, f"{stock[-1, s]:,.0f}", f"{target[-1, s]:,.0f}",
         f"{np.abs(np.nan_to_num(target[1:, s] - stock[1:, s])).mean():,.0f}"]
        for s, name in enumerate(statuses)
    ]  # fmt: skip
    return table(["status", "simulated", "published", "mean gap"], rows)


def with_arrivals(data: Data, arrivals: pd.DataFrame) -> Data:
    """The same data with another table of arrivals."""
    return replace(data, tables={**data.tables, "arrivals": arrivals})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python -m sim.studies.calibration.entries"
    )
    parser.add_argument("--scale", type=float, default=0.1, help="share of people simulated")
    parser.add_argument("--rounds", type=int, default=8, help="runs over the past")
    options = parser.parse_args()
    arrivals = fit(options.scale, options.rounds)
    path = load(compose([]).country.data).folder / "arrivals.csv"
    buffer = io.StringIO()
    arrivals.to_csv(buffer, index=False, lineterminator="\n")
    write_atomically(path, lambda stream: stream.write(buffer.getvalue().encode()))
    print(f"{len(arrivals)} rows in {path.name}")


if __name__ == "__main__":
    main()
