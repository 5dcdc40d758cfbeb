"""The NumPy month that the benchmark compares with must be the same model."""

import numpy as np
import pytest

from benchmarks.numpy_model import NumpyFates
from sim.agents.record import Record
from sim.agents.state import State
from sim.model import month
from sim.processes import fates as fates_module
from sim.rates.kinds import KINDS
from tests.helpers import tiny

SEEDS, MONTHS = 4, 12


def run(seed: int, in_numpy: bool) -> State:
    """A year of the tiny country; its books are checked every month on the way."""
    people = tiny.columns(20_000)
    state = tiny.state(tiny.config(seed=seed), people)
    stand_in = NumpyFates(seed)
    for _ in range(MONTHS):
        state.month += 1
        for process in month.MONTH:
            (stand_in if in_numpy and process is fates_module.fates else process)(state)
    return state


@pytest.fixture(scope="module")
def years() -> tuple[list[State], list[State]]:
    """The same years with the engine's pass and with NumPy's."""
    return [run(k, False) for k in range(SEEDS)], [run(k, True) for k in range(SEEDS)]


def total(states: list[State], of: str) -> np.ndarray:
    """Sum over seeds and months of something that the records hold by month."""
    records: list[Record] = [state.record for state in states]
    return np.sum([np.sum(getattr(record, of), axis=0) for record in records], axis=0)


def errors(engine: np.ndarray, numpy: np.ndarray) -> np.ndarray:
    """Differences of counts in standard errors, at most: a count varies no more than Poisson."""
    return (numpy - engine) / np.sqrt(np.maximum(numpy + engine, 1))


ELSEWHERE = {KINDS[name] for name in ("quit", "seek", "norms", "short")}
"""Kinds that the tiny country has not: it has no firms, and no lever that offers a
programme or shortens a permit."""


def test_every_kind_of_fate_occurs(years):
    fates = years[0][0].rates.fates
    for states in years:
        assert set(fates.kind[total(states, "flows") > 0]) == set(KINDS.values()) - ELSEWHERE


@pytest.mark.parametrize("what", ["flows", "born", "brought", "born_citizens"])
def test_flows_agree_with_the_engine(years, what):
    z = np.atleast_1d(errors(total(years[0], what), total(years[1], what)))
    # A right model exceeds either limit less than once in a hundred thousand seeds.
    assert np.abs(z).max() < 5
    assert (z**2).sum() < z.size + 5 * np.sqrt(2 * z.size)


def test_people_end_alike(years):
    for column in ("status", "permit_months", "arrears", "language", "municipality", "stage"):
        both = []
        for states in years:
            codes = [s.people[column][s.people.alive].astype(np.int64) for s in states]
            both.append(np.bincount(np.concatenate(codes), minlength=256))
        engine, numpy = both
        assert np.abs(errors(engine, numpy)).max() < 5, column


def test_mean_dates_agree(years):
    for column in ("since", "entered", "permit_end", "counting"):
        means, spread = [], []
        for states in years:
            values = np.concatenate([s.people[column][s.people.alive] for s in states])
            values = values[values < 30_000].astype(float)
            means.append(values.mean())
            spread.append(values.std() / np.sqrt(values.size))
        assert abs(means[0] - means[1]) < 5 * np.hypot(*spread), column
