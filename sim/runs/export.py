"""Tables of a finished run for other programs: CSV (R, Excel) and Stata, with labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from sim.core.errors import ConfigError, nearest
from sim.files.folder import write_atomically
from sim.outputs.read import FinishedRun

RENAMED: Final = {"from": "from_status", "to": "to_status"}
"""Columns whose names are words of a language (SQL, R, Stata) that reads them."""

LONGEST_LABEL = 80
"""Characters of a label of a column that Stata keeps."""

BOM: Final = "\ufeff".encode()
"""Lets Excel read UTF-8; pandas, R's readr and DuckDB skip it."""


def export(run: FinishedRun, form: str, to: Path, tables: list[str]) -> list[Path]:
    """Write tables of a run into a folder, one file each; returns their paths.

    form    csv: codes, and a column of labels beside each (`status`, `status_label`)
            dta: Stata 14 and later, codes as value labels in the language of the run
    tables  names of tables; all if empty

    Raises ConfigError for an unknown form or table, OutputError if a file cannot be written.
    """
    if form not in FORMS:
        raise ConfigError(f"to={form}: no such form.{nearest(form, list(FORMS))}")
    unknown = [name for name in tables if name not in run.tables]
    if unknown:
        raise ConfigError([f"{run.path} has no table {name}.{nearest(name, run.tables)}"
                           for name in unknown])  # fmt: skip
    to.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in tables or run.tables:
        path = to / f"{name}.{form}"
        write_atomically(path, partial(_put, FORMS[form](run, name)))
        paths.append(path)
    return paths


def _put(payload: bytes, stream: IO[bytes]) -> int:
    return stream.write(payload)


def _csv(run: FinishedRun, name: str) -> bytes:
    frame = run.frame(name)
    labels = run.labels(name)
    columns: dict[str, Any] = {}
    for column in frame.columns:
        renamed = RENAMED.get(column, column)
        columns[renamed] = frame[column]
        if column in labels:
            names = labels[column]
            columns[f"{renamed}_label"] = (
                frame[column]
                .astype(object)
                .map(lambda code, names=names: _safe(names.get(code, code)))
            )
    table = pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)
    stream = BytesIO(BOM)
    stream.seek(len(BOM))
    csv.write_csv(_plain(table), stream)
    return stream.getvalue()


def _plain(table: pa.Table) -> pa.Table:
    """Dictionaries as text and times as dates, which CSV can hold."""
    for k, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(k, field.name, table.column(k).cast(pa.string()))
        elif pa.types.is_timestamp(field.type):
            table = table.set_column(k, field.name, table.column(k).cast(pa.date32()))
    return table


def _safe(text: Any) -> Any:
    """A label that no spreadsheet takes for a formula."""
    return f"'{text}" if isinstance(text, str) and text[:1] in "=+-@\t\r" and text else text


def _dta(run: FinishedRun, name: str) -> bytes:
    frame = run.frame(name)
    for column, names in run.labels(name).items():
        if column in frame:
            codes = frame[column].astype("category")
            taken = codes.cat.categories
            said = [names.get(code, code) for code in taken]
            unique = [text if said.count(text) == 1 else f"{text} ({code})"
                      for text, code in zip(said, taken, strict=True)]  # fmt: skip
            frame[column] = codes.cat.rename_categories(unique)
    about = run.codebook.get("tables", {}).get(name, {}).get("columns", {})
    texts = {RENAMED.get(c, c): about[c]["unit"][:LONGEST_LABEL] for c in frame.columns
             if c in about}  # fmt: skip
    frame = frame.rename(columns=RENAMED)
    dates: Any = {c: "td" for c in frame.columns if frame[c].dtype.kind == "M"}
    stream = BytesIO()
    frame.to_stata(
        stream, write_index=False, convert_dates=dates, variable_labels=texts, version=118,
        data_label=f"Kyosei {run.path.name} {name}"[:LONGEST_LABEL],
    )  # fmt: skip
    return stream.getvalue()


FORMS: Final[Mapping[str, Callable[[FinishedRun, str], bytes]]] = {"csv": _csv, "dta": _dta}
"""How a table is written, by the ending of its file."""
