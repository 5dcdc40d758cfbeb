"""Launchers: what their words mean, and what becomes of runs whose worker is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sim.cli import main as cli
from sim.core.errors import ConfigError, OutputError
from sim.sweeps import missing
from sim.sweeps.launch import share_of

ROOT = Path(__file__).resolve().parents[2]
JOBS = "hydra.launcher.n_jobs"


@pytest.mark.parametrize("pending", [1, 2, 100])
@pytest.mark.parametrize("threads", [None, 1, 64])
def test_a_launchers_word_chooses_it_however_much_is_left(pending, threads):
    share = share_of({JOBS: "2"}, threads, pending)
    assert share.launcher == "joblib"
    assert f"{JOBS}=2" in share.words


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"hydra/launcher": "basic", JOBS: "2"}, "basic has no such setting"),
        ({"hydra/launcher": "joblib", "hydra.launcher.timeout_min": "5"}, "submitit_local"),
        ({"hydra.launcher.timeout_min": "5"}, "name the launcher"),
        ({"hydra.launcher.ray.init.num_cpus": "2", JOBS: "2"}, "no launcher has all of them"),
    ],
)
def test_words_of_another_launcher_are_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        share_of(settings, 1, 2)


def test_they_are_refused_before_anything_is_written(tmp_path, capsys):
    words = ["run", "-m", "seed=7", "scale=0.002", "end=2025-07", f"output={tmp_path}/runs"]
    assert cli.main([*words, "hydra/launcher=basic", f"{JOBS}=2"]) == 2
    assert "hydra/launcher=joblib" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_run_that_is_killed_takes_no_other_along(tmp_path, capsys, monkeypatch):
    """A launcher of two workers that ends when one of them is killed, as joblib does."""
    doomed, made, launches = 1, [], []

    def launch(task, plan, runs, share):
        launches.append(len(runs))
        queue = list(runs)
        while queue:
            together = [queue.pop(0) for _ in range(min(2, len(queue)))]
            for run in together:
                plan.begun(run).touch()
            seeds = [int(next(w for w in run.words if w.startswith("seed="))[5:])
                     for run in together]  # fmt: skip
            if doomed in seeds:
                raise OutputError("a worker was killed")
            made.extend(seeds)
            for run in together:
                (plan.root / run.number).mkdir(parents=True)
                plan.begun(run).unlink()

    monkeypatch.setattr(missing, "launch_plan", launch)
    monkeypatch.setattr(missing, "is_cold", lambda: False)
    folders = missing.Product(None, None, lambda root, number: root / number,
                              lambda plan, run: (plan.root / run.number).is_dir())  # fmt: skip
    monkeypatch.setattr("sim.sweeps.sweep.FOLDERS", folders)
    monkeypatch.setattr("sim.sweeps.plan.found_complete", lambda folder: folder.is_dir())
    words = ["run", "-m", "seed=0,1,2,3,4,5", "scale=0.002", "end=2025-07", "-q"]
    assert cli.main([*words, f"output={tmp_path}"]) == 3
    assert sorted(made) == [0, 2, 3, 4, 5]
    assert launches == [6, 4, 1, 1]
    assert "seed=1" in capsys.readouterr().err


def test_a_launcher_that_begins_nothing_is_not_tried_again(tmp_path, monkeypatch):
    calls = []

    def launch(*arguments: object) -> None:
        calls.append(arguments)
        raise OutputError("no such machine")

    monkeypatch.setattr(missing, "launch_plan", launch)
    monkeypatch.setattr(missing, "is_cold", lambda: False)
    words = ["run", "-m", "seed=0,1", "scale=0.002", "end=2025-07", "-q", f"output={tmp_path}"]
    assert cli.main(words) == 3
    assert len(calls) == 1


def test_a_worker_ends_when_the_process_that_started_it_was_killed(tmp_path):
    worker = (
        "import time; from sim.core.interrupt import end_with_parent; end_with_parent();"
        " print('ready', flush=True); time.sleep(60)"
    )
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {worker!r}])\n"
        "print(child.pid, flush=True)\ntime.sleep(60)\n",
        encoding="utf-8",
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], env=env,
                          stdout=subprocess.PIPE, text=True) as parent:  # fmt: skip
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "ready\n"
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.1)
