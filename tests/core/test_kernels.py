"""Borrowed arrays: what a kernel may borrow, and that nothing is freed twice."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from sim.core.kernels import borrow

FREED_TWICE = """
from typing import NamedTuple
import numpy as np
from numba import njit
from sim.core.kernels import borrow

class Pair(NamedTuple):  # members of one type: Numba has another kind of tuple for these
    x: np.ndarray
    y: np.ndarray

class Outer(NamedTuple):
    pair: Pair
    number: int

@njit(nogil=True)
def kernel(outer):
    outer = borrow(outer)
    pair = borrow(outer.pair)

outer = Outer(Pair(np.arange(1000), np.zeros(1000, np.int64)), 1)
for n in range(200):
    kernel(outer)
    junk = [np.zeros(n + j) for j in range(50)]
"""


def test_arrays_of_a_named_tuple_of_one_type_are_not_freed_twice():
    # In a process of its own: a double free ends the process.
    done = subprocess.run([sys.executable, "-c", FREED_TWICE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Pair(NamedTuple):
    x: np.ndarray
    y: np.ndarray


class Outer(NamedTuple):
    pair: Pair
    number: int


@njit
def add(outer):
    outer = borrow(outer)
    total = np.int64(outer.number)
    for k in range(outer.pair.x.size):
        outer.pair.y[k] += outer.pair.x[k]
        total += outer.pair.y[k]
    return total


def test_nested_named_tuples_are_borrowed_with_their_values():
    y = np.ones(4, np.int64)
    assert add(Outer(Pair(np.arange(4), y), 10)) == 20
    assert y.tolist() == [1, 2, 3, 4]


@njit
def borrow_anything(value):
    borrow(value)


@pytest.mark.parametrize(
    "value", [(np.zeros(1), np.zeros(1)), "text", (np.zeros(1), 1)], ids=["pair", "text", "mixed"]
)
def test_what_is_no_array_number_or_named_tuple_is_refused(value):
    with pytest.raises(TypingError, match="borrow takes arrays, numbers and named tuples"):
        borrow_anything(value)
