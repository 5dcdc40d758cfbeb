"""Hindcasts: nobody looks ahead, the naive forecasts are those of the design, scores are right."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sim.config.compose import compose
from sim.config.schema.policy import FittedEdit, FittedRates, Prior
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError, InvariantError
from sim.data.load import load
from sim.studies.hindcast.demand import demand_known, recruiting
from sim.studies.hindcast.forecast import fitted_rates
from sim.studies.hindcast.known import Known, as_known, later_than, period_end
from sim.studies.hindcast.members import drawn_rates, normal, with_trends
from sim.studies.hindcast.published import published_series
from sim.studies.hindcast.rivals import RIVALS
from sim.studies.hindcast.scores import covered, crps, weighted_error
from sim.studies.hindcast.settings import load_hindcast, request_of

SETTINGS = load_hindcast("japan")
DATA = load("japan")
CONFIG = compose(["scenario=baseline_2025"])
NAIVE = {("2017-12", "2019-12"): 0.057, ("2019-12", "2025-06"): 0.226,
         ("2022-12", "2025-06"): 0.165, ("2023-12", "2025-06"): 0.050}  # fmt: skip


@pytest.fixture(scope="module", params=["2017-12", "2020-06", "2022-12", "2024-06"])
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
        assert len(set(known.data[name]["prefecture"]) - {"00"}) == 47


@pytest.mark.parametrize(("origin", "horizon"), list(NAIVE))
def test_naive_linear_trend_is_that_of_the_design(origin, horizon):
    known = as_known(DATA, month_index(origin), SETTINGS)
    came = published_series(DATA, CONFIG, SETTINGS)["status"].loc[month_index(horizon)]
    past = published_series(known.data, CONFIG, SETTINGS)["status"]
    months, people = past.index.to_numpy(), past.to_numpy()
    said = RIVALS["linear_2y"](months, people, month_index(horizon), lambda m: True)
    error = weighted_error(pd.Series(said, past.columns), came)
    assert round(error, 3) == NAIVE[origin, horizon]


@pytest.mark.parametrize("origin", SETTINGS.all_origins())
def test_every_half_year_can_be_looked_from(origin):
    month = month_index(origin)
    known = as_known(DATA, month, SETTINGS)
    for kind, series in published_series(known.data, CONFIG, SETTINGS).items():
        assert month - 12 <= series.index.max() <= month, kind
        assert series.iloc[-1].sum() > 0


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


def test_draws_are_functions_of_who_asks():
    assert normal(0, 0, "a") == 0
    assert normal(0, 1, "a") == normal(0, 1, "a")
    assert len({normal(s, m, n) for s in (0, 1) for m in (1, 2) for n in "ab"}) == 8
    many = np.array([normal(0, m, "rate") for m in range(1, 4001)])
    assert abs(many.mean()) < 0.06
    assert many.std() == pytest.approx(1, abs=0.05)


def test_the_median_of_drawn_rates_is_the_value():
    config, spread, first = compose([]), SETTINGS.rate_sd, month_index("2012-12")
    path = "student.monthly.leave"
    drawn = {member: drawn_rates(config, spread, 0, member, first) for member in (0, 3)}
    assert drawn[0].scenario.edits == config.scenario.edits
    edits = drawn[3].scenario.edits
    assert len(edits) > 100
    for edit in edits.values():
        status, occasion, fate = edit.paths[0].split(".")
        entry = getattr(config.status[status], occasion)[fate]
        if entry.share is not None:
            assert entry.share * edit.multiply <= 1.001
    small = config.model_copy(update={"status": {"student": config.status["student"]}})
    factors = np.array([
        next(e.multiply for e in drawn.scenario.edits.values() if e.paths == [path])
        for drawn in (drawn_rates(small, spread, 0, m, first, 0.4) for m in range(1, 1501))
    ])  # fmt: skip
    assert np.median(factors) == pytest.approx(1, abs=0.03)
    assert np.log(factors).std() == pytest.approx(0.4, abs=0.02)


def test_a_fit_sees_only_what_was_known(monkeypatch, known):
    edit = FittedEdit(paths=["student.at_end.leave"], since="2012-12", multiply=1.2,
                      prior=Prior(median=1.0, sd=0.2), quality="fitted")  # fmt: skip
    later = edit.model_copy(update={"paths": ["arrivals.student"], "since": "2025-07"})
    asked = []

    class Fit:
        def section(self, draw):
            return FittedRates(name="test", draw=draw, edits={"leave": edit, "entries": later})

    def fit_past(config, data, until, plan, **rest):
        asked.append((data, until))
        assert min(p.sd for p in plan.parameters.values()) >= SETTINGS.flat_sd.value
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


def test_firms_know_only_the_notifications_of_the_past(known):
    """Growth of demand comes from what was known; all sectors begin alike."""
    said = demand_known(CONFIG, known)
    assert said.active
    assert len({sector.growth.value for sector in said.sectors.values()}) == 1
    latest = {"2017-12": 0.165, "2020-06": 0.127, "2022-12": 0.09, "2024-06": 0.118}
    origin = month_name(known.origin)
    assert said.growth.value == pytest.approx(latest[origin], abs=0.03)
    assert 0 < said.demand.persistence.value < 1


def test_firms_begin_to_recruit_as_many_as_channels_have(known):
    """Twice the level of a channel: twice the success, below certainty."""
    firms = demand_known(CONFIG, known)
    config = CONFIG.model_copy(update={"firms": firms})
    channel = config.arrivals.channels["titp_1"]
    success = []
    for level in (20_000.0, 40_000.0, 4_000_000.0):
        channels = {"titp_1": channel.model_copy(update={"level": level})}
        arrivals = config.arrivals.model_copy(update={"channels": channels})
        now = recruiting(config.model_copy(update={"arrivals": arrivals}), firms, known)
        success.append(now.firms.recruit.success["programme"].value)
    assert success[1] == pytest.approx(2 * success[0])
    assert success[2] == 0.95


def test_words():
    asked = request_of(
        ["origin=2022-12", "members=3", "status.x.y=1", "hydra/launcher=ray", "events=told"],
        SETTINGS,
    )
    assert asked.origins == {"2022-12": "2025-06"}
    assert asked.members == 3
    assert asked.overrides == ("status.x.y=1",)
    assert asked.launcher == ("hydra/launcher=ray",)
    assert asked.events == ("told",)
    with pytest.raises(ConfigError) as problem:
        request_of(["origin=2022-13", "members=0", "mode=wild", "scale=2", "events=all"], SETTINGS)
    assert len(problem.value.problems) == 5
    with pytest.raises(ConfigError, match="June or December"):
        request_of(["origin=2022-11"], SETTINGS)


def test_rule_and_judging_origins_take_turns():
    """Every half-year once; the first, third, ... choose rules and the others judge."""
    every = SETTINGS.all_origins()
    months = [month_index(origin) for origin in every]
    assert set(np.diff(months)) == {6}
    assert every[::2] == SETTINGS.rule_origins
    assert every[1::2] == SETTINGS.judging_origins
    asked = request_of(["origin=judging"], SETTINGS).origins
    assert list(asked) == SETTINGS.judging_origins
    assert asked["2016-06"] == "2021-06"
    assert asked["2024-06"] == "2025-06"
