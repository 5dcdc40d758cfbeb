"""The opening residents: exact where something is published, sane and repeatable elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from sim.agents.opening import fitting, margins
from sim.agents.opening.date_tables import FULL, _guide
from sim.agents.opening.dates import _pick_within
from sim.agents.opening.households import FAMILY_SIZE, match
from sim.agents.opening.people import Opening, open_population
from sim.config import compose as door
from sim.config.schema.run import RunConfig
from sim.core.clock import NEVER, month_index
from sim.core.errors import DataError
from sim.data import load as tables
from sim.data.load import Data

NOW = month_index("2025-06")
OLD = month_index("2012-12")


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return door.compose([])


@pytest.fixture(scope="module")
def data() -> Data:
    return tables.load("japan", only=margins.TABLES)


@pytest.fixture(scope="module")
def full(config: RunConfig, data: Data) -> Opening:
    """Everybody at the end of June 2025."""
    return open_population(config, data, NOW, 1.0)


@pytest.fixture(scope="module")
def sample(config: RunConfig, data: Data) -> Opening:
    return open_population(config, data, NOW, 0.01)


def row_of(config: RunConfig, status: str) -> int:
    return config.country.statuses.index(status)


def published(config: RunConfig, data: Data, month: int) -> np.ndarray:
    ax = margins.axes(config, data)
    return margins.status_origin(data, ax, month)


def test_headline_figures_are_met_to_the_person(config: RunConfig, full: Opening):
    status = full.columns["status"]
    people = np.bincount(status, minlength=len(config.country.statuses))
    inside = status != row_of(config, "irregular")
    assert inside.sum() == 3_956_619
    for name, wanted in (
        ("permanent_resident", 932_090),
        ("engineer_humanities_intl", 458_109),
        ("student", 435_203),
        ("ssw_2", 3_073),
    ):
        assert people[row_of(config, name)] == wanted
    assert sum(people[row_of(config, f"titp_{k}")] for k in (1, 2, 3)) == 449_432
    assert people[row_of(config, "irregular")] == 71_229  # 1 July 2025


def test_status_and_origin_are_exact(config: RunConfig, data: Data, full: Opening):
    wanted = published(config, data, NOW)
    have = np.zeros(wanted.shape, np.int64)
    np.add.at(have, (full.columns["status"], full.columns["origin"]), 1)
    outside = row_of(config, "irregular")
    have[outside] = 0
    assert np.array_equal(have, wanted)


def test_prefectures_are_within_two_people_of_the_published_tables(
    config: RunConfig, data: Data, full: Opening
):
    for margin in ("prefecture", "prefecture_group", "prefecture_origin"):
        assert full.report[margin]["worst"] < 2
        assert full.report[margin]["mean"] < 0.5
    ax = margins.axes(config, data)
    tokyo = margins.prefecture_tables(data, ax, NOW).by_group.sum(axis=1)[12]
    prefecture = np.array(data["municipalities"]["prefecture"])[full.columns["municipality"]]
    inside = full.columns["status"] != row_of(config, "irregular")
    have = (inside & (prefecture == "13")).sum()
    assert tokyo <= have <= tokyo * 1.005  # and its part of those whose address is not known


def test_every_margin_is_reported(full: Opening):
    assert full.report["status"]["worst"] == 0
    assert full.report["status_origin"]["worst"] == 0
    assert full.report["status_age_sex"]["worst"] <= 1
    placed = full.report["dependants"]
    assert sum(placed.values()) == pytest.approx(1)
    assert placed["municipality"] > 0.95
    assert placed["nowhere"] < 0.01


def test_municipalities_follow_the_register(data: Data, full: Opening):
    have = np.bincount(full.columns["municipality"], minlength=len(data["municipalities"]))
    weights = data["municipalities_foreign"].set_index("municipality")["y2025"]
    wanted = weights.loc[data["municipalities"]["municipality"]].to_numpy(float)
    assert np.corrcoef(have, wanted)[0, 1] > 0.999
    assert (have[wanted == 0] == 0).all()


def test_origins_of_a_town_are_those_of_its_prefecture(full: Opening, data: Data):
    """The keyed permutation mixes: no status crowds into the first towns of the list."""
    prefecture = np.array(data["municipalities"]["prefecture"])[full.columns["municipality"]]
    rows = np.flatnonzero(prefecture == "23")
    status, town = full.columns["status"][rows], full.columns["municipality"][rows]
    share = np.bincount(status, minlength=27) / rows.size
    largest = np.bincount(town).argmax()
    inside = np.bincount(status[town == largest], minlength=27)
    wanted = share * inside.sum()
    deviation = (inside - wanted)[wanted > 20] / np.sqrt(wanted[wanted > 20])
    assert np.abs(deviation).max() < 5


def test_keys_are_unique(full: Opening):
    keys = np.sort(full.columns["key"])
    assert (keys[1:] != keys[:-1]).all()


@pytest.mark.parametrize("name", ["full", "sample"])
def test_dates_are_in_order(name: str, request: pytest.FixtureRequest, config: RunConfig):
    columns = request.getfixturevalue(name).columns
    assert (columns["born"] <= columns["entered"]).all()
    assert (columns["entered"] <= columns["since"]).all()
    assert (columns["since"] <= NOW).all()
    assert (columns["permit_end"] > NOW).all()
    limited = np.array([config.status[s].permits is not None for s in config.country.statuses])
    assert ((columns["permit_end"] < NEVER) == limited[columns["status"]]).all()
    assert (columns["permit_end"] - NOW <= columns["permit_months"])[
        limited[columns["status"]]
    ].all()


def test_ages_keep_to_the_limits_of_the_status(config: RunConfig, full: Opening):
    age = (NOW - full.columns["born"].astype(int)) // 12
    for s, name in enumerate(config.country.statuses):
        mine = age[full.columns["status"] == s]
        if mine.size:
            opening = config.status[name].opening
            assert opening.min_age <= mine.min() <= mine.max() <= opening.max_age


def test_trainees_are_inside_their_stage(config: RunConfig, full: Opening):
    tenure = NOW - full.columns["since"].astype(int)
    for name, longest in (("titp_1", 12), ("titp_2", 24), ("titp_3", 24)):
        mine = full.columns["status"] == row_of(config, name)
        assert tenure[mine].max() < longest
        left = full.columns["permit_end"][mine] - NOW
        assert (left + tenure[mine] == longest).all()


def test_language_and_arrears_follow_their_shares(config: RunConfig, full: Opening):
    mine = full.columns["status"] == row_of(config, "student")
    n = mine.sum()
    opening = config.status["student"].opening
    levels = np.bincount(full.columns["language"][mine], minlength=5) / n
    assert np.abs(levels - opening.language).max() < 5 * np.sqrt(0.25 / n)
    age = (NOW - full.columns["born"][mine].astype(int)) // 12
    first, last = config.life.paying_ages.nhi
    pays, owes = (first <= age) & (age <= last), full.columns["arrears"][mine] & 1
    assert abs(owes[pays].mean() - opening.nhi_arrears) < 5 * np.sqrt(0.25 / pays.sum())
    assert not owes[~pays].any()


def test_months_count_only_where_they_count(config: RunConfig, full: Opening):
    counts = np.array([config.status[s].counts_for_pr for s in config.country.statuses])
    counting = full.columns["counting"]
    mine = counts[full.columns["status"]]
    assert (counting[mine] == full.columns["since"][mine]).all()
    assert (counting[~mine] == -1).all()


def test_principals_are_adults_of_the_same_origin_who_may_bring_a_family(
    config: RunConfig, full: Opening
):
    columns = full.columns
    rows = np.flatnonzero(columns["principal"] >= 0)
    who = columns["principal"][rows]
    sponsor = config.status["dependent"].sponsor
    assert sponsor is not None
    allowed = [row_of(config, name) for name in sponsor.of]
    assert np.isin(columns["status"][who], allowed).all()
    assert (columns["status"][rows] == row_of(config, "dependent")).all()
    assert (columns["origin"][who] == columns["origin"][rows]).all()
    age = (NOW - columns["born"][who].astype(int)) / 12
    assert age.min() >= 20
    assert age.max() < 65
    assert np.bincount(who).max() <= FAMILY_SIZE


def test_a_sample_is_a_part_of_everybody(config: RunConfig, full: Opening, sample: Opening):
    everybody = {key: row for row, key in enumerate(full.columns["key"].tolist())}
    rows = np.array([everybody[key] for key in sample.columns["key"].tolist()])
    for name in set(full.columns) - {"principal"}:
        assert np.array_equal(full.columns[name][rows], sample.columns[name]), name
    n = len(config.country.statuses)
    have = np.bincount(sample.columns["status"], minlength=n)
    wanted = np.bincount(full.columns["status"], minlength=n) * 0.01
    assert np.abs(have - wanted).max() <= 1


def test_rows_are_in_order(sample: Opening):
    columns = sample.columns
    order = np.lexsort((columns["key"], columns["status"], columns["municipality"]))
    assert np.array_equal(order, np.arange(order.size))


def test_the_same_again(config: RunConfig, data: Data, sample: Opening):
    again = open_population(config, data, NOW, 0.01)
    for name, column in sample.columns.items():
        assert np.array_equal(column, again.columns[name]), name


def test_threads_change_nothing(config: RunConfig, data: Data):
    made = []
    for threads in (1, 2, 3):
        one = config.model_copy(update={"threads": threads})
        afresh = replace(data)  # results are kept by the identity of the data
        made.append(open_population(one, afresh, month_index("2018-06"), 0.05))
    for other in made[1:]:
        assert other.report == made[0].report
        for name, column in made[0].columns.items():
            assert np.array_equal(column, other.columns[name]), name


def test_replicates_share_the_people_and_not_their_dates(
    config: RunConfig, data: Data, sample: Opening
):
    other = open_population(config.model_copy(update={"replicate": 1}), data, NOW, 0.01)
    for name in ("key", "status", "stage", "origin", "sex", "municipality", "principal"):
        assert np.array_equal(sample.columns[name], other.columns[name]), name
    for name in ("born", "since", "permit_end", "language"):
        assert (sample.columns[name] != other.columns[name]).mean() > 0.1, name


@pytest.mark.parametrize(("date", "total"), [("2012-12", 2_033_656), ("2018-06", 2_637_251)])
def test_other_half_years(config: RunConfig, data: Data, date: str, total: int):
    month = month_index(date)
    opening = open_population(config, data, month, 0.02)
    assert published(config, data, month).sum() == total
    inside = opening.columns["status"] != row_of(config, "irregular")
    assert abs(inside.sum() - 0.02 * total) <= 1
    for margin in ("status", "status_origin"):
        assert opening.report[margin]["worst"] == 0
    for margin in ("prefecture", "prefecture_group", "prefecture_origin", "status_age_sex"):
        assert opening.report[margin]["worst"] < 2
    assert (opening.columns["born"] <= opening.columns["entered"]).all()
    assert (opening.columns["entered"] <= opening.columns["since"]).all()
    assert (opening.columns["permit_end"] > month).all()


def test_nothing_after_the_opening_is_looked_at(config: RunConfig, data: Data):
    ax = margins.axes(config, data)
    months, stocks = margins.status_history(data, ax, month_index("2018-06"))
    assert months.max() == month_index("2018-06")
    assert stocks[-1].sum() == 2_637_251


def test_a_month_without_published_stocks_is_refused(config: RunConfig, data: Data):
    with pytest.raises(DataError, match="2025-07"):
        open_population(config, data, NOW + 1, 0.01)


def test_rounding_keeps_the_row_sums():
    values = np.array([[0.5, 0.5, 2.0], [1.2, 1.7, 0.1], [0.0, 0.0, 0.0]])
    whole = fitting.round_rows(values, np.array([3, 3, 2]))
    assert whole.tolist() == [[1, 0, 2], [1, 2, 0], [1, 1, 0]]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000, 4097])
def test_the_keyed_permutation_is_one(n: int):
    for seed in (np.uint64(1), np.uint64(2**63)):
        bits = fitting.bits_for(n)
        places = sorted(fitting.seated(i, n, seed, bits) for i in range(n))
        assert places == list(range(n))


def test_repair_lowers_residuals_and_keeps_rows():
    rng = np.random.default_rng(1)
    wish = rng.gamma(0.5, 3.0, (6, 5, 8))
    totals = np.rint(wish.sum(axis=2)).astype(np.int64)
    wish *= (totals / wish.sum(axis=2))[:, :, None]
    count = fitting.round_rows(wish, totals)
    group, column = np.array([0, 0, 1, 1, 2, 2]), np.arange(5)
    gap = count - wish
    by_group = np.stack([gap[group == g].sum(axis=(0, 1)) for g in range(3)], axis=1)
    by_column = gap.sum(axis=0).T.copy()
    before = (by_group**2).sum() + (by_column**2).sum()
    residuals = fitting.Residuals(by_group.sum(axis=1), by_group, by_column)
    fitting.repair(count, wish, group, column, residuals)
    gap = count - wish
    after = np.stack([gap[group == g].sum(axis=(0, 1)) for g in range(3)], axis=1)
    assert np.allclose(after, by_group)
    assert (after**2).sum() + (gap.sum(axis=0) ** 2).sum() < before
    assert np.array_equal(count.sum(axis=2), totals)
    assert (count >= 0).all()
    assert np.abs(gap).max() < 2


def test_families_fill_in_rounds():
    group = np.array([7, 7, 7, 7, 7, 9, 9])  # rows 0, 1 may sponsor in 7; nobody in 9
    places = np.full(7, 2, np.uint8)
    principal = np.full(7, -1, np.int32)
    match(group, np.array([2, 3, 4, 5]), np.array([0, 1]), places, principal)
    assert principal.tolist() == [-1, -1, 0, 1, 0, -1, -1]


def test_a_guide_changes_nothing_in_what_is_picked():
    rng = np.random.default_rng(3)
    shares = [
        rng.random(50),
        np.r_[np.zeros(20), 1, np.zeros(29)],
        rng.random(50) ** 40,
        np.ones(50),
    ]
    cut = np.array([np.floor(np.cumsum(s) / s.sum() * FULL) for s in shares]).astype(np.uint64)
    cut = np.vstack([cut, np.zeros(50, np.uint64)])  # a status that nobody ever entered
    guide = _guide(cut)
    for _ in range(5000):
        row, most = rng.integers(len(cut)), rng.integers(50)
        least, word = rng.integers(most + 1), rng.choice([0, FULL - 1, rng.integers(FULL)])
        below = int(cut[row, least - 1]) if least else 0
        scaled = below + (int(word) * (int(cut[row, most]) - below) >> 32)
        by_hand = next((k for k in range(least, most) if cut[row, k] > scaled), most)
        assert _pick_within(cut, guide, row, np.uint64(word), least, most) == by_hand
