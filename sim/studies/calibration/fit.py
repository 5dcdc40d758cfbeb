"""Fit rates and arrivals to the published past, round by round, and say how sure the fit is.

    fit = fit_past(config, data, until=month_index("2025-06"))
    fit.section(draw=0)   # the section `fit` of a configuration
    fit.data(data)        # the data with the fitted arrivals
    fit.draw(3)           # parameters of the third draw of its uncertainty

Arrivals alone first, as if people came by themselves, until stocks are near; then firms act, slopes
are taken by paired runs, and Levenberg-Marquardt steps follow, each of which simulates the mean
afresh and mends the slopes by what it has shown (Broyden); the last steps at a larger scale, with
slopes taken afresh. All of it is a function of configuration, data and plan, so a fit that was
stopped goes on from its last round (`Keeper`) and comes out the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pyarrow as pa

from sim.config.schema.base import RANGE_SDS
from sim.config.schema.policy import FittedRates
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name, year_of
from sim.core.threads import usable_cores
from sim.data.load import Data
from sim.files.folder import RunFolder, read_parquet
from sim.studies.calibration.mean import Mean
from sim.studies.calibration.plan import FitPlan, Knob, knobs, load_plan
from sim.studies.calibration.result import Fit, errors
from sim.studies.calibration.slopes import Reading, by_arrivals, by_knobs, entries_of, reading
from sim.studies.calibration.solve import (
    Channels,
    Point,
    Step,
    channels,
    cost,
    first_arrivals,
    solve,
)
from sim.studies.calibration.targets import Targets, check_known, published_targets

ARRIVALS_ONLY = 3
"""First steps, in which arrivals move and rates stay."""

FAR = 2.0
"""Change of a rate's logarithm up to which slopes are taken to grow with the rate."""

LEAST_TRUST = 0.01
"""A descent ends when a logarithm may not move further than this."""


@dataclass(frozen=True)
class Effort:
    """How much work a fit is: scales of the runs, steps after each time that slopes are taken."""

    slopes: float = 0.03  # scale of the paired runs
    early: float = 0.05  # scale of the first steps
    late: float = 0.15  # scale of the last steps
    steps: tuple[int, ...] = (24,)  # early ones; for each number here slopes are taken first
    last: int = 6  # late ones
    plain: int = 3  # late ones after the final slopes, which are not mended any more
    trust: float = 0.3  # how far a logarithm may move in the first step


class Keeper(Protocol):
    """Keeps the arrays of a round, so that a fit that was stopped can go on."""

    def get(self, name: str) -> dict[str, np.ndarray] | None: ...

    def put(self, name: str, arrays: dict[str, np.ndarray]) -> None: ...


class KeepNothing:
    """A keeper of fits that are made at one go."""

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        return None

    def put(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        return None


@dataclass
class _Search:
    """A fit in progress: the best point known, its cost, and slopes around it."""

    knobs: list[Knob]
    targets: Targets
    believed: Channels
    plan: FitPlan
    keeper: Keeper
    say: Callable[[str], None]
    trust: float
    workers: int
    by_knob: np.ndarray  # float64[N, K]
    seen_from: np.ndarray  # float64[K]: logarithms at which slopes by knobs were taken
    best: Point
    cost: float
    readings: dict[Mean, Reading] = field(default_factory=dict)

    def read(self, mean: Mean) -> Reading:
        """How targets are read in the outcomes of a mean."""
        if mean not in self.readings:
            self.readings[mean] = reading(mean, self.plan, self.targets)
        return self.readings[mean]

    def evaluate(
        self, name: str, mean: Mean, theta: np.ndarray, arrivals: np.ndarray
    ) -> tuple[Point, float]:
        """A point and its cost: from a run of the model, or as an earlier attempt kept it."""
        kept = self.keeper.get(name)
        if kept is None:
            outcome = mean.run(theta, arrivals, follow=True, threads=self.workers)
            read = self.read(mean)
            kept = {"theta": theta, "arrivals": arrivals, "said": read.of(outcome),
                    "cells": by_arrivals(mean, outcome, read, arrivals),
                    "came": entries_of(mean, outcome, arrivals)}  # fmt: skip
            self.keeper.put(name, kept)
        point = Point(kept["theta"], kept["arrivals"], kept["said"], kept["cells"], kept["came"])
        height = cost(self.knobs, self.believed, self.targets, point)
        self.say(f"{name}: {errors(self.targets, point.said).text}; cost {height:.0f}")
        return point, height

    def begin(self, name: str, mean: Mean, theta: np.ndarray, arrivals: np.ndarray) -> None:
        """Take a point as the best, whatever its cost: another scale has other costs."""
        self.best, self.cost = self.evaluate(name, mean, theta, arrivals)

    def step(self, free: bool = True) -> Step:
        """Where to go from the best point; knobs stay unless they are free."""
        slopes = self.by_knob * self._growth(self.best.theta)
        trust = self.trust if free else 0.0
        return solve(self.knobs, self.believed, self.targets, self.best, slopes, trust)

    def _growth(self, theta: np.ndarray) -> np.ndarray:
        """float64[K]: a rate's effect is near proportional to it, and so are slopes by its log."""
        return np.exp(np.clip(theta - self.seen_from, -FAR, FAR))

    def mend_slopes(self, found: Point) -> None:
        """Broyden's update by what a step has shown, in standard deviations of priors."""
        moved, growth = found.theta - self.best.theta, self._growth(self.best.theta)
        expected = self.by_knob * growth @ moved
        expected += np.tensordot(self.best.by_cell, found.arrivals - self.best.arrivals, axes=2)
        missed = found.said - self.best.said - expected
        sd = np.array([knob.sd for knob in self.knobs])
        length = float(((moved / sd) ** 2).sum())
        if length > 0:
            self.by_knob += np.outer(missed, moved / sd**2) / length / growth

    def descend(
        self, name: str, mean: Mean, steps: int, free: bool = True, mend: bool = True
    ) -> None:
        """Levenberg-Marquardt: go where it should be better, less far each time that it is not."""
        for turn in range(steps):
            aim = self.step(free)
            point, height = self.evaluate(f"{name}_{turn + 1}", mean, aim.theta, aim.arrivals)
            if free and mend:
                self.mend_slopes(point)
            if height < self.cost:
                self.best, self.cost, self.trust = point, height, min(1.5 * self.trust, 1.0)
            elif free:
                self.trust /= 3
            if free and self.trust < LEAST_TRUST:
                return

    def take_slopes(self, name: str, mean: Mean) -> None:
        """Slopes by knobs at the best point, from pairs of runs or as they were kept."""
        best, kept = self.best, self.keeper.get(name)
        if kept is None:
            self.say(f"{name}: {len(self.knobs)} pairs of runs")
            slopes = by_knobs(mean, self.read(mean), best.theta, best.arrivals, self.workers)
            kept = {"slopes": slopes}
            self.keeper.put(name, kept)
        self.by_knob, self.seen_from = kept["slopes"].copy(), best.theta


def fit_past(
    config: RunConfig, data: Data, until: int | None = None, plan: FitPlan | None = None,
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
    effort, keeper = effort or Effort(), keeper or KeepNothing()
    workers = config.threads or usable_cores()
    last = until if until is not None else month_index(config.country.last_month)
    past = _past(config, plan, last)
    given = published if published is not None else published_targets(past, data, plan, last)
    check_known(given, last)
    known = _until(data, last)
    moves = knobs(past, plan, month_index(plan.start), last)
    means: dict[tuple[float, bool], Mean] = {}

    def mean(scale: float, firms: bool = True) -> Mean:
        if (scale, firms) not in means:
            own = past if firms else without_firms(past)
            means[scale, firms] = Mean(own.model_copy(update={"scale": scale}), known, moves)
        return means[scale, firms]

    small = mean(effort.slopes)
    believed = channels(past, known, plan, small.ends)
    nowhere = Point(*(np.zeros(0),) * 5)  # until the first run
    search = _Search(
        moves, given, believed, plan, keeper, say, effort.trust, workers,
        np.zeros((len(given), len(moves))), np.zeros(len(moves)), nowhere, math.inf,
    )  # fmt: skip
    last_step = _rounds(search, mean, first_arrivals(believed), effort)
    return Fit(
        name=config.country.name, start=month_index(plan.start), until=last, knobs=moves,
        theta=last_step.theta, covariance=last_step.covariance, ends=small.ends,
        statuses=config.country.statuses, arrivals=last_step.arrivals, came=search.best.came,
        known=believed.known, targets=given, said=search.best.said, weight=last_step.weight,
        level=_levels(config),
    )  # fmt: skip


class Means(Protocol):
    """The past at a scale, as firms recruit or, without them, as people come."""

    def __call__(self, scale: float, firms: bool = True) -> Mean: ...


def _rounds(search: _Search, mean: Means, start: np.ndarray, effort: Effort) -> Step:
    """Arrivals alone, then knobs too; returns the best point as a step, with its covariance."""
    early, given = mean(effort.early), mean(effort.early, firms=False)
    search.begin("start", given, np.zeros(len(search.knobs)), start)
    search.descend("arrivals", given, ARRIVALS_ONLY, free=False)
    search.begin("early_0", early, search.best.theta, search.best.arrivals)
    for turn, steps in enumerate(effort.steps):
        search.take_slopes(f"slopes_{turn + 1}", mean(effort.slopes))
        search.trust = effort.trust / (turn + 1)
        search.descend(f"early_{turn + 1}", early, steps)
    late = mean(effort.late)
    search.begin("late_0", late, search.best.theta, search.best.arrivals)
    search.trust = effort.trust / (len(effort.steps) + 1)
    search.descend("late", late, effort.last)
    # Broyden updates pick up Monte Carlo noise: the last steps and the intervals need new slopes.
    search.take_slopes("slopes_final", mean(effort.slopes))
    search.trust = effort.trust
    search.descend("plain", late, effort.plain, mend=False)
    return replace(search.step(), theta=search.best.theta, arrivals=search.best.arrivals)


def _past(config: RunConfig, plan: FitPlan, last: int) -> RunConfig:
    """The run that a fit is made with: the past without shocks, without an earlier fit, in which
    firms act from the start if they act at all."""
    arrivals = config.arrivals.model_copy(update={"shocks": False, "mode": "conditional"})
    firms = config.firms and config.firms.model_copy(update={"since": plan.start})
    return config.model_copy(
        update={"start": plan.start, "end": month_name(last), "arrivals": arrivals, "threads": 1,
                "firms": firms, "fit": FittedRates(), "figures": False}
    )  # fmt: skip


def _until(data: Data, last: int) -> Data:
    """The tables without the entries that became known after month `last`.

    Stocks are left whole: the opening takes ages and places from the latest ones. What a fit is
    held to is cut by `published_targets`.
    """
    entries = data["entries"]
    known = entries[entries["year"] <= year_of(last - 11)]  # a year is known from its December
    return data.with_tables(entries=known)


def without_firms(config: RunConfig) -> RunConfig:
    """The same, but people come by themselves: what is edited of firms finds nobody to act on."""
    firms = config.firms and config.firms.model_copy(update={"active": False})
    return config.model_copy(update={"firms": firms})


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
