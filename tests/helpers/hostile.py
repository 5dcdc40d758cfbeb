"""A watch over what Python does, and texts of people who mean ill."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WATCHED = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class",
           "socket.connect", "os.symlink", "os.chmod")  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_watch: dict[str, Any] = {"root": None, "seen": []}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Hears of everything that Python does; cannot be taken out again, so it mostly sleeps."""
    root = _watch["root"]
    if root is None:
        return
    if event in WATCHED:
        _watch["seen"].append((event, arguments))
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
        inside = str(arguments[0]).startswith((str(root), "/dev/null"))
        _watch["seen"] += [] if inside else [(event, arguments)]


sys.addaudithook(_hook)


@contextmanager
def nothing_happens(tmp_path: Path) -> Iterator[None]:
    """Nothing is run or opened that should not be, and the canary does not appear."""
    _watch["seen"].clear()
    _watch["root"] = tmp_path
    try:
        yield
    finally:
        _watch["root"] = None
    assert _watch["seen"] == []
    assert not (tmp_path / "canary").exists()


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.system, (f"touch {self.path}",)


# One YAML text each; @ stands for the canary, % for a pickle that makes it.
TEXTS: dict[str, str | bytes] = {
    "apply": "a: !!python/object/apply:os.system ['touch @']",
    "apply at the top": "!!python/object/apply:os.system ['touch @']",
    "new": "a: !!python/object/new:subprocess.Popen [['touch', '@']]",
    "object": "a: !!python/object:pathlib.Path {}",
    "name": "a: !!python/name:os.system",
    "module": "a: !!python/module:antigravity",
    "eval": 'a: !!python/object/apply:builtins.eval [\'open("@", "w")\']',
    "tuple": "a: !!python/tuple [1]",
    "own tag": "a: !touch '@'",
    "tag directive": "%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system",
    "binary": "a: !!binary aGVsbG8=",
    "set": "a: !!set {x, y}",
    "target": "_target_: os.system\n_args_: ['touch @']",
    "target inside": "title: {_target_: pathlib.Path.touch, _args_: ['@']}",
    "target of a pickle": "x: {_target_: pandas.read_pickle, filepath_or_buffer: '%'}",
    "partial": "x: {_partial_: true}",
    "logging": "hydra: {job_logging: {version: 1, handlers: {x: {'()': pandas.read_pickle, "
    "filepath_or_buffer: '%'}}}}",
    "search path": "hydra: {searchpath: ['file:///tmp']}",
    "run folder": "hydra: {run: {dir: '@'}}",
    "callbacks": "hydra: {callbacks: {x: {_target_: os.system}}}",
    "environment": "title: {en: '${oc.env:HOME}', ja: x}",
    "environment, plain": "title: ${oc.env:HOME}",
    "environment as key": "${oc.env:HOME}: 1",
    "create": "title: '${oc.create:{a: 1}}'",
    "hydra's resolver": "title: '${hydra:runtime.cwd}'",
    "inside another": "title: '${oc.env:${oc.env:HOME}}'",
    "relative": "title: '${..seed}'",
    "alias": "a: &a 1\nb: *a",
    "alias bomb": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    ),
    "alias of itself": "a: &a [*a]",
    "merge": "a: &a {b: 1}\nc: {<<: *a}",
    "deep list": "a: " + "[" * 100_000,
    "deep mapping": "".join(f"{' ' * k}a:\n" for k in range(400)),
    "20 MB": "a: 1\n" + "# comment\n" * 2_000_000,
    "one long word": "a: " + "x" * 5_000_000,
    "many keys": "".join(f"key{k}: 1\n" for k in range(100_000)),
    "NUL": b"a: \0",
    "UTF-16": "a: 1".encode("utf-16"),
    "not text": bytes(range(256)) * 10,
    "pickle": pickle.dumps({"a": Touch(Path("/nowhere"))}),
    "two documents": "a: 1\n---\nb: 2",
    "a list": "- a",
    "nothing": "",
    "many empty lines": "\n" * 50_000 + "a: 1",
    "many empty comments": "#\n" * 50_000 + "a: 1",
    "a terminal's commands": 'title: {en: "\\e]0;owned\\a\\e[2J", ja: x}',
    "text turned round": 'title: {en: "\\u202Eyxalag", ja: x}',
    "a long number": "name: " + "9" * 100_000,
    "a name that is a path": "name: ../../etc/passwd",
    "an edit that is a path": "edits: {../../x: {paths: ['*'], since: '2027-01', multiply: 1.0}}",
    "a default outside": "defaults: [../../../etc/passwd]",
    "a default of Hydra's": "defaults: [{override /hydra/job_logging: none}]",
    "a launcher": "defaults: [{override /hydra/launcher: joblib}]",
}


def payload(name: str, folder: Path) -> bytes:
    text = TEXTS[name]
    if isinstance(text, bytes):
        return text
    (folder / "x.pickle").write_bytes(pickle.dumps(Touch(folder / "canary")))
    return text.replace("@", str(folder / "canary")).replace("%", str(folder / "x.pickle")).encode()
