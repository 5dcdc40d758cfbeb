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
from sim.agents.state import State
from sim.core.kernels import borrow, prefetch
from sim.model.model import Kyosei
from sim.processes.fates import fetch

WATCHED: Final = 10_000
"""Opening residents who are watched, at least; everybody, in a run with fewer. Looking at people is
waiting for memory, and ten thousand in each of eight replicates say a share to 0.2 points."""

LEFT_OUT: Final = {"key", "risk", "event", "principal", "firm"}
"""The key is who they are; the others are of the month, or numbers of rows that say nothing."""

AHEAD: Final = 12
"""Watched rows ahead of the one in work whose columns are fetched."""


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
def fold(rows, keys, digest, people, month, here):
    """Fold a month of those who live in `rows`, int64[W], into their digests, uint64[W].

    keys uint64[W]: who they are; here bool[W] out: whether they, and nobody else, live there.
    """
    people = borrow(people)
    for k in range(rows.size):
        ahead = rows[min(k + AHEAD, rows.size - 1)]
        fetch(people, ahead)
        prefetch(people.key, ahead)
        prefetch(people.permit_end, ahead)
        prefetch(people.job_since, ahead)
        i = rows[k]
        here[k] = people.status[i] != HOLE and people.key[i] == keys[k]
        if not here[k]:
            continue
        bits = people.language[i] << 8 | people.arrears[i] << 4 | people.traits[i]
        words = (
            _word(
                people.born[i],
                people.entered[i],
                people.since[i],
                people.status[i],
                people.stage[i],
            ),
            _word(
                people.permit_end[i],
                people.municipality[i],
                people.counting[i],
                people.origin[i],
                people.sex[i],
            ),
            _word(people.job_since[i], bits, month, people.permit_months[i], people.sector[i]),
        )
        for word in words:
            digest[k] = _mix(digest[k] ^ _mix(word))


class Histories:
    """Watches a run: `histories(model)` after the opening and after each month.

    `keys` uint64[K] in order and `digests` uint64[K] are those of everybody watched who ever
    lived there; one person in `every` is watched.
    """

    def __init__(self) -> None:
        self.every = 0
        self._rows = np.zeros(0, np.int64)  # where those are who are watched
        self._keys, self._digests = np.zeros((2, 0), np.uint64)  # and who they are
        self._ended: list[tuple[np.ndarray, np.ndarray]] = []

    def copied(self) -> Histories:
        """Another one that has seen the same."""
        other = Histories()
        other.every, other._ended = self.every, list(self._ended)
        other._rows, other._keys = self._rows.copy(), self._keys.copy()
        other._digests = self._digests.copy()
        return other

    def __call__(self, model: Kyosei) -> None:
        state = model.state
        opening = not self.every
        if opening:
            self.every = 1 << max(int(state.people.count() / WATCHED).bit_length() - 1, 0)
        self._meet(state, opening)
        here = np.empty(self._rows.size, np.bool_)
        fold(self._rows, self._keys, self._digests, state.people.columns, state.month, here)
        if not here.all():  # some have gone: nobody, or somebody else, is where they were
            self._ended.append((self._keys[~here], self._digests[~here]))
            self._rows, self._keys = self._rows[here], self._keys[here]
            self._digests = self._digests[here]

    def _meet(self, state: State, opening: bool) -> None:
        """Those who are here for the first time: everybody, or whoever entered this month."""
        p = state.people
        new = np.arange(p.n) if opening else p.newcomers.astype(np.int64)
        new = np.unique(new[(p["key"][new] & np.uint64(self.every - 1)) == 0])
        new = new[p["status"][new] != HOLE]
        keys = p["key"][new]
        self._rows = np.concatenate([self._rows, new])
        self._keys = np.concatenate([self._keys, keys])
        self._digests = np.concatenate([self._digests, keys])

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """(keys, digests), in order of key."""
        parts = [*self._ended, (self._keys, self._digests)]
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
