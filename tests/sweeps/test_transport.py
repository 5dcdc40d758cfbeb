"""What a launcher sends to its jobs: private while it is under way, gone afterwards."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from sim.core.errors import OutputError
from sim.files.lock import FolderLock
from sim.sweeps.launch import remove_abandoned, transport


def launched(own: Path) -> None:
    """What submitit leaves of two jobs."""
    (own / "multirun.yaml").touch()
    for job in ("17", "18"):
        folder = own / ".submitit" / job
        folder.mkdir(parents=True)
        for name in (f"{job}_submitted.pkl", f"{job}_0_result.pkl", f"{job}_0_log.err"):
            (folder / name).touch()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_launch_has_a_new_folder_that_is_closed_to_others(tmp_path):
    folders = []
    for _ in range(2):
        with transport(tmp_path / "launches") as own:
            folders.append(own)
            assert own.stat().st_mode & 0o777 == 0o700
            assert names(own) == {".lock"}
    assert len({*folders}) == 2
    assert list((tmp_path / "launches").iterdir()) == []


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_pickles_go_and_logs_stay_however_it_ends(tmp_path, error):
    def launch() -> None:
        with transport(tmp_path) as own:
            launched(own)
            if error is not None:
                raise error

    if error is None:
        launch()
    else:
        with pytest.raises(error):
            launch()
    assert names(tmp_path) == {"17_0_log.err", "18_0_log.err"}


def killed(folder: Path) -> None:
    """A launch by a process that is killed in the middle of it."""
    child = os.fork()
    if child == 0:
        with transport(folder) as own:
            launched(own)
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def test_what_a_killed_launch_left_goes_with_the_next(tmp_path):
    killed(tmp_path)
    assert any(name.endswith(".pkl") for name in names(tmp_path))
    with transport(tmp_path):
        assert not any(name.endswith(".pkl") for name in names(tmp_path))
    killed(tmp_path)
    remove_abandoned(tmp_path)
    assert names(tmp_path) == {"17_0_log.err", "18_0_log.err"}


def test_a_folder_without_a_lock_yet_may_be_taken_away(tmp_path, monkeypatch):
    """Between making its folder and locking it, another launch may find and remove it."""
    taken: list[Path] = []

    def take(lock: FolderLock) -> None:
        if len(taken) < 3:
            taken.append(lock._path.parent)
            taken[-1].rmdir()
        real(lock)

    real = FolderLock.take
    monkeypatch.setattr(FolderLock, "take", take)
    with transport(tmp_path) as own:
        assert own.is_dir()
        assert own not in taken
    assert len(taken) == 3


def test_a_launch_under_way_keeps_its_own(tmp_path):
    with transport(tmp_path) as first:
        launched(first)
        with transport(tmp_path):
            pass
        assert (first / ".submitit" / "17" / "17_submitted.pkl").exists()


def test_links_are_not_followed(tmp_path):
    """Pickles of others are spared, wherever somebody made a link to them."""
    others, launches = tmp_path / "others", tmp_path / "launches"
    others.mkdir()
    (others / "model.pkl").touch()
    killed(launches)
    (own,) = launches.iterdir()
    (launches / "01234567").symlink_to(others)
    (own / "more").symlink_to(others)
    (launches / "notes").mkdir()
    (launches / "notes" / "mine.pkl").touch()
    remove_abandoned(launches)
    assert (others / "model.pkl").exists()
    assert (launches / "notes" / "mine.pkl").exists()
    assert not FolderLock(own)._path.exists()
    (tmp_path / "link").symlink_to(launches)
    with pytest.raises(OutputError, match="symbolic link"), transport(tmp_path / "link"):
        pass
