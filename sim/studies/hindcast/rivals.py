"""Four naive forecasts, fixed before any score was looked at, each with a spread of its own.

Each sees the series that were known at an origin. Its spread at a horizon comes from its own
earlier errors at that horizon, as far as they were known at the origin; no value falls below 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from sim.core.clock import HALF_YEAR

TREND_MONTHS: Final = 24
"""The event-aware trend looks at so many months in which the border was open."""

ENOUGH_PEOPLE: Final = 1000.0
"""Errors count as a share of the people at the origin, and of at least so many."""

Open = Callable[[int], bool]
"""Whether the border is open in a month."""

Rule = Callable[[np.ndarray, np.ndarray, int, Open], "np.ndarray | None"]
"""(months int[T], people float64[T, C], month asked for, open) -> float64[C]; None: too little is
known. The last of the months is the origin."""


@dataclass(frozen=True)
class Spread:
    """A normal forecast: middle and standard deviation, float64[C] people each."""

    middle: np.ndarray
    sd: np.ndarray


def last_value(
    months: np.ndarray, people: np.ndarray, month: int, is_open: Open
) -> np.ndarray | None:
    """Nothing changes."""
    return people[-1].copy() if len(months) else None


def linear(
    months: np.ndarray, people: np.ndarray, month: int, is_open: Open, years: int
) -> np.ndarray | None:
    """The change of the last years goes on."""
    before = np.flatnonzero(months == months[-1] - 12 * years)
    if not before.size:
        return None
    slope = (people[-1] - people[before[0]]) / (12 * years)
    return np.maximum(people[-1] + slope * (month - months[-1]), 0.0)


def _open_months(is_open: Open, months: range) -> int:
    return len([month for month in months if is_open(month)])


def event_aware(
    months: np.ndarray, people: np.ndarray, month: int, is_open: Open
) -> np.ndarray | None:
    """The slope of the last four half-years in which the border was open goes on, and nothing
    changes while it is closed. A half-year is open if most of its months are."""
    change, length = np.zeros(people.shape[1]), 0
    for k in range(len(months) - 1, 0, -1):
        span = range(int(months[k - 1]) + 1, int(months[k]) + 1)
        if 2 * _open_months(is_open, span) > len(span):
            change += people[k] - people[k - 1]
            length += len(span)
        if length >= TREND_MONTHS:
            break
    if not length:
        return None
    ahead = _open_months(is_open, range(int(months[-1]) + 1, month + 1))
    return np.maximum(people[-1] + change / length * ahead, 0.0)


RIVALS: Final[dict[str, Rule]] = {
    "last": last_value,
    "linear_2y": partial(linear, years=2),
    "linear_1y": partial(linear, years=1),
    "event_aware": event_aware,
}


def forecast(past: pd.DataFrame, rule: Rule, month: int, is_open: Open, looks: float) -> Spread:
    """What a rival says at the end of a series about a later month.

    past   months (int) x codes, nothing of it later than the origin
    looks  errors of all codes together weigh, for each, like so many of its own
    """
    months, people = past.index.to_numpy(), past.to_numpy(float)
    middle = rule(months, people, month, is_open)
    if middle is None:  # too little is known for a trend
        middle = people[-1].copy()
    ahead = int(month - months[-1])
    level = np.maximum(people[-1], ENOUGH_PEOPLE)
    return Spread(middle, np.maximum(_sd(months, people, rule, ahead, is_open, looks) * level, 1.0))


def _sd(
    months: np.ndarray, people: np.ndarray, rule: Rule, ahead: int, is_open: Open, looks: float
) -> np.ndarray:
    """float64[C]: root mean square of the rival's earlier errors at this horizon, as a share.

    Where none is known yet, those at the longest horizon that has some grow in proportion to time;
    and a rival that has none at all takes those of the last value.
    """
    for other in (rule, last_value):
        for shorter in range(ahead, 0, -HALF_YEAR):
            errors = earlier_errors(months, people, other, shorter, is_open)
            if len(errors):
                own = (errors**2).mean(axis=0)
                common = float(np.median(own))
                n = len(errors)
                return np.sqrt((looks * common + n * own) / (looks + n)) * (ahead / shorter)
    return np.full(people.shape[1], 0.1 * ahead / 12)


def earlier_errors(
    months: np.ndarray, people: np.ndarray, rule: Rule, ahead: int, is_open: Open
) -> np.ndarray:
    """float64[E, C]: earlier errors of a rival, so many months ahead, as shares of the people."""
    rows = {int(month): row for row, month in enumerate(months)}
    out = []
    for row, month in enumerate(months):
        then = rows.get(int(month) + ahead)
        if then is None:
            continue
        said = rule(months[: row + 1], people[: row + 1], int(month) + ahead, is_open)
        if said is not None:
            out.append((people[then] - said) / np.maximum(people[row], ENOUGH_PEOPLE))
    return np.array(out).reshape(len(out), people.shape[1])
