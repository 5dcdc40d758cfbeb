"""Where internal moves go: what places drew in the year observed, and how that leans since."""

from __future__ import annotations

from typing import Final

import numpy as np

LARGEST: Final = float(2**31)
"""Sum of an origin's weights: a destination is drawn with 32 bits."""


def pull(
    base: np.ndarray,
    people: np.ndarray,
    support: np.ndarray,
    jobs: np.ndarray,
    tilt: np.ndarray,
    exponents: tuple[float, float, float],
    few: float,
) -> np.ndarray:
    """int64[O, M + 1]: cumulated weights of destinations by origin.

    base       int64[M + 1]: cumulated in-moves of the year observed
    people     int64[O, M]: residents by origin, weighted
    support    uint8[M]: level of support, 0 to 3
    jobs       float64[M]: jobs on offer relative to the country's, 1 = as usual
    tilt       float64[M]: what policy multiplies weights by, 1 = nothing
    exponents  of co-nationals, support and jobs; with all at 0, and no tilt, all have `base`
    few        people with the country's mixture of origins that are added to each place

    weight = in-moves x (share of the origin among residents, relative to the country)^a
             x (1 + level)^b x jobs^c x tilt
    """
    origins = people.shape[0]
    if not any(exponents) and (tilt == 1.0).all():
        return np.tile(base, (origins, 1))
    kin, support_power, jobs_power = exponents
    moves = np.diff(base).astype(np.float64)
    place = people.sum(axis=0).astype(np.float64)
    mixture = people.sum(axis=1) / max(float(place.sum()), 1.0)
    expected = mixture[:, None] * (place + few)[None, :]
    among = (people + few * mixture[:, None]) / np.maximum(expected, 1e-9)
    lean = tilt * (1.0 + support) ** support_power * np.maximum(jobs, 0.0) ** jobs_power
    weight = (moves * lean)[None, :] * np.where(mixture[:, None] > 0, among, 1.0) ** kin
    weight *= LARGEST / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    whole = np.maximum(np.rint(weight), 1.0).astype(np.int64)  # nowhere is quite closed
    out = np.zeros((origins, base.size), np.int64)
    np.cumsum(whole, axis=1, out=out[:, 1:])
    return out


def jobs_index(vacancies: np.ndarray, residents: np.ndarray, few: float) -> np.ndarray:
    """float64[M]: vacancies a resident relative to the country's, 1 = as usual.

    vacancies, residents: float64[M], weighted; `few` residents with the country's rate are added
    to each place. All 1 where nobody looks for anybody.
    """
    usual = float(vacancies.sum()) / max(float(residents.sum()), 1.0)
    if usual <= 0.0:
        return np.ones(residents.size)
    return np.asarray((vacancies + few * usual) / ((residents + few) * usual))
