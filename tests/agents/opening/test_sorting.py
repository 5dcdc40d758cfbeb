"""Rows sorted by group and word: equal to a comparison sort, whatever the sizes."""

import numpy as np
import pytest

from sim.agents.opening.sorting import KEYS, ranked


@pytest.mark.parametrize(("n", "groups"), [(0, 3), (1, 1), (2, 1), (500, 1), (500, 90), (3000, 7)])
def test_order_is_that_of_a_comparison_sort(n: int, groups: int):
    rng = np.random.default_rng(n + groups)
    group = rng.integers(0, groups, n).astype(np.int32)
    word = rng.integers(0, 2**64, n, np.uint64)
    assert ranked(group, word, groups, KEYS).tolist() == np.lexsort((word, group)).tolist()


def test_equal_and_extreme_words_keep_their_order():
    word = np.array([KEYS, 0, 5, KEYS, 0, 5, 5], np.uint64)
    group = np.zeros(word.size, np.int32)
    assert ranked(group, word, 1, KEYS).tolist() == [1, 4, 2, 5, 6, 0, 3]


def test_words_may_crowd_together():
    rng = np.random.default_rng(3)
    word = rng.integers(0, 50, 400).astype(np.uint64)
    group = rng.integers(0, 4, 400)
    order = ranked(group, word, 4, np.uint64(1 << 40))
    assert order.tolist() == np.lexsort((word, group)).tolist()
