"""Hindcasts: entries of the past, how they go on, and what the model got wrong before then."""

import inspect

import numpy as np
import pytest

from sim.config.compose import compose
from sim.core.clock import month_index
from sim.studies.hindcast.entries import Balancing, PastEntries, balance, closing_entries
from sim.studies.hindcast.known import Known
from sim.studies.hindcast.misfit import error_factors, past_errors, yearly_steps
from sim.studies.hindcast.settings import load_hindcast
from sim.studies.hindcast.trend import fitted_trend, shock_sigma, trends

SETTINGS = load_hindcast("japan")


def halves_of(entries, seasons=(1.0, 1.0)):
    """(rates, ages, second halves) of half-yearly entries, a year at a time, the last first."""
    second = np.arange(len(entries)) % 2 == 0
    return 2 * entries * np.where(second, *seasons), np.arange(float(len(entries))), second


def test_trend_finds_growth_and_shrinks_it():
    settings = SETTINGS.arrivals
    entries = 5_000 * np.exp(0.05 * np.arange(0, -16, -1.0))
    steady = fitted_trend(*halves_of(entries), settings)
    assert 0.06 < steady.growth < 0.1
    assert steady.level == pytest.approx(np.log(10_000) + 0.25 * steady.growth, abs=0.02)
    wild = fitted_trend(*halves_of(entries * np.tile([1, 1, 2, 2.0], 4)), settings)
    assert wild.growth < steady.growth
    assert wild.noise > 2 * steady.noise
    few = fitted_trend(*halves_of(np.array([5.0, 10.0, 15.0])), settings)
    assert few.growth == 0


def test_a_season_is_no_trend():
    """Second halves twice the first: the level is that of a whole year, the noise stays small."""
    rates, ages, second = halves_of(np.full(16, 5_000.0), seasons=(4 / 3, 2 / 3))
    found = fitted_trend(rates, ages, second, SETTINGS.arrivals)
    assert np.exp(found.level) == pytest.approx(10_000, rel=0.06)
    assert found.growth == pytest.approx(0, abs=0.02)
    assert found.noise < SETTINGS.arrivals.noise_sd.value
    last_first = fitted_trend(rates[1:], ages[:-1], second[1:], SETTINGS.arrivals)
    assert np.exp(last_first.level) == pytest.approx(10_000, rel=0.06)


def test_a_level_that_is_old_is_less_sure():
    rates, ages, second = halves_of(np.full(8, 5_000.0))
    now = fitted_trend(rates, ages, second, SETTINGS.arrivals)
    then = fitted_trend(rates, ages + 2, second, SETTINGS.arrivals)
    assert then.root[0, 0] > 2 * now.root[0, 0]
    assert then.level == pytest.approx(now.level)


def test_closed_years_are_no_trend():
    config = compose([])
    s = config.country.statuses.index("student")
    n = 8
    ends = [month_index("2022-12") - 6 * k for k in range(n)][::-1]
    entries, factor = (
        np.zeros((n, len(config.country.statuses))),
        np.ones((n, len(config.country.statuses))),
    )
    entries[:, s], factor[2:6, s] = 50_000, 0.1
    entries[2:6, s] = 2_000
    past = PastEntries(ends, entries, factor)
    found = trends(config, past, SETTINGS.arrivals)["student"]
    assert np.exp(found.level) == pytest.approx(100_000, rel=0.01)
    assert found.seen == 4


def test_law_plan_until_two_years_are_seen():
    config = compose([])
    shape = (8, len(config.country.statuses))
    entries = np.full(shape, 5_000.0)
    found = {}
    for last in ("2017-12", "2019-12", "2023-12"):
        ends = [month_index(last) - 6 * k for k in range(8)][::-1]
        past = PastEntries(ends, entries, np.ones(shape))
        found[last] = trends(config, past, SETTINGS.arrivals).get("ssw_1")
    assert found["2017-12"] is None
    assert np.exp(found["2019-12"].level) == pytest.approx(38_000)
    assert np.exp(found["2023-12"].level) == pytest.approx(10_000, rel=0.01)


def test_shocks_move_a_year_as_the_trend_says():
    """Twelve monthly steps of the walk, as `sim.rates.arrivals` takes them."""
    steps = np.random.default_rng(1).normal(size=(4_000, 12)) * shock_sigma(0.2)
    assert steps.sum(axis=1).std() == pytest.approx(0.2, rel=0.05)


def test_entries_that_are_missing_close_the_gap():
    """Newcomers who leave at the assumed rate: one round finds what came."""
    turnover, came = (
        np.array([0.1, 1.1]),
        np.array([[5.0, 8.0], [7.0, 6.0], [6.0, 9.0], [1.0, 4.0]]),
    )
    stays, stock = np.exp(-turnover / 2), [np.array([40.0, 30.0])]
    opening = stock[0].copy()
    for new in came:
        stock.append(stock[-1] * stays + new)
    without = np.array([opening * stays**h for h in range(5)])
    assert closing_entries(np.array(stock) - without, turnover) == pytest.approx(came)


def test_misfit_is_found_and_walked():
    """A walk with a step of 0.1 a year is estimated from many looks, and shrunk with few."""
    rng = np.random.default_rng(3)
    steps = rng.normal(size=(400, 6, 5)) * 0.1 * np.sqrt(0.5)
    errors = np.cumsum(steps, axis=1)
    errors[..., 4] *= 3
    errors[..., 3] = np.nan
    errors = np.concatenate([errors, errors[..., :1] / 2], axis=2)  # and all together
    found = yearly_steps(errors, SETTINGS.misfit)
    assert found[5] == pytest.approx(0.05, rel=0.1)
    assert found[:3] == pytest.approx(0.1, rel=0.1)
    assert found[4] == pytest.approx(0.3, rel=0.1)
    assert found[3] == pytest.approx(0.1, rel=0.1)  # nothing of its own: what all say
    assert yearly_steps(errors[:2], SETTINGS.misfit)[4] < found[4]
    empty = errors.copy()
    empty[0, 2, 0] = np.inf  # a small run had nobody there for once
    assert yearly_steps(empty, SETTINGS.misfit) == pytest.approx(found, rel=0.01)
    nothing = yearly_steps(np.full((0, 0, 6), np.nan), SETTINGS.misfit)
    assert nothing.tolist() == [0, 0, 0, 0, 0, SETTINGS.misfit.common.value]
    names = list("abcde")
    walked = np.array([np.log(error_factors(found, names, 0, m, 4)) for m in range(1, 801)])
    assert walked[:, 3, 0].std() == pytest.approx(found[0] * np.sqrt(2), rel=0.1)
    assert np.median(walked[:, 3], axis=0) == pytest.approx(0, abs=0.04)
    shared = np.corrcoef(walked[:, 3, 0], walked[:, 3, 1])[0, 1]
    assert shared == pytest.approx(0.25, abs=0.1)  # half the step of each is that of all
    assert (error_factors(found, names, 0, 0, 4) == 1).all()


def test_misfit_is_asked_of_what_was_known():
    """Its looks back are made with a Known, which cannot hold anything later."""
    assert inspect.get_annotations(Balancing, eval_str=True)["known"] is Known
    for takes in (past_errors, balance):
        assert inspect.signature(takes, eval_str=True).parameters["task"].annotation is Balancing
