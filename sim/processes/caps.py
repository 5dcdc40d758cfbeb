"""Caps on arrivals: how many may come when policy sets an upper limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sim.policies.edits import Cap

YEAR = 12


def capped(
    people: np.ndarray,
    caps: Iterable[Cap],
    stock: np.ndarray,
    came: Sequence[np.ndarray],
    scale: float,
) -> np.ndarray:
    """float64[S]: expected arrivals of the month, cut in proportion where a cap leaves less room.

    people  float64[S]: expected, simulated people
    stock   int64[S]: simulated residents; certificates stop at a cap of the stock, changes of
            status in Japan go on
    came    int64[S] of each month before, the opening month first
    """
    out = people.astype(np.float64, copy=True)
    for cap in caps:
        rows = list(cap.statuses)
        expected = float(out[rows].sum())
        room = max(room_under(cap, rows, stock, came, scale), 0.0)
        if expected > room:
            out[rows] *= room / expected
    return out


def room_under(
    cap: Cap, rows: list[int], stock: np.ndarray, came: Sequence[np.ndarray], scale: float
) -> float:
    """Simulated people who may still come in the month under a cap; negative if too many have."""
    if cap.per == "stock":
        return cap.value * scale - float(stock[rows].sum())
    if cap.per == "year":
        recent = sum(float(month[rows].sum()) for month in list(came)[1:][-(YEAR - 1) :])
        return cap.value * scale - recent
    if len(came) <= YEAR:  # no month of the year before to grow from
        return float("inf")
    return (1.0 + cap.value) * float(came[-YEAR][rows].sum())
