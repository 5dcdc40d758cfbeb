"""Finished runs are read back with labels, compared, and written for other programs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
import yaml

import kyosei
from sim.cli.main import main
from sim.config.compose import compose
from sim.core.errors import ConfigError
from sim.data.load import load
from sim.files.folder import RunFolder
from sim.outputs.codebook import NAME, codebook, codebook_text
from sim.outputs.read import differences, read_run
from sim.outputs.tables import tables_in
from sim.runs.export import export


@pytest.fixture(scope="module")
def book():
    config = compose([])
    return codebook(config, load("japan")), codebook_text(config, load("japan"))


def finished(root: Path, number: str, text: str, **settings: object) -> Path:
    """A folder as a run leaves it, with two tables."""
    stocks = pa.table({
        "month": pa.array(np.array(["2025-06-01", "2025-07-01"], "datetime64[D]")),
        "status": pa.array(["student", "=hidden"]).dictionary_encode(),
        "origin": pa.array(["vietnam", "nepal"]).dictionary_encode(),
        "prefecture": pa.array(["01", "13"]).dictionary_encode(),
        "people": [100.0, 300.0],
    })  # fmt: skip
    flows = pa.table({
        "month": pa.array(np.array(["2025-07-01"], "datetime64[D]")),
        "from": pa.array(["arrived"]).dictionary_encode(),
        "to": pa.array(["student"]).dictionary_encode(),
        "reason": pa.array(["arrival"]).dictionary_encode(), "people": [200.0],
    })  # fmt: skip
    about = {"start": "2025-06", "end": "2025-07", "scale": 0.01, "seed": 0,
             "scenario": {"name": "enacted"}, **settings}  # fmt: skip
    with RunFolder(root, number) as folder:
        folder.add_table("stocks.parquet", stocks)
        folder.add_table("flows.parquet", flows)
        folder.add_text("config.yaml", yaml.safe_dump(about))
        folder.add_text(NAME, text)
        folder.finish({"kind": "run"})
    return root / number


@pytest.fixture
def run(tmp_path: Path, book) -> Path:
    return finished(tmp_path / "runs", "0" * 16, book[1])


def test_the_codebook_has_every_column_and_every_code_of_the_configuration(book):
    said, config = book[0], compose([])
    for name, table in tables_in(config).items():
        columns = said["tables"][name]["columns"]
        assert list(columns) == [column.name for column in (*table.columns, *table.further[1])]
    assert set(said["codes"]["status"]) >= set(config.country.statuses)
    assert said["codes"]["status"]["student"]["ja"] == config.status["student"].label.ja
    assert len(said["codes"]["municipality"]) == 1741
    assert all(one["text"] for one in said["indicators"].values())
    assert json.loads(book[1]) == said


def test_a_run_is_read_with_labels(run: Path):
    english, japanese = kyosei.read(run), kyosei.read(run, lang="ja")
    assert english["stocks"]["origin"].tolist() == ["Viet Nam", "Nepal"]
    assert japanese["stocks"]["prefecture"].tolist()[0] == "北海道"
    assert english["flows"]["from"].tolist() == ["came from abroad"]
    assert english["stocks"]["month"].dtype.kind == "M"
    assert "stocks" in repr(english)
    assert english["stocks"]["status"].tolist()[1] == "=hidden"  # no code of the book: as it is


def test_what_is_not_there_is_refused_with_the_nearest(run: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="stocks"):
        kyosei.read(run)["stock"]
    with pytest.raises(ConfigError, match="not the folder of a finished run"):
        read_run(tmp_path)
    with pytest.raises(ConfigError, match="no such language"):
        read_run(run, lang="jp")
    with pytest.raises(ConfigError, match="no such form"):
        export(read_run(run), "xls", tmp_path / "out", [])
    assert not (tmp_path / "out").exists()


def test_csv_has_codes_and_labels_and_no_formulas(run: Path, tmp_path: Path):
    export(read_run(run), "csv", tmp_path / "out", [])
    stocks = pd.read_csv(tmp_path / "out" / "stocks.csv", dtype={"prefecture": str},
                         parse_dates=["month"])  # fmt: skip
    assert stocks["status_label"].tolist() == ["Student", "'=hidden"]
    assert stocks["prefecture"].tolist() == ["01", "13"]
    assert stocks["people"].tolist() == [100.0, 300.0]
    assert str(stocks["month"][1])[:10] == "2025-07-01"
    flows = pd.read_csv(tmp_path / "out" / "flows.csv")
    assert {"from_status", "to_status"} <= set(flows.columns)


def test_stata_reads_labels_and_dates(run: Path, tmp_path: Path):
    export(read_run(run, lang="ja"), "dta", tmp_path / "out", ["stocks"])
    back = pd.read_stata(tmp_path / "out" / "stocks.dta")
    assert back["origin"].tolist() == ["ベトナム", "ネパール"]
    assert back["people"].tolist() == [100.0, 300.0]
    assert back["month"].dt.strftime("%Y-%m").tolist() == ["2025-06", "2025-07"]


def test_excel_reads_text_dates_and_what_columns_mean(run: Path, tmp_path: Path):
    export(read_run(run), "xlsx", tmp_path / "out", [])
    back = pd.read_excel(tmp_path / "out" / "stocks.xlsx", dtype={"prefecture": str})
    assert back["origin_label"].tolist() == ["Viet Nam", "Nepal"]
    assert back["status_label"].tolist()[1] == "'=hidden"
    assert back["prefecture"].tolist() == ["01", "13"]
    assert back["month"].dt.strftime("%Y-%m").tolist() == ["2025-06", "2025-07"]
    about = pd.read_excel(tmp_path / "out" / "stocks.xlsx", sheet_name="columns")
    assert about["column"].tolist() == ["month", "status", "origin", "prefecture", "people"]


def test_spss_reads_labels_and_dates(run: Path, tmp_path: Path):
    export(read_run(run), "sav", tmp_path / "out", ["stocks"])
    back, about = pyreadstat.read_sav(
        str(tmp_path / "out" / "stocks.sav"), apply_value_formats=True
    )
    assert back["origin"].tolist() == ["Viet Nam", "Nepal"]
    assert [str(day)[:7] for day in back["month"]] == ["2025-06", "2025-07"]
    assert about.column_names_to_labels["status"] == "status of residence"


def test_a_folder_for_r_has_a_script_that_reads_it(run: Path, tmp_path: Path):
    export(read_run(run), "r", tmp_path / "out", [])
    script = (tmp_path / "out" / "read.R").read_text()
    assert 'kyosei$flows <- read.csv("flows.csv"' in script
    assert 'month = "Date", from_status = "character"' in script
    assert "kyosei$stocks$status <- factor(kyosei$stocks$status)" in script


def test_a_deposit_is_described(run: Path, tmp_path: Path):
    paths = export(read_run(run), "csv", tmp_path / "out", [])
    crate = json.loads((tmp_path / "out" / "ro-crate-metadata.json").read_text())
    parts = {one["@id"]: one for one in crate["@graph"]}
    assert parts["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert {one["@id"] for one in parts["./"]["hasPart"]} == {"flows.csv", "stocks.csv"}
    assert parts["stocks.csv"]["sha256"] == hashlib.sha256(paths[1].read_bytes()).hexdigest()
    assert parts["#run"]["instrument"] == {"@id": "#kyosei"}


def test_runs_are_listed_and_compared(run: Path, book, capsys: pytest.CaptureFixture[str]):
    other = finished(run.parent, "1" * 16, book[1], seed=3, memory_gb=4)
    assert differences(read_run(run), read_run(other)) == [("seed", 0, 3), ("memory_gb", None, 4)]
    assert main(["runs", str(run.parent)]) == 0
    listed = capsys.readouterr().out
    assert str(run) in listed
    assert str(other) in listed
    assert main(["diff", str(run), str(other)]) == 0
    assert "2 settings differ" in capsys.readouterr().out


def test_the_verb_exports_where_it_is_told(run: Path, tmp_path: Path, capsys):
    words = ["export", str(run), "--table", "flows", "--folder", str(tmp_path / "here")]
    assert main(words) == 0
    assert (tmp_path / "here" / "flows.csv").exists()
    assert str(tmp_path / "here" / "flows.csv") in capsys.readouterr().out


def test_many_runs_are_read_as_one(run: Path, book):
    finished(run.parent, "1" * 16, book[1], seed=3)
    runs = kyosei.read(run.parent)
    assert isinstance(runs, kyosei.FinishedRuns)
    assert repr(runs) == "<Kyosei 2 runs: flows, stocks>"
    stocks = runs["stocks"]
    assert list(stocks.columns[:4]) == ["run", "scenario", "seed", "replicate"]
    assert stocks.groupby("seed")["people"].sum().to_dict() == {0: 400.0, 3: 400.0}
    assert runs.frame("stocks")["origin"].tolist() == ["vietnam", "nepal"] * 2
