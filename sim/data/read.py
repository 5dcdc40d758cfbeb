"""One table: the bytes of a CSV file to a frame, with every bad cell named.

Rows are counted as a text editor counts lines: the header is row 1.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pa_compute
import pyarrow.csv as pa_csv

from sim.core.errors import nearest
from sim.data.cells import WHOLE, WHOLE_KINDS, BadCell, CodeList, ColumnKind

MOST_SHOWN = 20  # problems listed for one column before the rest are only counted


@dataclass(frozen=True)
class TableSpec:
    """What one table must hold: columns in file order, and those that identify a row."""

    name: str
    columns: Mapping[str, ColumnKind]
    key: tuple[str, ...]

    @property
    def file(self) -> str:
        return f"{self.name}.csv"


@dataclass
class Table:
    """A table as read. The frame is complete only where `problems` is empty.

    rows  int64[n]  the line of the file that each row of the frame came from
    """

    spec: TableSpec
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    problems: list[str] = field(default_factory=list)


def read_table(
    spec: TableSpec, payload: bytes, codes_of: Callable[[str], CodeList | None]
) -> Table:
    """Parse and check one file. `codes_of(name)` gives a list of codes, None if unknown."""
    table = Table(spec)
    cells = _split(table, payload)
    if cells is None:
        return table
    columns, indices = {}, {}
    for name, kind in spec.columns.items():
        encoded = cells.column(name).combine_chunks().dictionary_encode()
        indices[name] = encoded.indices.to_numpy()
        codes = codes_of(kind.name) if kind.is_code else None
        whole = _whole_numbers(kind, encoded)
        other = _column(table, name, encoded, kind.parser(codes)) if whole is None else None
        columns[name] = other if whole is None else whole
    table.frame = pd.DataFrame(columns)
    _check_key(table, indices)
    return table


def _split(table: Table, payload: bytes) -> pa.Table | None:
    """The cells as text, or None where the file cannot be split into the right columns."""
    file, problems = table.spec.file, table.problems
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = payload.count(b"\n", 0, error.start) + 1
        problems.append(f"{file}, row {row}: is not UTF-8 text; save the file as UTF-8")
        return None
    if "\r" in text:  # as spreadsheets save it, and old ones with a carriage return alone
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        payload = text.encode("utf-8")
    if not text.strip():
        problems.append(f"{file}: is empty; put back the header and the rows")
        return None
    header = next(csv.reader([text.split("\n", 1)[0]]))
    if not _header_is_good(table, header):
        return None
    cells = _split_rows(table, payload, header)
    if cells.num_rows == 0 and not problems:
        problems.append(f"{file}: has a header but no rows; put back the rows")
    return cells if cells.num_rows else None


def _header_is_good(table: Table, header: list[str]) -> bool:
    file, wanted = table.spec.file, list(table.spec.columns)
    if len(header) == 1 and ";" in header[0]:
        table.problems.append(f"{file}, row 1: fields are split by ';'; split them by ','")
        return False
    missing = [name for name in wanted if name not in header]
    extra = [name for name in header if name not in wanted]
    for name in missing:
        hint = nearest(name, extra, most=0)
        table.problems.append(f"{file}, row 1: column {name!r} is missing.{hint}")
    for name in extra:
        hint = nearest(name, missing or wanted, most=0)
        table.problems.append(f"{file}, row 1: column {name!r} is not in the schema.{hint}")
    twice = sorted({name for name in header if header.count(name) > 1})
    table.problems += [f"{file}, row 1: column {name!r} occurs twice" for name in twice]
    return not (missing or extra or twice)


def _split_rows(table: Table, payload: bytes, header: list[str]) -> pa.Table:
    skipped: list[int] = []

    def report(row: pa_csv.InvalidRow) -> str:
        skipped.append(row.number)
        table.problems.append(
            f"{table.spec.file}, row {row.number}: has {row.actual_columns} fields, the header has "
            f"{row.expected_columns}: {row.text.strip()[:80]!r}; write decimals with a "
            "point and quote texts that hold a comma"
        )
        return "skip"

    try:
        cells = pa_csv.read_csv(
            pa.BufferReader(payload),
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=len(payload) + 1),
            parse_options=pa_csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=report),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
        )
    except pa.ArrowInvalid as error:
        table.problems.append(f"{table.spec.file}: cannot be split into fields ({error})")
        return pa.table(dict.fromkeys(header, pa.array([], pa.string())))
    lines = np.arange(2, cells.num_rows + len(skipped) + 2)
    table.rows = np.setdiff1d(lines, np.array(skipped, np.int64))
    return cells


def _whole_numbers(kind: ColumnKind, encoded: pa.DictionaryArray) -> np.ndarray | None:
    """A column of whole numbers, as `_column` reads it but at once; None if a cell is unsound."""
    if kind.name not in WHOLE_KINDS:
        return None
    least, most = WHOLE_KINDS[kind.name]
    texts = encoded.dictionary
    some = texts.filter(pa_compute.not_equal(texts, "")) if kind.is_optional else texts
    if not pa_compute.all(pa_compute.match_substring_regex(some, f"^(?:{WHOLE})$")).as_py():
        return None
    values = some.cast(pa.int64()).to_numpy()
    if values.size == 0 or values.min() < least or values.max() > most:
        return None
    if values.size < len(texts):  # an empty one
        values = np.insert(values.astype(float), texts.index("").as_py(), np.nan)
    return np.asarray(values[encoded.indices.to_numpy()])


def _column(
    table: Table, name: str, encoded: pa.DictionaryArray, parse: Callable[[str], str | int | float]
) -> np.ndarray | pd.Series:
    """Values of one column: int64, float64 (where a cell may be empty) or text."""
    values: list[str | int | float] = []
    bad: dict[int, str] = {}
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(parse(text))
        except BadCell as problem:
            bad[place] = str(problem)
            values.append(0)
    indices = encoded.indices.to_numpy()
    if bad:
        _report_cells(table, name, encoded, bad)
        return indices
    if values and isinstance(values[0], str):
        return encoded.cast(pa.string()).to_pandas()
    return np.array(values)[indices]


def _report_cells(
    table: Table, name: str, encoded: pa.DictionaryArray, bad: Mapping[int, str]
) -> None:
    indices = encoded.indices.to_numpy()
    where = np.flatnonzero(np.isin(indices, list(bad)))
    for i in where[:MOST_SHOWN]:
        place = int(indices[i])
        table.problems.append(
            f"{table.spec.file}, row {table.rows[i]}, column {name}: "
            f"{encoded.dictionary[place].as_py()!r} {bad[place]}"
        )
    if len(where) > MOST_SHOWN:
        table.problems.append(
            f"{table.spec.file}, column {name}: {len(where) - MOST_SHOWN} more rows like these"
        )


def _check_key(table: Table, indices: Mapping[str, np.ndarray]) -> None:
    """No two rows may agree in every key column."""
    key = np.zeros(len(table.rows), np.int64)
    for name in table.spec.key:
        key = key * (int(indices[name].max()) + 1) + indices[name]
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    repeats = np.flatnonzero(first[back] != np.arange(len(key)))
    for i in repeats[:MOST_SHOWN]:
        values = ", ".join(f"{name} {table.frame[name].iloc[i]}" for name in table.spec.key)
        table.problems.append(
            f"{table.spec.file}, row {table.rows[i]}: repeats row {table.rows[first[back[i]]]} "
            f"({values}); keep one of them"
        )
    if len(repeats) > MOST_SHOWN:
        table.problems.append(f"{table.spec.file}: {len(repeats) - MOST_SHOWN} more repeated rows")
