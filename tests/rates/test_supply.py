"""Supply of people by origin: cohorts, incomes, and a ceiling on those who are here already."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from sim.config import compose as door
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.rng import run_key
from sim.data import load as tables
from sim.data.load import Data
from sim.rates.arrivals import ArrivalPlan
from sim.rates.places import load_places
from sim.rates.supply import Series, Supply
from sim.studies.calibration.supply import estimate_supply, foretold

BASE, LATER = month_index("2025-06"), month_index("2040-07")


@pytest.fixture(scope="module")
def data() -> Data:
    return tables.load("japan")


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return door.compose(["arrivals.shocks=false", "end=2050-12"])


@pytest.fixture(scope="module")
def plan(config: RunConfig, data: Data) -> ArrivalPlan:
    return ArrivalPlan(config, data, load_places(config, data), run_key(0, 0))


@pytest.fixture(scope="module")
def residents(config: RunConfig, data: Data) -> np.ndarray:
    stocks = data["stocks_origin_status"]
    by = stocks[stocks["date"] == "2025-06"].groupby("origin")["people"].sum()
    return by.reindex(config.country.origins).to_numpy(float)


def supply_of(config: RunConfig, data: Data, residents: np.ndarray, **values: float) -> Supply:
    settings = config.arrivals.supply
    change = {name: getattr(settings, name).model_copy(update={"value": value})
              for name, value in values.items()}  # fmt: skip
    nobody = np.zeros(residents.size)
    return Supply(config, settings.model_copy(update=change), data, BASE, residents, nobody)


def test_a_series_is_linear_between_the_middles_of_years_and_constant_outside():
    known = Series(2020, [1.0, 3.0, 2.0])
    at = [known.at(month_index(month)) for month in ("2019-01", "2020-07", "2021-01", "2022-07")]
    assert at == [1.0, 1.0, 2.0, 2.0]
    assert known.at(month_index("2060-01")) == 2.0


def test_factors_are_one_up_to_the_base_month(config, data, residents):
    supply = supply_of(config, data, residents)
    assert (supply.factors(BASE, residents * 3.0) == 1.0).all()


def test_without_income_and_ceiling_a_factor_is_the_growth_of_the_cohort(config, data, residents):
    supply = supply_of(config, data, residents, weight=0.0, ceiling=1.0)
    korea = config.country.origins.index("south_korea")
    people = data["origin_cohorts"].query("origin == 'south_korea'").set_index("year")["people"]
    room = 1.0 - residents[korea] / people[2040]
    before = np.interp(BASE, [month_index("2024-07"), month_index("2025-07")],
                       [people[2024], people[2025]])  # fmt: skip
    expected = people[2040] / before * room / (1.0 - residents[korea] / before)
    assert supply.factors(LATER, residents)[korea] == pytest.approx(expected, rel=1e-9)


def test_supply_rises_below_the_peak_of_income_and_falls_above_it(config, data, residents):
    flat = supply_of(config, data, residents, weight=0.0).factors(LATER, residents)
    curved = supply_of(config, data, residents, weight=1.0).factors(LATER, residents)
    change = dict(zip(config.country.origins, curved / flat, strict=True))
    assert change["china"] < change["vietnam"] < 1.0 < change["myanmar"]
    assert change["united_kingdom"] == change["other"] == 1.0  # no figures


def test_supply_ends_at_the_ceiling_and_those_who_had_settled_do_not_count(config, data, residents):
    nepal = config.country.origins.index("nepal")
    many = residents.copy()
    many[nepal] *= 10.0
    full = supply_of(config, data, residents).factors(LATER, many)
    assert full[nepal] < 0.02
    settled = many - residents
    supply = Supply(config, config.arrivals.supply, data, BASE, residents, settled)
    half = supply_of(config, data, residents).factors(LATER, residents)
    assert supply.factors(LATER, many)[nepal] == pytest.approx(half[nepal], rel=1e-9)


def test_composition_follows_supply_and_settled_statuses_do_not(config, plan, residents):
    before, after = plan.share(LATER), plan.supplied(LATER, residents)[0]
    statuses, origins = config.country.statuses, config.country.origins
    student, spouse = statuses.index("student"), statuses.index("spouse_child_japanese")
    myanmar, korea = origins.index("myanmar"), origins.index("south_korea")
    assert (after[spouse] == before[spouse]).all()
    moved = after[student].sum(axis=1) / np.where(before[student].sum(axis=1) > 0,
                                                  before[student].sum(axis=1), 1.0)  # fmt: skip
    assert moved[korea] < 1.0 < moved[myanmar]
    whole = after.sum(axis=(1, 2))
    np.testing.assert_allclose(whole[whole > 0], 1.0, rtol=1e-12)


def test_the_number_who_come_answers_with_its_power(config, data, residents):
    powers = []
    for response in (0.0, 0.5, 1.0):
        arrivals = config.arrivals.model_copy(update={"supply": config.arrivals.supply.model_copy(
            update={"response": config.arrivals.supply.response.model_copy(
                update={"value": response})})})  # fmt: skip
        changed = config.model_copy(update={"arrivals": arrivals})
        plan = ArrivalPlan(changed, data, load_places(changed, data), run_key(0, 0))
        powers.append(plan.supplied(LATER, residents)[1][config.country.statuses.index("titp_1")])
    assert powers[0] == 1.0
    assert powers[2] < 1.0
    assert powers[1] == pytest.approx(math.sqrt(powers[2]), rel=1e-12)


def test_the_configuration_holds_what_the_tables_say(config, data):
    estimate, held = estimate_supply(config, data), config.arrivals.supply
    low, high = estimate.log_peak.range
    assert held.peak.value == pytest.approx(math.exp(estimate.log_peak.value), rel=1e-3)
    assert (held.peak.low, held.peak.high) == pytest.approx((math.exp(low), math.exp(high)), 1e-3)
    assert held.curvature.value == pytest.approx(estimate.curvature.value, abs=1e-3)
    assert (held.curvature.low, held.curvature.high) == pytest.approx(
        estimate.curvature.range, abs=1e-3
    )
    came = [foretold(config, data, last, later) for last in (2016, 2017, 2018)
            for later in (2023, 2024, 2025)]  # fmt: skip
    assert min(came) == pytest.approx(0.10, abs=0.005)
    assert max(came) == pytest.approx(0.25, abs=0.005)


def test_a_planted_peak_is_found_again(config, data):
    """Stocks made so that arrivals follow a parabola in log income give its top and curvature."""
    log_peak, curvature = math.log(9000.0), 1.2
    incomes = data["origin_income"].set_index(["year", "origin"])["dollars"]
    cohorts = data["origin_cohorts"].set_index(["year", "origin"])["people"]
    turnover = config.status["student"].opening.turnover
    rows = []
    for k, origin in enumerate(config.country.origins):
        if (2012, origin) not in incomes.index:
            continue
        stock = None
        for year in range(2012, 2026):
            if (year, origin) not in incomes.index:
                break
            distance = math.log(incomes[year, origin]) - log_peak
            rate = 1e-3 * math.exp(0.1 * k - curvature * distance**2 + 0.15 * (year - 2012))
            inflow = rate * cohorts[year, origin]
            # inflow = new - old + turnover x (new + old) / 2
            stock = (
                inflow / turnover
                if stock is None
                else (inflow + stock * (1.0 - turnover / 2.0)) / (1.0 + turnover / 2.0)
            )
            rows.append((f"{year}-12", origin, "student", stock))
    made = pd.DataFrame(rows, columns=["date", "origin", "status", "people"])
    found = estimate_supply(config, data.with_tables(stocks_origin_status=made))
    assert found.log_peak.value == pytest.approx(log_peak, abs=0.1)
    assert found.curvature.value == pytest.approx(curvature, abs=0.1)
