"""What only the page of a projection shows: fans, the split of the variance, quantiles by group."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from sim.config.schema.run import RunConfig
from sim.data.load import data_of
from sim.data.published import published_stocks
from sim.figures.fan import COLOUR, NAMES, SOURCE_COLOURS, Fan
from sim.pages.labels import SOURCES, text
from sim.pages.study import Quantiles, Study
from sim.pages.tables import month_code, number, numbers, shown_months
from sim.studies.comparison.series import EVERYBODY
from sim.studies.projection.fans import fans_of, said

Json = dict[str, Any]

TABLES: Final = (
    ("people", "group"), ("people", "status"), ("residents", "origin"), ("residents", "prefecture"),
)  # fmt: skip
"""Indicator and groups of the tables of quantiles."""


def projection_of(study: Study) -> Json | None:
    """members, scales, what is drawn, fans, split, tables of quantiles; None if it is no
    projection."""
    if study.quantiles is None:
        return None
    manifest, config = study.manifest, study.config
    table = study.quantiles.table
    fans = [_fan(fan, study) for fan in (*fans_of(table, config), _settled(table, config))]
    return {
        "members": study.replicates, "member_scale": float(manifest["member_scale"]),
        "nearest": int(manifest["nearest"]),
        "drawn": [SOURCES[source] for source in [*manifest["sources"], "error"]],
        "colour": COLOUR, "names": list(NAMES), "fans": fans,
        "split": split_of(study.quantiles), "tables": _tables(table, study),
    }  # fmt: skip


def _settled(table: pd.DataFrame, config: RunConfig) -> Fan:
    stocks = published_stocks(data_of(config))
    settled = [code for code in config.country.statuses if config.status[code].settled]
    past = stocks[stocks["status"].isin(settled)].groupby("date")["people"].sum()
    past.index = pd.to_datetime(past.index, format="%Y-%m")
    quantiles = said(table, "settled", EVERYBODY, EVERYBODY)
    return Fan("Settled residents", "定着型在留資格の在留外国人", quantiles, past, [])


def _fan(fan: Fan, study: Study) -> Json:
    """label, months, quantiles by name, the published past, and what others say, each of these as
    [month, people]."""
    months = fan.quantiles.index
    kept = months[months.isin(shown_months(study))]
    return {
        "label": {"en": fan.en, "ja": fan.ja},
        "months": [month_code(month) for month in kept],
        "quantiles": {name: numbers(fan.quantiles[name].reindex(kept)) for name in NAMES},
        "past": _points(fan.past),
        "beside": [{"label": {"en": one.label}, "colour": one.colour, "joined": one.joined,
                    "points": _points(one.points)} for one in fan.beside],
    }  # fmt: skip


def _points(people: pd.Series) -> list[list[Any]]:
    months = pd.DatetimeIndex(people.index)
    return [[month_code(month), number(value)] for month, value in zip(months, people, strict=True)]


def split_of(quantiles: Quantiles) -> Json | None:
    """months, and by source its share of the variance of residents with its interval."""
    variance = quantiles.variance
    if variance.empty:
        return None
    own = variance[variance["outcome"] == "residents"]
    months = sorted(own["month"].unique())
    rows = []
    for source in dict.fromkeys(own["source"].astype(str)):
        mine = own[own["source"] == source].set_index("month").reindex(months)
        rows.append(
            {
                "label": SOURCES[source],
                "colour": SOURCE_COLOURS[source],
                **{name: numbers(mine[name]) for name in ("share", "low", "high")},
            }
        )
    return {"months": [month_code(pd.Timestamp(month)) for month in months], "sources": rows}


def _tables(table: pd.DataFrame, study: Study) -> list[Json]:
    """by, groups (code, label), and at each named month quantiles in order of NAMES by group."""
    country = study.config.country
    labels = {
        "group": {code: text(group.label) for code, group in country.groups.items()},
        "status": {code: text(study.config.status[code].label) for code in country.statuses},
        "origin": {code: text(study.config.origin[code].label) for code in country.origins},
        "prefecture": {code: text(place) for code, place in study.config.prefecture.items()},
    }
    out = []
    for indicator, by in TABLES:
        own = table[(table["indicator"] == indicator) & (table["by"] == by)]
        months: Json = {}
        for month in study.named:
            now = own[own["month"] == pd.Timestamp(f"{month}-01")].set_index("group")
            cells = now[list(NAMES)].reindex(list(labels[by]))
            months[month] = [numbers(row) for row in cells.to_numpy(float)]
        groups = [{"code": code, "label": label} for code, label in labels[by].items()]
        out.append({"by": by, "groups": groups, "months": months})
    return out
