"""The estimator of firms' demand: planted parameters are found, the file holds its estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.config.compose import compose
from sim.core.rng import uniforms
from sim.data.load import load
from sim.studies.calibration.demand import (
    closed_years,
    estimate_demand,
    growth,
    shrunk,
)
from sim.studies.calibration.estimate import Estimate

FLAT = Estimate(0.02, 1.0)
"""A prior of the mean that says nothing."""


def planted(years: int, phi: float, sigma: float, seed: int) -> dict[int, float]:
    noise = uniforms(np.uint64(1), np.uint64(2), np.uint64(seed), 0, years, np.uint64(99))
    z = [math.sqrt(12.0) * (u - 0.5) for u in noise]
    x, out = 0.0, {}
    for k, shock in enumerate(z):
        x = phi * x + sigma * shock
        out[2000 + k] = 0.05 + x - 0.1 * (k == 30)
    return out


def test_planted_parameters_are_found_again():
    found = growth(planted(400, 0.7, 0.03, 5), {2030: 1.0}, FLAT)
    for estimate, truth in (
        (found.mean, 0.05), (found.persistence, 0.7), (found.shock, 0.03), (found.closure, -0.1),
    ):  # fmt: skip
        assert abs(estimate.value - truth) < 3 * estimate.sd
        assert estimate.sd < 0.05


def test_the_prior_alone_tells_the_mean_of_few_years():
    prior = Estimate(0.015, 0.0117)
    few = growth(planted(15, 0.9, 0.03, 7), {}, prior)
    assert few.mean.sd > 0.7 * prior.sd


def test_few_years_lean_to_the_common_growth():
    found, _ = shrunk({"long": (0.05, 10), "short": (0.05, 1)}, 0.03)
    assert 0 < found["short"].value < found["long"].value < 0.05
    assert found["short"].sd > found["long"].sd


def test_the_configuration_holds_the_estimates():
    config = compose([])
    firms, found = config.firms, estimate_demand(config, load("japan"))
    for name in ("persistence", "shock"):
        value, estimate = getattr(firms.demand, name), getattr(found.growth, name)
        given = (value.low, value.value, value.high)
        low, high = estimate.range
        assert given == pytest.approx((low, estimate.value, high), abs=2e-3), name
    for name, sector in firms.sectors.items():
        expected = firms.growth.value + found.sectors[name].value
        assert sector.growth.value == pytest.approx(expected, abs=2e-3), name
    parts = {**found.tiers, "programme": found.trainees, "skilled_1": found.skilled}
    for name, tier in firms.tiers.items():
        expected = found.latest + parts.get(name, found.skilled).value
        assert tier.growth.value == pytest.approx(expected, abs=2e-3), name


def test_closed_years_are_those_in_which_an_event_stopped_arrivals():
    """From April 2020 to February 2022, in years that end with an October."""
    closed = closed_years(compose([]))
    assert closed == pytest.approx({2020: 7 / 12, 2021: 1.0, 2022: 4 / 12})
