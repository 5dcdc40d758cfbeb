"""What a run remembers is what was declared: names, types, axes, months."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim.agents.record import (
    HALF_YEAR,
    MONTH,
    SERIES,
    Column,
    Record,
    Series,
    array_names,
    declare,
)
from tests.helpers import civic, tiny

START = 24_300


@pytest.fixture
def monthly() -> Iterator[Series]:
    series = declare("of_a_test", "test", "int64", ("M",), MONTH, columns=("a", Column("b", "yen")))
    yield series
    del SERIES["of_a_test"]


@pytest.fixture
def half_yearly() -> Iterator[Series]:
    yield declare("halves_of_a_test", "test", "float64", (), HALF_YEAR)
    del SERIES["halves_of_a_test"]


def rows(value: int) -> np.ndarray:
    return np.full((3, 2), value, np.int64)


def test_columns_have_places_and_units(monthly: Series):
    assert (monthly.at("a"), monthly.at("b")) == (0, 1)
    assert [column.unit for column in monthly.columns] == ["simulated people", "yen"]
    assert monthly.signature == "int64[M, 2]"
    with pytest.raises(ValueError, match="not in tuple"):
        monthly.at("c")


def test_a_name_is_declared_once_and_axes_are_known(monthly: Series):
    with pytest.raises(ValueError, match="of_a_test is declared already"):
        declare("of_a_test", "again", "int64", (), MONTH)
    with pytest.raises(ValueError, match="not known"):
        declare("another_of_a_test", "test", "int64", ("planets",), MONTH)
    assert "another_of_a_test" not in SERIES


def test_an_entry_must_be_as_declared(monthly: Series):
    record = Record()
    for wrong in (rows(1).astype(np.int32), rows(1)[0], np.zeros((3, 3), np.int64)):
        with pytest.raises(ValueError, match=r"of_a_test is declared as int64\[M, 2\]"):
            record.add(monthly, START, wrong)
    record.add(monthly, START, np.zeros((0, 0), np.int64))
    assert len(record.of_a_test) == 1


def test_months_follow_each_other_and_the_second_entry_of_one_stays(monthly: Series):
    record = Record(months=[START, START + 1])
    record.add(monthly, START, rows(1))
    record.add(monthly, START, rows(2))
    with pytest.raises(ValueError, match="has 1 months, not 2"):
        record.add(monthly, START + 2, rows(3))
    record.add(monthly, START + 1, rows(4))
    assert [int(entry[0, 0]) for entry in record.of_a_test] == [2, 4]


def test_a_series_that_nobody_declared_is_not_there():
    with pytest.raises(AttributeError, match="no series cube is declared; there are cubes"):
        _ = Record().cube


def test_arrays_give_the_record_again(monthly: Series, half_yearly: Series):
    record = Record(months=[START, START + 1])
    for month in record.months:
        record.add(monthly, month, rows(month))
    record.add(half_yearly, START, 0.5)
    arrays = dict(record.arrays())
    assert set(arrays) == set(array_names())
    again = Record()
    again.resume(arrays)
    assert again.months == record.months
    assert again.halves_of_a_test == {START: 0.5}
    assert all(map(np.array_equal, again.of_a_test, record.of_a_test))


@pytest.mark.parametrize("acting", [False, True], ids=["plain", "municipalities act"])
def test_a_run_fills_every_series_for_every_month(acting: bool):
    world = civic if acting else tiny
    model = world.model(world.config(end="2025-12"), tiny.columns(200))
    record = model.run()
    halves = [month for month in record.months if month % 12 in (5, 11)]
    for name, series in SERIES.items():
        kept = getattr(record, name)
        entries = kept if series.when == MONTH else list(kept.values())
        assert series.when == MONTH or list(kept) == halves
        assert len(entries) == len(record.months if series.when == MONTH else halves)
        for entry in entries:
            series.check(entry)
