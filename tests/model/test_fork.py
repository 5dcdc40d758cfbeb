"""A run that goes on from a checkpoint is the run that never stopped, bit for bit.

What a checkpoint's file holds and refuses is tested in `tests/model/test_checkpoint.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import compose as config
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError, InvariantError
from sim.data.load import load
from sim.files.folder import read_manifest
from sim.files.manifest import verify
from sim.model.checkpoint import file_name, kept_months
from sim.model.model import Kyosei
from sim.runs import reproduce as reproduce_module
from sim.runs import run

SMALL = ["scale=0.002", "end=2026-06", "figures=false"]
LATER = "{late: {paths: [student.*.leave], since: '2026-02', multiply: 3.0}}"
"""An edit that begins after the month at which the runs below part."""


@pytest.fixture(scope="module")
def parent(tmp_path_factory) -> Path:
    """A run that kept its first month, one in between and its last."""
    months = "checkpoint=[2025-06,2025-12,2026-06]"
    return make(tmp_path_factory.mktemp("parent"), months, "threads=2")


def make(root: Path, *words: str) -> Path:
    return run.run(composed(root, *words), quiet=True)


def composed(root: Path, *words: str) -> RunConfig:
    """The small run with some words changed."""
    names = {word.partition("=")[0] for word in words}
    common = [word for word in SMALL if word.partition("=")[0] not in names]
    return config.compose([*common, f"output={root}", *words])


def content(folder: Path) -> dict[str, str]:
    """Hash of every file of a run but what it kept."""
    files = read_manifest(folder)["files"]
    return {name: record["sha256"] for name, record in files.items() if ".npz" not in name}


@pytest.mark.parametrize("month", ["2025-06", "2025-12", "2026-06"])
def test_a_continued_run_makes_the_same_folder(parent, tmp_path, month):
    again = make(tmp_path, f"from={parent}@{month}", "checkpoint=2026-06", "threads=1")
    assert again.name == parent.name
    assert content(again) == content(parent)
    for name in ("audit", "ledger", "agent_months", "opening_residuals", "warnings"):
        assert read_manifest(again)[name] == read_manifest(parent)[name], name
    assert read_manifest(again)["continued_from"] == {"run": parent.name, "month": month}
    last = file_name("2026-06")
    assert (again / last).read_bytes() == (parent / last).read_bytes()
    assert verify(again) == []


def test_a_scenario_that_parts_later_shares_the_past(parent, tmp_path):
    scenario = f"scenario.edits={LATER}"
    fork = make(tmp_path / "fork", f"from={parent}@2025-12", scenario)
    straight = make(tmp_path / "straight", scenario)
    assert fork.name == straight.name != parent.name
    assert content(fork) == content(straight)
    assert content(fork)["stocks.parquet"] != content(parent)["stocks.parquet"]


def test_a_run_may_go_further_than_the_one_it_came_from(parent, tmp_path):
    words = "end=2026-09", "arrivals.channels.student.level=900000.0"
    fork = make(tmp_path / "fork", f"from={parent}@2025-06", *words)
    assert content(fork) == content(make(tmp_path / "straight", *words))


def test_reproducing_makes_the_checkpoints_again(parent):
    assert reproduce_module.reproduce(parent) == []


def test_a_finished_run_keeps_a_month_afterwards(parent, tmp_path):
    """Nothing that is finished is written again, and its manifest stays until the new one."""
    folder = make(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    assert make(tmp_path, "checkpoint=2025-12") == folder
    assert before == {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    assert kept_months(read_manifest(folder)["files"]) == {"2025-12"}
    name = file_name("2025-12")
    assert (folder / name).read_bytes() == (parent / name).read_bytes()
    assert verify(folder) == []


def test_a_broken_invariant_spares_what_was_finished(tmp_path, monkeypatch):
    folder = make(tmp_path)
    before = content(folder)

    def broken(model: Kyosei) -> None:
        raise InvariantError("the books do not close")

    monkeypatch.setattr(Kyosei, "step", broken)
    with pytest.raises(InvariantError):
        make(tmp_path, "checkpoint=2025-12")
    assert content(folder) == before
    assert verify(folder) == []


def test_what_a_killed_run_kept_can_be_used_and_does_not_stay(parent, tmp_path):
    """A checkpoint needs no manifest; one left in a folder that is made again is removed."""
    left = tmp_path / parent.name
    left.mkdir()
    name = file_name("2025-12")
    (left / name).write_bytes((parent / name).read_bytes())
    again = make(tmp_path, f"from={left}@2025-12")
    assert content(again) == content(parent)
    assert not (again / name).exists()
    assert verify(again) == []


# What differs -> what the refusal says.
REFUSED = [
    (["scale=0.003"], "scale was 0.002 and is 0.003"),
    (["seed=1"], "seed was 0 and is 1"),
    (["replicate=2"], "replicate was 0 and is 2"),
    (["start=2024-12"], "start was 2025-06 and is 2024-12"),
    (["status.student.opening.turnover=0.2"], "status.student.opening.turnover was"),
    (["arrivals.mode=free"], "arrivals.mode was conditional and is free"),
    (["scenario.edits={x: {paths: [student.*.leave], since: '2025-09', multiply: 2.0}}"],
     "in 2025-09 rates were others: student.monthly.leave"),
    (["scenario.edits={x: {paths: [student.*.leave], since: '2025-12', multiply: 2.0}}"],
     "in 2025-12 rates were others"),
    (["scenario.edits={x: {paths: [agency.immigration.officers], since: '2025-09', multiply: 2}}"],
     "in 2025-09 rates were others: agency.immigration.officers"),
    (["event.border_closure.edits.arrivals.multiply=0.2"], "the events up to 2025-12 were others"),
    (["scenario.edits={x: {paths: [arrivals.student], since: '2025-11', multiply: 1.1}}"],
     "in 2025-11 other arrivals were expected: student"),
    (["arrivals.channels.student.level=1.0"], "other arrivals were expected: student"),
    (["end=2025-09"], "it lies after the end, 2025-09"),
    (["checkpoint=2025-09"], "checkpoint=2025-09 lies before it"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), REFUSED, ids=[case[0][0][:40] for case in REFUSED])
def test_another_past_is_refused(parent, tmp_path, words, says):
    with pytest.raises(ConfigError) as caught:
        make(tmp_path / "runs", f"from={parent}@2025-12", *words)
    assert any(says in problem for problem in caught.value.problems), caught.value.problems
    assert all(str(parent) in problem for problem in caught.value.problems)
    assert list(tmp_path.iterdir()) == []


def test_other_code_or_data_are_refused(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "code_digest", lambda: "0" * 64)
    with pytest.raises(ConfigError, match="the code changed since it was written"):
        make(tmp_path, f"from={parent}@2025-12")


def test_a_checkpoint_that_is_not_there_says_which_are(parent, tmp_path):
    with pytest.raises(ConfigError, match="it kept 2025-06, 2025-12, 2026-06"):
        make(tmp_path, f"from={parent}@2026-01")
    with pytest.raises(ConfigError, match="it kept none: run it with checkpoint="):
        make(tmp_path, f"from={tmp_path}@2026-01")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("checkpoint=2025-05", "must lie in the run, 2025-06 to 2026-06"),
        ("checkpoint=2026-07", "must lie in the run"),
        ("checkpoint=2026-13", "is not a month"),
        ("checkpoint=2026", "must be a list"),
        ("checkpoint=[2026]", "must be a month: write YYYY-MM"),
        ("from=runs", "must be DIR@YYYY-MM"),
        ("from=runs@2025", "must be DIR@YYYY-MM"),
        ("form=runs@2025-12", "Nearest: from"),
        ("memory_gb=0", "must be more than 0"),
    ],
)
def test_bad_words_are_refused(tmp_path, word, says):
    with pytest.raises(ConfigError) as caught:
        config.compose([*SMALL, word])
    assert says in "\n".join(caught.value.problems)


def test_settings_that_change_no_result_change_no_identity():
    data = load("japan")
    plain = run.identity(config.compose(SMALL), data)
    words = ["checkpoint=2025-12", "from=a/b@2025-12", "memory_gb=100", "threads=1", "output=x"]
    assert run.identity(config.compose([*SMALL, *words]), data) == plain
    shown = config.to_yaml(config.compose([*SMALL, *words]))
    assert 'checkpoint: ["2025-12"]\nfrom: "a/b@2025-12"\nmemory_gb: 100.0\n' in shown
    assert config.from_yaml(shown).from_ == "a/b@2025-12"
