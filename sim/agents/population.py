"""People as one array per field; a row that nobody uses is a hole."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from sim.clock import NEVER

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
BYTES_PER_PERSON: Final = sum(np.dtype(dtype).itemsize for dtype, _ in FIELDS.values())


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


class Population:
    """A struct of arrays. Rows [0, n) are in use or holes; rows beyond are free."""

    def __init__(self, capacity: int, hole_risk: int) -> None:
        self.capacity, self.n, self.hole_risk = max(capacity, 1), 0, hole_risk
        self._data = {name: self._empty(name, self.capacity) for name in FIELDS}
        self._free = np.zeros(0, np.int32)

    def _empty(self, name: str, size: int) -> np.ndarray:
        dtype, hole = FIELDS[name]
        if hole == 0 and name != "risk":
            return np.zeros(size, dtype)  # memory that nobody has written to costs nothing yet
        return np.full(size, self.hole_risk if name == "risk" else hole, dtype)

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
        for name, values in columns.items():
            self._data[name][:n] = values
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
        reused = min(n, self._free.size)
        rows = self._free[self._free.size - reused :][::-1]
        self._free = self._free[: self._free.size - reused]
        fresh = n - reused
        self.reserve(self.n + fresh)
        rows = np.concatenate([rows, np.arange(self.n, self.n + fresh, dtype=np.int32)])
        self.n += fresh
        return rows

    def reserve(self, n: int) -> None:
        """Make room for n rows; grows by half so that copying stays rare."""
        if n <= self.capacity:
            return
        capacity = max(n, self.capacity + self.capacity // 2)
        for name, old in self._data.items():
            grown = self._empty(name, capacity)
            grown[: self.n] = old[: self.n]
            self._data[name] = grown
        self.capacity = capacity

    def nbytes(self) -> int:
        """Bytes of all columns at their full length."""
        return sum(column.nbytes for column in self._data.values())

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
