"""One writer at a time: a lock file that says who holds a folder."""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import time
import uuid
from contextlib import suppress
from pathlib import Path

from sim.core.errors import BusyError

LOCK = ".lock"

FILLED_WITHIN_SECONDS = 10.0

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""Errors of file systems that have no hard links."""


def _boot_id() -> str:
    """Identifier of the machine's present boot; '' where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # a process of another user
    return True


def _started(pid: int) -> str:
    """Start time of a process, in clock ticks since boot; '' where the system does not tell.

    Process ids are used again: in a container that was restarted, often by the same command.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return fields.rpartition(")")[2].split()[19]


def _content(path: Path) -> bytes:
    """Content of a lock file; empty if it is a symbolic link, which this program never makes."""
    return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else b""


def _owner(content: bytes) -> dict[str, object]:
    """Who holds a lock, from its content; empty for a lock that was never filled."""
    try:
        owner = json.loads(content)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _is_stale(content: bytes, age_seconds: float) -> bool:
    """True if the holder is certainly gone: its process ended, or the machine has restarted.

    A holder on another machine that shares the disk cannot be checked, so it counts as alive. An
    empty lock was made on a disk without hard links, by a process that was killed at once.
    """
    owner = _owner(content)
    if not owner:
        return age_seconds > FILLED_WITHIN_SECONDS
    if owner.get("host") != socket.gethostname():
        return False
    pid = owner.get("pid")
    if owner.get("boot") != _boot_id() or not (isinstance(pid, int) and _is_running(pid)):
        return True
    return owner.get("started", "") not in ("", _started(pid))


def _write_new(path: Path, words: bytes) -> bool:
    """Write a file that is not there yet; False if it is."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, words)
    finally:
        os.close(descriptor)
    return True


class FolderLock:
    """The file `.lock` in a folder, made by the first process that asks."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._held = False

    def take(self) -> None:
        """Take the lock. Raises BusyError if a living process holds it."""
        while not self._create():
            self._clear_stale()
        self._held = True

    def release(self) -> None:
        """Give the lock back; nothing happens if it was never taken."""
        if self._held:
            self._path.unlink(missing_ok=True)
            self._held = False

    def _create(self) -> bool:
        pid = os.getpid()
        owner = {
            "boot": _boot_id(), "host": socket.gethostname(), "pid": pid, "started": _started(pid),
        }  # fmt: skip
        words = json.dumps(owner).encode()
        aside = self._path.with_name(f".lock.tmp.{pid}.{uuid.uuid4().hex}")
        try:
            _write_new(aside, words)
            # Filled or not there at all: a process killed here leaves no empty lock.
            os.link(aside, self._path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return _write_new(self._path, words)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        return True

    def _clear_stale(self) -> None:
        """Remove a lock whose holder is gone, or say who holds it."""
        try:
            seen, written = _content(self._path), self._path.lstat().st_mtime
        except FileNotFoundError:
            return  # released in the meantime
        if not _is_stale(seen, time.time() - written):
            owner = _owner(seen)
            raise BusyError(
                f"{self._path.parent} is being written by process {owner.get('pid')} on"
                f" {owner.get('host')}. If that process is gone, remove {self._path}."
            )
        aside = self._path.with_name(f".lock.tmp.{os.getpid()}.{uuid.uuid4().hex}")
        try:
            os.rename(self._path, aside)  # of two who try, one succeeds
        except FileNotFoundError:
            return
        if _content(aside) != seen:  # a new holder came in between: hand it back
            os.rename(aside, self._path)
            return
        aside.unlink()
