"""The one place that writes files: a run's folder, file by whole file.

Every file appears under its name complete or not at all, whatever happens in between: it is
written under a temporary name beside it, flushed to disk, then renamed. The manifest comes last,
so that its presence means success.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.errors import InvariantError, OutputError
from sim.core.interrupt import stop_if_asked
from sim.files.lock import FolderLock

MANIFEST = "manifest.json"

MOST_MANIFEST = 64 * 1024 * 1024

FAILED = ".failed"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

_RUN_ID = re.compile(r"[0-9a-f]{16}")

_TEMPORARY = re.compile(r"\..+\.tmp\.\d+\.[0-9a-f]{32}")


@contextmanager
def _plain_words(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError into an OutputError that names the file."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot {action} {path}: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_record(path: Path) -> dict[str, Any]:
    """Size in bytes and SHA-256 (hex) of a file, as the manifest lists them."""
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"bytes": stream.tell(), "sha256": digest}


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> dict[str, Any]:
    """Fill `path` through `write(file)`; the old file stays until the new one is on disk.

    Returns its `file_record`. Raises OutputError, and leaves nothing behind, if that fails.
    """
    temporary = path.with_name(f".{path.name}.tmp.{os.getpid()}.{uuid.uuid4().hex}")
    with _plain_words("write", path):
        if path.is_symlink():
            raise OutputError(f"cannot write {path}: it is a symbolic link")
        try:
            with open(temporary, "xb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            record = file_record(temporary)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    return record


def table_writer(table: pa.Table) -> Callable[[IO[bytes]], object]:
    """What writes a table: zstd, a checksum on every page, the same bytes for the same table."""
    metadata = {k: v for k, v in (table.schema.metadata or {}).items() if k != b"pandas"}
    plain = table.replace_schema_metadata(metadata or None)  # pandas notes its own version

    def write(stream: IO[bytes]) -> None:
        pq.write_table(
            plain, stream, compression="zstd", use_dictionary=True, write_page_checksum=True
        )

    return write


def json_text(content: Mapping[str, Any]) -> str:
    """Sorted keys, one space of indent; NumPy numbers as plain ones. ValueError for NaN."""
    return _json(content, indent=1) + "\n"


def _json(value: object, indent: int | None = None) -> str:
    def plain(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return value.tolist()
        raise TypeError(f"{value!r} cannot go into a manifest")

    return json.dumps(
        value, sort_keys=True, indent=indent, ensure_ascii=False, allow_nan=False, default=plain
    )


def sealed(manifest: Mapping[str, Any]) -> str:
    """The manifest as text, with the SHA-256 of the rest of it under `seal`."""
    plain = json.loads(_json(manifest))  # so that keys sort as they will when read back
    parts = {key: _json(value, indent=1) for key, value in plain.items() if key != "seal"}
    seal = hashlib.sha256(_put_together(parts).encode()).hexdigest()
    return _put_together({**parts, "seal": _json(seal)})


def _put_together(parts: Mapping[str, str]) -> str:
    """The text that `json_text` would give, from the text of each value."""
    lines = [f"{_json(key)}: {parts[key]}".replace("\n", "\n ") for key in sorted(parts)]
    return "{\n " + ",\n ".join(lines) + "\n}\n" if lines else "{}\n"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a finished run; None if there is none or it is not as it was written.

    Anybody can seal a manifest, so names and numbers of its files are checked too.
    """
    path = folder / MANIFEST
    try:
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > MOST_MANIFEST:
            return None
        text = path.read_bytes().decode("utf-8")
        manifest = json.loads(text)
        intact = isinstance(manifest, dict) and sealed(manifest) == text
        return manifest if intact and _is_listing(manifest["files"]) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _is_listing(files: Any) -> bool:
    """Whether the files of a manifest are files of the folder, each with its size and hash."""
    return isinstance(files, dict) and all(
        is_output_name(name)
        and isinstance(record, dict)
        and type(record["bytes"]) is int
        and isinstance(record["sha256"], str)
        and type(record.get("rows", 0)) is int
        for name, record in files.items()
    )


def is_output_name(name: str) -> bool:
    """Whether a run may have an output of that name: a file, or one in a folder of one level."""
    parts = name.split("/")
    return len(parts) <= 2 and all(_NAME.fullmatch(part) for part in parts)


def is_complete(folder: Path) -> bool:
    """True if the run in `folder` finished and all its files are there at their full size.

    Quick: `sim.files.manifest` also reads them.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return False
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == record["bytes"]
        for name, record in manifest["files"].items()
    )


def read_parquet(path: Path) -> pa.Table:
    """A table of a run's folder, each page checked against its checksum. Raises OutputError."""
    with _plain_words("read", path):
        try:
            return pq.read_table(path, page_checksum_verification=True)
        except pa.ArrowInvalid as error:
            raise OutputError(f"cannot read {path}: {error}") from error


class RunFolder:
    """`<root>/<run id>`, written by this process alone until it is closed.

    Use it in a `with`: entering makes the folder, takes its lock and sweeps what an interrupted
    run left; leaving releases the lock. `finish` makes the run complete. An InvariantError inside
    sets every output aside as `*.failed`. With `inside`, root must be there already: a sweep whose
    folder was taken away must not make it again.
    """

    def __init__(self, root: Path, run_id: str, inside: bool = False) -> None:
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError(f"a run id has 16 hexadecimal digits, not {run_id!r}")
        self.path = root / run_id
        self._lock = FolderLock(self.path)
        self._records: dict[str, dict[str, Any]] = {}
        self._adopted = False
        self._made: list[Path] = []
        self._inside = inside

    def __enter__(self) -> RunFolder:
        with _plain_words("make the folder", self.path):
            if self.path.is_symlink():
                raise OutputError(f"cannot use {self.path}: it is a symbolic link")
            self._made = [path for path in (self.path, *self.path.parents) if not path.exists()]
            self.path.mkdir(parents=not self._inside, exist_ok=True)
            self._lock.take()
            try:
                self._sweep()
            except BaseException:  # an interruption too
                self._lock.release()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, InvariantError) and not self._adopted:
            self.quarantine()
        self._lock.release()
        with suppress(OSError):
            for path in self._made or [self.path]:
                path.rmdir()  # only succeeds if nothing was written

    def _sweep(self) -> None:
        """Remove what an interrupted or failed run left half done."""
        for path in list(self.path.rglob("*")):
            if _TEMPORARY.fullmatch(path.name) or path.name.endswith(FAILED):
                path.unlink()

    def _target(self, name: str) -> Path:
        """The path of output `name`: a file, or a file in a folder of one level."""
        if not is_output_name(name):
            raise OutputError(f"an output cannot be named {name!r}: use A-Z a-z 0-9 . _ - only")
        target = self.path.joinpath(*name.split("/"))
        if target.parent.is_symlink():
            raise OutputError(f"cannot write {target}: {target.parent} is a symbolic link")
        return target

    def _write(self, name: str, write: Callable[[IO[bytes]], object], **record: int) -> Path:
        stop_if_asked()
        target = self._target(name)
        with _plain_words("write", target):
            if not self._adopted:
                (self.path / MANIFEST).unlink(missing_ok=True)  # from here on it is unfinished
            if target.parent != self.path:  # which is never made again if it was taken away
                target.parent.mkdir(exist_ok=True)
        self._records[name] = {**write_atomically(target, write), **record}
        return target

    def adopt(self) -> dict[str, Any] | None:
        """Take over the finished run of this folder, to add files; its manifest, None if none.

        It stays finished, with its old manifest, until `finish` writes a new one.
        """
        manifest = read_manifest(self.path) if is_complete(self.path) else None
        if manifest is not None:
            self._records, self._adopted = dict(manifest["files"]), True
        return manifest

    def add(self, name: str, write: Callable[[IO[bytes]], object]) -> Path:
        """Write a file through `write(stream)`, without a copy of it in memory."""
        return self._write(name, write)

    def add_bytes(self, name: str, content: bytes) -> Path:
        """Write a file, such as a figure already drawn to memory."""
        return self._write(name, lambda stream: stream.write(content))

    def add_text(self, name: str, text: str) -> Path:
        """Write a file in UTF-8."""
        return self.add_bytes(name, text.encode("utf-8"))

    def add_table(self, name: str, table: pa.Table) -> Path:
        """Write a table: zstd, a checksum on every page, the same bytes for the same table."""
        return self._write(name, table_writer(table), rows=table.num_rows)

    def finish(self, manifest: Mapping[str, Any]) -> Path:
        """Write the manifest, with the size and SHA-256 of every file: the run is complete.

        Raises OutputError if a file is not there any more.
        """
        stop_if_asked()
        with _plain_words("finish", self.path):
            for name, record in self._records.items():
                if (self.path / name).stat().st_size != record["bytes"]:
                    raise OutputError(f"{self.path / name} was changed while the run wrote others")
            for path in self.path.glob("*.npz"):  # kept by an attempt that did not get here
                if path.name not in self._records:
                    path.unlink()
        text = sealed({**manifest, "files": self._records})
        target = self.path / MANIFEST
        write_atomically(target, lambda stream: stream.write(text.encode("utf-8")))
        return target

    def quarantine(self) -> list[Path]:
        """Set every output of this run aside as `*.failed`; returns the new paths."""
        with _plain_words("set aside the outputs in", self.path):
            (self.path / MANIFEST).unlink(missing_ok=True)
            moved = [
                (self.path / name).with_name(Path(name).name + FAILED) for name in self._records
            ]
            for name, aside in zip(self._records, moved, strict=True):
                os.replace(self.path / name, aside)
        self._records.clear()
        return moved


def found_complete(folder: Path) -> bool:
    """True if the run in `folder` is finished, as `is_complete`.

    Also removes the lock and the temporary files of a process that was killed, unless a living one
    holds the folder or nothing may be written there; neither changes the answer. A folder without
    such files is only listed.
    """
    if not is_complete(folder):
        return False
    with suppress(OutputError, OSError):
        if any(name.startswith(".") for name in os.listdir(folder)):
            with RunFolder(folder.parent, folder.name):
                pass  # entering takes a lock over whose holder is gone, and sweeps
    return True
