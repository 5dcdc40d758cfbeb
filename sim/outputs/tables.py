"""The output tables of a run: one value per row, codes as names, people weighted by 1 / scale.

To add one: a function under `@table`, which says its columns. The files of a run and the page of
documentation are made from these declarations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from sim.agents.record import CODE, FLAG, NUMBER, Column
from sim.config.factors import SEXES
from sim.config.schema.run import RunConfig
from sim.core.clock import date_of, year_of
from sim.outputs.indicators import indicators
from sim.outputs.outcome import Outcome
from sim.processes.survey import SURVEYED, TOWNS

DATE: Final = "date"
WHOLE: Final = "whole number"
IDENTITY: Final = "identity"
TEXT: Final = "text"
TYPES: Final = {
    DATE: pa.date32(), CODE: pa.dictionary(pa.int16(), pa.string()), WHOLE: pa.int16(),
    NUMBER: pa.float64(), FLAG: pa.bool_(), IDENTITY: pa.int64(), TEXT: pa.string(),
}  # fmt: skip
"""Arrow types of the kinds of columns."""

MONTH: Final = Column("month", "first of the month", DATE)
YEAR: Final = Column("year", "of the month", WHOLE)
PEOPLE: Final = Column("people", "people")

LEAVING: Final = {"leave": "left", "die": "died", "citizen": "naturalised"}
"""Kinds of fates that end residence, and what the table `flows` calls their end."""


class Table(NamedTuple):
    """An output table.

    text     what a row says
    columns  in every run
    further  (section of the configuration, columns that only runs with that section have)
    make     the columns by name, of a run
    asked    setting without which there is no such table; "" for one of every run
    """

    name: str
    text: str
    columns: tuple[Column, ...]
    further: tuple[str, tuple[Column, ...]]
    make: Callable[[Outcome], Mapping[str, Any]]
    asked: str = ""

    def of(self, run: Outcome) -> pa.Table:
        """The table of a run. Raises ArrowTypeError or KeyError if it is not as declared."""
        section, more = self.further
        has_more = bool(section) and getattr(run.config, section) is not None
        columns = [*self.columns, *(more if has_more else ())]
        made = self.make(run)
        arrays = [_array(made[column.name], TYPES[column.kind]) for column in columns]
        return pa.table(arrays, names=[column.name for column in columns])


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


TABLES: Final[dict[str, Table]] = {}
"""All declared tables by name, which is that of the file without its ending."""


def table(
    name: str, *columns: Column, needs: str = "", further: Sequence[Column] = (), asked: str = ""
) -> Callable[[Callable[[Outcome], Mapping[str, Any]]], Callable[[Outcome], pa.Table]]:
    """Declare the table that a function makes; its docstring says what a row is.

    needs: section of the configuration without which the `further` columns are left out.
    asked: setting without which there is no such table.
    """

    def declared(make: Callable[[Outcome], Mapping[str, Any]]) -> Callable[[Outcome], pa.Table]:
        if name in TABLES:
            raise ValueError(f"a table {name} is declared already")
        text = inspect.getdoc(make) or ""
        TABLES[name] = Table(name, text, columns, (needs, tuple(further)), make, asked)
        return TABLES[name].of

    return declared


def tables_in(config: RunConfig) -> dict[str, Table]:
    """The tables that runs of a configuration have, by name."""
    return {name: made for name, made in TABLES.items()
            if not made.asked or getattr(config, made.asked)}  # fmt: skip


def tables_of(run: Outcome) -> dict[str, pa.Table]:
    """All tables of a run by name."""
    return {name: made.of(run) for name, made in tables_in(run.config).items()}


def codes_of(rows: np.ndarray, names: Sequence[str]) -> pa.DictionaryArray:
    """Names of the rows, as codes of int16."""
    words = pa.array(list(names), pa.string())  # text even where there is no name
    return pa.DictionaryArray.from_arrays(pa.array(rows.astype(np.int16)), words)


def dates_of(months: Sequence[int], rows: np.ndarray) -> np.ndarray:
    """datetime64[D]: the month of each row."""
    return np.array([date_of(month) for month in months], "datetime64[D]")[rows]


def years_of(months: Sequence[int], rows: np.ndarray) -> np.ndarray:
    """int16: the year of each row."""
    return np.array([year_of(month) for month in months], np.int16)[rows]


def year_ends(run: Outcome) -> list[int]:
    """The opening, each December, and the last month described."""
    known = sorted(run.record.places)
    return [m for m in known if m % 12 == 11 or m in (known[0], known[-1])]


@table(
    "stocks", MONTH, Column("status", "status of residence", CODE),
    Column("origin", "nationality or region", CODE), Column("prefecture", "of residence", CODE),
    PEOPLE,
)  # fmt: skip
def stocks(run: Outcome) -> Mapping[str, Any]:
    """Residents at the end of the month by status, origin and prefecture; no zeros."""
    cubes, codes = run.record.cubes, run.rates.codes
    parts = [np.flatnonzero(cube) for cube in cubes]
    month = np.repeat(np.arange(len(parts), dtype=np.int32), [part.size for part in parts])
    people = np.concatenate([c.ravel()[p] for c, p in zip(cubes, parts, strict=True)])
    _, origins, prefectures = cubes[0].shape
    cell, prefecture = np.divmod(np.concatenate(parts).astype(np.int32), np.int32(prefectures))
    status, origin = np.divmod(cell, np.int32(origins))
    return {
        "month": dates_of(run.record.months, month),
        "status": codes_of(status, codes.statuses),
        "origin": codes_of(origin, codes.origins),
        "prefecture": codes_of(prefecture, codes.prefectures),
        "people": people / run.scale,
    }


@table(
    "flows", MONTH, Column("from", "status, `arrived` or `born`", CODE),
    Column("to", "status, `left`, `died` or `naturalised`", CODE),
    Column("reason", "name of the transition", CODE), PEOPLE,
)  # fmt: skip
def flows(run: Outcome) -> Mapping[str, Any]:
    """People who entered, left or changed status in the month, by transition; no zeros."""
    record, statuses = run.record, run.statuses
    columns: list[tuple[str, str, str, np.ndarray]] = []
    flows = np.array(record.flows)
    for f, name in enumerate(run.rates.names):
        to = name.to if name.kind == "switch" else LEAVING.get(name.kind)
        if to is not None:
            columns.append((name.status, to, name.name, flows[:, f]))
    newcomers = (("arrived", "arrival", record.came), ("arrived", "family", record.brought),
                 ("born", "birth", record.born))  # fmt: skip
    for source, reason, counts in newcomers:
        by_status = np.array(counts)
        columns += [(source, s, reason, by_status[:, k]) for k, s in enumerate(statuses)]
    people = np.array([column[3] for column in columns]).T  # [month, column]
    month, row = np.nonzero(people)
    ends = [*statuses, "arrived", "born", *LEAVING.values()]
    reasons = sorted({column[2] for column in columns})
    return {
        "month": dates_of(record.months, month),
        "from": codes_of(np.array([ends.index(c[0]) for c in columns])[row], ends),
        "to": codes_of(np.array([ends.index(c[1]) for c in columns])[row], ends),
        "reason": codes_of(np.array([reasons.index(c[2]) for c in columns])[row], reasons),
        "people": people[month, row] / run.scale,
    }


@table(
    "municipalities", MONTH, YEAR, Column("municipality", "code of the municipality", CODE),
    Column("residents", "people inside the published total"),
    Column("settled", "people with a settled status"),
    Column("irregular", "people without a status"),
    needs="town", further=TOWNS.columns,
)  # fmt: skip
def municipalities(run: Outcome) -> Mapping[str, Any]:
    """Municipalities at the opening, each December and in the last month described."""
    record, config = run.record, run.config
    ends = year_ends(run)
    stock = np.array([record.places[month] for month in ends])  # [T, M, S]
    n = stock.shape[1]
    when = np.repeat(np.arange(len(ends)), n)
    out: dict[str, Any] = {
        "month": dates_of(ends, when),
        "year": years_of(ends, when),
        "municipality": codes_of(np.tile(np.arange(n), len(ends)), run.rates.codes.municipalities),
        "residents": stock[:, :, run.published].sum(axis=2).ravel() / run.scale,
        "settled": stock[:, :, run.settled].sum(axis=2).ravel() / run.scale,
        "irregular": stock[:, :, run.rates.status.irregular].ravel() / run.scale,
    }
    if config.town is not None:
        acting = np.concatenate([record.towns[month] for month in ends])  # [T * M, columns]
        for column, values in zip(TOWNS.columns, acting.T, strict=True):
            out[column.name] = values > 0 if column.kind == FLAG else values
        support = acting[:, TOWNS.at("support")]
        out["support"] = codes_of(support, list(config.town.support.levels))
    return out


@table(
    "ages", MONTH, YEAR, Column("status", "status of residence", CODE), Column("sex", "F, M", CODE),
    Column("age", "first of five years of age", WHOLE), PEOPLE,
)  # fmt: skip
def ages(run: Outcome) -> Mapping[str, Any]:
    """Residents by sex and age, at the same dates; no zeros."""
    ends = year_ends(run)
    counts = np.array([run.record.ages[month] for month in ends])
    month, status, sex, band = np.nonzero(counts)
    return {
        "month": dates_of(ends, month),
        "year": years_of(ends, month),
        "status": codes_of(status, run.statuses),
        "sex": codes_of(sex, SEXES),
        "age": (band * 5).astype(np.int16),
        "people": counts[month, status, sex, band] / run.scale,
    }


@table(
    "firms", MONTH, YEAR, Column("sector", "of the establishment", CODE),
    Column("size", "by employees", CODE), Column("status", "standing with the authority", CODE),
    Column("firms", "establishments"), Column("workers", "people"), Column("vacancies", "jobs"),
)  # fmt: skip
def firms(run: Outcome) -> Mapping[str, Any]:
    """Establishments with foreign workers by kind and standing, at the same dates; no zeros, and
    no rows in a run whose firms do not act."""
    body, record = run.config.firms, run.record
    ends = [month for month in year_ends(run) if record.firms[month].size] if body else []
    empty = np.zeros((0, 0, 0, 0, len(SURVEYED.columns)), np.int64)
    counts = np.array([record.firms[month] for month in ends]) if ends else empty
    month, sector, size, status = np.nonzero(counts[..., SURVEYED.at("firms")])
    rows = counts[month, sector, size, status] / run.scale
    return {
        "month": dates_of(ends, month),
        "year": years_of(ends, month),
        "sector": codes_of(sector, list(body.sectors) if body else []),
        "size": codes_of(size, list(body.sizes) if body else []),
        "status": codes_of(status, list(body.statuses) if body else []),
        **{name: rows[:, SURVEYED.at(name)] for name in SURVEYED.names},
    }


@table(
    "indicators", MONTH, Column("indicator", "its code", CODE),
    Column("value", "that of the indicator"),
)  # fmt: skip
def indicators_table(run: Outcome) -> Mapping[str, Any]:
    """Values of the indicators of the run, in order of declaration, months ascending."""
    return indicator_columns(indicators(run))


def indicator_columns(series: Mapping[str, Mapping[int, float]]) -> dict[str, Any]:
    """Columns of the table `indicators`, of indicator -> month -> value."""
    names = list(series)
    rows = [(month, k, value) for k, name in enumerate(names)
            for month, value in sorted(series[name].items())]  # fmt: skip
    months, places, values = zip(*rows, strict=True) if rows else ((), (), ())
    return {
        "month": dates_of(months, np.arange(len(rows))),
        "indicator": codes_of(np.array(places, np.int16), names),
        "value": np.array(values, np.float64),
    }
