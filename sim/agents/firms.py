"""The firms of a run as columns of numbers, one row per establishment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np

HOLE: Final = 255
"""Status of a row that no firm uses."""

FIRM_FIELDS: Final = {  # name: (dtype, value in a hole, whether there is one for each tier)
    "key": (np.uint64, 0, False),  # permanent identity
    "sector": (np.uint8, 0, False),
    "size": (np.uint8, 0, False),
    "municipality": (np.int16, 0, False),
    "status": (np.uint8, HOLE, False),  # order of the configuration's firms.statuses
    "until": (np.int16, 0, False),  # month in which the status ends, 0 = not by itself
    "support": (np.uint8, 0, False),  # bits in the order of the configuration's firms.support
    "opened": (np.int16, 0, False),
    "notice": (np.int16, 0, False),  # month from which nobody may be employed, 0 = none
    "wanted": (np.float32, 0, True),  # jobs at the opening, before the growth of demand
    "heads": (np.int32, 0, True),  # migrants employed
    "vacancies": (np.int16, 0, True),  # open this month
    "pending": (np.int16, 0, True),  # recruited abroad and not yet here
}


class Firms(NamedTuple):
    """The fields as bare arrays for kernels, each of length capacity; T tiers."""

    key: np.ndarray
    sector: np.ndarray
    size: np.ndarray
    municipality: np.ndarray
    status: np.ndarray
    until: np.ndarray
    support: np.ndarray
    opened: np.ndarray
    notice: np.ndarray
    wanted: np.ndarray  # [capacity, T], as all below
    heads: np.ndarray
    vacancies: np.ndarray
    pending: np.ndarray


@dataclass
class FirmBook:
    """What a run remembers of its firms beside them.

    Sectors K, sizes Z, tiers T, prefectures P, years Y.
    """

    demand: np.ndarray  # float64[K, T] growth of the jobs that a firm wants since the opening
    extent: np.ndarray  # float64[K] growth of the number of firms meant since the opening
    usual: np.ndarray  # float64[K, Z, T] jobs that a firm of its kind wanted at the opening
    cells: np.ndarray  # int64[K, Z, P] firms at the opening
    years: np.ndarray  # float64[Y] since the start of the projection, as months
    pull: np.ndarray  # float64[M + 1] cumulated pull of municipalities on firms
    workforce: np.ndarray  # float64[Y, P] local people of working age, relative to the opening


class FirmSet:
    """Rows [0, n) of `columns` are in use, holes among them; rows beyond wait."""

    def __init__(self, n_tiers: int, capacity: int, book: FirmBook) -> None:
        self.n = 0
        self.n_tiers = n_tiers
        self.capacity = capacity
        self.book = book
        self.seen = np.zeros((book.extent.size, 3), np.int64)
        """Firms, workers and vacancies by sector, as this month's plan found and left them."""
        self._data = {name: self._empty(name, capacity) for name in FIRM_FIELDS}
        self._free = np.zeros(0, np.int32)

    def _empty(self, name: str, size: int) -> np.ndarray:
        dtype, hole, by_tier = FIRM_FIELDS[name]
        return np.full((size, self.n_tiers) if by_tier else size, hole, dtype)

    def __getitem__(self, field: str) -> np.ndarray:
        """Live view, shape [n] or [n, T], holes included. Take it afresh after `reserve`."""
        return self._data[field][: self.n]

    @property
    def columns(self) -> Firms:
        """Full-length arrays for kernels. Take them afresh after `reserve`."""
        return Firms(**self._data)

    @property
    def alive(self) -> np.ndarray:
        """bool[n]: rows that hold a firm."""
        return self["status"] != HOLE

    def count(self) -> int:
        """Number of firms."""
        return self.n - self._free.size

    @property
    def free_rows(self) -> np.ndarray:
        """int32: rows to be reused, the next one last."""
        return self._free

    def fill(self, columns: dict[str, np.ndarray], free: np.ndarray | None = None) -> None:
        """Put in rows [0, n) of every field, and the list of free rows if there are holes."""
        n = columns["key"].size
        self.reserve(n)
        for name, values in columns.items():
            self._data[name][:n] = values
        self.n = n
        self._free = np.zeros(0, np.int32) if free is None else free.astype(np.int32)

    def free(self, rows: np.ndarray) -> None:
        """Make these rows holes. They are reused from the next call of `take` on."""
        if rows.size == 0:
            return
        for name, (_, hole, _) in FIRM_FIELDS.items():
            self._data[name][rows] = hole
        self._free = np.concatenate([self._free, rows.astype(np.int32)])

    def take(self, n: int) -> np.ndarray:
        """int32[n] rows for new firms: holes first, then fresh rows at the end."""
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

    def kept(self) -> dict[str, np.ndarray]:
        """All that a checkpoint needs, by name; `resumed` makes the same firms of it."""
        columns = {name: self[name] for name in FIRM_FIELDS}
        book = {f"book.{field.name}": getattr(self.book, field.name) for field in fields(FirmBook)}
        return {**columns, "free": self._free, **book}

    @classmethod
    def resumed(cls, arrays: dict[str, np.ndarray]) -> FirmSet:
        """The firms that `kept` described."""
        book = FirmBook(**{field.name: arrays[f"book.{field.name}"] for field in fields(FirmBook)})
        n, n_tiers = arrays["wanted"].shape
        made = cls(n_tiers, int(n * 1.3) + 1024, book)
        made.fill({name: arrays[name] for name in FIRM_FIELDS}, arrays["free"])
        return made

    def nbytes(self) -> int:
        """Bytes of all columns at their full length."""
        return sum(column.nbytes for column in self._data.values())

    def permute(self, order: np.ndarray) -> np.ndarray:
        """Put the rows [0, n) in another order; returns int32[n], the new row of each old one."""
        place = np.empty(self.n, np.int32)
        place[order] = np.arange(self.n, dtype=np.int32)
        for column in self._data.values():
            column[: self.n] = column[: self.n][order]
        self._free = place[self._free]
        return place


def bytes_per_firm(n_tiers: int) -> int:
    """Bytes of one row."""
    return sum(
        np.dtype(dtype).itemsize * (n_tiers if by_tier else 1)
        for dtype, _, by_tier in FIRM_FIELDS.values()
    )
