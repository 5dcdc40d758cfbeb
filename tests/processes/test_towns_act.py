"""Municipalities and agencies inside a run: threads, order of rows, forks, levers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.model.checkpoint import read, restore, writer
from sim.model.model import Kyosei
from sim.model.opening import blank_state
from sim.processes.towns import CIVIC, destination_weights, destinations, jobs_index
from tests.helpers import civic, tiny
from tests.model.test_checkpoint import FACTS
from tests.model.test_metamorphic import assert_same

MONTHS = 24
START = month_index(tiny.START)
NEAR = {
    "life.monthly.learn.by.town_support": {0: 0.5, 1: 1.0, 2: 2.0, 3: 3.0},
    "life.monthly.nhi_clear.by": {"linked": {1: 4.0}, "arrears": {"nhi": 1.0}},
    "status.worker.monthly.leave.by": {"sentiment": {5: 1.5, 6: 2.0}},
    "status.worker.monthly.permanent.rate": 1.0,
}
"""Fates that depend on what municipalities are; so whatever changes these shows in people."""


@cache
def config(*edits: tuple[str, float, int]) -> RunConfig:
    """Fates as in NEAR; edits (path of a parameter, value, months after the start)."""
    named = {
        f"edit_{k}": {"paths": [path], "since": month_name(START + after), "set": value}
        for k, (path, value, after) in enumerate(edits)
    }
    return civic.config({**NEAR, "scenario.edits": named})


def run(cfg: RunConfig, threads: int = 1, order: np.ndarray | None = None) -> Kyosei:
    model = civic.model(cfg, tiny.columns(3000), threads)
    if order is not None:
        model.state.people.permute(order)
    for _ in range(MONTHS):
        model.step()
    return model


@pytest.fixture(scope="module")
def base() -> Kyosei:
    return run(config())


def assert_same_towns(one: Kyosei, other: Kyosei) -> None:
    """The same municipalities, queues and record of them, to the bit."""
    for part in ("towns", "agencies"):
        for name, column in vars(getattr(one.state, part)).items():
            np.testing.assert_array_equal(column, vars(getattr(other.state, part))[name], name)
    for name in ("civic", "queues"):
        np.testing.assert_array_equal(getattr(one.record, name), getattr(other.record, name))
    for name in ("towns", "fared"):
        a, b = getattr(one.record, name), getattr(other.record, name)
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[month], b[month]) for month in a), name


@pytest.mark.parametrize("threads", [2, 3])
def test_number_of_threads(base: Kyosei, threads: int):
    other = run(config(), threads)
    assert_same(base, other)
    assert_same_towns(base, other)


def test_order_of_rows(base: Kyosei):
    other = run(config(), order=np.random.default_rng(3).permutation(3000))
    assert_same(base, other)
    assert_same_towns(base, other)


@pytest.mark.parametrize("month", [1, 7, 10])
def test_a_fork_is_the_run_that_never_stopped(base: Kyosei, tmp_path: Path, month: int):
    """Before a January, after one, and in an April."""
    first = civic.model(config(), tiny.columns(3000))
    for _ in range(month):
        first.step()
    path = tmp_path / f"checkpoint-{first.date}.npz"
    with open(path, "wb") as stream:
        writer(first.state, FACTS)(stream)
    state = blank_state(config(), civic.data(), 10, 2)
    restore(read(path), state)
    second = Kyosei(config(), state=state)
    for _ in range(MONTHS - month):
        second.step()
    assert_same(base, second)
    assert_same_towns(base, second)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("town.link.share", 1.0),
        ("town.support.bodies", 6.0),
        ("town.sentiment.signal", 0.5),
        ("agency.immigration.officers", 0.01),
        ("town.pull.conationals", 0.9),
    ],
)
def test_a_lever_changes_nothing_before_its_start_and_people_afterwards(
    base: Kyosei, path: str, value: float
):
    other = run(config((path, value, 6)))
    for k in range(6):
        np.testing.assert_array_equal(base.record.civic[k], other.record.civic[k])
        np.testing.assert_array_equal(base.record.cubes[k], other.record.cubes[k])
    with pytest.raises(AssertionError):
        assert_same(base, other)


def test_a_lever_at_the_value_in_force_changes_nothing(base: Kyosei):
    other = run(config(("town.link.share", 0.0, 3), ("town.support.bodies", 2.0, 4)))
    assert_same(base, other)
    assert_same_towns(base, other)


def test_where_support_is_better_more_japanese_is_learned(base: Kyosei):
    rich = run(config(("town.support.own", 1e9, 1)))
    assert rich.state.towns.level.sum() > base.state.towns.level.sum()
    column = base.record.fared[max(base.record.fared)][..., 2].sum()
    assert rich.record.fared[max(rich.record.fared)][..., 2].sum() > column


def test_the_record_adds_up(base: Kyosei):
    record = base.record
    for month, rows in record.fared.items():
        cube = record.cubes[record.months.index(month)]
        np.testing.assert_array_equal(rows[..., 0], cube.sum(axis=1))
        assert (rows[..., 1] <= rows[..., 0] * 10_000).all()
    last = dict(zip(CIVIC.names, record.civic[-1], strict=True))
    assert sum(last[f"towns_level_{k}"] for k in range(4)) == len(tiny.TOWNS)
    counts = base.state.towns.counts
    assert counts[:, 0].sum() == record.traits[max(record.traits)][:, 1].sum()


BASE = np.array([0, 10, 30, 60, 100], np.int64)
PEOPLE = np.array([[900, 50, 50, 0], [100, 850, 50, 0]], np.int64)
SUPPORT = np.array([0, 1, 2, 3], np.uint8)
ONES = np.ones(4)


def weights(*exponents: float, jobs: np.ndarray = ONES, tilt: np.ndarray = ONES) -> np.ndarray:
    """Shares of destinations by origin."""
    a, b, c = exponents
    out = np.diff(destination_weights(BASE, PEOPLE, SUPPORT, jobs, tilt, (a, b, c), 20.0), axis=1)
    return out / out.sum(axis=1, keepdims=True)


def test_without_exponents_people_move_as_observed():
    np.testing.assert_array_equal(
        destination_weights(BASE, PEOPLE, SUPPORT, ONES, ONES, (0.0, 0.0, 0.0), 20.0), [BASE, BASE]
    )
    np.testing.assert_allclose(weights(0.0, 0.0, 0.0), [[0.1, 0.2, 0.3, 0.4]] * 2)


def test_co_nationals_draw_and_an_empty_place_is_as_observed():
    near, far = weights(0.5, 0.0, 0.0)
    assert near[0] > 0.1 > far[0]
    assert near[1] < 0.2 < far[1]
    tens = np.diff(
        destination_weights(BASE, PEOPLE, SUPPORT, ONES, ONES, (0.5, 0.0, 0.0), 20.0), axis=1
    )
    assert tens[0, 3] / tens[0, 2] == pytest.approx(4 / 3, rel=1e-6)  # both as the country


def test_support_jobs_and_steering_have_their_effects():
    plain = weights(0.0, 0.0, 0.0)
    lean = weights(0.0, 1.0, 0.0)
    np.testing.assert_allclose(lean / lean[:, :1], plain / plain[:, :1] * (1 + SUPPORT), rtol=1e-6)
    jobs = weights(0.0, 0.0, 1.0, jobs=np.array([1.0, 4.0, 1.0, 1.0]))
    assert jobs[0, 1] / jobs[0, 0] == pytest.approx(8.0, rel=1e-6)
    tilt = weights(0.0, 0.0, 0.0, tilt=np.array([0.5, 1.0, 1.0, 1.0]))
    assert tilt[0, 0] / tilt[0, 1] == pytest.approx(0.25, rel=1e-6)


def test_jobs_are_relative_to_residents_and_small_places_to_the_country():
    vacancies, residents = np.array([30.0, 10.0, 0.0]), np.array([100.0, 100.0, 0.0])
    index = jobs_index(vacancies, residents, 0.0001)
    np.testing.assert_allclose(index, [1.5, 0.5, 1.0], rtol=1e-4)
    assert 1.0 < jobs_index(vacancies, residents, 100.0)[0] < 1.5
    np.testing.assert_array_equal(jobs_index(0 * vacancies, residents, 20.0), np.ones(3))


def test_moves_go_where_the_weights_say():
    """Jobs in one town alone draw nearly everyone."""
    state = civic.state(config(), tiny.columns(500))
    found: dict[str, Any] = {}
    for name, jobs in (("even", np.ones(6)), ("one", np.array([1e9, 1, 1, 1, 1, 1.0]))):
        found[name] = np.diff(destinations(state, jobs), axis=1)
    share = found["one"][:, 0] / found["one"].sum(axis=1)
    assert (share > 0.999).all()
    assert (found["even"][:, 0] / found["even"].sum(axis=1) < 0.9).all()
