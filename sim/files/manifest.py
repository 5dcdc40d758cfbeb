"""The identity of a run (its id) and where it was made (its environment)."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from sim import PACKAGE
from sim.core.errors import OutputError, printable
from sim.core.numba_cache import cpu_name, source_digest
from sim.core.threads import usable_cores
from sim.files.folder import MANIFEST, file_record, read_manifest, read_parquet
from sim.files.lock import LOCK


@cache
def code_digest() -> str:
    """SHA-256 (hex) over every `sim/**/*.py` as it was when this process first asked."""
    return source_digest(PACKAGE)


def run_id(config_text: str, data_digest: str, code_digest: str, seed: int, replicate: int) -> str:
    """The run's name: 16 hexadecimal digits that change with anything its results depend on.

    config_text: the resolved configuration, in one canonical spelling.
    data_digest, code_digest: SHA-256 (hex) of the tables that were read and of the code.
    """
    content = {
        "code": code_digest,
        "config": config_text,
        "data": data_digest,
        "replicate": replicate,
        "seed": seed,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]


def study_id(*parts: str) -> str:
    """The name of a study's folder: 16 hexadecimal digits of texts that say what it depends on."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def environment() -> dict[str, Any]:
    """Python, packages, machine and commit, for the manifest; not part of a run's identity."""
    return {
        "python": platform.python_version(),
        "packages": package_versions(),
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpus": usable_cores(),
        "git": git_state(PACKAGE.parent),
    }


@cache
def package_versions() -> dict[str, str]:
    """Versions of Kyosei, of the packages it asks for, and of the compiler below Numba.

    Looking them up takes 0.013 s, for the manifest of each run.
    """
    try:
        asked = [line for line in requires("kyosei") or [] if "extra ==" not in line]
    except PackageNotFoundError:  # run from a checkout that was never installed
        asked = []
    names = {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in asked}
    return _installed(sorted(names | {"kyosei", "llvmlite", "numba", "numpy"}))


def _installed(names: list[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def git_state(checkout: Path) -> dict[str, Any] | None:
    """Commit, and whether a tracked file differs from it; None outside a checkout of Kyosei.

    As first asked: what runs here is the code that was read when this process began.
    """
    top = _git(checkout, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != checkout.resolve():
        return None  # installed, or inside some other repository
    commit = _git(checkout, "rev-parse", "--verify", "HEAD")
    changes = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None if it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


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
