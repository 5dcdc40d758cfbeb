"""Naive forecasts that could have been made at the origin, which the model must beat.

Every baseline sees a `Known` and gives people at half-years. The one with constant rates needs the
model and is in `forecast`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from sim.core.clock import month_index, month_name
from sim.studies.hindcast.known import Known

TREND_YEARS: Final = 2

MOST_RATIO: Final = 4.0
"""Largest growth of cohorts and stocks in two years."""

BAND_YEARS: Final = 5


def wide(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Months (index, int) x codes: float64 people; what is missing is 0."""
    table = frame.pivot_table(index="date", columns=by, values="people", aggfunc="sum").fillna(0.0)
    table.index = pd.Index([month_index(str(date)) for date in table.index], name="month")
    return table.astype(float)


def _at(past: pd.DataFrame, month: int) -> pd.Series:
    return past.loc[[month]].iloc[0]


def last_value(past: pd.DataFrame, origin: int, month: int) -> pd.Series:
    """Nothing changes."""
    return _at(past, origin)


def linear(past: pd.DataFrame, origin: int, month: int) -> pd.Series:
    """The change of the last two years goes on, to negative numbers if need be."""
    slope = (_at(past, origin) - _at(past, origin - 12 * TREND_YEARS)) / (12 * TREND_YEARS)
    return _at(past, origin) + slope * (month - origin)


def linear_floored(past: pd.DataFrame, origin: int, month: int) -> pd.Series:
    """The same, but no status falls below 0."""
    return linear(past, origin, month).clip(lower=0.0)


def exponential(past: pd.DataFrame, origin: int, month: int) -> pd.Series:
    """The growth rate of the last two years goes on, cut at MOST_RATIO; what is new stays."""
    now, before = _at(past, origin), _at(past, origin - 12 * TREND_YEARS)
    ratio = (now / before.where(before > 0)).fillna(1.0).clip(upper=MOST_RATIO)
    return now * ratio ** ((month - origin) / (12 * TREND_YEARS))


SIMPLE: Final[dict[str, Callable[[pd.DataFrame, int, int], pd.Series]]] = {
    "last": last_value,
    "linear": linear,
    "linear_floored": linear_floored,
    "exponential": exponential,
}


def cohort_component(known: Known, months: list[int]) -> pd.DataFrame:
    """Months x statuses by constant cohort ratios, from ages of two Junes two years apart.

    In two years two in five of a five-year band move up. Each band's ratio of people found to
    people expected, over deaths and all ways in and out, is held constant; newborns keep their
    ratio to the first band. Ages of the last June are scaled to the origin's stocks.
    """
    ages = known.data["stocks_age_sex"]
    ages = ages[ages["age"] >= 0]
    dates = sorted(ages["date"].unique())
    last = dates[-1]
    first = month_name(month_index(last) - 12 * TREND_YEARS)
    stocks = wide(known.data["stocks_status"], "status")
    now, before = (_by_age(ages, date, list(stocks.columns)) for date in (last, first))
    people = now.sum(axis=1, keepdims=True)
    ratio = np.divide(now, _aged(before), out=np.ones_like(now), where=_aged(before) > 0)
    ratio = np.minimum(ratio, MOST_RATIO)
    begin = np.divide(now, people, out=np.zeros_like(now), where=people > 0)
    begin = begin * stocks.loc[known.origin].to_numpy()[:, None]
    path = [begin]
    steps = [(month - known.origin) / (12 * TREND_YEARS) for month in months]
    while len(path) <= max(steps) + 1:
        path.append(_aged(path[-1]) * ratio)
    totals = np.array([p.sum(axis=1) for p in path])  # [steps, S]
    rows = [_between(totals, step) for step in steps]
    return pd.DataFrame(rows, index=months, columns=stocks.columns)


def _by_age(ages: pd.DataFrame, date: str, statuses: list[str]) -> np.ndarray:
    """float64[S, A] people by status and band."""
    table = ages[ages["date"] == date].pivot_table(
        index="status", columns="age", values="people", aggfunc="sum"
    )
    bands = sorted(ages["age"].unique())
    return table.reindex(index=statuses, columns=bands).fillna(0.0).to_numpy(float)


def _aged(people: np.ndarray) -> np.ndarray:
    """Two years later, without any other change; float64[S, A]. The last band is open."""
    moved = people * (TREND_YEARS / BAND_YEARS)
    moved[:, -1] = 0.0
    out = people - moved
    out[:, 1:] += moved[:, :-1]
    return out


def _between(totals: np.ndarray, step: float) -> np.ndarray:
    """Straight line between the whole steps around it."""
    low = int(np.floor(step))
    return totals[low] * (1 - (step - low)) + totals[low + 1] * (step - low)


def point_forecasts(known: Known, months: list[int]) -> dict[str, pd.DataFrame]:
    """Baseline -> month (YYYY-MM), member (0), kind, code, people, as a forecast of the model.

    Statuses, origins, and prefectures where two dates two years apart were known.
    """
    tables = {"status": wide(known.data["stocks_status"], "status"),
              "origin": wide(known.data["stocks_origin_status"], "origin")}  # fmt: skip
    where = known.data["stocks_prefecture"]
    places = wide(
        where[(where["definition"] == "isa") & (where["prefecture"] != "00")], "prefecture"
    )
    if {known.origin, known.origin - 12 * TREND_YEARS} <= set(places.index):
        tables["prefecture"] = places
    out = {
        name: pd.concat(
            [
                _rows(pd.DataFrame([rule(past, known.origin, m) for m in months], months), kind)
                for kind, past in tables.items()
            ],
            ignore_index=True,
        )
        for name, rule in SIMPLE.items()
    }
    out["cohort"] = _rows(cohort_component(known, months), "status")
    return out


def _rows(people: pd.DataFrame, kind: str) -> pd.DataFrame:
    long = people.rename_axis("month").reset_index().melt("month", var_name="code",
                                                          value_name="people")  # fmt: skip
    month = long["month"].map(lambda m: month_name(int(m)))
    return pd.DataFrame({"month": month, "member": 0, "kind": kind, "code": long["code"],
                         "people": long["people"]})  # fmt: skip
