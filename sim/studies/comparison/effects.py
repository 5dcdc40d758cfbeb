"""Effects as paired differences, with intervals.

Replicates of all arms share their random numbers and, unless nothing else is drawn, their rates,
demand, supply and responses. So the effect of an arm is the mean over replicates of its difference
from the baseline, and what varies is that difference alone. It has two intervals:

- The outer one holds the effect of one more replicate: where an effect would lie, as far as the
  draws say. It is made of quantiles as if what comes were one more replicate (Weibull's), which
  holds for any distribution, where there are replicates enough for its level (9 for 80 %, 39 for
  95 %); with fewer it is Student's interval of a prediction.
- The inner one holds what the mean would be without random numbers. Some draws are run once more
  with other random numbers: the variance of an effect by random numbers is half the mean square of
  the difference of such two, with as many degrees of freedom as there are pairs. (One of the two
  is in the mean, so with few replicates it holds a little more often than it says: 82 % for 80 % at
  five replicates, three of them made again.)

If nothing but random numbers is drawn the two are one, Student's confidence interval of the mean.
From fewer than three replicates there is no interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from sim.figures.look import FEWEST
from sim.studies.comparison.series import KEY

QUANTILES: Final = (0.1, 0.5, 0.9)

WEIBULL: Final = "weibull"


class Design(NamedTuple):
    """What replicates are, and the level of the intervals made of them.

    drawn  whether they draw more than random numbers
    again  so many of their draws follow once more, the first ones, with other random numbers
    """

    confidence: float
    drawn: bool = False
    again: int = 0


@dataclass(frozen=True)
class Arms:
    """Series of all arms on the same rows.

    names   of the arms, the baseline first
    index   MultiIndex of N rows: month, indicator, by, group
    values  float64[A, R + again, N]: arm, replicate, row; NaN where an arm does not have the row
    design  of the replicates
    """

    names: list[str]
    index: pd.MultiIndex
    values: np.ndarray
    design: Design

    @property
    def baseline(self) -> str:
        return self.names[0]

    @property
    def replicates(self) -> int:
        """R: those that are not draws made again."""
        return self.values.shape[1] - self.design.again

    def of(self, name: str) -> np.ndarray:
        """float64[R + again, N] of one arm."""
        return self.values[self.names.index(name)]

    def rows(self, kept: np.ndarray) -> Arms:
        """The same arms on some rows (bool[N])."""
        return replace(self, index=self.index[kept], values=self.values[:, :, kept])

    def first(self, count: int) -> Arms:
        """The first arms alone."""
        return replace(self, names=self.names[:count], values=self.values[:count])


class Estimate(NamedTuple):
    """mean, its standard error, outer and inner interval, each float64[N]; NaN for no interval."""

    mean: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    random_low: np.ndarray
    random_high: np.ndarray


def arms_of(series: Mapping[str, Sequence[pd.DataFrame]], design: Design) -> Arms:
    """Arms from the tables of their runs: arm -> one table for each replicate, in order, and then
    those of the draws made again."""
    columns = {
        name: [table.set_index(list(KEY))["value"] for table in tables]
        for name, tables in series.items()
    }
    index = next(iter(columns.values()))[0].index
    for runs in columns.values():
        for run in runs:
            if not run.index.equals(index):
                index = index.union(run.index, sort=True)
    assert isinstance(index, pd.MultiIndex)
    values = [[run.reindex(index).to_numpy(float) for run in runs] for runs in columns.values()]
    return Arms(list(series), index.set_names(list(KEY)), np.array(values), design)


def estimate(values: np.ndarray, design: Design) -> Estimate:
    """Mean over replicates and its intervals, of float64[R + again, N]."""
    count = len(values) - design.again
    own = values[:count]
    same = (values == values[0]).all(axis=0)  # a mean of equal floats may be off by a bit
    mean = np.where(same, values[0], own.mean(axis=0))
    sd = np.where(same, 0.0, own.std(axis=0, ddof=1)) if count > 1 else np.full_like(mean, np.nan)
    se = sd / np.sqrt(count)
    none = np.full_like(mean, np.nan)
    if count < FEWEST:
        return Estimate(mean, se, none, none, none, none)
    if not design.drawn:
        half = _student(count - 1, design) * se
        return Estimate(mean, se, *(mean - half, mean + half) * 2)
    low, high = _predicted(own, mean, sd, design)
    if design.again < FEWEST:
        return Estimate(mean, se, low, high, none, none)
    half = _student(design.again, design) * random_sd(values, design) / np.sqrt(count)
    return Estimate(mean, se, low, high, mean - half, mean + half)


def _student(degrees: int, design: Design) -> float:
    return float(stdtrit(degrees, 0.5 + design.confidence / 2))


def _predicted(
    own: np.ndarray, mean: np.ndarray, sd: np.ndarray, design: Design
) -> tuple[np.ndarray, np.ndarray]:
    """The interval of one more replicate."""
    tail = (1 - design.confidence) / 2
    if tail * (len(own) + 1) > 1 - 1e-9:
        low, high = np.quantile(own, (tail, 1 - tail), axis=0, method=WEIBULL)
        return low, high
    half = _student(len(own) - 1, design) * sd * np.sqrt(1 + 1 / len(own))
    return mean - half, mean + half


def random_sd(values: np.ndarray, design: Design) -> np.ndarray:
    """float64[N]: standard deviation of one replicate, float64[R + again, N], by random numbers
    alone."""
    count = len(values) - design.again
    apart = values[: design.again] - values[count:]
    return np.asarray(np.sqrt((apart**2).mean(axis=0) / 2))


def effects_table(arms: Arms, named: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """All arms but the baseline against it.

    month, year, named (whether the month is one of those asked for), indicator, by, group, arm,
    baseline_value, value, effect, se, low, high, random_low, random_high, replicates; rows
    that an arm does not have are left out.
    """
    parts = []
    base, count = arms.of(arms.baseline), arms.replicates
    for name in arms.names[1:]:
        own = arms.of(name)
        part = _keys(arms, named)
        part["arm"] = name
        part["baseline_value"] = base[:count].mean(axis=0)
        part["value"] = own[:count].mean(axis=0)
        parts.append(with_effect(part, own - base, arms.design))
    return _joined(parts)


def with_effect(keys: pd.DataFrame, paired: np.ndarray, design: Design) -> pd.DataFrame:
    """Keys of N rows with effect, se, both intervals and the number of replicates, of paired
    differences float64[R + again, N]; without the rows of which there are none."""
    effect = estimate(paired, design)
    columns = ["effect", "se", "low", "high", "random_low", "random_high"]
    out = keys.assign(**dict(zip(columns, effect, strict=True)))
    out["replicates"] = np.int16(len(paired) - design.again)
    return out[~np.isnan(effect.mean)]


def values_table(arms: Arms, named: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Each arm by itself: keys as above, arm, mean, low and high as of effects, and over replicates
    lowest, q10, median, q90, highest."""
    parts = []
    for name in arms.names:
        mean = estimate(arms.of(name), arms.design)
        own = arms.of(name)[: arms.replicates]
        part = _keys(arms, named)
        part["arm"], part["mean"] = name, mean.mean
        part["low"], part["high"] = mean.low, mean.high
        part["lowest"], part["highest"] = own.min(axis=0), own.max(axis=0)
        middle = np.quantile(own, QUANTILES, axis=0, method=WEIBULL)
        part["q10"], part["median"], part["q90"] = middle
        parts.append(part[~np.isnan(mean.mean)])
    return _joined(parts)


def pairing_table(arms: Arms, named: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """How many times fewer runs paired replicates need: the variance of the difference of unpaired
    runs (the sum of both arms' variances) over that of paired ones.

    keys, arm, sd_paired, sd_random (of it by random numbers alone), sd_unpaired, ratio; only rows
    whose paired difference varies.
    """
    parts = []
    base, count, design = arms.of(arms.baseline), arms.replicates, arms.design
    for name in arms.names[1:]:
        own = arms.of(name)
        paired = (own - base)[:count].var(axis=0, ddof=1)
        unpaired = own[:count].var(axis=0, ddof=1) + base[:count].var(axis=0, ddof=1)
        part = _keys(arms, named)
        part["arm"], part["sd_paired"] = name, np.sqrt(paired)
        part["sd_random"] = random_sd(own - base, design) if design.drawn else part["sd_paired"]
        part["sd_unpaired"] = np.sqrt(unpaired)
        varies = paired > 0
        part = part[varies]
        part["ratio"] = unpaired[varies] / paired[varies]
        parts.append(part)
    return _joined(parts)


def _keys(arms: Arms, named: Sequence[pd.Timestamp]) -> pd.DataFrame:
    frame = arms.index.to_frame(index=False)
    month = pd.DatetimeIndex(frame["month"])
    frame.insert(1, "year", month.year.astype(np.int16))
    frame.insert(2, "named", month.isin(named))
    return frame


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)
