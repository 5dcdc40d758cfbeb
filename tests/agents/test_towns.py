"""Municipalities: opening, money and support, classes, the data link, sentiment."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from sim.agents.towns import Land, Towns, load_land, open_towns, opposed_at
from sim.config import compose as door
from sim.config.schema.towns import Poll
from sim.core.clock import month_index
from sim.data.load import load
from sim.processes import towns as act
from sim.processes.towns import residents
from tests.helpers import civic, tiny

START = month_index(tiny.START)
KEY = (np.uint64(1), np.uint64(2))


class Given(dict[str, float]):
    """Parameters with some replaced."""


@pytest.fixture(scope="module")
def opening() -> tuple[Towns, Land, Given, act.Residents]:
    state = civic.state(civic.config(), tiny.columns(3000))
    assert state.land is not None
    return state.towns, state.land, Given(state.params), residents(state)


@pytest.fixture
def towns(opening) -> Towns:
    return copy.deepcopy(opening[0])


@pytest.fixture
def land(opening) -> Land:
    return opening[1]


@pytest.fixture
def params(opening) -> Given:
    return Given(opening[2])


@pytest.fixture
def people(opening) -> act.Residents:
    return opening[3]


def run(towns: Towns, land: Land, params: Given, people: act.Residents, months: int) -> None:
    for k in range(1, months + 1):
        act.advance_towns(towns, land, params, START + k, KEY, people)


def test_japan_opens_with_what_is_published():
    cfg = door.compose([])
    data = load("japan", only=["municipalities", "municipalities_foreign"])
    land = load_land(cfg, data)
    table = data["municipalities"].sort_values("municipality")
    foreign = table["register_foreign_2025"].to_numpy(np.float64)
    nothing = np.zeros(foreign.size)
    month = month_index("2024-12")
    towns = open_towns(land, month, foreign, nothing, np.zeros((foreign.size, 4), np.int64), 1)
    assert towns.level.size == 1741
    assert towns.funded.sum() == (towns.level >= 2).sum() == 259
    assert foreign[towns.funded == 1].min() >= foreign[towns.funded == 0].max()
    assert (towns.classes == 0).mean() == pytest.approx(0.382, abs=3e-4)
    without = foreign[towns.classes == 0].sum() / foreign.sum()
    assert without == pytest.approx(0.041, abs=0.002)
    nationals = land.nationals_in(month)
    assert act.opposed(towns, nationals) == pytest.approx(0.46, abs=1e-3)
    assert nationals.sum() == pytest.approx(120.7e6, rel=0.01)
    assert towns.sentiment.std() > 0


def test_polls_are_joined_by_straight_lines():
    polls = {
        when: Poll(share=share, quality="assumption")
        for when, share in (("2024-12", 0.46), ("2025-10", 0.59))
    }
    assert opposed_at(polls, month_index("2012-12")) == 0.46
    assert opposed_at(polls, month_index("2025-05")) == pytest.approx(0.525)
    assert opposed_at(polls, month_index("2030-01")) == 0.59


def test_a_world_in_which_nothing_changes_stays_as_it_is(towns, land, params, people):
    """At the anchor, with residents and nationals constant, nothing moves sentiment."""
    still = Land(**{**vars(land), "nationals": np.tile(land.nationals_in(START), (7, 1))})
    towns.share[:] = people.foreign / (people.foreign + still.nationals_in(START))
    nationals = still.nationals_in(START)
    levels = list(land.town.support.levels)
    towns.usual[:] = act.conditions(towns, params, people, nationals, levels)
    towns.sentiment[:] = towns.anchor
    before = towns.sentiment.copy()
    for month in range(START + 1, START + 25):
        act.drift_sentiment(towns, still, params, month, people, levels)
    np.testing.assert_allclose(towns.sentiment, before, atol=1e-12)


def test_growth_moves_sentiment_by_its_effect_and_less_in_cities(towns, land, params, people):
    params["town.sentiment.fading"] = 0.0
    levels = list(land.town.support.levels)
    act.drift_sentiment(towns, land, params, START + 1, people, levels)
    start = towns.sentiment.copy()
    more = act.Residents(people.foreign * 1.5, people.irregular, 1.0)
    before = towns.share.copy()
    act.drift_sentiment(towns, land, params, START + 1, more, levels)
    gained = towns.sentiment - start
    expected = params["town.sentiment.growth"] * (towns.share - before) * land.rural
    np.testing.assert_allclose(gained, expected, atol=1e-12)
    assert land.rural[0] < land.rural[1]  # the first is a city
    back = act.Residents(people.foreign, people.irregular, 1.0)
    act.drift_sentiment(towns, land, params, START + 1, back, levels)
    np.testing.assert_allclose(towns.sentiment, start, atol=1e-9)


@pytest.mark.parametrize(
    ("what", "sign"), [("contact", -1), ("irregular", 1), ("arrears", 1), ("signal", 1)]
)
def test_every_push_has_its_sign(towns, land, params, people, what, sign):
    levels = list(land.town.support.levels)
    plain = copy.deepcopy(towns)
    act.drift_sentiment(plain, land, params, START + 1, people, levels)
    changed, others = Given(params), people
    if what == "contact":
        towns.level[:] = 3
    elif what == "irregular":
        others = act.Residents(people.foreign, people.irregular + 500, people.scale)
    elif what == "arrears":
        towns.counts[:, 0] = (people.foreign * 0.9).astype(np.int64)
    else:
        changed["town.sentiment.signal"] = 0.1
    act.drift_sentiment(towns, land, changed, START + 1, others, levels)
    assert (sign * (towns.sentiment - plain.sentiment) > 0).all()


def test_what_pushed_sentiment_is_forgotten_at_the_stated_rate(towns, land, params, people):
    towns.sentiment[:] = towns.anchor + 0.1
    params["town.sentiment.growth"] = 0.0
    levels = list(land.town.support.levels)
    towns.usual[:] = act.conditions(towns, params, people, land.nationals_in(START), levels)
    for k in range(1, 13):
        act.drift_sentiment(towns, land, params, START + k, people, levels)
    left = (towns.sentiment - towns.anchor) / 0.1
    # The irregular share moves a little with the number of nationals.
    np.testing.assert_allclose(left, np.exp(-0.1), atol=2e-3)


def test_what_growth_did_to_opinion_stays(towns, land, params, people):
    levels = list(land.town.support.levels)
    more = act.Residents(people.foreign * 1.5, people.irregular * 1.5, people.scale)
    unmoved, share = copy.deepcopy(towns), towns.share.copy()
    still = Given({**params, "town.sentiment.growth": 0.0})
    for _ in range(120):
        act.drift_sentiment(towns, land, params, START + 1, more, levels)
        act.drift_sentiment(unmoved, land, still, START + 1, more, levels)
    gain = params["town.sentiment.growth"] * land.rural * (towns.share - share)
    np.testing.assert_allclose(towns.sentiment - unmoved.sentiment, gain, atol=1e-9)


def test_money_buys_support_once_a_year(towns, land, params, people):
    params["town.support.own"] = 1e9
    params["town.desk.cost"] = 1e12  # overrun everywhere: everybody wants more
    before = towns.level.copy()
    run(towns, land, params, people, 9)  # to March
    assert (towns.level == before).all()
    act.advance_towns(towns, land, params, START + 10, KEY, people)  # April
    assert (towns.level == np.minimum(before + 1, 3)).all()
    params["town.support.own"] = 0.0
    run(towns, land, params, people, 48)
    assert (towns.level[towns.funded == 1] == 2).all()  # the grant keeps a centre open
    assert (towns.level[towns.funded == 0] < 2).all()


def test_grants_reach_the_places_with_most_residents_and_stay(towns, land, params, people):
    first = towns.funded.copy()
    params["town.support.bodies"] = 4.0
    run(towns, land, params, people, 10)
    assert towns.funded.sum() == 4
    assert (towns.funded >= first).all()
    assert (towns.level[towns.funded == 1] >= 2).all()
    params["town.support.bodies"] = 1.0
    run(towns, land, params, people, 10)
    assert people.foreign[towns.funded == 1].tolist() == [people.foreign.max()]


def test_desks_that_are_overrun_help_less(towns, land, params, people):
    towns.level[:], towns.waiting[:], towns.capacity[:] = 2, 0, 10
    assert (act.support_given(towns, params) == 2).all()
    towns.waiting[:3] = 100
    assert act.support_given(towns, params).tolist() == [1, 1, 1, 2, 2, 2]
    params["town.desk.cost"] = 1e7
    run(towns, land, params, people, 24)
    most = params["town.desk.forgotten"] * towns.capacity
    assert (towns.waiting <= most + 1).all()


def test_places_join_the_link_by_share_and_never_leave(towns, land, params, people):
    act.advance_towns(towns, land, params, START + 1, KEY, people)
    assert towns.linked.sum() == 0
    cases = towns.cases.copy()
    params["town.link.share"] = 0.5
    act.advance_towns(towns, land, params, START + 2, KEY, people)
    half = towns.linked.copy()
    assert (half == (land.rank < 0.5)).all()
    assert (towns.cases[half == 1] > cases[half == 1]).all(), "a link is work"
    params["town.link.share"] = 0.0
    act.advance_towns(towns, land, params, START + 3, KEY, people)
    assert (towns.linked == half).all()
    params["town.link.share"] = 1.0
    act.advance_towns(towns, land, params, START + 4, KEY, people)
    assert towns.linked.all()


def test_classes_open_at_their_rate(land):
    """6,000 copies of a place without classes: the share that opens some in a year."""
    m = 6000
    state = civic.state(civic.config(), tiny.columns(100))
    crowd = {name: np.zeros(m) for name in ("rural", "grown", "rank", "deviate")}
    wide = Land(
        nationals=np.zeros((7, m)), keys=np.arange(m, dtype=np.uint64),
        metropolitan=np.zeros(m, np.bool_), town=land.town, **crowd,
    )  # fmt: skip
    none = np.zeros(m)
    towns = open_towns(wide, START, none, none, np.zeros((m, 4), np.int64), 1)
    towns.classes[:] = 0
    params = Given(state.params)
    params["town.classes.opening"] = 0.3
    people = act.Residents(none, none, 1.0)
    run(towns, wide, params, people, 12)
    p = 1 - np.exp(-0.3)
    assert towns.classes.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / m))


def test_nationals_follow_the_projection_and_end_with_it(land):
    at_2025 = land.nationals_in(month_index("2025-01"))
    np.testing.assert_allclose(at_2025, np.array(civic.TOTAL) - np.array(civic.FOREIGN), rtol=1e-3)
    later, last = (
        land.nationals_in(month_index("2050-12")),
        land.nationals_in(month_index("2090-01")),
    )
    assert (later < at_2025).all()
    np.testing.assert_array_equal(later, last)
