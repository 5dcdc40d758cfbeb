"""A run's record as tidy tables: one value per row, codes as names, weighted back by 1 / scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sim.agents.record import Record
from sim.config.factors import SEXES
from sim.config.schema.run import RunConfig
from sim.core.clock import date_of, year_of
from sim.rates.tables import Codes, Model

LEAVING = {"leave": "left", "die": "died", "citizen": "naturalised"}


def names_column(rows: np.ndarray, names: Sequence[str]) -> pa.DictionaryArray:
    words = pa.array(list(names), pa.string())  # text even where there is no name
    return pa.DictionaryArray.from_arrays(pa.array(rows.astype(np.int16)), words)


def months_column(months: Sequence[int], rows: np.ndarray) -> pa.Array:
    days = np.array([date_of(month) for month in months], "datetime64[D]")
    return pa.array(days[rows])


def stocks_table(record: Record, codes: Codes, scale: float) -> pa.Table:
    """month, status, origin, prefecture, people: residents at the end of each month; no zeros."""
    parts = [np.flatnonzero(cube) for cube in record.cubes]
    month = np.repeat(np.arange(len(parts), dtype=np.int32), [part.size for part in parts])
    people = np.concatenate([c.ravel()[p] for c, p in zip(record.cubes, parts, strict=True)])
    _, origins, prefectures = record.cubes[0].shape
    cell, prefecture = np.divmod(np.concatenate(parts).astype(np.int32), np.int32(prefectures))
    status, origin = np.divmod(cell, np.int32(origins))
    return pa.table({
        "month": months_column(record.months, month),
        "status": names_column(status, codes.statuses),
        "origin": names_column(origin, codes.origins),
        "prefecture": names_column(prefecture, codes.prefectures),
        "people": people / scale,
    })  # fmt: skip


def flows_table(record: Record, model: Model, scale: float) -> pa.Table:
    """month, from, to, reason, people: who entered, left or switched, and by which fate."""
    statuses = model.codes.statuses
    columns: list[tuple[str, str, str, np.ndarray]] = []
    flows = np.array(record.flows)
    for f, name in enumerate(model.names):
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
    return pa.table({
        "month": months_column(record.months, month),
        "from": names_column(np.array([ends.index(c[0]) for c in columns])[row], ends),
        "to": names_column(np.array([ends.index(c[1]) for c in columns])[row], ends),
        "reason": names_column(np.array([reasons.index(c[2]) for c in columns])[row], reasons),
        "people": people[month, row] / scale,
    })  # fmt: skip


def year_ends(record: Record) -> list[int]:
    """The opening, each December, and the last month described."""
    known = sorted(record.places)
    return [m for m in known if m % 12 == 11 or m in (known[0], known[-1])]


def municipalities_table(
    record: Record,
    codes: Codes,
    published: np.ndarray,
    settled: np.ndarray,
    irregular: int,
    scale: float,
    levels: Sequence[str] = (),
) -> pa.Table:
    """month, year, municipality, residents, settled, irregular: at the opening and each December.

    published, settled: bool[S], which statuses count as residents and as settled. Where
    municipalities act, with `levels` of support, the columns of sim.processes.survey.TOWN too.
    """
    ends = year_ends(record)
    stock = np.array([record.places[month] for month in ends])  # [T, M, S]
    n = stock.shape[1]
    table = pa.table({
        "month": months_column(ends, np.repeat(np.arange(len(ends)), n)),
        "year": np.repeat(np.array([year_of(m) for m in ends], np.int16), n),
        "municipality": names_column(np.tile(np.arange(n), len(ends)), codes.municipalities),
        "residents": stock[:, :, published].sum(axis=2).ravel() / scale,
        "settled": stock[:, :, settled].sum(axis=2).ravel() / scale,
        "irregular": stock[:, :, irregular].ravel() / scale,
    })  # fmt: skip
    if levels:
        state = np.concatenate([record.towns[month] for month in ends])  # [T * M, 7]
        table = table.append_column("support", names_column(state[:, 0], levels))
        for k, name in enumerate(("classes", "linked"), 1):
            table = table.append_column(name, pa.array(state[:, k] > 0))
        for k, name in enumerate(("caseload", "capacity", "backlog", "sentiment"), 3):
            table = table.append_column(name, pa.array(state[:, k]))
    return table


def ages_table(record: Record, codes: Codes, scale: float) -> pa.Table:
    """month, year, status, sex, age (lower bound of five years), people; no zeros."""
    ends = year_ends(record)
    counts = np.array([record.ages[month] for month in ends])
    month, status, sex, band = np.nonzero(counts)
    years = np.array([year_of(m) for m in ends], np.int16)
    return pa.table({
        "month": months_column(ends, month),
        "year": years[month],
        "status": names_column(status, codes.statuses),
        "sex": names_column(sex, SEXES),
        "age": (band * 5).astype(np.int16),
        "people": counts[month, status, sex, band] / scale,
    })  # fmt: skip


def indicators_table(series: dict[str, dict[int, float]]) -> pa.Table:
    """month, indicator, value; indicators in order, months ascending."""
    names = list(series)
    rows = [(month, k, value) for k, name in enumerate(names)
            for month, value in sorted(series[name].items())]  # fmt: skip
    months = [row[0] for row in rows]
    return pa.table({
        "month": months_column(months, np.arange(len(rows))),
        "indicator": names_column(np.array([row[1] for row in rows]), names),
        "value": np.array([row[2] for row in rows], np.float64),
    })  # fmt: skip


def firms_table(record: Record, config: RunConfig, scale: float) -> pa.Table:
    """month, year, sector, size, status, firms, workers, vacancies: at the opening and each
    December; no rows without firms."""
    body = config.firms
    ends = [month for month in year_ends(record) if record.firms[month].size] if body else []
    counts = (
        np.array([record.firms[month] for month in ends])
        if ends
        else np.zeros((0, 0, 0, 0, 3), np.int64)
    )
    month, sector, size, status = np.nonzero(counts[..., 0])
    rows = counts[month, sector, size, status] / scale
    sectors, sizes, statuses = (
        list(names)
        for names in ((body.sectors, body.sizes, body.statuses) if body else ((), (), ()))
    )
    years = np.array([year_of(m) for m in ends], np.int16)
    return pa.table({
        "month": months_column(ends, month),
        "year": years[month],
        "sector": names_column(sector, sectors),
        "size": names_column(size, sizes),
        "status": names_column(status, statuses),
        "firms": rows[:, 0],
        "workers": rows[:, 1],
        "vacancies": rows[:, 2],
    })  # fmt: skip
