"""Where Numba keeps compiled kernels: one private folder for each state of the source.

Numba's cache does not see an edit to a jitted function in another file and would run the old
code. So the folder is named by a hash of every file that a kernel may see, the compiler and the
processor: an edit of one starts a fresh one. Its files are pickles: nobody else may write there.

Imported by `sim/__init__.py` at every start: keep it light, and free of third-party imports.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import re
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "kyosei-numba"

KEEP_SECONDS = 14 * 86400  # folders of older source are removed after two weeks

_KERNEL: Final = ("@njit", "intrinsic(")  # looked for as they are: at every start, in every file

_UNSEEN: Final = ("config/", "data/", "policies/", "model/")
"""Packages of which nothing is part of a compiled kernel: no kernel uses a name of theirs, and none
takes a named tuple of theirs. A test follows what kernels use."""

_SEEN: Final = ("config/factors.py",)  # but for the codes of factors

_IMPORT = re.compile(
    r"^\s*(?:from|import)\s+(sim[\w.]*)(?:\s+import\s+(\([^)]*\)|[^\n]+))?", re.MULTILINE
)


def source_digest(package: Path, names: Iterable[str] | None = None) -> str:
    """SHA-256 (hex) over the names and bytes of `.py` files under `package`, or of those named."""
    digest = hashlib.sha256()
    wanted = None if names is None else set(names)
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if wanted is None or name in wanted:
            digest.update(name.encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def kernel_files(package: Path) -> set[str]:
    """Files that hold kernels, and the files of the package that they import, one by another, less
    those that no kernel sees.

    Their functions, constants and named tuples are what a compiled kernel may have been made of.
    """
    text = {
        path.relative_to(package).as_posix(): path.read_text(encoding="utf-8")
        for path in package.rglob("*.py")
    }
    seen: set[str] = set()
    left = [name for name, source in text.items() if any(word in source for word in _KERNEL)]
    while left:
        name = left.pop()
        if name not in seen and (name in _SEEN or not name.startswith(_UNSEEN)):
            seen.add(name)
            left += [file for file in _imported(text[name]) if file in text]
    return seen


def _imported(source: str) -> Iterator[str]:
    """Files that `from sim.a import b` may mean: a.py, a/__init__.py, a/b.py, a/b/__init__.py."""
    for module, names in _IMPORT.findall(source):
        inside = module.replace(".", "/").partition("/")[2]
        words = [name.split()[0] for name in names.strip("()").split(",") if name.strip()]
        for part in (inside, *(f"{inside}/{word}" for word in words)):
            yield f"{part.strip('/')}.py"
            yield f"{part}/__init__.py".lstrip("/")


def cpu_name() -> str:
    """The processor's own name where the system tells it, else its architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    import platform  # starts a process on some systems: only where there is no other way

    return platform.processor() or platform.machine()


def _compiler_versions() -> list[str]:
    """Names such as numba-0.68.1.dist-info, found without importing anything."""
    found: set[str] = set()
    for package in ("numba", "llvmlite", "numpy"):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        beside = os.listdir(os.path.dirname(os.path.dirname(spec.origin)))
        found.update(name for name in beside if name.startswith(f"{package}-"))
    return sorted(found)


def folder_name(package: Path) -> str:
    """32 hexadecimal digits that change with the kernels, compiler, Python or processor."""
    source = source_digest(package, kernel_files(package))
    parts = [source, sys.version, cpu_name(), *_compiler_versions()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _is_private(folder: Path) -> bool:
    """True for a real folder of ours that neither group nor others may write to."""
    status = folder.lstat()
    mine = sys.platform == "win32" or status.st_uid == os.getuid()
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and mine and not shared and os.access(folder, os.W_OK)


def _remove_old(folder: Path) -> None:
    import shutil  # only needed in the rare start after an edit

    for sibling in folder.parent.iterdir():
        if sibling != folder and time.time() - sibling.lstat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(sibling, ignore_errors=True)


def _private_folder(base: Path, name: str) -> Path | None:
    """`base/kyosei-numba/name`, made if need be with mode 0700; None if it cannot be ours."""
    folder = base / FOLDER / name
    try:
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(exist_ok=True, mode=0o700)
            _remove_old(folder)
        private = _is_private(folder) and _is_private(folder.parent)
    except OSError:
        return None
    return folder if private else None


def _temporary_folder() -> Path:
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="kyosei-numba-")  # mode 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def cache_folder(package: Path) -> Path:
    """The folder for this state of the package, created.

    Under XDG_CACHE_HOME or ~/.cache; where that cannot be written or is open to others, a new
    private temporary folder that goes with the process (the next start compiles again).
    """
    base = _base()
    found = None if base is None else _private_folder(base, folder_name(package))
    return found or _temporary_folder()


def _base() -> Path | None:
    """Where folders of compiled kernels lie; None where there is no home."""
    given = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given).absolute()
    home = os.path.expanduser("~")
    return None if home == "~" else Path(home, ".cache")


def use_private_cache(package: Path) -> None:
    """Point Numba at `cache_folder`, which lies below NUMBA_CACHE_DIR where that is set.

    A folder that somebody names is shared by all states of the source: kernels in it would not be
    compiled again after an edit of another file, and results would mix old and new code.
    """
    given = os.environ.get("NUMBA_CACHE_DIR", "")
    if given and Path(given).parent.name == FOLDER and Path(given).name == folder_name(package):
        return  # set by a process that started this one
    place = cache_folder(package)
    if drop_damaged(place):
        _tell(DAMAGED)
    atexit.register(seal, place)
    folder = str(place)
    os.environ["NUMBA_CACHE_DIR"] = folder
    numba = sys.modules.get("numba")
    if numba is not None:  # imported before us, so it has read its environment already
        numba.config.CACHE_DIR = folder


DAMAGED: Final = "compiled kernels were damaged and are compiled again"

SEAL: Final = "seal.json"
"""Size, SHA-256 and time of every file of compiled code, by its path below the folder."""


def _compiled(folder: Path) -> dict[str, Path]:
    return {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*.nb[ic]"))}


def _sealed(folder: Path) -> dict[str, list[int | str]]:
    try:
        found = json.loads((folder / SEAL).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _record(path: Path) -> list[int | str]:
    """Size, SHA-256 and time of the last change (ns)."""
    content, changed = path.read_bytes(), path.stat().st_mtime_ns
    return [len(content), hashlib.sha256(content).hexdigest(), changed]


def _is_whole(path: Path) -> bool:
    """Whether a file begins and ends as a pickle does: one cut short, or of zeros, does not."""
    content = path.read_bytes()
    return content.startswith(b"\x80") and content.endswith(b".")


def seal(folder: Path) -> None:
    """Note what compiled code there is, so that damage is seen at the next start.

    Numba does not flush its files to disk: after a power cut some are empty or cut short, and it
    would end every later start with an error about pickles.
    """
    try:
        known = _sealed(folder)
        new = {
            name: known[name] if _is_noted(path, known.get(name)) else _record(path)
            for name, path in _compiled(folder).items()
        }
        if new != known:
            beside = folder / f".{SEAL}.{os.getpid()}"
            beside.write_text(json.dumps(new), encoding="ascii")
            beside.replace(folder / SEAL)
    except OSError:
        pass  # a full disk stops no run; what is not sealed is looked at again


def _is_noted(path: Path, kept: list[int | str] | None) -> bool:
    """Whether a file has not been written again since it was sealed: an index is, when its kernel
    is compiled for other types."""
    return kept is not None and len(kept) == 3 and path.stat().st_mtime_ns == kept[2]


def drop_damaged(folder: Path) -> bool:
    """Remove all compiled code if a file of it is damaged; whether that was needed.

    A file that was not written since it was sealed must be as it was; any other must be whole: its
    process may have been killed before it sealed anything.
    """
    sealed = _sealed(folder)
    try:
        files = _compiled(folder)
        damaged = any(
            not (_record(path) == kept if _is_noted(path, kept) else _is_whole(path))
            for path, kept in ((path, sealed.get(name)) for name, path in files.items())
        )
        if damaged:
            for path in [*files.values(), folder / SEAL]:
                path.unlink(missing_ok=True)
    except OSError:
        return False
    return damaged


_told: set[str] = set()


def _tell(text: str) -> None:
    """A sentence on standard error, once a process."""
    if text not in _told:
        _told.add(text)
        print(f"kyosei: {text}", file=sys.stderr)


def tolerate_failures(cache: Any) -> None:
    """Make Numba's cache class end no run: what cannot be loaded is compiled again, and what cannot
    be stored is not.

    Numba has no public way to say so: it makes its FunctionCache itself, and lets the errors of a
    damaged pickle or a full disk through.
    """
    load, save = cache.load_overload, cache.save_overload

    @wraps(load)
    def load_overload(self: Any, *args: Any) -> Any:
        try:
            return load(self, *args)
        except Exception:  # noqa: BLE001  pickles and bitcode that are damaged raise anything
            _tell(DAMAGED)
            with suppress(OSError):
                self.flush()
            return None

    @wraps(save)
    def save_overload(self: Any, *args: Any) -> Any:
        try:
            return save(self, *args)
        except OSError as error:
            _tell(f"compiled kernels cannot be kept: {error.strerror or error}")
            return None

    cache.load_overload, cache.save_overload = load_overload, save_overload


def is_cold() -> bool:
    """True if nothing has been compiled yet for this state of the package."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    return next(folder.rglob("*.nbi"), None) is None
