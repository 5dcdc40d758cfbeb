"""A run from figures of one's own carries them with it."""

import shutil
from pathlib import Path

import pytest

from sim.cli.main import main
from sim.config.compose import compose
from sim.data.load import data_of, load
from sim.files.folder import read_manifest
from sim.outputs.read import read_run
from sim.runs.reproduce import reproduce
from sim.runs.run import identity, run

WORDS = ["scale=0.002", "end=2025-07", "figures=false", "data.stocks_status=mine.csv"]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study's folder with a table of its own: fifty thousand more in specified skilled work."""
    monkeypatch.chdir(tmp_path)
    stocks = load("japan")["stocks_status"]
    row = stocks[(stocks["date"] == "2025-06") & (stocks["status"] == "ssw_1")]
    row.assign(people=row["people"] + 50_000).to_csv("mine.csv", index=False)
    return tmp_path


def test_such_a_run_opens_with_them_and_is_reproduced_elsewhere(mine, tmp_path_factory, capsys):
    folder = run(compose([*WORDS, "output=runs"]))
    printed = capsys.readouterr().out
    assert "figures of your own: stocks_status" in printed
    elsewhere = tmp_path_factory.mktemp("elsewhere") / folder.name
    shutil.move(folder, elsewhere)
    (mine / "mine.csv").unlink()
    assert reproduce(elsewhere) == []
    stocks = read_run(elsewhere).frame("stocks")
    opening = stocks[stocks["month"] == stocks["month"].min()]
    people = opening[opening["status"] == "ssw_1"]["people"].sum()
    assert people == pytest.approx(383_123, abs=500)  # at a scale of 0.002 one stands for 500
    manifest = read_manifest(elsewhere)
    assert manifest is not None
    assert "own stocks_status" in manifest["data_files"]
    assert manifest["fitted_tables"]["stocks_origin_status"]["rows"] > 0


def test_a_run_is_known_by_what_the_file_holds_not_by_where_it_lies(mine):
    first = compose(WORDS)
    (mine / "other").mkdir()
    shutil.copy("mine.csv", "other/copy.csv")
    second = compose([*WORDS[:-1], "data.stocks_status=other/copy.csv"])
    plain = compose(WORDS[:-1])
    number = identity(first, data_of(first))
    assert number == identity(second, data_of(second))
    assert number[0] != identity(plain, data_of(plain))[0]
    text = Path("mine.csv").read_text("utf-8").replace("383123", "383124")
    Path("mine.csv").write_text(text, "utf-8")
    assert number[0] != identity(first, data_of(first))[0]


def test_a_wrong_file_starts_nothing(mine, capsys):
    Path("mine.csv").write_text("date,status\n2025-06,student\n", "utf-8")
    assert main(["run", *WORDS, "output=runs"]) == 2
    told = capsys.readouterr().err
    assert "data.stocks_status" in told
    assert "column 'people' is missing" in told
    assert not Path("runs").exists()
