"""What was known at an origin: the tables without anything later, and the proof of it.

A `Known` cannot be made from tables that hold later figures, and all that estimates, fits or
projects in a hindcast takes a `Known`. So nothing can look ahead by accident.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from sim.clock import month_index, month_name
from sim.data import Data
from sim.errors import InvariantError
from sim.hindcast.settings import Hindcast
from sim.hindcast.standins import stand_ins

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
        tables = {**self.data.tables, "arrivals": arrivals}
        return replace(self, data=replace(self.data, tables=MappingProxyType(tables)))


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
    return Known(origin, replace(data, tables=MappingProxyType(tables), digest=mark), settings)


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
