"""What a killed process left in a complete folder goes; what a living one has there stays."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from sim.config import compose as config
from sim.data.load import load
from sim.files import folder as leavings
from sim.files import lock
from sim.files.folder import RunFolder, found_complete
from sim.runs import run
from sim.sweeps.job import is_there
from sim.sweeps.plan import Plan, PlannedRun
from tests.helpers import copies

RUN = "0123456789abcdef"
HALF = f".checkpoint-2030-01.npz.tmp.7.{'0' * 32}"


def finish(folder: Path) -> Path:
    """A complete folder with one file."""
    with RunFolder(folder.parent, folder.name) as place:
        place.add_text("config.yaml", "a: 1\n")
        place.finish({"kind": "run"})
    return folder


def leave(folder: Path, pid: int, host: str = "") -> None:
    """What a process that was killed at the worst moment leaves."""
    owner = {"boot": lock._boot_id(), "host": host or socket.gethostname(), "pid": pid}
    (folder / lock.LOCK).write_text(json.dumps(owner))
    (folder / HALF).write_bytes(b"half")


def dead_process() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_a_dead_process_left_goes(tmp_path):
    folder = finish(tmp_path / RUN)
    leave(folder, dead_process())
    assert found_complete(folder)
    assert names(folder) == {"config.yaml", "manifest.json"}


def test_half_a_file_without_a_lock_goes(tmp_path):
    folder = finish(tmp_path / RUN)
    (folder / HALF).write_bytes(b"half")
    assert found_complete(folder)
    assert names(folder) == {"config.yaml", "manifest.json"}


@pytest.mark.parametrize("host", ["", "another"])
def test_what_a_living_process_has_there_stays(tmp_path, host):
    folder = finish(tmp_path / RUN)
    leave(folder, os.getpid() if not host else dead_process(), host)
    before = names(folder)
    assert found_complete(folder)
    assert names(folder) == before


def test_a_folder_that_is_not_complete_is_left_alone(tmp_path):
    folder = tmp_path / RUN
    folder.mkdir()
    leave(folder, dead_process())
    assert not found_complete(folder)
    assert not found_complete(tmp_path / "nowhere")
    assert names(folder) == {lock.LOCK, HALF}


def test_a_clean_folder_is_not_locked(tmp_path, monkeypatch):
    """A sweep of thousands passes through here."""
    folder = finish(tmp_path / RUN)
    monkeypatch.setattr(leavings, "RunFolder", None)
    assert found_complete(folder)


def looked_at_without_power(folder: Path) -> bool:
    """Whether `found_complete` says so in a copy for which permissions count."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            copies._give_up_power()
            code = int(found_complete(folder))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_complete_is_complete_where_nothing_may_be_written(tmp_path):
    folder = finish(tmp_path / RUN)
    leave(folder, dead_process())
    folder.chmod(0o555)
    complete = looked_at_without_power(folder)
    folder.chmod(0o755)
    assert complete
    assert names(folder) == {"config.yaml", "manifest.json", lock.LOCK, HALF}


def test_a_run_and_a_sweep_that_find_a_complete_run_tidy_it(tmp_path):
    """Killed between the manifest and the lock: the run never starts again, yet nothing stays."""
    settings = config.compose([f"output={tmp_path}"])
    number, _ = run.identity(settings, load(settings.country.data))
    folder = finish(tmp_path / number)
    planned = PlannedRun([], number)
    plan = Plan("0" * 64, tmp_path, [], [planned], "", "", 0)
    for look_at in (
        lambda: run.run(settings, quiet=True),
        plan.pending,
        lambda: is_there(plan, planned),
    ):
        leave(folder, dead_process())
        look_at()
        assert names(folder) == {"config.yaml", "manifest.json"}
