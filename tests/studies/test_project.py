"""`kyosei project` from words to folder: members, quantiles, resuming."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.cli import main as cli
from sim.figures.fan import NAMES
from sim.files.folder import read_manifest
from sim.files.manifest import verify
from sim.studies.projection.error import added_sd, earned_sd
from sim.studies.projection.quantiles import Said, nearest_to_median, quantile_table
from sim.sweeps.plan import read_plan
from tests.helpers import copies

WORDS = [
    "project", "members=3", "split=0", "member_scale=0.001", "scale=0.001", "end=2025-08",
    "figures=false", "threads=1", "hydra/launcher=basic",
]  # fmt: skip


def made(root: Path) -> Path:
    (folder,) = (path.parent for path in root.glob("*/quantiles.parquet"))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("project")
    assert cli.main([*WORDS, f"output={root}", "-q"]) == 0
    return made(root)


def test_what_it_writes_verifies_and_is_not_made_again(folder, capsys):
    assert verify(folder) == []
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert cli.main([*WORDS, f"output={folder.parent}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder)
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    facts = read_manifest(folder)
    assert (folder.parent / facts["detail"] / "manifest.json").is_file()
    detail = facts["runs"][f"all {facts['nearest']}"]
    assert detail == facts["detail"]  # at the scale of the members they are one run


def test_fewer_than_ten_members_have_no_quantiles_but_their_range(folder):
    table = pd.read_parquet(folder / "quantiles.parquet")
    own = table[(table["indicator"] == "residents") & (table["by"] == "all")]
    assert (own["members"] == 3).all()
    assert own[["q025", "q25", "q75", "q975"]].isna().all(axis=None)
    assert (own["q10"] <= own["median"]).all()
    assert (own["median"] <= own["q90"]).all()
    assert {"status", "group", "origin", "prefecture", "age", "sex", "sector"} <= set(table["by"])
    assert "no interval of any level" in (folder / "summary.txt").read_text(encoding="utf-8")


def test_a_member_run_alone_is_the_same(folder, tmp_path, capsys):
    (record,) = folder.parent.glob(".sweeps/*/sweep.json")
    run = read_plan(record).runs[1]
    assert cli.main(["run", *run.words, "threads=1", f"output={tmp_path}", "-q"]) == 0
    alone = Path(capsys.readouterr().out.splitlines()[-1])
    assert alone.name == run.number
    table = pd.read_parquet(folder.parent / ".members" / f"{run.number}.parquet")
    mine = table[(table["indicator"] == "people") & (table["by"] == "status")]
    stocks = pd.read_parquet(alone / "stocks.parquet")
    said = mine[mine["value"] > 0].set_index(["month", "group"])["value"]
    own = stocks.groupby(["month", "status"], observed=True)["people"].sum()
    assert dict(said) == dict(own)


def test_killed_and_typed_again_it_makes_what_is_missing_and_the_same_bytes(folder, tmp_path):
    root = tmp_path / "runs"
    process = copies.start(tmp_path / "log", [*WORDS, f"output={root}"])
    until = time.monotonic() + copies.FAR_SECONDS
    while process.is_alive() and not list(root.glob(".members/*.parquet")):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.join()
    kept = sorted(root.glob(".members/*.parquet"))
    assert 1 <= len(kept) < 3
    times = [path.stat().st_mtime_ns for path in kept]
    assert cli.main([*WORDS, f"output={root}", "-q"]) == 0
    again = made(root)
    assert (again / "manifest.json").read_bytes() == (folder / "manifest.json").read_bytes()
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_bad_words_write_nothing(tmp_path, capsys):
    root = tmp_path / "runs"
    words = ["project", f"output={root}", "members=many", "replicate=3", "sweep.n=4"]
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    for text in ("members=many", "replicate=3: members count it", "a projection is no sweep"):
        assert text in said
    assert not root.exists()


def said_by(values: np.ndarray) -> Said:
    """Residents of members, float64[M, T]."""
    months = pd.date_range("2025-06-01", periods=values.shape[1], freq="MS")
    index = pd.MultiIndex.from_arrays(
        [months, *([name] * len(months) for name in ("residents", "all", "all"))],
        names=["month", "indicator", "by", "group"],
    )
    return Said(list(range(1, len(values) + 1)), index, values)


def test_quantiles_are_in_order_and_the_middle_one_is_the_nearest():
    spread = np.exp(np.linspace(-0.2, 0.2, 41))[:, None] * np.linspace(1.0, 2.0, 25)[None, :]
    said = said_by(1e6 * spread)
    table = quantile_table(said)
    values = table[list(NAMES)].to_numpy()
    assert (np.diff(values, axis=1) > 0).all()
    assert nearest_to_median(said) == (21, pytest.approx(0.0, abs=1e-12))
    few = quantile_table(said_by(spread[:2]))
    assert few[["q10", "q90"]].isna().all(axis=None)


def test_intervals_are_no_narrower_than_hindcasts_earned():
    ahead = np.arange(0, 121)
    earned = earned_sd({12: 0.02, 60: 0.08}, ahead)
    assert earned[0] == 0.0
    assert earned[12] == pytest.approx(0.02)
    assert np.isnan(earned[61:]).all()
    z = np.linspace(-1.5, 1.5, 99)[:, None]
    logs = z * (0.0003 * ahead)[None, :]  # members vary less at first, more in the end
    added = added_sd(logs, earned)
    wide = np.sqrt(logs.var(axis=0, ddof=1) + added**2)
    assert (wide[:61] >= earned[:61] - 1e-12).all()
    assert (np.diff(added) >= 0).all()
    assert added[-1] == added[60]
    assert (added_sd(10 * logs, earned)[24:] <= added[24:]).all()
