"""What the members say together: quantiles of every series, and which member is in the middle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sim.figures.fan import NAMES
from sim.figures.look import FAN, FEWEST
from sim.files.folder import read_parquet
from sim.outputs.indicators import PEOPLE, Described
from sim.studies.comparison.series import EVERYBODY, KEY
from sim.studies.projection.error import added_sd, earned_sd, factors
from sim.studies.projection.runs import member_file
from sim.studies.projection.settings import Earned

QUANTILES: Final = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


@dataclass(frozen=True)
class Said:
    """Series of members on the same rows.

    index   MultiIndex of N rows: month, indicator, by, group
    values  float64[M, N]; NaN where a member does not have the row
    """

    numbers: list[int]
    index: pd.MultiIndex
    values: np.ndarray

    def places(self, indicator: str, by: str, group: str) -> np.ndarray:
        """int64[T]: rows of one series, in order of month."""
        level = self.index.get_level_values
        mine = (level("indicator") == indicator) & (level("by") == by) & (level("group") == group)
        rows = np.flatnonzero(mine)
        return rows[np.argsort(level("month")[rows].to_numpy(), kind="stable")]

    def series(self, indicator: str, by: str = EVERYBODY, group: str = EVERYBODY) -> pd.DataFrame:
        """Values of one series: a row for each month, a column for each member."""
        rows = self.places(indicator, by, group)
        months = pd.DatetimeIndex(self.index.get_level_values("month")[rows])
        return pd.DataFrame(self.values[:, rows].T, index=months, columns=self.numbers)


def read_members(root: Path, runs: Sequence[str], numbers: Sequence[int]) -> Said:
    """The series of members. Raises OutputError if a table cannot be read."""
    first = read_parquet(member_file(root, runs[0]))
    keys, columns = first.select(list(KEY)), [first["value"].to_numpy()]
    same = True
    for run in runs[1:]:
        table = read_parquet(member_file(root, run))
        same = same and table.select(list(KEY)).equals(keys)
        if not same:
            return _aligned(root, runs, numbers)
        columns.append(table["value"].to_numpy())
    return Said(list(numbers), _index(keys.to_pandas(date_as_object=False)), np.array(columns))


def _index(keys: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(keys[list(KEY)])


def _aligned(root: Path, runs: Sequence[str], numbers: Sequence[int]) -> Said:
    """Members of which some lack rows that others have."""
    columns = []
    for run in runs:
        frame = read_parquet(member_file(root, run)).to_pandas(date_as_object=False)
        frame[list(KEY[1:])] = frame[list(KEY[1:])].astype(str)
        columns.append(frame.set_index(list(KEY))["value"])
    together = pd.concat(columns, axis=1, keys=list(numbers)).sort_index()
    return Said(list(numbers), together.index, together.to_numpy(float).T)


def with_error(
    said: Said, earned: Earned, known: Mapping[str, Described], start: str, seed: int
) -> tuple[Said, pd.DataFrame]:
    """(the same with the model error, what was added to all residents).

    The second: month, months_ahead, earned_sd, members_sd, added_sd, of logarithms; earned_sd is
    missing beyond the hindcasts.
    """
    level = said.index.get_level_values
    months = pd.DatetimeIndex(level("month"))
    begin = pd.Timestamp(f"{start}-01")
    ahead = np.asarray(12 * (months.year - begin.year) + months.month - begin.month)
    residents = said.places("residents", EVERYBODY, EVERYBODY)
    total = np.log(np.maximum(said.values[:, residents], 1e-9))
    own = earned_sd(earned.residents, ahead[residents])
    added = added_sd(total, own)
    at = np.zeros(int(ahead.max()) + 1)
    at[ahead[residents]] = added
    common = factors(seed, said.numbers, "residents", at)
    counts = {name for name, one in known.items() if one.unit == PEOPLE} | {"people", "workers"}
    counted = np.asarray(level("indicator").isin(counts))
    values = said.values.copy()
    values[:, counted] *= common[:, ahead[counted]]
    values = _by_cell(replace(said, values=values), earned, ahead, seed).values
    frame = pd.DataFrame({
        "month": months[residents], "months_ahead": ahead[residents], "earned_sd": own,
        "members_sd": total.std(axis=0, ddof=1) if len(total) > 1 else np.nan, "added_sd": added,
    })  # fmt: skip
    return replace(said, values=values), frame


def _by_cell(said: Said, earned: Earned, ahead: np.ndarray, seed: int) -> Said:
    """Each status, origin and prefecture with an error of its own beside the common one."""
    values = said.values.copy()
    level = said.index.get_level_values
    for by, indicator in (
        ("status", "people"),
        ("origin", "residents"),
        ("prefecture", "residents"),
    ):
        by_months = getattr(earned, by)
        if not by_months:
            continue
        mine = np.asarray((level("by") == by) & (level("indicator") == indicator))
        groups = level("group")[mine]
        for group in dict.fromkeys(groups):
            rows = np.flatnonzero(mine)[np.asarray(groups == group)]
            rows = rows[np.argsort(ahead[rows], kind="stable")]
            cell = said.values[:, rows]
            some = (cell > 0).all(axis=0)  # where nobody is, nothing is known of a factor
            logs = np.log(np.where(some, cell, 1.0))
            wanted = np.where(some, earned_sd(by_months, ahead[rows]), np.nan)
            added = added_sd(logs, wanted)
            values[:, rows] *= factors(seed, said.numbers, f"{by}.{group}", added)
    return replace(said, values=values)


def quantile_table(said: Said) -> pd.DataFrame:
    """month, year, indicator, by, group, members, mean, q025 ... q975.

    Quantiles as if what comes were one more member (Weibull's). From fewer than 10 members there
    are none, but from three on the lowest and the highest stand as q10 and q90.
    """
    frame = said.index.to_frame(index=False)
    month = pd.DatetimeIndex(frame["month"])
    frame.insert(1, "year", month.year.astype(np.int16))
    count = said.values.shape[0]
    frame["members"] = np.int16(count)
    frame["mean"] = said.values.mean(axis=0)
    columns = dict.fromkeys(NAMES, np.full(said.values.shape[1], np.nan))
    if count >= FAN:
        columns = dict(zip(NAMES, quantiles(said.values), strict=True))
    else:
        columns["median"] = np.median(said.values, axis=0)
        if count >= FEWEST:
            columns["q10"], columns["q90"] = said.values.min(axis=0), said.values.max(axis=0)
    for name in NAMES:
        frame[name] = columns[name]
    return frame


def quantiles(values: np.ndarray) -> np.ndarray:
    """float64[Q, N] of members float64[M, N]; NaN where a member has nothing."""
    return np.asarray(np.quantile(values, QUANTILES, axis=0, method="weibull"))


def nearest_to_median(said: Said) -> tuple[int, float]:
    """(member, distance): whose residents stay nearest to the median of all, before the model
    error; mean absolute difference of the logarithm over months."""
    logs = np.log(np.maximum(said.series("residents").to_numpy(), 1.0))  # [T, M]
    distance = np.abs(logs - np.median(logs, axis=1, keepdims=True)).mean(axis=0)
    best = int(np.argmin(distance))
    return said.numbers[best], float(distance[best])
