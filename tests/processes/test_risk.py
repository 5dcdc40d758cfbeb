"""Bounds on hazards: never too low, whoever somebody is and however stale their class."""

from __future__ import annotations

import numpy as np
import pytest

from sim.agents.population import HOLE
from sim.config.compose import compose
from sim.config.factors import AGES, N_FACTORS
from sim.core.clock import month_index
from sim.core.probability import any_event, threshold
from sim.model.model import Kyosei
from sim.processes.risk import n_classes
from sim.rates.expected import rows_of, values
from sim.rates.tables import MONTHLY
from tests.helpers import tiny
from tests.helpers.codes import fill_codes
from tests.model.test_exact import alike
from tests.model.test_reference import rich

A = tiny.A
NOW = month_index(tiny.START) + 1


def exact_thresholds(model: Kyosei, rows: np.ndarray) -> list[int]:
    """Threshold of any monthly fate of these people in the month in work."""
    state, codes, out = model.state, np.zeros(N_FACTORS, np.int32), []
    for row in rows:
        fill_codes(state.scene, row, codes)
        worth = values(state.rates, state.base, codes)
        total = worth[rows_of(state.rates, MONTHLY, int(state.people["status"][row]))].sum()
        out.append(int(threshold(any_event(total))))
    return out


def test_bounds_hold_for_everybody_all_year():
    """Classes are renewed in January: by December ages and durations are a year further on."""
    model, rng = tiny.model(rich(), tiny.columns(3000)), np.random.default_rng(1)
    for _ in range(19):
        model.step()
        people = model.state.people
        rows = rng.choice(np.flatnonzero(people.alive), 60, replace=False)
        bounds = model.state.bounds[people["risk"][rows]]
        exact = np.array(exact_thresholds(model, rows))
        assert (exact <= bounds).all(), model.date
        assert (exact > 0).all()


def test_bounds_hold_for_those_who_find_and_lose_jobs():
    """Whether somebody is employed belongs to their class, which changes with it at once."""
    model = Kyosei(compose(["scale=0.004", "threads=1", "end=2026-09"]))
    rng, firm = np.random.default_rng(2), model.state.people["firm"].copy()
    changed = np.zeros(2, int)
    for _ in range(15):
        model.step()
        people = model.state.people
        had, has = firm >= 0, people["firm"][: firm.size] >= 0
        alive = people.alive[: firm.size]
        lost, found = np.flatnonzero(had & ~has & alive), np.flatnonzero(~had & has & alive)
        changed += lost.size, found.size
        others = rng.choice(np.flatnonzero(people.alive), 300, replace=False)
        rows = np.concatenate([lost, found, others])
        bounds = model.state.bounds[people["risk"][rows]]
        exact = np.array(exact_thresholds(model, rows))
        assert (np.minimum(exact, (1 << 32) - 1) <= bounds).all(), model.date
        firm = people["firm"].copy()
    assert (changed > 300).all()


def test_bounds_are_not_much_too_high():
    """They only save time, but that they must: few who pass have no fate in the end."""
    model = tiny.model(tiny.config(), tiny.columns(3000))
    model.run()
    _, passed, broken = model.state.audit.screen
    assert broken == 0
    monthly = [name.occasion == "monthly" for name in model.state.rates.names]
    met = model.state.audit.seen[: len(monthly)][monthly].sum()
    assert passed < 3 * met


def test_every_age_and_duration_fits_in():
    """From newborns to the oldest, and from this month to a lifetime ago."""
    ages = np.arange(0, 12 * AGES + 24, 7)
    people = tiny.columns(ages.size, ["permanent"])
    people["born"] = (NOW - 1 - ages).astype(np.int16)
    people["since"] = np.maximum(people["born"], NOW - 1 - ages // 2).astype(np.int16)
    people["entered"] = people["since"].copy()
    model = tiny.model(tiny.config({"arrivals.channels": {}}), people)
    model.step()
    rows = np.flatnonzero(model.state.people.alive)
    bounds = model.state.bounds[model.state.people["risk"][rows]]
    assert (np.array(exact_thresholds(model, rows)) <= bounds).all()


def test_holes_are_never_met():
    model = tiny.model(tiny.config({"arrivals.channels": {}}), tiny.columns(3000))
    model.run()
    people = model.state.people
    holes = people["status"] == HOLE
    assert holes.any()
    assert (people["risk"][holes] == n_classes(len(tiny.STATUSES))).all()
    assert model.state.bounds[n_classes(len(tiny.STATUSES))] == 0
    assert model.state.bounds.size == n_classes(len(tiny.STATUSES)) + 1


def test_what_a_permits_end_changes_counts_in_the_same_month():
    """Fined at the permit's end, then twenty times as likely to leave: not by the old bound."""
    permits = {**A, "first": {12: 1.0}, "renewed": {12: 1.0}}
    fine = {**A, "kind": "arrears", "bits": ["tax"], "share": 1.0}
    leave = tiny.leave(0.1, by={"arrears": {"tax": 20.0}})
    worker = tiny.status(permits=permits, monthly={"leave": leave}, at_end={"fined": fine})
    people = tiny.columns(20_000, ["worker"])
    people["arrears"][:], people["permit_end"][:] = 0, NOW
    model = tiny.model(alike(change={"status.worker": worker, "life.monthly": {}}), people)
    model.step()
    gone = 20_000 - model.people.count()
    assert gone == pytest.approx(20_000 * -np.expm1(-2.0 / 12), abs=5 * np.sqrt(20_000 * 0.13))
