"""Slopes by rates: pairs of runs share what lies before a rate's period, and differ after it."""

from __future__ import annotations

import numpy as np
import pytest

from sim.config.compose import compose
from sim.core.clock import month_index, month_name
from sim.data.load import load
from sim.studies.calibration.mean import Mean, Outcome
from sim.studies.calibration.plan import knobs, load_plan
from sim.studies.calibration.slopes import LONGEST_STEP, by_knobs, reading
from sim.studies.calibration.solve import channels, first_arrivals
from sim.studies.calibration.targets import published_targets

LAST = month_index("2014-12")


@pytest.fixture(scope="module")
def world():
    """Two years of Japan, one multiplier from the start and others that begin later."""
    config = compose(["fit=none", "threads=1"])
    plan, data = load_plan(config), load(config.country.data)
    arrivals = config.arrivals.model_copy(update={"shocks": False, "mode": "conditional"})
    past = config.model_copy(
        update={"start": plan.start, "end": month_name(LAST), "scale": 0.004, "arrivals": arrivals}
    )
    moved = knobs(past, plan, month_index(plan.start), LAST)
    late = [knob for knob in moved if knob.edit.since > plan.start]
    early = [knob for knob in moved if knob.edit.since <= plan.start]
    few = [early[0], *late[:2]]
    assert len({knob.edit.since for knob in few}) >= 2
    mean = Mean(past, data, few)
    given = published_targets(past, data, plan, LAST)
    entries = first_arrivals(channels(past, data, plan, mean.ends))
    return mean, reading(mean, plan, given), entries


def same(one: Outcome, other: Outcome) -> bool:
    names = ("months", "stocks", "years", "flows", "born", "came")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_run_goes_on_from_what_another_kept(world):
    mean, _, entries = world
    late = mean.knobs[-1]
    before, theta = month_index(late.edit.since) - 1, np.zeros(len(mean.knobs))
    kept = dict.fromkeys([before])
    straight = mean.run(theta, entries, keep=kept)
    ahead = theta.copy()
    ahead[-1] = 0.5
    whole = mean.run(ahead, entries)
    assert not same(whole, straight)
    for _ in range(2):  # what is kept stays as it was
        assert same(mean.run(ahead, entries, past=kept[before]), whole)
        assert same(mean.run(theta, entries, past=kept[before]), straight)
    assert same(mean.run(theta, entries, threads=2), straight)


def test_slopes_are_those_of_whole_runs(world):
    mean, read, entries = world
    theta = np.full(len(mean.knobs), 0.1)
    here = read.of(mean.run(theta, entries))
    for k, found in enumerate(by_knobs(mean, read, theta, entries, 2).T):
        ahead = theta.copy()
        step = min(mean.knobs[k].sd, LONGEST_STEP)
        ahead[k] += step
        assert np.array_equal(found, (read.of(mean.run(ahead, entries)) - here) / step), k
        assert found.any()
