"""Killed, interrupted, starved of disk or robbed of its folder: what was finished stays as it was.

What one file goes through is tested in `tests/files/test_folder.py`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sim.core.interrupt import interruptible, stop_if_asked
from sim.files.folder import MANIFEST, RunFolder, is_complete, read_manifest
from sim.files.manifest import verify
from tests.helpers import copies

SMALL = ["scale=0.002", "end=2025-12", "figures=false", "checkpoint=2025-09", "threads=2"]
LONG = ["scale=0.01", "end=2045-12", "figures=false"]
RUN = "0123456789abcdef"


def command(root: Path, *words: str) -> list[str]:
    return ["run", "-q", f"output={root}", *words]


def sweep(root: Path) -> list[list[str]]:
    """Two runs, one after the other."""
    return [command(root, *SMALL, f"replicate={k}") for k in range(2)]


def content(root: Path) -> dict[str, dict[str, str]]:
    """Hashes of the files of every finished run; each must verify."""
    found = {}
    for folder in sorted(path for path in root.iterdir() if not path.name.startswith(".")):
        manifest = read_manifest(folder)
        assert manifest is not None or not (folder / MANIFEST).exists(), "a broken manifest"
        if manifest is not None:
            assert verify(folder) == [], folder
            files = manifest["files"].items()
            found[folder.name] = {name: record["sha256"] for name, record in files}
    return found


def litter(root: Path) -> list[Path]:
    return [p for p in root.rglob("*") if ".tmp." in p.name or p.name == ".lock"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[dict[str, dict[str, str]], float]:
    """The sweep that nobody disturbs, and its seconds."""
    root = tmp_path_factory.mktemp("whole")
    log = root.parent / "log"
    assert copies.finish(copies.start(log, sweep(root / "warm")[0])) == 0  # compiled from now on
    started = time.monotonic()
    process = copies.start(log, *sweep(root / "runs"))
    assert copies.finish(process) == 0, log.read_text()
    return content(root / "runs"), time.monotonic() - started


def kill_and_go_on(root: Path, whole: dict[str, dict[str, str]], seconds: float, kills: int) -> int:
    """Kill a sweep at random moments, look at what is there, go on; returns sweeps completed."""
    rng, done, sweeps = np.random.default_rng(kills), {}, 0
    for attempt in range(kills):
        runs = root / str(sweeps)
        process = copies.start(root / "log", *sweep(runs))
        # Up to half as long again: with other work beside, a sweep takes longer than it did alone.
        when = float(rng.uniform(0.1, 1.5 * seconds))
        code = copies.signal_when(process, signal.SIGKILL, when)
        assert code in (-signal.SIGKILL, 0), (root / "log").read_text()
        now = content(runs) if runs.exists() else {}
        assert done.items() <= now.items(), f"kill {attempt} took a finished run away"
        done = now
        if done == whole:
            done, sweeps = {}, sweeps + 1
    for k in range(sweeps + 1):
        assert copies.finish(copies.start(root / "log", *sweep(root / str(k)))) == 0
        assert content(root / str(k)) == whole
        assert litter(root / str(k)) == []
    return sweeps


def test_kills_lose_at_most_the_run_in_flight(whole, tmp_path):
    kill_and_go_on(tmp_path, *whole, kills=4)


@pytest.mark.slow
def test_a_hundred_kills_lose_at_most_the_run_in_flight(whole, tmp_path):
    assert kill_and_go_on(tmp_path, *whole, kills=100) > 3


def write_small(root: Path, more: bool = False) -> None:
    """A small finished run; with `more`, a file is added to it."""
    with RunFolder(root, RUN) as folder:
        finished = folder.adopt()
        if finished is None:
            folder.add_text("config.yaml", "a: 1\n")
            folder.add_bytes("figures/map.png", b"x" * 5000)
            folder.finish({"kind": "run"})
        elif more:
            folder.add_bytes("checkpoint-2030-01.npz", b"y" * 5000)
            folder.finish(finished)


def die_at(step: int, root: Path, more: bool) -> bool:
    """Do it in a copy that ends just before its step-th change of a file; False if it went on."""
    child = os.fork()
    if child == 0:
        left = [step]

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir") or (
                event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
            )
            if changes and str(root) in str(arguments[0]):
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)

        sys.addaudithook(hook)
        write_small(root, more)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("more", [False, True])
def test_dead_before_any_change_of_a_file(tmp_path, more):
    """Every single step of a writer, one after the other, and the next writer mends it."""
    for step in range(100):
        root = tmp_path / str(step)
        if more:
            write_small(root)
        died = die_at(step, root, more)
        folder = root / RUN
        listed = (read_manifest(folder) or {"files": {}})["files"]
        left = [text for text in verify(folder) if text.partition(" ")[0] in listed]
        assert left == [], "what the manifest lists is not there"
        assert is_complete(folder) or not more, "a finished run was lost"
        write_small(root, more)
        assert verify(folder) == []
        assert litter(root) == []
        if not died:
            break
    assert 5 < step < 99


def test_interrupted_runs_say_so_and_leave_nothing_behind(whole, tmp_path):
    files, seconds = whole
    runs, log = tmp_path / "runs", tmp_path / "log"
    assert copies.finish(copies.start(log, sweep(runs)[0])) == 0
    first, codes = content(runs), set()
    for place, number in ((0.05, 15), (0.2, 2), (0.4, 15), (0.6, 2)):
        process = copies.start(log, sweep(runs)[1])
        code = copies.signal_when(process, number, place * seconds)
        assert code in (0, 130), log.read_text()
        assert (code == 0) or log.read_text().endswith("kyosei: interrupted\n")
        assert first.items() <= content(runs).items()
        assert litter(runs) == []
        codes.add(code)
    assert 130 in codes
    assert copies.finish(copies.start(log, *sweep(runs))) == 0
    assert content(runs) == files


def test_a_wish_to_end_is_not_forgotten(tmp_path):
    """KeyboardInterrupt inside a callback of a library is lost; the next file asks again."""
    runs = RunFolder(tmp_path, RUN)
    with pytest.raises(KeyboardInterrupt), interruptible(), runs as folder:
        folder.add_text("one.txt", "x")
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        folder.add_text("two.txt", "x")
    assert [path.name for path in runs.path.iterdir()] == ["one.txt"]
    stop_if_asked()


def test_a_full_disk_ends_with_3_and_spares_what_is_there(whole, tmp_path):
    files, _ = whole
    runs, log = tmp_path / "runs", tmp_path / "log"
    assert copies.finish(copies.start(log, sweep(runs)[0])) == 0
    first = content(runs)
    sizes = sorted(path.stat().st_size for path in (runs / next(iter(first))).iterdir())
    for most in (2000, sizes[-2] * 9 // 10, sizes[-1] * 9 // 10):  # nearly nothing to nearly all
        process = copies.start(log, sweep(runs)[1], most_bytes=most)
        assert copies.finish(process) == 3, log.read_text()
        assert "cannot write" in log.read_text()
        assert "File too large" in log.read_text()
        assert content(runs) == first
        assert litter(runs) == []
    assert copies.finish(copies.start(log, *sweep(runs))) == 0
    assert content(runs) == files


def test_a_folder_that_must_not_be_written_ends_with_3(tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir(mode=0o555)
    for root in (runs, runs / "deeper"):
        process = copies.start(tmp_path / "log", command(root, *SMALL), powerless=True)
        assert copies.finish(process) == 3, (tmp_path / "log").read_text()
        assert "cannot make the folder" in (tmp_path / "log").read_text()
    assert list(runs.iterdir()) == []


@pytest.fixture
def running(tmp_path) -> Iterator[tuple[object, Path]]:
    """A run of some seconds that has just begun to write."""
    process = copies.start(tmp_path / "log", command(tmp_path / "runs", *LONG))
    while process.is_alive() and not list(tmp_path.glob("runs/*/config.yaml")):
        time.sleep(0.005)
    yield process, tmp_path / "runs"
    process.kill()
    process.join()


def test_a_folder_taken_away_ends_with_3(running, tmp_path):
    process, runs = running
    shutil.rmtree(runs)
    assert copies.finish(process) == 3, (tmp_path / "log").read_text()
    assert not runs.exists()


def test_a_folder_emptied_ends_with_3(running, tmp_path):
    process, runs = running
    for path in runs.glob("*/config.yaml"):
        path.unlink()
    assert copies.finish(process) == 3, (tmp_path / "log").read_text()
    assert not list(runs.glob("*/manifest.json"))


def test_of_two_who_make_one_run_one_does(running, tmp_path):
    process, runs = running
    log = tmp_path / "other"
    assert copies.finish(copies.start(log, command(runs, *LONG))) == 3
    assert f"is being written by process {process.pid}" in log.read_text()
    assert copies.finish(process) == 0
    assert len(content(runs)) == 1
    assert copies.finish(copies.start(log, command(runs, *LONG))) == 0
