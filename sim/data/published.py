"""What was published, in the shape that summaries and figures compare a run with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.data.load import Data


def published_stocks(data: Data) -> pd.DataFrame:
    """date (YYYY-MM), status, people: the half-yearly stocks by status."""
    return data["stocks_status"][["date", "status", "people"]]


def published_total(data: Data) -> dict[int, int]:
    """Month index -> published total of foreign residents."""
    totals = data["stocks_status"].groupby("date")["people"].sum()
    return {month_index(str(date)): int(people) for date, people in totals.items()}


def official_projection(data: Data) -> pd.DataFrame:
    """year, people: foreign population of the official projection at its published years."""
    table = data["projection_national"]
    rows = table[table["quantity"] == "foreign_population"]
    return rows[["year", "value"]].rename(columns={"value": "people"}).sort_values("year")


INFLOWS: Final = {
    "": "medium variant",
    "_inflow_250k": "250 thousand a year net",
    "_inflow_of_2017": "inflow of the projection of 2017",
}


def official_working_age(data: Data) -> pd.DataFrame:
    """label, year, people: foreigners aged 15 to 64 of the official projection under each of its
    assumptions of inflow."""
    table = data["projection_national"]
    parts = []
    for suffix, label in INFLOWS.items():
        rows = table[table["quantity"] == f"foreign_population_age_15_64{suffix}"]
        parts.append(
            rows[["year", "value"]].rename(columns={"value": "people"}).assign(label=label)
        )
    return pd.concat(parts, ignore_index=True)


def official_population(data: Data) -> pd.DataFrame:
    """year, people: everybody in the official projection."""
    table = data["projection_national"]
    rows = table[table["quantity"] == "population"]
    return rows[["year", "value"]].rename(columns={"value": "people"}).sort_values("year")


def outlooks(data: Data) -> pd.DataFrame:
    """outlook, label, quantity, year, value: what others say of the future, if any do."""
    columns = ["outlook", "label", "quantity", "year", "value"]
    (table,) = data.some("outlooks")
    return pd.DataFrame(columns=columns) if table is None else table[columns]


def official_at(data: Data, years: Iterable[int]) -> list[float]:
    """People at the years by straight lines between the published years; NaN outside them."""
    table = official_projection(data)
    known, people = table["year"].to_numpy(float), table["people"].to_numpy(float)
    return [float(v) for v in np.interp(list(years), known, people, left=np.nan, right=np.nan)]


def published_indicators(data: Data, config: RunConfig) -> pd.DataFrame:
    """month (date), indicator, value: the published past of those indicators that have one."""
    stocks = published_stocks(data)
    wide = stocks.pivot_table(index="date", columns="status", values="people", aggfunc="sum")
    total = wide.sum(axis=1)
    settled = [name for name in wide.columns if config.status[str(name)].settled]
    series = {
        "residents": total,
        "settled_share": wide[settled].sum(axis=1) / total,
        "permanent_share": wide[config.country.permanent] / total,
    }
    over = data["overstayers"]
    over = over[(over["status"] == "total") & (over["origin"] == "total")]
    series["irregular"] = over.set_index("date")["people"].astype(float)
    long = pd.concat(series, names=["indicator", "month"]).rename("value").reset_index()
    long["month"] = pd.to_datetime(long["month"], format="%Y-%m")
    return long
