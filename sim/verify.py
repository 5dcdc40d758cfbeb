"""Is a run's folder what its manifest says it is?"""

from pathlib import Path
from typing import Any

from sim.errors import OutputError, printable
from sim.lock import NAME as LOCK
from sim.outputs import MANIFEST, file_record, read_manifest, read_parquet


def verify(folder: Path) -> list[str]:
    """Every difference between the folder and its manifest, one sentence each; [] if none.

    Each file is read in full: its size, SHA-256 and, for tables, page checksums and rows.
    """
    if not (folder / MANIFEST).exists():
        return [f"{MANIFEST} is missing: the run did not finish"]
    manifest = read_manifest(folder)
    if manifest is None:
        return [f"{MANIFEST} is damaged: it is not as it was written"]
    files: dict[str, dict[str, Any]] = manifest["files"]
    problems = [p for name, record in files.items() for p in _check(folder, name, record)]
    extra = sorted(_present(folder) - set(files) - {MANIFEST, LOCK})
    return problems + [f"{printable(name)} is not in the manifest" for name in extra]


def listing(folder: Path) -> list[tuple[str, int, int | None, str]]:
    """(name, bytes, rows or None, SHA-256) of each file in an intact manifest; else []."""
    manifest = read_manifest(folder) or {"files": {}}
    return [
        (name, record["bytes"], record.get("rows"), record["sha256"])
        for name, record in sorted(manifest["files"].items())
    ]


def _present(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def _check(folder: Path, name: str, record: dict[str, Any]) -> list[str]:
    path = folder / name
    if path.is_symlink() or path.parent.resolve() != folder.resolve() / Path(name).parent:
        return [f"{name} is a symbolic link, not a file of this folder"]
    if not path.is_file():
        return [f"{name} is missing"]
    try:
        found = file_record(path)
    except OSError as error:
        return [f"{name} cannot be read: {error.strerror}"]
    if found["bytes"] != record["bytes"]:
        return [f"{name} has {found['bytes']:,} bytes, not {record['bytes']:,}"]
    if found["sha256"] != record["sha256"]:
        return [f"{name} was changed: its SHA-256 differs"]
    return _check_table(path, name, record) if path.suffix == ".parquet" else []


def _check_table(path: Path, name: str, record: dict[str, Any]) -> list[str]:
    try:
        rows = read_parquet(path).num_rows
    except OutputError as error:
        return [f"{name} is not a readable table: {error}"]
    return [] if rows == record["rows"] else [f"{name} has {rows:,} rows, not {record['rows']:,}"]
