"""Queues: what comes is decided or waits, and a backlog slows decisions without refusing anyone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.agents.agencies import certificate_lag, open_agencies
from sim.agents.state import State
from sim.core.clock import month_index
from sim.model.model import Kyosei
from sim.processes.agencies import bound_paces, cases_of, decide_cases, paced
from tests.helpers import civic, tiny

START = month_index(tiny.START)
PEOPLE = 4000.0
"""Residents of the tiny country, for whom its agencies are made."""
QUEUES = ["permits", "certificates", "permanent", "naturalisation"]


@pytest.fixture(scope="module")
def state() -> State:
    return civic.state(civic.config(), tiny.columns(2000))


def row(name: str) -> int:
    return QUEUES.index(name)


def test_queues_are_those_of_the_configuration(state):
    bureau = state.bureau
    assert [name.split(".")[1] for name in bureau.names] == QUEUES
    names = {q: {state.rates.names[f].path for f in bureau.decided[row(q)]} for q in QUEUES}
    assert names["permanent"] == {"worker.monthly.permanent"}
    assert names["naturalisation"] == {f"{s}.monthly.naturalise" for s in tiny.STATUSES}
    assert names["permits"] == names["certificates"] == set()


def test_no_case_is_lost(state):
    params = dict(state.params)
    agencies = open_agencies(state.bureau)
    agencies.waiting[:] = [1000, 1000, 5000, 10]
    start, came, decided = agencies.waiting.copy(), 0, 0
    for k in range(1, 60):
        cases = np.array([700, 300, 80 + k, 7], np.int64)
        decide_cases(agencies, state.bureau, params, START + k, PEOPLE, cases)
        came, decided = came + agencies.cases, decided + agencies.decided
        assert (agencies.cases[:2] == cases[:2]).all()
        assert (agencies.waiting == start + came - decided).all()
        assert (agencies.waiting >= 0).all()


def test_who_waits_is_not_counted_twice(state):
    """Applications that go on for ever at a constant rate do not pile up without end."""
    params, q = dict(state.params), row("permanent")
    agencies = open_agencies(state.bureau)
    cases = np.zeros(4, np.int64)
    for k in range(1, 600):
        decide_cases(agencies, state.bureau, params, START + k, PEOPLE, cases)
        cases[q] = 2 * agencies.capacity[q]
    again = params["agency.immigration.queues.permanent.again"]
    most = 12 * (cases[q] - agencies.capacity[q]) / again
    assert agencies.waiting[q] == pytest.approx(most, rel=0.03)
    assert agencies.cases[q] == pytest.approx(agencies.capacity[q], abs=2)


def test_until_its_month_an_agency_slows_nothing(state):
    agencies = open_agencies(state.bureau)
    decide_cases(
        agencies, state.bureau, dict(state.params), START, PEOPLE, np.full(4, 10**6, np.int64)
    )
    assert (agencies.pace == 1.0).all()
    assert (agencies.owed == 0.0).all()
    assert (agencies.decided == 10**6).all()
    assert (agencies.waiting == 0).all()


def test_officers_decide_what_waits_up_to_their_capacity(state):
    params, q = dict(state.params), row("permanent")
    agencies = open_agencies(state.bureau)
    agencies.waiting[q] = 500
    cases, before = np.zeros(4, np.int64), 500
    for k in range(1, 400):
        busy = k < 49  # later nobody applies beyond what can be decided
        cases[q] = 2 * agencies.capacity[q] if busy else agencies.capacity[q] // 2
        decide_cases(agencies, state.bureau, params, START + k, PEOPLE, cases)
        there = before + agencies.cases[q]
        assert agencies.decided[q] == min(agencies.capacity[q], there)
        before = agencies.waiting[q]
        assert before == there - agencies.decided[q]
        if k == 48:
            assert agencies.pace[q] == pytest.approx(0.5, rel=0.05)
            assert before > 12 * agencies.capacity[q]
    assert before == 0


def test_people_meet_the_decisions_of_the_books(state):
    """Decisions met, applications times the pace in force, add up to those of the books."""
    params, q = dict(state.params), row("permanent")
    agencies, met, decided = open_agencies(state.bureau), 0.0, 0
    cases = np.zeros(4, np.int64)
    for k in range(1, 200):
        cases[q] = round(agencies.capacity[q] * (1.0 + 0.8 * np.sin(k / 9.0)))
        met += cases[q] * agencies.pace[q]
        decide_cases(agencies, state.bureau, params, START + k, PEOPLE, cases)
        decided += agencies.decided[q]
    assert met == pytest.approx(decided, abs=3 * int(agencies.capacity[q]))


def test_more_officers_decide_more(state):
    few, many = dict(state.params), dict(state.params)
    many["agency.immigration.officers"] *= 1.3
    slow, fast = open_agencies(state.bureau), open_agencies(state.bureau)
    cases = np.full(4, 10**5, np.int64)
    for k in range(1, 13):
        decide_cases(slow, state.bureau, few, START + k, PEOPLE, cases)
        decide_cases(fast, state.bureau, many, START + k, PEOPLE, cases)
    for name in ("permits", "certificates", "permanent"):
        q = row(name)
        assert fast.capacity[q] == pytest.approx(1.3 * slow.capacity[q], abs=1.5)
        assert fast.waiting[q] < slow.waiting[q]
    assert certificate_lag(fast, state.bureau) < certificate_lag(slow, state.bureau)
    q = row("naturalisation")  # another agency's officers
    assert fast.waiting[q] == slow.waiting[q]


def test_officers_follow_residents_as_far_as_they_are_said_to(state):
    params = dict(state.params)
    capacity = []
    for residents in (PEOPLE, 2.0 * PEOPLE):
        agencies = open_agencies(state.bureau)
        decide_cases(agencies, state.bureau, params, START + 12, residents, np.zeros(4, np.int64))
        capacity.append(agencies.capacity.copy())
    power = [
        params[f"agency.{name.replace('.', '.queues.')}.follow"] for name in state.bureau.names
    ]
    assert 0.0 < min(power) < max(power) == 1.0
    np.testing.assert_allclose(capacity[1], capacity[0] * 2.0 ** np.array(power), atol=1.5)


def test_the_pace_changes_decisions_of_its_queue_only_and_stays_a_probability(state):
    agencies, base = open_agencies(state.bureau), state.policy.base(START)
    assert paced(agencies, state.bureau, base) is base
    q = row("permanent")
    agencies.pace[q] = 0.4
    slowed = paced(agencies, state.bureau, base)
    rows = state.bureau.grants[q]
    np.testing.assert_allclose(slowed[rows], 0.4 * base[rows])
    others = np.setdiff1d(np.arange(base.size), rows)
    np.testing.assert_array_equal(slowed[others], base[others])
    agencies.pace[:] = 9.0
    bound_paces(agencies, state.bureau, base)
    assert (agencies.pace[[q, row("naturalisation")]] < 9.0).all()
    agencies.pace[:] = 9.0
    assert paced(agencies, state.bureau, base)[np.concatenate(state.bureau.grants)].max() <= 1.0


def test_cases_are_counted_by_kind(state):
    size = state.rates.base.size
    flow = np.zeros(size, np.int64)
    paths = [name.path for name in state.rates.names]
    flow[paths.index("worker.at_end.refused")] = 3  # of those whose permit ended
    flow[state.bureau.grants[row("permanent")]] = 5
    flow[paths.index("partner.when_permanent.settle")] = 2  # the family of those granted
    flow[state.bureau.grants[row("naturalisation")]] = 1
    assert cases_of(state.bureau, flow, 50, 20, 0.5).tolist() == [94, 40, 14, 10]


def run(change: dict[str, Any], people: int = 4000) -> Kyosei:
    model = civic.model(civic.config(change), tiny.columns(people))
    while model.running:
        model.step()
    return model


def test_fewer_officers_mean_fewer_permanent_residents_and_a_backlog():
    change: dict[str, Any] = {"status.worker.monthly.permanent.rate": 2.0}
    free = run({**change, "agency.immigration.officers.value": 1000.0})
    tight = run({**change, "agency.immigration.officers.value": 0.3})
    q = row("permanent")
    gate = [m.people.count(status="permanent") for m in (free, tight)]
    assert gate[1] < gate[0]
    assert tight.state.agencies.waiting[q] > 0 == free.state.agencies.waiting[q]
    decided = sum(int(v[q, 1]) for v in tight.record.queues[13:])
    possible = sum(int(v[q, 2]) for v in tight.record.queues[13:])
    assert decided == possible


def test_enough_officers_change_nobody():
    """With no backlog and officers to spare the run is that of a country without agencies."""
    plenty = {"agency.immigration.officers.value": 1e6, "agency.justice.officers.value": 1e6}
    with_agencies = run(plenty)
    model = Kyosei(
        civic.config({"agency": None}),
        state=civic.state(civic.config({"agency": None}), tiny.columns(4000)),
    )
    while model.running:
        model.step()
    for name in ("status", "municipality", "key", "language"):
        np.testing.assert_array_equal(model.state.people[name], with_agencies.state.people[name])
