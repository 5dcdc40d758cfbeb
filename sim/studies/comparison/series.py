"""What a run says that can be compared: one tidy table of it, read from the run's folder.

month, indicator, by, group, value. `by` is all, status, origin or prefecture, and `group` the code
within it; every month has every group, 0 where nobody is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from sim.config.schema.run import RunConfig
from sim.files.folder import read_parquet
from sim.outputs.indicators import LABELS, civic_labels

CASES: Final = "_caseload"

CAPACITY: Final = "_capacity"

LOAD: Final = "_load_rate"

REFUSALS: Final = "refusals"

REFUSED: Final = "refus"
"""What is in the name of every fate that is a refusal."""

TOP_TENTH: Final = "desks_of_top_tenth_load_rate"

YEAR: Final = 12

Line = tuple[str, np.ndarray, np.ndarray]
"""Indicator, months datetime64[D] in order, values float64."""


def labels_of(config: RunConfig) -> dict[str, tuple[str, str, str]]:
    """indicator -> (English, Japanese, unit) of all that a comparison can show."""
    out = LABELS | civic_labels(config)
    cases = {name: label for name, label in out.items() if name.endswith(CASES)}
    for name, (en, ja, _) in cases.items():
        out[name.removesuffix(CASES) + LOAD] = (f"{en} over capacity", f"{ja}／処理能力", "")
    out[TOP_TENTH] = (
        "The most loaded tenth of municipalities",
        "負荷上位1割の市区町村",
        "",
    )
    out[REFUSALS] = ("Refusals", "不許可", "people a month")
    return out


def loads(lines: dict[str, Line]) -> list[Line]:
    """Cases over capacity of each office, both summed over the twelve months to each month."""
    out: list[Line] = []
    for name, (_, months, cases) in lines.items():
        other = lines.get(name.removesuffix(CASES) + CAPACITY)
        if name.endswith(CASES) and other is not None and np.array_equal(months, other[1]):
            capacity = _of_a_year(other[2])
            known = capacity > 0
            load = _of_a_year(cases)[known] / capacity[known]
            out.append((name.removesuffix(CASES) + LOAD, months[known], load))
    return out


def _of_a_year(values: np.ndarray) -> np.ndarray:
    """Sum of the last twelve values, of fewer at the beginning."""
    so_far = np.cumsum(values)
    return so_far - np.concatenate([np.zeros(min(YEAR, so_far.size)), so_far[:-YEAR]])


def top_tenth(municipalities: pa.Table) -> list[Line]:
    """Cases over capacity of the tenth of municipalities where it is highest, at each date.

    municipalities: month, caseload, capacity of the run's table. Without desks there is no load.
    """
    if not {"caseload", "capacity"} <= set(municipalities.column_names):
        return []
    month = municipalities["month"].to_numpy()
    cases, capacity = (municipalities[c].to_numpy() for c in ("caseload", "capacity"))
    months, loads = [], []
    for when in np.unique(month):
        own = (month == when) & (capacity > 0)
        if own.any():
            most = np.sort(cases[own] / capacity[own])[-max(int(own.sum()) // 10, 1) :]
            months.append(when)
            loads.append(float(most.mean()))
    return [(TOP_TENTH, np.array(months), np.array(loads))] if months else []


def refusals(flows: pa.Table, months: np.ndarray) -> list[Line]:
    """People refused in each month after the opening; none if no fate of the run is a refusal."""
    reasons = flows["reason"].combine_chunks()
    names = reasons.dictionary.to_pylist()
    refused = np.array([REFUSED in name for name in names])[reasons.indices.to_numpy()]
    when = np.searchsorted(months, flows["month"].to_numpy()[refused])
    people = np.bincount(when, flows["people"].to_numpy()[refused], months.size)
    return [(REFUSALS, months[1:], people[1:])] if any(REFUSED in name for name in names) else []


KEY: Final = ("month", "indicator", "by", "group")

EVERYBODY: Final = "all"

SUMMED: Final = "_so_far"
"""Ends the names of flows summed since the opening: a single month of a flow is mostly noise."""

Block = tuple[str, str, list[str], np.ndarray]  # indicator, by, groups, float64[months, groups]


def series_of(folder: Path, config: RunConfig) -> pa.Table:
    """The series of a finished run. Raises OutputError if a table cannot be read."""
    stocks = read_parquet(folder / "stocks.parquet")
    by_row = stocks["month"].to_numpy()  # in order
    begins = np.append(True, by_row[1:] != by_row[:-1])
    months, month = by_row[begins], np.cumsum(begins) - 1
    blocks = _stock_blocks(stocks, month, months.size, config)
    table = _long(blocks, months)
    return pa.concat_tables([_indicators(folder, months, config), table])


def _stock_blocks(
    stocks: pa.Table, month: np.ndarray, n_months: int, config: RunConfig
) -> list[Block]:
    country = config.country
    body = [config.status[name] for name in country.statuses]
    counted, settled = np.array([(s.published, s.settled) for s in body]).T
    cell = month * len(body) + _codes(stocks, "status", country.statuses)
    people = stocks["people"].to_numpy()

    def counts(by: str, names: list[str]) -> np.ndarray:
        """float64[months, S, names]"""
        at = cell * len(names) + _codes(stocks, by, names)
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


def _codes(table: pa.Table, column: str, names: list[str]) -> np.ndarray:
    """int64: place of each row's code in `names`."""
    values = table[column].combine_chunks()
    place = np.array([names.index(name) for name in values.dictionary.to_pylist()], np.int64)
    return place[values.indices.to_numpy()]


def _long(blocks: list[Block], months: np.ndarray) -> pa.Table:
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


def _indicators(folder: Path, months: np.ndarray, config: RunConfig) -> pa.Table:
    """The indicators of the run, what follows from them, and its flows summed since the opening."""
    table = read_parquet(folder / "indicators.parquet")
    names = np.array(table["indicator"].cast("string").to_pylist(), object)
    month, value = table["month"].to_numpy(), table["value"].to_numpy()
    lines = {name: _in_order(name, month[names == name], value[names == name])
             for name in dict.fromkeys(names)}  # fmt: skip
    more = loads(lines)
    more += top_tenth(read_parquet(folder / "municipalities.parquet"))
    more += refusals(read_parquet(folder / "flows.parquet"), months)
    lines |= {line[0]: line for line in more}
    units = {name: unit for name, (_, _, unit) in labels_of(config).items()}
    flows = [line for line in lines.values() if units.get(line[0]) == "people a month"]
    parts = [*lines.values(), *((n + SUMMED, when, np.cumsum(v)) for n, when, v in flows)]
    label = np.concatenate([np.full(when.size, name, object) for name, when, _ in parts])
    when, values = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    inside = np.isin(when, months)
    everybody = np.full(int(inside.sum()), EVERYBODY, object)
    return _typed({"month": when[inside], "indicator": label[inside], "by": everybody,
                   "group": everybody, "value": values[inside]})  # fmt: skip


def _in_order(name: str, month: np.ndarray, value: np.ndarray) -> Line:
    order = np.argsort(month)
    return name, month[order], value[order]
