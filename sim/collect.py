"""`kyosei collect`: all complete runs below a folder as one tidy table for each kind of output.

Each table is one Parquet file: the run, what tells it from the others, then the columns that the
runs' own tables have. Runs stand in order of their names, so the same runs give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from sim.collect_columns import Run, columns_of
from sim.errors import ConfigError, OutputError
from sim.outputs import MANIFEST, file_record, read_manifest, read_parquet, write_atomically

FOLDER: Final = "collected"
RUNS: Final = "runs"
ROWS_AT_ONCE: Final = 1_000_000
_DIGESTS: Final = ("code_sha256", "data_sha256")


class Collected(NamedTuple):
    """What was gathered."""

    files: list[Path]
    runs: int
    unfinished: list[Path]  # folders of runs without a manifest
    damaged: list[str]  # what is wrong with runs that were left out


def collect(root: Path, to: Path | None = None, tables: Sequence[str] = ()) -> Collected:
    """Gather the complete runs below `root`.

    to      a folder, `root`/collected if not given; or a file *.parquet for a single table
    tables  names of tables such as stocks; all that any run has, and `runs`, if empty

    A run with a file that is not as its manifest says is left out, and told. Raises ConfigError if
    there is nothing to gather or no such table, OutputError if a file cannot be written.
    """
    runs, unfinished, damaged = find_runs(root)
    if not runs:
        raise ConfigError(f"{root} holds no complete run")
    known = sorted({Path(name).stem for run in runs for name in run.manifest["files"]
                    if name.endswith(".parquet")})  # fmt: skip
    wanted = list(tables) or [RUNS, *known]
    unknown = [name for name in wanted if name not in (RUNS, *known)]
    if unknown:
        have = f"The runs have {RUNS}, {', '.join(known)}"
        raise ConfigError([f"there is no table {name}. {have}." for name in unknown])
    target = to if to is not None else root / FOLDER
    if target.suffix == ".parquet" and len(wanted) != 1:
        raise ConfigError(f"{target} is one file: name its one table with --table")
    columns = _with_run(columns_of(runs, root), runs)
    files = [_write(_path(target, name), runs, columns, name) for name in wanted]
    return Collected(files, len(runs), unfinished, damaged)


def _path(target: Path, table: str) -> Path:
    path = target if target.suffix == ".parquet" else target / f"{table}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def find_runs(root: Path) -> tuple[list[Run], list[Path], list[str]]:
    """(complete runs in order of name, folders of unfinished ones, what is wrong with others)."""
    found: dict[str, Run] = {}
    unfinished, damaged = [], []
    for folder in _folders(root):
        manifest = read_manifest(folder)
        if manifest is None:
            if (folder / MANIFEST).exists():
                damaged.append(f"{folder / MANIFEST} is damaged")
            else:
                unfinished.append(folder)
        elif manifest.get("kind") == "run" and folder.name not in found:
            problems = _damage(folder, manifest)
            damaged += problems
            if not problems:
                text = (folder / "config.yaml").read_text(encoding="utf-8")
                found[folder.name] = Run(folder, manifest, text)
    return [found[name] for name in sorted(found)], unfinished, damaged


def _folders(root: Path) -> Iterator[Path]:
    """Folders of runs, finished or not, below `root` or `root` itself."""
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if MANIFEST in files or ("config.yaml" in files and _is_run_id(Path(place).name)):
            folders.clear()
            yield Path(place)


def _is_run_id(name: str) -> bool:
    return len(name) == 16 and set(name) <= set("0123456789abcdef")


def _damage(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Tables and settings that are not as the manifest says."""
    out = []
    for name, record in sorted(manifest["files"].items()):
        if not name.endswith((".parquet", ".yaml")):
            continue
        try:
            same = file_record(folder / name)["sha256"] == record["sha256"]
        except OSError as error:
            out.append(f"{folder / name} cannot be read: {error.strerror}")
            continue
        if not same:
            out.append(f"{folder / name} is not as its manifest says")
    return out


def _with_run(columns: dict[str, pa.Array], runs: Sequence[Run]) -> dict[str, pa.Array]:
    return {"run": pa.array([run.name for run in runs]), **columns}


def _write(path: Path, runs: Sequence[Run], columns: dict[str, pa.Array], name: str) -> Path:
    """One table of all runs that have it."""
    if name == RUNS:
        parts = iter([_table_of_runs(runs, columns)])
    else:
        parts = _parts(runs, columns, name)
    first = next(parts)

    def write(stream: IO[bytes]) -> None:
        with pq.ParquetWriter(
            stream, first.schema, compression="zstd", use_dictionary=True, write_page_checksum=True
        ) as writer:
            for part in (first, *parts):
                writer.write(part, row_group_size=ROWS_AT_ONCE)

    write_atomically(path, write)
    return path


def _table_of_runs(runs: Sequence[Run], columns: dict[str, pa.Array]) -> pa.Table:
    """One row for each run, with its months and what it was made with."""
    own = {name: pa.array([str(run.manifest[name]) for run in runs])
           for name in ("start", "end", *_DIGESTS)}  # fmt: skip
    return pa.table({**columns, **{name: own[name] for name in own if name not in columns}})


def _parts(runs: Sequence[Run], columns: dict[str, pa.Array], name: str) -> Iterator[pa.Table]:
    """The table in parts of about a million rows, in order of runs."""
    held: list[pa.Table] = []
    schema = None
    for i, run in enumerate(runs):
        if f"{name}.parquet" not in run.manifest["files"]:
            continue
        own = _labelled(read_parquet(run.folder / f"{name}.parquet"), columns, i)
        schema = schema or own.schema
        if own.schema != schema:
            raise OutputError(
                f"{run.folder}: its table {name} has other columns than those of the other runs:"
                " it was made by another version. Collect the versions apart."
            )
        held.append(own)
        if sum(table.num_rows for table in held) >= ROWS_AT_ONCE:
            yield _joined(held)
            held = []
    if held or schema is None:
        yield _joined(held)


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _labelled(table: pa.Table, columns: dict[str, pa.Array], i: int) -> pa.Table:
    """The table of run i behind the columns that name the run; names in use get `run_` before."""
    labels = {}
    for name, values in columns.items():
        kind = values.type
        if pa.types.is_string(kind):
            kind = pa.dictionary(pa.int32(), pa.string())
        label = pa.repeat(values[i], table.num_rows).cast(kind)
        labels[name if name not in table.column_names else f"run_{name}"] = label
    content = {name: table[name] for name in table.column_names}
    return pa.table({**labels, **content})
