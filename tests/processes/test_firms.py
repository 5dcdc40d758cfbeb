"""A month of firms alone: demand, vacancies, closures, standing, new firms."""

from __future__ import annotations

import numpy as np
import pytest

from sim.agents.firms import HOLE
from sim.core.rng import run_key
from sim.processes.firm_rules import grow_demand, growth, rules
from sim.processes.firms import demand_shock
from tests.helpers.firm_world import KEY, SCALE, Months, config, fresh

GROWTH = "firms.sectors.{}.growth"


def test_the_first_vacancies_are_those_of_the_opening():
    run = Months(fresh())
    heads = run.firms["heads"].sum()
    open_jobs = np.array([s.vacancies.value for s in config().firms.sectors.values()])
    expected = (run.firms["heads"].sum(axis=1) * open_jobs[run.firms["sector"]]).sum()
    run.step(hire=False)
    assert run.firms["vacancies"].sum() == pytest.approx(expected, rel=0.25)
    assert run.firms["heads"].sum() == heads
    assert (run.firms["vacancies"] >= 0).all()


def test_threads_change_nothing():
    one, three = Months(fresh(), 1), Months(fresh(), 3)
    for _ in range(14):
        one.step()
        three.step()
    for name in ("key", "status", "vacancies", "heads", "notice", "wanted"):
        assert np.array_equal(one.firms[name], three.firms[name]), name
    assert np.array_equal(one.firms.seen, three.firms.seen)


def test_one_firm_more_changes_no_other():
    base, run = fresh(), fresh()
    row = run.take(1)
    for name in ("sector", "size", "municipality", "status", "wanted", "heads"):
        run.columns._asdict()[name][row] = run[name][:1]
    run.columns.key[row] = np.uint64(12345)
    a, b = Months(base), Months(run)
    for _ in range(6):
        a.step()
        b.step()
    mine = {k: tuple(v) for k, v in zip(base["key"].tolist(), base["heads"].tolist(), strict=True)}
    more = {k: tuple(v) for k, v in zip(run["key"].tolist(), run["heads"].tolist(), strict=True)}
    assert more.pop(12345)
    assert mine == more


def test_growth_of_one_sector_leaves_the_others_alone():
    a, b = Months(fresh()), Months(fresh(), **{GROWTH.format("construction"): 0.05})
    for _ in range(12):
        a.step()
        b.step()
    k = list(config().firms.sectors).index("construction")
    assert b.firms.seen[k, 1] < a.firms.seen[k, 1]
    others = [i for i in range(len(config().firms.sectors)) if i != k]
    assert np.array_equal(a.firms.seen[others], b.firms.seen[others])


def test_demand_grows_as_the_parameters_say():
    change = {"firms.demand.ageing": 0.0, "firms.demand.certified": 1.0,
              "firms.demand.shock": 0.0}  # fmt: skip
    run = Months(fresh(), **change)
    firms, params, book = config().firms, run.state.params, run.firms.book
    month, before = run.state.month + 1, (book.demand.copy(), book.extent.copy())
    sector, tier = growth(book, firms, params, month)
    run.step()
    grown = np.log(book.demand / before[0]) + np.log(book.extent / before[1])[:, None]
    assert grown == pytest.approx(tier / 12, rel=1e-9)
    assert np.log(book.extent / before[1]) == pytest.approx(0.85 * sector / 12, rel=1e-9)
    # A year on, the stated part of the distance from the mean is left of the growth itself.
    flat = {**params, "firms.demand.ceiling": 1e9}
    mean, part = (params[f"firms.demand.{name}"] for name in ("mean", "persistence"))
    now, later = (growth(book, firms, flat, m)[1] for m in (month, month + 12))
    assert later - mean == pytest.approx((now - mean) * part, rel=1e-9)
    assert growth(book, firms, flat, month + 12 * 300)[1] == pytest.approx(mean, abs=1e-6)


def test_the_pace_of_a_past_year_multiplies_the_jobs_wanted_at_its_end():
    """Also those of specified skilled workers, of whom there were none at the opening."""
    firms, params, wanted = config().firms, dict(Months(fresh()).state.params), []
    names = list(firms.tiers)
    paced, new = names.index("programme"), names.index("skilled_1")
    for pace in (1.0, 1.1):
        book = fresh().book
        book.past, book.instead = np.full((2, len(names)), 0.05), np.zeros((2, len(names)))
        book.instead[:, new] = 0.2, 0.4
        for name in ("programme", "skilled_1"):
            params[f"firms.demand.pace.{name}"] = pace
        first = int(book.first[0])
        for month in range(first + 1, first + 13):
            grow_demand(book, firms, params, month)
        after = rules(book, firms, params, first + 12)
        jobs = after.want * book.extent[:, None], after.stead * book.extent[:, None]
        wanted.append((jobs[0][:, paced], jobs[1][:, new]))
    assert wanted[0][0] == pytest.approx(np.exp(0.05), rel=1e-6)
    assert wanted[1][0] == pytest.approx(1.1 * wanted[0][0], rel=1e-6)
    assert wanted[1][1] == pytest.approx(1.1 * wanted[0][1], rel=1e-6)


def test_growth_ends_at_the_ceiling():
    run = Months(fresh())
    book, params = run.firms.book, dict(run.state.params)
    params["firms.demand.ceiling"] = 0.05
    first = growth(book, config().firms, params, run.state.month + 1)[1]
    book.demand *= 3.0
    assert (first > 0).all()
    assert growth(book, config().firms, params, run.state.month + 1)[1].max() <= 0.0


def test_shocks_are_those_of_the_run_and_as_large_as_said():
    firms, params, book = config().firms, dict(Months(fresh()).state.params), fresh().book
    first, after_a_year = int(book.first[0]), []
    for seed in range(60):
        book.noise[:] = 0.0
        for month in range(first + 1, first + 13):
            grow_demand(book, firms, params, month, demand_shock(config(), run_key(seed, 0), month))
        after_a_year.append(float(book.noise[0]))
    assert np.std(after_a_year) == pytest.approx(params["firms.demand.shock"], rel=0.3)
    still = config().model_copy(
        update={"arrivals": config().arrivals.model_copy(update={"shocks": False})}
    )
    assert demand_shock(still, KEY, 500) == 0.0


def test_wages_and_the_burden_of_support_lower_vacancies():
    offered = []
    for change in ({}, {"firms.support.burden": 1.5}, {"firms.demand.wage_growth": 1.0}):
        run = Months(fresh(), **change)
        run.step(hire=False)
        offered.append(run.firms.seen[:, 2].sum())
    assert offered[1] < 0.6 * offered[0]
    assert offered[2] < 0.8 * offered[0]


def test_closures_give_notice_then_free_the_row():
    run = Months(fresh(), **{f"firms.sizes.{z}.closure": 40.0 for z in config().firms.sizes})
    opened = run.firms.n
    run.step(hire=False)
    told = run.firms["notice"][:opened] > 0
    assert 0.05 < told.mean() < 0.12, "one firm in twelve is looked at each month"
    assert (run.firms["notice"][:opened][told] == run.state.month + 2).all()
    assert run.firms["vacancies"][:opened][told].sum() == 0
    keys = set(run.firms["key"][:opened][told].tolist())
    for _ in range(2):
        run.step(hire=False)
    assert keys <= set(run.firms["key"][run.firms.alive].tolist()), "workers are still there"
    run.firms["heads"][run.firms["notice"] == run.state.month] = 0
    run.step(hire=False)
    assert not keys & set(run.firms["key"][run.firms.alive].tolist())


def test_bars_and_guidance_stop_hiring_and_end():
    change = {f"firms.rules.inspected.{pool}": 50.0 for pool in config().firms.rules.inspected}
    change |= {"firms.rules.violation": 1.0, "firms.rules.barred": 0.5}
    change |= {f"firms.sizes.{z}.closure": 0.0 for z in config().firms.sizes}
    run = Months(fresh(), **change)
    opened = run.firms.n
    for _ in range(12):
        run.step(hire=False)
    names = list(config().firms.statuses)
    status = run.firms["status"][:opened]
    barred = status == names.index("barred")
    assert 0.4 < barred.mean() < 0.6
    assert run.firms["vacancies"][:opened][barred].sum() == 0
    guided = status == names.index("guidance")
    frozen = [t.pool in config().firms.rules.frozen for t in config().firms.tiers.values()]
    assert run.firms["vacancies"][:opened][guided][:, frozen].sum() == 0
    assert run.firms["vacancies"][:opened][guided][:, ~np.array(frozen)].sum() > 0
    run.firms["heads"][run.firms["notice"] > 0] = 0
    run.state.params = {**run.state.params, **dict.fromkeys(change, 0.0)}
    for _ in range(61):
        run.step(hire=False)
    left = run.firms["status"][:opened]
    assert not (left == names.index("barred")).any()
    assert (left != HOLE).all(), "a barred firm is not a closed one"
    assert (run.firms["notice"][:opened] == 0).all()


def test_new_firms_replace_those_that_close_and_follow_growth():
    flat = {GROWTH.format(k): 0.0 for k in config().firms.sectors}
    flat |= {f"firms.tiers.{t}.growth": 0.0 for t in config().firms.tiers}
    flat |= {"firms.growth": 0.0, "firms.demand.mean": 0.0, "firms.demand.shock": 0.0}
    still, growing = Months(fresh(), **flat), Months(fresh())
    n = still.firms.count()
    for _ in range(24):
        still.step()
        growing.step()
    assert still.firms.count() == pytest.approx(n, rel=0.02)
    assert 0.12 < growing.firms.count() / n - 1 < 0.28
    new = growing.firms["opened"] > growing.state.month - 20
    assert (growing.firms["wanted"][new] > 0).any(axis=1).all()
    assert growing.firms["heads"][new].sum() > 0


def test_more_support_adds_firms_and_takes_it_from_none():
    run = Months(fresh(), **{"firms.support.share.language": 0.6})
    before = run.firms["support"].copy()
    run.step(hire=False)
    after = run.firms["support"][: before.size]
    kept = after & before
    assert (kept == before).all()
    bit = 1 << list(config().firms.support.share).index("language")
    assert ((after & bit) > 0).mean() == pytest.approx(0.6, abs=0.04)
    assert ((after ^ before) & ~np.uint8(bit) == 0).all()


def test_surplus_of_one_tier_takes_the_place_of_another_in_its_pool():
    run = Months(fresh())
    tiers = list(config().firms.tiers)
    a, b = tiers.index("programme"), tiers.index("skilled_1")
    rows = np.flatnonzero(run.firms["heads"][:, a] > 3)[:200]
    run.firms["heads"][rows, a] -= 3
    run.firms["heads"][rows, b] += 3
    twin = Months(fresh())
    run.step(hire=False)
    twin.step(hire=False)
    same = run.firms["vacancies"][rows][:, [a, b]].sum()
    assert same == twin.firms["vacancies"][rows][:, [a, b]].sum()
    assert run.firms["vacancies"][rows].sum() == twin.firms["vacancies"][rows].sum()
    assert SCALE < 1
