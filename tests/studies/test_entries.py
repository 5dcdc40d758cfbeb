"""Entries of the past: where people may enter, what is published, the estimated table."""

import numpy as np
import pytest

from sim.config.compose import compose
from sim.core.clock import HALF_YEAR, half_year_end, month_index
from sim.data.load import load
from sim.studies.calibration.entries import (
    estimated_arrivals,
    open_cells,
    published_entries,
    published_half_years,
    published_stock_matrix,
)

DATA = load("japan")


def test_a_status_is_entered_from_the_half_year_in_which_its_law_begins():
    config = compose([])
    ends = [month_index(month) for month in ("2018-12", "2019-06", "2019-12")]
    open_to = open_cells(config, ends)
    skilled = config.country.statuses.index("ssw_1")  # in force since April 2019
    assert open_to[:, skilled].tolist() == [False, True, True]
    assert not open_to[:, config.country.statuses.index("permanent_resident")].any()
    assert (open_to == open_cells(config, np.array(ends))).all()


def test_a_group_with_one_channel_gives_its_entries_to_it():
    config = compose([])
    found = published_entries(config, DATA)
    rows = DATA["entries"]
    students = rows[(rows["status"] == "student") & (rows["year"] == 2019)]
    assert found[2019, "student"] == (students["people"].item(), students["quality"].item())
    assert {status for _, status in found} <= set(config.arrivals.channels)
    assert all(quality != "assumption" for _, quality in found.values())


def test_stocks_stand_at_the_ends_of_half_years():
    config, months = compose([]), published_half_years(DATA)
    assert all(half_year_end(month) == month for month in months)
    assert set(np.diff(months)) == {HALF_YEAR}
    stocks = published_stock_matrix(config, DATA)
    assert stocks.shape == (len(months), len(config.country.statuses))
    published = DATA["stocks_status"]
    last = published[published["date"] == published["date"].max()]["people"].sum()
    assert np.nansum(stocks[-1]) == last
    assert np.isnan(stocks[:, config.country.statuses.index("irregular")]).all()


def test_the_table_of_estimates_is_rounded_marked_and_without_empty_rows():
    people = np.array([[0.04, 12.34], [5.06, 0.0]])
    ends = [month_index("2013-06"), month_index("2013-12")]
    table = estimated_arrivals(people, ends, ["a", "b"], np.array([[True, True], [False, True]]))
    assert table[["date", "status", "quality"]].to_numpy().tolist() == [
        ["2013-06", "b", "derived"], ["2013-12", "a", "fitted"],
    ]  # fmt: skip
    assert table["people"].tolist() == pytest.approx([12.3, 5.1])
    assert set(estimated_arrivals(people, ends, ["a", "b"])["quality"]) == {"fitted"}
