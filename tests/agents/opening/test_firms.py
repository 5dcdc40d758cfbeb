"""Opening firms meet what is published, and what they are depends on identities alone."""

from __future__ import annotations

import numpy as np
import pytest

from sim.agents.firms import HOLE, FirmSet, bytes_per_firm
from sim.agents.opening.firm_rows import relative_size
from sim.core.rng import run_key
from tests.helpers.firm_world import SCALE, config, data, opened, opening, places, residents


def test_the_margins_of_establishments_hold():
    report = opening().report
    assert abs(report["establishments"]["worst"]) <= 1 / SCALE
    for name in ("sector", "size"):
        assert abs(report[f"establishments_{name}"]["worst"]) <= 20 / SCALE
    assert abs(report["establishments_prefecture"]["worst"]) <= 20 / SCALE


def test_the_margins_of_workers_hold_as_far_as_residents_allow():
    report = opening().report
    assert abs(report["workers"]["relative"]) < 0.01
    assert abs(report["workers_status_sector"]["relative"]) < 0.08
    by_sector = np.bincount(
        opening().firms["sector"], opening().firms["heads"].sum(axis=1)
    )  # of 13 sectors, the largest must come within sampling error of a 50th
    assert by_sector.argmax() == list(config().firms.sectors).index("manufacturing")
    table = data()["workers_industry"]
    latest = table[(table["year"] == 2025) & (table["industry"] == "manufacturing")]
    assert by_sector.max() / SCALE == pytest.approx(latest["value"].iloc[0], rel=0.03)


def test_headcounts_are_the_people():
    made, people = opening(), residents()
    has = made.firm >= 0
    tiers = list(config().firms.tiers)
    names = config().country.statuses
    tier = np.array([tiers.index(config().firms.tier_of[names[s]]) for s in people["status"][has]])
    heads = np.zeros_like(made.firms["heads"])
    np.add.at(heads, (made.firm[has], tier), 1)
    assert np.array_equal(heads, made.firms["heads"])
    assert np.array_equal(made.sector[has], made.firms["sector"][made.firm[has]])
    assert (made.sector[~has] == 255).all()
    assert heads.sum() == has.sum() > 50_000


def test_only_people_of_working_age_with_a_status_that_allows_it_have_jobs():
    made, people = opening(), residents()
    has = made.firm >= 0
    age = (config_month() - people["born"][has].astype(int)) // 12
    first, last = config().firms.working.ages
    assert age.min() >= first
    assert age.max() <= last
    names = {config().country.statuses[s] for s in np.unique(people["status"][has])}
    assert names <= set(config().firms.tier_of)


def config_month() -> int:
    from sim.core.clock import month_index

    return month_index(config().start)


def test_who_may_not_commute_works_in_the_own_prefecture_and_others_near():
    made, people = opening(), residents()
    has = made.firm >= 0
    prefecture = places().world.prefecture
    same = (
        prefecture[people["municipality"][has]]
        == prefecture[made.firms["municipality"][made.firm[has]]]
    )
    names, firms = config().country.statuses, config().firms
    stays = np.array(
        [firms.tier_of[names[s]] not in firms.commuting for s in people["status"][has]]
    )
    assert same[stays].all()
    assert 0.7 < same[~stays].mean() < 0.95


def test_rows_of_people_do_not_matter():
    people = residents()
    order = np.random.default_rng(3).permutation(people["key"].size)
    other = opened({name: column[order] for name, column in people.items()})
    assert np.array_equal(other.firm, opening().firm[order])
    for name in ("key", "heads", "status", "support", "municipality"):
        assert np.array_equal(other.firms[name], opening().firms[name])


def test_another_replicate_draws_other_jobs_in_the_same_firms():
    other = opened(residents(), run_key(0, 1))
    assert np.array_equal(other.firms["key"], opening().firms["key"])
    assert (other.firm != opening().firm).mean() > 0.3
    assert abs(int(other.firms["heads"].sum()) - int(opening().firms["heads"].sum())) < 800


def test_keys_are_unique_and_a_firm_is_small():
    keys = opening().firms["key"]
    assert np.unique(keys).size == keys.size
    assert bytes_per_firm(5) == 80


def test_sizes_have_mean_one_and_spread():
    uniform = (np.arange(100_000) + 0.5) / 100_000
    spread = np.array([0.5, 1.2])
    for size in (0, 1):
        made = relative_size(uniform, np.full(uniform.size, size), spread)
        assert made.mean() == pytest.approx(1.0, rel=1e-3)
        assert np.log(made).std() == pytest.approx(spread[size], rel=0.03)


def test_rows_are_taken_freed_kept_and_resumed():
    made = opening().firms
    firms = FirmSet.resumed(made.kept())
    firms.free(np.array([5, 7]))
    assert firms.count() == made.n - 2
    assert firms["status"][5] == HOLE
    again = FirmSet.resumed(firms.kept())
    assert again.take(3).tolist() == [7, 5, made.n]
    assert np.array_equal(again["heads"][:5], made["heads"][:5])
    assert np.array_equal(again.book.usual, made.book.usual)
    grown = again.capacity + 10
    again.reserve(grown)
    assert again.capacity >= grown
    assert again["status"][made.n] == HOLE
