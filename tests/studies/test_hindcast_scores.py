"""Rivals against a plain calculation, events not told, learnt weights, bootstrap, no look-ahead."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sim.config.compose import compose
from sim.core.clock import month_index
from sim.data.load import load
from sim.studies.hindcast.board import block_bootstrap, board_of, earned
from sim.studies.hindcast.cells import Looked, cells_of, normal_crps
from sim.studies.hindcast.known import as_known
from sim.studies.hindcast.published import TOTAL, published_series
from sim.studies.hindcast.rivals import RIVALS, Spread, earlier_errors, forecast
from sim.studies.hindcast.settings import load_hindcast
from sim.studies.hindcast.stacking import (
    errors_in_widths,
    learnt_weights,
    learnt_width,
    recentred,
    simplex,
    stacked,
)
from sim.studies.hindcast.told import border, not_told

SETTINGS = load_hindcast("japan")
DATA = load("japan")
CONFIG = compose(["scenario=baseline_2025"])
OPEN = lambda month: True  # noqa: E731


def closed_in(first, last):
    return lambda month: not first <= month <= last


MONTHS = np.arange(0, 43, 6)
LINE = np.column_stack([100.0 + MONTHS, 50.0 - MONTHS])


def test_rivals_by_hand():
    """A straight line goes on; what falls stops at none; a closed border adds nothing."""
    assert RIVALS["last"](MONTHS, LINE, 60, OPEN).tolist() == [142, 8]
    for name in ("linear_2y", "linear_1y", "event_aware"):
        assert RIVALS[name](MONTHS, LINE, 48, OPEN).tolist() == [148, 2]
        assert RIVALS[name](MONTHS, LINE, 60, OPEN).tolist() == [160, 0]
    bent = LINE[:, :1] + np.where(MONTHS > 30, 3.0 * (MONTHS - 30), 0.0)[:, None]
    assert RIVALS["linear_1y"](MONTHS, bent, 54, OPEN)[0] == pytest.approx(178 + 48)
    assert RIVALS["linear_2y"](MONTHS, bent, 54, OPEN)[0] == pytest.approx(178 + 30)
    # Closed from month 31: the slope is that of before, and nothing changes until it opens.
    shut = closed_in(31, 45)
    assert RIVALS["event_aware"](MONTHS, bent, 45, shut)[0] == pytest.approx(178)
    assert RIVALS["event_aware"](MONTHS, bent, 54, shut)[0] == pytest.approx(178 + 9)
    assert RIVALS["linear_2y"](MONTHS[:4], LINE[:4], 48, OPEN) is None


def test_spread_is_that_of_earlier_errors():
    """In a plain loop: what the last value missed by, as a share, half a year and a year ahead."""
    people = np.array([[1000.0], [1100.0], [1300.0], [1300.0]])
    series = pd.DataFrame(people, index=[0, 6, 12, 18], columns=["a"])
    missed = [100 / 1000, 200 / 1100, 0.0]
    found = earlier_errors(series.index.to_numpy(), people, RIVALS["last"], 6, OPEN)
    assert found[:, 0] == pytest.approx(missed)
    said = forecast(series, RIVALS["last"], 24, OPEN, looks=3.0)
    assert said.middle.tolist() == [1300]
    assert said.sd[0] == pytest.approx(1300 * np.sqrt(np.mean(np.square(missed))))
    far = forecast(series, RIVALS["last"], 18 + 36, OPEN, looks=3.0)  # known to 18 months only
    assert far.sd[0] == pytest.approx(2 * 1300 * 0.3)


def test_score_of_a_normal_forecast_is_that_of_many_members():
    from sim.studies.hindcast.scores import crps

    spread = Spread(np.array([10.0, 0.0]), np.array([2.0, 1.0]))
    observed = np.array([13.0, 0.1])
    levels = (np.arange(4000) + 0.5) / 4000
    members = spread.middle[:, None] + spread.sd[:, None] * norm.ppf(levels)
    assert normal_crps(observed, spread) == pytest.approx(crps(observed, members), rel=0.01)


def test_not_told_knows_no_later_event():
    origin = month_index("2019-12")
    config = not_told(CONFIG, origin, origin + 60)
    assert [border(config, origin + k) for k in range(61)] == [1.0] * 61
    assert border(CONFIG, month_index("2021-01")) == 0.1
    edits = [e for event in config.event.values() for e in event.edits.values()]
    assert max(month_index(edit.since) for edit in edits) <= origin
    early = not_told(CONFIG, month_index("2016-12"), month_index("2021-12"))
    assert early.status["ssw_1"].since == "2022-01"
    assert CONFIG.status["ssw_1"].since == "2019-04"


def test_not_told_an_event_lasts_as_long_again():
    origin = month_index("2020-12")  # closed since April: nine months
    config = not_told(CONFIG, origin, origin + 60)
    shut = [m for m in range(origin - 24, origin + 61) if border(config, m) < 1]
    assert (shut[0], shut[-1]) == (month_index("2020-04"), month_index("2021-09"))


def test_weights_are_learnt_from_what_was_known():
    grid, prior = simplex(2), np.array([0.5, 0.5])
    assert len(grid) == 11
    assert grid.sum(axis=1) == pytest.approx(1)
    assert learnt_weights(grid, [], prior, 3.0).tolist() == [0.5, 0.5]
    errors = [np.abs(grid[:, 0] - 0.9)] * 3
    assert learnt_weights(grid, errors, prior, 3.0) == pytest.approx([0.7, 0.3])
    assert learnt_weights(grid, errors * 100, prior, 3.0) == pytest.approx([0.9, 0.1], abs=0.01)


def test_widths_let_four_in_five_inside():
    rng = np.random.default_rng(4)
    said = np.full(4000, 1000.0)
    drawn = said[:, None] * np.exp(0.1 * rng.normal(size=(1, 499)))
    observed = said * np.exp(0.2 * rng.normal(size=4000))
    errors = errors_in_widths(observed, said, drawn)
    assert learnt_width([errors] * 50, 3.0) == pytest.approx(2, rel=0.15)
    assert learnt_width([], 3.0) == 1
    wide = recentred(drawn, said, learnt_width([errors] * 50, 0.01))
    low, high = np.percentile(wide, [10, 90], axis=1)
    assert np.mean((low < observed) & (observed < high)) == pytest.approx(0.8, abs=0.03)


def test_bootstrap_of_a_mean():
    rng = np.random.default_rng(6)
    apart = rng.normal(2.0, 1.0, size=100)
    found = block_bootstrap(apart, 1)
    assert found["difference"] == apart.mean()
    assert found["high_95"] - found["low_95"] == pytest.approx(2 * 1.96 * apart.std() / 10, rel=0.1)
    slow = np.repeat(rng.normal(size=20), 5)
    wide, narrow = block_bootstrap(slow, 5), block_bootstrap(slow, 1)
    assert wide["high_80"] - wide["low_80"] > 1.5 * (narrow["high_80"] - narrow["low_80"])
    assert np.isnan(block_bootstrap(apart[:2], 1)["low_80"])
    assert np.isnan(block_bootstrap(apart[:5], 3)["low_80"])
    assert block_bootstrap(apart, 3) == block_bootstrap(apart, 3)


def looked(data, origins=("2020-12", "2021-06", "2021-12")):
    """Origins whose ensemble is the last value, more or less."""
    out = []
    for origin in origins:
        known = as_known(data, month_index(origin), SETTINGS)
        frames = []
        for kind, name, code in (("status", "stocks_status", "status"),
                                 ("origin", "stocks_origin_status", "origin")):  # fmt: skip
            rows = known.data[name]
            people = rows[rows["date"] == origin].groupby(code)["people"].sum()
            frames += [
                pd.DataFrame({"month": month, "member": m, "kind": kind, "code": people.index,
                              "people": people.to_numpy() * (1 + 0.02 * (m - 2) * (m > 0))})
                for month in ("2021-06", "2021-12", "2022-06", "2022-12") if month > origin
                for m in range(4)
            ]  # fmt: skip
        own = pd.concat(frames, ignore_index=True)
        places = own[own["kind"] == "origin"].assign(kind="prefecture")
        own = pd.concat([own, places], ignore_index=True)
        constant = own[own["member"] == 0].drop(columns="member")
        out.append(Looked(known, own.assign(events="told"), constant))
    return out


@pytest.fixture(scope="module")
def board():
    cells = cells_of(looked(DATA), CONFIG, DATA, SETTINGS)
    rows, learnt = stacked(cells, SETTINGS)
    return pd.concat([cells.frame, rows], ignore_index=True), learnt


def test_the_board_scores_what_was_said(board):
    frame, learnt = board
    tables = board_of(frame, SETTINGS)
    means = tables["scores"].set_index(["set", "years", "kind", "forecaster"])
    for kind in ("status", "group", "total", "origin"):
        assert means.loc[("all", 0.5, kind, "kyosei"), "error"] == pytest.approx(
            means.loc[("all", 0.5, kind, "last"), "error"]
        )
    assert means.loc[("all", 0.5, "status", "kyosei"), "origins"] == 3
    total = published_series(DATA, CONFIG, SETTINGS)["total"][TOTAL]
    then, now = total[month_index("2022-06")], total[month_index("2021-12")]
    one = frame[(frame["origin"] == "2021-12") & (frame["kind"] == "total")
                & (frame["years"] == 0.5) & (frame["forecaster"] == "last")]  # fmt: skip
    assert one["said"].item() == now
    assert one["observed"].item() == then
    assert set(tables["differences"]["rival"]) == {*RIVALS, "constant"}
    assert earned(frame)["sd_log"].between(0, 3).all()
    assert learnt["seen"].tolist()[:2] == [0, 1]


def test_a_later_figure_moves_no_forecast(board):
    """Stocks after an origin are raised by half: whatever was said from it stays as it was."""
    stocks = DATA["stocks_status"]
    later = stocks.assign(
        people=stocks["people"].where(stocks["date"] <= "2021-12", stocks["people"] * 3 // 2)
    )
    origins = DATA["stocks_origin_status"]
    moved = origins.assign(
        people=origins["people"].where(origins["date"] <= "2021-12", origins["people"] * 3 // 2)
    )
    tables = {**DATA.tables, "stocks_status": later, "stocks_origin_status": moved}
    fed = replace(DATA, tables=MappingProxyType(tables))
    cells = cells_of(looked(fed), CONFIG, fed, SETTINGS)
    rows, learnt = stacked(cells, SETTINGS)
    frame = pd.concat([cells.frame, rows], ignore_index=True)
    columns = ["origin", "years", "kind", "code", "forecaster", "said", "low_80", "high_80"]
    last = board[0]["origin"] == "2021-12"
    assert last.any()
    pd.testing.assert_frame_equal(
        frame.loc[frame["origin"] <= "2021-12", columns].reset_index(drop=True),
        board[0].loc[board[0]["origin"] <= "2021-12", columns].reset_index(drop=True),
    )
    pd.testing.assert_frame_equal(learnt, board[1])
    assert not frame["observed"].equals(board[0]["observed"])
