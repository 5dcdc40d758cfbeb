"""Reading what somebody else may have made: regular files of a bounded size, as text or rows.

Whoever gives a file may give a pipe, a device, a link to somewhere, a file without end, one from a
spreadsheet (byte-order mark, CR line ends, blank last lines) or one that is no text at all. All of
them are read here, and what cannot be read is an `Unreadable` with the file's name and the reason.
"""

from __future__ import annotations

import csv
import io
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple

MOST_BYTES: Final = 64 * 1024 * 1024


class Unreadable(Exception):
    """A file that cannot be read as what it should be: where (a file, or file:line), and why."""

    def __init__(self, place: object, why: str) -> None:
        self.place, self.why = str(place), why
        super().__init__(f"{self.place}  {why}")


class Row(NamedTuple):
    """A row of a CSV file and the line that it stands in, counted from 1."""

    line: int
    cells: list[str]


def open_regular(path: Path) -> BufferedReader:
    """A regular file, opened to be read. Raises Unreadable. A pipe is never waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise Unreadable(path, f"cannot be read ({why})") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable(path, "cannot be read (it is not a regular file)")
    return open(descriptor, "rb")


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises Unreadable."""
    with open_regular(path) as stream:
        if os.fstat(stream.fileno()).st_size > most:
            raise Unreadable(path, f"cannot be read (it has more than {most:,} bytes)")
        try:
            return stream.read(most + 1)
        except OSError as error:
            raise Unreadable(path, f"cannot be read ({error.strerror or error})") from error


def text_of(payload: bytes, name: str) -> str:
    """UTF-8 text with newlines, from bytes that a spreadsheet may have saved. Raises Unreadable."""
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = payload.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{name}:{line}", "is not UTF-8 text: save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_rows(path: Path, most: int = MOST_BYTES) -> list[Row]:
    """The rows of a CSV file; blank lines are left out. Raises Unreadable."""
    reader = csv.reader(io.StringIO(text_of(read_bytes(path, most), path.name)), strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(reader.line_num, cells))
    except csv.Error as error:
        raise Unreadable(f"{path.name}:{reader.line_num}", f"is not CSV: {error}") from error
    return rows
