"""The plan of arrivals of Japan: totals of the past, seasons, compositions, shocks."""

from __future__ import annotations

import numpy as np
import pytest

from sim.config import compose as door
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.rng import run_key
from sim.data import load as tables
from sim.data.load import Data
from sim.rates.arrivals import ArrivalPlan, _shocks
from sim.rates.places import load_places

NEEDED = [
    "arrivals", "stocks_origin_status", "stocks_prefecture_status", "stocks_prefecture_origin",
    "status_groups", "overstayers", "municipalities", "municipality_flows", "origin_cohorts",
    "origin_income",
]  # fmt: skip
FUTURE = month_index("2026-01")


@pytest.fixture(scope="module")
def data() -> Data:
    return tables.load("japan", only=NEEDED)


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return door.compose(["start=2012-12", "end=2030-12", "arrivals.shocks=false"])


def plan_of(config: RunConfig, data: Data, replicate: int = 0) -> ArrivalPlan:
    return ArrivalPlan(config, data, load_places(config, data), run_key(0, replicate))


def channels(config: RunConfig, **change: object) -> RunConfig:
    """The configuration with settings of every channel changed."""
    changed = {name: channel.model_copy(update=change)
               for name, channel in config.arrivals.channels.items()}  # fmt: skip
    arrivals = config.arrivals.model_copy(update={"channels": changed, "shocks": True})
    return config.model_copy(update={"arrivals": arrivals})


@pytest.fixture(scope="module")
def plan(config: RunConfig, data: Data) -> ArrivalPlan:
    return plan_of(config, data)


def test_the_past_takes_the_table_to_the_person(config: RunConfig, data: Data, plan: ArrivalPlan):
    for date, rows in data["arrivals"].groupby("date"):
        end = month_index(str(date))
        simulated = sum(plan.people(month) for month in range(end - 5, end + 1))
        published = np.zeros(len(config.country.statuses))
        for status, people in zip(rows["status"], rows["people"], strict=True):
            published[config.country.statuses.index(status)] = people
        np.testing.assert_allclose(simulated, published, rtol=1e-12, err_msg=str(date))
        assert plan.is_past(end)
        assert plan.is_past(end - 5)


def test_every_month_of_the_past_is_covered(plan: ArrivalPlan):
    months = range(month_index("2013-01"), month_index("2025-06") + 1)
    assert all(plan.is_past(month) for month in months)
    assert not plan.is_past(month_index("2025-07"))
    assert not plan.is_past(month_index("2012-12")), "nothing came before the first opening"


def test_seasons_move_arrivals_within_the_year_only(config: RunConfig, plan: ArrivalPlan):
    year = np.array([plan.people(FUTURE + k) for k in range(12)])
    for name, channel in config.arrivals.channels.items():
        row = config.country.statuses.index(name)
        if channel.since or channel.until:
            continue
        assert year[:, row].sum() == pytest.approx(channel.level), name
        weights = np.array([channel.season.get(month, 1.0) for month in range(1, 13)])
        np.testing.assert_allclose(year[:, row], channel.level * weights / weights.sum())


def test_who_has_no_channel_does_not_come(config: RunConfig, plan: ArrivalPlan):
    closed = [s for s in config.country.statuses if s not in config.arrivals.channels]
    rows = [config.country.statuses.index(name) for name in closed]
    assert closed
    assert not plan.people(FUTURE)[rows].any()


def test_a_programme_ends_in_its_last_month_and_its_successor_begins(
    config: RunConfig, plan: ArrivalPlan
):
    old, new = (config.country.statuses.index(name) for name in ("titp_1", "esd"))
    march, april = (plan.people(month_index(month)) for month in ("2027-03", "2027-04"))
    assert march[old] > 0
    assert march[new] == 0
    assert april[old] == 0
    assert april[new] > 0


@pytest.mark.parametrize("month", ["2013-01", "2019-12", "2021-06", "2025-06", "2029-04"])
def test_compositions_add_up_to_one(config: RunConfig, plan: ArrivalPlan, month: str):
    now = month_index(month)
    share = plan.share(now)
    total = share.sum(axis=(1, 2))
    assert share.shape == (len(config.country.statuses), len(config.country.origins), 47)
    assert (share >= 0).all()
    assert (np.isclose(total, 1) | (total == 0)).all()
    assert np.isclose(total[plan.people(now) > 0], 1).all(), "they must come from somewhere"


def test_the_pattern_of_a_successor_is_that_of_its_model(config: RunConfig, plan: ArrivalPlan):
    old, new = (config.country.statuses.index(name) for name in ("titp_1", "esd"))
    share = plan.share(month_index("2027-04"))
    np.testing.assert_array_equal(share[new].sum(axis=1), share[old].sum(axis=1))


def test_shocks_have_mean_one(config: RunConfig):
    """The mean of 2,000 runs is within five standard errors of one (a right model fails 6 times
    in ten million seeds), and the spread is that of twelve months of the AR(1)."""
    rough = channels(config.model_copy(update={"end": "2026-06"}), phi=0.9, sigma=0.1)
    one = {"instructor": rough.arrivals.channels["instructor"]}
    only = rough.arrivals.model_copy(update={"channels": one})
    rough = rough.model_copy(update={"arrivals": only})
    base, month = month_index("2025-06"), month_index("2026-06")
    drawn = [_shocks(rough, run_key(0, k), base)["instructor", month] for k in range(2000)]
    factor = np.array(drawn)
    assert abs(factor.mean() - 1) < 5 * factor.std() / np.sqrt(factor.size)
    variance = 0.1**2 * (1 - 0.81**12) / (1 - 0.81)
    assert np.log(factor).std() == pytest.approx(np.sqrt(variance), rel=0.08)


def test_shocks_begin_after_the_last_observed_month(config: RunConfig, data: Data):
    shocked = plan_of(channels(config, sigma=0.3), data, replicate=5)
    calm = plan_of(config, data)
    last = month_index("2025-06")
    assert np.array_equal(shocked.people(last), calm.people(last))
    came = calm.people(last + 1) > 0
    assert (shocked.people(last + 1)[came] != calm.people(last + 1)[came]).all()


def test_without_variance_the_level_comes(config: RunConfig, data: Data):
    quiet = plan_of(channels(config, sigma=0.0, phi=0.0), data)
    for month in (FUTURE, month_index("2030-12")):
        np.testing.assert_array_equal(quiet.people(month), plan_of(config, data).people(month))


def test_growth_compounds_by_the_year(config: RunConfig, data: Data):
    growing = channels(config, sigma=0.0, growth=0.1)
    row, base = config.country.statuses.index("student"), month_index("2025-06")
    level = plan_of(config, data).people(base + 24)[row]
    assert plan_of(growing, data).people(base + 24)[row] == pytest.approx(1.21 * level)


def test_free_mode_continues_the_two_years_before(config: RunConfig, data: Data):
    arrivals = config.arrivals.model_copy(update={"mode": "free"})
    update = {"arrivals": arrivals, "start": "2017-12"}
    free = plan_of(config.model_copy(update=update), data)
    table = data["arrivals"]
    before = table["date"].isin(["2016-06", "2016-12", "2017-06", "2017-12"])
    mine = before & (table["status"] == "student")
    row, first = config.country.statuses.index("student"), month_index("2018-01")
    year = sum(free.people(first + k)[row] for k in range(12))
    assert not free.is_past(first)
    assert year == pytest.approx(table[mine]["people"].sum() / 2)
