"""One person at a time: what a fate does to the columns, with answers worked by hand.

Outcomes of a permit's end with a share of 1 happen to everybody in the first month.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.clock import NEVER, month_index
from sim.model.model import Kyosei
from sim.processes.person import months_counted
from tests.helpers import tiny

A = tiny.A
START = month_index(tiny.START)
NOW = START + 1
PERMIT = {**A, "first": {12: 1.0}, "renewed": {36: 1.0}}
QUIET = {"life.monthly": {}, "arrivals.channels": {}}


def one(status: str = "worker", **columns: Any) -> dict[str, np.ndarray]:
    """One resident whose permit ends next month, three years in the status and the country."""
    people = tiny.columns(1, [status])
    known = {
        "permit_end": NOW, "permit_months": 36, "entered": START - 36, "since": START - 36,
        "counting": START - 36, "language": 0, "arrears": 0, "stage": 0, "principal": -1,
    }  # fmt: skip
    for name, value in {**known, **columns}.items():
        people[name] = np.array([value]).astype(people[name].dtype)
    return people


def after(people: dict[str, np.ndarray], change: dict[str, Any], months: int = 1) -> Kyosei:
    model = tiny.model(tiny.config({**QUIET, **change}), people)
    for _ in range(months):
        model.step()
    return model


def at_end(fate: dict[str, Any], **status: Any) -> dict[str, Any]:
    """Workers with one outcome at the permit's end."""
    return {"status.worker": tiny.status(permits=PERMIT, at_end={"fate": fate}, **status)}


def column(model: Kyosei, name: str, row: int = 0) -> int:
    return int(model.state.people[name][row])


def test_a_permit_is_renewed_with_a_length_for_renewals():
    model = after(one(), {"status.worker": tiny.status(permits=PERMIT)})
    assert column(model, "permit_end") == NOW + 36
    assert column(model, "permit_months") == 36
    assert column(model, "since") == START - 36


def test_a_permit_that_has_not_ended_is_left_alone():
    model = after(one(permit_end=NOW + 1), {"status.worker": tiny.status(permits=PERMIT)})
    assert (column(model, "permit_end"), column(model, "permit_months")) == (NOW + 1, 36)


def test_a_switch_starts_the_new_status_with_its_first_permit():
    change = at_end(tiny.switch("partner", share=1.0))
    model = after(one(), {**change, "status.partner.permits": PERMIT})
    assert column(model, "status") == tiny.STATUSES.index("partner")
    assert column(model, "since") == NOW
    assert (column(model, "permit_end"), column(model, "permit_months")) == (NOW + 12, 12)
    assert column(model, "entered") == START - 36
    assert model.record.cubes[-1].sum(axis=(1, 2)).tolist() == [0, 0, 0, 1, 0]


def test_a_switch_to_a_status_without_limit_has_no_end():
    model = after(one(), at_end(tiny.switch("permanent", share=1.0)))
    assert (column(model, "permit_end"), column(model, "permit_months")) == (NEVER, 255)


def test_counting_years_are_banked_and_taken_up_again():
    """Workers' months count, learners' do not: 37 banked, 18 not counted, then counted on."""
    learner = {"months": {18: 1.0}, "share": 1.0, "arrivals": 1.0, **A, "label": tiny.label("L")}
    change = {
        **at_end(tiny.switch("learner", share=1.0)),
        "status.learner": tiny.status(counts_for_pr=False, stages={"only": learner},
                                      at_end={"go": tiny.switch("permanent", share=1.0)}),
    }  # fmt: skip
    model = after(one(), change)
    assert column(model, "counting") == -37 - 1
    assert column(model, "permit_end") == NOW + 18
    for _ in range(18):
        model.step()
    assert column(model, "status") == tiny.STATUSES.index("permanent")
    assert column(model, "counting") == NOW + 18 - 37


@pytest.mark.parametrize(("counting", "months"), [(100, 20), (120, 0), (-1, 0), (-8, 7)])
def test_months_counted_by_hand(counting: int, months: int):
    assert months_counted(counting, 120) == months


def test_the_longest_stay_cuts_a_permit_and_then_decides():
    """36 of 40 months are over: the renewal lasts 3 months more, and then nobody is renewed."""
    limit = {"longest_stay": {**A, "value": 40, "unit": "months"}, "permits": PERMIT}
    model = after(one(), {"status.worker": tiny.status(**limit)})
    assert column(model, "permit_end") == START + 4
    for _ in range(3):
        model.step()
    assert model.people.count() == 0
    paths = [name.path for name in model.state.rates.names]
    assert model.record.flows[-1][paths.index("worker.at_limit.longest_stay")] == 1


def test_at_the_limit_its_own_outcomes_hold():
    limit = {"longest_stay": {**A, "value": 36, "unit": "months"},
             "at_limit": {"go": tiny.switch("partner", share=1.0)}}  # fmt: skip
    model = after(one(), at_end({**A, "kind": "leave", "share": 1.0}, **limit))
    assert column(model, "status") == tiny.STATUSES.index("partner")


def test_refused_by_the_authority_is_renewed():
    fate = tiny.switch("permanent", share=1.0, grant={**A, "value": 0.0})
    model = after(one(), at_end(fate))
    assert column(model, "status") == tiny.STATUSES.index("worker")
    assert column(model, "permit_end") == NOW + 36
    assert model.record.flows[-1].sum() == 0


def test_a_grant_may_depend_on_arrears():
    grant = {**A, "value": 1.0, "by": {"arrears": {"tax": 0.0}}}
    change = at_end(tiny.switch("permanent", share=1.0, grant=grant))
    granted, refused = after(one(), change), after(one(arrears=4), change)
    assert column(granted, "status") == 0
    assert column(refused, "status") == tiny.STATUSES.index("worker")


def test_the_next_course_has_its_own_length():
    model = after(one("learner", stage=0), {
        "status.learner.at_end": {"on": {**A, "kind": "stage", "to": "long", "share": 1.0}},
        "status.learner.monthly": {},
    })  # fmt: skip
    assert (column(model, "stage"), column(model, "permit_end")) == (1, NOW + 48)
    assert column(model, "since") == START - 36


def test_arrears_are_set_and_cleared_by_their_bits():
    set_two = {**A, "kind": "arrears", "bits": ["nhi", "tax"], "share": 1.0}
    clear_one = {**A, "kind": "clear", "bits": ["nhi"], "share": 1.0}
    assert column(after(one(arrears=2), at_end(set_two)), "arrears") == 1 | 2 | 4
    assert column(after(one(arrears=7), at_end(clear_one)), "arrears") == 2 | 4


def test_nobody_learns_beyond_the_highest_level():
    learn = {**A, "kind": "learn", "share": 1.0}
    assert [column(after(one(language=k), at_end(learn)), "language") for k in (0, 3, 4)] == [
        1, 4, 4,
    ]  # fmt: skip


def test_movers_go_somewhere_else_by_the_pull_of_places():
    """Nobody stays; 45 % stay in the prefecture of two towns; the others go by in-moves."""
    people = tiny.columns(20_000, ["worker"])
    people["permit_end"][:], people["municipality"][:] = NOW, 0
    model = after(people, at_end({**A, "kind": "move", "share": 1.0}))
    went = np.bincount(model.state.people["municipality"], minlength=6)
    share = np.array([0.0, 0.45, *(0.55 * np.array([301, 301, 51, 51]) / 704)])
    assert went[0] == 0
    assert abs(went - 20_000 * share).max() < 5 * np.sqrt(20_000 * 0.25)


def family(status: str, event: dict[str, Any], sponsor: dict[str, Any]) -> Kyosei:
    """A worker and a partner who depends on them, after the worker's permit's end."""
    both = {name: np.concatenate([values, values]) for name, values in one().items()}
    both["key"] = np.array([5, 6], np.uint64)
    both["status"][1], both["permit_end"][1], both["principal"][1] = 3, NEVER, 0
    change = {f"status.partner.sponsor.{status}": sponsor, "status.partner.monthly": {}}
    return after(both, {**at_end(event, family=True), **change})


def test_dependants_move_with_their_principal():
    model = family("when_left", {**A, "kind": "move", "share": 1.0}, {})
    assert column(model, "municipality", 0) == column(model, "municipality", 1) != 0
    assert column(model, "principal", 1) == 0


@pytest.mark.parametrize(
    ("event", "fate"),
    [("when_left", {**A, "kind": "leave", "share": 1.0}),
     ("when_died", {**A, "kind": "die", "share": 1.0}),
     ("when_citizen", {**A, "kind": "citizen", "share": 1.0}),
     ("when_permanent", tiny.switch("permanent", share=1.0)),
     ("when_irregular", tiny.switch("hidden", share=1.0))],
)  # fmt: skip
def test_dependants_hear_of_their_principal(event: str, fate: dict[str, Any]):
    model = family(event, fate, {"too": tiny.switch("permanent", share=1.0)})
    assert column(model, "status", 1) == 0
    assert column(model, "principal", 1) == -1
    stays = family(event, fate, {})
    assert column(stays, "status", 1) == tiny.STATUSES.index("partner")
    assert column(stays, "principal", 1) == (0 if event == "when_permanent" else -1)


def test_newcomers_begin_this_month():
    """A child and a family member brought: here since now, of the mother's origin and place."""
    bring = {**A, "kind": "family", "to": "partner", "share": 1.0}
    for fate in ({**A, "kind": "birth", "share": 1.0}, bring):
        model = after(one(origin=1, municipality=3), at_end(fate, family=True))
        assert model.people.count() == 2
        names = ("status", "origin", "municipality", "principal", "entered", "since", "counting")
        assert [column(model, name, 1) for name in names] == [3, 1, 3, 0, NOW, NOW, NOW]
        assert column(model, "language", 1) == column(model, "arrears", 1) == 0
        assert column(model, "permit_end", 1) in (NOW + 12, NOW + 36)
    assert column(model, "born", 1) < NOW - 12 * 19
