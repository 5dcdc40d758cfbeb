"""Whose whole life is the same in two runs: a digest of each person's months.

A digest is 64 bits that change with every column of every month in which the person is there, so
two people of one key have equal digests if their histories are equal, and otherwise with a chance
of 2**-64. It is kept for one person in 1, 2, 4 ... by identity, the same people in every run.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.borrow import borrow
from sim.model import Kyosei
from sim.state import State

WATCHED: Final = 50_000
"""Opening residents who are watched, at least; everybody, in a run with fewer."""
LEFT_OUT: Final = {"key", "risk", "event", "principal", "firm"}
"""The key is who they are; the others are of the month, or numbers of rows that say nothing."""


BLOCK: Final = 4096


@njit(cache=True, forceinline=True)
def _mix(word):
    """A bijection of 64 bits in which every bit of the word moves half of the result."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(cache=True, forceinline=True)
def _word(a, b, c, d, e):
    """Three numbers of 16 bits and two of 8 as one of 64."""
    wide = np.uint64(0xFFFF)
    out = (np.uint64(a) & wide) << np.uint64(48) | (np.uint64(b) & wide) << np.uint64(32)
    return (
        out | (np.uint64(c) & wide) << np.uint64(16) | np.uint64(d) << np.uint64(8) | np.uint64(e)
    )


@njit(cache=True, nogil=True)
def watch(n, p, month, left_out, owner, digest, ended_keys, ended_digests):
    """Fold a month of the people in rows [0, n) into their digests; returns how many have gone.

    People are watched whose key has none of the bits `left_out`. owner uint64[n] is whose digest
    uint64[n] a row holds, 0 nobody's. Those who have gone are written to ended_*, uint64[n].
    """
    p = borrow(p)
    gone, rows = 0, np.zeros(BLOCK, np.int32)
    for lower in range(0, n, BLOCK):
        upper = min(lower + BLOCK, n)
        keys, owners = p.key[lower:upper], owner[lower:upper]
        some = np.int64(0)
        for j in range(upper - lower):  # few are watched: no branch on who is
            rows[some] = j
            some += np.int64(keys[j] & left_out == 0) | np.int64(owners[j] != 0)
        for k in range(some):
            i = lower + np.int64(rows[k])
            here = p.status[i] != HOLE and p.key[i] & left_out == 0
            if owner[i] != 0 and not (here and owner[i] == p.key[i]):
                ended_keys[gone], ended_digests[gone] = owner[i], digest[i]
                owner[i] = 0
                gone += 1
            if not here:
                continue
            if owner[i] == 0:
                owner[i], digest[i] = p.key[i], p.key[i]
            bits = p.language[i] << 8 | p.arrears[i] << 4 | p.traits[i]
            words = (
                _word(p.born[i], p.entered[i], p.since[i], p.status[i], p.stage[i]),
                _word(p.permit_end[i], p.municipality[i], p.counting[i], p.origin[i], p.sex[i]),
                _word(p.job_since[i], bits, month, p.permit_months[i], p.sector[i]),
            )
            for word in words:
                digest[i] = _mix(digest[i] ^ _mix(word))
    return gone


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

    def copied(self) -> Histories:
        """Another one that has seen the same."""
        other = Histories()
        other.every, other._ended = self.every, list(self._ended)
        other._owner, other._digest = self._owner.copy(), self._digest.copy()
        return other

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
        ended = np.empty((2, people.n), np.uint64)
        left_out = np.uint64(self.every - 1)
        gone = watch(
            people.n, people.columns, state.month, left_out, self._owner, self._digest, *ended
        )
        if gone:
            self._ended.append((ended[0, :gone].copy(), ended[1, :gone].copy()))

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
