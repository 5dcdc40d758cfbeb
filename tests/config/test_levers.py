"""Levers: what they come to by month, how they add up, and that nothing leaks before its date."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.agents.state import State
from sim.config.levers import hold_laws, phased, set_levers
from sim.config.schema.policy import PhaseIn
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.policies.ratebook import RateBook
from sim.processes.arrivals import capped
from sim.processes.policy import set_rates
from sim.processes.risk import class_bounds
from tests.helpers import tiny
from tests.helpers.levers import config, lever, response, rule

JANUARY = month_index("2026-01")
LEAVE, GRANT = "worker.monthly.leave", "worker.monthly.permanent.grant"
SLOWLY = {"shape": "linear", "months": 4}
HALVE = lever({"e": {"paths": [LEAVE], "multiply": "half"}}, response={"half": response(0.5)})


def book(cfg: RunConfig) -> tuple[RateBook, State]:
    state = tiny.state(cfg, tiny.columns(5))
    return state.policy, state


def row(state: State, path: str) -> int:
    names = [name.path for name in state.rates.names]
    if path.endswith(".grant"):
        return int(state.rates.fates.decision[names.index(path.removesuffix(".grant"))])
    return names.index(path)


def value(cfg: RunConfig, path: str = LEAVE, month: int = JANUARY) -> float:
    rates, state = book(cfg)
    return float(rates.base(month)[row(state, path)])


def multipliers(cfg: RunConfig, path: str, factor: str, what: str, month: int) -> np.ndarray:
    """The table of a factor that levers change."""
    rates, state = book(cfg)
    return rates.in_force(month).fates.values[state.rates.own[path, factor, what]]


def with_strength(strength: float, body: dict[str, Any] = HALVE) -> RunConfig:
    return config(body, scenario={"settings": {"one": {"strength": strength}}})


def test_a_lever_acts_from_its_month_on():
    assert value(config(HALVE), month=JANUARY - 1) == 0.15
    assert value(config(HALVE)) == 0.075


@pytest.mark.parametrize(("strength", "expected"), [(1.0, 0.075), (0.5, 0.1125), (0.0, 0.15)])
def test_strength_scales_from_nothing_to_all(strength: float, expected: float):
    assert value(with_strength(strength)) == pytest.approx(expected)


def test_no_strength_is_the_baseline_to_the_bit():
    zero, none = (book(cfg)[0] for cfg in (with_strength(0.0), config(HALVE, pulled=[])))
    for month in range(JANUARY - 3, JANUARY + 40):
        one, other = zero.in_force(month), none.in_force(month)
        assert np.array_equal(one.base, other.base)
        assert np.array_equal(one.fates.values, other.fates.values)
        assert np.array_equal(one.arrivals, other.arrivals)


def test_settings_of_the_lever_win_over_those_of_the_scenario():
    cfg = config({**HALVE, "strength": 0.5}, scenario={"settings": {"one": {"strength": 1.0}},
                                                        "strength": 0.5})  # fmt: skip
    (active,) = set_levers(cfg)
    assert active.strength == 0.25


def test_levels_values_and_delay_are_settings():
    body = lever(
        {"e": {"paths": [LEAVE], "multiply": "m"}}, response={"m": response(0.5, 0.9, 0.1)}
    )
    assert value(config({**body, "level": "high"})) == pytest.approx(0.015)
    assert value(config({**body, "use": {"m": 0.2}})) == pytest.approx(0.03)
    assert value(config({**body, "delay": 2})) == 0.15
    assert value(config({**body, "delay": 2}), month=JANUARY + 2) == pytest.approx(0.075)


def test_rules_have_dates_and_a_ratio_is_to_the_value_before():
    fee = rule(y2020_01=10.0, y2026_01=20.0, y2027_01=40.0)
    body = lever({"e": {"paths": [LEAVE], "multiply": {"ratio": "fee", "power": "e"}}},
                 rule={"fee": fee}, response={"e": response(2.0)})  # fmt: skip
    assert value(config(body)) == pytest.approx(0.15 * 4)
    assert value(config(body), month=JANUARY + 12) == pytest.approx(0.15 * 16)
    assert value(config({**body, "use": {"fee": 30.0}}), month=JANUARY + 12) == pytest.approx(1.35)


def test_a_variant_chooses_among_effects():
    effects = {
        "a": {"paths": [LEAVE], "multiply": "half", "variant": "mild"},
        "b": {"paths": [LEAVE], "multiply": "tenth", "variant": "hard"},
    }
    body = lever(effects, response={"half": response(0.5), "tenth": response(0.1)},
                 variants=["mild", "hard"])  # fmt: skip
    assert value(config(body)) == pytest.approx(0.075)
    assert value(config({**body, "variant": "hard"})) == pytest.approx(0.015)


def test_a_set_of_paths_is_written_out_wherever_it_is_named():
    other = "learner.monthly.leave"
    effects = {"e": {"paths": ["leaving", GRANT], "multiply": "half"}}
    ahead = {"paths": ["leaving"], "months": 3, "rush": "half"}
    body = lever(effects, sets={"leaving": [LEAVE, other]}, anticipation=ahead,
                 response={"half": response(0.5)})  # fmt: skip
    (read,) = config(body).policy.values()
    assert read.sets is None
    assert read.effects["e"].paths == [LEAVE, other, GRANT]
    assert read.anticipation is not None
    assert read.anticipation.paths == [LEAVE, other]
    assert value(config(body)) == pytest.approx(0.075)
    assert body["effects"]["e"]["paths"] == ["leaving", GRANT], "what was given is not written"


@pytest.mark.parametrize("sets", [{"of": [LEAVE], "more": [GRANT]}, {"of": "x"}, {"of": []}, "of"])
@pytest.mark.parametrize("paths", [["of"], 3])
def test_a_set_that_is_wrong_or_that_nobody_names_is_refused(sets: object, paths: object):
    body = lever({"e": {"paths": paths, "multiply": "half"}}, sets=sets,
                 response={"half": response(0.5)})  # fmt: skip
    with pytest.raises(ValidationError):
        config(body)


LAWS = {"a": "in_force", "b": "bill", "c": "in_force", "d": "scheduled"}
SINCE = {"a": "2025-10", "b": "2025-10", "c": "2026-04", "d": "2027-04"}


@pytest.mark.parametrize(
    ("scenario", "held"),
    [
        ({}, ["a", "c"]),
        ({"levers": ["d", "b"]}, ["a", "b", "c", "d"]),
        ({"levers": ["d"], "lifts": ["a"]}, ["c", "d"]),
        ({"levers": ["a", "d"], "lifts": ["a", "c"]}, ["a", "d"]),
        ({"levers": ["b"], "lifts": ["all"]}, ["b"]),
        ({"levers": ["all"]}, ["a", "b", "c", "d"]),
        ({"levers": ["all"], "lifts": ["a"]}, ["a", "b", "c", "d"]),
        ({"lifts": None}, ["a", "c"]),
        ({"holds": ["in_force", "scheduled"]}, ["a", "c", "d"]),
        ({"holds": ["bill"], "levers": ["d"]}, ["b", "d"]),
        ({"holds": ["in_force", "scheduled"], "lifts": ["d"]}, ["a", "c"]),
        ({"asof": "2025-12"}, ["a"]),
        ({"asof": "2026-04"}, ["a", "c"]),
        ({"holds": ["in_force", "scheduled"], "asof": "2025-12"}, ["a"]),
    ],
)
def test_laws_hold_by_status_and_date_unless_they_are_lifted(
    scenario: dict[str, Any], held: list[str]
):
    policy = {code: {"legal_status": status, "since": SINCE[code]} for code, status in LAWS.items()}
    given = dict(scenario)
    composed = {"scenario": scenario, "policy": policy}
    hold_laws(composed)
    assert composed["scenario"]["levers"] == held
    assert [composed["scenario"][name] for name in ("holds", "asof", "lifts")] == [None] * 3
    assert scenario == given, "what was given is not written"


@pytest.mark.parametrize("scenario", [{"levers": ["x", "b"]}, {"levers": ["b"], "lifts": ["b"]}])
def test_names_that_are_wrong_stay_for_the_checks_to_tell(scenario: dict[str, Any]):
    composed = {
        "scenario": scenario,
        "policy": {code: {"legal_status": status} for code, status in LAWS.items()},
    }
    hold_laws(composed)
    assert composed["scenario"]["levers"] == [*scenario["levers"], "a", "c"]
    assert composed["scenario"].get("lifts") == scenario.get("lifts")


def test_phase_in():
    linear, logistic = (PhaseIn(shape=s, months=12) for s in ("linear", "logistic"))
    assert [phased(linear, k) for k in (0, 5, 11, 99)] == pytest.approx([1 / 12, 0.5, 1.0, 1.0])
    grown = [phased(logistic, k) for k in range(12)]
    assert grown == sorted(grown)
    assert grown[5] == pytest.approx(0.5)
    assert 0.0 < grown[0] < 0.02
    assert grown[-1] == 1.0
    assert phased(PhaseIn(shape="step", months=12), 0) == 1.0
    body = {**HALVE, "phase_in": {"shape": "linear", "months": 12}}
    assert value(config(body), month=JANUARY + 5) == pytest.approx(0.15 * 0.75)


def test_people_hurry_before_and_are_missing_after():
    ahead = {"paths": [LEAVE], "months": 3, "rush": "rush", "dip_months": 2, "dip": "dip"}
    answers = {"half": response(0.5), "rush": response(2.0), "dip": response(0.8)}
    effects = {"e": {"paths": [GRANT], "multiply": "half"}}
    body = lever(effects, anticipation=ahead, response=answers)
    rates, state = book(config(body))
    seen = [float(rates.base(JANUARY + k)[row(state, LEAVE)]) for k in range(-4, 4)]
    assert seen == pytest.approx([0.15, 0.3, 0.3, 0.3, 0.12, 0.12, 0.15, 0.15])
    assert set_levers(config(body))[0].first_month() == JANUARY - 3


def test_gates_replace_and_strength_is_the_share_blocked():
    path = "worker.monthly.permanent"
    body = lever({"e": {"paths": [path], "gate": {"permit_months": "longest"}}},
                 rule={"longest": rule(y2012_07=36.0, y2026_01=60.0)})  # fmt: skip
    before = multipliers(config(body), path, "permit_months", "gate", JANUARY - 1)
    after = multipliers(config(body), path, "permit_months", "gate", JANUARY)
    assert before[[35, 36, 60]].tolist() == [0.0, 1.0, 1.0]
    assert after[[35, 36, 59, 60]].tolist() == [0.0, 0.0, 0.0, 1.0]
    part = multipliers(with_strength(0.25, body), path, "permit_months", "gate", JANUARY)
    assert part[[35, 36, 60]].tolist() == [0.0, 0.75, 1.0]


def test_factors_multiply_for_some_people_only():
    by = {"arrears": {"nhi": "half"}, "years_resident": {0: "half", 2: None}}
    body = lever({"e": {"paths": [LEAVE], "by": by}}, response={"half": response(0.5)})
    arrears = multipliers(config(body), LEAVE, "arrears", "by", JANUARY)
    assert arrears.tolist() == [1.0, 0.5, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5]
    years = multipliers(config(body), LEAVE, "years_resident", "by", JANUARY)
    assert years[:4].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert (multipliers(config(body), LEAVE, "arrears", "by", JANUARY - 1) == 1.0).all()


def test_own_tables_are_never_shared():
    """worker.monthly.leave and others share tables; what a lever changes must be one fate's."""
    body = lever({"e": {"paths": [LEAVE], "by": {"language": {0: "half"}}}},
                 response={"half": response(0.5)})  # fmt: skip
    _, state = book(config(body))
    part = state.rates.own[LEAVE, "language", "by"]
    assert (state.rates.fates.mult_offset == part.start).sum() == 1


@pytest.mark.parametrize("existing", ["until_renewal", "months"])
def test_who_came_before_may_be_spared(existing: str):
    spared = {"existing": existing, **({"months": 24} if existing == "months" else {})}
    body = {**HALVE, "grandfathering": spared}
    factor = {"until_renewal": "permit_age", "months": "years_in_status"}[existing]
    rates, state = book(config(body))
    assert rates.base(JANUARY + 11)[row(state, LEAVE)] == 0.15  # the table tells who is met
    table = multipliers(config(body), LEAVE, factor, "by", JANUARY + 11)
    met = np.flatnonzero(table == 0.5).tolist()
    assert met == (list(range(12)) if existing == "until_renewal" else [0])
    late = multipliers(config(body), LEAVE, factor, "by", JANUARY + 60)
    assert (late == 0.5).all()


def test_lengths_of_permits_are_replaced_and_blended():
    body = lever({"e": {"paths": ["worker.permits.renewed"], "mix": {6: 1.0}, "share": "half"}},
                 response={"half": response(0.5)})  # fmt: skip
    rates, state = book(config(body))
    assert rates.in_force(JANUARY - 1).status is state.rates.status
    now, s = rates.in_force(JANUARY).status, state.rates.codes.statuses.index("worker")
    shares = np.diff(now.length_cut[1, s].astype(float), prepend=0.0)[:4] / 2**32
    assert dict(zip(now.length[1, s, :4].tolist(), shares, strict=True)) == pytest.approx(
        {6: 0.5, 12: 0.1, 36: 0.15, 60: 0.25}
    )


def test_the_order_of_levers_and_edits_cannot_matter():
    by = {"by": {"arrears": {"nhi": "m"}}}
    levers = [
        lever({"e": {"paths": [LEAVE], "multiply": "m"}, "f": {"paths": [LEAVE], **by},
               "g": {"paths": ["arrivals.*"], "multiply": "m"},
               "h": {"paths": [GRANT], "most": "m"}}, response={"m": response(m)})
        for m in (0.7, 1.3, 0.9)
    ]  # fmt: skip
    seen = []
    for some in permutations(levers):
        rates, state = book(config(*some))
        now = rates.in_force(JANUARY)
        own = now.fates.values[state.rates.own[LEAVE, "arrears", "by"]]
        seen.append(np.concatenate([now.base, now.arrivals, own]).tobytes())
    assert len(set(seen)) == 1


def test_of_bounds_the_tightest_holds():
    levers = [lever({"e": {"paths": [GRANT], "most": "m"}}, response={"m": response(m)})
              for m in (0.5, 0.3)]  # fmt: skip
    assert value(config(*levers), GRANT) == pytest.approx(0.3)
    flags = [lever({"e": {"paths": [GRANT], "least": "m"}}, response={"m": response(m)})
             for m in (0.7, 0.8)]  # fmt: skip
    assert value(config(*flags), GRANT) == pytest.approx(0.8)


def test_the_scenario_may_order_levers_that_replace_one_value():
    levers = [lever({"e": {"paths": [LEAVE], "set": "m"}}, response={"m": response(m)})
              for m in (0.5, 0.3)]  # fmt: skip
    assert value(config(*levers, scenario={"order": ["two", "one"]})) == 0.5
    assert value(config(*levers, scenario={"order": ["one", "two"]})) == 0.3


def test_caps_leave_as_many_as_there_is_room_for():
    cap = {"paths": ["arrivals.worker", "arrivals.learner"], "most": "m", "per": "stock"}
    rates, _ = book(config(lever({"e": cap}, response={"m": response(1000.0)})))
    assert rates.in_force(JANUARY - 1).caps == ()
    (found,) = rates.in_force(JANUARY).caps
    assert (found.value, found.per, found.statuses) == (1000.0, "stock", (1, 2))
    people, stock = np.array([5.0, 30.0, 60.0, 0.0, 0.0]), np.array([900, 440, 500, 0, 0])
    came = [np.zeros(5)]
    assert capped(people, [found], stock, came, 1.0) == pytest.approx([5, 20, 40, 0, 0])
    assert capped(people, [found], stock, came, 0.5)[1:3] == pytest.approx([0.0, 0.0])
    assert np.array_equal(capped(people, [], stock, came, 1.0), people)


def test_caps_on_the_year_and_on_growth():
    def caps(per: str, most: float) -> Any:
        cap = {"paths": ["arrivals.worker"], "most": "m", "per": per}
        rates, _ = book(config(lever({"e": cap}, response={"m": response(most)})))
        return rates.in_force(JANUARY).caps

    people, stock = np.array([0.0, 30.0, 0.0, 0.0, 0.0]), np.zeros(5)
    came = [np.zeros(5)] + [np.array([0.0, 10.0, 0.0, 0.0, 0.0])] * 12
    assert capped(people, caps("year", 120.0), stock, came, 1.0)[1] == pytest.approx(10.0)
    assert capped(people, caps("growth", 0.1), stock, came, 1.0)[1] == pytest.approx(11.0)
    assert capped(people, caps("growth", 0.1), stock, came[:5], 1.0)[1] == 30.0


def test_a_run_with_levers_breaks_no_bound_and_equals_one_without_before_the_date():
    by = {"by": {"language": {0: "more"}}}
    gate = {"gate": {"years_resident": "years"}}
    body = lever({"e": {"paths": ["*.monthly.leave"], **by},
                  "f": {"paths": ["worker.monthly.permanent"], **gate}},
                 response={"more": response(6.0)}, rule={"years": rule(y2020_01=3.0, y2026_01=0.0)},
                 phase_in={"shape": "linear", "months": 6})  # fmt: skip
    runs = {}
    for name, cfg in {"with": config(body), "without": config(body, pulled=[])}.items():
        model = tiny.model(cfg, tiny.columns(3000))
        model.run()
        assert model.state.audit.screen[2] == 0
        runs[name] = model.record
    months = runs["with"].months
    same = [np.array_equal(a, b) for a, b in
            zip(runs["with"].flows, runs["without"].flows, strict=True)]  # fmt: skip
    assert all(same[: months.index(JANUARY)])
    assert not all(same[months.index(JANUARY) :])


def test_bounds_made_anew_in_part_are_those_made_as_a_whole():
    """Only statuses whose rates or multipliers changed are bounded again, month by month."""
    by = {"by": {"language": {0: "more"}}}
    body = lever({"e": {"paths": ["worker.monthly.leave"], **by},
                  "f": {"paths": ["partner.monthly.leave"], "multiply": "more"}},
                 response={"more": response(3.0)}, phase_in=SLOWLY)  # fmt: skip
    _, state = book(config(body))
    for month in range(JANUARY - 2, JANUARY + 6):
        state.month = month
        set_rates(state)
        whole = class_bounds(state.crew, state.rates.fates, state.bands, state.plain, 5)
        assert np.array_equal(state.bounds, whole), month
