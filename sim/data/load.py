"""The published figures of a country: load the tables of `sim/data/<country>/` and check them.

Every folder carries its own `schema.yaml`: tables, columns, codes and the sums that must agree.
Nothing is guessed and nothing is repaired; all problems are reported together. What the tables
are, and their traps, is in the folder's SOURCES.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd
import yaml

from sim import PACKAGE
from sim.config.schema.run import RunConfig
from sim.core.errors import DataError, nearest
from sim.core.memory import LastResults, state_of, state_of_files
from sim.data.cells import CodeList, ColumnKind
from sim.data.checks import RULES, run_checks
from sim.data.own import Fitted, fit_to_own, laid_over
from sim.data.read import Table, TableSpec, read_table
from sim.files.foreign import Unreadable, read_bytes

__all__ = ["Data", "DataError", "Fitted", "data_of", "load"]

FOLDERS = PACKAGE / "data"

SCHEMA = "schema.yaml"

_READ: Final[LastResults[Data]] = LastResults(size=2)
"""By what was asked for and the state of the files. Reading and checking all takes 0.4 s."""


@dataclass(frozen=True)
class Data:
    """The checked tables of one country.

    tables  name: frame; codes and months ("2025-06") are text, counts int64, other numbers float64;
            a count that may be empty is float64 with NaN. Take a copy before you change one.
    digest  sha256, in hex, over the names and bytes of all tables and of the schema, and of the
            tables of one's own
    own     table: the bytes of the file of one's own whose rows are laid over the published ones
    fitted  table: how it was fitted to those of one's own
    """

    country: str
    folder: Path
    tables: Mapping[str, pd.DataFrame]
    digest: str
    own: Mapping[str, bytes] = field(default_factory=dict)
    fitted: Mapping[str, Fitted] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The table of that name; DataError where it was not loaded."""
        if name not in self.tables:
            raise DataError(
                f"no table {name!r} was loaded for {self.country}.{nearest(name, self.tables)}"
            )
        return self.tables[name]

    def with_tables(self, **tables: pd.DataFrame) -> Data:
        """The same data with other frames for the tables named; the digest stays."""
        return replace(self, tables=MappingProxyType({**self.tables, **tables}))

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled with plain tables: a view of a mapping cannot be."""
        return _data, (self.country, self.folder, dict(self.tables), self.digest, self.own,
                       self.fitted)  # fmt: skip

    def some(self, *names: str) -> tuple[pd.DataFrame | None, ...]:
        """These tables, None for one that was not loaded: what a result that is kept is made of."""
        return tuple(self.tables.get(name) for name in names)


def _data(
    country: str, folder: Path, tables: Mapping[str, pd.DataFrame], digest: str,
    own: Mapping[str, bytes], fitted: Mapping[str, Fitted],
) -> Data:  # fmt: skip
    return Data(country, folder, MappingProxyType(dict(tables)), digest, own, fitted)


def data_of(config: RunConfig) -> Data:
    """The tables that a run reads: its country's, and over them those of `data` in its settings.

    Raises DataError with every problem found.
    """
    return load(config.country.data, own=config.data)


def load(
    country: str,
    folder: Path | None = None,
    only: Sequence[str] | None = None,
    own: Mapping[str, str] | None = None,
) -> Data:
    """Read and check the tables of a country.

    folder  where they are, if not in the package's own `data/<country>`
    only    names of the tables wanted; the lists of codes they use are read and checked too, and
            so are the sums that need no other table. The digest covers the folder in any case.
    own     table: file of the same columns, whose rows are laid over the published ones, and the
            other tables fitted to them (see `sim.data.own`)

    Raises DataError with every problem found. Files that have not changed since they were last
    read by this process are not read again.
    """
    folder = FOLDERS / country if folder is None else Path(folder)
    names = None if only is None else tuple(only)
    files = {name: Path(path) for name, path in sorted((own or {}).items())}
    own_files = (tuple(files.items()), state_of(files.values()))
    key = (country, folder, names, state_of_files(folder, "*.*"), own_files)
    return _READ.get(key, lambda: _load(country, folder, names, files))


def _load(
    country: str, folder: Path, only: Sequence[str] | None, files: Mapping[str, Path]
) -> Data:
    problems: list[str] = []
    payloads = _payloads(folder, country, problems)
    schema = _schema(payloads.get(SCHEMA), folder)
    problems += _stray_files(payloads, schema)
    # Fitting goes from table to table: with figures of one's own all of them are read.
    wanted = list(schema.tables) if only is None or files else list(only)
    unknown = [name for name in wanted if name not in schema.tables]
    problems += [f"{folder}: no table {name!r}.{nearest(name, schema.tables)}" for name in unknown]
    own = _own_payloads(files, schema, problems)
    reader = _Reader(schema, payloads, own)
    tables = {name: reader.table(name) for name in wanted if name not in unknown}
    for table in reader.read.values():
        problems += table.problems
    fitted: dict[str, Fitted] = {}
    if own and not problems:
        problems += run_checks(_within(schema.checks, own), reader.read, reader.codes)
    if own and not problems:
        fitted, unmet = fit_to_own(schema.checks, tables, list(own))
        problems += unmet
    if not own:
        problems += run_checks(schema.checks, reader.read, reader.codes)
    if problems:
        raise DataError(problems)
    frames = MappingProxyType({name: table.frame for name, table in tables.items()})
    digest = _digest({**payloads, **{f"own/{name}": payload for name, payload in own.items()}})
    return Data(country, folder, frames, digest, own, fitted)


def _own_payloads(
    files: Mapping[str, Path], schema: Schema, problems: list[str]
) -> dict[str, bytes]:
    """The bytes of the files of one's own that can be read."""
    own = {}
    for name, path in files.items():
        if name not in schema.tables:
            problems.append(
                f"data.{name} = {path}: there is no table {name}.{nearest(name, schema.tables)}"
            )
            continue
        try:
            own[name] = read_bytes(path)
        except Unreadable as error:
            problems.append(f"data.{name} = {path}: {error.why}")
    return own


def _within(checks: Sequence[Mapping[str, Any]], own: Mapping[str, bytes]) -> list[Any]:
    """The rules that hold within one table, and those between tables of one's own: the others are
    what fitting brings about."""
    return [
        check
        for check in checks
        if check["rule"] != "sum_equal"
        or (check["whole"]["table"] in own and check["part"]["table"] in own)
    ]


def _payloads(folder: Path, country: str, problems: list[str]) -> dict[str, bytes]:
    if not folder.is_dir():
        known = sorted(path.name for path in FOLDERS.iterdir() if (path / SCHEMA).is_file())
        raise DataError(
            f"there is no folder {folder} of data for {country!r}.{nearest(country, known)}"
        )
    payloads = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".csv", ".yaml"):
            try:
                payloads[path.name] = read_bytes(path)
            except Unreadable as error:
                problems.append(f"{path.name}: {error.why}")
    return payloads


def _digest(payloads: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(payloads):
        total.update(f"{name}\0{len(payloads[name])}\0".encode())
        total.update(payloads[name])
    return total.hexdigest()


def _stray_files(payloads: Mapping[str, bytes], schema: Schema) -> list[str]:
    known = {spec.file: spec for spec in schema.tables.values()}
    return [
        f"{name}: is not in {SCHEMA}.{nearest(name, known)}"
        for name in payloads
        if name not in known and name != SCHEMA
    ]


@dataclass(frozen=True)
class Schema:
    """A folder's schema.yaml."""

    tables: Mapping[str, TableSpec]
    codes: Mapping[str, Any]  # name: list of codes, or {table, column} that holds them
    checks: Sequence[Mapping[str, Any]]


def _schema(payload: bytes | None, folder: Path) -> Schema:
    if payload is None:
        raise DataError(f"{folder / SCHEMA}: is missing or cannot be read; it names the tables")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, written in C
    try:
        raw = yaml.load(payload, loader)
        common = raw["common"]
        specs = {name: _spec(name, entry, common) for name, entry in raw["tables"].items()}
        schema = Schema(specs, raw["codes"], raw["checks"])
        problems = _schema_problems(schema)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{folder / SCHEMA}: cannot be understood: {error!r}") from error
    if problems:
        raise DataError(problems)
    return schema


def _spec(name: str, entry: Mapping[str, Any], common: Mapping[str, str]) -> TableSpec:
    ends = {} if entry.get("bare") else common
    columns = {**entry["columns"], **ends, **entry.get("after", {})}
    kinds = {column: ColumnKind.parse(kind) for column, kind in columns.items()}
    return TableSpec(name, kinds, tuple(entry["key"]))


def _schema_problems(schema: Schema) -> list[str]:
    kinds = [
        f"{SCHEMA}, table {spec.name}, column {column}: no kind {kind.name!r}."
        f"{nearest(kind.name, schema.codes)}"
        for spec in schema.tables.values()
        for column, kind in spec.columns.items()
        if kind.is_code and kind.name not in schema.codes
    ]
    keys = [
        f"{SCHEMA}, table {spec.name}: its key {name!r} is not one of its columns"
        for spec in schema.tables.values()
        for name in spec.key
        if name not in spec.columns
    ]
    rules = [
        f"{SCHEMA}: no rule {check['rule']!r}.{nearest(check['rule'], list(RULES))}"
        for check in schema.checks
        if check["rule"] not in RULES
    ]
    return kinds + keys + rules


@dataclass
class _Reader:
    """Reads each table once, and the tables that hold its codes before it."""

    schema: Schema
    payloads: Mapping[str, bytes]
    own: Mapping[str, bytes]
    read: dict[str, Table] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        if name not in self.read:
            spec = self.schema.tables[name]
            payload = self.payloads.get(spec.file)
            self.read[name] = (
                read_table(spec, payload, self.codes) if payload is not None else _missing(spec)
            )
            if name in self.own:
                self.read[name] = self._with_own(name)
        return self.read[name]

    def _with_own(self, name: str) -> Table:
        """The published rows with those of one's own laid over, and the problems of both."""
        published = self.read[name]
        own = read_table(published.spec, self.own[name], self.codes)
        if published.problems or own.problems:
            told = [f"data.{name}: {problem}" for problem in own.problems]
            return Table(published.spec, problems=published.problems + told)
        return laid_over(published, own)

    def codes(self, name: str) -> CodeList | None:
        """The codes of a list; None where the table that holds them is broken."""
        entry = self.schema.codes[name]
        if isinstance(entry, list):
            return {str(code): code for code in entry}
        table = self.table(entry["table"])
        if entry["column"] not in table.frame:
            return None
        return {code: code for code in table.frame[entry["column"]].tolist()}


def _missing(spec: TableSpec) -> Table:
    return Table(spec, problems=[f"{spec.file}: is missing; put the file back"])
