"""Bad input: every case is refused at the door, with the place, the rule and what to do instead.

The command is called as a user would; no case may start a run, and none may leave a file.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest

from sim.cli import main as cli
from sim.config import compose as door
from sim.config.settings import configs_folder
from sim.core.errors import ConfigError
from sim.data.load import FOLDERS
from sim.files.folder import RunFolder, sealed
from sim.model.checkpoint import HEADER, file_name
from tests.helpers import bad_files, bad_words


class Refusal(NamedTuple):
    code: int
    text: str
    written: list[str]


def refusal(words: list[str]) -> Refusal:
    """What `kyosei` says, and what it leaves in an empty folder."""
    told = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, chdir(folder), nothing_runs():
        with redirect_stderr(told), redirect_stdout(io.StringIO()):
            try:
                code = cli.main(words)
            except SystemExit as stop:  # argparse does not know the verb or the option
                code = int(stop.code or 0)
        written = [str(path) for path in Path(folder).rglob("*")]
    return Refusal(code, told.getvalue(), written)


@contextmanager
def nothing_runs() -> Iterator[None]:
    """No run, sweep or study begins, whatever is let through."""
    begun = AssertionError("it was let through")
    begins = (
        "sim.runs.run._write",
        "sim.sweeps.sweep._launch",
        "sim.studies.comparison.command._make_runs",
        "sim.studies.hindcast.command._one",
        "sim.studies.sensitivity.command._make",
    )
    patches = [patch(name, side_effect=begun) for name in begins]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def check(refused: Refusal, expected: list[str]) -> None:
    missing = [part for part in expected if part not in refused.text]
    assert not missing, f"{missing} not in\n{refused.text}"
    assert refused.code == 2
    assert refused.written == []
    assert "nothing was written" in refused.text


@cache
def line(words: tuple[str, ...]) -> Refusal:
    return refusal(["run", "-q", *words])


LINES = [
    (tuple(word for _, word, _ in batch), number, word, expected)
    for batch in bad_words.FIRST + bad_words.SHAPES + bad_words.SENSE
    for number, word, expected in batch
]


@pytest.mark.parametrize(
    ("words", "expected"),
    [(words, expected) for words, _, _, expected in LINES],
    ids=[f"{number} {word[:48]}" for _, number, word, _ in LINES],
)
def test_words(words: tuple[str, ...], expected: list[str]):
    check(line(words), expected)


@pytest.mark.parametrize(
    ("command", "expected"),
    [case[1:] for case in bad_words.VERBS],
    ids=[f"{case[0]} {case[1][:48]}" for case in bad_words.VERBS],
)
def test_other_verbs(command: str, expected: list[str]):
    check(refusal(command.split()), expected)


@pytest.mark.parametrize("word", ["--config-dir=/tmp", "--config-path=/tmp", "-x", "fly"])
def test_options_that_are_none(word: str):
    refused = refusal(["run", word] if word.startswith("-") else [word])
    assert (refused.code, refused.written) == (2, [])
    assert word in refused.text


Cases = list[bad_files.Case]


@cache
def broken(kind: str, number: int = 0) -> Refusal:
    """What is said of a copy of the files with all cases of a list in it."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "tables":
            root, source, cases = Path(folder), FOLDERS / "japan", bad_files.TABLES
            copy, patched = root / "japan", patch("sim.data.load.FOLDERS", root)
        else:
            copy, source = Path(folder) / "configs", configs_folder()
            cases = bad_files.CONFIGS if kind == "configs" else bad_files.COMPOSED[number]
            patched = patch("sim.config.folders.configs_folder", lambda: copy)
        shutil.copytree(source, copy)
        for _, _, name, edit, _ in cases:
            edit(copy / name)
        with patched:
            return refusal(["run", "-q"])


FILES = [
    *(("configs", 0, case) for case in bad_files.CONFIGS),
    *(("composed", n, case) for n, batch in enumerate(bad_files.COMPOSED) for case in batch),
    *(("tables", 0, case) for case in bad_files.TABLES),
]


@pytest.mark.parametrize(
    ("kind", "number", "case"),
    FILES,
    ids=[f"{case[0]} {kind}: {case[1]}" for kind, _, case in FILES],
)
def test_files(kind: str, number: int, case: bad_files.Case):
    *_, name, _, expected = case
    check(broken(kind, number), [name, *expected])


def checkpoint(folder: Path, header: dict[str, object]) -> Path:
    """A checkpoint with no arrays in it."""
    import zipfile

    path = folder / file_name("2025-12")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(HEADER), sealed({"arrays": {}, **header}))
    return path


OLD = {
    "format": 1, "month": 1511, "unaudited": 0, "run": "0" * 16, "config": "", "agent_months": 0,
    "code_sha256": "0" * 64, "data_sha256": "0" * 64, "opening_residuals": {},
}  # fmt: skip


def flip(path: Path) -> None:
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)


@pytest.mark.parametrize(
    ("header", "spoil", "expected"),
    [
        (OLD, lambda path: None, ["the code changed since", "the data changed since"]),
        ({**OLD, "month": "x"}, lambda path: None, ["its header: month: ", "valid integer"]),
        ({**OLD, "run": "\x1b[31m"}, lambda path: None, ["its header: run: "]),
        ({**OLD, "unaudited": -1}, lambda path: None, ["its header: unaudited: "]),
        ({**OLD, "config": 3}, lambda path: None, ["its header: config: "]),
        ({**OLD, "opening_residuals": 3}, lambda path: None, ["its header: opening_residuals: "]),
        ({**OLD, "more": 3}, lambda path: None, ["its header: more: "]),
        ({**OLD, "format": 0}, lambda path: None, ["it has format 0, this version reads 1"]),
        (OLD, flip, ["is damaged or no checkpoint"]),
        (OLD, lambda path: path.write_bytes(b""), ["is damaged or no checkpoint"]),
    ],
    ids=["95 other code and data", "month", "run", "negative", "config", "report", "another key",
         "96 another format", "97 a flipped bit", "79 cut off"],
)  # fmt: skip
def test_checkpoints(
    tmp_path: Path, header: dict[str, object], spoil: Callable[[Path], object], expected: list[str]
):
    spoil(checkpoint(tmp_path, header))
    check(refusal(["run", "-q", f"from={tmp_path}@2025-12"]), expected)


def finished(root: Path) -> Path:
    with RunFolder(root, "0" * 16) as folder:
        folder.add_text("a.txt", "a: 1\n")
        folder.finish({"kind": "run"})
    return folder.path


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: flip(folder / "a.txt"), "a.txt was changed: its SHA-256 differs"),
        (lambda folder: (folder / "a.txt").write_text("a:"), "a.txt has 2 bytes, not 5"),
        (lambda folder: flip(folder / "manifest.json"), "manifest.json is damaged"),
        (lambda folder: (folder / "a.txt").unlink(), "a.txt is missing"),
        (lambda folder: bad_files.a_folder(folder / "a.txt"), "a.txt is missing"),
    ],
    ids=["80 a flipped bit", "79 cut off", "81 the manifest", "74 missing", "84 a folder"],
)
def test_finished_runs(tmp_path: Path, spoil: Callable[[Path], object], expected: str):
    """A run that is not as it was written: not the user's input, so not exit code 2."""
    folder = finished(tmp_path)
    spoil(folder)
    refused = refusal(["verify", str(folder)])
    assert (refused.code, refused.written) == (4, [])
    assert expected in refused.text


def test_a_disk_that_is_too_small(monkeypatch: pytest.MonkeyPatch):
    """Number 92 of the list."""
    monkeypatch.setattr(
        "sim.runs.resources.shutil.disk_usage", lambda folder: shutil._ntuple_diskusage(1, 1, 0)
    )
    check(refusal(["run", "-q"]), ["0.00 MB are free", "output=DIR, or keep fewer"])


def test_the_list_is_covered():
    """At least 80 cases; only what the model has no place for is missing: see `bad_words`."""
    numbers = [number for _, number, _, expected in LINES if expected]
    numbers += [case[0] for case in bad_words.VERBS] + [case[0] for _, _, case in FILES]
    assert len(numbers) >= 80
    elsewhere = {17, 41, 43, 47, 63, 65, 68, 71, 73, 80, 81, 90, 92, 95, 96, 97}
    assert set(range(1, 98)) - set(numbers) == elsewhere


def test_problems_of_words_and_files_come_together(tmp_path: Path):
    configs = shutil.copytree(configs_folder(), tmp_path / "configs")
    (configs / "status/japan/student.yaml").write_bytes(b"")
    with pytest.raises(ConfigError) as caught:
        door.compose(["hydra.run.dir=x", "seed"], configs)
    assert len(caught.value.problems) == 3


def test_a_folder_without_configuration(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"holds no config\.yaml"):
        door.compose([], tmp_path)
