"""What a launcher sends to its jobs, and how it is kept from outliving the sweep.

submitit hands a job its task, and the job hands back its end, as pickles on a disk that both see;
whoever opens a pickle runs what it says. So they lie in a folder that is new and closed to others:
nothing that somebody put into an output folder is ever opened. They go when the launch ends,
however it ends; what a launch left that was killed goes when its sweep is typed again.
"""

from __future__ import annotations

import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sim.errors import BusyError, OutputError
from sim.lock import FolderLock

_OURS: Final = re.compile(r"[0-9a-f]{8}")
_TRIES: Final = 100
_PASSING: Final = (".pkl", ".pickle", ".yaml")
"""Endings of what jobs do not leave for people; their logs and scripts stay."""


@contextmanager
def transport(folder: Path) -> Iterator[Path]:
    """A new private folder below `folder` for one launch. Raises OutputError."""
    if folder.is_symlink():
        raise OutputError(f"cannot write into {folder}: it is a symbolic link")
    remove_abandoned(folder)
    folder.mkdir(parents=True, exist_ok=True)
    own, lock = _locked(folder)
    try:
        yield own
    finally:
        _empty(own, lock)


def _locked(folder: Path) -> tuple[Path, FolderLock]:
    """A new folder and its lock. Another launch may take one that has no lock yet for abandoned."""
    for _ in range(_TRIES):
        own = folder / uuid.uuid4().hex[:8]
        own.mkdir(mode=stat.S_IRWXU)
        lock = FolderLock(own)
        with suppress(BusyError, FileNotFoundError):
            lock.take()
            return own, lock
    raise OutputError(f"cannot keep a folder in {folder}: something removes it")


def remove_abandoned(folder: Path) -> None:
    """Remove what launches left that were killed; those that are under way keep theirs."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for own in folder.iterdir():
        if _OURS.fullmatch(own.name) and own.is_dir() and not own.is_symlink():
            lock = FolderLock(own)
            with suppress(BusyError, OSError):
                lock.take()
                _empty(own, lock)


def _empty(own: Path, lock: FolderLock) -> None:
    """Remove all but logs and scripts, give the lock back, remove folders that hold nothing."""
    for place, _, names in os.walk(own):  # which follows no links
        for name in names:
            if name.endswith(_PASSING):
                Path(place, name).unlink(missing_ok=True)
    lock.release()
    for place, _, _ in os.walk(own, topdown=False):
        with suppress(OSError):
            os.rmdir(place)  # only succeeds if nothing is in it
