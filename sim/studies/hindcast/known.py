"""What was known at an origin: the tables without anything later, and the proof of it.

A `Known` cannot be made from tables that hold later figures, and all that estimates, fits or
projects in a hindcast takes a `Known`. So nothing can look ahead by accident.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from sim.core.clock import month_index, month_name, year_of
from sim.core.errors import InvariantError
from sim.data.load import Data
from sim.studies.hindcast.settings import Hindcast

DERIVED = {"quality": "derived", "source": "own_derivation"}

MOVERS = 0.1
"""Share of residents who move in a year, the same everywhere."""


def stand_ins(tables: Mapping[str, pd.DataFrame], origin: int) -> dict[str, pd.DataFrame]:
    """Tables by name, only those that hold nothing at the origin."""
    out = {}
    if tables["stocks_prefecture_status"].empty or tables["stocks_prefecture_origin"].empty:
        out.update(_independent(tables, origin))
    if tables["municipality_flows"].empty:
        out["municipality_flows"] = _flows(tables["municipalities_foreign"], origin)
    over = tables["overstayers"]
    if over[(over["origin"] != "total")].empty:
        out["overstayers"] = pd.concat([over, _overstayers(tables, over)], ignore_index=True)
    return out


def _independent(tables: Mapping[str, pd.DataFrame], origin: int) -> dict[str, pd.DataFrame]:
    """Every status and every origin spread over prefectures like all residents."""
    date = month_name(origin)
    where = tables["stocks_prefecture"]
    whole = where.groupby(["definition", "date"])["prefecture"].transform("nunique") >= 47
    latest = where[whole & (where["prefecture"] != "00")].sort_values("date")
    latest = latest[latest["date"] == latest["date"].max()]
    latest = latest[latest["definition"] == latest["definition"].min()]
    share = latest.set_index("prefecture")["people"] / latest["people"].sum()
    groups = tables["status_groups"].set_index("status")["status_group"]
    stocks = tables["stocks_status"]
    stocks = stocks[stocks["date"] == date]
    by_group = stocks["people"].groupby(stocks["status"].map(groups)).sum()
    people = tables["stocks_origin_status"]
    by_origin = people[people["date"] == date].groupby("origin")["people"].sum()
    return {
        "stocks_prefecture_status": _spread(share, by_group, "status_group", date),
        "stocks_prefecture_origin": _spread(share, by_origin, "origin", date),
    }


def _spread(share: pd.Series, people: pd.Series, by: str, date: str) -> pd.DataFrame:
    """date, prefecture, `by`, people: whole numbers whose sum over prefectures is exact."""
    rows = []
    places = sorted(share.index)
    for name, total in people.items():
        edges = np.floor(np.cumsum(share[places].to_numpy()) * int(total) + 0.5).astype(np.int64)
        edges[-1] = int(total)
        rows += [(date, place, name, int(n)) for place, n in zip(places, np.diff(edges, prepend=0),
                                                                 strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["date", "prefecture", by, "people"]).assign(**DERIVED)


def _flows(register: pd.DataFrame, origin: int) -> pd.DataFrame:
    """Moves in proportion to residents, so that no place is more mobile than another."""
    latest = max(c for c in register.columns if c[0] == "y" and c[1:].isdigit())
    people = register[latest].to_numpy(np.int64)
    moved = np.floor(people * MOVERS + 0.5).astype(np.int64)
    none = np.zeros(people.size, np.int64)
    columns = {"municipality": register["municipality"], "year": year_of(origin - 11),
               "population": people, "in_domestic": moved, "in_abroad": people, "births": none,
               "out_domestic": moved, "out_abroad": none, "deaths": none, "other_in": none,
               "other_out": none}  # fmt: skip
    return pd.DataFrame(columns).assign(**DERIVED)


def _overstayers(tables: Mapping[str, pd.DataFrame], over: pd.DataFrame) -> pd.DataFrame:
    """Overstayers by origin, as all residents of the date."""
    people = tables["stocks_origin_status"]
    people = people[people["date"] == people["date"].max()].groupby("origin")["people"].sum()
    latest = over[(over["status"] == "total") & (over["origin"] == "total")].sort_values("date")
    total = int(latest["people"].iloc[-1])
    rows = people / people.sum() * total
    return pd.DataFrame(
        {"date": latest["date"].iloc[-1], "status": "total", "origin": list(rows.index),
         "people": rows.round().astype(np.int64).to_numpy()}
    ).assign(**DERIVED)  # fmt: skip


_SPAN: Final = re.compile(r"(?:.*\.\.)?(?P<end>(?P<year>\d{4})(?:-(?P<month>\d{2}))?)")

_FISCAL: Final = re.compile(r"fy(?P<year>\d{4})")

_REGISTER: Final = "register"


@dataclass(frozen=True)
class Known:
    """Tables of a country that hold nothing later than `origin` (a month index).

    Raises InvariantError, naming every later figure's table, if they do.
    """

    origin: int
    data: Data
    settings: Hindcast

    def __post_init__(self) -> None:
        later = list(later_than(self.data, self.origin, self.settings))
        if later:
            raise InvariantError(later)

    def with_arrivals(self, arrivals: pd.DataFrame) -> Known:
        """The same with entries estimated; they may not lie after the origin either."""
        return replace(self, data=self.data.with_tables(arrivals=arrivals))


def as_known(data: Data, origin: int, settings: Hindcast) -> Known:
    """The figures that were known at the origin.

    Entries that were fitted to all years are left out. Tables that the model needs and that did
    not exist yet are replaced by stand-ins made from the known ones (see `stand_ins`).
    """
    tables = {name: _until(name, frame, origin, settings) for name, frame in data.tables.items()}
    arrivals = tables["arrivals"]
    tables["arrivals"] = arrivals.iloc[:0]
    tables.update(stand_ins(tables, origin))
    mark = hashlib.sha256(f"{data.digest} known at {month_name(origin)}".encode()).hexdigest()
    return Known(origin, replace(data.with_tables(**tables), digest=mark), settings)


def later_than(data: Data, origin: int, settings: Hindcast) -> Iterator[str]:
    """One sentence for each table that holds something later than the origin."""
    for name, frame in data.tables.items():
        known = _until(name, frame, origin, settings)
        if len(known) < len(frame):
            rows = len(frame) - len(known)
            yield f"{name}: {rows} rows were not known at {month_name(origin)}"
        elif not known.equals(frame):
            yield f"{name}: some columns were not known at {month_name(origin)}"


def _until(name: str, frame: pd.DataFrame, origin: int, settings: Hindcast) -> pd.DataFrame:
    """The rows, and values, of a table that were known at the origin."""
    rules = settings.known
    if name in rules.date:
        return frame[_dates(frame, settings) <= origin]
    if name in rules.year:
        return frame[_year_ends(frame) <= origin]
    if name in rules.year_columns:
        years = [c for c in frame.columns if re.fullmatch(r"y\d{4}", c)]
        late = [c for c in years if month_index(f"{c[1:]}-01") > origin + settings.register_lead]
        return frame.drop(columns=late)
    if name in rules.published:
        return frame if month_index(rules.published[name]) <= origin else frame.iloc[:0]
    if name in rules.always:
        return _definitions(frame, rules.always[name])
    return frame.iloc[:0]


def _dates(frame: pd.DataFrame, settings: Hindcast) -> np.ndarray:
    """int64[N]: month index at which each row was known; the register's are a month early."""
    months = {date: month_index(str(date)) for date in frame["date"].unique()}
    index = frame["date"].map(months).to_numpy(np.int64)
    if "definition" in frame.columns:
        index = index - settings.register_lead * (frame["definition"] == _REGISTER).to_numpy()
    return index


def _year_ends(frame: pd.DataFrame) -> np.ndarray:
    """int64[N]: last month of each row's year or period."""
    periods = frame["period"] if "period" in frame.columns else pd.Series("", frame.index)
    pairs = zip(frame["year"].tolist(), periods.tolist(), strict=True)
    return np.array([period_end(int(year), str(period)) for year, period in pairs], np.int64)


def period_end(year: int, period: str) -> int:
    """Last month of a period: `` (the year), 2024-06, 2013..2015, fy2023 (to March 2024).

    What is none of these counts as known a year after its year.
    """
    fiscal, span = _FISCAL.fullmatch(period), _SPAN.fullmatch(period)
    if not period:
        return month_index(f"{year}-12")
    if fiscal is not None:
        return month_index(f"{int(fiscal['year']) + 1}-03")
    if span is not None:
        return month_index(f"{span['year']}-{span['month'] or '12'}")
    return month_index(f"{year + 1}-12")


def _definitions(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A table of names; numbers in columns that are not definitions become 0."""
    if not columns:
        return frame
    blank = {name: 0 for name in frame.columns if name not in columns}
    return frame.assign(**blank)
