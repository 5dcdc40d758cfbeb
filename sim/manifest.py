"""Who a run is (its id) and where it ran (its environment)."""

import hashlib
import json
import platform
import re
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from sim.cores import usable_cores
from sim.numba_cache import cpu_name, source_digest

PACKAGE = Path(__file__).resolve().parent


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
    """Versions of Kyosei, of the packages it asks for, and of the compiler below Numba."""
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
