"""The queue: one at a time, cancelled with all that was started, ended with the dashboard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sim.dashboard.jobs import MOST_WAITING, Full, Job, Jobs


def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A queue whose commands are shell lines instead of `kyosei` ones."""

    def begun(_: Jobs, words: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", "-c", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    monkeypatch.setattr(Jobs, "_begun", begun)
    made = Jobs(tmp_path, at_once=1)
    yield made
    made.close()


def test_one_runs_at_a_time_in_order_and_says_where_its_result_is(jobs):
    first = jobs.add("first", ["echo 3/12 runs >&2; sleep 0.3; echo /some/where/0123456789abcdef"])
    second = jobs.add("second", ["echo no such thing >&2; exit 2"])
    assert second.state == "waiting"
    wait_for(lambda: second.state == "failed")
    assert (first.state, first.folder) == ("done", "0123456789abcdef")
    told = first.told("kyosei compare")
    assert (told["done"], told["total"]) == (3, 12)
    assert list(second.said) == ["no such thing"]


def test_cancelling_ends_all_that_a_command_started(jobs):
    job = jobs.add("long", ["sleep 60 & sleep 60; wait"])
    wait_for(lambda: job.process is not None and psutil.Process(job.process.pid).children())
    inside = psutil.Process(job.process.pid).children(recursive=True)
    assert jobs.cancel(job.number)
    wait_for(lambda: not any(each.is_running() and each.status() != "zombie" for each in inside))
    assert job.state == "cancelled"
    assert not jobs.cancel(job.number)
    assert not jobs.cancel(99)


def test_one_that_waits_can_be_cancelled_and_never_starts(jobs, tmp_path):
    jobs.add("first", ["sleep 0.4"])
    second = jobs.add("second", [f"touch {tmp_path}/made"])
    third = jobs.add("third", ["true"])
    assert jobs.cancel(second.number)
    wait_for(lambda: third.state == "done")
    assert not (tmp_path / "made").exists()


def test_the_queue_has_an_end(jobs):
    first = jobs.add("first", ["sleep 30"])
    wait_for(lambda: first.state == "running")
    for _ in range(MOST_WAITING):
        jobs.add("more", ["true"])
    with pytest.raises(Full):
        jobs.add("more", ["true"])


def test_a_command_that_cannot_be_started_fails_and_the_queue_goes_on(jobs):
    job = jobs.add("bad", ["a\x00b"])
    good = jobs.add("good", ["true"])
    wait_for(lambda: good.state == "done")
    assert job.state == "failed"


def test_the_keeper_ends_its_command_when_the_dashboard_is_killed(tmp_path):
    """However it dies: nobody has to tell the keeper."""
    (tmp_path / "dashboard.py").write_text(
        "import subprocess, sys, time\n"
        "keeper = subprocess.Popen([sys.executable, '-m', 'sim.dashboard.keeper', 'run',"
        " 'scale=0.01', 'figures=false', 'threads=1'], stdin=subprocess.PIPE,"
        " start_new_session=True, stderr=subprocess.DEVNULL)\n"
        "print(keeper.pid, flush=True)\n"
        "time.sleep(60)\n",
        encoding="utf-8",
    )
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "dashboard.py"], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True
    ) as dashboard:
        assert dashboard.stdout is not None
        keeper = psutil.Process(int(dashboard.stdout.readline()))
        wait_for(keeper.children)
        inside = [keeper, *keeper.children(recursive=True)]
        dashboard.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(each.is_running() and each.status() != "zombie" for each in inside))


def test_a_job_says_nothing_before_it_starts():
    told = Job(1, "title", ["compare"]).told("kyosei compare")
    assert (told["state"], told["seconds"], told["total"]) == ("waiting", None, None)
