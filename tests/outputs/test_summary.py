"""What a run prints: the outlook beside the official projection, and the error against the past."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim.agents.record import Record
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.data.load import Data
from sim.outputs.summary import opening_fit, outlook, past_errors
from tests.helpers import tiny

PEOPLE = (30, 20, 40, 10, 5)  # by status at the opening; the last is outside the total


def months(first: str, *others: str) -> Record:
    """Books of a run whose stocks grow by a tenth of the opening between named months."""
    record = Record(months=[month_index(month) for month in (first, *others)])
    for k in range(len(record.months)):
        cube = np.zeros((len(PEOPLE), 2, 3), np.int32)
        cube[:, 0, 0] = [people * (10 + k) // 10 for people in PEOPLE]
        record.cubes.append(cube)
    return record


@pytest.fixture
def data() -> Data:
    """The tiny country's tables with a published past and an official projection."""
    known = [("2025-06", 30, 20, 40, 10), ("2025-12", 30, 25, 40, 10)]
    stocks = [(date, status, people) for date, *row in known
              for status, people in zip(tiny.STATUSES[:4], row, strict=True)]  # fmt: skip
    official = [(2020, "foreign_population", 100.0), (2030, "foreign_population", 200.0),
                (2030, "births", 7.0)]  # fmt: skip
    return replace(tiny.data(), tables={
        **tiny.data().tables,
        "stocks_status": pd.DataFrame(stocks, columns=["date", "status", "people"]),
        "projection_national": pd.DataFrame(official, columns=["year", "quantity", "value"]),
    })  # fmt: skip


def named() -> RunConfig:
    """The tiny configuration with a label for each status."""
    labels = {f"status.{name}.label": tiny.label(name.title()) for name in tiny.STATUSES}
    return tiny.config(labels)


def row(text: str, first: str) -> list[str]:
    """The cells of the only line that begins with `first`."""
    lines = [line for line in text.splitlines() if line.startswith(first)]
    assert len(lines) == 1, lines
    return lines[0][len(first) :].split()


def test_the_outlook_weights_back_and_leaves_outsiders_out(data: Data):
    record = months("2025-06", "2025-12", "2030-12")
    text = outlook(record, named(), data, 0.1)
    # residents, official, settled, then the only group
    assert row(text, "2025-06") == ["1,000", "150", "30.0%", "1,000"]
    assert row(text, "2030-12") == ["1,200", "200", "30.0%", "1,200"]
    assert row(text, "Worker") == ["200", "220", "240"]
    assert row(text, "Hidden (outside the total)") == ["50", "50", "60"]
    assert "published for 2020 and 2030" in text


def test_the_outlook_names_the_first_the_last_and_the_years_between(data: Data):
    record = months("2025-06", "2025-12", "2027-01", "2030-12", "2031-03")
    text = outlook(record, named(), data, 1.0)
    shown = [line.split()[0] for line in text.splitlines() if line[:2] == "20"]
    assert shown == ["2025-06", "2025-12", "2030-12", "2031-03"]
    assert row(text, "2031-03")[1] == "-", "no official figure after the last published year"


def test_errors_of_the_past_are_those_of_the_last_published_month(data: Data):
    record = months("2025-06", "2025-12", "2026-03")
    text = past_errors(record, named(), data, 1.0)
    assert "status at 2025-12" in text
    assert row(text, "Permanent") == ["33", "30", "+3", "+10.0%"]
    assert row(text, "Worker") == ["22", "25", "-3", "-12.0%"]
    assert row(text, "Learner") == ["44", "40", "+4", "+10.0%"]
    assert row(text, "all residents") == ["110", "105", "+5", "+4.8%"]
    assert "Hidden" not in text
    share = (3 + 3 + 4 + 1) / 105
    assert text.endswith(f"weighted absolute error over statuses: {share:.1%} of all residents")


def test_the_opening_itself_is_no_past_to_be_wrong_about(data: Data):
    assert past_errors(months("2025-12", "2026-06"), named(), data, 1.0) == ""


def test_the_opening_says_how_far_it_is_from_each_margin():
    report = {"status": {"worst": 0.0}, "prefecture_group": {"worst": 1.24}}
    text = opening_fit({**report, "dependants": {"municipality": 0.994}})
    assert "status 0.0, prefecture x group 1.2" in text
    assert text.endswith("99.4%")
    assert opening_fit({}) == ""
