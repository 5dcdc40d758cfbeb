"""Gathering runs: columns that tell them apart, the same bytes every time, damage noticed."""

import json
import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.cli import main as cli
from sim.config import compose as config
from sim.config.yaml import read
from sim.core.errors import ConfigError, OutputError
from sim.files.folder import RunFolder, file_record, sealed
from sim.sweeps import collect
from sim.sweeps.collect import Run, _value, columns_of, setting

CODES = ["a", "b", "c"]


def settings(rate: float, **more: Any) -> str:
    """A configuration with a little of everything."""
    tree = f"""\
seed: {more.get("seed", 0)}
end: "2030-12"
status:
  student:
    law: "quoted: \\"yes\\""
    monthly:
      leave:
        rate: {rate}
        by:
          age:
            18: 1.5
  other:
    monthly:
      leave:
        rate: 9.9
prefecture:
  "01":
    row: 1
"""
    return tree + "".join(f"{line}\n" for line in more.get("lines", []))


def make(root: Path, number: int, text: str, **manifest: Any) -> Path:
    """A small complete run with one table in Kyosei's own types."""
    rng = np.random.default_rng(number)
    rows = 3 + number
    table = pa.table({
        "month": pa.array(np.array(["2025-06-01"] * rows, "datetime64[D]")),
        "status": pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, 3, rows).astype(np.int16)), pa.array(CODES)),
        "people": rng.random(rows),
    })  # fmt: skip
    content = {"kind": "run", "scenario": "one", "seed": 0, "replicate": 0, "scale": 0.5,
               "start": "2025-06", "end": "2030-12", "code_sha256": "c" * 64,
               "data_sha256": "d" * 64, **manifest}  # fmt: skip
    with RunFolder(root, f"{number:016x}") as folder:
        folder.add_text("config.yaml", text)
        folder.add_table("stocks.parquet", table)
        folder.finish(content)
    return folder.path


def record(root: Path, swept: list[str], rows: dict[int, list[str]]) -> None:
    path = root / ".sweeps" / "s" / "sweep.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    runs = [{"run": f"{number:016x}", "overrides": words} for number, words in rows.items()]
    path.write_text(json.dumps({"swept": swept, "runs": runs}))


LEAVE = "status.student.monthly.leave.rate"


@pytest.fixture
def root(tmp_path) -> Path:
    """Four runs of a sweep over a rate and the seed."""
    root = tmp_path / "runs"
    rows = {}
    for number, (rate, seed) in enumerate([(0.5, 0), (0.5, 1), (2, 0), (2, 1)], 1):
        make(root, number, settings(rate, seed=seed), seed=seed)
        rows[number] = [f"{LEAVE}={rate}", f"seed={seed}", "experiment=x"]
    record(root, [LEAVE, "seed", "experiment"], rows)
    return root


def test_every_run_is_there_with_its_columns(root):
    done = collect.collect(root)
    assert (done.runs, done.unfinished, done.damaged) == (4, [], [])
    assert {path.name for path in done.files} == {"runs.parquet", "stocks.parquet"}
    table = pd.read_parquet(root / "collected" / "stocks.parquet")
    labels = ["run", "scenario", "seed", "replicate", "scale", "experiment", LEAVE]
    assert list(table.columns) == [*labels, "month", "status", "people"]
    assert len(table) == 4 + 5 + 6 + 7
    rows = table.groupby("run", observed=True).first()
    assert list(rows.index) == [f"{number:016x}" for number in range(1, 5)]
    assert list(rows["seed"]) == [0, 1, 0, 1]
    assert list(rows[LEAVE]) == [0.5, 0.5, 2.0, 2.0]
    assert set(rows["experiment"]) == {"x"}
    own = pq.read_table(root / f"{2:016x}" / "stocks.parquet").to_pandas()
    gathered = table[table["run"] == f"{2:016x}"].reset_index(drop=True)
    assert gathered["people"].equals(own["people"])
    assert list(gathered["status"]) == list(own["status"])


def test_the_same_runs_give_the_same_bytes_wherever_they_lie(root, tmp_path):
    collect.collect(root)
    moved = tmp_path / "elsewhere" / "deep"
    shutil.copytree(root, moved, ignore=shutil.ignore_patterns("collected"))
    collect.collect(tmp_path / "elsewhere", tmp_path / "to")
    for name in ("runs.parquet", "stocks.parquet"):
        one, two = root / "collected" / name, tmp_path / "to" / name
        assert one.read_bytes() == two.read_bytes()
    before = {path.name: path.read_bytes() for path in (root / "collected").iterdir()}
    collect.collect(root)  # what was gathered is not gathered again
    assert {p.name: p.read_bytes() for p in (root / "collected").iterdir()} == before


def test_many_parts_are_the_same_table_as_one(root, monkeypatch):
    collect.collect(root)
    whole = pq.read_table(root / "collected" / "stocks.parquet")
    monkeypatch.setattr(collect, "ROWS_AT_ONCE", 6)
    collect.collect(root)
    path = root / "collected" / "stocks.parquet"
    assert pq.ParquetFile(path).num_row_groups > 1
    assert pq.read_table(path).to_pylist() == whole.to_pylist()


def test_one_table_into_one_file(root, tmp_path, capsys):
    path = tmp_path / "a" / "people.parquet"
    assert cli.main(["collect", str(root), "--to", str(path), "--table", "stocks"]) == 0
    assert capsys.readouterr().out.splitlines() == ["4 runs", str(path)]
    assert pq.read_table(path).num_rows == 22
    assert cli.main(["collect", str(root), "--to", str(path)]) == 2
    assert "name its one table" in capsys.readouterr().err
    assert cli.main(["collect", str(root), "--table", "stokcs"]) == 2
    assert "no table stokcs" in capsys.readouterr().err


def test_damaged_and_unfinished_runs_are_left_out_and_told(root, capsys):
    (root / f"{1:016x}" / "manifest.json").unlink()
    path = root / f"{2:016x}" / "stocks.parquet"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    (root / f"{3:016x}" / "stocks.parquet").unlink()
    assert cli.main(["collect", str(root)]) == 4
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "1 runs"
    assert "1 unfinished run(s) left out" in printed.err
    assert f"{path} is not as its manifest says" in printed.err
    assert "stocks.parquet  cannot be read (No such file" in printed.err
    assert pq.read_table(root / "collected" / "stocks.parquet").num_rows == 7


def test_nothing_to_gather_is_told(tmp_path, capsys):
    assert cli.main(["collect", str(tmp_path / "none")]) == 2
    assert cli.main(["collect", str(tmp_path)]) == 2
    assert "holds no complete run" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_runs_without_a_record_are_told_apart_by_what_differs(tmp_path):
    for number, rate in enumerate((0.5, 0.25), 1):
        make(tmp_path, number, settings(rate))
    make(tmp_path, 3, settings(0.25, lines=["more: true"]))
    make(tmp_path, 4, settings(0.25), code_sha256="e" * 64)
    runs = collect.find_runs(tmp_path).runs
    columns = columns_of(runs, tmp_path)
    assert columns[LEAVE].to_pylist() == [0.5, 0.25, 0.25, 0.25]
    assert columns["more"].to_pylist() == [None, None, True, None]
    assert columns["code_sha256"].to_pylist()[3] == "e" * 16
    collect.collect(tmp_path)
    table = pd.read_parquet(tmp_path / "collected" / "stocks.parquet")
    assert table["more"].notna().sum() == 6


def test_tables_of_two_versions_are_not_mixed(root):
    with RunFolder(root, f"{9:016x}") as folder:
        folder.add_text("config.yaml", settings(3))
        folder.add_table("stocks.parquet", pa.table({"people": [1.0]}))
        folder.finish({"kind": "run", "scenario": "one", "seed": 0, "replicate": 0, "scale": 1,
                       "start": "", "end": "2030-12", "code_sha256": "",
                       "data_sha256": ""})  # fmt: skip
    with pytest.raises(OutputError, match="made by another version"):
        collect.collect(root)
    assert not (root / "collected" / "stocks.parquet").exists()


def test_a_column_that_a_table_has_already_gets_another_name(tmp_path):
    text = settings(1, lines=["people: 5"])
    make(tmp_path, 1, text)
    make(tmp_path, 2, text.replace("people: 5", "people: 6"))
    collect.collect(tmp_path)
    table = pd.read_parquet(tmp_path / "collected" / "stocks.parquet")
    assert set(table["run_people"]) == {5, 6}
    assert table["people"].max() < 1


def test_a_setting_is_found_in_the_text_as_a_parser_finds_it():
    text = config.to_yaml(config.compose([]))
    tree = read(text, "x").value

    def leaves(node: Any, path: tuple[str, ...]) -> list[tuple[str, Any]]:
        if isinstance(node, dict) and node:
            return [
                leaf for key, inner in node.items() for leaf in leaves(inner, (*path, str(key)))
            ]
        return [(".".join(path), node)]

    run = Run(Path("x"), {}, text)
    found = leaves(tree, ())[::7]
    assert len(found) > 500
    for name, value in found:
        assert _value(run, name, {}) == value
    assert setting(text, "status") is None
    assert setting(text, "status.nobody.x") is None
    assert setting(text, "seed.x") is None


READERS = {
    "polars": "polars.read_parquet(path).height",
    "duckdb": "duckdb.sql(f\"select count(*) from '{path}'\").fetchall()[0][0]",
    "pyarrow": "pyarrow.dataset.dataset(path).count_rows()",
    "pandas": "len(pandas.read_parquet(path))",
}


@pytest.mark.parametrize("reader", [name for name in READERS if find_spec(name)])
def test_other_readers_see_one_table(root, reader):
    done = collect.collect(root, tables=["stocks"])
    import pyarrow.dataset

    names = {"path": str(done.files[0]), reader: __import__(reader), "pyarrow": pyarrow}
    assert eval(READERS[reader], names) == 22


def test_nothing_is_written_when_a_table_is_unknown(root):
    with pytest.raises(ConfigError):
        collect.collect(root, tables=["stocks", "x"])
    assert not (root / "collected").exists()


def seal_again(folder: Path, change: Callable[[dict[str, Any]], object] = lambda m: None) -> None:
    """What somebody who knows how would do: the manifest fits the files, and is sealed."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, own in manifest["files"].items():
        if (folder / name).is_file() and (folder / name).stat().st_size:
            own |= file_record(folder / name)
    change(manifest)
    manifest.pop("seal")
    (folder / "manifest.json").write_text(sealed(manifest), encoding="utf-8")


def a_pipe(folder: Path) -> None:
    (folder / "config.yaml").unlink()
    os.mkfifo(folder / "config.yaml")


def a_device(folder: Path) -> None:
    (folder / "config.yaml").unlink()
    (folder / "config.yaml").symlink_to("/dev/zero")


def without_a_configuration(folder: Path) -> None:
    (folder / "config.yaml").unlink()
    seal_again(folder, lambda m: m["files"].pop("config.yaml"))


def with_bytes(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content)
        seal_again(folder)

    return spoil


def saying(**facts: Any) -> Callable[[Path], None]:
    return lambda folder: seal_again(folder, lambda m: m.update(facts))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: seal_again(f, lambda m: m.pop("seed")), "seed is None"),
        (lambda f: seal_again(f, lambda m: m.pop("start")), "start is None"),
        (saying(seed=[1, 2]), "seed is [1, 2]"),
        (saying(scale="x"), "scale is x"),
        (saying(code_sha256=3), "code_sha256 is 3"),
        (saying(seed=9), "says seed 9, its config.yaml 1"),
        (saying(end="2031-12"), "says end 2031-12, its config.yaml 2030-12"),
        (without_a_configuration, "has no config.yaml"),
        (with_bytes("config.yaml", b"seed: \xff\xfe\n"), "is not UTF-8 text"),
        (a_pipe, "it is not a regular file"),
        (a_device, "it is not a regular file"),
        (with_bytes("stocks.parquet", b"PAR1" + b"x" * 100), "stocks.parquet"),
    ],
)
def test_a_folder_by_somebody_else_is_told_and_left_out(root, capsys, spoil, says):
    spoil(root / f"{2:016x}")
    assert cli.main(["collect", str(root)]) == 4
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "3 runs"
    assert says in printed.err
    assert "Traceback" not in printed.err


def test_a_bomb_of_aliases_stays_a_line(root):
    bomb = "[" + "&a0 [x,x,x,x,x,x,x,x,x,x]"
    bomb += "".join(f", &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)) + "]"
    for number, extra in ((1, bomb), (2, "1")):
        path = root / f"{number:016x}" / "config.yaml"
        path.write_text(settings(0.5) + f"zzz: {extra}\n")
        seal_again(path.parent, lambda m: m.update(seed=0))
    assert collect.collect(root).runs == 4
    assert bomb in set(pd.read_parquet(root / "collected" / "runs.parquet")["zzz"])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000, "[1]", "{}", '{"runs": [{"run": "x", "overrides": [1, 2]}], "swept": ["s"]}',
        '{"runs": [{"run": [1], "overrides": ["a=1"]}], "swept": ["seed"]}',
        '{"runs": [{"run": "0000000000000001", "overrides": ["seed=1"]}], "swept": 3}',
    ],
)  # fmt: skip
def test_a_record_of_a_sweep_that_is_none_is_a_hint_less(root, text):
    (root / ".sweeps" / "s" / "sweep.json").write_text(text)
    assert collect.collect(root).runs == 4


def test_a_record_names_settings_and_nothing_else(root):
    rows = {1: ["a\nb=\x1b[31mx", "run=y", "month=z"]}
    record(root, ["a\nb", "run", "month"], rows)
    collect.collect(root)
    table = pd.read_parquet(root / "collected" / "stocks.parquet")
    assert next(iter(table["run"])) == f"{1:016x}"
    assert not [name for name in table.columns if "\n" in name]


def test_a_run_that_lies_in_two_folders_is_counted_once(root, capsys):
    shutil.copytree(root / f"{1:016x}", root / "copy")
    shutil.copytree(root / f"{2:016x}", root / "below" / f"{2:016x}")
    assert cli.main(["collect", str(root)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "4 runs"
    assert printed.err.count("it is counted once") == 2
    assert len(pd.read_parquet(root / "collected" / "runs.parquet")) == 4


def test_nothing_is_written_through_a_link(root, tmp_path, capsys):
    (tmp_path / "victim").mkdir()
    (root / "collected").symlink_to(tmp_path / "victim")
    assert cli.main(["collect", str(root)]) == 3
    assert "it is a symbolic link" in capsys.readouterr().err
    assert not list((tmp_path / "victim").iterdir())


def test_other_formats_are_refused_and_never_folders(root, tmp_path, capsys):
    assert cli.main(["collect", str(root), "--to", str(tmp_path / "out.csv")]) == 2
    assert "tables are Parquet" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
