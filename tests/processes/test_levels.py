"""Levels: what whole runs add up to, which audits of probabilities cannot see."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.agents.firms import COUNTS
from sim.config import compose as door
from sim.core.clock import month_index, month_name
from sim.data.load import load
from sim.model.model import Kyosei
from sim.processes.agencies import QUEUES
from sim.processes.arrivals import usual_arrivals

YEAR = 12


@cache
def run(end: str, scale: float, *settings: str) -> Kyosei:
    config = door.compose([f"scale={scale}", f"end={end}", *settings])
    model = Kyosei(config, load("japan"))
    model.run()
    return model


def stock(model: Kyosei, *statuses: str) -> np.ndarray:
    """float64[months]: residents of some statuses, of all published ones if none is named."""
    country = model.config.country
    names = statuses or tuple(s for s in country.statuses if s != country.irregular)
    rows = [country.statuses.index(name) for name in names]
    return np.array([cube[rows].sum() for cube in model.record.cubes]) / model.config.scale


def work(model: Kyosei, name: str) -> np.ndarray:
    """float64[months, T] of one column of the record of work."""
    return np.array(model.record.work)[:, :, COUNTS.index(name)] / model.config.scale


@pytest.mark.parametrize("tier", ["programme", "skilled_1", "professional"])
def test_the_first_years_recruits_are_those_of_the_channels(tier):
    model = run("2026-06", 0.03)
    state, t = model.state, list(model.config.firms.tiers).index(tier)
    rows = np.flatnonzero((state.rates.status.tier == t) & state.rates.status.seeks)
    level = sum(usual_arrivals(state, m)[rows].sum() for m in state.record.months[1:])
    came = work(model, "came")[1:, t].sum()
    print(f"{tier}: {came:,.0f} came, {level:,.0f} by the channels")
    assert came == pytest.approx(level, rel=0.1)


def test_queues_decide_what_waits_up_to_their_capacity():
    record = run("2026-06", 0.03).record
    came, decided, capacity, backlog = (
        np.array(record.queues)[:, :, QUEUES.names.index(name)]
        for name in ("caseload", "decided", "capacity", "backlog")
    )
    since = np.array(run("2026-06", 0.03).state.bureau.at)
    acts = np.array(record.months[1:])[:, None] > since
    there = backlog[:-1] + came[1:]
    assert (decided <= capacity)[1:][acts].all()
    assert (decided[1:] == np.minimum(capacity[1:], there))[acts].all()
    assert (backlog[1:] == there - decided[1:])[acts].all()


FAR = "2050-12"

AROUND = 5
"""Half-years on each side that say how much a stock usually changes."""

MOST_SDS = 3.3
"""As rare as 2.5 standard deviations where ten numbers tell mean and standard deviation (Student's
distribution with nine degrees of freedom, of the prediction of an eleventh number)."""

LARGE = 50_000
"""People from which a status is looked at."""

DATED = {
    ("", "2027-06"): "62 thousand trainees came in the first half of 2024 after 107 thousand in the"
    " half-year before: so many fewer complete three years",
    ("titp_1", "2027-12"): "skill development has taken its place since April 2027",
}
"""Half-years with a reason to be unlike their neighbours."""


def far() -> Kyosei:
    return run(FAR, 0.03)


@pytest.mark.slow
def test_no_stock_jumps_without_a_dated_reason():
    """The total and each large status, in all half-years: those in which a run or a plan of caps
    begins, and those in which the entrants of such a month reach their longest stay, included.
    Shocks of arrivals and demand, which may come in any month, are left out."""
    model = run(FAR, 0.03, "arrivals.shocks=false")
    months = [month_name(month) for month in model.record.months[6::6]]
    jumps = []
    for name in ("", *model.config.country.statuses):
        people = (stock(model, name) if name else stock(model))[::6]
        change = np.diff(people)
        # What sampling alone does to a change: people who came and went, at most a fifth.
        chance = np.sqrt(0.2 * np.maximum(people[1:], 1.0) / model.config.scale)
        windows = [range(max(k - AROUND, 0), k + AROUND + 1) for k in range(change.size)]
        near = [
            [change[j] for j in window if j < change.size and j != k]
            for k, window in enumerate(windows)
        ]
        usually = np.array([np.mean(changes) for changes in near])
        spread = np.array([np.std(changes, ddof=1) for changes in near])
        spread = np.maximum(spread, np.median(spread))  # after a lull, too
        far_off = np.abs(change - usually) > MOST_SDS * np.hypot(spread, chance)
        for k in np.flatnonzero(far_off & (people[:-1] >= LARGE)).tolist():
            if (name, months[k]) not in DATED:
                jumps.append(f"{name or 'all'} {months[k]}: {change[k]:+,.0f} ({usually[k]:+,.0f})")
    assert not jumps


@pytest.mark.slow
def test_who_needs_a_job_has_one_or_leaves():
    """Between two jobs are a few in a hundred: nine in a hundred change employer in a year and
    search for two to five months."""
    model = far()
    seeking, employed = work(model, "seeking"), work(model, "employed")
    for t, (name, tier) in enumerate(model.config.firms.tiers.items()):
        if tier.search == "all":
            share = seeking[YEAR::YEAR, t] / np.maximum(seeking + employed, 1.0)[YEAR::YEAR, t]
            assert share.max() < 0.08, name


@pytest.mark.slow
def test_dependants_a_sponsor_stay_within_the_published_range():
    """0.60 in December 2012 and 0.49 in June 2025."""
    model = far()
    sponsors = model.config.status["dependent"].sponsor.of
    ratio = stock(model, "dependent") / stock(model, *sponsors)
    print(np.round(ratio[::YEAR], 3))
    assert ratio.min() > 0.45
    assert ratio.max() < 0.62


@pytest.mark.slow
def test_opposition_does_not_fall_while_residents_grow():
    model = far()
    opposed = np.array([entry[0] for entry in model.record.civic])
    at = model.record.months.index(month_index("2026-06"))
    assert opposed[at:].min() > opposed[at] - 0.02


def test_a_closed_border_lets_in_as_few_as_it_says_and_those_who_waited_come_later():
    """A tenth of the usual recruits in 2020-21, one to three times as many in the first open
    months."""
    settings = ("start=2019-12", "firms.since=2012-12", "arrivals.mode=free")
    model = run("2022-06", 0.01, *settings)
    state, first = model.state, month_index("2019-12")
    came = work(model, "came").sum(axis=1)
    usual = state.arrivals.levels(first + 1)[state.rates.status.seeks].sum()
    closed = slice(month_index("2020-06") - first, month_index("2022-02") - first + 1)
    opened = slice(month_index("2022-03") - first, month_index("2022-06") - first + 1)
    assert came[closed].mean() == pytest.approx(0.1 * usual, rel=0.3)
    assert 1.2 * usual < came[opened].mean() < 3.0 * usual
