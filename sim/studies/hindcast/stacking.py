"""The model and its rivals together: weights, and widths of intervals, learnt from earlier origins.

At every origin only outcomes that were known there teach. Weights are a point of the simplex for
each horizon, the same for all kinds of cells; widths are one number for each horizon and kind, by
which the logarithms of the ensemble's deviations are multiplied.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import pandas as pd

from sim.core.clock import month_index
from sim.core.sums import product
from sim.studies.hindcast.cells import KEYS, MODEL, Cells, ensemble_rows
from sim.studies.hindcast.published import KINDS
from sim.studies.hindcast.settings import Hindcast

STACKED: Final = "kyosei_stacked"

STEPS: Final = 10
"""Weights are tenths."""

LEAST_WIDTH: Final = 0.02
"""Half-width of an 80 % interval, in logarithms, below which it counts as so much."""

FEW: Final = 1.0
"""People below which a cell says nothing of ratios."""


def stacked(cells: Cells, settings: Hindcast) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the stacked forecast, as those of other forecasters, and what was learnt:
    events, origin, years, seen (origins), weight_FORECASTER, width_KIND."""
    frame, members = cells.frame, cells.members
    rows, learnt = [], []
    for events in frame["events"].unique():
        for years in settings.horizons:
            wanted = ((frame["events"] == events) & (frame["years"] == years)).to_numpy()
            if wanted.any():
                made = _one_horizon(frame[wanted], members[wanted], years, settings)
                rows += made[0]
                learnt += [{"events": events, **line} for line in made[1]]
    return pd.concat(rows, ignore_index=True), pd.DataFrame(learnt)


def _one_horizon(
    cells: pd.DataFrame, drawn: np.ndarray, years: float, settings: Hindcast
) -> tuple[list[pd.DataFrame], list[dict[str, object]]]:
    """All origins of one horizon, the earliest first."""
    names = list(settings.stacking.forecasters)
    prior = np.array([settings.stacking.weights[_horizon(years, settings)].get(n, 0.0)
                      for n in names])  # fmt: skip
    rows: list[pd.DataFrame] = []
    learnt: list[dict[str, object]] = []
    ratios: list[tuple[int, str, np.ndarray]] = []  # when known, kind, errors in half-widths
    errors: list[tuple[int, np.ndarray]] = []  # when known, of each point of the simplex
    grid = simplex(len(names))
    for origin, index in cells.groupby("origin").indices.items():
        own, members = cells.iloc[index], drawn[index]
        now, then = month_index(str(origin)), month_index(str(own["month"].iloc[0]))
        known = [error for when, error in errors if when <= now]
        weights = learnt_weights(grid, known, prior, settings.stacking.looks)
        widths = {
            kind: learnt_width([r for when, k, r in ratios if k == kind and when <= now],
                               settings.stacking.looks)
            for kind in KINDS
        }  # fmt: skip
        learnt.append(
            {"origin": origin, "years": years, "seen": len(known),
             **{f"weight_{n}": w for n, w in zip(names, weights, strict=True)},
             **{f"width_{kind}": width for kind, width in widths.items()}}
        )  # fmt: skip
        for kind in KINDS:
            part = own[own["kind"] == kind]
            if part.empty:
                continue
            table = part.pivot_table(index="code", columns="forecaster", values="said", sort=False)
            observed = part[part["forecaster"] == MODEL]["observed"].to_numpy(float)
            said = product(table[names].to_numpy(float), weights)
            ensemble = members[((own["kind"] == kind) & (own["forecaster"] == MODEL)).to_numpy()]
            key = {name: part[name].iloc[0] for name in KEYS if name not in ("code", "forecaster")}
            key |= {"code": list(table.index), "forecaster": STACKED}
            plain = recentred(ensemble, said, 1.0)
            ratios.append((then, kind, errors_in_widths(observed, said, plain)))
            wide = recentred(ensemble, said, widths[kind])
            rows.append(ensemble_rows(key, observed, said, wide, settings))
            if kind == "status":
                every = product(table[names].to_numpy(float), grid.T)  # [C, points]
                apart = np.abs(every - observed[:, None]).sum(axis=0) / observed.sum()
                errors.append((then, apart))
    return rows, learnt


def _horizon(years: float, settings: Hindcast) -> float:
    return min(settings.stacking.weights, key=lambda known: abs(known - years))


def simplex(n: int) -> np.ndarray:
    """float64[P, n]: all weights in steps of a tenth that sum to 1."""
    every = np.array(list(itertools.product(range(STEPS + 1), repeat=n)), np.int64)
    return np.asarray(every[every.sum(axis=1) == STEPS] / STEPS)


def learnt_weights(
    grid: np.ndarray, errors: list[np.ndarray], prior: np.ndarray, looks: float
) -> np.ndarray:
    """float64[n]: the best point for the errors known, shrunk to the prior, which weighs like so
    many origins. errors: for each known outcome float64[P]."""
    if not errors:
        return prior
    mean = np.array(errors).mean(axis=0)
    best = grid[mean <= mean.min() + 1e-12].mean(axis=0)
    n = len(errors)
    return np.asarray((n * best + looks * prior) / (n + looks))


def errors_in_widths(observed: np.ndarray, said: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """float64[C]: log errors over the half-width of the 80 % interval; cells of nobody left out."""
    low, high = (np.percentile(drawn, q, axis=1, method="weibull") for q in (10, 90))
    real = (observed >= FEW) & (said >= FEW) & (low >= FEW)
    half = np.maximum(np.log(high[real] / low[real]) / 2, LEAST_WIDTH)
    return np.asarray(np.abs(np.log(observed[real] / said[real])) / half)


def learnt_width(errors: list[np.ndarray], looks: float) -> float:
    """The number that lets 80 % of the known errors lie inside, shrunk to 1 in the logarithm."""
    n = len(errors)
    if not n:
        return 1.0
    needed = float(np.quantile(np.concatenate(errors), 0.8, method="weibull"))
    return float(np.exp(n / (n + looks) * np.log(min(max(needed, 0.2), 5.0))))


def recentred(drawn: np.ndarray, said: np.ndarray, width: float) -> np.ndarray:
    """float64[C, K]: the ensemble around another middle, its log deviations times a number."""
    middle = np.median(drawn, axis=1)
    safe = np.maximum(middle, FEW)[:, None]
    ratio = np.maximum(drawn, 1e-3 * safe) / safe
    return np.asarray(said[:, None] * ratio**width)
