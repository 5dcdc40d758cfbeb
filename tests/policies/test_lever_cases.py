"""Every case that a lawyer wrote holds, a wrong one would fail, and no lever is without cases."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sim.config.compose import compose, to_yaml
from sim.config.levers import set_levers
from sim.config.paths import Paths
from sim.config.settings import configs_folder
from sim.core.clock import month_index
from tests.helpers.lever_cases import (
    Case,
    case_files,
    cases_of,
    check,
    country_of,
    evaluate,
    words_of,
    world,
)  # fmt: skip

FILES = case_files()
CASES = [(lever, case) for lever, path in FILES.items() for case in cases_of(path)]
IDS = [f"{lever}, {case.month}, {case.says}" for lever, case in CASES]


def wrong(case: Case) -> Case:
    """The same with another expectation, as little off as a wrong digit is."""
    ((name, value),) = case.expected.items()
    if isinstance(value, bool):
        other: Any = not value
    elif isinstance(value, float):
        other = value * 1.01 + 0.0001
    else:
        other = 1.0
    return case.model_copy(update={"is_" if name == "is" else name: other})


@pytest.mark.parametrize(("lever", "case"), CASES, ids=IDS)
def test_the_case_holds_and_a_wrong_one_would_not(lever: str, case: Case):
    check(lever, case)
    with pytest.raises(AssertionError, match=case.month):
        check(lever, wrong(case))


def test_every_lever_has_cases_before_and_after():
    countries = {country_of(code) for code in FILES}
    policy = {code for c in countries for code in compose([f"country={c}"]).policy}
    assert sorted(FILES) == sorted(policy)
    for code in policy:
        words = [f"country={country_of(code)}", f"scenario.levers=[{code}]"]
        (active,) = [a for a in set_levers(compose(words)) if a.code == code]
        first = active.first_month()
        after = {month_index(case.month) >= first for lever, case in CASES if lever == code}
        assert after == {False, True}, f"{code} wants a case before {first} and one after"


@pytest.mark.parametrize("code", sorted(FILES))
def test_every_effect_of_a_lever_has_a_case_when_it_is_in_force(code: str):
    without = set(compose([f"country={country_of(code)}"]).policy[code].effects)
    for lever, case in CASES:
        if lever != code:
            continue
        config = world(words_of(code, case)).config
        for active in (a for a in set_levers(config) if a.code == code):
            for name, effect in active.effects():
                since, until = active.window(effect)
                named = Paths([case.path]).matching(effect.paths)
                if named and since <= month_index(case.month) <= until:
                    without.discard(name)
    assert without == set()


def a_case(**body: Any) -> Case:
    given = {"says": "Something.", "month": "2027-04", **body}
    return Case.model_validate(given)


ENGINEER = {"status": "engineer_humanities_intl", "years_resident": 10, "counting_years": 5}
STUDENT = {"status": "student", "stage": "undergraduate"}


@pytest.mark.parametrize(
    ("lever", "body", "wanted"),
    [
        ("jp07", {"person": ENGINEER, "of": "monthly.permanent", "may": True}, "permit_months"),
        ("jp07", {"person": ENGINEER, "of": "monthly.permanent", "times": 1.0}, "permit_months"),
        ("jp11", {"person": ENGINEER, "of": "monthly.naturalise.grant", "times": 0.9}, "arrears"),
        ("jp14", {"person": STUDENT, "of": "at_end.refused_overwork", "times": 1.0}, "multiple"),
    ],
)
def test_a_case_that_says_too_little_is_told_what_to_say(
    lever: str, body: dict[str, Any], wanted: str
):
    with pytest.raises(ValueError, match=wanted):
        evaluate(lever, a_case(**body))


@pytest.mark.parametrize(
    "body",
    [
        {"of": "arrivals.student", "tims": 1.0},
        {"of": "arrivals.student", "times": "much"},
        {"of": "", "times": 1.0},
        {"of": "monthly.leave", "times": 1.0, "person": {"status": "student", "hair": "black"}},
        {"of": "monthly.leave", "times": 1.0, "month": "April 2027"},
    ],
)
def test_a_case_that_is_none_is_refused(body: dict[str, Any]):
    with pytest.raises(ValidationError):
        a_case(**body)


@pytest.mark.parametrize("expected", [{}, {"may": True, "times": 1.0}])
def test_a_case_expects_one_thing(expected: dict[str, Any]):
    with pytest.raises(ValueError, match="one of may, is, times, most"):
        check("jp14", a_case(of="arrivals.student", **expected))


def test_what_a_case_asks_must_exist():
    with pytest.raises(KeyError):
        check("jp14", a_case(of="town.link.shar", times=1.0))
    with pytest.raises(KeyError):
        check("jp14", a_case(of="monthly.leaf", person={"status": "student"}, times=1.0))


def test_no_run_reads_the_cases(tmp_path: Path):
    folder = tmp_path / "configs"
    shutil.copytree(configs_folder(), folder)
    shutil.rmtree(folder / "policy/japan/cases")
    without = to_yaml(compose([], folder))
    assert without == to_yaml(compose([]))
    (folder / "policy/japan/cases").mkdir()
    (folder / "policy/japan/cases/jp01.yaml").write_text("no: [yaml")
    assert to_yaml(compose([], folder)) == without
