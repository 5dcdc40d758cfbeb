"""The struct of arrays: rows are filled, freed, reused, grown and rearranged; nobody is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.agents.population import BYTES_PER_PERSON, FIELDS, HOLE, RECORD, Population
from sim.core.clock import NEVER

HOLE_RISK = 77


def filled(n: int = 5, capacity: int = 8) -> Population:
    people = Population(capacity, HOLE_RISK)
    people.fill({
        "key": np.arange(100, 100 + n, dtype=np.uint64),
        "status": np.arange(n, dtype=np.uint8),
        "principal": np.array([-1, 0, 0, 1, -1][:n], np.int32),
    })  # fmt: skip
    return people


def leave(people: Population, rows: list[int]) -> None:
    people["status"][rows] = HOLE
    people.free(np.array(rows))


def test_a_person_takes_less_than_a_hundred_bytes():
    assert BYTES_PER_PERSON < 100
    people = Population(1000, HOLE_RISK)
    assert people.nbytes() == 1000 * BYTES_PER_PERSON


def test_what_is_not_filled_is_as_in_a_hole():
    people = filled()
    assert people.count() == people.n == 5
    assert people["permit_end"].tolist() == [NEVER] * 5
    assert people["risk"].tolist() == [HOLE_RISK] * 5
    assert people.columns.status[5:].tolist() == [HOLE] * 3
    assert all(getattr(people.columns, name).dtype == FIELDS[name][0] for name in FIELDS)


def test_freed_rows_are_reused_before_fresh_ones():
    people = filled()
    leave(people, [1, 3])
    assert people.count() == 3
    assert people.alive.tolist() == [True, False, True, False, True]
    rows = people.take(3)
    assert sorted(rows.tolist()) == [1, 3, 5]
    assert (people.n, people.count()) == (6, 6)
    assert people.take(0).size == 0


def test_newcomers_of_a_month_are_known():
    """A row that was taken, freed and taken again is named twice."""
    people = filled()
    leave(people, [1, 3])
    people.take(3)
    leave(people, [3])
    people.take(1)
    assert sorted(people.newcomers.tolist()) == [1, 3, 3, 5]
    people.begin_month()
    assert people.newcomers.size == 0


def test_fields_that_stand_together_do_not_lie_across_lines_of_the_cache():
    assert RECORD.itemsize == 16
    born = Population(100, HOLE_RISK).columns.born
    assert born.strides == (16,)
    assert born.ctypes.data % 16 == 0


def test_growing_keeps_everybody():
    people = filled()
    before = {name: people[name].copy() for name in FIELDS}
    rows = people.take(50)
    assert people.capacity >= 55
    assert rows.tolist() == list(range(5, 55))
    assert all(np.array_equal(people[name][:5], before[name]) for name in FIELDS)
    assert (people["status"][5:] == HOLE).all()


def test_views_are_live_until_the_population_grows():
    people = filled()
    status = people["status"]
    people.columns.status[2] = 9
    assert status[2] == 9


def test_permuting_moves_references_and_holes():
    people = filled()
    leave(people, [2])
    people["principal"][2] = -1
    people.permute(np.array([4, 3, 2, 1, 0]))
    assert people["key"].tolist() == [104, 103, 102, 101, 100]
    principal = people["principal"]
    assert [int(people["key"][row]) if row >= 0 else None for row in principal] == [
        None, 101, None, 100, None,
    ]  # fmt: skip
    assert people.take(1).tolist() == [2]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12), st.randoms())
def test_nobody_is_lost_or_doubled(steps: list[tuple[int, int]], rng: object):
    """Come and go in any order: rows in use are distinct and as many as people."""
    people, living, ever = Population(1, HOLE_RISK), set(), 0
    for come, go in steps:
        rows = people.take(come).tolist()
        assert len(set(rows)) == come
        assert not set(rows) & living
        for row in rows:
            people["status"][row], people["key"][row] = 0, ever
            ever += 1
        living |= set(rows)
        gone = rng.sample(sorted(living), min(go, len(living)))  # type: ignore[attr-defined]
        leave(people, gone)
        living -= set(gone)
        assert people.count() == len(living)
        assert set(np.flatnonzero(people.alive).tolist()) == living
        assert people.n <= people.capacity
    keys = people["key"][people.alive]
    assert np.unique(keys).size == keys.size


def test_an_unknown_field_is_refused():
    with pytest.raises(KeyError):
        filled()["wage"]
