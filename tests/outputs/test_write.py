"""Figures by year show each person once."""

import pandas as pd

from sim.outputs.write import one_date_a_year


def test_the_opening_year_is_shown_at_the_opening_only():
    months = ["2025-06-01", "2025-12-01", "2026-12-01", "2027-06-01"]
    frame = pd.DataFrame({"month": pd.to_datetime(months), "year": [2025, 2025, 2026, 2027]})
    assert list(one_date_a_year(frame)["month"].dt.month) == [6, 12, 6]
