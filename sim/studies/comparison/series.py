"""What a run says that can be compared: one tidy table of it, read from the run's folder.

month, indicator, by, group, value. `by` is all, status, origin or prefecture, and `group` the code
within it; every month has every group, 0 where nobody is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sim.agents.record import HALF_YEAR
from sim.config.schema.run import RunConfig
from sim.figures.look import LOWER, SHARE, SO_FAR
from sim.files.folder import read_parquet
from sim.outputs.indicators import (
    PEOPLE,
    PEOPLE_A_MONTH,
    Described,
    Indicator,
    Row,
    catalogue,
    scorecard_rows,
)

Line = tuple[np.ndarray, np.ndarray]
"""Months datetime64[D] in order, values float64."""

KEY: Final = ("month", "indicator", "by", "group")

EVERYBODY: Final = "all"

YEAR: Final = 12

REFUSED: Final = "refus"
"""What is in the name of every fate that is a refusal."""

LOADED: Final = Row("implementability", "Caseload over capacity", 1)

STOCKS: Final = (
    Described("settled", "Settled residents", "定着型在留資格の在留外国人", PEOPLE, compare=True,
              text="Residents with a settled status."),
    Described("permanent", "Permanent residents", "永住者", PEOPLE, compare=True,
              text="Permanent residents."),
)  # fmt: skip
"""What comparisons count from the stocks, for everybody and by group."""


@dataclass(frozen=True)
class Finished:
    """The tables of a finished run, read from its folder when they are asked for.

    Raises OutputError then if one cannot be read.
    """

    folder: Path

    @cached_property
    def stocks(self) -> pa.Table:
        return self.table("stocks")

    @cached_property
    def months(self) -> np.ndarray:
        """datetime64[D] of all months, the opening first."""
        by_row = self.stocks["month"].to_numpy()  # in order
        return np.asarray(by_row[np.append(True, by_row[1:] != by_row[:-1])])

    def table(self, name: str) -> pa.Table:
        """A table of the run by its name."""
        return read_parquet(self.folder / f"{name}.parquet")

    @cached_property
    def lines(self) -> dict[str, Line]:
        """The indicators of the run, in order of its table."""
        table = self.table("indicators")
        names = np.array(table["indicator"].cast("string").to_pylist(), object)
        month, value = table["month"].to_numpy(), table["value"].to_numpy()
        return {name: _in_order(month[names == name], value[names == name])
                for name in dict.fromkeys(names)}  # fmt: skip


@dataclass(frozen=True)
class Derived(Described):
    """An indicator that comparisons make of the tables of a run; None if they do not have it."""

    values: Callable[[Finished], Line | None] = field(default=lambda _: None, repr=False)


DERIVED: Final[list[Derived]] = []


def derived(
    name: str, *, en: str, ja: str, unit: str, **how: Any
) -> Callable[[Callable[[Finished], Line | None]], Callable[[Finished], Line | None]]:
    """Declare an indicator that a function makes of the tables of a run; see `indicator`."""

    def declared(
        function: Callable[[Finished], Line | None],
    ) -> Callable[[Finished], Line | None]:
        text = inspect.getdoc(function) or ""
        DERIVED.append(Derived(name, en, ja, unit, text=text, values=function, **how))
        return function

    return declared


def compared(config: RunConfig) -> dict[str, Described]:
    """All that a comparison of runs of this configuration can show, by name."""
    own = catalogue(config)
    loads = [_load_of(one) for one in own.values() if one.capacity]
    more = [one for one in DERIVED if not one.needs or getattr(config, one.needs) is not None]
    all_of_them: list[Described] = [*STOCKS, *own.values(), *loads, *more]
    return {one.name: one for one in all_of_them}


def all_scorecard_rows() -> list[Row]:
    """Lines of the scorecard, those of derived indicators included, in order of declaration."""
    return [*scorecard_rows(), LOADED, *(one.scorecard for one in DERIVED if one.scorecard)]


def _load_of(cases: Indicator) -> Derived:
    """The load of an office, by the indicators of its cases and its capacity."""
    return Derived(
        f"{cases.name.removesuffix('_caseload')}_load_rate", f"{cases.en}, of capacity",
        f"{cases.ja}／処理能力", SHARE, good=LOWER, scorecard=LOADED,
        text="Cases over what can be decided, both of the twelve months to each month.",
        values=partial(load, cases=cases.name, capacity=cases.capacity),
    )  # fmt: skip


def load(run: Finished, cases: str, capacity: str) -> Line | None:
    """Cases over capacity of an office, both summed over the twelve months to each month."""
    if not {cases, capacity} <= run.lines.keys():
        return None
    (months, come), (others, can) = run.lines[cases], run.lines[capacity]
    if not np.array_equal(months, others):
        return None
    able = _of_a_year(can)
    known = able > 0
    return months[known], _of_a_year(come)[known] / able[known]


def _of_a_year(values: np.ndarray) -> np.ndarray:
    """Sum of the last twelve values, of fewer at the beginning."""
    so_far = np.cumsum(values)
    return so_far - np.concatenate([np.zeros(min(YEAR, so_far.size)), so_far[:-YEAR]])


@derived(
    "desks_of_top_tenth_load_rate", en="The most loaded tenth of municipalities",
    ja="負荷上位1割の市区町村", unit=SHARE, every=HALF_YEAR, needs="town", good=LOWER,
    scorecard=Row("implementability", "The most loaded tenth of municipalities", 2),
)  # fmt: skip
def top_tenth(run: Finished) -> Line | None:
    """Cases over capacity of the tenth of municipalities where it is highest, at each date."""
    table = run.table("municipalities")
    if not {"caseload", "capacity"} <= set(table.column_names):
        return None
    month, cases, capacity = (table[c].to_numpy() for c in ("month", "caseload", "capacity"))
    months, loads = [], []
    for when in np.unique(month):
        own = (month == when) & (capacity > 0)
        if own.any():
            most = np.sort(cases[own] / capacity[own])[-max(int(own.sum()) // 10, 1) :]
            months.append(when)
            loads.append(float(most.mean()))
    return (np.array(months), np.array(loads)) if months else None


@derived(
    "refusals", en="Refusals", ja="不許可", unit=PEOPLE_A_MONTH, summed=True,
    scorecard=Row("order", "Refusals, so far"),
)  # fmt: skip
def refusals(run: Finished) -> Line | None:
    """People refused in the month; not there if no transition of the run is a refusal."""
    flows, months = run.table("flows"), run.months
    reasons = flows["reason"].combine_chunks()
    names = reasons.dictionary.to_pylist()
    if not any(REFUSED in name for name in names):
        return None
    refused = np.array([REFUSED in name for name in names])[reasons.indices.to_numpy()]
    when = np.searchsorted(months, flows["month"].to_numpy()[refused])
    people = np.bincount(when, flows["people"].to_numpy()[refused], months.size)
    return months[1:], people[1:]


Block = tuple[str, str, list[str], np.ndarray]  # indicator, by, groups, float64[months, groups]


def series_of(folder: Path, config: RunConfig) -> pa.Table:
    """The series of a finished run. Raises OutputError if a table cannot be read."""
    run = Finished(folder)
    table = long_table(stock_blocks(run, config), run.months)
    return pa.concat_tables([indicator_series(run, config), table])


def stock_blocks(run: Finished, config: RunConfig) -> list[Block]:
    """People of every month by status, origin and prefecture, and the settled among them."""
    stocks, n_months = run.stocks, run.months.size
    month = np.searchsorted(run.months, stocks["month"].to_numpy())
    country = config.country
    body = [config.status[name] for name in country.statuses]
    counted, settled = np.array([(s.published, s.settled) for s in body]).T
    cell = month * len(body) + codes_in(stocks, "status", country.statuses)
    people = stocks["people"].to_numpy()

    def counts(by: str, names: list[str]) -> np.ndarray:
        """float64[months, S, names]"""
        at = cell * len(names) + codes_in(stocks, by, names)
        shape = n_months, len(body), len(names)
        return np.bincount(at, people, n_months * len(body) * len(names)).reshape(shape)

    axes = {"origin": country.origins, "prefecture": list(config.prefecture)}
    by_name = {by: counts(by, names) for by, names in axes.items()}
    status = by_name["origin"].sum(axis=2)
    permanent = status[:, [country.statuses.index(country.permanent)]]
    settlers = status[:, settled].sum(axis=1, keepdims=True)
    out: list[Block] = [
        ("people", "status", country.statuses, status),
        ("settled", EVERYBODY, [EVERYBODY], settlers),
        ("permanent", EVERYBODY, [EVERYBODY], permanent),
    ]
    for by, names in axes.items():
        residents = by_name[by][:, counted].sum(axis=1)
        here = by_name[by][:, settled].sum(axis=1)
        out.append(("residents", by, names, residents))
        out.append(("settled", by, names, here))
        out.append(("settled_share", by, names, here / np.maximum(residents, 1.0)))
    return out


def codes_in(table: pa.Table, column: str, names: list[str]) -> np.ndarray:
    """int64: place of each row's code in `names`."""
    values = table[column].combine_chunks()
    place = np.array([names.index(name) for name in values.dictionary.to_pylist()], np.int64)
    return place[values.indices.to_numpy()]


def long_table(blocks: list[Block], months: np.ndarray) -> pa.Table:
    """Blocks of these months as one tidy table: KEY and value."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*KEY, "value")}
    for indicator, by, groups, values in blocks:
        shape = values.size
        columns["month"].append(np.repeat(months, len(groups)))
        columns["indicator"].append(np.full(shape, indicator, object))
        columns["by"].append(np.full(shape, by, object))
        columns["group"].append(np.tile(np.array(groups, object), months.size))
        columns["value"].append(values.ravel())
    return _typed({name: np.concatenate(parts) for name, parts in columns.items()})


def _typed(columns: dict[str, np.ndarray]) -> pa.Table:
    text = {name: pa.array(columns[name].tolist(), pa.string()).dictionary_encode()
            for name in ("indicator", "by", "group")}  # fmt: skip
    month = pa.array(columns["month"].astype("datetime64[D]"), pa.date32())
    return pa.table({"month": month, **text, "value": columns["value"].astype(np.float64)})


def indicator_series(run: Finished, config: RunConfig) -> pa.Table:
    """The indicators of the run, what follows from them, and its flows summed since the opening."""
    known = compared(config)
    made = {one.name: one.values(run) for one in known.values() if isinstance(one, Derived)}
    lines = run.lines | {name: line for name, line in made.items() if line is not None}
    sums = {
        f"{name}{SO_FAR}": (when, np.cumsum(values))
        for name, (when, values) in lines.items()
        if name in known and known[name].summed
    }
    parts = lines | sums
    label = np.concatenate([np.full(when.size, name, object) for name, (when, _) in parts.items()])
    when, values = (np.concatenate([line[k] for line in parts.values()]) for k in (0, 1))
    inside = np.isin(when, run.months)
    everybody = np.full(int(inside.sum()), EVERYBODY, object)
    return _typed({"month": when[inside], "indicator": label[inside], "by": everybody,
                   "group": everybody, "value": values[inside]})  # fmt: skip


def _in_order(month: np.ndarray, value: np.ndarray) -> Line:
    order = np.argsort(month)
    return month[order], value[order]
