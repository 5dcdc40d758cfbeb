"""People as one array per field; a row that nobody uses is a hole.

What the month scans for everyone stands in arrays of its own. The rest, which is read for the few
who have an event, stands together person by person: one cache miss, not eleven.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from sim.core.clock import NEVER
from sim.core.threads import Crew

HOLE: Final = 255
"""Status of a row that nobody uses."""

NO_SECTOR: Final = 255

NORMS, SEEKS = 1, 2
"""Bits of the column `traits`."""

FIELDS: Final = {  # name: (dtype, value in a hole)
    "key": (np.uint64, 0),  # permanent identity
    "status": (np.uint8, HOLE),  # row in the status table
    "stage": (np.uint8, 0),  # sub-kind of the status, such as a course
    "origin": (np.uint8, 0),
    "sex": (np.uint8, 0),  # 0 female, 1 male
    "born": (np.int16, 0),  # month
    "entered": (np.int16, 0),  # month of first entry
    "since": (np.int16, 0),  # month of the present status
    "permit_end": (np.int16, NEVER),  # month in which the permit ends
    "permit_months": (np.uint8, 0),  # length of the present permit
    "municipality": (np.uint16, 0),
    "principal": (np.int32, -1),  # row of the person depended on
    "language": (np.uint8, 0),  # 0 none, 1 A1, 2 A2, 3 B1, 4 B2 and above
    "arrears": (np.uint8, 0),  # bits: 1 health insurance, 2 pension, 4 tax
    "counting": (np.int16, -1),  # month since which residence counts; -(months banked) - 1
    "risk": (np.uint32, 0),  # class of the bound on the total hazard
    "firm": (np.int32, -1),  # row of the employer
    "job_since": (np.int16, 0),  # month of hiring, or since which there is no job
    "sector": (np.uint8, NO_SECTOR),  # of the present or last job
    "traits": (np.uint8, 0),  # bits: 1 norms programme taken, 2 looks for work
    "event": (np.uint8, 0),  # this month's fate, if dependants must hear of it
}

_TOGETHER: Final = (
    "born", "entered", "since", "counting", "stage", "origin", "sex", "language", "arrears",
    "permit_months", "sector",
)  # fmt: skip

RECORD: Final = np.dtype([*((name, FIELDS[name][0]) for name in _TOGETHER), ("", np.uint8)])
"""The fields that stand together: 16 bytes, so that no record lies across two cache lines."""

AT_ONCE: Final = 1 << 15
"""Rows that are copied before the next column is: half a megabyte of records."""

_ALONE: Final = Crew(1)

_RECORDS: Final = "records"

_ARRAYS: Final = (_RECORDS, *(name for name in FIELDS if name not in _TOGETHER))

BYTES_PER_PERSON: Final = RECORD.itemsize + sum(
    np.dtype(FIELDS[name][0]).itemsize for name in FIELDS if name not in _TOGETHER
)


class Columns(NamedTuple):
    """The fields as bare arrays for kernels, each of length capacity."""

    key: np.ndarray
    status: np.ndarray
    stage: np.ndarray
    origin: np.ndarray
    sex: np.ndarray
    born: np.ndarray
    entered: np.ndarray
    since: np.ndarray
    permit_end: np.ndarray
    permit_months: np.ndarray
    municipality: np.ndarray
    principal: np.ndarray
    language: np.ndarray
    arrears: np.ndarray
    counting: np.ndarray
    risk: np.ndarray
    firm: np.ndarray
    job_since: np.ndarray
    sector: np.ndarray
    traits: np.ndarray
    event: np.ndarray


def _write(c: int, first: int, stop: int, array: np.ndarray, value: Any) -> None:
    """One value in rows [first, stop). Page faults of new memory are slow: threads share them."""
    array[first:stop] = value


def _copy(
    c: int, first: int, stop: int, columns: dict[str, np.ndarray], to: dict[str, np.ndarray]
) -> None:
    """Rows [first, stop) of all columns, AT_ONCE at a time, so that records stay in the cache."""
    for start in range(first, stop, AT_ONCE):
        rows = slice(start, min(start + AT_ONCE, stop))
        for name, values in columns.items():
            to[name][rows] = values[rows]


def next_rows(free: np.ndarray, n: int, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """(int32[wanted] rows: free ones first, the last of them before the others, then fresh ones
    from n on; the rows that stay free)."""
    reused = min(wanted, free.size)
    fresh = np.arange(n, n + wanted - reused, dtype=np.int32)
    return np.concatenate([free[free.size - reused :][::-1], fresh]), free[: free.size - reused]


class Population:
    """A struct of arrays. Rows [0, n) are in use or holes; rows beyond are free."""

    def __init__(self, capacity: int, hole_risk: int, crew: Crew = _ALONE) -> None:
        self.capacity, self.n, self.hole_risk, self._crew = max(capacity, 1), 0, hole_risk, crew
        self._arrays = {name: self._empty(name, self.capacity) for name in _ARRAYS}
        self._data = self._views()
        self._free = np.zeros(0, np.int32)
        self._taken: list[np.ndarray] = []

    def _empty(self, name: str, size: int) -> np.ndarray:
        """`size` holes of a field, or of the fields of RECORD."""
        if name == _RECORDS:
            one = np.array((*(FIELDS[field][1] for field in _TOGETHER), 0), RECORD)
            words = np.empty((size, RECORD.itemsize // 8), np.uint64)  # all fields in one pass
            self._crew.run(_write, size, words, one.reshape(1).view(np.uint64))
            return words.view(RECORD).reshape(size)
        dtype, hole = FIELDS[name]
        if hole == 0 and name != "risk":
            return np.zeros(size, dtype)  # pages are allocated at the first write
        array = np.empty(size, dtype)
        self._crew.run(_write, size, array, self.hole_risk if name == "risk" else hole)
        return array

    def _views(self) -> dict[str, np.ndarray]:
        records = self._arrays[_RECORDS]
        return {name: records[name] if name in _TOGETHER else self._arrays[name] for name in FIELDS}

    def __getitem__(self, field: str) -> np.ndarray:
        """Live view, shape [n], holes included. Take it afresh after `reserve`."""
        return self._data[field][: self.n]

    @property
    def columns(self) -> Columns:
        """Full-length arrays for kernels. Take them afresh after `reserve`."""
        return Columns(**self._data)

    @property
    def alive(self) -> np.ndarray:
        """bool[n]: rows that hold a person."""
        return self["status"] != HOLE

    def count(self) -> int:
        """Number of people."""
        return self.n - self._free.size

    def fill(self, columns: dict[str, np.ndarray]) -> None:
        """Put in the opening residents, one row each."""
        n = columns["key"].size
        self.reserve(n)
        self._crew.run(_copy, n, columns, self._data)
        self.n = n

    def resume(self, columns: dict[str, np.ndarray], free: np.ndarray) -> None:
        """Put back rows [0, n) of every field, holes included, and the list of free rows."""
        self.fill(columns)
        self._free = free.astype(np.int32)

    @property
    def free_rows(self) -> np.ndarray:
        """int32: rows to be reused, the next one last."""
        return self._free

    def free(self, rows: np.ndarray) -> None:
        """Give rows back. They are reused from the next call of `take` on."""
        self._free = np.concatenate([self._free, rows.astype(np.int32)])

    def take(self, n: int) -> np.ndarray:
        """int32[n] rows for newcomers: holes first, then fresh rows at the end."""
        fresh = max(n - self._free.size, 0)
        rows, self._free = next_rows(self._free, self.n, n)
        self.reserve(self.n + fresh)
        self.n += fresh
        self._taken.append(rows)
        return rows

    @property
    def newcomers(self) -> np.ndarray:
        """int32: rows that newcomers have taken since the month began, some of them holes by now. A
        row that was taken, freed and taken again is named twice."""
        return np.concatenate([np.zeros(0, np.int32), *self._taken])

    def begin_month(self) -> None:
        """Clear the list of newcomers."""
        self._taken = []

    def reserve(self, n: int) -> None:
        """Make room for n rows; grows by half so that copying stays rare."""
        if n <= self.capacity:
            return
        capacity = max(n, self.capacity + self.capacity // 2)
        self._data = {}
        for name in _ARRAYS:
            grown = self._empty(name, capacity)
            grown[: self.n] = self._arrays[name][: self.n]
            self._arrays[name] = grown
        self._data = self._views()
        self.capacity = capacity

    def nbytes(self) -> int:
        """Bytes of all columns at their full length."""
        return sum(array.nbytes for array in self._arrays.values())

    def permute(self, order: np.ndarray) -> None:
        """Put the rows [0, n) in another order; references to principals follow."""
        place = np.empty(self.n, np.int32)
        place[order] = np.arange(self.n, dtype=np.int32)
        for column in self._data.values():
            column[: self.n] = column[: self.n][order]
        principal = self._data["principal"][: self.n]
        has = principal >= 0
        principal[has] = place[principal[has]]
        self._free = place[self._free]
        self._taken = [place[rows] for rows in self._taken]
