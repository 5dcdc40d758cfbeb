"""The suite is itself tested: each bug planted here must be caught by a check of another file.

Some bugs go into the tables or people of the compiled engine, some into its kernels: those run
as plain Python in a second process (NUMBA_DISABLE_JIT), where a function can be replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from sim.agents.population import HOLE, Population
from sim.agents.state import State
from sim.core import rng as rng_module
from sim.core.clock import NEVER, month_index, month_name
from sim.core.errors import InvariantError
from sim.core.rng import P_DECISION, P_MONTHLY_FATE, P_PERMIT_OUTCOME
from sim.model.model import Kyosei
from sim.model.month import MONTH
from sim.processes import arrivals, fates
from sim.rates.expected import rows_of
from sim.rates.tables import MONTHLY
from tests.core.test_rng import check_unique_keys
from tests.helpers import tiny
from tests.model.test_exact import (
    COLUMNS,
    N,
    Sample,
    alike,
    check_audit,
    check_flows,
    check_mean,
    check_variance,
    clean,
    sample,
    stocks,
)
from tests.model.test_metamorphic import check_permuted, run, snapshot
from tests.model.test_reference import rich

FEW, PLAIN_MONTHS = 4000, 24
Patch = pytest.MonkeyPatch


def wrong_rates(change: Callable[[np.ndarray, Kyosei], None]) -> Callable[[Kyosei], None]:
    """The engine gets other rates than the tables from which the checks expect."""

    def prepare(model: Kyosei) -> None:
        right = model.state.policy.in_force(model.month + 1)
        wrong = replace(right, base=right.base.copy())
        change(wrong.base, model)
        model.state.policy.in_force = lambda month: wrong

    return prepare


def test_the_right_engine_passes_every_check():
    for check in (check_mean, check_variance, check_flows):
        check(clean())
    check_unique_keys(COLUMNS["key"])
    check_permuted()


def test_one_rate_three_per_cent_too_high_is_caught():
    def change(base: np.ndarray, model: Kyosei) -> None:
        base[[name.path for name in model.state.rates.names].index("worker.monthly.leave")] *= 1.03

    with pytest.raises(AssertionError, match="a flow is"):
        check_flows(sample(wrong_rates(change)))


def test_a_yearly_rate_over_twelve_as_probability_is_caught():
    """The rates that give h instead of 1 - exp(-h): exactly what that bug does."""

    def change(base: np.ndarray, model: Kyosei) -> None:
        for s in range(len(tiny.STATUSES)):
            rows = rows_of(model.state.rates, MONTHLY, s)
            total = base[rows].sum() / 12
            base[rows] *= -np.log1p(-total) / total

    seen = sample(wrong_rates(change), replicates=10)
    with pytest.raises(AssertionError, match="a flow is"):
        check_flows(seen)
    with pytest.raises(AssertionError, match="means are off"):
        check_mean(seen)


def test_sequential_instead_of_competing_risks_is_caught():
    """The rates under which the first fate listed is drawn first, and so on."""

    def change(base: np.ndarray, model: Kyosei) -> None:
        for s in range(len(tiny.STATUSES)):
            rows = rows_of(model.state.rates, MONTHLY, s)
            hazard = base[rows] / 12
            before = np.exp(-(np.cumsum(hazard) - hazard))
            total = hazard.sum()
            base[rows] = 12 * -np.expm1(-hazard) * before * total / -np.expm1(-total)

    with pytest.raises(AssertionError, match="a flow is"):
        check_flows(sample(wrong_rates(change), replicates=10))


def test_two_codes_swapped_are_caught():
    def prepare(model: Kyosei) -> None:
        to = model.state.rates.fates.to
        worker, learner = to == 1, to == 2
        to[worker], to[learner] = 2, 1

    with pytest.raises(InvariantError, match="differ from the flows"):  # in the first month
        sample(prepare, replicates=1)


def test_agents_sharing_a_key_are_caught(monkeypatch: Patch):
    twins = dict(COLUMNS)
    pair = np.arange(N) // 10 * 10 + np.arange(N) % 5  # of the same status, five rows on
    twins["key"] = COLUMNS["key"][pair]
    with pytest.raises(AssertionError, match="share a key"):
        check_unique_keys(twins["key"])
    with pytest.raises(InvariantError, match="share a key"):  # every run looks for twins
        sample(columns=twins)
    monkeypatch.setattr("sim.model.model.check_keys", lambda state: None)
    with pytest.raises(AssertionError, match="spread is off"):
        check_variance(sample(columns=twins))


def test_a_draw_by_row_instead_of_identity_is_caught():
    def number_rows(model: Kyosei) -> None:
        model.state.people["key"][:] = np.arange(model.state.people.n)

    with pytest.raises(AssertionError, match="differs"):
        check_permuted(number_rows)


def lose(people: Population) -> None:
    """Take the first resident away as if they had left, without a word to the books."""
    row = np.flatnonzero(people.alive)[0]
    people["status"][row], people["risk"][row] = HOLE, people.hole_risk
    people["permit_end"][row], people["principal"][row] = NEVER, -1


def test_a_lost_agent_is_caught(monkeypatch: Patch):
    def lose_one(state: State) -> None:
        lose(state.people)

    monkeypatch.setattr("sim.model.model.MONTH", (*MONTH[:-1], lose_one, MONTH[-1]))
    with pytest.raises(InvariantError, match="books of 2025-07 do not close"):
        tiny.model(alike(), COLUMNS).step()
    monkeypatch.setattr("sim.processes.books.OFTEN", 0)  # a large run counts each half-year
    with pytest.raises(InvariantError, match="books of 2025-12 do not close"):
        tiny.model(alike(), COLUMNS).run()


def test_an_agent_lost_in_the_last_month_is_caught(monkeypatch: Patch):
    def lose_one(state: State) -> None:
        if month_name(state.month) == state.config.end:
            lose(state.people)

    monkeypatch.setattr("sim.processes.books.OFTEN", 0)
    monkeypatch.setattr("sim.model.model.MONTH", (*MONTH[:-1], lose_one, MONTH[-1]))
    with pytest.raises(InvariantError, match="books of 2025-09 do not close"):
        tiny.model(tiny.config(end="2025-09"), tiny.columns(100)).run()


def test_two_newcomers_in_one_row_are_caught(monkeypatch: Patch):
    def take_twice(self: Population, n: int) -> np.ndarray:
        rows = right(self, n)
        rows[-1:] = rows[:1]
        return rows

    right = Population.take
    monkeypatch.setattr(Population, "take", take_twice)
    with pytest.raises(InvariantError, match="do not close"):
        tiny.model(tiny.config(), tiny.columns(100)).step()


# Kernels as plain Python. What follows `lives` runs in the second process.


def lives() -> dict[str, Any]:
    """A run of people who differ in status alone, with its audit."""
    model = run(alike(), tiny.columns(FEW), months=PLAIN_MONTHS)
    flows = np.sum(model.record.flows, axis=0)
    z = model.state.audit.z()
    return {"end": stocks(model).tolist(), "flows": flows.tolist(), "audit": z.tolist()}


def newcomers() -> list[int]:
    """Keys of everybody after a month of arrivals."""
    channels = {"worker": tiny.channel(4000.0)}
    model = run(alike(change={"arrivals.channels": channels}), tiny.columns(10), months=1)
    return model.state.people["key"][model.state.people.alive].tolist()


def ends_and_fates(n: int = FEW) -> list[list[int]]:
    """One month in which every permit ends: fined or not at its end, and learnt or not besides."""
    fine = {"kind": "arrears", "bits": ["tax"], "share": 0.5, **tiny.A}
    learn = {"kind": "learn", "rate": 4.0, **tiny.A}
    permits = {**tiny.A, "first": {1: 1.0}, "renewed": {1: 1.0}}
    worker = tiny.status(permits=permits, monthly={"learn": learn}, at_end={"fined": fine})
    people = tiny.columns(n, ["worker"])
    people["permit_end"][:] = month_index(tiny.START) + 1
    people["arrears"][:], people["language"][:] = 0, 0
    cfg = alike(change={"status.worker": worker, "life.monthly": {}})
    after = run(cfg, people, months=1).state.people
    pairs = np.bincount(2 * (after["arrears"] > 0) + (after["language"] > 0), minlength=4)
    return pairs.reshape(2, 2).tolist()


def world() -> str:
    """Digest of everybody after half a year in a country with everything in it."""
    model = run(rich(), tiny.columns(300), months=8)
    values = b"".join(column.tobytes() for column in snapshot(model.state).values())
    return hashlib.sha256(values).hexdigest()


def redraw(patch: Patch, wrong: int, instead: int) -> None:
    """One process takes the words of another."""
    right = rng_module.draw

    def draw(k0: Any, k1: Any, agent: Any, month: Any, process: Any, block: Any) -> Any:
        same = process == wrong
        return right(k0, k1, agent, month, instead if same else process, 0 if same else block)

    patch.setattr(fates, "draw", draw)


def forget_month(patch: Patch) -> None:
    right = rng_module.occasion
    patch.setattr(fates, "occasion", lambda month, process, block: right(0, process, block))


def forget_place(patch: Patch) -> None:
    right = rng_module.identity
    town = np.uint64((1 << 24) - 1)
    patch.setattr(arrivals, "identity", lambda tag, a, b, k: right(tag, a & ~town, b, k))


def in_plain_python() -> None:
    """Print what right and wrong kernels give, as JSON."""
    out: dict[str, Any] = {"world": world(), "right": lives(), "right newcomers": newcomers()}
    lanes: dict[str, tuple[Callable[[Patch], None], Callable[[], Any]]] = {
        "decision": (lambda patch: redraw(patch, P_DECISION, P_MONTHLY_FATE), lives),
        "month": (forget_month, lives),
        "place": (forget_place, newcomers),
        "outcome": (lambda patch: redraw(patch, P_PERMIT_OUTCOME, P_MONTHLY_FATE), ends_and_fates),
    }
    for name, (plant, look) in lanes.items():
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            out[name] = look()
    print(json.dumps(out))


@pytest.fixture(scope="module")
def plain(repository: Path) -> dict[str, Any]:
    """What the second process saw."""
    code = "import numpy; numpy.seterr(over='ignore')\n"
    code += "from tests.model.test_planted_bugs import in_plain_python as go; go()"
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=repository, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_lives(seen: dict[str, Any]) -> None:
    """Flows and audit of one plain run."""
    check_flows(Sample(np.array([seen["end"]]), np.array(seen["flows"], float)), n=FEW)


def check_independent(table: list[list[int]]) -> None:
    """Two things that happen to the same people in the same month know nothing of each other."""
    p = chi2_contingency(np.array(table)).pvalue
    assert p > 1e-6, f"two draws hang together: p = {p:.1e}"


def test_kernels_without_compiler_are_the_kernels(plain: dict[str, Any]):
    assert plain["world"] == world()
    assert plain["right"] == lives()
    check_lives(plain["right"])
    check_audit(np.array(plain["right"]["audit"]))
    check_unique_keys(np.array(plain["right newcomers"], np.uint64))
    check_independent(ends_and_fates(20_000))


@pytest.mark.parametrize("bug", ["decision", "month"])
def test_a_draw_used_twice_or_without_its_month_is_caught(plain: dict[str, Any], bug: str):
    with pytest.raises(AssertionError, match="a flow is"):
        check_lives(plain[bug])
    with pytest.raises(AssertionError, match="an audit residual"):
        check_audit(np.array(plain[bug]["audit"]))


def test_one_draw_for_outcome_and_fate_is_caught(plain: dict[str, Any]):
    """Each alone happens as often as it should: only both together give the bug away."""
    with pytest.raises(AssertionError, match="hang together"):
        check_independent(plain["outcome"])


def test_newcomers_of_two_places_with_one_key_are_caught(plain: dict[str, Any]):
    with pytest.raises(AssertionError, match="share a key"):
        check_unique_keys(np.array(plain["place"], np.uint64))
