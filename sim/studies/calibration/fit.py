"""Fit rates and arrivals to the published past, round by round, and say how sure the fit is.

    fit = fit_past(config, data, until=month_index("2025-06"))
    fit.section(draw=0)   # the section `fit` of a configuration
    fit.data(data)        # the data with the fitted arrivals
    fit.draw(3)           # parameters of the third draw of its uncertainty

Arrivals alone first, until stocks are near; then slopes by paired runs; then Levenberg-Marquardt
steps, each of which simulates the mean afresh and mends the slopes by what it has shown (Broyden);
the last steps at a larger scale, with slopes taken afresh. All of it is a function of
configuration, data and plan, so a fit that was stopped goes on from its last round (`Keeper`) and
comes out the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pyarrow as pa

from sim.config.schema.policy import FittedRates
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name, year_of
from sim.core.threads import usable_cores
from sim.data.load import Data
from sim.files.folder import RunFolder, read_parquet
from sim.rates.places import load_places
from sim.rates.tables import build
from sim.studies.calibration.mean import Mean
from sim.studies.calibration.plan import RANGE_SDS, Knob, Plan, knobs, load_plan
from sim.studies.calibration.result import Fit, errors
from sim.studies.calibration.slopes import Reading, by_arrivals, by_knobs, reading
from sim.studies.calibration.solve import Channels, Step, channels, cost, first_arrivals, solve
from sim.studies.calibration.targets import Targets, check_known, targets

ALONE = 3
"""Rounds in which arrivals alone move."""

FAR = 2.0
"""Of a logarithm: how far slopes are taken to grow with a rate."""

LEAST_TRUST = 0.01


@dataclass(frozen=True)
class Effort:
    """How much work a fit is: scales of the runs, steps after each time that slopes are taken."""

    slopes: float = 0.05  # scale of the paired runs
    early: float = 0.05  # scale of the first steps
    late: float = 0.4  # scale of the last steps
    steps: tuple[int, ...] = (20,)  # early ones; for each number here slopes are taken first
    last: int = 6  # late ones
    plain: int = 3  # late ones after the final slopes, which are not mended any more
    trust: float = 0.3  # how far a logarithm may move in the first step


class Keeper(Protocol):
    """Keeps the arrays of a round, so that a fit that was stopped can go on."""

    def get(self, name: str) -> dict[str, np.ndarray] | None: ...

    def put(self, name: str, arrays: dict[str, np.ndarray]) -> None: ...


class Forget:
    """Keeps nothing."""

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        return None

    def put(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        return None


@dataclass(frozen=True)
class Place:
    """Knobs, arrivals and what the model says there; cells are the slopes by arrivals."""

    theta: np.ndarray
    arrivals: np.ndarray
    said: np.ndarray
    cells: np.ndarray
    cost: float


@dataclass
class _Work:
    """A fit in progress."""

    plan: Plan
    knobs: list[Knob]
    targets: Targets
    believed: Channels
    read: Reading
    keeper: Keeper
    say: Callable[[str], None]
    by_knob: np.ndarray
    seen_from: np.ndarray  # float64[K]: the knobs at which slopes were taken
    trust: float
    workers: int
    best: Place | None = None

    def look(self, name: str, mean: Mean, theta: np.ndarray, arrivals: np.ndarray) -> Place:
        """What the model says somewhere; or what an earlier attempt kept of it."""
        kept = self.keeper.get(name)
        if kept is None:
            outcome = mean.run(theta, arrivals, follow=True, threads=self.workers)
            cells = by_arrivals(outcome, self.read, mean.config.scale)
            kept = {"theta": theta, "arrivals": arrivals, "said": self.read.of(outcome),
                    "cells": cells}  # fmt: skip
            self.keeper.put(name, kept)
        t, said = self.targets, kept["said"]
        height = cost(
            self.knobs, self.believed, kept["theta"], kept["arrivals"], said, t.value, t.sd
        )  # fmt: skip
        self.say(f"{name}: {errors(t, said).text}; cost {height:.0f}")
        return Place(kept["theta"], kept["arrivals"], said, kept["cells"], height)

    def step(self, free: bool = True) -> Step:
        """Where to go from the best place known; knobs stay unless they are free."""
        assert self.best is not None
        t, best = self.targets, self.best
        return solve(
            self.knobs, self.believed, best.theta, best.arrivals, best.said, t.value, t.sd,
            self.by_knob * self._growth(best.theta), best.cells, self.trust if free else 0.0,
        )  # fmt: skip

    def _growth(self, theta: np.ndarray) -> np.ndarray:
        """float64[K]: a rate's effect is near proportional to it, and so are slopes by its log."""
        return np.exp(np.clip(theta - self.seen_from, -FAR, FAR))

    def learn(self, place: Place) -> None:
        """Mend the slopes by what a step has shown (Broyden), in standard deviations of priors."""
        assert self.best is not None
        moved, growth = place.theta - self.best.theta, self._growth(self.best.theta)
        expected = self.by_knob * growth @ moved
        expected += np.tensordot(self.best.cells, place.arrivals - self.best.arrivals, axes=2)
        missed = place.said - self.best.said - expected
        sd = np.array([knob.sd for knob in self.knobs])
        length = float(((moved / sd) ** 2).sum())
        if length > 0:
            self.by_knob += np.outer(missed, moved / sd**2) / length / growth

    def walk(self, name: str, mean: Mean, steps: int, free: bool = True, mend: bool = True) -> None:
        """Levenberg-Marquardt: go where it should be better, less far each time that it is not."""
        for turn in range(steps):
            found = self.step(free)
            place = self.look(f"{name}_{turn + 1}", mean, found.knobs, found.arrivals)
            assert self.best is not None
            if free and mend:
                self.learn(place)
            if place.cost < self.best.cost:
                self.best, self.trust = place, min(1.5 * self.trust, 1.0)
            elif free:
                self.trust /= 3
            if free and self.trust < LEAST_TRUST:
                return

    def slopes(self, name: str, mean: Mean, workers: int) -> None:
        """Take slopes at the best place known."""
        assert self.best is not None
        best, kept = self.best, self.keeper.get(name)
        if kept is None:
            self.say(f"{name}: {len(self.knobs)} pairs of runs")
            kept = {"slopes": by_knobs(mean, self.read, best.theta, best.arrivals, workers)}
            self.keeper.put(name, kept)
        self.by_knob, self.seen_from = kept["slopes"].copy(), best.theta


def fit_past(
    config: RunConfig, data: Data, until: int | None = None, plan: Plan | None = None,
    effort: Effort | None = None, keeper: Keeper | None = None,
    say: Callable[[str], None] = print, published: Targets | None = None,
) -> Fit:  # fmt: skip
    """Fit the rates of a configuration to what was published up to a month.

    until      month index, a half-year's end; None: the last published half-year
    plan       what may move; None: configs/calibration/COUNTRY.yaml
    published  the numbers to fit to; None: those of the data known by `until`

    Raises ConfigError, and DataError if `published` holds what became known after `until`.
    """
    plan = plan or load_plan(config)
    effort, keeper = effort or Effort(), keeper or Forget()
    workers = config.threads or usable_cores()
    last = until if until is not None else month_index(config.country.last_month)
    past = _past(config, plan, last)
    given = published if published is not None else targets(past, data, plan, last)
    check_known(given, last)
    known = _until(data, last)
    moves = knobs(past, plan, month_index(plan.start), last)
    means: dict[float, Mean] = {}

    def mean(scale: float) -> Mean:
        if scale not in means:
            means[scale] = Mean(past.model_copy(update={"scale": scale}), known, moves)
        return means[scale]

    small = mean(effort.slopes)
    places = load_places(past, known)
    paths = [name.path for name in build(past, places.codes, places.mobility).names]
    believed = channels(past, known, plan, small.ends)
    work = _Work(
        plan, moves, given, believed, reading(small, plan, given, paths), keeper, say,
        np.zeros((len(given), len(moves))), np.zeros(len(moves)), effort.trust, workers,
    )  # fmt: skip
    last_step = _rounds(work, mean, first_arrivals(believed, past), effort, workers)
    assert work.best is not None
    return Fit(
        name=config.country.name, start=month_index(plan.start), until=last, knobs=moves,
        theta=last_step.knobs, covariance=last_step.covariance, ends=small.ends,
        statuses=config.country.statuses, arrivals=last_step.arrivals, known=believed.known,
        targets=given, said=work.best.said, weight=last_step.weight,
        level=_levels(config),
    )  # fmt: skip


def _rounds(
    work: _Work, mean: Callable[[float], Mean], start: np.ndarray, effort: Effort, workers: int
) -> Step:
    """Arrivals alone, then knobs too; returns the last place, with its covariance."""
    early, at = mean(effort.early), np.zeros(len(work.knobs))
    work.best = work.look("start", early, at, start)
    work.walk("arrivals", early, ALONE, free=False)
    for turn, steps in enumerate(effort.steps):
        work.slopes(f"slopes_{turn + 1}", mean(effort.slopes), workers)
        work.trust = effort.trust / (turn + 1)
        work.walk(f"early_{turn + 1}", early, steps)
    late = mean(effort.late)
    work.best = work.look("late_0", late, work.best.theta, work.best.arrivals)
    work.trust = effort.trust / (len(effort.steps) + 1)
    work.walk("late", late, effort.last)
    # Mended slopes find the way but take up luck: estimates and intervals need slopes as they are.
    work.slopes("slopes_final", mean(effort.slopes), workers)
    work.trust = effort.trust
    work.walk("plain", late, effort.plain, mend=False)
    found = work.step()
    return replace(found, knobs=work.best.theta, arrivals=work.best.arrivals)


def _past(config: RunConfig, plan: Plan, last: int) -> RunConfig:
    """The run that a fit is made with: the past without shocks, without an earlier fit."""
    arrivals = config.arrivals.model_copy(update={"shocks": False, "mode": "conditional"})
    return config.model_copy(
        update={"start": plan.start, "end": month_name(last), "arrivals": arrivals, "threads": 1,
                "fit": FittedRates(), "figures": False}
    )  # fmt: skip


def _until(data: Data, last: int) -> Data:
    """The tables without the entries that became known after month `last`.

    Stocks are left whole: the opening takes ages and places from the latest ones. What a fit is
    held to is cut by `targets`.
    """
    entries = data["entries"]
    known = entries[entries["year"] <= year_of(last - 11)]  # a year is known from its December
    return data.with_tables(entries=known)


def _levels(config: RunConfig) -> dict[str, tuple[float, float]]:
    """Status -> (persons a year, sd of its logarithm) believed of future arrivals."""
    out = {}
    for name, channel in config.arrivals.channels.items():
        low, high = channel.low or channel.level / 1.3, channel.high or channel.level * 1.3
        out[name] = (channel.level, math.log(high / low) / RANGE_SDS)
    return out


@dataclass(frozen=True)
class FolderKeeper:
    """Keeps rounds below a run's folder. What is found there is listed in its manifest again."""

    folder: RunFolder

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays kept under a name; None if there are none."""
        path = self.folder.path / "rounds" / f"{name}.parquet"
        if not path.is_file():
            return None
        rows = read_parquet(path).to_pylist()
        arrays = {r["name"]: np.array(r["values"], np.float64).reshape(r["shape"]) for r in rows}
        self.put(name, arrays)
        return arrays

    def put(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep float64 arrays under a name."""
        table = pa.table({
            "name": pa.array(list(arrays), pa.string()),
            "shape": pa.array([list(a.shape) for a in arrays.values()], pa.list_(pa.int64())),
            "values": pa.array(
                [a.astype(np.float64).ravel() for a in arrays.values()], pa.list_(pa.float64())
            ),
        })  # fmt: skip
        self.folder.add_table(f"rounds/{name}.parquet", table)
