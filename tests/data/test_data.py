"""The tables of figures: what they say, and what loading them gives."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from sim.core.errors import DataError
from sim.data.load import FOLDERS, Data, load

JAPAN = FOLDERS / "japan"
STOCKS = "stocks_status.csv"


@pytest.fixture(scope="module")
def data() -> Data:
    return load("japan")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the real tables, to be broken."""
    return Path(shutil.copytree(JAPAN, tmp_path / "japan"))


def people(frame: pd.DataFrame, date: str, *statuses: str) -> int:
    rows = frame[frame["date"] == date]
    rows = rows[rows["status"].isin(statuses)] if statuses else rows
    return int(rows["people"].sum())


@pytest.mark.parametrize(
    ("date", "statuses", "published"),
    [
        ("2012-12", (), 2_033_656),
        ("2025-06", (), 3_956_619),
        ("2025-06", ("permanent_resident",), 932_090),
        ("2025-06", ("engineer_humanities_intl",), 458_109),
        ("2025-06", ("titp_1", "titp_2", "titp_3"), 449_432),
        ("2025-06", ("ssw_1", "ssw_2"), 336_196),
        ("2025-06", ("ssw_2",), 3_073),
        ("2025-06", ("student",), 435_203),
    ],
)
def test_opening_totals_are_the_published_ones(data, date, statuses, published):
    assert people(data["stocks_status"], date, *statuses) == published
    assert people(data["stocks_origin_status"], date, *statuses) == published


def test_settled_share_fell_from_two_thirds_to_two_fifths(data):
    settled = (
        "permanent_resident",
        "special_permanent_resident",
        "long_term_resident",
        "spouse_child_japanese",
        "spouse_child_permanent_resident",
    )
    stocks = data["stocks_status"]
    shares = [people(stocks, d, *settled) / people(stocks, d) for d in ("2012-12", "2025-06")]
    assert shares == pytest.approx([0.667, 0.413], abs=0.0005)


def test_municipalities_carry_the_register(data):
    assert len(data["municipalities"]) == 1741
    assert data["municipalities"]["register_foreign_2025"].sum() == 3_677_463
    flows = data["municipality_flows"].drop(columns=["municipality", "year", "quality", "source"])
    assert flows.sum().to_dict() == {
        "population": 3_677_463,
        "in_domestic": 605_817,
        "in_abroad": 661_809,
        "births": 22_738,
        "out_domestic": 609_008,
        "out_abroad": 225_218,
        "deaths": 9_073,
        "other_in": 10_216,
        "other_out": 103_192,
    }


def test_codes_are_text_and_counts_are_whole(data):
    flows = data["municipality_flows"]
    assert flows["municipality"].iloc[0] == "01100"
    assert flows["births"].dtype == "int64"
    hamadori = data["municipalities"].set_index("municipality").loc["07204"]
    assert pd.isna(hamadori["projected_2050"])  # no municipal projection was published


def test_loading_a_few_tables_gives_those_and_the_same_digest(data):
    few = load("japan", only=["entries", "stocks_status"])
    assert sorted(few.tables) == ["entries", "stocks_status"]
    assert few.digest == data.digest
    with pytest.raises(DataError, match="'stocks_age_sex' was loaded"):
        few["stocks_age_sex"]


def test_digest_follows_every_byte_and_name(folder, data):
    assert load("japan", folder, only=["entries"]).digest == data.digest
    notes = folder / "moves.csv"
    notes.write_bytes(notes.read_bytes().replace(b"record", b"Record", 1))
    assert load("japan", folder, only=["entries"]).digest != data.digest


def test_no_source_is_a_bare_machine_address(data):
    where = data["sources"]["where"]
    assert not where.str.contains(r"//\d+\.\d+\.\d+\.\d+").any()


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b""])
def test_files_saved_by_a_spreadsheet_load(folder, newline, start):
    payload = (folder / STOCKS).read_bytes().replace(b"\n", newline)
    (folder / STOCKS).write_bytes(start + payload)
    assert load("japan", folder)["stocks_status"]["people"].sum() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"country": "japn"}, "Nearest: japan."),
        ({"country": "japan", "only": ["stock_status"]}, "Nearest: stocks_status."),
    ],
)
def test_an_unknown_country_or_table_is_named(arguments, message):
    with pytest.raises(DataError, match=re.escape(message)):
        load(**arguments)
