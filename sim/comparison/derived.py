"""Indicators that follow from the tables of a run: load of offices, and refusals."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from sim.indicators import LABELS
from sim.indicators_civic import civic_labels
from sim.schema import RunConfig

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
