"""Scores of forecasts against what was observed: errors, CRPS, intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd


def weighted_error(said: pd.Series, observed: pd.Series) -> float:
    """Sum of absolute errors over the observed total."""
    return float((said.reindex(observed.index).fillna(0.0) - observed).abs().sum() / observed.sum())


def crps(observed: np.ndarray, members: np.ndarray) -> np.ndarray:
    """float64[N]: continuous ranked probability score, in people.

    observed float64[N]; members float64[N, K]. One member scores its absolute error. The fair form
    does not reward or punish the number of members.
    """
    apart = np.abs(members - observed[:, None]).mean(axis=1)
    k = members.shape[1]
    if k == 1:
        return apart
    ordered = np.sort(members, axis=1)
    weight = 2 * np.arange(k) - (k - 1)  # the sum of |x_i - x_j| over pairs, from the order
    return apart - (ordered * weight).sum(axis=1) / (k * (k - 1))


def central_interval(members: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Central interval of the members, [N, K] -> two of [N].

    The observation is one more draw if the members are right: it lies below the k-th of K with
    probability k / (K + 1). Intervals that end between the first and the last member as if they
    were the whole distribution hold too little: of 20 members 72 % where 80 % are meant.
    """
    tail = 50 * (1 - level)
    low, high = np.percentile(members, [tail, 100 - tail], axis=1, method="weibull")
    return low, high


def covered(observed: np.ndarray, members: np.ndarray, level: float) -> float:
    """Coverage of the central interval, as a share of cells; those always 0 do not count."""
    real = (observed > 0) | (members.max(axis=1) > 0)
    low, high = central_interval(members[real], level)
    return float(np.mean((low <= observed[real]) & (observed[real] <= high)))
