"""Whose whole life is the same in two runs: a digest of each person's months.

A digest is 64 bits that change with every column of every month in which the person is there, so
two people of one key have equal digests if their histories are equal, and otherwise with a chance
of 2**-64. It is kept for one person in 1, 2, 4 ... by identity, the same people in every run.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import FIELDS, HOLE
from sim.model import Kyosei
from sim.state import State

WATCHED: Final = 50_000
"""Opening residents who are watched, at least; everybody, in a run with fewer."""
_LEFT_OUT: Final = {"key", "risk", "event", "principal", "firm"}
"""The key is who they are; the others are of the month, or numbers of rows that say nothing."""


@njit(cache=True, forceinline=True)
def _mix(word):
    """A bijection of 64 bits in which every bit of the word moves half of the result."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(cache=True, nogil=True)
def accumulate(values, month, rows, digests):
    """Fold one column of a month into the digests of `rows`; values[rows] are integers."""
    for i in range(rows.size):
        r = rows[i]
        digests[r] = _mix(digests[r] ^ _mix(np.uint64(np.int64(values[r])) + np.uint64(month)))


class Histories:
    """Watches a run: `histories(model)` after the opening and after each month.

    `keys` uint64[K] in order and `digests` uint64[K] are those of everybody watched who ever
    lived there; one person in `every` is watched.
    """

    def __init__(self) -> None:
        self.every = 0
        self._owner = np.zeros(0, np.uint64)  # by row: whose digest it is; 0 nobody's
        self._digest = np.zeros(0, np.uint64)
        self._ended: list[tuple[np.ndarray, np.ndarray]] = []
        self._columns = [name for name in FIELDS if name not in _LEFT_OUT]

    def __call__(self, model: Kyosei) -> None:
        state = model.state
        if not self.every:
            self.every = 1 << max(int(state.people.count() / WATCHED).bit_length() - 1, 0)
        self._watch(state)

    def _watch(self, state: State) -> None:
        people = state.people
        if self._owner.size < people.n:
            grown = np.zeros((2, people.capacity), np.uint64)
            grown[0, : self._owner.size], grown[1, : self._owner.size] = self._owner, self._digest
            self._owner, self._digest = grown
        key = people["key"]
        here = (people["status"] != HOLE) & (key & np.uint64(self.every - 1) == 0)
        known = self._owner[: people.n]
        self._end(np.flatnonzero((known != 0) & (~here | (known != key))))
        rows = np.flatnonzero(here)
        new = rows[known[rows] == 0]
        self._owner[new] = key[new]
        self._digest[new] = key[new]
        for name in self._columns:
            accumulate(people[name], state.month, rows, self._digest)

    def _end(self, rows: np.ndarray) -> None:
        if rows.size:
            self._ended.append((self._owner[rows], self._digest[rows]))
            self._owner[rows] = 0

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """(keys, digests), in order of key."""
        living = np.flatnonzero(self._owner)
        parts = [*self._ended, (self._owner[living], self._digest[living])]
        keys, digests = (np.concatenate([part[k] for part in parts]) for k in range(2))
        order = np.argsort(keys, kind="stable")
        return keys[order], digests[order]


def equal_share(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> tuple[int, int]:
    """(people in either run, of them those with one history in both).

    Each run is keys uint64 in order and digests uint64. Who is in one run only is not equal.
    """
    both, here, there = np.intersect1d(one[0], other[0], assume_unique=True, return_indices=True)
    same = int((one[1][here] == other[1][there]).sum())
    return one[0].size + other[0].size - both.size, same
