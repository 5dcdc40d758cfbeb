"""Ageing, births and deaths against a cohort-component projection, by age and sex.

The projection is written with numbers of people and rates by age, month by month; the engine
knows only dates of birth. With nothing else going on they must agree within binomial error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from tests.helpers import tiny

A = tiny.A
YEARS, N, OLDEST = 12, 60_000, 111
DEATHS = {"F": {0: 0.05, 1: 0.004, 40: 0.01, 65: 0.05, 85: 0.3},
          "M": {0: 0.07, 1: 0.006, 40: 0.02, 65: 0.08, 85: 0.4}}  # fmt: skip
BIRTHS = {"F": {0: 0.0, 15: 0.1, 25: 0.3, 35: 0.1, 45: 0.0}, "M": {0: 0.0}}


def vital(**settings: Any) -> RunConfig:
    """Only deaths and births; a child is a permanent resident as everybody."""
    return tiny.config({
        "life.monthly": {
            "die": {**A, "kind": "die", "rate": 1.0, "by": {"age_sex": DEATHS}},
            "birth": {**A, "kind": "birth", "rate": 1.0, "by": {"age_sex": BIRTHS}},
        },
        "status": {s: tiny.status(child="permanent") for s in tiny.STATUSES},
        "arrivals.channels": {},
    }, **settings)  # fmt: skip


def crowd() -> dict[str, np.ndarray]:
    """Permanent residents of every age from 0 to 90, in every month of birth."""
    people = tiny.columns(N, ["permanent"])
    people["sex"] = (np.arange(N) % 2).astype(np.uint8)
    age = np.random.default_rng(3).integers(0, 90 * 12, N)
    people["born"] = (month_index(tiny.START) - age).astype(np.int16)
    people["entered"] = np.maximum(people["entered"], people["born"])
    return people


def rate(table: dict[int, float], age: int) -> float:
    """Events per person-year at a completed age."""
    return table[max(lower for lower in table if lower <= age)]


def project(months_old: np.ndarray, months: int) -> tuple[np.ndarray, float, float]:
    """Cohort-component projection, month by month.

    months_old float64[2, L]: women and men by completed months of age. Returns the same after
    `months`, and the expected births and deaths on the way.
    """
    people, born, died = months_old.copy(), 0.0, 0.0
    for _ in range(months):
        people = np.roll(people, 1, axis=1)  # everybody is a month older, then lives the month
        assert not people[:, 0].any()
        children = 0.0
        for g, sex in enumerate("FM"):
            for age in range(min(people.shape[1] // 12, OLDEST)):
                cell = people[g, 12 * age : 12 * age + 12]
                dying, bearing = rate(DEATHS[sex], age), rate(BIRTHS[sex], age)
                total = dying + bearing
                any_event = -np.expm1(-total / 12)
                children += cell.sum() * any_event * bearing / total
                died += cell.sum() * any_event * dying / total
                cell *= 1 - any_event * dying / total
        people[:, 0] = children * 0.4878, children * (1 - 0.4878)
        born += children
    return people, born, died


def by_years(months_old: np.ndarray) -> np.ndarray:
    """float64[2, 111] by completed years."""
    return months_old.reshape(2, -1, 12).sum(axis=2)


@pytest.fixture(scope="module")
def both() -> tuple[np.ndarray, np.ndarray, tuple[float, float], tuple[float, float]]:
    """(simulated, projected) people by sex and age, (births, deaths) of each."""
    people = crowd()
    model = tiny.model(vital(end="2040-06"), people)
    start = np.zeros((2, 12 * OLDEST))
    np.add.at(start, (people["sex"], month_index(tiny.START) - people["born"]), 1.0)
    for _ in range(12 * YEARS):
        model.step()
    projected, born, died = project(start, 12 * YEARS)
    seen = np.zeros((2, 12 * OLDEST))
    columns = model.state.people
    np.add.at(seen, (columns["sex"][columns.alive],
                     model.month - columns["born"][columns.alive].astype(int)), 1.0)  # fmt: skip
    flows = np.sum(model.record.flows, axis=0)
    deaths = sum(flows[f] for f, name in enumerate(model.state.rates.names) if name.kind == "die")
    births = sum(count.sum() for count in model.record.born)
    return by_years(seen), by_years(projected), (births, born), (deaths, died)


def test_age_pyramid_is_the_projected_one(both: Any):
    seen, projected, _, _ = both
    # Survivors of one age are binomial, newborns nearly Poisson: no cell varies more than that.
    z = (seen - projected) / np.sqrt(np.maximum(projected, 1.0))
    assert abs(z).max() < 5.5  # 222 cells: beyond this once in 100,000 right engines
    assert abs(seen.sum(axis=1) - projected.sum(axis=1)).max() < 5 * np.sqrt(N / 2)
    distance = np.sum(z[projected > 5] ** 2)
    assert distance < 1.6 * np.sum(projected > 5)


def test_births_and_deaths_are_the_projected_ones(both: Any):
    _, _, births, deaths = both
    for seen, mean in (births, deaths):
        assert abs(seen - mean) < 5 * np.sqrt(mean)


def test_the_projection_has_power(both: Any):
    """A death rate 5 % too high moves the total by more than the test lets pass."""
    seen, projected, _, (_, died) = both
    assert 0.05 * died > 5 * np.sqrt(died)
    assert seen[:, :YEARS].sum() > 1000, "there are newborns to compare"
    assert projected[:, 80:].sum() > 1000, "and very old people"
