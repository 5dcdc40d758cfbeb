"""One small run on the real figures, from settings to a folder that can be made again."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from sim.config import compose as door
from sim.config.schema.run import RunConfig
from sim.data.load import load
from sim.data.published import published_stocks
from sim.files.folder import is_complete, read_manifest, read_parquet
from sim.files.manifest import verify
from sim.outputs.indicators import catalogue
from sim.runs import reproduce as reproduce_module
from sim.runs import run as runs

SCALE = 0.002
TABLES = {
    "stocks": ["month", "status", "origin", "prefecture", "people"],
    "flows": ["month", "from", "to", "reason", "people"],
    "municipalities": [
        "month",
        "year",
        "municipality",
        "residents",
        "settled",
        "irregular",
        "support",
        "classes",
        "linked",
        "caseload",
        "capacity",
        "backlog",
        "sentiment",
    ],
    "ages": ["month", "year", "status", "sex", "age", "people"],
    "indicators": ["month", "indicator", "value"],
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    output = tmp_path_factory.mktemp("runs")
    settings = ["start=2023-06", "end=2025-06", f"scale={SCALE}", "seed=7", "threads=1"]
    return door.compose([*settings, f"output={output}"])


@pytest.fixture(scope="module")
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(scope="module")
def folder(config: RunConfig, printed: io.StringIO) -> Path:
    with redirect_stdout(printed):
        return runs.run(config)


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


def frame(folder: Path, name: str) -> pd.DataFrame:
    """A table with codes as text."""
    table = read_parquet(folder / f"{name}.parquet").to_pandas()
    for column in table.select_dtypes("category"):
        table[column] = table[column].astype(str)
    return table


def test_the_folder_is_complete_and_named_by_its_content(
    folder: Path, config: RunConfig, manifest: dict[str, Any]
):
    data = load(config.country.data)
    assert folder == Path(config.output) / runs.identity(config, data)[0]
    assert is_complete(folder)
    files = {f"{name}.parquet" for name in TABLES} | {"config.yaml", "codebook.json"}
    assert files <= set(manifest["files"])
    figures = [name for name in manifest["files"] if name.startswith("figures/")]
    assert len(figures) >= 5
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in figures)


def test_the_folder_verifies(folder: Path):
    assert verify(folder) == []


def test_tables_have_their_columns_and_no_gaps(folder: Path):
    for name, columns in TABLES.items():
        table = read_parquet(folder / f"{name}.parquet")
        assert table.column_names == columns, name
        assert table.num_rows > 0, name
        assert all(column.null_count == 0 for column in table.columns), name
        assert table.schema.field("month").type == pa.date32(), name


def test_the_opening_is_the_published_one_within_one_person_simulated(
    folder: Path, config: RunConfig
):
    stocks = frame(folder, "stocks")
    opening = stocks[stocks["month"] == stocks["month"].min()]
    simulated = opening.groupby("status")["people"].sum()
    known = published_stocks(load(config.country.data))
    published = known[known["date"] == "2023-06"].set_index("status")["people"]
    assert published.sum() == 3_223_858
    for status, people in published.items():
        assert abs(simulated.get(status, 0.0) - people) <= 1 / SCALE, status
    assert abs(simulated.drop("irregular").sum() - published.sum()) <= 1 / SCALE


def test_every_month_and_every_municipality_is_there(folder: Path):
    months = pd.date_range("2023-06-01", "2025-06-01", freq="MS").date
    assert list(frame(folder, "stocks")["month"].unique()) == list(months)
    assert list(frame(folder, "flows")["month"].unique()) == list(months[1:])
    towns = frame(folder, "municipalities")
    assert (towns.groupby("month").size() == 1741).all()
    assert sorted(towns["year"].unique()) == [2023, 2024, 2025]


def test_indicators_are_known_and_near_what_is_published(folder: Path, config: RunConfig):
    table = frame(folder, "indicators")
    known = catalogue(config)
    later = {f"retention_{years}y_share" for years in (3, 5, 10)}
    assert set(table["indicator"]) == set(known) - later
    last = table[table["month"] == table["month"].max()].set_index("indicator")["value"]
    for name, low, high in (
        ("residents", 3.7e6, 4.1e6),
        ("settled_share", 0.38, 0.46),
        ("nhi_payment_rate", 0.55, 0.7),
        ("pension_payment_rate", 0.4, 0.56),
        ("job_retention_all_share", 0.33, 0.5),
        ("job_retention_excluding_study_share", 0.44, 0.62),
    ):
        assert low < last[name] < high, (name, last[name])


def test_the_manifest_says_what_ran_and_that_it_may_be_trusted(manifest: dict[str, Any]):
    said = {key: manifest[key] for key in ("start", "end", "scale", "seed", "threads", "scenario")}
    assert said == {"start": "2023-06", "end": "2025-06", "scale": SCALE, "seed": 7, "threads": 1,
                    "scenario": "enacted"}  # fmt: skip
    assert manifest["ledger"]["closed"]
    assert manifest["ledger"]["months"] == 24
    audit = manifest["audit"]
    assert audit["screen"]["bounds_broken"] == 0
    assert abs(audit["largest_z"]) < 5.5, audit["largest"]  # of some 200 with ten expected or more
    assert manifest["assumptions"]
    assert manifest["environment"]["packages"]["numba"]


def test_the_report_sets_the_run_beside_the_published_past(folder: Path, printed: io.StringIO):
    text = printed.getvalue()
    assert "status at 2025-06" in text
    assert "3,956,619" in text
    assert "weighted absolute error" in text
    assert "books closed in all 24 months" in text


def test_the_folder_alone_makes_every_byte_again(folder: Path):
    assert reproduce_module.reproduce(folder) == []


def test_the_same_settings_come_back_to_the_same_folder(folder: Path, config: RunConfig):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert runs.run(config, quiet=True) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
