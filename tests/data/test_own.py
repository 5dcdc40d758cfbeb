"""Figures of one's own: they hold, the other tables are fitted to them, and the rest stays."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.core.errors import DataError
from sim.data.load import Data, load

DATE = "2025-06"

TIED = ("stocks_status", "stocks_origin_status", "stocks_prefecture", "stocks_prefecture_status",
        "stocks_prefecture_origin")  # fmt: skip


@pytest.fixture(scope="module")
def published() -> Data:
    return load("japan")


@pytest.fixture
def own(published: Data, tmp_path: Path):
    """Load with rows of a table changed: own(stocks_status={"ssw_1": 383_123}) by the last key."""

    def made(**tables: Mapping[str, int]) -> Data:
        files = {}
        for table, people in tables.items():
            frame = published[table]
            key = "prefecture" if table == "stocks_prefecture" else "status"
            rows = frame[(frame["date"] == DATE) & frame[key].isin(list(people))].copy()
            if "definition" in rows:
                rows = rows[rows["definition"] == "isa"]
            rows["people"] = [people[name] for name in rows[key]]
            files[table] = str(tmp_path / f"my {table}.csv")
            rows.to_csv(files[table], index=False)
        return load("japan", own=files)

    return made


def people(data: Data, table: str, **where: str) -> int:
    frame = data[table]
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return int(frame["people"].sum())


def test_other_tables_follow_a_stock_of_ones_own(own, published):
    data = own(stocks_status={"ssw_1": 383_123, "student": 400_000})
    more = people(data, "stocks_status", date=DATE) - people(published, "stocks_status", date=DATE)
    assert people(data, "stocks_status", date=DATE, status="ssw_1") == 383_123
    assert people(data, "stocks_origin_status", date=DATE, status="ssw_1") == 383_123
    assert people(data, "stocks_origin_status", date=DATE, status="student") == 400_000
    for table in TIED:
        isa = {"definition": "isa"} if table == "stocks_prefecture" else {}
        gap = people(data, table, date=DATE, **isa) - people(published, table, date=DATE, **isa)
        assert gap == more, table
    assert set(data.fitted) == set(TIED) - {"stocks_status"}
    assert max(change.worst for change in data.fitted.values()) < 10


def test_what_nothing_of_ones_own_touches_keeps_its_numbers(own, published):
    data = own(stocks_status={"ssw_1": 383_123})
    for table in set(published.tables) - set(TIED):
        pd.testing.assert_frame_equal(data[table], published[table])
    for table in TIED:
        now, then = (d[table][d[table]["date"] != DATE] for d in (data, published))
        pd.testing.assert_frame_equal(now, then)
    kept = data["stocks_origin_status"].query("date == @DATE and status == 'student'")
    then = published["stocks_origin_status"].query("date == @DATE and status == 'student'")
    pd.testing.assert_frame_equal(kept, then)
    assert data.digest != published.digest


def test_origins_keep_their_odds_within_a_status(own, published):
    data = own(stocks_status={"ssw_1": 2 * people(published, "stocks_status", date=DATE,
                                                  status="ssw_1")})  # fmt: skip
    now, then = (
        d["stocks_origin_status"].query("date == @DATE and status == 'ssw_1'")["people"].to_numpy()
        for d in (data, published)
    )
    assert np.abs(now - 2 * then).max() <= 1


def test_two_tables_of_ones_own_must_agree(own, published):
    tokyo = people(published, "stocks_prefecture", date=DATE, definition="isa", prefecture="13")
    with pytest.raises(DataError, match=r"stocks_prefecture.csv, column people adds up to"):
        own(stocks_status={"ssw_1": 383_123}, stocks_prefecture={"13": tokyo + 1})


def test_what_cannot_be_met_names_the_table_to_give(published, tmp_path):
    rows = published["stocks_status"].query("date == @DATE and status == 'titp_1'")
    status = published["stocks_origin_status"].query("date == @DATE and status == 'titp_1'")
    rows.assign(people=1000).to_csv(tmp_path / "status.csv", index=False)
    status.assign(people=0).to_csv(tmp_path / "origin.csv", index=False)
    files = {"stocks_status": str(tmp_path / "status.csv")}
    assert people(load("japan", own=files), "stocks_origin_status", date=DATE,
                  status="titp_1") == 1000  # fmt: skip
    files["stocks_origin_status"] = str(tmp_path / "origin.csv")
    with pytest.raises(DataError, match="the two must be equal"):
        load("japan", own=files)
    del files["stocks_status"]
    nobody = load("japan", own=files)
    assert people(nobody, "stocks_status", date=DATE, status="titp_1") == 0
    with pytest.raises(DataError, match=r"Give stocks_origin_status of your own, too"):
        # Since nobody of the status was published before 2025, nobody can be scaled.
        early = published["stocks_status"].query("date == '2012-12' and status == 'ssw_1'")
        early.assign(people=10).to_csv(tmp_path / "early.csv", index=False)
        load("japan", own={"stocks_status": str(tmp_path / "early.csv")})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"stock_status": "x.csv"}, "there is no table stock_status. Nearest: stocks_status"),
        ({"stocks_status": "nowhere.csv"}, r"data.stocks_status = nowhere.csv: cannot be read"),
    ],
)
def test_wrong_names_are_told(files, message):
    with pytest.raises(DataError, match=message):
        load("japan", own=files)


def test_bad_cells_are_named_by_the_setting(tmp_path):
    (tmp_path / "mine.csv").write_text(
        "date,status,people,quality,source\n2025-06,ssw_3,-4,published,nobody\n"
    )
    with pytest.raises(DataError) as caught:
        load("japan", own={"stocks_status": str(tmp_path / "mine.csv")})
    told = "\n".join(caught.value.problems)
    assert all(word in told for word in ("ssw_3", "-4", "nobody", "data.stocks_status"))


def test_it_works_in_another_country(tmp_path):
    korea = load("korea")
    stocks = korea["stocks_status"]
    row = stocks[stocks["date"] == stocks["date"].max()].iloc[[0]]
    row.assign(people=row["people"] + 1000).to_csv(tmp_path / "mine.csv", index=False)
    data = load("korea", own={"stocks_status": str(tmp_path / "mine.csv")})
    assert data["stocks_status"]["people"].sum() - stocks["people"].sum() == 1000
    assert data.fitted
