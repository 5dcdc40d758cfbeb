"""Sweeps killed, interrupted, starved of disk or robbed of their folder; see also test_crash."""

from __future__ import annotations

import os
import shutil
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import copies
from tests.runs.test_crash import content, litter

pytestmark = pytest.mark.slow
"""Two minutes of kills; what one run does when it is killed is in test_crash.py."""

RUNS = 12
Content = dict[str, dict[str, str]]


def sweep(root: Path, launcher: str = "basic") -> list[str]:
    return ["run", "-m", f"hydra/launcher={launcher}", f"output={root}", "scale=0.001",
            "end=2025-09", f"seed=range(0,{RUNS})", "threads=1"]  # fmt: skip


def half_done(root: Path) -> list[Path]:
    """Folders of runs that do not count yet."""
    folders = [path for path in root.iterdir() if len(path.name) == 16]
    return [path for path in folders if not (path / "manifest.json").exists()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Content, float]:
    """The sweep that nobody disturbs, and its seconds."""
    root = tmp_path_factory.mktemp("whole")
    log = root / "log"
    assert copies.finish(copies.start(log, sweep(root / "warm")[:-2])) == 0  # compiled from now on
    started = time.monotonic()
    assert copies.finish(copies.start(log, sweep(root / "runs"))) == 0, log.read_text()
    return content(root / "runs"), time.monotonic() - started


def kill_two(root: Path, whole: Content, seconds: float, kills: int) -> int:
    """Two processes share a sweep and are killed together; returns how often it was completed."""
    rng, done, sweeps = np.random.default_rng(kills), {}, 0
    for attempt in range(kills):
        runs = root / str(sweeps)
        both = [copies.start(root / f"log{k}", sweep(runs)) for k in range(2)]
        time.sleep(float(rng.uniform(0.0, seconds)))
        for process in both:
            process.kill()
        codes = {copies.finish(process) for process in both}
        assert codes <= {-signal.SIGKILL, 0}, (root / "log0").read_text()
        now = content(runs) if runs.exists() else {}
        assert done.items() <= now.items(), f"kill {attempt} took a finished run away"
        assert not runs.exists() or len(half_done(runs)) <= 2, "more was lost than was in flight"
        done, sweeps = ({}, sweeps + 1) if now == whole else (now, sweeps)
    for k in range(sweeps + 1):
        assert copies.finish(copies.start(root / "log0", sweep(root / str(k)))) == 0
        assert content(root / str(k)) == whole
        assert litter(root / str(k)) == []
    return sweeps


def test_kills_lose_at_most_the_runs_in_flight(whole, tmp_path):
    kill_two(tmp_path, *whole, kills=5)


@pytest.mark.slow
def test_a_hundred_kills_of_a_sweep_lose_at_most_the_runs_in_flight(whole, tmp_path):
    assert kill_two(tmp_path, *whole, kills=100) > 3


def start(root: Path, launcher: str = "basic", tools: Path | None = None) -> BaseProcess:
    """A sweep that has finished some of its runs and is in the midst of the others."""
    process = copies.start(root / "log", sweep(root / "runs", launcher), tools=tools)
    until = time.monotonic() + copies.FAR_SECONDS
    while process.is_alive() and time.monotonic() < until:
        if len(list(root.glob("runs/*/manifest.json"))) >= 3:
            break
        time.sleep(0.002)
    return process


@pytest.mark.parametrize("launcher", ["basic", pytest.param("joblib", marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_ends_with_130_and_goes_on(whole, tmp_path, number, launcher):
    process = start(tmp_path, launcher)
    assert process.pid is not None
    os.kill(process.pid, number)
    assert copies.finish(process) == 130, (tmp_path / "log").read_text()
    told = (tmp_path / "log").read_text()
    assert f"of {RUNS} runs are complete: the same command goes on" in told
    assert told.endswith("kyosei: interrupted\n")
    before = content(tmp_path / "runs")
    assert len(before) >= 3
    assert copies.finish(copies.start(tmp_path / "log", sweep(tmp_path / "runs"))) == 0
    assert before.items() <= content(tmp_path / "runs").items()
    assert content(tmp_path / "runs") == whole[0]
    assert litter(tmp_path / "runs") == []


@pytest.mark.parametrize("pgrep", ["kill -INT $$", None], ids=["interrupted", "missing"])
def test_workers_end_with_a_sweep_whose_pgrep_fails(tmp_path, pgrep):
    """joblib asks pgrep for the children of a worker. Ctrl-C reaches that too; some have none."""
    tools = tmp_path / "tools"
    tools.mkdir()
    if pgrep is not None:
        (tools / "pgrep").write_text(f"#!/bin/sh\n{pgrep}\n")
        (tools / "pgrep").chmod(0o755)
    process = start(tmp_path, "joblib", tools)
    workers = children_of(process.pid)
    assert len(workers) >= 2
    os.kill(process.pid, signal.SIGINT)
    assert copies.finish(process, seconds=60) == 130, (tmp_path / "log").read_text()
    until = time.monotonic() + 20
    while (left := [pid for pid in workers if is_there(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def children_of(process: int | None) -> list[int]:
    """Processes that a process has started and that still run."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(pid) for path in lists for pid in path.read_text().split() if is_there(int(pid))]


def is_there(process: int) -> bool:
    """Whether a process runs: one that has ended and is not yet waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_full_disk_ends_a_sweep_with_3_and_spares_what_is_there(whole, tmp_path):
    process = start(tmp_path)
    process.kill()
    copies.finish(process)
    before = content(tmp_path / "runs")
    for most in (500, 12_000):  # not even the plan; the plan and the logs of the failures
        process = copies.start(tmp_path / "log", sweep(tmp_path / "runs"), most_bytes=most)
        assert copies.finish(process) == 3, (tmp_path / "log").read_text()
        assert "File too large" in (tmp_path / "log").read_text()
        assert content(tmp_path / "runs") == before
    assert copies.finish(copies.start(tmp_path / "log", sweep(tmp_path / "runs"))) == 0
    assert content(tmp_path / "runs") == whole[0]


def test_a_folder_that_must_not_be_written_ends_a_sweep_with_3(tmp_path):
    (tmp_path / "runs").mkdir(mode=0o555)
    process = copies.start(tmp_path / "log", sweep(tmp_path / "runs"), powerless=True)
    assert copies.finish(process) == 3, (tmp_path / "log").read_text()
    assert "Permission denied" in (tmp_path / "log").read_text()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_taken_away_ends_a_sweep_with_3(tmp_path):
    process = start(tmp_path)
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert copies.finish(process) == 3, (tmp_path / "log").read_text()
    assert "taken away" in (tmp_path / "log").read_text()
    assert not list(tmp_path.glob("runs/*/manifest.json"))
    kept = content(tmp_path / "moved")
    assert len(kept) >= 3
    shutil.rmtree(tmp_path / "moved")
