"""Rates become probabilities exactly; months are integers."""

import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.clock import NEVER, calendar_month, date_of, month_index, month_name, year_of
from sim.core.probability import FULL, any_event, competing, cuts, threshold, thresholds

rates = st.lists(st.floats(0, 50), min_size=1, max_size=8)


def test_one_rate_by_hand():
    assert competing([1.2])[0] == pytest.approx(1 - math.exp(-0.1), rel=1e-14)
    assert any_event(1.2) == competing([1.2])[0]


def test_two_rates_share_in_proportion():
    p = competing([0.9, 0.3])
    assert p[0] == pytest.approx(3 * p[1], rel=1e-14)
    assert p.sum() == pytest.approx(1 - math.exp(-0.1), rel=1e-14)


def test_no_rate_never_happens():
    assert competing([0.0, 0.0]).tolist() == [0.0, 0.0]
    assert any_event(0.0) == 0.0
    assert competing([0.0, 2.0])[0] == 0.0


def test_small_rates_keep_their_digits():
    """1 - exp(-x) would lose them: this is why expm1 is used."""
    assert competing([1.2e-12])[0] == pytest.approx(1e-13, rel=1e-12)


@given(rates)
def test_competing_risks_are_a_probability(given_rates: list[float]):
    p = competing(given_rates)
    assert (p >= 0).all()
    assert p.sum() <= 1.0 + 1e-15
    assert p.sum() == pytest.approx(any_event(sum(given_rates)), rel=1e-12, abs=1e-300)


@given(rates, st.floats(0, 5))
def test_another_risk_takes_from_all_alike(given_rates: list[float], other: float):
    """The first event of the month decides, so a new risk can only lower the others."""
    alone, together = competing(given_rates), competing([*given_rates, other])[:-1]
    assert (together <= alone + 1e-15).all()


def test_a_year_of_months_is_the_year():
    stay = np.prod([1 - any_event(0.7)] * 12)
    assert stay == pytest.approx(math.exp(-0.7), rel=1e-13)


def test_cuts_share_out_every_draw_row_by_row():
    cut = cuts([[1.0, 1.0, 2.0], [0.1, 0.2, 0.7]])
    assert cut[0].tolist() == [1 << 30, 1 << 31, FULL]
    assert cut[:, -1].tolist() == [FULL, FULL]
    assert cut.dtype == np.uint64
    assert (cut[1] == cuts([0.1, 0.2, 0.7])).all()
    assert thresholds([0.0, 0.25, 1.0]).tolist() == [0, 1 << 30, FULL]
    assert thresholds(0.3) == threshold(0.3)


def test_thresholds_are_parts_of_two_to_the_32():
    assert int(threshold(0.5)) == 1 << 31
    assert int(threshold(0.25)) == 1 << 30


@pytest.mark.parametrize(
    ("text", "index"), [("1900-01", 0), ("1900-12", 11), ("2025-06", 1505), ("2050-12", 1811)]
)
def test_months_by_hand(text: str, index: int):
    assert month_index(text) == index
    assert month_name(index) == text


@given(st.integers(0, 3599))
def test_months_there_and_back(index: int):
    assert month_index(month_name(index)) == index
    assert date_of(index) == datetime.date(year_of(index), calendar_month(index), 1)
    assert 12 * (year_of(index) - 1900) + calendar_month(index) - 1 == index


@pytest.mark.parametrize(
    "text",
    ["2025", "2025-6", "2025-13", "2025-00", "1899-12", "2200-01", "2025-06-01", " 2025-06",
     "2025/06", "２０２５-06", "", "2025-06\n"],
)  # fmt: skip
def test_what_is_not_a_month_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a month"):
        month_index(text)


def test_never_is_after_every_month_and_fits():
    assert month_index("2199-12") < NEVER == np.iinfo(np.int16).max
