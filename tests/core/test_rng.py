"""Random numbers: the generator is the published one, decisions are exact, nobody shares a draw."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.core import rng
from sim.core.probability import cuts, poisson, threshold
from sim.processes.person import pick_cut
from tests.helpers import reference_rules, tiny

FULL = 1 << 32
ONES = (1 << 64) - 1
# Random123 (Salmon et al. 2011), file kat_vectors: threefry 2x64, 20 rounds. Counter, key, result.
PUBLISHED = [
    ((0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
    ((ONES, ONES), (ONES, ONES), (0xE02CB7C4D95D277A, 0xD06633D0893B8B68)),
    ((0x243F6A8885A308D3, 0x13198A2E03707344), (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
     (0x263C7D30BB0F0AF1, 0x56BE8361D3311526)),
]  # fmt: skip
# The registry of processes, written here a second time: a changed number would change every run
# that draws by it. A new process takes a new number in both places.
REGISTRY = {
    "opening": 1, "arrival_count": 2, "arrival_person": 3, "arrival_shock": 4, "permit_outcome": 5,
    "permit_length": 6, "monthly_fate": 7, "decision": 8, "move": 9, "newborn": 10, "family": 11,
    "brought_family": 12, "sponsor": 13, "new_status": 14, "vacancy": 15, "search": 16,
    "search_place": 17, "recruit": 18, "recruited_person": 19, "firm_opening": 30, "first_job": 31,
    "firm_month": 32, "firm_count": 33, "demand_shock": 34, "town_classes": 40, "fit_draw": 50,
}  # fmt: skip
word64 = st.integers(0, ONES)


def ours(k0: int, k1: int, c0: int, c1: int) -> tuple[int, int]:
    x, y = rng.threefry(np.uint64(k0), np.uint64(k1), np.uint64(c0), np.uint64(c1))
    return int(x), int(y)


@pytest.mark.parametrize(("counter", "key", "result"), PUBLISHED)
def test_published_vectors(counter: tuple, key: tuple, result: tuple):
    assert ours(*key, *counter) == result
    assert reference_rules.threefry(*key, *counter) == result


@given(word64, word64, word64, word64)
def test_kernel_equals_plain_python(k0: int, k1: int, c0: int, c1: int):
    assert ours(k0, k1, c0, c1) == reference_rules.threefry(k0, k1, c0, c1)


def registry_problems(registry: dict[str, int]) -> list[str]:
    """What is wrong with a registry, beside the copy above."""
    problems = [f"{name} was {number}" for name, number in REGISTRY.items()
                if registry.get(name) != number]  # fmt: skip
    problems += [f"{name} is not in the copy" for name in registry if name not in REGISTRY]
    numbers = list(registry.values())
    problems += ["a number is used twice"] if len(set(numbers)) < len(numbers) else []
    problems += [f"{number} is no process" for number in numbers if not 0 < number < 1 << 16]
    return problems


def test_registry_is_only_ever_added_to():
    assert registry_problems(rng.PROCESSES) == []
    for name, number in rng.PROCESSES.items():
        assert getattr(rng, f"P_{name.upper()}") == number


@pytest.mark.parametrize("name", rng.PROCESSES)
def test_a_changed_number_of_any_process_is_caught(name: str):
    assert registry_problems({**rng.PROCESSES, name: 99}) == [f"{name} was {rng.PROCESSES[name]}"]
    assert registry_problems({k: v for k, v in rng.PROCESSES.items() if k != name})
    assert registry_problems({**rng.PROCESSES, "new": 99}) == ["new is not in the copy"]


@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, FULL - 1))
def test_occasions_never_overlap(month: int, process: int, block: int):
    packed = int(rng.occasion(month, np.uint64(process), block))
    assert (packed >> 48, packed >> 32 & 0xFFFF, packed & (FULL - 1)) == (month, process, block)


def test_thresholds_at_the_edges():
    never, always = [0.0, -0.0, -1.0, math.nan, -math.inf], [1.0, 1.5, math.inf]
    assert [int(threshold(p)) for p in never] == [0] * len(never)
    assert [int(threshold(p)) for p in always] == [FULL] * len(always)
    assert int(threshold(math.nextafter(1.0, 0.0))) == FULL - 1
    assert int(threshold(2.0**-32)) == 1
    assert int(threshold(2.0**-33)) == 0


@pytest.mark.parametrize("word", [0, 1, FULL // 2, FULL - 1])
def test_certain_and_impossible_hold_for_every_draw(word: int):
    """The two draws at the ends are those that a uniform number in floating point gets wrong."""
    assert word < int(threshold(1.0))
    assert not word < int(threshold(0.0))
    certain_last, certain_first = cuts([0.0, 1.0]), cuts([1.0, 0.0])
    assert pick_cut(certain_last, np.uint64(word)) == 1
    assert pick_cut(certain_first, np.uint64(word)) == 0
    assert pick_cut(cuts([0.3, 0.3, 0.4]), np.uint64(word)) <= 2  # never beyond the last


@given(st.floats(0, 1), st.floats(0, 1))
def test_thresholds_rise_with_probability(p: float, q: float):
    low, high = sorted((p, q))
    assert int(threshold(low)) <= int(threshold(high))
    assert abs(int(threshold(p)) / FULL - p) <= 1 / FULL


def test_unit_is_strictly_inside():
    """Rounding the last of 2**53 midpoints gives exactly 1; that draw must not exist."""
    assert 0.0 < rng.unit(np.uint64(0)) < 1e-15
    assert 1.0 - 1e-15 < rng.unit(np.uint64(ONES)) < 1.0


def test_replicates_and_seeds_share_nothing():
    keys = [rng.run_key(seed, replicate) for seed in range(40) for replicate in range(40)]
    words = [int(word) for key in keys for word in key]
    assert len(set(words)) == len(words)
    agents, now, process = range(200), 1500, np.uint64(7)
    drawn = [rng.draw(*key, np.uint64(a), now, process, 0) for key in keys[:40] for a in agents]
    blocks = {(int(x), int(y)) for x, y in drawn}
    assert len(blocks) == len(drawn)
    bits = [(int(a[0]) ^ int(b[0])).bit_count() for a, b in pairwise(keys)]
    assert 30 < np.mean(bits) < 34  # neighbours differ in half of 64 bits, on average


def test_words_of_one_agent_are_uncorrelated_in_time_and_between_processes():
    key, agents = rng.run_key(0, 0), 4000
    table = np.array([[int(rng.draw(*key, np.uint64(a), month, np.uint64(p), 0)[0]) % FULL
                       for month in (1500, 1501) for p in (5, 7, 8)]
                      for a in range(agents)]) / FULL  # fmt: skip
    off_diagonal = np.corrcoef(table.T) - np.eye(6)
    assert abs(off_diagonal).max() < 5.5 / math.sqrt(agents)
    assert stats.kstest(table.ravel(), "uniform").pvalue > 1e-6


@pytest.mark.parametrize("mean", [1e-4, 0.3, 1.0, 7.5, 80.0, 499.0])
def test_poisson_is_the_inverse_distribution(mean: float):
    uniform = (np.arange(4000) + 0.5) / 4000
    ours = np.array([poisson(mean, u) for u in uniform])
    assert np.array_equal(ours, stats.poisson.ppf(uniform, mean))
    assert (np.diff(ours) >= 0).all()
    assert ours.mean() == pytest.approx(mean, rel=2e-3, abs=2e-4)


@given(st.floats(1e-6, 400), st.floats(1.0, 1.2), st.floats(1e-9, 1 - 1e-9))
def test_poisson_rises_with_the_mean(mean: float, more: float, u: float):
    assert poisson(mean, u) <= poisson(mean * more, u)


def newcomers(level: float, scale: float = 1.0, months: int = 6) -> dict[int, tuple]:
    """Everybody who came and is still here, by key."""
    cfg = tiny.config({
        "arrivals.channels": {"worker": tiny.channel(level)}, "life.monthly": {},
        "status.worker": tiny.status(monthly={"leave": tiny.leave(0.1)}),
    }, scale=scale)  # fmt: skip
    model = tiny.model(cfg, tiny.columns(10))
    for _ in range(months):
        model.step()
    people = model.people.select(entered=lambda month: month > model.month - months)
    names = ("status", "origin", "sex", "born", "entered", "municipality", "language")
    rows = zip(*(people[name].tolist() for name in names), strict=True)
    return dict(zip(people["key"].tolist(), rows, strict=True))


def test_one_per_cent_more_arrivals_are_one_per_cent_more_people():
    """And the others are as they were, and live as they lived; some cells pass 500 a month."""
    few, more = newcomers(40_000.0), newcomers(40_400.0)
    assert few.items() <= more.items()
    extra = len(more) - len(few)
    assert abs(extra - 0.01 * len(few)) < 5 * math.sqrt(0.01 * len(few))


def test_half_the_scale_is_half_of_the_people():
    whole, half = newcomers(10_000.0), newcomers(10_000.0, scale=0.5)
    assert half.items() <= whole.items()
    assert abs(len(half) - 0.5 * len(whole)) < 5 * math.sqrt(0.25 * len(whole))


def check_unique_keys(keys: np.ndarray) -> None:
    assert np.unique(keys).size == keys.size, "agents share a key"


def test_every_key_is_one_agents_own():
    """Opening residents, arrivals, births and brought family, all at once; kinds kept apart."""
    model = tiny.model(tiny.config({"life.monthly.die": None}), tiny.columns(4000))
    model.run()
    people = model.state.people
    assert people.count() > 8000
    check_unique_keys(people["key"][people.alive])
    kinds = [rng.TAG_OPENING, rng.TAG_ARRIVAL, rng.TAG_BIRTH, rng.TAG_FAMILY]
    made = [rng.identity(tag, np.uint64(5), np.uint64(9), k) for tag in kinds for k in range(3)]
    check_unique_keys(np.array(made))


def test_keys_are_independent_of_seed_and_replicate():
    """The same newcomer comes under every seed where as many come; draws differ by run key."""
    config = {"arrivals.channels": {"worker": tiny.channel(3000.0)}}
    keys = []
    for seed in (0, 1):
        model = tiny.model(tiny.config(config, seed=seed), tiny.columns(10))
        model.step()
        keys.append(set(model.people.select(status="worker")["key"].tolist()))
    assert len(keys[0] & keys[1]) > 0.5 * len(keys[0])
