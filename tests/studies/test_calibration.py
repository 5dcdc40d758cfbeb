"""A fit as a whole: planted rates come back, an interrupted fit goes on, the same comes out."""

from __future__ import annotations

import numpy as np
import pytest

from sim.config.compose import compose, from_yaml
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.data.load import Data, load
from sim.files.manifest import verify
from sim.studies.calibration.command import calibrate
from sim.studies.calibration.fit import Effort, fit_past
from sim.studies.calibration.mean import Mean
from sim.studies.calibration.plan import FitPlan, knobs, load_plan
from sim.studies.calibration.slopes import reading
from sim.studies.calibration.solve import channels
from sim.studies.calibration.targets import Targets, published_targets

UNTIL = "2015-12"
PLANTED = {
    "permanent_leave": 1.6, "special_permanent_leave": 0.6, "to_second_stage": 0.9,
    "student_to_work": 0.7, "family_brought": 1.4, "success_professional": 0.6,
    "demand_programme": 1.08,
}  # fmt: skip
EFFORT = Effort(slopes=0.1, early=0.05, late=0.1, steps=(6,), last=2, plain=6)
INTERVAL = 2.0  # standard deviations: 95 %


class Memory:
    """Keeps rounds in memory; forgets what it is told to."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, np.ndarray]] = {}
        self.asked: list[str] = []

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        return self.kept.get(name)

    def put(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        self.asked.append(name)
        self.kept[name] = arrays


@pytest.fixture(scope="module")
def world() -> tuple[RunConfig, Data, FitPlan]:
    """Japan to 2016 with few rates to fit and what trainees' firms want, each one number for the
    whole time."""
    config = compose(["fit=none", "threads=2"])
    plan = load_plan(config)
    few = {
        name: plan.parameters[name].model_copy(update={"periods": [], "sd": 0.4})
        for name in PLANTED
    }
    return config, load(config.country.data), plan.model_copy(update={"parameters": few})


def planted(config: RunConfig, data: Data, plan: FitPlan) -> Targets:
    """What the model says with the planted rates and other random numbers, as if published."""
    last = month_index(UNTIL)
    arrivals = config.arrivals.model_copy(update={"shocks": False})
    past = config.model_copy(
        update={"start": plan.start, "end": UNTIL, "scale": 0.2, "seed": 99, "arrivals": arrivals}
    )
    moved = knobs(past, plan, month_index(plan.start), last)
    mean = Mean(past, data, moved)
    given = published_targets(past, data, plan, last)
    theta = np.log([PLANTED[knob.name] for knob in moved])
    known = data["arrivals"].pivot_table(
        index="date", columns="status", values="people", aggfunc="sum"
    )
    entries = known.reindex(columns=mean.statuses).fillna(0.0).to_numpy()[: mean.ends.size]
    entries *= channels(past, data, plan, mean.ends).open
    said = reading(mean, plan, given).of(mean.run(theta, entries))
    return Targets(given.name, given.kind, given.month, given.known, said, given.sd)


@pytest.mark.slow
def test_planted_rates_are_recovered_inside_their_intervals(world):
    config, data, plan = world
    said: list[str] = []
    fit = fit_past(
        config, data, month_index(UNTIL), plan, EFFORT, say=said.append,
        published=planted(config, data, plan),
    )  # fmt: skip
    off = {
        knob.name: (float(fit.theta[k]) - np.log(PLANTED[knob.name])) / float(fit.sd[k])
        for k, knob in enumerate(fit.knobs)
    }
    assert {name: z for name, z in off.items() if abs(z) > INTERVAL} == {}, (off, said)
    assert all(fit.sd < 0.3), "data told nothing"


@pytest.mark.slow
def test_a_fit_goes_on_where_it_stopped_and_repeats(world):
    config, data, plan = world
    few = Effort(slopes=0.02, early=0.02, late=0.02, steps=(2,), last=1, plain=1)
    until, whole, parted = month_index("2014-06"), Memory(), Memory()
    one = fit_past(config, data, until, plan, few, whole, say=lambda text: None)
    parted.kept = {
        k: v for k, v in whole.kept.items() if not k.startswith(("late", "slopes_final", "plain"))
    }
    other = fit_past(config, data, until, plan, few, parted, say=lambda text: None)
    assert all(name.startswith(("late", "slopes_final", "plain")) for name in parted.asked)
    assert np.array_equal(one.theta, other.theta)
    assert np.array_equal(one.arrivals, other.arrivals)
    again = fit_past(config, data, until, plan, few, say=lambda text: None)
    assert np.array_equal(one.theta, again.theta)
    assert one.section() == again.section()


@pytest.mark.slow
def test_the_command_writes_a_fit_that_a_run_can_take(tmp_path):
    few = Effort(slopes=0.01, early=0.01, late=0.01, steps=(1,), last=1, plain=1)
    folder = calibrate(compose([f"output={tmp_path}", "fit=none"]), "2013-12", True, effort=few)
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"japan.yaml", "japan.csv", "arrivals.csv", "report.md", "rates.png"} <= names
    assert verify(folder) == []
    config = from_yaml((folder / "config.yaml").read_text())
    assert config.fit.data_until == "2013-12"
    assert config.fit.edits
    assert (
        calibrate(compose([f"output={tmp_path}", "fit=none"]), "2013-12", True, effort=few)
        == folder
    )
