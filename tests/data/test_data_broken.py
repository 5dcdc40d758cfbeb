"""A broken table is refused with its file, its row and the rule, and all problems at once."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.core.errors import DataError
from sim.data.load import FOLDERS, load

STOCKS = "stocks_status.csv"
Spoil = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the real tables, to be broken."""
    return Path(shutil.copytree(FOLDERS / "japan", tmp_path / "japan"))


def edit(name: str, old: str, new: str) -> Spoil:
    """Replace the first `old` of a file."""

    def apply(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


def write(name: str, payload: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(payload)


def rewrite(name: str, change: Callable[[list[str]], list[str]]) -> Spoil:
    def apply(folder: Path) -> None:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        (folder / name).write_text("\n".join(change(lines)) + "\n", encoding="utf-8")

    return apply


SPOUSES = "2012-12,spouse_child_japanese,162332,"
FIRST = "2012-12,permanent_resident,624501,published,ESTAT_0004019020"

BROKEN = {
    "missing file": (
        lambda folder: (folder / STOCKS).unlink(),
        ["stocks_status.csv: is missing"],
    ),
    "misnamed file": (
        lambda folder: (folder / STOCKS).rename(folder / "stock_status.csv"),
        ["stock_status.csv: is not in schema.yaml. Nearest: stocks_status.csv."],
    ),
    "a folder in its place": (
        lambda folder: [(folder / STOCKS).unlink(), (folder / STOCKS).mkdir()],
        ["stocks_status.csv: cannot be read"],
    ),
    "empty file": (write(STOCKS, b"\n"), ["stocks_status.csv: is empty"]),
    "header only": (
        rewrite(STOCKS, lambda lines: lines[:1]),
        ["stocks_status.csv: has a header but no rows"],
    ),
    "renamed column": (
        edit(STOCKS, "people", "peoples"),
        ["stocks_status.csv, row 1: column 'people' is missing. Nearest: peoples."],
    ),
    "wrong encoding": (
        write("municipalities.csv", "municipality\n01100,札幌市".encode("cp932")),
        ["municipalities.csv, row 2: is not UTF-8"],
    ),
    "semicolons": (
        rewrite(STOCKS, lambda lines: [line.replace(",", ";") for line in lines]),
        ["stocks_status.csv, row 1: fields are split by ';'"],
    ),
    "decimal comma": (
        edit(STOCKS, SPOUSES, "2012-12,spouse_child_japanese,162332,5,"),
        ["stocks_status.csv, row 5: has 6 fields, the header has 5", "with a point"],
    ),
    "thousands comma": (
        edit(STOCKS, SPOUSES, '2012-12,spouse_child_japanese,"162,332",'),
        ["stocks_status.csv, row 5, column people: '162,332' is not a whole number", "comma"],
    ),
    "fraction": (
        edit(STOCKS, SPOUSES, "2012-12,spouse_child_japanese,162332.5,"),
        ["row 5, column people: '162332.5' is not a whole number"],
    ),
    "negative": (
        edit(STOCKS, SPOUSES, "2012-12,spouse_child_japanese,-162332,"),
        ["row 5, column people: '-162332' is below 0"],
    ),
    "not a number": (
        edit(STOCKS, SPOUSES, "2012-12,spouse_child_japanese,nan,"),
        ["row 5, column people: 'nan' is not a whole number"],
    ),
    "empty cell": (
        edit(STOCKS, SPOUSES, "2012-12,spouse_child_japanese,,"),
        ["row 5, column people: '' is empty"],
    ),
    "bad month": (
        edit("stocks_prefecture.csv", "2015-12,", "2015-13,"),
        ["stocks_prefecture.csv, row 2, column date: '2015-13' is not a month", "YYYY-MM"],
    ),
    "misspelt status": (
        edit(STOCKS, SPOUSES, "2012-12,spouse_child_japanes,162332,"),
        ["row 5, column status: 'spouse_child_japanes' is not a known status",
         "Nearest: spouse_child_japanese."],
    ),
    "lost leading zero": (
        edit("municipality_flows.csv", "\n01100,", "\n1100,"),
        ["municipality_flows.csv, row 2, column municipality: '1100'", "Nearest: 01100."],
    ),
    "unknown source": (
        edit("entries.csv", "moj2014sum", "moj2014sun"),
        ["entries.csv, row", "'moj2014sun' is not a known source. Nearest: moj2014sum."],
    ),
    "share above one": (
        edit("workers_status_industry.csv", "0.227795", "22.7795"),
        ["workers_status_industry.csv, row 2, column share: '22.7795' is above 1"],
    ),
    "repeated row": (
        edit(STOCKS, FIRST, f"{FIRST}\n{FIRST}"),
        ["stocks_status.csv, row 3: repeats row 2 (date 2012-12, status permanent_resident)"],
    ),
    "lost row": (
        edit(STOCKS, FIRST + "\n", ""),
        ["stocks_status.csv, row 2, column status: date 2012-12 lacks permanent_resident"],
    ),
    "lost half-year": (
        rewrite(STOCKS, lambda lines: [line for line in lines if "2016-06" not in line]),
        ["stocks_status.csv, row 177, column date: 2016-12 follows 2015-12", "every 6 months"],
    ),
    "lost municipality": (
        rewrite("municipality_flows.csv", lambda lines: lines[:-1]),
        ["municipality_flows.csv: has 1,740 rows below the header, but needs 1,741"],
    ),
    "one person too many": (
        edit(STOCKS, SPOUSES, "2012-12,spouse_child_japanese,162333,"),
        ["stocks_origin_status.csv", "162,332 at date 2012-12, status spouse_child_japanese (row 5",
         "but stocks_status.csv, column people has 162,333 (difference -1)"],
    ),
    "one person moved to another prefecture": (
        edit("stocks_prefecture_status.csv", "2025-06,13,student,", "2025-06,13,student,1"),
        ["stocks_prefecture_status.csv, column people adds up to", "prefecture 13"],
    ),
    "truncated": (
        rewrite(STOCKS, lambda lines: [*lines[:150], lines[150][:12]]),
        ["stocks_status.csv, row 151: has 2 fields"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_table_is_refused_with_file_row_and_rule(folder, case):
    spoil, fragments = BROKEN[case]
    spoil(folder)
    with pytest.raises(DataError) as caught:
        load("japan", folder)
    for fragment in fragments:
        assert fragment in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_problems_are_reported_at_once(folder):
    for name in ("fraction", "unknown source", "repeated row", "lost municipality"):
        BROKEN[name][0](folder)
    with pytest.raises(DataError) as caught:
        load("japan", folder)
    files = {re.match(r"\w+\.csv", problem)[0] for problem in caught.value.problems}
    assert files == {STOCKS, "entries.csv", "municipality_flows.csv"}
    assert len(caught.value.problems) == 4


def test_a_flood_of_bad_cells_is_counted_not_listed(folder):
    rewrite(STOCKS, lambda lines: lines[:1] + [line.replace("20", "20.", 1) for line in lines[1:]])(
        folder
    )
    with pytest.raises(DataError, match="column date: 630 more rows like these") as caught:
        load("japan", folder)
    assert len(caught.value.problems) == 21


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("status: status, people", "status: statuss, people", "no kind 'statuss'. Nearest"),
        ("key: [date, status]", "key: [date, state]", "its key 'state' is not one of its columns"),
        ("rule: gapless", "rule: gaples", "no rule 'gaples'. Nearest: gapless."),
        ("status: status, people", "status: '+', people", "is not a kind of column"),
        ("tables:", "tables: [", "cannot be understood"),
    ],
)
def test_a_broken_schema_is_refused(folder, old, new, message):
    edit("schema.yaml", old, new)(folder)
    with pytest.raises(DataError, match=re.escape(message)):
        load("japan", folder)
