"""`kyosei compare` from words to folder: equal arms, resuming, and what it writes."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from sim.cli import main as cli
from sim.config.compose import compose as compose_run
from sim.config.schema.run import RunConfig
from sim.files.folder import read_manifest
from sim.files.manifest import verify
from sim.studies.comparison.runs import run_arms
from sim.sweeps.plan import read_plan
from tests.helpers import copies

SAME = "{same: {paths: [arrivals.student], since: '2025-09', multiply: 1.0}}"
FEWER = "{fewer: {paths: [arrivals.student], since: '2025-10', multiply: 0.5}}"
BASE = "scenario=baseline_2025"
WORDS = [
    "compare", BASE, f'arm.same={BASE} "scenario.edits={SAME}"',
    f'arm.fewer={BASE} "scenario.edits={FEWER}"', "scale=0.001", "end=2025-12", "replicates=3",
    "draws=none", "threads=1", "hydra/launcher=basic",
]  # fmt: skip


def compare(root: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Path:
    assert cli.main([*WORDS, f"output={root}", *more]) == 0
    return Path(capsys.readouterr().out.splitlines()[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("compare")
    assert cli.main([*WORDS, f"output={root}", "-q"]) == 0
    (made,) = (path.parent for path in root.glob("*/effects.parquet"))
    return made


@pytest.fixture
def composed(monkeypatch) -> list[list[str]]:
    """The words that any module gives to `compose` from now on."""
    asked: list[list[str]] = []

    def counted(words: list[str], *more: object) -> RunConfig:
        asked.append(list(words))
        return compose_run(words, *more)

    for name, module in list(sys.modules.items()):
        if name.startswith("sim.") and vars(module).get("compose") is compose_run:
            monkeypatch.setattr(module, "compose", counted)
    return asked


def test_each_arm_is_composed_once_a_process(tmp_path, composed, monkeypatch):
    assert cli.main([*WORDS, f"output={tmp_path}", "-q"]) == 0
    assert len(composed) == len({*map(tuple, composed)}) == 3
    (path,) = tmp_path.glob(".sweeps/*/sweep.json")
    there = read_plan(path)  # as in a worker, which has the record and nothing else
    monkeypatch.setattr("sim.studies.comparison.runs.plan_at", lambda path: there)
    composed.clear()
    for job in range(3):  # one for each replicate
        run_arms(SimpleNamespace(plan=path, job=job, size=3, threads=1))
    assert len(composed) == len({*map(tuple, composed)}) == 3


def test_equal_arms_have_exactly_no_effect(folder):
    effects = pd.read_parquet(folder / "effects.parquet")
    same = effects[effects["arm"] == "same"]
    assert len(same) > 1000
    assert (same[["effect", "se", "low", "high"]] == 0.0).all(axis=None)
    assert read_manifest(folder)["equal_histories"]["same"] == 1.0
    runs = read_manifest(folder)["runs"]
    assert set(runs["same"]).isdisjoint(runs["baseline_2025"])  # two runs, not one read twice


def test_effects_begin_with_the_rule(folder):
    effects = pd.read_parquet(folder / "effects.parquet")
    fewer = effects[effects["arm"] == "fewer"]
    before = pd.to_datetime(fewer["month"]) < "2025-10-01"
    assert (fewer.loc[before, ["effect", "se"]] == 0.0).all(axis=None)
    students = fewer[(fewer["group"] == "student") & (fewer["by"] == "status") & fewer["named"]]
    assert students["effect"].iloc[0] < 0.0
    assert set(fewer["by"]) == {"all", "status", "origin", "prefecture"}
    assert 0.9 < read_manifest(folder)["equal_histories"]["fewer"] < 1.0


def test_the_parts_of_an_effect_add_up(folder):
    effects = pd.read_parquet(folder / "effects.parquet")
    own = effects[(effects["arm"] == "fewer") & effects["named"]]
    whole = own[(own["indicator"] == "settled") & (own["by"] == "all")]["effect"].iloc[0]
    for by in ("origin", "prefecture"):
        parts = own[(own["indicator"] == "settled") & (own["by"] == by)]["effect"].sum()
        assert parts == pytest.approx(whole, abs=1e-6)


DRAWN = [word for word in WORDS if word != "draws=none"]


def test_arms_share_all_draws_and_some_draws_are_made_again(tmp_path):
    words = [*DRAWN, "arm.own=scenario=baseline_2025 firms.demand.persistence.value=0.5"]
    assert cli.main([*words, f"output={tmp_path}", "figures=false", "-q"]) == 0
    (made,) = (path.parent for path in tmp_path.glob("*/effects.parquet"))
    (path,) = tmp_path.glob(".sweeps/*/sweep.json")
    facts, planned = read_manifest(made), {run.number: run for run in read_plan(path).runs}

    def given(run: str, *but: str) -> set[str]:
        return {word for word in planned[run].words if not word.startswith(but)}

    own = ("scenario", "firms.demand.persistence.value=0.5")
    base, again = facts["runs"]["baseline_2025"], facts["again"]["baseline_2025"]
    for arm in ("same", "fewer", "own"):
        for mine, theirs in zip(facts["runs"][arm], base, strict=True):
            assert given(mine, *own) == given(theirs, *own)
    assert len(given(base[0])) > 50
    assert not any(word.startswith("firms.demand.persistence.value") for word in given(base[0]))
    for first, second in zip(base, again, strict=True):
        assert given(first, "replicate=") == given(second, "replicate=")
        assert given(first) != given(second)
    assert given(base[0], "replicate=") != given(base[1], "replicate=")

    effects = pd.read_parquet(made / "effects.parquet").set_index("arm")
    assert (effects.loc["same", ["effect", "low", "high", "random_high"]] == 0.0).all(axis=None)
    assert facts["equal_histories"]["same"] == 1.0
    total = (effects["by"] == "all") & (effects["indicator"] == "residents") & effects["named"]
    last = effects[total].loc["fewer"]
    assert last["low"] < last["random_low"] < last["effect"] < last["random_high"] < last["high"]


def test_what_it_writes_verifies_and_is_not_made_again(folder, capsys):
    assert verify(folder) == []
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert {"headline", "fans", "effects", "groups", "prefectures", "scorecard_0"} <= figures
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert compare(folder.parent, capsys) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    summary = (folder / "summary.txt").read_text(encoding="utf-8")
    for text in ("Settled residents", "0, exactly", "whole history is equal", "not yet"):
        assert text in summary


@pytest.mark.slow
def test_killed_and_typed_again_it_writes_the_same_bytes(folder, tmp_path, capsys):
    root = tmp_path / "runs"
    process = copies.start(tmp_path / "log", [*WORDS, f"output={root}"])
    arms = root / ".arms"
    until = time.monotonic() + copies.FAR_SECONDS
    while process.is_alive() and len(list(arms.glob("*.series.parquet"))) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.join()
    kept = sorted(arms.glob("*.series.parquet"))
    assert 2 <= len(kept) < 9
    times = [path.stat().st_mtime_ns for path in kept]
    again = compare(root, capsys)
    assert again.name == folder.name
    assert (again / "manifest.json").read_bytes() == (folder / "manifest.json").read_bytes()
    assert verify(again) == []
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_a_lost_table_of_a_run_is_made_again(folder, tmp_path, capsys):
    root = tmp_path / "runs"
    words = [word for word in WORDS if not word.startswith("arm.same")]
    assert cli.main([*words, f"output={root}", "figures=false", "-q"]) == 0
    (made,) = (path.parent for path in root.glob("*/effects.parquet"))
    before = (made / "manifest.json").read_bytes()
    (made / "manifest.json").unlink()
    lost = min((root / ".arms").glob("*.histories.parquet"))
    content = lost.read_bytes()
    lost.unlink()
    assert cli.main([*words, f"output={root}", "figures=false", "-q"]) == 0
    assert lost.read_bytes() == content
    assert (made / "manifest.json").read_bytes() == before


def test_bad_questions_write_nothing(tmp_path, capsys):
    root = tmp_path / "runs"
    bad = ["compare", "scenario=baseline_2025,nowhere", "arm.x=scale=0.5", f"output={root}"]
    assert cli.main(bad) == 2
    assert "nowhere" in capsys.readouterr().err
    assert cli.main(["compare", "scenario=baseline_2025", "arm.x=seed=3", f"output={root}"]) == 2
    assert "seed: 3 in x, 0 in baseline_2025" in capsys.readouterr().err
    assert not root.exists()
