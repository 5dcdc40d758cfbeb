"""The fast forms of a month against a dense month: the same people and records, to the bit.

In a dense month no bound spares anybody. Everyone's whole draw is compared with their exact rates,
which are computed one person at a time, as those of the audited are. In a fast month here nobody is
audited, so all rates are computed side by side; and the runs differ in threads and order of rows.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.agents.state import State
from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.data.load import Data, load
from sim.model import model as engine
from sim.model.checkpoint import read, restore, writer
from sim.model.model import Kyosei
from sim.model.opening import blank_state
from sim.processes.policy import policy
from tests.helpers import tiny
from tests.model.test_checkpoint import FACTS
from tests.model.test_metamorphic import snapshot
from tests.model.test_reference import rich

MONTHS, MIDDLE = 24, 9
EVERYBODY, NOBODY = np.uint64(0), np.uint64(2**64 - 1)
"""Bits of a key that exclude from the audit: see `Month.unaudited`."""

Spoil = Callable[[State], None]


def kept(state: State) -> bytes:
    buffer = io.BytesIO()
    writer(state, FACTS)(buffer)
    return buffer.getvalue()


@cache
def world(name: str) -> tuple[RunConfig, Data, bytes]:
    """Configuration, tables and opening of the tiny country, or of a hundredth of Japan."""
    if name == "tiny":
        cfg, data = rich(), tiny.data()
        return cfg, data, kept(tiny.model(cfg, tiny.columns(3000)).state)
    cfg = compose(["scale=0.01", "threads=1"])
    data = load(cfg.country.data)
    return cfg, data, kept(Kyosei(cfg, data).state)


def resumed(name: str, payload: bytes, folder: Path, threads: int, audited: np.uint64) -> Kyosei:
    """A run that goes on from what was kept."""
    cfg, data, _ = world(name)
    path = folder / "checkpoint-2025-12.npz"
    path.write_bytes(payload)
    state = blank_state(cfg, data, 10, threads)
    restore(read(path), state)
    state.unaudited = audited
    return Kyosei(cfg, state=state)


def no_bounds(state: State) -> None:
    """Everybody but holes passes the screening."""
    state.bounds = state.bounds.copy()
    state.bounds[:-1] = np.iinfo(np.uint32).max


@pytest.fixture(scope="module", params=["tiny", "a hundredth of Japan"])
def dense(request, tmp_path_factory) -> tuple[str, Kyosei]:
    """The dense run; monthly screening apart, its months are those of the engine."""
    name, folder = request.param, tmp_path_factory.mktemp("dense")
    model = resumed(name, world(name)[2], folder, 1, EVERYBODY)

    def dense_policy(state: State) -> None:
        policy(state)
        no_bounds(state)

    with pytest.MonkeyPatch.context() as patch:
        after = engine.MONTH[engine.MONTH.index(policy) + 1 :]
        patch.setattr(engine, "MONTH", (dense_policy, *after))
        months(model, MONTHS)
    return name, model


def months(model: Kyosei, n: int) -> None:
    for _ in range(n):
        model.step()


def assert_equal_to(dense: Kyosei, fast: Kyosei) -> None:
    people, others = snapshot(dense.state), snapshot(fast.state)
    for name, column in people.items():
        if name != "firm":  # a row of the firms
            assert np.array_equal(column, others[name]), f"column {name} differs"
    for (name, array), (_, other) in zip(dense.record.arrays(), fast.record.arrays(), strict=True):
        assert np.array_equal(array, other), f"record {name} differs"


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_fast_months_equal_dense_ones(dense, tmp_path, threads):
    name, whole = dense
    fast = resumed(name, world(name)[2], tmp_path, threads, NOBODY)
    months(fast, MONTHS)
    assert_equal_to(whole, fast)


def test_in_any_order_of_rows(dense, tmp_path):
    name, whole = dense
    fast = resumed(name, world(name)[2], tmp_path, 2, NOBODY)
    fast.state.people.permute(np.random.default_rng(3).permutation(fast.state.people.n))
    months(fast, MONTHS)
    assert_equal_to(whole, fast)


def test_across_a_checkpoint_within_a_year(dense, tmp_path):
    """The parts are audited differently: whose rates are computed alone changes no result."""
    name, whole = dense
    first = resumed(name, world(name)[2], tmp_path, 3, np.uint64(1))
    months(first, MIDDLE)
    second = resumed(name, kept(first.state), tmp_path, 2, np.uint64(6))
    months(second, MONTHS - MIDDLE)
    assert_equal_to(whole, second)
