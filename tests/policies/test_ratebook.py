"""Rates by month: law in force, events and scenario edits, in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.policies.ratebook import RateBook
from tests.helpers import tiny

JULY, AUGUST = month_index("2025-07"), month_index("2025-08")


def book(*edits: dict[str, Any], change: dict[str, Any] | None = None) -> tuple[RateBook, State]:
    """The rate book of a scenario with these edits."""
    named = {f"edit_{k}": edit for k, edit in enumerate(edits)}
    state = tiny.state(with_edits(named, change), tiny.columns(5))
    return state.policy, state


def with_edits(named: dict[str, Any], change: dict[str, Any] | None = None) -> RunConfig:
    return tiny.config({"scenario.edits": named, **(change or {})})


def edit(*paths: str, since: str = "2025-07", **body: Any) -> dict[str, Any]:
    return {"paths": list(paths), "since": since, **body}


def rate(rates: RateBook, state: State, path: str, month: int = JULY) -> float:
    row = [name.path for name in state.rates.names].index(path)
    return float(rates.base(month)[row])


LEAVE = "worker.monthly.leave"


def test_without_edits_the_base_is_the_table():
    rates, state = book()
    assert np.array_equal(rates.base(JULY), state.rates.base)
    assert rate(rates, state, LEAVE) == 0.15


def test_an_edit_holds_from_its_first_to_its_last_month():
    rates, state = book(edit(LEAVE, since="2025-08", until="2025-09", multiply=2.0))
    seen = [rate(rates, state, LEAVE, JULY + k) for k in range(4)]
    assert seen == pytest.approx([0.15, 0.3, 0.3, 0.15])


def test_a_glob_reaches_many_and_only_those():
    rates, state = book(edit("*.monthly.leave", "learner.*", multiply=3.0))
    paths = [name.path for name in state.rates.names]
    ratio = rates.base(JULY)[: len(paths)] / np.maximum(state.rates.base[: len(paths)], 1e-300)
    for path, times in zip(paths, ratio, strict=True):
        hit = path.endswith(".monthly.leave") or path.startswith("learner.")
        assert times == pytest.approx(3.0 if hit else 1.0) or times == 0.0, path


def test_set_comes_before_multiply_whatever_the_order():
    set_it, double = edit(LEAVE, set=0.4), edit(LEAVE, multiply=2.0)
    one, state = book(set_it, double)
    other, _ = book(double, set_it)
    assert rate(one, state, LEAVE) == rate(other, state, LEAVE) == pytest.approx(0.8)


def test_disjoint_edits_commute():
    a, b = edit(LEAVE, multiply=2.0), edit("learner.monthly.leave", multiply=0.5)
    assert np.array_equal(book(a, b)[0].base(JULY), book(b, a)[0].base(JULY))


@settings(max_examples=10)
@given(st.permutations([1.1, 1.3, 0.7, 3.0, 0.1]))
def test_overlapping_multipliers_commute_to_the_bit(factors: list[float]):
    """Products of floats do not, unless somebody orders them."""
    rates, _ = book(*(edit("*", "arrivals.*", multiply=factor) for factor in factors))
    known, _ = book(*(edit("*", "arrivals.*", multiply=f) for f in (0.1, 0.7, 1.1, 1.3, 3.0)))
    assert np.array_equal(rates.base(JULY), known.base(JULY))
    assert np.array_equal(rates.arrival_factor(JULY), known.arrival_factor(JULY))


def test_the_same_array_while_nothing_changes():
    """Bounds are made anew when the array is another one, so it must be the same one."""
    rates, _ = book(edit(LEAVE, since="2025-09", multiply=2.0))
    assert rates.base(JULY) is rates.base(AUGUST)
    assert rates.base(JULY) is not rates.base(AUGUST + 1)
    assert rates.base(AUGUST + 1) is rates.base(AUGUST + 40)


def test_the_table_itself_is_never_written():
    rates, state = book(edit("*", multiply=5.0))
    before = state.rates.base.copy()
    rates.base(JULY)[:] = -1.0
    assert np.array_equal(state.rates.base, before)


def test_events_and_scenario_add_up():
    event = {**tiny.A, "title": tiny.label("Event"), "edits": {"more": edit(LEAVE, multiply=3.0)}}
    rates, state = book(edit(LEAVE, multiply=2.0), change={"event": {"happened": event}})
    assert {e.name for e in rates.edits} == {"event.happened.more", "scenario.edit_0"}
    assert rate(rates, state, LEAVE) == pytest.approx(0.9)


def test_a_fate_out_of_law_is_zero_even_if_an_edit_sets_it():
    change = {"status.worker.monthly.leave.since": "2025-09"}
    rates, state = book(edit(LEAVE, set=0.4), change=change)
    assert rate(rates, state, LEAVE, AUGUST) == 0.0
    assert rate(rates, state, LEAVE, AUGUST + 1) == 0.4


def test_a_status_out_of_law_cannot_be_entered():
    change = {"status.permanent.until": "2025-07"}
    rates, state = book(change=change)
    assert rate(rates, state, "worker.monthly.permanent", JULY) == 0.3
    assert rate(rates, state, "worker.monthly.permanent", AUGUST) == 0.0
    assert rate(rates, state, LEAVE, AUGUST) == 0.15


def test_arrivals_are_multiplied_by_status():
    half = edit("arrivals.worker", since="2025-08", multiply=0.5)
    rates, state = book(half, edit("arrivals.*", since="2025-08", multiply=0.8))
    factor = dict(zip(state.rates.codes.statuses, rates.arrival_factor(AUGUST), strict=True))
    assert factor["worker"] == pytest.approx(0.4)
    assert factor["learner"] == pytest.approx(0.8)
    assert (rates.arrival_factor(JULY) == 1.0).all()
