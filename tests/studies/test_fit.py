"""The parts of a calibration, each by itself: solution, priors, knowledge, draws."""

from __future__ import annotations

import numpy as np
import pytest

from sim.config.compose import compose
from sim.config.fit_draws import drawn, factor_text, normals, read_factor
from sim.config.folders import Configs
from sim.config.schema.policy import Edit
from sim.core.clock import month_index
from sim.core.errors import ConfigError, DataError
from sim.data.load import load
from sim.studies.calibration.plan import FitPlan, Knob, knobs, load_plan
from sim.studies.calibration.result import Fit, errors
from sim.studies.calibration.solve import Channels, Normal, Point, cost, solve
from sim.studies.calibration.targets import Targets, check_known, published_targets
from sim.studies.calibration.variance import variance_parts
from sim.studies.settings import checked


def knob(name: str, sd: float = 0.5, follows: int = -1) -> Knob:
    edit = Edit(paths=["worker.monthly.leave"], since="2013-01", multiply=1.0)
    return Knob(name, edit, 1.0, sd, follows, "because")


def no_beliefs(halves: int = 1, statuses: int = 1) -> Channels:
    closed = np.zeros((halves, statuses), np.bool_)
    rows = np.zeros((0, halves, statuses))
    return Channels(closed, np.ones(statuses), rows, np.zeros(0), closed)


def published(month: str = "2013-06", value: float = 100.0) -> Targets:
    return held_to([value], [2.0], month)


def held_to(values: list[float], sds: list[float], month: str = "2013-06") -> Targets:
    at = np.full(len(values), month_index(month))
    names, kinds = ["worker"] * len(values), ["status"] * len(values)
    return Targets(names, kinds, at, at, np.array(values), np.array(sds))


def nowhere(knobs: int) -> Point:
    """Where knobs are at 0, nobody comes and the model says 0 of one target."""
    return Point(np.zeros(knobs), np.zeros((1, 1)), np.zeros(1), np.zeros((1, 1, 1)),
                 np.zeros((1, 1)))  # fmt: skip


def step(gap: float, sd: float, prior_sd: float, trust: float = 1e6) -> tuple[float, float]:
    """(knob, its sd) where one datum with slope 1 asks for `gap` and the prior for 0."""
    one, data = [knob("a", prior_sd)], held_to([gap], [sd])
    found = solve(one, no_beliefs(), data, nowhere(1), np.ones((1, 1)), trust)
    return float(found.theta[0]), float(np.sqrt(found.covariance[0, 0]))


def test_a_knob_is_the_mean_of_datum_and_prior_by_their_certainty():
    value, sd = step(gap=1.0, sd=0.5, prior_sd=1.0)
    assert value == pytest.approx(0.8)
    assert sd == pytest.approx((1 / 0.25 + 1) ** -0.5)


def test_a_knob_does_not_move_further_than_it_is_trusted():
    assert abs(step(gap=1.0, sd=0.001, prior_sd=1.0, trust=0.0)[0]) < 1e-4


def test_what_no_datum_touches_keeps_its_prior():
    value, sd = step(gap=1.0, sd=1e9, prior_sd=0.3)
    assert value == pytest.approx(0.0, abs=1e-6)
    assert sd == pytest.approx(0.3)


def test_a_period_follows_the_one_before():
    both, data = [knob("a", 0.5), knob("b", 0.1, follows=0)], held_to([1.0], [1e-4])
    found = solve(both, no_beliefs(), data, nowhere(2), np.array([[1.0, 0.0]]), 1e6)
    assert found.theta == pytest.approx([1.0, 1.0], abs=1e-4)
    assert np.sqrt(found.covariance[1, 1]) == pytest.approx(0.1, rel=1e-3)


def test_arrivals_take_up_a_gap_and_are_never_negative():
    open_to = np.ones((2, 1), np.bool_)
    believed = Channels(open_to, np.array([100.0]), np.zeros((0, 2, 1)), np.zeros(0), ~open_to)
    arrivals, slopes = np.array([[50.0], [50.0]]), np.eye(2).reshape(2, 2, 1)
    here = Point(np.zeros(0), arrivals, np.array([50.0, 50.0]), slopes, arrivals)
    data = held_to([80.0, -200.0], [1.0, 1.0])
    found = solve([], believed, data, here, np.zeros((2, 0)), 1e6)
    assert found.arrivals[0, 0] == pytest.approx(80.0)
    assert 0 < found.arrivals[1, 0] < 1


def test_rows_weigh_by_their_certainty():
    """Two data about one knob, one about one cell; damping only where it is asked for."""
    normal = Normal(1, 1)
    normal.add(np.array([1.0, 3.0]), np.array([1.0, 2.0]), knobs=np.ones((2, 1)))
    normal.add(np.array([4.0]), cells=np.ones((1, 1)))
    low = np.full(2, -np.inf)
    assert normal.minimum(np.full(2, 1e9), low) == pytest.approx([1.4, 4.0])
    assert normal.covariance(np.ones(2, np.bool_)) == pytest.approx(np.array([[0.8]]))
    assert normal.minimum(np.array([1e9, 1.0]), low) == pytest.approx([1.4, 2.0])
    assert normal.minimum(np.full(2, 1e9), np.array([2.0, -1.0])) == pytest.approx([2.0, 4.0])


def test_cost_is_half_the_squares_of_data_and_priors():
    here = Point(np.array([1.0]), np.zeros((1, 1)), np.array([3.0]), np.zeros((1, 1, 1)),
                 np.zeros((1, 1)))  # fmt: skip
    value = cost([knob("a", 0.5)], no_beliefs(), held_to([1.0], [2.0]), here)
    assert value == pytest.approx(0.5 * (1.0 + 4.0))


def test_later_knowledge_is_refused():
    check_known(published("2017-12"), month_index("2017-12"))
    with pytest.raises(DataError, match="known after"):
        check_known(published("2018-06"), month_index("2017-12"))


@pytest.mark.parametrize("until", ["2014-06", "2017-12", "2025-06"])
def test_no_target_is_later_than_a_fit_may_know(until):
    config = compose(["fit=none"])
    data, plan, last = load(config.country.data), load_plan(config), month_index(until)
    found = published_targets(config, data, plan, last)
    assert len(found) > 50
    assert found.month.max() <= last
    assert found.known.max() <= last
    moved = knobs(config, plan, month_index(plan.start), last)
    assert all(month_index(k.edit.since) < last for k in moved)


def test_a_plan_that_is_wrong_is_told_where():
    with pytest.raises(ConfigError, match="stocks"):
        checked(FitPlan, {"start": "2012-12", "stocks": {"sd": -1.0, "floor": 0.0}}, "plan")


def test_the_plan_names_only_what_exists():
    config = compose(["fit=none"])
    plan = load_plan(config)
    found = knobs(config, plan, month_index(plan.start), month_index("2025-06"))
    assert len({k.name for k in found}) == len(found)
    assert all(0 < k.sd < 2 for k in found)
    assert all(found[k.follows].name < k.name for k in found if k.follows >= 0)


def fit() -> Fit:
    until = month_index("2013-12")
    known = np.zeros((2, 1), np.bool_)
    return Fit(
        "tiny", month_index("2012-12"), until, [knob("a"), knob("b", 0.2)],
        np.log([2.0, 0.5]), np.array([[0.04, 0.01], [0.01, 0.01]]),
        np.array([until - 6, until]), ["worker"], np.array([[10.0], [14.0]]),
        np.array([[10.0], [14.0]]), known, published(),
        np.array([101.0]), np.ones((1, 2)), {"worker": (20.0, 0.2)},
    )  # fmt: skip


def test_a_fit_says_rate_interval_and_prior():
    edit = fit().section().edits["a"]
    assert edit.multiply == pytest.approx(2.0)
    assert edit.low == pytest.approx(2.0 * np.exp(-1.2816 * 0.2), rel=1e-4)
    assert edit.prior.sd == 0.5
    assert edit.moved_by == ["worker"]


def test_the_level_of_arrivals_follows_the_last_years():
    multiply, _ = fit().levels()["worker"]
    assert 12.0 / 20.0 < multiply < 1.0  # 24 people in one of two years, weighed with 20 a year


def test_draws_are_the_same_each_time_and_spread_as_the_covariance_says(tmp_path):
    one = fit()
    values = np.array([one.draw(k) for k in range(1, 400)])
    assert np.array_equal(one.draw(7), fit().draw(7))
    assert values.mean(axis=0) == pytest.approx(one.theta, abs=0.04)
    assert np.cov(values.T) == pytest.approx(one.covariance, abs=0.008)


def test_a_draw_from_the_file_is_that_of_the_fit(tmp_path):
    one = fit()
    (tmp_path / "fit").mkdir()
    (tmp_path / "fit" / "tiny.csv").write_text(factor_text(one.factor))
    section = drawn(one.section(), read_factor(Configs((tmp_path,)), one.section()), 5)
    assert section.draw == 5
    logs = np.log([section.edits[name].multiply for name in ("a", "b")])
    assert logs == pytest.approx(one.draw(5), abs=1e-4)


def test_a_fit_without_draws_says_so(tmp_path):
    with pytest.raises(ConfigError, match="has no draws"):
        read_factor(Configs((tmp_path,)), fit().section())


def test_deviates_depend_on_name_and_number_alone():
    assert normals(["a", "b"], 3)[1] == normals(["b"], 3)[0]
    assert normals(["a"], 3) != normals(["a"], 4)


def test_errors_weigh_statuses_by_people():
    found = errors(published(value=100.0), np.array([103.0]))
    assert found.share == pytest.approx([0.03])


def test_luck_is_scaled_and_taken_from_the_variance_of_shocks():
    parts = variance_parts([0.0, 2.0], [0.0, 4.0], [0.0, 2.0], scale=0.25)
    assert parts == pytest.approx({"parameters": 2.0, "arrivals": 6.0, "random": 0.5})
