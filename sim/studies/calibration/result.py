"""A finished fit: rates, intervals, arrivals and draws, in the forms that a run takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.config.fit_draws import Factor, drawn, normals, rounded
from sim.config.schema.base import Z_80
from sim.config.schema.policy import FittedEdit, FittedRates, Prior
from sim.config.schema.run import RunConfig
from sim.core.clock import HALF_YEAR, month_name
from sim.data.load import Data
from sim.studies.calibration.entries import estimated_arrivals
from sim.studies.calibration.mean import with_fit
from sim.studies.calibration.plan import Knob
from sim.studies.calibration.targets import Targets

MOVED: Final = 0.95
"""A rate counts as moved by data if its sd is below this share of its prior's."""

MOST_DATA: Final = 3

YEARS_OF_LEVEL: Final = 2

LEVEL_SD: Final = 0.1
"""Standard deviation of the level that follows around the last years' mean (logarithm; assumed)."""


@dataclass(frozen=True)
class Errors:
    """Weighted absolute error over statuses: sum of absolute errors over the total, by half-year.

    months int64[H]; share float64[H]
    """

    months: np.ndarray
    share: np.ndarray

    @property
    def text(self) -> str:
        worst = int(self.share.argmax())
        return (
            f"weighted error {self.share.mean():.2%} on average, at worst {self.share[worst]:.2%}"
            f" ({month_name(int(self.months[worst]))}), {self.share[-1]:.2%} at the end"
        )


def errors(of: Targets, said: np.ndarray) -> Errors:
    """Errors of the published stocks by status; said float64[N] is what the model says."""
    rows = np.array(of.by_status)
    months, at = np.unique(of.month[rows], return_inverse=True)
    wrong = np.bincount(at, np.abs(said - of.value)[rows])
    return Errors(months, wrong / np.bincount(at, of.value[rows]))


@dataclass(frozen=True)
class Fit:
    """Estimates of K knobs, and arrivals of H half-years by S statuses.

    theta       float64[K] logarithms of the multipliers; covariance float64[K, K] (Laplace)
    arrivals    float64[H, S] of the run; known bool[H, S] cells of years with published entries
    came        float64[H, S] people who come in it: of those whom firms recruit, arrivals say only
                in which statuses and how easily
    said        float64[N] what the model says about the N targets
    weight      float64[N, K] slopes in standard deviations of the data
    level       status -> (persons a year, sd of the logarithm) of future arrivals
    """

    name: str
    start: int
    until: int
    knobs: list[Knob]
    theta: np.ndarray
    covariance: np.ndarray
    ends: np.ndarray
    statuses: list[str]
    arrivals: np.ndarray
    came: np.ndarray
    known: np.ndarray
    targets: Targets
    said: np.ndarray
    weight: np.ndarray
    level: dict[str, tuple[float, float]]

    @property
    def sd(self) -> np.ndarray:
        """float64[K]: standard deviations of the logarithms."""
        return np.sqrt(np.diag(self.covariance))

    def draw(self, k: int) -> np.ndarray:
        """float64[K]: logarithms of the k-th draw of the fit's uncertainty; 0 is the centre."""
        if k == 0:
            return self.theta
        return self.theta + np.linalg.cholesky(self.covariance) @ normals(self.names, k)

    @property
    def names(self) -> list[str]:
        return [knob.name for knob in self.knobs]

    def levels(self) -> dict[str, tuple[float, float]]:
        """Status -> (multiplier of its channel's level, sd of its logarithm).

        The mean of the last two fitted years and the level believed, each by its certainty.
        """
        out = {}
        last = self.came[-YEARS_OF_LEVEL * 12 // HALF_YEAR :].sum(axis=0) / YEARS_OF_LEVEL
        for name, (level, sd) in self.level.items():
            mean = last[self.statuses.index(name)]
            if mean > 0:
                prior, data = 1 / sd**2, 1 / LEVEL_SD**2
                middle = math.log(mean / level) * data / (prior + data)
                out[name] = (math.exp(middle), (prior + data) ** -0.5)
        return out

    @property
    def factor(self) -> Factor:
        """Of the covariance of all edits; levels of arrivals are independent of the rest."""
        levels = self.levels()
        names = [*self.names, *(f"entries_{name}" for name in levels)]
        root = np.zeros((len(names), len(names)))
        k = len(self.knobs)
        root[:k, :k] = np.linalg.cholesky(self.covariance)
        root[range(k, len(names)), range(k, len(names))] = [sd for _, sd in levels.values()]
        return names, root

    def section(self, draw: int = 0) -> FittedRates:
        """The section `fit` of a configuration. Multipliers of events are of the event's size."""
        edits = {knob.name: self._rate(k) for k, knob in enumerate(self.knobs)}
        for name, (multiply, sd) in self.levels().items():
            edits[f"entries_{name}"] = self._edit(
                math.log(multiply), sd, Prior(median=1.0, sd=rounded(self.level[name][1])),
                paths=[f"arrivals.{name}"], since=month_name(self.until + 1), moved_by=["arrivals"],
                note="Mean of the last two fitted years, weighed with the channel's own range.",
            )  # fmt: skip
        central = FittedRates(
            name=self.name, country=self.name, data_from=month_name(self.start),
            data_until=month_name(self.until), edits=edits,
        )  # fmt: skip
        return drawn(central, self.factor, draw)

    def _rate(self, k: int) -> FittedEdit:
        knob, follows = self.knobs[k], self.knobs[k].follows
        median = 1.0 if follows < 0 else rounded(math.exp(self.theta[follows]))
        return self._edit(
            float(self.theta[k]), float(self.sd[k]), Prior(median=median, sd=rounded(knob.sd)),
            paths=knob.edit.paths, since=knob.edit.since, until=knob.edit.until,
            moved_by=self._moved_by(k), note=knob.reason,
        )  # fmt: skip

    def _edit(self, log: float, sd: float, prior: Prior, **rest: Any) -> FittedEdit:
        low, high = math.exp(log - Z_80 * sd), math.exp(log + Z_80 * sd)
        return FittedEdit(
            quality="fitted", source="calibration", multiply=rounded(math.exp(log)),
            low=rounded(low), high=rounded(high), prior=prior, **rest,
        )  # fmt: skip

    def config(self, config: RunConfig, draw: int = 0) -> RunConfig:
        """The same configuration with this fit."""
        return with_fit(config, self.section(draw))

    def data(self, data: Data) -> Data:
        """The same data with the fitted arrivals."""
        return data.with_tables(arrivals=self.table())

    def table(self) -> pd.DataFrame:
        """The table `arrivals`: date, status, people, quality, source; without empty rows."""
        return estimated_arrivals(self.arrivals, self.ends, self.statuses, self.known)

    def _moved_by(self, k: int) -> list[str]:
        """Names of the data that said most about a knob; none if its prior says it all."""
        if self.sd[k] > MOVED * self.knobs[k].sd:
            return []
        said: dict[str, float] = {}
        for name, weight in zip(self.targets.name, self.weight[:, k] ** 2, strict=True):
            said[name] = said.get(name, 0.0) + float(weight)
        order = sorted(said, key=lambda name: -said[name])
        return [name for name in order[:MOST_DATA] if said[name] > 0.1 * math.fsum(said.values())]
