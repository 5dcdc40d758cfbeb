"""The lives of some residents, followed month by month, in a run that is asked for them.

Who is followed hangs on identity alone: all whose key is below a bound, set so that as many of the
opening residents are as were asked for. Of those who come later it is the same share, and in all
arms of a comparison the same people. Following changes nothing in a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

EVERYBODY: Final = np.uint64(2**64 - 1)

STATE: Final = ("status", "municipality", "employer", "permit_end")
"""What a spell is a time of. The employer is its firm's key, 0 for none."""

WAYS: Final = ("opening", "arrival", "family", "birth")
"""How people come to be followed."""

OPENING, ARRIVAL, FAMILY, BIRTH = range(len(WAYS))

AGE_STEP, AGES = 5, 23
"""Years of a band of ages, and how many there are."""

DURATIONS: Final = 11
"""Completed years in the status: 0 to 9, and 10 or more."""

CELLS: Final = (2, AGES, DURATIONS)
"""Sex, age and duration."""


class Came(NamedTuple):
    """People who began to be followed in a month."""

    month: int
    key: np.ndarray  # uint64[P]
    way: np.ndarray  # int64[P]: number in WAYS
    status: np.ndarray  # uint8[P], after whatever else befell them in the month
    origin: np.ndarray  # uint8[P]
    sex: np.ndarray  # uint8[P]
    born: np.ndarray  # int16[P]: month
    entered: np.ndarray  # int16[P]: month of first entry


class Met(NamedTuple):
    """Fates that followed people met in a month; those of one person in order of time."""

    month: int
    key: np.ndarray  # uint64[E]
    fate: np.ndarray  # int32[E]


class Begun(NamedTuple):
    """Spells that begin with a month: who is in another state at its end than at its beginning."""

    month: int
    key: np.ndarray  # uint64[B], ascending
    state: np.ndarray  # uint64[4, B]: see STATE


@dataclass
class Followed:
    """Who is followed now, and what was seen of the followed people so far.

    bound        key below which people are followed
    key, row     uint64[N], int64[N]: those who are there, in order of key, and their rows
    state        uint64[4, N]: at the end of the last month, see STATE
    cell         int64[N]: status, sex, age and duration in the next month, as one number
    exposure     int64[S, 2, AGES, DURATIONS]: months lived, by cell
    occurrences  int64[F, 2, AGES, DURATIONS]: fates met in them, by fate and cell
    """

    bound: np.uint64
    exposure: np.ndarray
    occurrences: np.ndarray
    key: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    row: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    state: np.ndarray = field(default_factory=lambda: np.zeros((len(STATE), 0), np.uint64))
    cell: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    came: list[Came] = field(default_factory=list)
    met: list[Met] = field(default_factory=list)
    begun: list[Begun] = field(default_factory=list)


def nobody_yet(bound: np.uint64, statuses: int, fates: int) -> Followed:
    """Nobody is there, nothing was seen."""
    return Followed(
        bound, np.zeros((statuses, *CELLS), np.int64), np.zeros((fates, *CELLS), np.int64)
    )


def bound_of(keys: np.ndarray, people: int) -> np.uint64:
    """The key below which so many of the keys are; EVERYBODY if there are no more."""
    if people >= keys.size:
        return EVERYBODY
    return np.uint64(np.partition(keys, people)[people])
