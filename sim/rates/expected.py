"""The exact mean and covariance of the model for people who are all alike, in matrix form.

It reads the tables that the kernels read and evaluates every multiplier for one given person, so
it holds for monthly fates of people whom no permit and no passing of time sets apart. Used to
verify the kernels and as the expectation in fitting.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.config.factors import AGES, FACTORS, N_FACTORS
from sim.core.probability import MONTHS_PER_YEAR, competing
from sim.rates.kinds import KINDS
from sim.rates.tables import MONTHLY, Rates

EXITS: Final = ("left", "died", "naturalised")
"""Where people go who leave the population; in the order of kinds 1, 2 and 3."""


def person(**codes: int) -> np.ndarray:
    """int32[N_FACTORS]: factor codes of somebody, by name of factor.

    What is not given is that of the reference person: first origin and stage, female, aged 30,
    just come, a permit of 12 months, no Japanese, no arrears, January, the first municipality.
    KeyError if a factor does not exist.
    """
    out = np.zeros(N_FACTORS, np.int32)
    sex, age = codes.get("sex", 0), codes.get("age", 30)
    known = {"age": age, "age_sex": sex * AGES + age, "permit_months": 12, "calendar_month": 1}
    for name, code in {**known, **codes}.items():
        out[FACTORS[name]] = code
    return out


def values(rates: Rates, base: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """float64[F + G]: rate per year, share or chance of a grant of each row, for this person."""
    t, out = rates.fates, base.astype(np.float64)
    for row in range(out.size):
        for k in range(t.mult_first[row], t.mult_first[row + 1]):
            out[row] *= t.values[t.mult_offset[k] + codes[t.mult_factor[k]]]
    return out


def rows_of(rates: Rates, occasion: int, status: int) -> slice:
    """Rows of the fates of one status on one occasion (a row of OCCASIONS)."""
    lst = occasion * len(rates.codes.statuses) + status
    return slice(int(rates.fates.first[lst]), int(rates.fates.first[lst + 1]))


def granted(rates: Rates, worth: np.ndarray) -> np.ndarray:
    """float64[F]: chance that the authority lets each fate happen; 1 where nobody decides."""
    decision = rates.fates.decision
    return np.where(decision >= 0, np.clip(worth[decision], 0.0, 1.0), 1.0)


def monthly(rates: Rates, base: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """float64[F]: probability that somebody in the status of a monthly fate meets it in a month.

    `base` is float64[F + G] as in force. Competing risks, then the authority's decision; rows of
    other occasions are 0.
    """
    worth = values(rates, base, codes)
    out = np.zeros(rates.kinds)
    for s in range(len(rates.codes.statuses)):
        rows = rows_of(rates, MONTHLY, s)
        out[rows] = competing(worth[rows].tolist())
    return out * granted(rates, worth)


def outcomes(rates: Rates, base: np.ndarray, occasion: int, codes: np.ndarray) -> np.ndarray:
    """float64[F]: probability of each outcome of one occasion, such as the end of a permit.

    Shares are laid end to end and cut at 1; what they leave over is not a row.
    """
    worth = values(rates, base, codes)
    out = np.zeros(rates.kinds)
    for s in range(len(rates.codes.statuses)):
        rows = rows_of(rates, occasion, s)
        reached = np.minimum(np.cumsum(worth[rows]), 1.0)
        out[rows] = np.diff(reached, prepend=0.0)
    return out * granted(rates, worth)


def matrix(rates: Rates, base: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """float64[S + 3, S + 3]: monthly transitions between statuses and to EXITS; rows sum to 1."""
    n, t = len(rates.codes.statuses), rates.fates
    out = np.zeros((n + len(EXITS), n + len(EXITS)))
    for f, p in enumerate(monthly(rates, base, codes)):
        if p > 0.0 and t.kind[f] <= KINDS["switch"]:
            to = t.to[f] if t.kind[f] == KINDS["switch"] else n + t.kind[f] - 1
            out[rates.codes.statuses.index(rates.names[f].status), to] += p
    out[np.diag_indices_from(out)] += 1.0 - out.sum(axis=1)
    return out


def generator(rates: Rates, base: np.ndarray, status: int, codes: np.ndarray) -> np.ndarray:
    """float64[1 + K, 1 + K]: hazards per month from a status (row 0) into its K monthly fates.

    Each fate absorbs, so row 0 of its matrix exponential holds the competing probabilities.
    """
    hazards = values(rates, base, codes)[rows_of(rates, MONTHLY, status)] / MONTHS_PER_YEAR
    out = np.zeros((1 + hazards.size, 1 + hazards.size))
    out[0, 1:], out[0, 0] = hazards, -hazards.sum()
    return out


def moments(
    start: np.ndarray, step: np.ndarray, months: int, arrivals: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(mean float64[N], covariance float64[N, N]) of the numbers in each state after `months`.

    start     float64[N]     people in each state at the beginning
    step      float64[N, N]  monthly transitions, rows sum to 1
    arrivals  float64[N]     expected newcomers of each month (Poisson), after its transitions

    People are independent, so those of one beginning are multinomial over its row of the power,
    and newcomers stay Poisson, each state by itself, however they move on.
    """
    power = np.linalg.matrix_power(step, months)
    mean = start @ power
    covariance = np.diag(mean) - power.T @ (start[:, None] * power)
    if arrivals is not None:
        came = arrivals.astype(np.float64)
        for _ in range(months):
            mean, covariance = mean + came, covariance + np.diag(came)
            came = came @ step
    return mean, covariance


def flows(
    rates: Rates, base: np.ndarray, codes: np.ndarray, start: np.ndarray, months: int
) -> np.ndarray:
    """float64[F]: expected people who meet each monthly fate within `months`.

    start is float64[S], the people of each status at the beginning.
    """
    step, chance = matrix(rates, base, codes), monthly(rates, base, codes)
    n = len(rates.codes.statuses)
    stock = np.concatenate([start, np.zeros(len(EXITS))])
    exposed = np.zeros(n)
    for _ in range(months):
        exposed += stock[:n]
        stock = stock @ step
    return chance * exposed[[rates.codes.statuses.index(name.status) for name in rates.names]]
