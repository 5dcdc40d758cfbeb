"""Firms in whole runs: what moves arrivals, and whom a change of firms does not touch."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.agents.firms import COUNTS
from sim.agents.population import HOLE
from sim.config.schema.policy import Edit
from sim.core.clock import month_index
from sim.model.model import Kyosei
from tests.helpers.firm_world import config, data

END = "2027-06"
SINCE = "2025-07"
pytestmark = pytest.mark.slow


def made(paths: tuple[str, ...] = (), times: float = 1.0, end: str = END) -> Kyosei:
    """A run in which the parameters that match are multiplied from the first month on."""
    edit = Edit(paths=list(paths), since=SINCE, multiply=times)
    edits = {"test": edit} if paths else {}
    scenario = config().scenario.model_copy(update={"edits": edits})
    return Kyosei(config().model_copy(update={"scenario": scenario, "end": end}), data())


@cache
def run(paths: tuple[str, ...] = (), times: float = 1.0, end: str = END) -> Kyosei:
    model = made(paths, times, end)
    model.run()
    return model


def total(model: Kyosei, name: str, tier: str | None = None) -> int:
    rows = np.array(model.record.work)[:, :, COUNTS.index(name)].sum(axis=0)
    return int(rows.sum() if tier is None else rows[list(config().firms.tiers).index(tier)])


def test_caps_stop_recruitment_and_removing_them_lets_it_go():
    caps = ("firms.caps.skilled_1.fields.*",)
    tight, none = run(caps, 0.4), run(caps, 1000.0)
    assert total(tight, "capped", "skilled_1") > 50
    assert total(none, "capped") == 0
    assert total(tight, "came", "skilled_1") < 0.5 * total(none, "came", "skilled_1")
    assert total(run(), "came", "skilled_1") <= total(none, "came", "skilled_1")


def test_half_the_growth_brings_fewer_people():
    slow = run(("firms.sectors.*.growth",), 0.5)
    assert total(slow, "came") < 0.95 * total(run(), "came")
    assert (
        slow.record.firms[slow.month][..., 0].sum() < run().record.firms[run().month][..., 0].sum()
    )


def test_closing_firms_brings_fewer_people_and_sends_workers_searching():
    closing = run(("firms.sizes.*.closure",), 8.0)
    assert total(closing, "evicted") > 3 * total(run(), "evicted")
    assert total(closing, "came") < 0.95 * total(run(), "came")
    assert closing.record.firms[closing.month][..., 0].sum() < 0.95 * (
        run().record.firms[run().month][..., 0].sum()
    )


def test_nobody_works_for_a_closed_or_barred_firm_beyond_the_notice():
    model = run(("firms.sizes.*.closure", "firms.rules.inspected.*", "firms.rules.barred"), 8.0)
    firms, people = model.state.labour.firms, model.state.people
    overdue = (firms["notice"] > 0) & (firms["notice"] <= model.month)
    assert overdue.sum() > 5
    assert firms["heads"][overdue].sum() == 0
    employer = people["firm"][people.alive]
    assert not overdue[employer[employer >= 0]].any()
    assert (firms["status"][employer[employer >= 0]] != HOLE).all()
    assert (firms["vacancies"] >= 0).all()
    assert (firms["pending"] >= 0).all()


def lives(model: Kyosei) -> dict[int, tuple[int, ...]]:
    """Each resident's status, place, sector, employer and language, by key."""
    people, firms = model.state.people, model.state.labour.firms
    alive = people.alive
    firm = people["firm"][alive]
    employer = np.where(firm >= 0, firms["key"][firm], 0)
    columns = [people[n][alive] for n in ("status", "municipality", "sector", "language")]
    rows = zip(*(c.tolist() for c in (*columns, employer)), strict=True)
    return dict(zip(people["key"][alive].tolist(), rows, strict=True))


def test_a_lever_on_one_sector_leaves_the_people_of_others_as_they_were():
    end = "2026-06"
    k = list(config().firms.sectors).index("construction")
    before = lives(run(end=end))
    after = lives(run(("firms.sectors.construction.growth",), 0.0, end))
    elsewhere = {key for key, life in before.items() if life[2] != k}
    same = sum(after.get(key) == before[key] for key in elsewhere) / len(elsewhere)
    print(f"{same:.2%} of the {len(elsewhere):,} people outside the sector are as they were")
    assert before != after
    assert same > 0.97


def test_one_more_firm_changes_only_those_whom_it_meets():
    end = "2025-12"
    base, more = run(end=end), made(end=end)
    firms = more.state.labour.firms
    template = int(firms["heads"].sum(axis=1).argmax())
    row = firms.take(1)
    columns = firms.columns._asdict()
    for name in ("sector", "size", "municipality", "status", "wanted"):
        columns[name][row] = firms[name][template]
    columns["wanted"][row] = 5.0
    columns["key"][row], columns["opened"][row] = np.uint64(987654321), month_index(SINCE)
    more.run()
    old, new = lives(base), lives(more)
    changed = sum(new.get(key) != life for key, life in old.items())
    assert firms["heads"][row].sum() > 0
    print(f"{changed} of {len(old):,} residents are changed by one more firm of 25 jobs")
    assert 0 < changed < 120


def test_metropolitan_firms_take_fewer_transferees_from_elsewhere():
    esd = ("firms.tiers.programme.quit",)
    free = run((*esd, "firms.transfer.*"), 30.0)
    bound = made((*esd,), 30.0)
    metropolitan = free.config.firms.transfer.metropolitan
    bound.run()
    for model in (free, bound):
        transfers = model.state.labour.transfers
        firms = model.state.labour.firms
        place = model.state.world.prefecture[firms["municipality"]]
        names = np.array(model.state.rates.codes.prefectures)[place]
        inward = transfers[: firms.n, 1]
        assert (inward <= transfers[: firms.n, 0]).all()
        assert (inward[~np.isin(names, metropolitan)] == 0).all()
    assert total(bound, "refused", "programme") > total(free, "refused", "programme")
