"""Hindcasts: nobody looks ahead, the naive forecasts are those of the design, scores are right."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sim.config.compose import compose
from sim.config.schema.policy import FittedEdit, FittedRates, Prior
from sim.core.clock import month_index
from sim.core.errors import ConfigError, InvariantError
from sim.data.load import load
from sim.studies.hindcast.baselines import SIMPLE, cohort_component, point_forecasts, wide
from sim.studies.hindcast.forecast import fitted_rates
from sim.studies.hindcast.known import Known, as_known, later_than, period_end
from sim.studies.hindcast.members import drawn_rates, normal, with_trends
from sim.studies.hindcast.scores import (
    covered,
    crps,
    grouped,
    published_after,
    score,
    weighted_error,
)
from sim.studies.hindcast.settings import load_hindcast, request_of

SETTINGS = load_hindcast("japan")
DATA = load("japan")
NAIVE = {"2017-12": 0.057, "2019-12": 0.226, "2022-12": 0.165, "2023-12": 0.050}


@pytest.fixture(scope="module", params=list(NAIVE))
def known(request):
    return as_known(DATA, month_index(request.param), SETTINGS)


def test_nothing_later_is_known(known):
    assert list(later_than(known.data, known.origin, SETTINGS)) == []
    for name in ("stocks_status", "stocks_origin_status", "stocks_age_sex"):
        dates = known.data[name]["date"]
        assert dates.map(lambda d: month_index(str(d))).max() <= known.origin
    assert known.data["entries"]["year"].max() <= 1900 + known.origin // 12
    assert known.data["arrivals"].empty
    assert known.data["hazard_priors"].empty
    assert set(DATA.tables) == set(known.data.tables)


@pytest.mark.parametrize(
    "name", [n for n in DATA.tables if n not in (*SETTINGS.known.always, "workers_size")]
)
def test_each_later_table_is_refused(name):
    """Feed one table with what came later: no Known can be made of it."""
    origin = month_index("2017-12")
    honest = as_known(DATA, origin, SETTINGS)
    fed = MappingProxyType({**honest.data.tables, name: DATA[name]})
    with pytest.raises(InvariantError, match=name):
        Known(origin, replace(honest.data, tables=fed), SETTINGS)


def test_one_later_row_or_number_is_refused(known):
    stocks = known.data["stocks_status"]
    row = stocks.iloc[[-1]].assign(date="2025-06")
    fed = {**known.data.tables, "stocks_status": pd.concat([stocks, row], ignore_index=True)}
    with pytest.raises(InvariantError, match="1 rows were not known"):
        Known(known.origin, replace(known.data, tables=MappingProxyType(fed)), SETTINGS)
    towns = known.data["municipalities"].assign(
        population_2025=DATA["municipalities"]["population_2025"]
    )
    fed = {**known.data.tables, "municipalities": towns}
    with pytest.raises(InvariantError, match="municipalities: some columns"):
        Known(known.origin, replace(known.data, tables=MappingProxyType(fed)), SETTINGS)
    later = pd.DataFrame({"date": ["2025-06"], "status": ["student"], "people": [1.0]})
    with pytest.raises(InvariantError, match="arrivals"):
        known.with_arrivals(later)


def test_a_table_without_a_rule_is_left_out():
    new = MappingProxyType({**DATA.tables, "surprise": DATA["entries"]})
    known = as_known(replace(DATA, tables=new), month_index("2019-12"), SETTINGS)
    assert known.data["surprise"].empty


@pytest.mark.parametrize(
    ("period", "last"),
    [("", "2022-12"), ("2022-03", "2022-03"), ("2019-04..2022-11", "2022-11"),
     ("2020..2022", "2022-12"), ("fy2022", "2023-03"), ("spring", "2023-12")],
)  # fmt: skip
def test_periods_end(period, last):
    assert period_end(2022, period) == month_index(last)


def test_stand_ins_keep_the_totals(known):
    stocks = known.data["stocks_status"]
    total = stocks[stocks["date"] == stocks["date"].max()]["people"].sum()
    for name in ("stocks_prefecture_status", "stocks_prefecture_origin"):
        assert known.data[name]["people"].sum() == total
        assert known.data[name]["prefecture"].nunique() == 47


def test_naive_linear_trend_is_that_of_the_design(known):
    origin = next(o for o in NAIVE if month_index(o) == known.origin)
    horizon = month_index(SETTINGS.origins[origin])
    came = wide(DATA["stocks_status"], "status").loc[horizon]
    past = wide(known.data["stocks_status"], "status")
    said = SIMPLE["linear"](past, known.origin, horizon)
    error = weighted_error(grouped(said, SETTINGS.scores), grouped(came, SETTINGS.scores))
    assert round(error, 3) == NAIVE[origin]


def test_baselines_in_closed_form():
    past = pd.DataFrame({"a": [100.0, 150.0], "b": [50.0, 20.0]}, index=[0, 24])
    assert SIMPLE["last"](past, 24, 60).tolist() == [150, 20]
    assert SIMPLE["linear"](past, 24, 60).tolist() == [225, -25]
    assert SIMPLE["linear_floored"](past, 24, 60).tolist() == [225, 0]
    assert SIMPLE["exponential"](past, 24, 48).tolist() == pytest.approx([225, 8])


def test_cohorts_in_a_steady_state_stay(known):
    ages, stocks = known.data["stocks_age_sex"], known.data["stocks_status"]
    last = ages["date"].max()
    two = f"{int(last[:4]) - 2}-06"
    steady = pd.concat([ages[ages["date"] == last].assign(date=d) for d in (two, last)])
    fed = {**known.data.tables, "stocks_age_sex": steady}
    same = Known(known.origin, replace(known.data, tables=MappingProxyType(fed)), SETTINGS)
    now = wide(stocks, "status").loc[known.origin]
    said = cohort_component(same, [known.origin, known.origin + 30])
    shown = now[now > 500].index
    assert said.iloc[0][shown].to_numpy() == pytest.approx(now[shown].to_numpy())
    assert said.iloc[1][shown].to_numpy() == pytest.approx(now[shown].to_numpy(), rel=0.05)


def test_crps_of_a_normal_ensemble():
    """Known in closed form: sigma * (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    members = norm.ppf((np.arange(4000) + 0.5) / 4000)[None, :] * 2.0
    exact = 2.0 * (0.5 * (2 * norm.cdf(0.5) - 1) + 2 * norm.pdf(0.5) - 1 / np.sqrt(np.pi))
    assert crps(np.array([1.0]), members)[0] == pytest.approx(exact, rel=2e-3)
    assert crps(np.array([3.0, 5.0]), np.array([[1.0], [9.0]])).tolist() == [2, 4]


@pytest.mark.slow  # the library compiles for a quarter of a minute when imported
def test_crps_is_that_of_the_library():
    import scoringrules

    draws = np.random.default_rng(2).normal(size=(200, 21))
    members, came = 100 * draws[:, 1:], 100 * draws[:, 0]
    theirs = scoringrules.crps_ensemble(came, members, estimator="fair", backend="numpy")
    assert crps(came, members) == pytest.approx(np.asarray(theirs))


def test_intervals_hold_what_they_say_whatever_the_number_of_members():
    draws = np.random.default_rng(5).normal(10, size=(40_000, 21))
    for level in (0.5, 0.8):
        assert covered(draws[:, 0], draws[:, 1:], level) == pytest.approx(level, abs=0.01)


def test_coverage_counts_cells():
    members = np.tile(np.arange(101.0), (4, 1))
    came = np.array([50.0, 12.0, 95.0, 300.0])
    assert covered(came, members, 0.5) == 0.25
    assert covered(came, members, 0.8) == 0.5
    assert covered(came, members, 0.95) == 0.75


def test_a_perfect_forecast_scores_nothing(known):
    horizon = month_index("2025-06")
    came = published_after(DATA, known.origin, horizon)
    perfect = pd.concat([came.assign(member=m) for m in (1, 2)])
    said = score(perfect, came, horizon, SETTINGS.scores)
    assert all(value == pytest.approx(0) for name, value in said.items() if name[:5] == "error")
    assert said["crps"] == pytest.approx(0)
    assert said["coverage_80"] == 1
    worse = perfect.assign(people=perfect["people"] * 1.1)
    assert score(worse, came, horizon, SETTINGS.scores)["error_status"] == pytest.approx(0.1)
    assert score(worse, came, horizon, SETTINGS.scores)["error_total"] == pytest.approx(0.1)


def test_every_baseline_forecasts_what_is_scored(known):
    horizon = month_index("2025-06")
    came = published_after(DATA, known.origin, horizon)
    months = sorted({month_index(m) for m in came["month"]})
    for said in point_forecasts(known, months).values():
        scored = score(said, came, horizon, SETTINGS.scores)
        assert 0.01 < scored["error_status"] < 1.1
        assert scored["crps"] > 0


def test_draws_are_functions_of_who_asks():
    assert normal(0, 0, "a") == 0
    assert normal(0, 1, "a") == normal(0, 1, "a")
    assert len({normal(s, m, n) for s in (0, 1) for m in (1, 2) for n in "ab"}) == 8
    many = np.array([normal(0, m, "rate") for m in range(1, 4001)])
    assert abs(many.mean()) < 0.06
    assert many.std() == pytest.approx(1, abs=0.05)


def test_drawn_rates_stay_in_their_ranges():
    config, spread = compose([]), SETTINGS.rate_sd
    drawn = drawn_rates(config, spread, 0, 3, month_index("2012-12"))
    edits = drawn.scenario.edits
    assert len(edits) > 100
    for edit in edits.values():
        status, occasion, fate = edit.paths[0].split(".")
        entry = getattr(config.status[status], occasion)[fate]
        value = entry.rate if entry.rate is not None else entry.share
        if entry.low and entry.high and entry.low <= value <= entry.high:
            assert entry.low * 0.999 <= value * edit.multiply <= entry.high * 1.001
        elif entry.share is not None:
            assert value * edit.multiply <= 1.001
    assert drawn_rates(config, spread, 0, 0, 0).scenario.edits == config.scenario.edits


def test_a_fit_sees_only_what_was_known(monkeypatch, known):
    edit = FittedEdit(paths=["student.at_end.leave"], since="2012-12", multiply=1.2,
                      prior=Prior(median=1.0, sd=0.2), quality="fitted")  # fmt: skip
    later = edit.model_copy(update={"paths": ["arrivals.student"], "since": "2025-07"})
    asked = []

    class Fit:
        def section(self, draw):
            return FittedRates(name="test", draw=draw, edits={"leave": edit, "entries": later})

    def fit_past(config, data, until, **rest):
        asked.append((data, until))
        return Fit()

    monkeypatch.setattr("sim.studies.hindcast.forecast.fit_past", fit_past)
    rates = fitted_rates(compose([]), known, None, print)
    assert asked == [(known.data, known.origin)]
    assert list(rates(2).fit.edits) == ["leave"]
    assert rates(2).fit.draw == 2


def test_no_channel_keeps_its_configured_level():
    """The levels of configs/ are estimated with figures to 2025: none may leak into the past."""
    config = compose([])
    after = with_trends(config, {}, SETTINGS.arrivals, 0, 1).arrivals
    assert {channel.level for channel in after.channels.values()} == {0.0}
    assert after.mode == "free"


def test_words():
    asked = request_of(["origin=2022-12", "members=3", "status.x.y=1"], SETTINGS)
    assert asked.origins == {"2022-12": "2025-06"}
    assert asked.members == 3
    assert asked.overrides == ("status.x.y=1",)
    with pytest.raises(ConfigError) as problem:
        request_of(["origin=2022-13", "members=0", "mode=wild", "scale=2"], SETTINGS)
    assert len(problem.value.problems) == 4
