"""What must not change a run, or must change it in a known way. Equal means equal to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.agents.population import FIELDS, HOLE
from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.model.model import Kyosei
from tests.helpers import tiny
from tests.model.test_reference import rich

MONTHS = 18
SMALL = {"arrivals.channels": {"worker": tiny.channel(700.0), "learner": tiny.channel(900.0)}}
# Of the other columns, rows say where somebody stands and classes only save time.
COMPARED = [name for name in FIELDS if name not in ("principal", "risk", "event")]


def snapshot(state: State) -> dict[str, np.ndarray]:
    """Everybody in order of key, with the key of their principal (0 for none)."""
    people = state.people
    alive = np.flatnonzero(people["status"] != HOLE)
    alive = alive[np.argsort(people["key"][alive])]
    out = {name: people[name][alive] for name in COMPARED}
    principal = people["principal"][alive]
    out["principal"] = np.where(principal >= 0, people["key"][principal], np.uint64(0))
    return out


def run(
    cfg: RunConfig, people: dict[str, np.ndarray], threads: int = 1, months: int = MONTHS,
    prepare: Callable[[Kyosei], None] = lambda model: None,
) -> Kyosei:  # fmt: skip
    """A model after some months; `prepare` may rearrange or spoil it before."""
    model = tiny.model(cfg, people, threads)
    prepare(model)
    for _ in range(months):
        model.step()
    return model


def assert_same(one: Kyosei, other: Kyosei) -> None:
    """The same people, books and audit, to the bit."""
    a, b = snapshot(one.state), snapshot(other.state)
    for name, values in a.items():
        assert np.array_equal(values, b[name]), f"column {name} differs"
    for name in ("cubes", "flows", "came", "brought", "born", "born_citizens"):
        pairs = zip(getattr(one.record, name), getattr(other.record, name), strict=True)
        assert all(np.array_equal(x, y) for x, y in pairs), f"record {name} differs"
    for kind in ("places", "ages", "traits"):
        x, y = getattr(one.record, kind), getattr(other.record, kind)
        assert x.keys() == y.keys()
        assert all(np.array_equal(x[month], y[month]) for month in x), kind
    assert np.array_equal(one.state.audit.z(), other.state.audit.z())


@pytest.fixture(scope="module")
def base() -> Kyosei:
    return run(rich(), tiny.columns(3000))


def check_permuted(spoil: Callable[[Kyosei], None] = lambda model: None) -> None:
    """Rows in another order give the same run; `spoil` plants a bug in both."""

    def shuffle(model: Kyosei) -> None:
        model.state.people.permute(np.random.default_rng(5).permutation(2000))
        spoil(model)

    straight = run(rich(), tiny.columns(2000), prepare=spoil)
    assert_same(straight, run(rich(), tiny.columns(2000), prepare=shuffle))


def test_order_of_rows():
    check_permuted()


@pytest.mark.parametrize("threads", [2, 3])
def test_number_of_threads(base: Kyosei, threads: int):
    assert_same(base, run(rich(), tiny.columns(3000), threads))


def edited(**body: Any) -> RunConfig:
    """The small country with one edit."""
    edit = {"paths": ["*.leave"], "since": tiny.START, **body}
    return tiny.config({**SMALL, "scenario.edits": {"edit": edit}})


def test_an_edit_of_no_strength():
    plain = run(tiny.config(SMALL), tiny.columns(2000))
    assert_same(plain, run(edited(multiply=1.0), tiny.columns(2000)))
    nothing = edited(multiply=0.0, paths=["nobody.*"])
    assert_same(plain, run(nothing, tiny.columns(2000)))


def test_an_edit_changes_nothing_before_its_start():
    start = month_index(tiny.START) + 7
    with_edit = run(edited(multiply=3.0, since=month_name(start)), tiny.columns(2000))
    plain = run(tiny.config(SMALL), tiny.columns(2000))
    months = plain.record.months
    pairs = zip(plain.record.cubes, with_edit.record.cubes, strict=True)
    same = [np.array_equal(a, b) for a, b in pairs]
    assert all(same[: months.index(start)])
    assert not same[months.index(start)]


def test_an_edited_fate_touches_only_those_who_may_meet_it():
    """Learners live the same lives, newcomers too, whatever happens to workers."""
    edit = edited(multiply=5.0, paths=["worker.monthly.leave"])
    a, b = run(tiny.config(SMALL), tiny.columns(2000)), run(edit, tiny.columns(2000))
    lives = []
    for people in (a.people.select(status="learner"), b.people.select(status="learner")):
        columns = [people[name].tolist() for name in COMPARED]
        lives.append(sorted(zip(*columns, strict=True)))
    assert lives[0] == lives[1]
    assert a.people.count(status="worker") > b.people.count(status="worker")


def test_one_more_agent_changes_no_other():
    few, more = tiny.columns(2000), tiny.columns(2000)
    extra = tiny.columns(7, ["learner"], salt=9)
    more = {name: np.concatenate([values, extra[name][:1]]) for name, values in more.items()}
    with_extra = snapshot(run(rich(), more).state)
    without = snapshot(run(rich(), few).state)
    new = ~np.isin(with_extra["key"], without["key"])
    for name, values in without.items():
        assert np.array_equal(values, with_extra[name][~new]), name
    assert new.sum() <= 3  # the one, if still here, and whoever came through them


def test_without_rates_nothing_changes():
    nothing = {"paths": ["*.monthly.*"], "since": tiny.START, "set": 0.0}
    cfg = tiny.config({"scenario.edits": {"nothing": nothing}, "arrivals.channels": {}})
    people = tiny.columns(2000)
    people["permit_end"][:] = 32767
    model = run(cfg, people)
    for name, values in people.items():
        assert np.array_equal(model.state.people[name], values), name
    assert all(np.array_equal(cube, model.record.cubes[0]) for cube in model.record.cubes)


def test_a_run_in_two_parts_is_the_run():
    """Stop, take the people out, start again from them: the same as going on."""
    cfg, half = tiny.config(SMALL), 9
    first = run(cfg, tiny.columns(2000), months=half)
    people = first.state.people
    alive = np.flatnonzero(people["status"] != HOLE)
    place = np.full(people.n, -1, np.int32)
    place[alive] = np.arange(alive.size)
    columns = {name: people[name][alive].copy() for name in [*COMPARED, "principal"]}
    has = columns["principal"] >= 0
    columns["principal"][has] = place[columns["principal"][has]]
    second = run(tiny.config(SMALL, start=first.date), columns, 2, MONTHS - half)
    whole = run(cfg, tiny.columns(2000))
    a, b = snapshot(whole.state), snapshot(second.state)
    assert all(np.array_equal(a[name], b[name]) for name in a)
    tail = whole.record.cubes[half:]
    assert all(np.array_equal(x, y) for x, y in zip(tail, second.record.cubes, strict=True))


def shifted(months: int) -> tuple[RunConfig, dict[str, np.ndarray]]:
    """The same country and people, every date so many months later."""
    people = tiny.columns(4000)
    for name in ("born", "entered", "since", "counting"):
        people[name] = (people[name] + months).astype(np.int16)
    limited = people["permit_end"] < 32767
    people["permit_end"][limited] += months
    return tiny.config(SMALL, start=month_name(month_index(tiny.START) + months)), people


def test_a_shifted_calendar_is_the_same_in_law():
    """Whole years later, with constant rates: other draws, the same distribution."""
    ends = []
    for months in (0, 72):
        cfg, people = shifted(months)
        runs = [run(cfg.model_copy(update={"replicate": r}), people, months=12) for r in range(12)]
        ends.append([model.record.cubes[-1].sum(axis=(1, 2)) for model in runs])
    a, b = np.array(ends, float)
    spread = np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / 12)
    assert abs((a.mean(axis=0) - b.mean(axis=0)) / spread).max() < 6
    assert not np.array_equal(a, b)


def test_twice_the_people_halve_the_relative_variance():
    """Independent people: the variance of a stock over its mean squared goes with 1 / n."""
    relative = []
    for n in (1500, 6000):
        cfgs = [tiny.config({"arrivals.channels": {}}, replicate=r) for r in range(60)]
        runs = [run(cfg, tiny.columns(n), months=12) for cfg in cfgs]
        stays = np.array([model.record.cubes[-1].sum(axis=(1, 2)) for model in runs], float)
        relative.append((stays.var(axis=0, ddof=1) / stays.mean(axis=0) ** 2).mean())
    assert 0.17 < relative[1] / relative[0] < 0.37  # 1/4; five statuses, 59 degrees of freedom each


def test_people_answer_as_an_agent_set():
    model = run(tiny.config(SMALL), tiny.columns(500), months=3)
    people, columns = model.people, model.state.people
    living = columns.alive
    assert people.count() == len(people) == living.sum()
    students = people.select(status="learner", age=lambda age: age < 30)
    assert students.count() == len(list(students)) == len(students.get("key"))
    assert set(students.get("status")) == {"learner"}
    assert students.agg("age", np.max) < 30
    two = people.count(status=["worker", "partner"], origin="south")
    by_hand = living & np.isin(columns["status"], [1, 3]) & (columns["origin"] == 1)
    assert two == by_hand.sum() > 0
    assert people.select(status="worker").select(sex="F").count() == people.count(
        status="worker", sex="F"
    )
    mean = people.agg("years_resident", np.mean)
    assert mean == pytest.approx(np.mean((model.month - columns["entered"][living]) // 12))
    assert {row["municipality"] for row in people.select(municipality="02201")} == {2}
    with pytest.raises(KeyError, match="no column 'wage'"):
        people.agg("wage", np.mean)
    with pytest.raises(KeyError, match="is not a value of 'status'"):
        people.select(status="nobody")
