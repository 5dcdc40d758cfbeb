"""Tables of a finished run for other programs: CSV, R, Excel, Stata and SPSS, with labels."""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from sim import __version__
from sim.core.errors import ConfigError, nearest
from sim.files.folder import json_text, write_atomically
from sim.outputs.read import FinishedRun

RENAMED: Final = {"from": ("from_status", "from_month"), "to": ("to_status", "to_month")}
"""Columns whose names are words of a language (SQL, R, Stata) that reads them: what they are called
if they hold codes, and if they hold months."""

LONGEST_LABEL: Final = 80
"""Characters of a label of a column that Stata keeps."""

BOM: Final = "\ufeff".encode()
"""Lets Excel read UTF-8; pandas, R's readr and DuckDB skip it."""

SHEET_ROWS: Final = 1_048_575
"""Rows of a sheet of Excel, less that of the names."""

CRATE: Final = "ro-crate-metadata.json"

SCRIPT: Final = "read.R"


class Form(NamedTuple):
    """A form that tables can be written in.

    ending   of the files
    write    the bytes of a table
    package  that must be installed; "" for none
    """

    ending: str
    write: Callable[[FinishedRun, str], bytes]
    package: str = ""


def export(run: FinishedRun, form: str, to: Path, tables: list[str]) -> list[Path]:
    """Write tables of a run into a folder, one file each, and what describes them for a deposit;
    returns the paths.

    form    csv: codes, and a column of labels beside each (`status`, `status_label`)
            r: the same, and read.R, which makes factors and dates of them
            xlsx: one workbook for each table, with a sheet that explains its columns
            dta: Stata 14 and later; sav: SPSS; codes as value labels in the language of the run
    tables  names of tables; all if empty

    Raises ConfigError for an unknown form or table or a package that is not installed, OutputError
    if a file cannot be written.
    """
    if form not in FORMS:
        raise ConfigError(f"to={form}: no such form.{nearest(form, list(FORMS))}")
    chosen = FORMS[form]
    if chosen.package and find_spec(chosen.package) is None:
        raise ConfigError(f"{chosen.package} is not installed: pip install 'kyosei[export]'")
    unknown = [name for name in tables if name not in run.tables]
    if unknown:
        raise ConfigError([f"{run.path} has no table {name}.{nearest(name, run.tables)}"
                           for name in unknown])  # fmt: skip
    to.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in tables or run.tables:
        paths.append(to / f"{name}.{chosen.ending}")
        write_atomically(paths[-1], partial(_put, chosen.write(run, name)))
    texts = {CRATE: json_text(crate(run, paths))}
    if form == "r":
        texts[SCRIPT] = _script(run, tables or run.tables)
    for name, text in texts.items():
        paths.append(to / name)
        write_atomically(paths[-1], partial(_put, text.encode()))
    return paths


def _put(payload: bytes, stream: IO[bytes]) -> int:
    return stream.write(payload)


def _renamed(frame: pd.DataFrame) -> dict[str, str]:
    """Column -> what it is called outside."""
    return {column: RENAMED[column][frame[column].dtype.kind == "M"] if column in RENAMED
            else column for column in frame.columns}  # fmt: skip


def _about(run: FinishedRun, table: str) -> dict[str, dict[str, Any]]:
    """Column -> what the codebook says of it."""
    return dict(run.codebook.get("tables", {}).get(table, {}).get("columns", {}))


def _with_labels(run: FinishedRun, name: str) -> pd.DataFrame:
    """A table with a column of labels beside each column of codes."""
    frame = run.frame(name)
    labels, outside = run.labels(name), _renamed(frame)
    columns: dict[str, Any] = {}
    for column in frame.columns:
        columns[outside[column]] = frame[column]
        if column in labels:
            names = labels[column]
            columns[f"{outside[column]}_label"] = (
                frame[column]
                .astype(object)
                .map(lambda code, names=names: _safe(names.get(code, code)))
            )
    return pd.DataFrame(columns)


def _csv(run: FinishedRun, name: str) -> bytes:
    table = pa.Table.from_pandas(_with_labels(run, name), preserve_index=False)
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


def _xlsx(run: FinishedRun, name: str) -> bytes:
    frame = _with_labels(run, name)
    if len(frame) > SHEET_ROWS:
        raise ConfigError(
            f"{name} has {len(frame):,} rows, a sheet of Excel holds {SHEET_ROWS:,}: write it as"
            " csv, or leave it out with --table"
        )
    from openpyxl import Workbook

    book = Workbook(write_only=True)  # a row at a time: several times as fast
    sheets = {
        name: frame,
        "columns": pd.DataFrame(
            [[column, one["kind"], one["unit"]] for column, one in _about(run, name).items()],
            columns=["column", "kind", "unit"],
        ),
    }
    for title, content in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        sheet.append(list(content.columns))
        for row in zip(*(_cells(content[column]) for column in content), strict=True):
            sheet.append(row)
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def _cells(column: pd.Series) -> list[Any]:
    """Values that a sheet holds: dates, plain numbers and text."""
    if column.dtype.kind == "M":
        return [None if pd.isna(day) else day for day in column.dt.date]
    return [None if pd.isna(value) else value for value in column.astype(object).tolist()]


def _dta(run: FinishedRun, name: str) -> bytes:
    frame = run.frame(name)
    for column, names in run.labels(name).items():
        if column in frame:
            codes = frame[column].astype("category")
            frame[column] = codes.cat.rename_categories(_distinct(codes, names))
    outside, about = _renamed(frame), _about(run, name)
    texts = {outside[c]: about[c]["unit"][:LONGEST_LABEL] for c in frame.columns if c in about}
    frame = frame.rename(columns=outside)
    dates: Any = {c: "td" for c in frame.columns if frame[c].dtype.kind == "M"}
    stream = BytesIO()
    frame.to_stata(
        stream, write_index=False, convert_dates=dates, variable_labels=texts, version=118,
        data_label=f"Kyosei {run.path.name} {name}"[:LONGEST_LABEL],
    )  # fmt: skip
    return stream.getvalue()


def _distinct(codes: pd.Series, names: Mapping[str, str]) -> list[str]:
    """Labels of the codes, with the code behind those that several have."""
    taken = list(codes.cat.categories)
    said = [names.get(code, code) for code in taken]
    return [text if said.count(text) == 1 else f"{text} ({code})"
            for text, code in zip(said, taken, strict=True)]  # fmt: skip


def _sav(run: FinishedRun, name: str) -> bytes:
    import pyreadstat

    frame, labels = run.frame(name), run.labels(name)
    outside, about = _renamed(frame), _about(run, name)
    values: dict[str, dict[int | float, str]] = {}
    formats = {}
    for column in frame.columns:
        if frame[column].dtype == "category":
            codes = frame[column]
            said = _distinct(codes, labels.get(column, {}))
            values[outside[column]] = {float(k): text for k, text in enumerate(said, start=1)}
            frame[column] = codes.cat.codes.astype("float64").where(codes.notna()) + 1
        elif frame[column].dtype.kind == "M":
            frame[column] = frame[column].dt.date
            formats[outside[column]] = "SDATE10"
    texts = {outside[c]: about[c]["unit"] for c in frame.columns if c in about}
    with tempfile.TemporaryDirectory() as place:  # the package writes to paths alone
        path = Path(place) / "table.sav"
        pyreadstat.write_sav(
            frame.rename(columns=outside), str(path), column_labels=texts,
            variable_value_labels=values, variable_format=formats,
            file_label=f"Kyosei {run.path.name} {name}",
        )  # fmt: skip
        return path.read_bytes()


FORMS: Final[Mapping[str, Form]] = {
    "csv": Form("csv", _csv), "r": Form("csv", _csv), "xlsx": Form("xlsx", _xlsx, "openpyxl"),
    "dta": Form("dta", _dta), "sav": Form("sav", _sav, "pyreadstat"),
}  # fmt: skip
"""By the word that asks for them."""


def _script(run: FinishedRun, tables: list[str]) -> str:
    """R that reads the CSV files of a folder, with dates and with factors in order of the codes."""
    lines = ['# Tables of a run of Kyosei: source("read.R", chdir = TRUE)', "kyosei <- list()"]
    for name in tables:
        frame = run.frame(name)
        outside = _renamed(frame)
        lines.append(
            f'kyosei${name} <- read.csv("{name}.csv", fileEncoding = "UTF-8-BOM",'
            ' colClasses = c('
            + ", ".join(f'{outside[c]} = "{"Date" if frame[c].dtype.kind == "M" else "character"}"'
                        for c in frame.columns if frame[c].dtype.kind in "MOU"
                        or frame[c].dtype == "category")
            + "))"
        )  # fmt: skip
        lines += [
            f"kyosei${name}${outside[c]} <- factor(kyosei${name}${outside[c]})"
            for c in frame.columns if frame[c].dtype == "category"
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def crate(run: FinishedRun, files: list[Path]) -> dict[str, Any]:
    """RO-Crate 1.1 metadata of exported files: what they are, and the run that made them."""
    settings = run.settings if run.kind == "run" else {}
    title = settings.get("scenario", {}).get("title", {}).get(run.lang, run.kind)
    made = datetime.datetime.fromtimestamp(
        (run.path / "manifest.json").stat().st_mtime, datetime.UTC
    )
    tables, number = run.codebook.get("tables", {}), run.path.resolve().name
    entries = [
        {
            "@id": path.name, "@type": "File", "contentSize": str(path.stat().st_size),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "description": tables.get(path.stem, {}).get("text", path.stem),
        }
        for path in files
    ]  # fmt: skip
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"},
             "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}},
            {"@id": "./", "@type": "Dataset", "name": f"Kyosei {run.kind} {number}",
             "description": f"{title}: {settings.get('start', '')} to {settings.get('end', '')}",
             "datePublished": made.date().isoformat(), "license": "MIT",
             "hasPart": [{"@id": entry["@id"]} for entry in entries],
             "mentions": {"@id": "#run"}},
            {"@id": "#run", "@type": "CreateAction", "name": f"Run {number}",
             "instrument": {"@id": "#kyosei"}, "endTime": made.isoformat(timespec="seconds"),
             "result": [{"@id": entry["@id"]} for entry in entries]},
            {"@id": "#kyosei", "@type": "SoftwareApplication", "name": "Kyosei",
             "softwareVersion": __version__,
             "identifier": str(run.manifest.get("code_sha256", ""))},
            *entries,
        ],
    }  # fmt: skip
