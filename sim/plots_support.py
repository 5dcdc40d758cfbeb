"""Support and sentiment where foreign residents live, by prefecture."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from sim.plots_look import Look
from sim.plots_prefectures import tile_key, tile_map
from sim.plots_style import new_figure, panels

FULL_SUPPORT = 2
"""Levels from this one up count as a centre."""


def draw_support(municipalities: pd.DataFrame, look: Look) -> Figure:
    """Share of residents with a centre, and of nationals opposed around them, in the last year.

    municipalities: year, municipality, residents, support, sentiment. Both are means over foreign
    residents.
    """
    last = municipalities[municipalities["year"] == municipalities["year"].max()]
    codes = last["municipality"].astype(str).str[:2].to_numpy()
    people = last["residents"].to_numpy(dtype=float)
    levels = list(look.levels)
    centre = last["support"].astype(str).isin(levels[FULL_SUPPORT:]).to_numpy(dtype=float)
    opposed = last["sentiment"].to_numpy(dtype=float)
    year = int(last["year"].iloc[0])
    whole = max(people.sum(), 1e-9)
    with_centre = 100 * (centre * people).sum() / whole
    figure = new_figure(
        (17, 8.6),
        f"Support and sentiment where foreign residents live, {year}",
        f"{with_centre:.0f} % of foreign residents live in a municipality with a one-stop centre; "
        f"around the mean resident {100 * (opposed * people).sum() / whole:.0f} % are opposed to "
        "more foreign workers.",
        look,
    )
    left, right = panels(figure, 1, 2, (0.4, 0), (0.35, 0.35, 0.0, 0.05))
    support = _by_prefecture(100 * centre, people, codes, look)
    scale = (Normalize(0, 100), "YlGnBu")
    tile_map(left, support, look, scale, "{:.0f} %".format)
    tile_key(left, "Residents with a one-stop centre", scale, "{:.0f} %".format)
    hostile = _by_prefecture(100 * opposed, people, codes, look)
    scale = (Normalize(hostile.min() - 0.5, hostile.max() + 0.5), "OrRd")
    tile_map(right, hostile, look, scale, "{:.1f} %".format)
    tile_key(right, "Opposed to more foreign workers", scale, "{:.0f} %".format)
    return figure


def _by_prefecture(
    values: np.ndarray, people: np.ndarray, codes: np.ndarray, look: Look
) -> pd.Series:
    """Mean over foreign residents; prefectures without any are left out."""
    sums = pd.DataFrame({"value": values * people, "people": people}).groupby(codes).sum()
    known = sums.index.isin(list(look.tiles)) & (sums["people"] > 0).to_numpy()
    return sums["value"][known] / sums["people"][known]
