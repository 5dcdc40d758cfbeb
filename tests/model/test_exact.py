"""Simulated means and covariances against the exact ones of people who are all alike.

Seeds are fixed. A right engine fails a check here once in a million choices of seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import chi2, norm

from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.core import probability as probability_module
from sim.core.clock import month_index
from sim.model.model import Kyosei
from sim.rates import expected
from sim.rates.tables import AT_END, AT_LIMIT, MONTHLY
from tests.helpers import tiny
from tests.model.test_reference import rich

A = tiny.A
RARE = 1e-6
N, MONTHS, REPLICATES = 40_000, 24, 30
Prepare = Callable[[Kyosei], None]
COLUMNS = tiny.columns(N)


def alike(**settings: Any) -> RunConfig:
    """A country whose people differ in status alone: constant rates, no permits, no families."""
    switch = tiny.switch
    apply = {"grant": {**A, "value": 0.65}}
    fates = {
        "permanent": {"leave": tiny.leave(0.02), "lapse": switch("worker", rate=0.05)},
        "worker": {"leave": tiny.leave(0.4), "study": switch("learner", rate=0.3),
                   "permanent": switch("permanent", rate=0.9, **apply)},
        "learner": {"leave": tiny.leave(0.25), "work": switch("worker", rate=0.8),
                    "overstay": switch("hidden", rate=0.1)},
        "partner": {"leave": tiny.leave(0.1), "work": switch("worker", rate=0.5)},
        "hidden": {"leave": tiny.leave(0.6), "amnesty": switch("partner", rate=0.2)},
    }  # fmt: skip
    return tiny.config({
        "life.monthly": {"die": {**A, "kind": "die", "rate": 0.03},
                         "naturalise": {**A, "kind": "citizen", "rate": 0.1,
                                        "grant": {**A, "value": 0.9}}},
        "status": {s: tiny.status(monthly=fates[s]) for s in tiny.STATUSES},
        "arrivals.channels": {},
        **settings.pop("change", {}),
    }, **settings)  # fmt: skip


def stocks(model: Kyosei) -> np.ndarray:
    """float64[S + 3]: people by status, and those who left, died or were naturalised."""
    names, flows = model.state.rates.names, np.sum(model.record.flows, axis=0)
    exits = [sum(flows[f] for f, name in enumerate(names) if name.kind == kind)
             for kind in ("leave", "die", "citizen")]  # fmt: skip
    by_status = model.record.cubes[-1].reshape(len(tiny.STATUSES), -1).sum(axis=1)
    return np.concatenate([by_status, exits]).astype(float)


class Sample(NamedTuple):
    """What replicates gave."""

    ends: np.ndarray  # float64[R, S + 3], see `stocks`
    flows: np.ndarray  # float64[F], people who met each fate, all replicates together


def sample(
    prepare: Prepare = lambda model: None, replicates: int = REPLICATES, months: int = MONTHS,
    columns: dict[str, np.ndarray] = COLUMNS, change: dict[str, Any] | None = None,
) -> Sample:  # fmt: skip
    """Run replicates; `prepare` may spoil a model before its run."""
    ends, flows = [], []
    for replicate in range(replicates):
        model = tiny.model(alike(replicate=replicate, change=change or {}), columns)
        prepare(model)
        for _ in range(months):
            model.step()
        ends.append(stocks(model))
        flows.append(np.sum(model.record.flows, axis=0))
    return Sample(np.array(ends), np.sum(flows, axis=0).astype(float))


def start_and_state(n: int, change: dict[str, Any] | None) -> tuple[np.ndarray, State]:
    """float64[S] people at the start, the same in each status, and a run with clean tables."""
    state = tiny.state(alike(change=change or {}), tiny.columns(10))
    return np.full(len(tiny.STATUSES), n / len(tiny.STATUSES)), state


def exact(
    n: int = N, months: int = MONTHS, change: dict[str, Any] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the same."""
    start, state = start_and_state(n, change)
    step = expected.matrix(state.rates, state.policy.base(state.month + 1), expected.person())
    exits, came = np.zeros(len(expected.EXITS)), state.arrivals.people(state.month + 1)
    return expected.moments(
        np.concatenate([start, exits]), step, months, np.concatenate([came, exits])
    )


def p_of_mean(seen: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Probability of a mean at least this far off (Mahalanobis), were the engine right."""
    off, inverse = seen.mean(axis=0) - mean, np.linalg.pinv(covariance, 1e-9, hermitian=True)
    distance = len(seen) * off @ inverse @ off
    return float(chi2.sf(distance, np.linalg.matrix_rank(covariance, 1e-6, hermitian=True)))


def p_of_variance(seen: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Probability of a spread at least this much too wide or narrow, were the engine right."""
    inverse = np.linalg.pinv(covariance, 1e-9, hermitian=True)
    total = np.einsum("ri,ij,rj->", seen - mean, inverse, seen - mean)
    freedom = len(seen) * np.linalg.matrix_rank(covariance, 1e-6, hermitian=True)
    return float(2 * min(chi2.sf(total, freedom), chi2.cdf(total, freedom)))


def expected_flows(
    n: int = N, months: int = MONTHS, change: dict[str, Any] | None = None
) -> np.ndarray:
    """float64[F] expected in one replicate without arrivals."""
    start, state = start_and_state(n, change)
    base = state.policy.base(state.month + 1)
    return expected.flows(state.rates, base, expected.person(), start, months)


def check_mean(seen: Sample, **how: Any) -> None:
    p = p_of_mean(seen.ends, *exact(**how))
    assert p > RARE, f"means are off: p = {p:.1e}"


def check_variance(seen: Sample, **how: Any) -> None:
    p = p_of_variance(seen.ends, *exact(**how))
    assert p > RARE, f"the spread is off: p = {p:.1e}"


def check_flows(seen: Sample, **how: Any) -> None:
    """Sharper than stocks for one rate. A count of rare events varies no more than its mean."""
    mean = len(seen.ends) * expected_flows(**how)
    z = abs(seen.flows - mean) / np.sqrt(np.maximum(mean, 1.0))
    assert z.max() < norm.isf(RARE / (2 * mean.size)), f"a flow is {z.max():.1f} sd off"


@cache
def clean() -> Sample:
    """The right engine; also the foil of the planted bugs."""
    return sample()


def test_mean_and_covariance_are_exact():
    check_mean(clean())
    check_variance(clean())


def test_flows_of_every_fate_are_exact():
    check_flows(clean())


def test_every_replicate_is_as_far_off_as_it_should_be():
    """Not only on average: the distances of single runs follow chi-square from end to end."""
    mean, covariance = exact()
    inverse = np.linalg.pinv(covariance, 1e-9, hermitian=True)
    off = clean().ends - mean
    distances = np.sort(np.einsum("ri,ij,rj->r", off, inverse, off))
    freedom = np.linalg.matrix_rank(covariance, 1e-6, hermitian=True)
    uniform = chi2.cdf(distances, freedom)
    ideal = (np.arange(REPLICATES) + 0.5) / REPLICATES
    assert abs(uniform - ideal).max() < 0.5  # Kolmogorov: 2 exp(-2 n / 4) is under 1e-6


def test_arrivals_are_poisson_and_then_behave_as_everybody():
    channels = {"worker": tiny.channel(9000.0), "learner": tiny.channel(4000.0)}
    change = {"arrivals.channels": channels}
    seen = sample(replicates=20, months=12, change=change)
    check_mean(seen, months=12, change=change)
    check_variance(seen, months=12, change=change)


def check_audit(z: np.ndarray) -> None:
    """Observed against expected of each fate, summed over a run, by the engine's own tables."""
    assert abs(z).max() < 6, f"an audit residual is {abs(z).max():.1f}"


def test_a_run_audits_itself():
    """However different people are: residuals of fates and decisions stay standard normal."""
    model = tiny.model(rich(), tiny.columns(20_000), 2)
    model.run()
    z, used = model.state.audit.z(), model.state.audit.variance > 0
    check_audit(z)
    assert used.sum() > 40
    assert 0.5 < np.mean(z[used] ** 2) < 1.8


def test_outcomes_of_a_permits_end_are_exact():
    """One month in which everybody's permit ends; shares beyond 1 are cut, the rest renewed."""
    over = {"by": {"arrears": {"any": 3.0}}}
    ends = {"refused": {**A, "kind": "leave", "share": 0.2, **over},
            "work": tiny.switch("worker", share=0.3, grant={**A, "value": 0.5}, **over),
            "hide": tiny.switch("hidden", share=0.25, **over)}  # fmt: skip
    permits = {**A, "first": {12: 1.0}, "renewed": {12: 0.4, 36: 0.6}}
    cfg = alike(change={"status.partner": tiny.status(permits=permits, at_end=ends)})
    people = tiny.columns(N, ["partner"])
    people["permit_end"][:], people["arrears"] = month_index(tiny.START) + 1, people["sex"]
    model = tiny.model(cfg, people)
    model.step()
    state = model.state
    codes = [expected.person(arrears=bit, permit_months=36) for bit in (0, 1)]
    chances = [expected.outcomes(state.rates, state.base, AT_END, code) for code in codes]
    crowd = np.bincount(people["sex"], minlength=2)
    mean = crowd[0] * chances[0] + crowd[1] * chances[1]
    flow = np.where([name.occasion == "at_end" for name in state.rates.names],
                    model.record.flows[-1], 0)  # fmt: skip
    assert abs(flow - mean).max() < 5 * np.sqrt(N * 0.25)
    hit = chances[1] > 0  # the three shares of 0.6, 0.9 and 0.75 leave 0.6, 0.4 and nothing
    assert chances[1][hit].tolist() == pytest.approx([0.6, 0.2])
    renewed = state.people["permit_end"] > state.month
    lengths = state.people["permit_months"][renewed & (state.people["status"] == 3)]
    assert abs(np.mean(lengths == 36) - 0.6) < 5 * np.sqrt(0.24 / lengths.size)
    assert not expected.outcomes(state.rates, state.base, AT_LIMIT, codes[0]).any()


def test_competing_risks_are_the_matrix_exponential():
    """Each fate absorbing, a month of the generator gives the probabilities of the kernels."""
    state = tiny.state(tiny.config(), COLUMNS)
    model, base = state.rates, state.policy.base(state.month + 1)
    for codes in (expected.person(), expected.person(sex=1, age=70, arrears=1, years_resident=6)):
        worth = expected.values(model, base, codes)
        for s in range(len(tiny.STATUSES)):
            rows = expected.rows_of(model, MONTHLY, s)
            first = expm(expected.generator(model, base, s, codes))[0, 1:]
            assert probability_module.competing(worth[rows].tolist()) == pytest.approx(
                first, abs=1e-14
            )


def test_twelve_months_are_a_year():
    """With exits alone, the monthly matrix to the power of twelve is the year's exponential."""
    change = {f"status.{s}": tiny.status(monthly={"leave": tiny.leave(0.7 + k)})
              for k, s in enumerate(tiny.STATUSES)}  # fmt: skip
    state = tiny.state(alike(change={**change, "life.monthly.naturalise.grant": None}), COLUMNS)
    model, base = state.rates, state.policy.base(state.month + 1)
    year = np.linalg.matrix_power(expected.matrix(model, base, expected.person()), 12)
    rates = np.zeros_like(year)
    for s in range(len(tiny.STATUSES)):
        rates[s, len(tiny.STATUSES) :] = 0.7 + s, 0.03, 0.1
    np.fill_diagonal(rates, -rates.sum(axis=1))
    assert year == pytest.approx(expm(rates), abs=1e-12)


def test_the_checks_have_power():
    """What they can see: 3 % on one rate of twelve moves its flow 8 standard deviations."""
    mean = REPLICATES * expected_flows()
    change = {"status.worker.monthly.leave.rate": 0.4 * 1.03}
    off = REPLICATES * expected_flows(change=change) - mean
    assert (abs(off) / np.sqrt(np.maximum(mean, 1.0))).max() > 8
