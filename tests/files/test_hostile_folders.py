"""Nobody gets in through a run's folder, the folder of outputs or the tables of a country.

While a case is handled no program is started, no pickle is opened and no file is written outside
the test's own folder; what the folder points at is neither read nor changed.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from sim.cli import main as cli
from sim.config import compose as config
from sim.core.errors import DataError, OutputError
from sim.data.load import load
from sim.files.folder import MANIFEST, RunFolder, file_record, sealed
from sim.files.lock import FolderLock
from sim.files.manifest import verify
from sim.runs import reproduce as reproduce_module
from sim.runs import run
from tests.helpers.hostile import TEXTS, Touch, nothing_happens, payload

# What somebody who hands over a run's folder may have put into it. Each changes the folder and its
# manifest; the manifest is sealed afterwards, as only its own hash protects it.
Manifest = dict[str, Any]


def outside(folder: Path, manifest: Manifest) -> None:
    manifest["files"]["../../secret"] = {"bytes": 1, "sha256": "x"}


def absolute(folder: Path, manifest: Manifest) -> None:
    manifest["files"]["/etc/passwd"] = {"bytes": 1, "sha256": "x"}


def linked_folder(folder: Path, manifest: Manifest) -> None:
    (folder / "figures").symlink_to("/etc")
    manifest["files"]["figures/passwd"] = file_record(Path("/etc/passwd"))


def linked_file(folder: Path, manifest: Manifest) -> None:
    (folder / "ages.parquet").unlink()
    (folder / "ages.parquet").symlink_to("/dev/zero")


def a_pipe(folder: Path, manifest: Manifest) -> None:
    (folder / "config.yaml").unlink()
    os.mkfifo(folder / "config.yaml")


def no_numbers(folder: Path, manifest: Manifest) -> None:
    manifest["files"]["ages.parquet"] = {"bytes": "many", "sha256": 3}


def no_list(folder: Path, manifest: Manifest) -> None:
    manifest["files"] = ["ages.parquet"]


def no_name(folder: Path, manifest: Manifest) -> None:
    manifest["files"]["a\x1b[2J.png"] = {"bytes": 1, "sha256": "x"}


def a_pickle(folder: Path, manifest: Manifest) -> None:
    path = folder / "ages.parquet"
    path.write_bytes(pickle.dumps(Touch(folder.parents[1] / "canary")))
    manifest["files"]["ages.parquet"] = {**file_record(path), "rows": 3}


FOLDERS = [outside, absolute, linked_folder, linked_file, a_pipe, no_numbers, no_list, no_name,
           a_pickle]  # fmt: skip


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> Path:
    words = ["scale=0.002", "end=2025-12", "figures=false"]
    root = tmp_path_factory.mktemp("honest")
    return run.run(config.compose([*words, f"output={root}"]), quiet=True)


@pytest.fixture
def folder(honest: Path, tmp_path: Path) -> Path:
    return shutil.copytree(honest, tmp_path / "runs" / honest.name)


def seal(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST).write_text(sealed(manifest), encoding="utf-8")


def codes(folder: Path) -> tuple[int, int]:
    return cli.main(["verify", str(folder)]), cli.main(["reproduce", str(folder)])


@pytest.mark.parametrize("change", FOLDERS, ids=lambda change: change.__name__)
def test_a_hostile_folder_is_refused(folder, tmp_path, capsys, change):
    manifest = json.loads((folder / MANIFEST).read_text())
    change(folder, manifest)
    seal(folder, manifest)
    with nothing_happens(tmp_path):
        verified = cli.main(["verify", str(folder)])
    assert verified in (2, 4)
    if change not in (a_pickle, linked_file, linked_folder):  # the rest of which can be made again
        with nothing_happens(tmp_path):
            assert cli.main(["reproduce", str(folder)]) in (2, 4)
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"3", b"{", b"\xff\xfe", b"[" * 200_000, b"{\"files\": " + b"9" * 5000 + b"}",
     b'{"files": {}, "files": {}}', b'{"a": NaN}', b"null"],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_a_hostile_manifest_is_refused(folder, tmp_path, text):
    (folder / MANIFEST).write_bytes(text)
    with nothing_happens(tmp_path):
        assert codes(folder) == (4, 2)


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_settings_in_a_folder_are_refused(folder, tmp_path, capsys, name):
    path = folder / "config.yaml"
    path.write_bytes(payload(name, tmp_path))
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["config.yaml"] |= file_record(path)
    seal(folder, manifest)
    with nothing_happens(tmp_path):
        assert codes(folder) == (0, 2)
    assert "config.yaml" in capsys.readouterr().err


def test_settings_that_point_elsewhere_are_not_followed(folder, tmp_path):
    """Where a run goes, what it goes on from and its threads are the reader's business."""
    path = folder / "config.yaml"
    elsewhere = tmp_path / "elsewhere"
    text = path.read_text().replace('output: "runs"', f'output: "{elsewhere}"')
    text = text.replace("threads: null", "threads: 512")
    text += f'from: "{tmp_path}/x@2025-09"\nmemory_gb: 0.001\ncheckpoint: ["2025-09"]\n'
    path.write_text(text)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["config.yaml"] |= file_record(path)
    seal(folder, manifest)
    problems = reproduce_module.reproduce(folder)
    assert [text.partition(" ")[0] for text in problems] == ["config.yaml", "and"]
    assert not elsewhere.exists()


def test_links_in_the_output_folder_are_not_followed(tmp_path):
    victim, runs = tmp_path / "victim", tmp_path / "runs"
    victim.mkdir()
    (victim / "config.yaml").write_text("precious")
    words = ["scale=0.002", "end=2025-12", "figures=false", f"output={runs}"]
    settings = config.compose(words)
    number = run.identity(settings, load("japan"))[0]
    runs.mkdir()
    (runs / number).symlink_to(victim)
    with pytest.raises(OutputError, match="symbolic link"):
        run.run(settings, quiet=True)
    (runs / number).unlink()
    (runs / number).mkdir()
    for name in ("config.yaml", "manifest.json"):
        (runs / number / name).symlink_to(victim / "config.yaml")
    with pytest.raises(OutputError, match="symbolic link"):
        run.run(settings, quiet=True)
    assert (victim / "config.yaml").read_text() == "precious"
    assert [path.name for path in victim.iterdir()] == ["config.yaml"]


def test_a_linked_lock_is_neither_read_nor_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for target in (victim, Path("/dev/zero")):
        lock = tmp_path / ".lock"
        lock.symlink_to(target)
        os.utime(lock, (0, 0), follow_symlinks=False)
        held = FolderLock(tmp_path)
        held.take()
        held.release()
        assert not lock.is_symlink()
    assert victim.read_text() == "precious"


def test_a_folder_of_leftovers_sweeps_only_its_own(tmp_path):
    """Temporary files behind a link are not swept."""
    other = tmp_path / "other"
    other.mkdir()
    spared = other / f".x.tmp.1.{'0' * 32}"
    spared.touch()
    number = "0" * 16
    (tmp_path / number).mkdir()
    (tmp_path / number / "figures").symlink_to(other)
    with RunFolder(tmp_path, number):
        pass
    assert spared.exists()


@pytest.mark.parametrize("name", ["arrivals.csv", "schema.yaml"])
@pytest.mark.parametrize("kind", ["pickle", "apply", "alias bomb", "20 MB"])
def test_hostile_tables_are_refused(tmp_path, name, kind):
    folder = shutil.copytree(Path(load("japan").folder), tmp_path / "data")
    (folder / name).write_bytes(payload(kind, tmp_path))
    with nothing_happens(tmp_path), pytest.raises(DataError):
        load("japan", folder)


def test_a_pickle_beside_the_tables_is_not_opened(tmp_path):
    folder = shutil.copytree(Path(load("japan").folder), tmp_path / "data")
    (folder / "arrivals.pkl").write_bytes(pickle.dumps(Touch(tmp_path / "canary")))
    with nothing_happens(tmp_path):
        assert load("japan", folder).digest == load("japan").digest


def test_verify_never_leaves_the_folder(folder, tmp_path):
    (tmp_path / "runs" / "secret").write_text("x")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["../secret"] = file_record(tmp_path / "runs" / "secret")
    seal(folder, manifest)
    assert verify(folder) == ["manifest.json is damaged: it is not as it was written"]
