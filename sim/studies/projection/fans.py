"""The fans of a projection: its quantiles beside what was published and what others say."""

from __future__ import annotations

import pandas as pd

from sim.config.schema.run import RunConfig
from sim.data.load import Data, data_of
from sim.data.published import (
    official_population,
    official_projection,
    official_working_age,
    outlooks,
    published_stocks,
)
from sim.figures.fan import NAMES, Beside, Fan
from sim.studies.comparison.series import EVERYBODY

OCTOBER = "-10-01"
"""The day of the census, of official projections and of notifications of workers."""

COLOURS = ("#b45309", "#7c3aed", "#15803d", "#be123c")

MARKERS = "Dsv^"


def fans_of(quantiles: pd.DataFrame, config: RunConfig) -> list[Fan]:
    """All residents, then workers and people of working age as far as the members tell them.

    quantiles: see `sim.studies.projection.quantiles.quantile_table`.
    """
    data = data_of(config)
    fans = [_workers(quantiles, data), _working_age(quantiles, data, config)]
    return [_residents(quantiles, data, config), *(fan for fan in fans if fan is not None)]


def said(quantiles: pd.DataFrame, indicator: str, by: str, group: str) -> pd.DataFrame:
    """Quantiles (NAMES) of one series by month."""
    mine = quantiles[
        (quantiles["indicator"] == indicator) & (quantiles["by"] == by)
        & (quantiles["group"] == group)
    ]  # fmt: skip
    return mine.set_index("month")[list(NAMES)].sort_index()


def _points(years: pd.Series, people: pd.Series) -> pd.Series:
    dates = pd.to_datetime(years.astype(int).astype(str) + OCTOBER)
    return pd.Series(people.to_numpy(float), pd.DatetimeIndex(dates)).sort_index()


def _residents(quantiles: pd.DataFrame, data: Data, config: RunConfig) -> Fan:
    stocks = published_stocks(data)
    past = stocks.groupby("date")["people"].sum()
    past.index = pd.to_datetime(past.index, format="%Y-%m")
    official = official_projection(data)
    line = _points(official["year"], official["people"])
    beside = [Beside("official projection, medium variant", line, COLOURS[0], "D", True)]
    for _, row in _outlooks(data, "foreign_share").iterrows():
        everybody = official_population(data)
        whole = _points(everybody["year"], everybody["people"])
        when = pd.Timestamp(f"{int(row['year'])}{OCTOBER}")
        if when in whole.index:
            share = pd.Series([row["value"] / 100 * whole[when]], pd.DatetimeIndex([when]))
            beside.append(Beside(str(row["label"]), share, COLOURS[3], "*"))
    label = config.country.label
    return Fan(f"All residents of {label.en}", "在留外国人総数",
               said(quantiles, "residents", EVERYBODY, EVERYBODY), past, beside)  # fmt: skip


def _outlooks(data: Data, quantity: str) -> pd.DataFrame:
    table = outlooks(data)
    return table[table["quantity"] == quantity]


def _workers(quantiles: pd.DataFrame, data: Data) -> Fan | None:
    own = said(quantiles, "workers", EVERYBODY, EVERYBODY)
    if own.empty:
        return None
    totals = data["workers_totals"]
    past = _points(totals["year"], totals["workers"])["2012":]
    beside = [
        Beside(str(label), _points(rows["year"], rows["value"]), COLOURS[k], MARKERS[k], True)
        for k, (label, rows) in enumerate(_outlooks(data, "workers").groupby("label", sort=False))
    ]
    return Fan("Foreign workers", "外国人労働者", own, past, beside)


def _working_age(quantiles: pd.DataFrame, data: Data, config: RunConfig) -> Fan | None:
    own = said(quantiles, "residents", "ages", "15_64")
    if own.empty:
        return None
    beside = [
        Beside(f"official: {label}", _points(rows["year"], rows["people"]), COLOURS[k], MARKERS[k])
        for k, (label, rows) in enumerate(official_working_age(data).groupby("label", sort=False))
    ]
    table = data["stocks_age_sex"]
    ages = table[table["age"].between(15, 60)]
    past = ages.groupby("date")["people"].sum()
    past.index = pd.to_datetime(past.index, format="%Y-%m")
    return Fan("Residents aged 15 to 64", "15～64歳の在留外国人", own, past, beside)
