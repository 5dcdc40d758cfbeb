"""Designs, runs and indices, with common random numbers: only the factors differ between runs.

A point is float64[K] in [0, 1], one coordinate for each factor: 0 is its low, 1 its high, even in
the logarithm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig
from sim.data.load import Data
from sim.model.model import Kyosei
from sim.studies.headlines import headlines
from sim.studies.sensitivity.settings import Study

MORRIS_LEVELS: Final = 4

Answers = Callable[[str, np.ndarray], np.ndarray]
"""(name of a batch, points float64[N, K]) -> answers float64[N, outputs], made or read again."""


@dataclass(frozen=True)
class Experiment:
    """What all runs of a study share."""

    study: Study
    config: RunConfig
    data: Data

    @classmethod
    def of(cls, study: Study, config: RunConfig, data: Data) -> Experiment:
        """Shocks of arrivals are off: they would be the same in all runs."""
        arrivals = config.arrivals.model_copy(update={"shocks": False})
        run = config.model_copy(
            update={"start": study.start, "end": study.end, "scale": study.scale,
                    "arrivals": arrivals}
        )  # fmt: skip
        return cls(study, run, data)

    def answer(self, point: np.ndarray) -> np.ndarray:
        """float64[outputs] at the end of the run in which the factors are at this point."""
        edits = dict(self.config.scenario.edits)
        for name, multiply in zip(self.study.factors, self.multipliers(point), strict=True):
            edits[f"vary_{name}"] = Edit(
                paths=self.study.factors[name].paths, since=self.study.start,
                multiply=float(multiply),
            )  # fmt: skip
        scenario = self.config.scenario.model_copy(update={"edits": edits})
        config = self.config.model_copy(update={"scenario": scenario})
        found = headlines(Kyosei(config, self.data).run(), config)
        return np.array([found[name] for name in self.study.outputs])

    def multipliers(self, point: np.ndarray) -> np.ndarray:
        """float64[K] of a point."""
        low, high = self._ends()
        return np.asarray(np.exp(low + np.asarray(point) * (high - low)))

    @property
    def centre(self) -> np.ndarray:
        """The point at which every factor is 1."""
        low, high = self._ends()
        return np.asarray(-low / (high - low))

    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        factors = self.study.factors.values()
        return np.log([f.low for f in factors]), np.log([f.high for f in factors])


def tornado(experiment: Experiment, answers: Answers) -> pd.DataFrame:
    """factor, output, central, low, high: each factor at its ends, the others at 1."""
    k = len(experiment.study.factors)
    points = np.tile(experiment.centre, (2 * k + 1, 1))
    for row in range(k):
        points[1 + 2 * row, row], points[2 + 2 * row, row] = 0.0, 1.0
    said = answers("tornado", points)
    return pd.DataFrame(
        [
            (name, output, said[0, o], said[1 + 2 * row, o], said[2 + 2 * row, o])
            for row, name in enumerate(experiment.study.factors)
            for o, output in enumerate(experiment.study.outputs)
        ],
        columns=["factor", "output", "central", "low", "high"],
    )


def screening(experiment: Experiment, seed: int, answers: Answers) -> pd.DataFrame:
    """factor, output, mu, mu_star, sigma: Morris elementary effects, over the central answer.

    mu_star is the mean absolute effect of a factor over its range; sigma, its spread, says how
    much it depends on the other factors.
    """
    from SALib.analyze import morris as analysis  # slow to import
    from SALib.sample import morris as sampling

    names = list(experiment.study.factors)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    points = sampling.sample(
        problem, experiment.study.trajectories, num_levels=MORRIS_LEVELS, seed=seed
    )
    said = answers("morris", points)
    frames = []
    for o, output in enumerate(experiment.study.outputs):
        found: dict[str, Any] = analysis.analyze(
            problem, points, said[:, o], num_levels=MORRIS_LEVELS, seed=seed
        )
        scale = np.abs(said[:, o]).mean()
        frames.append(
            pd.DataFrame({
                "factor": names, "output": output, "mu": np.asarray(found["mu"]) / scale,
                "mu_star": np.asarray(found["mu_star"]) / scale,
                "sigma": np.asarray(found["sigma"]) / scale,
            })
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def most_important(screened: pd.DataFrame, most: int) -> list[str]:
    """The factors that go on: those with the largest effect on any output, over its largest."""
    largest = screened.groupby("output")["mu_star"].transform("max")
    share = (
        (screened["mu_star"] / largest.where(largest > 0, 1.0)).groupby(screened["factor"]).max()
    )
    order = share.sort_values(ascending=False, kind="stable").index[:most]
    return [name for name in dict.fromkeys(screened["factor"]) if name in set(order)]


def indices(experiment: Experiment, names: list[str], seed: int, answers: Answers) -> pd.DataFrame:
    """factor, output, first, first_conf, total, total_conf: Sobol indices of these factors.

    The others stay at 1. conf: half of a 95 % interval.
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    part = sampling.sample(problem, experiment.study.sobol, calc_second_order=False, seed=seed)
    points = np.tile(experiment.centre, (len(part), 1))
    points[:, [list(experiment.study.factors).index(name) for name in names]] = part
    said = answers("sobol", points)
    frames = []
    for o, output in enumerate(experiment.study.outputs):
        # SALib takes a seed of 0 for none, and the intervals then differ from time to time.
        found = analysis.analyze(problem, said[:, o], calc_second_order=False, seed=seed + 1)
        frames.append(
            pd.DataFrame({"factor": names, "output": output, "first": found["S1"],
                          "first_conf": found["S1_conf"], "total": found["ST"],
                          "total_conf": found["ST_conf"]})
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)
