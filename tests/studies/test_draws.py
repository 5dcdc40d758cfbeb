"""A draw is a function of who it is for, and of nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.config.checks.fates import check_fates
from sim.config.compose import compose
from sim.config.yaml import dotted
from sim.studies.draws import (
    DEMAND,
    END,
    RANDOM,
    RATES,
    RESPONSES,
    SOURCES,
    SUPPLY,
    Ensemble,
    first_attempt,
    normal,
    quantile,
    ranged,
)
from tests.helpers import tiny

RANGE = {"quality": "assumption", "low": 0.1, "high": 0.4}
LEAVE = {"kind": "leave", "rate": 0.2, **RANGE}


def test_a_deviate_is_a_function_of_its_four_names_and_nothing_else():
    one = normal(5, 3, DEMAND, "firms.demand.ageing.value")
    assert one == normal(5, 3, DEMAND, "firms.demand.ageing.value")
    others = [normal(6, 3, DEMAND, "firms.demand.ageing.value"),
              normal(5, 4, DEMAND, "firms.demand.ageing.value"),
              normal(5, 3, SUPPLY, "firms.demand.ageing.value"),
              normal(5, 3, DEMAND, "firms.demand.wages.value")]  # fmt: skip
    assert len({one, *others}) == 5
    many = np.array([normal(0, member, RATES, "x") for member in range(1, 2001)])
    assert abs(many.mean()) < 0.08
    assert abs(many.std() - 1) < 0.06
    assert normal(0, 0, RATES, "x") == 0.0


@pytest.mark.parametrize(
    ("low", "value", "high", "unit"),
    [(3.0, 6.0, 12.0, "years"), (0.005, 0.01, 0.1, "a year"), (0.0, 0.5, 1.5, "elasticity"),
     (0.4, 0.6, 0.8, "share"), (0.6, 0.85, 1.0, "share of growth"), (1.1, 1.3, 2.0, "multiplier"),
     (0.99, 0.95, 0.9, "multiplier of contact"), (1.0, 0.9, 0.5, "multiplier"),
     (-0.6, -1.8, -3.2, "elasticity"), (0.0, -0.15, -0.4, "elasticity")],
)  # fmt: skip
def test_low_and_high_are_the_ends_of_an_80_percent_interval_and_the_value_its_median(
    low, value, high, unit
):
    assert quantile(-END, low, value, high, unit) == pytest.approx(low)
    assert quantile(0.0, low, value, high, unit) == pytest.approx(value)
    assert quantile(END, low, value, high, unit) == pytest.approx(high)
    drawn = [quantile(z, low, value, high, unit) for z in np.linspace(-4, 4, 81)]
    steps = np.diff(drawn) * math.copysign(1.0, high - low)
    assert (steps >= 0).all()
    assert all(math.copysign(1, d) == math.copysign(1, value) for d in drawn if d)  # same sign
    if unit.startswith("share"):
        assert max(drawn) <= 1.0
    if unit.startswith("multiplier"):  # no effect is turned round
        assert max(drawn) <= 1.0 or min(drawn) >= 1.0


def test_every_range_is_found_wherever_it_stands():
    config = tiny.config({
        "status.worker.monthly.leave": LEAVE,
        "arrivals.channels.worker.low": 800.0, "arrivals.channels.worker.high": 1800.0,
        "life.same_prefecture_moves": {"value": 0.45, "unit": "share", **RANGE, "high": 0.5},
        "status.learner.monthly.leave": {**LEAVE, "rate": 0.5},
    })  # fmt: skip
    found = {one.name: one.source for one in ranged(config)}
    assert found == {
        "status.worker.monthly.leave.rate": RATES,
        "arrivals.channels.worker.level": SUPPLY,
        "life.same_prefecture_moves.value": RATES,
    }  # one outside its range is held fixed
    kept = ranged(config, ["arrivals.channels", "life.same_prefecture_moves.value"])
    assert [one.name for one in kept] == ["status.worker.monthly.leave.rate"]


def test_a_member_does_not_depend_on_what_else_is_drawn():
    small = tiny.config({"status.worker.monthly.leave": LEAVE})
    large = tiny.config({"status.worker.monthly.leave": LEAVE,
                         "status.partner.monthly.leave": LEAVE})  # fmt: skip
    path = ("status", "worker", "monthly", "leave", "rate")
    assert Ensemble(small).values(7)[path] == Ensemble(large).values(7)[path]
    assert Ensemble(small).values(7, [RANDOM]) == {}
    assert Ensemble(small).member(0) == small
    alone = Ensemble(small).member(7, [RATES])
    assert alone.replicate == 0
    assert alone.status["worker"].monthly["leave"].rate == Ensemble(small).values(7)[path]
    assert alone.status["partner"] is small.status["partner"]


def test_the_words_of_a_member_lead_to_it():
    words = ["scenario=managed_coexistence", "firms.demand.persistence.value=0.8", "scale=0.01"]
    config = compose(words)
    ensemble = Ensemble(config, ["scenario", "firms.demand.persistence.value", "scale"])
    assert ensemble.sources() == list(SOURCES)
    own = ensemble.words(3)
    assert compose([*words, *own]) == ensemble.member(3)
    names = [word.partition("=")[0] for word in own]
    assert "firms.demand.persistence.value" not in names
    assert len(names) == len({*names})
    drawn = {one.source for one in ensemble.ranged}
    assert drawn == {RATES, DEMAND, SUPPLY, RESPONSES}
    fitted = compose([]).fit.edits["permanent_leave"].paths[0]  # left to the draws of the fit
    drawn_paths = {dotted(one.path) for one in ensemble.ranged}
    assert f"status.{fitted}.rate" not in drawn_paths
    # The fit moves these in the past alone.
    assert "firms.recruit.success.skilled_1.value" in drawn_paths


def test_rates_that_do_not_go_together_are_drawn_again():
    """Shares of outcomes of a member never add up to more than 1, and its words compose."""
    ensemble = Ensemble(compose([]))
    again = [member for member in range(1, 61) if first_attempt([ensemble], member)]
    assert again
    assert not any(list(check_fates(ensemble.member(member))) for member in range(1, 61))
    composed = compose(ensemble.words(again[0]))
    assert composed.status == ensemble.member(again[0]).status
    assert Ensemble(compose([])).values(again[0]) == ensemble.values(again[0])


def test_arms_share_the_first_attempt_that_succeeds_in_all_of_them():
    """Else one arm would have other rates than its pair, where only its own do not go together."""
    name = "status.student.at_end.to_engineer.share"
    arms = [Ensemble(compose(words), [name]) for words in ([f"{name}=0.1"], [])]
    differ = [member for member in range(1, 61)
              if first_attempt(arms[:1], member) != first_attempt(arms[1:], member)]  # fmt: skip
    assert differ
    for member in differ:
        attempt = first_attempt(arms, member)
        assert all(arm.goes_together(member, attempt) for arm in arms)
        one, other = (arm.words(member, attempt=attempt) for arm in arms)
        assert one == other
        again = arms[0].words(member, attempt=attempt, replicate=10_003)
        assert again == ["replicate=10003", *one[1:]]
