"""What is published about the opening date, as arrays: the margins that its residents must meet.

Arrays carry the axes status S, origin O, prefecture P (in the order of the configuration),
status group G and origin column C of the prefecture tables. Everything here is a full count,
whatever the scale of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import DataError
from sim.data.load import Data

TABLES: Final = (
    "municipalities",
    "municipalities_foreign",
    "overstayers",
    "status_groups",
    "stocks_age_sex",
    "stocks_origin_status",
    "stocks_prefecture",
    "stocks_prefecture_origin",
    "stocks_prefecture_status",
    "stocks_status",
)
"""The tables that the opening is made from."""

SEXES: Final = ("F", "M")

BAND_MONTHS: Final = 60

N_BANDS: Final = 17
"""Five-year bands of age; the last one, from 80, is open."""

UNDETERMINED: Final = "00"
"""Prefecture code of residents whose address is not known."""

TOTAL: Final = "total"

REGISTER: Final = "register"
"""Stocks as the resident register has them; every other definition is the immigration agency's."""


@dataclass(frozen=True)
class Axes:
    """Names in table order."""

    statuses: list[str]
    origins: list[str]
    prefectures: list[str]
    groups: list[str]
    group_of: np.ndarray  # int64[S], -1 = in no published group
    columns: list[str]  # origins that the prefecture tables tell apart
    column_of: np.ndarray  # int64[O]


def axes(config: RunConfig, tables: Data) -> Axes:
    """The axes. An origin that the prefecture tables do not name is part of the last origin."""
    statuses, origins = list(config.country.statuses), list(config.country.origins)
    pairs = tables["status_groups"]
    group = dict(zip(pairs["status"], pairs["status_group"], strict=True))
    groups = list(dict.fromkeys(pairs["status_group"]))
    group_of = np.array([groups.index(group[s]) if s in group else -1 for s in statuses])
    named = set(tables["stocks_prefecture_origin"]["origin"].unique())
    columns = [origin for origin in origins if origin in named]
    column_of = np.array([columns.index(o if o in named else origins[-1]) for o in origins])
    return Axes(statuses, origins, sorted(config.prefecture), groups, group_of, columns, column_of)


def crosstab(frame: pd.DataFrame, by: Mapping[str, Sequence[str]]) -> np.ndarray:
    """int64 counts of `people` over the named columns; a missing cell is 0.

    Raises DataError for a code that is not among the names given.
    """
    places = []
    for column, names in by.items():
        codes = pd.Index(frame[column].astype(str))
        place = pd.Index(names).get_indexer(codes)
        if (place < 0).any():
            unknown = sorted(set(codes) - set(names))
            raise DataError(f"{column} {', '.join(unknown)} is in the tables but not configured")
        places.append(place)
    counts = np.zeros([len(names) for names in by.values()], np.int64)
    np.add.at(counts, tuple(places), frame["people"].to_numpy(np.int64))
    return counts


def _at(frame: pd.DataFrame, date: str) -> pd.DataFrame:
    return frame[frame["date"] == date]


def months_of(frame: pd.DataFrame) -> dict[str, int]:
    """Date -> month index, in time order."""
    return {date: month_index(date) for date in sorted(frame["date"].unique())}


def nearest_date(months: Mapping[str, int], month: int) -> str:
    """The date closest to the month; of two equally close the earlier."""
    return min(months, key=lambda date: (abs(months[date] - month), months[date]))


def status_origin(tables: Data, ax: Axes, month: int) -> np.ndarray:
    """Published residents of the month, int64[S, O]. Raises DataError if none are published."""
    frame = _at(tables["stocks_origin_status"], month_name(month))
    if frame.empty:
        raise DataError(f"no stocks of residents are published for {month_name(month)}")
    return crosstab(frame, {"status": ax.statuses, "origin": ax.origins})


def status_history(tables: Data, ax: Axes, month: int) -> tuple[np.ndarray, np.ndarray]:
    """Published stocks up to the month, never beyond: int64[T] months and int64[T, S] people."""
    frame = tables["stocks_status"]
    dates = [date for date, when in months_of(frame).items() if when <= month]
    frame = frame[frame["date"].isin(dates)]
    counts = crosstab(frame, {"date": dates, "status": ax.statuses})
    return np.array([month_index(date) for date in dates]), counts


@dataclass(frozen=True)
class Prefectures:
    """Published prefecture tables of one date; the last place is 'undetermined'."""

    date: str
    by_group: np.ndarray  # int64[P + 1, G]
    by_column: np.ndarray  # int64[P + 1, C]


def prefecture_tables(tables: Data, ax: Axes, month: int) -> Prefectures:
    """Prefecture x group and x origin of the month itself, else of the latest date published."""
    by_group, by_column = tables["stocks_prefecture_status"], tables["stocks_prefecture_origin"]
    dates = sorted(set(by_group["date"].unique()) & set(by_column["date"].unique()))
    date = month_name(month) if month_name(month) in dates else dates[-1]
    places = [*ax.prefectures, UNDETERMINED]
    return Prefectures(
        date,
        crosstab(_at(by_group, date), {"prefecture": places, "status_group": ax.groups}),
        crosstab(_at(by_column, date), {"prefecture": places, "origin": ax.columns}),
    )


def _interpolated(series: Mapping[int, np.ndarray], month: int) -> np.ndarray:
    """Shares between the dates of a series by straight lines; its ends hold beyond it."""
    months = np.array(sorted(series))
    after = min(int(np.searchsorted(months, month)), months.size - 1)
    before = after if months[after] <= month else max(after - 1, 0)
    if before == after:
        return series[int(months[after])]
    weight = (month - months[before]) / (months[after] - months[before])
    return (1 - weight) * series[int(months[before])] + weight * series[int(months[after])]


def prefecture_shares(tables: Data, ax: Axes, month: int) -> np.ndarray:
    """Share of residents by prefecture, float64[P], adding to one.

    The immigration agency's stocks where the month lies within the dates published for every
    prefecture; before them the resident register, whose dates are a month or so off the half-year.
    """
    places = [*ax.prefectures, UNDETERMINED]
    agency: dict[int, np.ndarray] = {}
    register: dict[int, np.ndarray] = {}
    for (definition, date), frame in tables["stocks_prefecture"].groupby(["definition", "date"]):
        counts = crosstab(frame, {"prefecture": places})[:-1]
        if (counts > 0).all():
            series = register if definition == REGISTER else agency
            series[month_index(str(date))] = counts / counts.sum()
    chosen = agency if agency and month >= min(agency) else register or agency
    return _interpolated(chosen, month)


def municipal_weights(tables: Data, codes: list[str], month: int) -> np.ndarray:
    """Foreign residents in the register of the nearest 1 January (2013: 31 March), float64[M]."""
    frame = tables["municipalities_foreign"].set_index("municipality")
    years = [name for name in frame.columns if name[0] == "y" and name[1:].isdigit()]
    year = min(years, key=lambda name: (abs(month_index(f"{name[1:]}-01") - month), name))
    return frame.loc[codes, year].to_numpy(np.float64)


def age_sex(tables: Data, ax: Axes, month: int) -> np.ndarray:
    """Residents by sex and age band within status, float64[S + 1, 2, N_BANDS].

    From the June nearest to the month in which the status had residents; a status without any
    is left at zero. The last row is all statuses together. Unknown ages are spread over the
    ages, residents of other or unknown sex over the sexes, each in proportion.
    """
    frame = tables["stocks_age_sex"]
    dates = months_of(frame)
    sexes = sorted({*SEXES, *frame["sex"].unique()}, key=lambda sex: (*SEXES, sex).index(sex))
    ages = [str(age) for age in (*range(0, 5 * N_BANDS, 5), -1)]
    names = {"date": list(dates), "status": ax.statuses, "sex": sexes, "age": ages}
    counts = crosstab(frame, names).astype(np.float64)
    known = counts[..., :-1]
    known += _share(known) * counts[..., -1:]
    spread = known[:, :, :2]
    spread += _share(spread, axis=2) * known[:, :, 2:].sum(axis=2, keepdims=True)
    rows = [*np.moveaxis(spread, 1, 0), spread.sum(axis=1)]
    return np.array([_nearest_full(row, list(dates.values()), month) for row in rows])


def _share(counts: np.ndarray, axis: int = -1) -> np.ndarray:
    total = counts.sum(axis=axis, keepdims=True)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)


def _nearest_full(rows: np.ndarray, months: Sequence[int], month: int) -> np.ndarray:
    """The row of the closest month that has anybody, else zeros."""
    full = [i for i in range(len(months)) if rows[i].sum() > 0]
    if not full:
        return np.zeros_like(rows[0])
    return rows[min(full, key=lambda i: (abs(months[i] - month), months[i]))]


def irregular_by_origin(tables: Data, ax: Axes, month: int) -> np.ndarray:
    """People who overstayed their permit, by origin, float64[O].

    The total of the nearest date, by the origins of the nearest date that tells them apart.
    """
    frame = tables["overstayers"]
    totals = frame[(frame["status"] == TOTAL) & (frame["origin"] == TOTAL)]
    named = frame[(frame["status"] == TOTAL) & (frame["origin"] != TOTAL)]
    if named.empty:
        named = frame[(frame["status"] != TOTAL) & (frame["origin"] != TOTAL)]
    people = int(_at(totals, nearest_date(months_of(totals), month))["people"].iloc[0])
    origins = crosstab(_at(named, nearest_date(months_of(named), month)), {"origin": ax.origins})
    return people * origins / origins.sum()
