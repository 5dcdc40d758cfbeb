"""Model error: what own hindcasts were wrong by beyond what the members vary by.

Hindcasts were wrong by a standard deviation e(h) of the logarithm, h months ahead
(`earned` in configs/projection). Members vary by v(h). Where e is larger, each member's people are
multiplied by exp(z a(h)) with a(h)^2 = e(h)^2 - v(h)^2, never falling with h, and kept after the
last month of which hindcasts say something. z is a standard normal number of the member: one for
all people, so that all statuses are too high or too low together, and then one for each status,
origin and prefecture, whose own intervals are topped up in the same way. Shares and flows are left
as they are. So an interval up to that month is not narrower than hindcasts earned, and beyond it
the error is not said to shrink.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.studies.draws import ERROR, normal

EVERYBODY = "everybody"


def earned_sd(by_months: Mapping[int, float], ahead: np.ndarray) -> np.ndarray:
    """float64[T]: e(h) so many months ahead (int[T]); between the given months the variance is
    straight, from 0 at the beginning. NaN after the last one, of which nothing is known."""
    known = [0, *sorted(by_months)]
    variance = [0.0, *(by_months[h] ** 2 for h in known[1:])]
    return np.sqrt(np.interp(ahead, known, variance, right=np.nan))


def added_sd(logs: np.ndarray, earned: np.ndarray) -> np.ndarray:
    """float64[T]: a(h) of logarithms float64[M, T] of members, beside earned float64[T] as
    `earned_sd` gives it."""
    if logs.shape[0] < 2:
        return np.zeros(logs.shape[1])
    lacking = np.where(np.isnan(earned), 0.0, earned**2 - logs.var(axis=0, ddof=1))
    return np.sqrt(np.maximum.accumulate(np.maximum(lacking, 0.0)))


def factors(seed: int, members: Sequence[int], name: str, added: np.ndarray) -> np.ndarray:
    """float64[M, T]: what multiplies the people of each member."""
    z = np.array([normal(seed, member, ERROR, name) for member in members])
    return np.exp(z[:, None] * added[None, :])
