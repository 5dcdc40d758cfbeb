"""Tables that the model needs and that did not exist at the origin, made from those that did.

They say where people live, nothing else: how many people have which status never depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.clock import month_name, year_of

DERIVED = {"quality": "derived", "source": "own_derivation"}
MOVERS = 0.1
"""Share of residents who move in a year, the same everywhere."""


def stand_ins(tables: Mapping[str, pd.DataFrame], origin: int) -> dict[str, pd.DataFrame]:
    """Tables by name, only those that hold nothing at the origin."""
    out = {}
    if tables["stocks_prefecture_status"].empty or tables["stocks_prefecture_origin"].empty:
        out.update(_independent(tables, origin))
    if tables["municipality_flows"].empty:
        out["municipality_flows"] = _flows(tables["municipalities_foreign"], origin)
    over = tables["overstayers"]
    if over[(over["origin"] != "total")].empty:
        out["overstayers"] = pd.concat([over, _overstayers(tables, over)], ignore_index=True)
    return out


def _independent(tables: Mapping[str, pd.DataFrame], origin: int) -> dict[str, pd.DataFrame]:
    """Every status and every origin spread over prefectures like all residents."""
    date = month_name(origin)
    where = tables["stocks_prefecture"]
    whole = where.groupby(["definition", "date"])["prefecture"].transform("nunique") >= 47
    latest = where[whole & (where["prefecture"] != "00")].sort_values("date")
    latest = latest[latest["date"] == latest["date"].max()]
    latest = latest[latest["definition"] == latest["definition"].min()]
    share = latest.set_index("prefecture")["people"] / latest["people"].sum()
    groups = tables["status_groups"].set_index("status")["status_group"]
    stocks = tables["stocks_status"]
    stocks = stocks[stocks["date"] == date]
    by_group = stocks["people"].groupby(stocks["status"].map(groups)).sum()
    people = tables["stocks_origin_status"]
    by_origin = people[people["date"] == date].groupby("origin")["people"].sum()
    return {
        "stocks_prefecture_status": _spread(share, by_group, "status_group", date),
        "stocks_prefecture_origin": _spread(share, by_origin, "origin", date),
    }


def _spread(share: pd.Series, people: pd.Series, by: str, date: str) -> pd.DataFrame:
    """date, prefecture, `by`, people: whole numbers whose sum over prefectures is exact."""
    rows = []
    places = sorted(share.index)
    for name, total in people.items():
        edges = np.floor(np.cumsum(share[places].to_numpy()) * int(total) + 0.5).astype(np.int64)
        edges[-1] = int(total)
        rows += [(date, place, name, int(n)) for place, n in zip(places, np.diff(edges, prepend=0),
                                                                 strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["date", "prefecture", by, "people"]).assign(**DERIVED)


def _flows(register: pd.DataFrame, origin: int) -> pd.DataFrame:
    """Moves in proportion to residents, so that no place is more mobile than another."""
    latest = max(c for c in register.columns if c[0] == "y" and c[1:].isdigit())
    people = register[latest].to_numpy(np.int64)
    moved = np.floor(people * MOVERS + 0.5).astype(np.int64)
    none = np.zeros(people.size, np.int64)
    columns = {"municipality": register["municipality"], "year": year_of(origin),
               "population": people, "in_domestic": moved, "in_abroad": people, "births": none,
               "out_domestic": moved, "out_abroad": none, "deaths": none, "other_in": none,
               "other_out": none}  # fmt: skip
    return pd.DataFrame(columns).assign(**DERIVED)


def _overstayers(tables: Mapping[str, pd.DataFrame], over: pd.DataFrame) -> pd.DataFrame:
    """Overstayers by origin, as all residents of the date."""
    people = tables["stocks_origin_status"]
    people = people[people["date"] == people["date"].max()].groupby("origin")["people"].sum()
    latest = over[(over["status"] == "total") & (over["origin"] == "total")].sort_values("date")
    total = int(latest["people"].iloc[-1])
    rows = people / people.sum() * total
    return pd.DataFrame(
        {"date": latest["date"].iloc[-1], "status": "total", "origin": list(rows.index),
         "people": rows.round().astype(np.int64).to_numpy()}
    ).assign(**DERIVED)  # fmt: skip
