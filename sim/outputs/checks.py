"""What the tables of a finished run must keep: finite numbers, and stocks that follow from flows.

They are asked before a run counts as finished, and again of a folder by `kyosei verify --deep`,
which has nothing but the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

OUTSIDE: Final = ("arrived", "born", "left", "died", "naturalised")
"""Where flows come from or go to that is no status."""

CLOSE: Final = 1e-6
"""People that rounding of 1 / scale may leave, relative to the stock."""


def problems_of(tables: Mapping[str, pa.Table]) -> list[str]:
    """One sentence for each rule that the tables break; [] if none."""
    return [*_not_finite(tables), *_stocks_and_flows(tables), *_parts(tables)]


def _not_finite(tables: Mapping[str, pa.Table]) -> Iterator[str]:
    for name, table in tables.items():
        for field in table.schema:
            if not pa.types.is_floating(field.type):
                continue
            column = table[field.name]
            bad = len(column) - column.null_count
            bad -= int(pc.sum(pc.cast(pc.is_finite(column), pa.int64())).as_py() or 0)
            if bad:
                yield f"{name}: {bad} numbers in column {field.name} are not finite"


def _stocks_and_flows(tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """stock(t + 1) = stock(t) + what came in - what went out, for every status and month."""
    if "stocks" not in tables or "flows" not in tables:
        return
    stocks = _by(tables["stocks"].select(["month", "status", "people"]), "status")
    flows = tables["flows"].select(["month", "from", "to", "people"]).to_pandas()
    flows["month"] = pd.to_datetime(flows["month"])
    came = flows.groupby(["month", "to"], observed=True)["people"].sum().unstack(fill_value=0.0)
    went = flows.groupby(["month", "from"], observed=True)["people"].sum().unstack(fill_value=0.0)
    net = came.sub(went, fill_value=0.0).drop(columns=list(OUTSIDE), errors="ignore")
    change = stocks.diff().iloc[1:]
    net = net.reindex(index=change.index, columns=change.columns, fill_value=0.0).fillna(0.0)
    gap = (change - net).abs()
    if _exceeds(gap, stocks):
        month, status = _largest(gap)
        grew, flowed = float(change[status][month]), float(net[status][month])
        yield (
            f"stocks and flows: {status} changed by {grew:.6g} in {month:%Y-%m}, and by"
            f" {flowed:.6g} by its flows"
        )


def _parts(tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """Stocks are not negative; ages add up to the stocks of their month."""
    if "stocks" not in tables:
        return
    stocks = tables["stocks"]
    if stocks.num_rows and float(pc.min(stocks["people"]).as_py()) < 0.0:
        yield "stocks: a number of people is negative"
    if "ages" not in tables:
        return
    whole = _by(stocks.select(["month", "status", "people"]), "status")
    ages = _by(tables["ages"].select(["month", "status", "people"]), "status")
    common = whole.index.intersection(ages.index)
    parts = ages.reindex(columns=whole.columns, fill_value=0.0)
    gap = (whole.loc[common] - parts.loc[common]).abs()
    if _exceeds(gap, whole):
        month, status = _largest(gap)
        yield f"ages: people of {status} in {month:%Y-%m} do not add up to its stock"


def _exceeds(gap: pd.DataFrame, stocks: pd.DataFrame) -> bool:
    most = max(float(stocks.to_numpy().max(initial=0.0)), 1.0)
    return bool(gap.to_numpy().max(initial=0.0) > CLOSE * most)


def _largest(gap: pd.DataFrame) -> tuple[pd.Timestamp, str]:
    """Month and code of the largest gap."""
    row, column = np.unravel_index(int(gap.to_numpy().argmax()), gap.shape)
    return pd.Timestamp(gap.index[int(row)]), str(gap.columns[int(column)])


def _by(table: pa.Table, column: str) -> pd.DataFrame:
    """People by month (rows) and code (columns)."""
    frame = table.to_pandas()
    frame["month"] = pd.to_datetime(frame["month"])
    return (
        frame.groupby(["month", column], observed=True)["people"]
        .sum()
        .unstack(fill_value=0.0)
        .astype(np.float64)
    )
