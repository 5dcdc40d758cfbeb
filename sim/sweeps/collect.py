"""`kyosei collect`: all complete runs below a folder as one tidy table for each kind of output.

Each table is one Parquet file: the run, what tells it from the others, then the columns that the
runs' own tables have. Runs stand in order of their names, so the same runs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from sim.config.yaml import MOST_BYTES, plain, read
from sim.core.errors import ConfigError, OutputError
from sim.files.folder import MANIFEST, read_manifest, read_parquet, write_atomically
from sim.files.foreign import Unreadable, open_regular, read_bytes, text_of

RECORDS: Final = ".sweeps/*/sweep.json"

RUN: Final = "run"

_SETTING: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@/-]{0,200}")
"""Names of settings; anything else in a sweep's record is none."""

ALWAYS: Final = ("scenario", "seed", "replicate", "scale")

MOST_FOUND: Final = 64
"""Settings that differ without having been swept; above this they are two different studies."""


@dataclass(frozen=True)
class Run:
    """A complete run."""

    folder: Path
    manifest: dict[str, Any]
    settings: str  # config.yaml

    @property
    def name(self) -> str:
        return self.folder.name


def columns_of(runs: Sequence[Run], root: Path) -> dict[str, pa.Array]:
    """A column of one value for each run: those always there, then the others by name.

    A value is read from the run's own config.yaml. Choices of files, which it does not hold, come
    from the records of the sweeps below `root`. Runs that these columns do not tell apart get
    columns for whatever else differs.
    """
    swept = _swept(root, {run.name for run in runs})
    names = sorted({name for words in swept.values() for name in words} - {*ALWAYS, RUN})
    values = {name: [run.manifest[name] for run in runs] for name in ALWAYS}
    for name in names:
        values[name] = [_value(run, name, swept) for run in runs]
    for name, found in _more(runs, list(zip(*values.values(), strict=True))).items():
        values.setdefault(name, found)
    return {name: _array(found) for name, found in values.items()}


def _swept(root: Path, runs: set[str]) -> dict[str, dict[str, str]]:
    """For each run the values of its sweep's swept settings, as they were written."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(root.glob(f"**/{RECORDS}")):
        try:
            rows, names = _record(path)
        except (Unreadable, ValueError, KeyError, TypeError, RecursionError):
            continue  # only a hint: what matters stands in the runs
        for run, words in rows:
            if run in runs:
                given = dict(word.partition("=")[::2] for word in words)
                found.setdefault(run, {}).update({n: given[n] for n in names if n in given})
    return found


def _record(path: Path) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """(run and words of each line, swept settings) of a sweep's record.

    Raises Unreadable, or one of ValueError, KeyError, TypeError and RecursionError, if it is none.
    """
    record = json.loads(text_of(read_bytes(path), str(path)))
    rows = [(row["run"], row["overrides"]) for row in record["runs"]]
    names = record["swept"]
    texts = [names, *(words for _, words in rows), [run for run, _ in rows]]
    if not all(isinstance(some, list) and all(isinstance(w, str) for w in some) for some in texts):
        raise ValueError("a word is not text")
    return rows, [name for name in names if _SETTING.fullmatch(name)]


def _value(run: Run, name: str, swept: dict[str, dict[str, str]]) -> Any:
    """The setting in the configuration; else what the sweep's words say; else None."""
    written = setting(run.settings, name)
    if written is not None:
        return _parsed(written) if written[:1] in "\"'[{" else plain(written)
    return swept.get(run.name, {}).get(name)


def _parsed(written: str) -> Any:
    """A quoted text, a list or a mapping of one line; the line itself if it is something else."""
    document = read(f"x: {written}\n", "config.yaml")
    return written if document.problems else document.value["x"]


def setting(text: str, name: str) -> str | None:
    """What stands at a dotted name in a config.yaml as `sim.config.compose.to_yaml` writes it.

    None if there is no such setting or if it holds others. Searches the text, which is a hundred
    times faster than parsing it.
    """
    first, last, indent = 0, len(text), ""
    steps = name.split(".")
    for depth, step in enumerate(steps):
        spots = [_find(text, f"{indent}{key}:", first, last) for key in (step, f'"{step}"')]
        spot = max(spots)
        if spot < 0:
            return None
        line_end = text.find("\n", spot)
        rest = text[text.index(":", spot) + 1 : line_end].strip()
        if depth == len(steps) - 1:
            return rest or None
        first, indent = line_end, indent + "  "
        last = _end_of_block(text, first, last, indent)
    return None


def _find(text: str, start: str, first: int, last: int) -> int:
    """Where a line begins with these characters, in [first, last); -1 if none does."""
    if first == 0 and text.startswith(start):
        return 0
    spot = text.find(f"\n{start}", max(first, 0), last)
    return spot if spot < 0 else spot + 1


def _end_of_block(text: str, first: int, last: int, indent: str) -> int:
    """Where the lines that follow `first` with this indent, or more, end."""
    at = first
    while at < last and text.startswith(indent, at + 1):
        at = text.find("\n", at + 1)
    return min(at, last) + 1


def _more(runs: Sequence[Run], known: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Columns for what else differs between runs that are alike in the columns known so far."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, values in enumerate(known):
        groups.setdefault(values, []).append(i)
    alike = [i for group in groups.values() if len(group) > 1 for i in group]
    if not alike:
        return {}
    flat = {i: dict(_leaves(runs[i].settings)) for i in alike}
    names = sorted({name for leaves in flat.values() for name in leaves})
    differ = [name for name in names if len({flat[i].get(name) for i in alike}) > 1]
    found: dict[str, list[Any]] = {}
    for name in differ[:MOST_FOUND]:
        found[name] = [_value(run, name, {}) for run in runs]
    for name in ("code_sha256", "data_sha256"):
        digests = [run.manifest[name][:16] for run in runs]
        if len(set(digests)) > 1:
            found[name] = digests
    return found


def _leaves(text: str) -> Iterator[tuple[str, str]]:
    """(dotted name, value as written) of every setting in a config.yaml."""
    path: list[str] = []
    for line in text.splitlines():
        key, _, value = line.strip().partition(":")
        depth = (len(line) - len(line.lstrip(" "))) // 2
        path[depth:] = [key.strip('"')]
        if value:
            yield ".".join(path), value.strip()


def _array(values: list[Any]) -> pa.Array:
    """Whole numbers, numbers, truth values, or else text; None where a run has no such setting."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    text = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
    return pa.array(text, pa.string())


FOLDER: Final = "collected"

RUNS: Final = "runs"

ROWS_AT_ONCE: Final = 1_000_000

_DIGESTS: Final = ("code_sha256", "data_sha256")

OTHER_FORMATS: Final = (
    ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".dta", ".sav", ".json", ".feather", ".zip", ".gz",
)  # fmt: skip
"""Endings of files: a target with one of them is no folder."""

_FACTS: Final[dict[str, type | tuple[type, ...]]] = {
    "scenario": str, "seed": int, "replicate": int, "scale": (int, float), "start": str,
    "end": str, "code_sha256": str, "data_sha256": str,
}  # fmt: skip
"""What the manifest of a run must say, and the type of it."""

_AS_CONFIGURED: Final = {
    "scenario": "scenario.name", "seed": "seed", "replicate": "replicate", "scale": "scale",
    "start": "start", "end": "end",
}  # fmt: skip
"""Facts of the manifest that the configuration says, too, by the name of the setting."""


class Collected(NamedTuple):
    """What was gathered."""

    files: list[Path]
    runs: int
    unfinished: list[Path]  # folders of runs without a manifest
    damaged: list[str]  # what is wrong with runs that were left out
    doubles: list[str]  # folders that hold a run which another folder holds, too


class Found(NamedTuple):
    """What lies below a folder."""

    runs: list[Run]  # complete ones in order of name, each once
    unfinished: list[Path]
    damaged: list[str]
    doubles: list[str]


def collect(root: Path, to: Path | None = None, tables: Sequence[str] = ()) -> Collected:
    """Gather the complete runs below `root`.

    to      a folder, `root`/collected if not given; or a file *.parquet for a single table
    tables  names of tables such as stocks; all that any run has, and `runs`, if empty

    A run with a file that is not as its manifest says is left out, and told. Raises ConfigError if
    there is nothing to gather or no such table, OutputError if a file cannot be written.
    """
    runs, unfinished, damaged, doubles = find_runs(root)
    if not runs:
        raise ConfigError([f"{root} holds no complete run", *damaged])
    known = sorted({Path(name).stem for run in runs for name in run.manifest["files"]
                    if name.endswith(".parquet")} - {RUNS})  # fmt: skip
    wanted = list(dict.fromkeys(tables)) or [RUNS, *known]
    unknown = [name for name in wanted if name not in (RUNS, *known)]
    if unknown:
        have = f"The runs have {RUNS}, {', '.join(known)}"
        raise ConfigError([f"there is no table {name}. {have}." for name in unknown])
    target = to if to is not None else root / FOLDER
    if target.suffix.lower() in OTHER_FORMATS:
        raise ConfigError(
            f"{target}\n    tables are Parquet: name a file *.parquet for one table, or a folder"
        )
    if target.suffix == ".parquet" and len(wanted) != 1:
        raise ConfigError(f"{target} is one file: name its one table with --table")
    if to is None and target.is_symlink():
        raise OutputError(f"cannot write into {target}: it is a symbolic link")
    columns = _with_run(columns_of(runs, root), runs)
    files = [_write(_path(target, name), runs, columns, name) for name in wanted]
    return Collected(files, len(runs), unfinished, damaged, doubles)


def _path(target: Path, table: str) -> Path:
    path = target if target.suffix == ".parquet" else target / f"{table}.parquet"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise OutputError(f"cannot make the folder {path.parent}: {why}") from error
    return path


def find_runs(root: Path) -> Found:
    """All runs below `root`, which somebody else may have put there: each is read with care, and
    one that is not as it should be is left out and told."""
    found: dict[str, Run] = {}
    first: dict[tuple[Any, ...], Path] = {}
    unfinished, damaged, doubles = [], [], []
    for folder in _folders(root):
        manifest = read_manifest(folder)
        if manifest is None:
            if os.path.lexists(folder / MANIFEST):
                damaged.append(f"{folder / MANIFEST} is damaged")
            else:
                unfinished.append(folder)
        elif manifest.get("kind") == "run":
            problems, text = _damage(folder, manifest), ""
            if not problems:
                text, problems = _settings(folder, manifest)
            damaged += problems
            if problems:
                continue
            same = first.setdefault(_identity(manifest), folder)
            if same != folder:
                doubles.append(f"{folder} holds the same run as {same}: it is counted once")
            elif folder.name in found:
                damaged.append(f"{folder} is another run than {found[folder.name].folder}")
            else:
                found[folder.name] = Run(folder, manifest, text)
    return Found([found[name] for name in sorted(found)], unfinished, damaged, doubles)


def _identity(manifest: dict[str, Any]) -> tuple[Any, ...]:
    """What two folders have in common that hold one run."""
    config = manifest["files"]["config.yaml"]["sha256"]
    return (config, *(manifest[name] for name in (*ALWAYS, *_DIGESTS)))


def _settings(folder: Path, manifest: dict[str, Any]) -> tuple[str, list[str]]:
    """(config.yaml, what is wrong with it or with what the manifest says of the run)."""
    for name, kind in _FACTS.items():
        value = manifest.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            return "", [f"{folder / MANIFEST} is damaged: {name} is {str(value)[:40]}"]
    try:
        path = folder / "config.yaml"
        text = text_of(read_bytes(path, MOST_BYTES), str(path))
    except Unreadable as error:
        return "", [str(error)]
    wrong = []
    for name, path_of in _AS_CONFIGURED.items():
        written = setting(text, path_of)
        own = None if written is None else _parsed(written)
        if own is not None and own != manifest[name]:
            wrong.append(f"{folder} says {name} {manifest[name]}, its config.yaml {str(own)[:40]}")
    return text, wrong


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
    """Tables and settings that are not as the manifest says, or that cannot be read."""
    if "config.yaml" not in manifest["files"]:
        return [f"{folder} has no config.yaml"]
    out = []
    for name, record in sorted(manifest["files"].items()):
        if not name.endswith((".parquet", ".yaml")):
            continue
        path = folder / name
        try:
            with open_regular(path) as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != record["sha256"]:
                out.append(f"{path} is not as its manifest says")
            elif name.endswith(".parquet"):
                read_parquet(path)
        except Unreadable as error:
            out.append(str(error))
        except OutputError as error:
            out += error.problems
        except OSError as error:
            out.append(f"{path} cannot be read: {error.strerror or error}")
    return out


def _with_run(columns: dict[str, pa.Array], runs: Sequence[Run]) -> dict[str, pa.Array]:
    return {RUN: pa.array([run.name for run in runs]), **columns}


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
