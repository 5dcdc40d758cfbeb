"""Effects as paired differences, with intervals.

Every replicate has the same luck in each arm, so the effect of an arm is the mean over replicates
of its difference from the baseline, and what varies is that difference alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from sim.studies.comparison.series import KEY

QUANTILES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Arms:
    """Series of all arms on the same rows.

    names   of the arms, the baseline first
    index   MultiIndex of N rows: month, indicator, by, group
    values  float64[A, R, N]: arm, replicate, row; NaN where an arm does not have the row
    """

    names: list[str]
    index: pd.MultiIndex
    values: np.ndarray

    @property
    def baseline(self) -> str:
        return self.names[0]

    def of(self, name: str) -> np.ndarray:
        """float64[R, N] of one arm."""
        return self.values[self.names.index(name)]

    def rows(self, kept: np.ndarray) -> Arms:
        """The same arms on some rows (bool[N])."""
        return Arms(self.names, self.index[kept], self.values[:, :, kept])


class Estimate(NamedTuple):
    """mean, standard error and interval, each float64[N]."""

    mean: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray


def arms_of(series: Mapping[str, Sequence[pd.DataFrame]]) -> Arms:
    """Arms from the tables of their runs: arm -> one table for each replicate, in order."""
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
    return Arms(list(series), index.set_names(list(KEY)), np.array(values))


def estimate(replicates: np.ndarray, confidence: float) -> Estimate:
    """Mean over replicates (axis 0 of float64[R, N]) with Student's interval of R - 1 degrees."""
    count = replicates.shape[0]
    mean = replicates.mean(axis=0)
    same = (replicates == replicates[0]).all(axis=0)  # a mean of equal floats may be off by a bit
    mean = np.where(same, replicates[0], mean)
    se = np.where(same, 0.0, replicates.std(axis=0, ddof=1) / np.sqrt(count))
    half = float(stdtrit(count - 1, 0.5 + confidence / 2)) * se
    return Estimate(mean, se, mean - half, mean + half)


def effects_table(arms: Arms, named: Sequence[pd.Timestamp], confidence: float) -> pd.DataFrame:
    """All arms but the baseline against it.

    month, year, named (whether the month is one of those asked for), indicator, by, group, arm,
    baseline_value, value, effect, se, low, high, replicates; rows that an arm does not have are
    left out.
    """
    parts = []
    base = arms.of(arms.baseline)
    for name in arms.names[1:]:
        own = arms.of(name)
        effect = estimate(own - base, confidence)
        part = _keys(arms, named)
        part["arm"] = name
        part["baseline_value"], part["value"] = base.mean(axis=0), own.mean(axis=0)
        part["effect"], part["se"], part["low"], part["high"] = effect
        part["replicates"] = np.int16(own.shape[0])
        parts.append(part[~np.isnan(effect.mean)])
    return _joined(parts)


def values_table(arms: Arms, named: Sequence[pd.Timestamp], confidence: float) -> pd.DataFrame:
    """Each arm by itself: keys as above, arm, mean, low and high of the mean, and over replicates
    lowest, q10, median, q90, highest."""
    parts = []
    for name in arms.names:
        own = arms.of(name)
        mean = estimate(own, confidence)
        part = _keys(arms, named)
        part["arm"], part["mean"] = name, mean.mean
        part["low"], part["high"] = mean.low, mean.high
        part["lowest"], part["highest"] = own.min(axis=0), own.max(axis=0)
        part["q10"], part["median"], part["q90"] = np.quantile(own, QUANTILES, axis=0)
        parts.append(part[~np.isnan(mean.mean)])
    return _joined(parts)


def pairing_table(arms: Arms, named: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """How many times fewer runs paired luck needs: the variance of the difference of unpaired runs
    (the sum of both arms' variances) over that of paired ones.

    keys, arm, sd_paired, sd_unpaired, ratio; only rows whose paired difference varies.
    """
    parts = []
    base = arms.of(arms.baseline)
    for name in arms.names[1:]:
        own = arms.of(name)
        paired = (own - base).var(axis=0, ddof=1)
        unpaired = own.var(axis=0, ddof=1) + base.var(axis=0, ddof=1)
        part = _keys(arms, named)
        part["arm"] = name
        part["sd_paired"], part["sd_unpaired"] = np.sqrt(paired), np.sqrt(unpaired)
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
