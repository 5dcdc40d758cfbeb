"""One run as a whole: its folder, what it says, and the proof that it can be made again."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.config import compose as config
from sim.core.errors import ConfigError, OutputError
from sim.files.folder import MANIFEST, file_record, read_manifest, read_parquet, sealed
from sim.files.manifest import verify
from sim.runs import reproduce as reproduce_module
from sim.runs import run
from tests.helpers import copies

SMALL = ["scale=0.002", "end=2025-12"]
PLAIN = [*SMALL, "figures=false"]


def make(root: Path, *words: str, quiet: bool = True) -> Path:
    return run.run(config.compose([*words, f"output={root}"]), quiet=quiet)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A run with figures and a checkpoint: a file of every kind."""
    return make(tmp_path_factory.mktemp("made"), *SMALL, "checkpoint=2025-09")


@pytest.fixture
def plain(tmp_path, made) -> Path:
    """A run without figures, for a test to spoil; its figures are the tables' anyway."""
    return make(tmp_path / "runs", *PLAIN)


def content(folder: Path) -> dict[str, str]:
    return {name: record["sha256"] for name, record in read_manifest(folder)["files"].items()}


def reseal(folder: Path, change: Callable[[dict[str, Any]], None] = lambda manifest: None) -> None:
    """Make the manifest fit the files, as somebody would who wants to deceive."""
    manifest = read_manifest(folder)
    for name, record in manifest["files"].items():
        record |= file_record(folder / name)
    change(manifest)
    (folder / MANIFEST).write_text(sealed(manifest), encoding="utf-8")


def test_one_flipped_bit_in_any_file_is_found(made):
    """Of every kind: settings, tables, a figure, a checkpoint, the manifest."""
    assert verify(made) == []
    rng = np.random.default_rng(3)
    names = [path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()]
    assert {Path(name).suffix for name in names} == {".json", ".yaml", ".parquet", ".png", ".npz"}
    for name in names:
        intact = (made / name).read_bytes()
        spoiled = bytearray(intact)
        spoiled[rng.integers(len(intact))] ^= 1 << rng.integers(8)
        (made / name).write_bytes(spoiled)
        (problem,) = verify(made)
        assert problem.startswith(name)
        (made / name).write_bytes(intact)
    assert verify(made) == []


def test_the_last_lines_say_where_the_time_went(tmp_path, capsys):
    folder = make(tmp_path, *PLAIN, quiet=False)
    last = capsys.readouterr().out.splitlines()[-1]
    number = r"\d+\.\d"
    phases = rf"start {number} s, compiling {number} s, opening {number} s, months {number} s"
    assert re.fullmatch(rf"{phases} \({number} million agent-months/s\), outputs {number} s", last)
    manifest = read_manifest(folder)
    assert set(manifest["seconds"]) == {"start", "compile", "opening", "months", "outputs"}
    assert manifest["million_agent_months_per_second"] > 0
    assert manifest["memory"]["peak_bytes_of_process"] > 10**8
    assert any(said.startswith("at scale 0.002") for said in manifest["warnings"])
    assert make(tmp_path, *PLAIN, quiet=False) == folder
    assert "is complete already" in capsys.readouterr().out


def test_a_run_can_be_made_again(plain):
    assert reproduce_module.reproduce(plain) == []


def test_one_replicate_of_a_batch_is_itself_alone(tmp_path):
    batch = [make(tmp_path / "batch", *PLAIN, f"replicate={k}", "threads=2") for k in range(3)]
    assert len({path.name for path in batch}) == 3
    words = ["run", "-q", *PLAIN, "replicate=1", "threads=1", f"output={tmp_path / 'alone'}"]
    log = tmp_path / "log"
    assert copies.finish(copies.start(log, words)) == 0, log.read_text()
    alone = Path(log.read_text().strip())
    assert alone.name == batch[1].name
    assert content(alone) == content(batch[1])


def test_a_changed_value_is_named_with_its_place(plain):
    path = plain / "stocks.parquet"
    table = read_parquet(path)
    people = table["people"].to_numpy().copy()
    people[7] += 1500.0
    schema, row = table.schema, table.slice(7, 1).to_pylist()[0]
    columns = {name: table[name] for name in schema.names} | {"people": people}
    pq.write_table(pa.table(columns, schema=schema), path, write_page_checksum=True)
    reseal(plain)
    assert verify(plain) == []
    first, second = reproduce_module.reproduce(plain)
    assert re.match(r"stocks\.parquet differs in 1 of [\d,]+ values, most by 1500 \(", first)
    assert row["status"] in first
    assert second.startswith("and nothing explains it")


def test_other_bytes_of_the_same_values_are_told_apart(plain):
    path = plain / "flows.parquet"
    pq.write_table(read_parquet(path), path, compression="snappy", write_page_checksum=True)
    reseal(plain)
    assert reproduce_module.reproduce(plain)[0] == (
        "flows.parquet holds the same values in other bytes or another order"
    )


def test_all_that_changed_since_is_named(plain):
    """Code, data, packages, Python and processor of another time."""
    then, now = read_manifest(plain), read_manifest(plain)
    then |= {"code_sha256": "0" * 64, "data_sha256": "0" * 64}
    then["code_files"]["month.py"] = then["data_files"]["arrivals.csv"] = "0" * 16
    then["environment"] |= {"cpu": "a slide rule", "python": "3.11.0", "git": {"commit": "c" * 40}}
    then["environment"]["packages"] |= {"numpy": "1.0", "gone": "2"}
    now["environment"]["git"] = {"commit": "d" * 40}
    causes = "\n".join(reproduce_module.causes(then, now))
    for part in (
        "because: the code changed since (commit cccccccccccc, now dddddddddddd): month.py",
        "because: the data changed since: arrivals.csv",
        "perhaps because: gone was 2, is absent", "perhaps because: numpy was 1.0, is ",
        "perhaps because: Python was 3.11.0, is ",
        "perhaps because: the processor was a slide rule, is ",
    ):  # fmt: skip
        assert part in causes, causes


def test_all_files_that_differ_are_named(plain, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(plain, other)
    lines = (other / "config.yaml").read_text().splitlines()
    (other / "config.yaml").write_text("\n".join([*lines[:2], "x", *lines[3:]]))
    table = read_parquet(other / "flows.parquet")
    pq.write_table(
        table.rename_columns([*table.column_names[:-1], "heads"]), other / "flows.parquet"
    )
    (other / "notes.txt").write_text("x")
    reseal(
        other, lambda manifest: manifest["files"].update({"notes.txt": {"bytes": 1, "sha256": ""}})
    )
    told = reproduce_module.files(plain, read_manifest(plain), other, read_manifest(other))
    assert told[0] == "config.yaml has other settings, from line 3 on"
    assert told[1].startswith(
        "flows.parquet has other columns: month, from, to, reason, people; now"
    )
    assert told[2:] == ["notes.txt is only in the new run"]


def test_a_damaged_folder_is_not_called_reproduced(plain):
    path = plain / "ages.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert reproduce_module.reproduce(plain) == ["ages.parquet was changed: its SHA-256 differs"]
    (plain / "config.yaml").write_text("scale: 1.0\n")
    assert "config.yaml has 11 bytes" in reproduce_module.reproduce(plain)[1]


def test_settings_of_another_version_are_told_with_the_reason(plain):
    path = plain / "config.yaml"
    path.write_text(path.read_text() + "levers: 3\n")
    reseal(plain, lambda manifest: manifest.update(code_sha256="0" * 64))
    with pytest.raises(ConfigError) as caught:
        reproduce_module.reproduce(plain)
    assert "levers" in caught.value.problems[0]
    assert "because: the code changed since" in caught.value.problems[-1]


def test_only_a_finished_run_is_reproduced(plain):
    reseal(plain, lambda manifest: manifest.update(kind="sweep"))
    with pytest.raises(ConfigError, match="only a finished run has one"):
        reproduce_module.reproduce(plain)
    (plain / MANIFEST).unlink()
    with pytest.raises(ConfigError, match="only a finished run has one"):
        reproduce_module.reproduce(plain)


def test_a_manifest_is_plain_json(made):
    text = (made / MANIFEST).read_text(encoding="utf-8")
    assert json.loads(text)["kind"] == "run"
    assert "NaN" not in text


def test_memory_that_runs_out_ends_with_3(tmp_path, monkeypatch):
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(run, "write_outputs", no_memory)
    with pytest.raises(OutputError, match="memory ran out, although about"):
        make(tmp_path, *PLAIN)
    assert not list(tmp_path.glob("*/manifest.json"))


def test_too_large_a_run_writes_nothing(tmp_path):
    with pytest.raises(ConfigError, match="memory_gb allows"):
        make(tmp_path / "runs", *PLAIN, "memory_gb=0.3")
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_was_copied_is_still_the_run(made, tmp_path):
    copy = tmp_path / "anything" / made.name
    shutil.copytree(made, copy)
    assert verify(copy) == []
    assert make(copy.parent, *SMALL) == copy
