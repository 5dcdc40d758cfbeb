"""Whole sweeps: killed and continued, through every launcher, on a stand-in for Slurm, on Ray."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from experiments.sweeps import killed, launchers
from tests.helpers import slurm

WORDS = ["scale=0.001", "end=2025-12", "seed=0,1,2", f"{launchers.RATE}=0.05,0.5"]


@pytest.mark.slow
def test_a_sweep_that_is_killed_ends_with_the_same_tables(tmp_path):
    outcome = killed.experiment(tmp_path, runs=20, kills=3)
    assert outcome.equal
    assert len(outcome.tables) >= 6
    for kill, least in zip(outcome.kills, (5, 10, 15), strict=True):
        assert kill.complete >= least
        assert kill.damaged == 0
        assert kill.half_done <= 2  # as many as were being written


def pickles(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.suffix in (".pkl", ".pickle")]


@pytest.mark.slow
def test_every_launcher_makes_the_same_tables(tmp_path):
    found = launchers.compare(tmp_path, WORDS)
    assert tuple(found) == launchers.HERE
    assert len({digest for _, digest in found.values()}) == 1
    assert pickles(tmp_path) == []


@pytest.mark.slow
def test_slurm_is_asked_for_what_was_said(tmp_path, monkeypatch):
    expected = launchers.sweep("basic", tmp_path / "basic", WORDS)
    (tmp_path / "bin").mkdir()
    slurm.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(tmp_path / "asked.json"))
    monkeypatch.setitem(
        launchers.LAUNCHERS, "submitit_slurm",
        ["hydra.launcher.partition=long", "hydra.launcher.timeout_min=30",
         "hydra.launcher.cpus_per_task=1", "hydra.launcher.array_parallelism=2",
         "sweep.runs_per_job=2"],
    )  # fmt: skip
    launchers.sweep("submitit_slurm", tmp_path / "slurm", WORDS)
    assert expected > 0
    assert launchers.digest(tmp_path / "slurm") == launchers.digest(tmp_path / "basic")
    assert pickles(tmp_path) == []
    asked = json.loads((tmp_path / "asked.json").read_text())
    wanted = {"array": "0-2%2", "partition": "long", "time": "30", "cpus-per-task": "1",
              "mem": "1GB", "job-name": "kyosei"}  # fmt: skip
    assert {name: asked[name] for name in wanted} == wanted


@pytest.mark.network
def test_slurm_itself_makes_the_same_tables(tmp_path, repository):
    """On a Slurm of one node, which must be installed (Debian: slurmctld slurmd munge), as root."""
    command = [sys.executable, "-m", "experiments.sweeps.launchers", "--slurm", "--seeds", "3",
               "--scale", "0.001", "--end", "2025-12", "--folder", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True)
    *rows, verdict = done.stdout.splitlines()
    assert verdict == "equal to the byte"
    assert [row.split()[0] for row in rows] == [*launchers.HERE, "submitit_slurm"]
    assert pickles(tmp_path) == []


@pytest.mark.network
def test_a_ray_cluster_of_two_nodes_makes_the_same_tables(tmp_path, repository):
    venv.create(tmp_path / "ray", with_pip=True)
    python = tmp_path / "ray" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", f"{repository}[ray]"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "experiments.sweeps.launchers", "--ray", str(python), "--seeds", "2",
         "--folder", str(tmp_path / "runs")],
        cwd=repository, check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[-1] == "equal to the byte"
    assert [line.split()[0] for line in lines[:-1]] == [*launchers.HERE, "ray"]
    assert {path.name for path in Path(tmp_path / "runs").glob("ray-*.log")} == {
        "ray-head.log", "ray-second.log",
    }  # fmt: skip
