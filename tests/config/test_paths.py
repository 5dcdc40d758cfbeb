"""Parameters: named by their path, edited by date like rates."""

from __future__ import annotations

import numpy as np
import pytest

from sim.config.checks.policy import check_edits
from sim.config.paths import Parameters, Paths, matches, parameters, targets
from sim.config.schema.base import Strict, Value
from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.policies.ratebook import RateBook
from tests.helpers import tiny

JULY = month_index("2025-07")


class Recruit(Strict):
    success: Value
    sector: dict[str, Value]


class Section(Strict):
    recruit: Recruit


def given(**edits: Edit) -> RunConfig:
    """The tiny configuration with three parameters and a scenario of these edits."""
    value = {
        name: Value(value=v, quality="assumption") for name, v in zip("abc", (1, 2, 3), strict=True)
    }
    section = Section(
        recruit=Recruit(success=value["a"], sector={"x": value["b"], "y": value["c"]})
    )
    config = tiny.config()
    scenario = config.scenario.model_copy(update={"edits": edits})
    return config.model_copy(update={"firms": section, "scenario": scenario})


def book(**edits: Edit) -> RateBook:
    return RateBook(given(**edits), tiny.state(tiny.config(), tiny.columns(5)).rates)


def test_leaves_are_named_by_their_path():
    assert parameters(given()) == {
        "firms.recruit.sector.x": 2.0,
        "firms.recruit.sector.y": 3.0,
        "firms.recruit.success": 1.0,
    }
    assert parameters(tiny.config()) == {}


def test_an_edit_of_a_parameter_changes_it_and_no_rate():
    half = Edit(paths=["firms.recruit.sector.*"], since="2025-08", multiply=0.5)
    rates, plain = book(half=half), book()
    assert rates.params(JULY)["firms.recruit.sector.x"] == 2.0
    assert rates.params(JULY + 1).below("firms.recruit") == {
        "sector.x": 1.0, "sector.y": 1.5, "success": 1.0,
    }  # fmt: skip
    assert np.array_equal(rates.base(JULY + 1), plain.base(JULY + 1))
    assert rates.params(JULY + 1) is rates.params(JULY + 9)


def test_an_edit_of_a_rate_changes_no_parameter():
    more = Edit(paths=["worker.monthly.leave"], since="2025-07", multiply=2.0)
    assert dict(book(more=more).params(JULY)) == parameters(given())


def test_an_unknown_path_is_answered_with_the_nearest():
    wrong = Edit(paths=["firms.recruit.succes"], since="2025-08", multiply=0.5)
    (problem,) = check_edits(given(wrong=wrong), targets(given())["value"])
    assert "Nearest: firms.recruit.success." in problem.rule
    with pytest.raises(KeyError, match=r"Nearest: firms\.recruit\.success\."):
        book().params(JULY)["firms.recruit.succes"]


def test_parameters_are_a_mapping():
    params = Parameters({"a.x": 0, "a.y": 1}, np.array([0.5, 2.0]))
    assert list(params) == ["a.x", "a.y"]
    assert len(params) == 2
    assert params.get("a.z") is None


def test_paths_are_named_by_globs_as_one_by_one():
    paths = Paths(["a.x", "a.x.grant", "b.x", "b.y", "b.y.grant"])
    for globs in (["*"], ["*.grant"], ["a.*"], ["b.y", "a.x"], ["b.y.grant", "*.x"], ["c"], []):
        assert paths.matching(globs) == tuple(path for path in paths if matches(path, globs))
    assert paths.matching(["*"]) == ("a.x", "b.x", "b.y")
    assert paths.matching(["[ab].y", "b.*", "a.x.grant"]) == ("a.x.grant", "b.x", "b.y")


def test_what_stands_behind_a_mark_of_exclamation_is_taken_out():
    paths = Paths(["a.x", "a.x.grant", "b.x", "b.y", "b.y.grant"])
    assert paths.matching(["*.x", "!b.x"]) == ("a.x",)
    assert paths.matching(["!b.x", "*.x"]) == ("a.x",)
    assert paths.matching(["*.grant", "!b.*.grant"]) == ("a.x.grant",)
    assert paths.matching(["!b.x"]) == ()
    assert matches("a.x", ["*.x", "!b.x"])
    assert not matches("b.x", ["*.x", "!b.x"])
