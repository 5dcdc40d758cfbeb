"""A run's tables: one value per row, codes as names, and the ledger closes from the files alone."""

from __future__ import annotations

import datetime

import pandas as pd
import pyarrow as pa
import pytest

from sim.model.model import Kyosei
from sim.outputs.outcome import Outcome
from sim.outputs.tables import TABLES, indicator_columns, table, tables_in, tables_of
from tests.helpers import civic, tiny

SCALE = 0.5


@pytest.fixture(scope="module")
def model() -> Kyosei:
    """The tiny country after two years, with half of its people."""
    model = tiny.model(tiny.config(scale=SCALE), tiny.columns(6000))
    model.run()
    return model


@pytest.fixture(scope="module")
def tables(model: Kyosei) -> dict[str, pa.Table]:
    return tables_of(Outcome.of(model))


@pytest.fixture(scope="module")
def frames(tables: dict[str, pa.Table]) -> dict[str, pd.DataFrame]:
    frames = {name: table.to_pandas() for name, table in tables.items()}
    for frame in frames.values():
        for column in frame.select_dtypes("category"):
            frame[column] = frame[column].astype(str)
    return frames


def test_stocks_change_by_the_flows(frames: dict[str, pd.DataFrame]):
    """stock(t + 1) - stock(t) of each status = who entered it - who left it."""
    stocks = frames["stocks"].pivot_table(
        index="month", columns="status", values="people", aggfunc="sum", fill_value=0.0
    )
    change = stocks.diff().iloc[1:]
    flows = frames["flows"]
    into = flows.pivot_table(index="month", columns="to", values="people", aggfunc="sum")
    out = flows.pivot_table(index="month", columns="from", values="people", aggfunc="sum")
    shape = {"index": change.index, "columns": change.columns, "fill_value": 0.0}
    net = into.reindex(**shape).fillna(0.0) - out.reindex(**shape).fillna(0.0)
    pd.testing.assert_frame_equal(change, net, check_exact=True, check_names=False)
    assert (change.abs().sum() > 0).all(), "every status must have moved, or this shows nothing"


def test_flows_start_and_end_where_they_may(frames: dict[str, pd.DataFrame]):
    flows = frames["flows"]
    assert set(flows["from"]) <= {*tiny.STATUSES, "arrived", "born"}
    assert set(flows["to"]) <= {*tiny.STATUSES, "left", "died", "naturalised"}
    assert {"arrived", "born"} <= set(flows["from"])
    assert {"left", "died", "naturalised"} <= set(flows["to"])
    reasons = flows[flows["to"] == "left"]["reason"]
    assert {"leave", "refused", "follow"} <= set(reasons)
    assert flows["month"].min() > frames["stocks"]["month"].min()


def test_stocks_are_weighted_back_and_hold_no_zeros(model: Kyosei, frames: dict[str, pd.DataFrame]):
    stocks = frames["stocks"]
    last = stocks[stocks["month"] == stocks["month"].max()]
    assert last["people"].sum() == len(model.people) / SCALE
    for name in ("stocks", "flows", "ages"):
        assert (frames[name]["people"] > 0).all(), name
    assert not stocks.duplicated(["month", "status", "origin", "prefecture"]).any()


def test_places_and_ages_add_up_to_the_stocks(frames: dict[str, pd.DataFrame]):
    stocks, ages, towns = frames["stocks"], frames["ages"], frames["municipalities"]
    dates = sorted(towns["month"].unique())
    assert [d.month for d in dates] == [6, 12, 12, 6], "the opening, each December, the last month"
    for date in dates:
        then = stocks[stocks["month"] == date].groupby("status")["people"].sum()
        aged = ages[ages["month"] == date].groupby("status")["people"].sum()
        pd.testing.assert_series_equal(then, aged, check_names=False)
        there = towns[towns["month"] == date]
        assert there["irregular"].sum() == then["hidden"]
        assert there["settled"].sum() == then["permanent"]
        assert there["residents"].sum() == then.drop("hidden").sum()
        assert list(there["municipality"]) == tiny.TOWNS
    assert (towns["year"] == [d.year for d in towns["month"]]).all()


def test_columns_and_types(tables: dict[str, pa.Table]):
    code = pa.dictionary(pa.int16(), pa.string())
    assert {name: dict(zip(t.schema.names, t.schema.types, strict=True))
            for name, t in tables.items()} == {
        "stocks": {"month": pa.date32(), "status": code, "origin": code, "prefecture": code,
                   "people": pa.float64()},
        "flows": {"month": pa.date32(), "from": code, "to": code, "reason": code,
                  "people": pa.float64()},
        "municipalities": {"month": pa.date32(), "year": pa.int16(), "municipality": code,
                           "residents": pa.float64(), "settled": pa.float64(),
                           "irregular": pa.float64()},
        "ages": {"month": pa.date32(), "year": pa.int16(), "status": code, "sex": code,
                 "age": pa.int16(), "people": pa.float64()},
        "indicators": {"month": pa.date32(), "indicator": code, "value": pa.float64()},
        "firms": {"month": pa.date32(), "year": pa.int16(), "sector": code, "size": code,
                  "status": code, "firms": pa.float64(), "workers": pa.float64(),
                  "vacancies": pa.float64()},
    }  # fmt: skip
    assert all(column.null_count == 0 for table in tables.values() for column in table.columns)


def test_rows_come_in_order_of_month(frames: dict[str, pd.DataFrame]):
    for name in ("stocks", "flows", "municipalities", "ages"):
        assert frames[name]["month"].is_monotonic_increasing, name


def test_indicators_keep_their_order_and_values():
    series = {"second": {1506: 2.0, 1505: 1.0}, "first": {1505: 0.5}}
    table = pa.table(indicator_columns(series))
    assert table["indicator"].to_pylist() == ["second", "second", "first"]
    assert table["value"].to_pylist() == [1.0, 2.0, 0.5]
    months = [datetime.date(2025, 6, 1), datetime.date(2025, 7, 1), datetime.date(2025, 6, 1)]
    assert table["month"].to_pylist() == months


def test_a_run_without_changes_has_flows_without_rows():
    """Nobody comes, nobody changes: the table is there and empty."""
    still = {"life.monthly": {}, "arrivals.channels": {}, "status.permanent.monthly": {}}
    model = tiny.model(tiny.config(still, end="2025-08"), tiny.columns(20, ["permanent"]))
    model.run()
    tables = tables_of(Outcome.of(model))
    assert tables["flows"].num_rows == 0
    by_month = tables["stocks"].to_pandas().groupby("month")["people"].sum()
    assert list(by_month) == [20.0, 20.0, 20.0]


def test_a_table_is_as_it_is_declared(model: Kyosei, tables: dict[str, pa.Table]):
    for name, declared in tables_in(model.config).items():
        assert tables[name].column_names == [column.name for column in declared.columns]
    with pytest.raises(ValueError, match="stocks is declared already"):
        table("stocks")(lambda _: {})


def test_columns_of_municipalities_that_act_come_with_them():
    model = civic.model(civic.config(end="2025-08"), tiny.columns(500))
    model.run()
    made = tables_of(Outcome.of(model))["municipalities"]
    _, further = TABLES["municipalities"].further
    assert made.column_names[-len(further) :] == [column.name for column in further]
    assert made.schema.field("linked").type == pa.bool_()
    assert set(made["support"].to_pylist()) <= set(model.config.town.support.levels)
