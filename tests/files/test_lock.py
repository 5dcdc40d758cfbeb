"""A lock is there with its words or not at all: nobody is stopped by one that says nothing."""

import errno
import json
import os
from pathlib import Path

import pytest

from sim.core.errors import BusyError
from sim.files import lock


def held(folder: Path) -> lock.FolderLock:
    """A lock that keeps others out and leaves nothing but itself."""
    mine = lock.FolderLock(folder)
    mine.take()
    assert [path.name for path in folder.iterdir()] == [lock.LOCK]
    with pytest.raises(BusyError):
        lock.FolderLock(folder).take()
    return mine


def test_a_lock_is_there_with_its_words_or_not_at_all(tmp_path, monkeypatch):
    link, seen = os.link, []

    def watched(source: Path, target: Path) -> None:
        seen.append(Path(target).exists())
        link(source, target)
        assert json.loads(Path(target).read_bytes())["pid"] == os.getpid()

    monkeypatch.setattr(os, "link", watched)
    mine = held(tmp_path)
    assert seen == [False, True]
    mine.release()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_hard_links_has_locks_too(tmp_path, monkeypatch):
    def refused(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    held(tmp_path).release()


def test_who_may_not_write_a_lock_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        lock.FolderLock(tmp_path / "nowhere").take()
