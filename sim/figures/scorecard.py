"""The scorecard of one arm as a picture: a line for each indicator, its course and its effect."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.figures.look import Look, Measure
from sim.figures.style import BOLD, GREY, GRID, INK, PALE, new_figure, panels

LINE_INCHES: Final = 0.27

BETTER: Final = "#0b5394"

WORSE: Final = "#b45309"


def draw_scorecard(card: pd.DataFrame, arm: str, look: Look) -> Figure:
    """Values of one arm at the named months and its effect at the last, with intervals.

    card: section, title, indicator, arm, month, state, mean, low, high, effect, effect_low,
    effect_high, as `sim.studies.comparison.scorecard` gives them.
    """
    own = card[card["arm"] == arm]
    months = sorted(own["month"].unique())
    lines = own[["section", "title", "indicator"]].drop_duplicates()
    sections = lines["section"].nunique()
    height = (len(lines) + sections + 1) * LINE_INCHES
    figure = new_figure(
        (5.2 + 1.5 * len(months) + 3.4, height + 2.25),
        f"Scorecard: {look.arm(arm)}",
        f"Means over replicates. Effects against the baseline, with {look.intervals}.",
        look,
    )
    _key(figure)
    (ax,) = panels(figure, 1, 1, (0, 0), (0.35, 0.35, 0.35, 0.1))
    ax.axis("off")
    ax.set_xlim(0, 4.8 + 1.5 * len(months) + 3.1)
    ax.set_ylim(height / LINE_INCHES, 0)
    _heads(ax, [pd.Timestamp(month) for month in months])
    place = 1.0
    for section, some in lines.groupby("section", sort=False):
        ax.axhspan(place, place + 1, color=GRID, linewidth=0)
        ax.text(0.05, place + 0.55, str(section).capitalize(), va="center", fontsize=9, **BOLD)
        place += 1
        for line in some.to_dict("records"):
            rows = own[(own["title"] == line["title"]) & (own["indicator"] == line["indicator"])]
            _line(ax, place + 0.5, rows.sort_values("month"), look)
            place += 1
    return figure


def _key(figure: Figure) -> None:
    """What the colours of effects mean, under the title."""
    width, height = figure.get_size_inches()
    texts = (("for the better", BETTER), ("for the worse", WORSE),
             ("a matter of opinion", INK), ("not distinguishable from zero", PALE))  # fmt: skip
    x = 0.35
    for text, colour in (("Effects:", GREY), *texts):
        figure.text(x / width, 1 - 0.82 / height, text, fontsize=9, color=colour, va="top")
        x += 0.2 + 0.066 * len(text)


def _heads(ax: Axes, months: list[pd.Timestamp]) -> None:
    for k, month in enumerate(months):
        ax.text(6.1 + 1.5 * k, 0.5, f"{month:%Y-%m}", ha="right", va="center", color=GREY)
    ax.text(4.8 + 1.5 * len(months) + 3.05, 0.5, f"effect in {months[-1]:%Y-%m}", ha="right",
            va="center", color=GREY)  # fmt: skip


def _line(ax: Axes, y: float, rows: pd.DataFrame, look: Look) -> None:
    """One indicator: its name, a value for each month, its effect in words and colour."""
    indicator = str(rows["indicator"].iloc[0])
    measure = look.measure(indicator)
    counted = f", {measure.unit}" if measure.times == 1 else ""
    title = f"{measure.en}{counted}  {measure.ja}" if indicator else str(rows["title"].iloc[0])
    ax.text(0.2, y, title, va="center", fontsize=8.8)
    for k, row in enumerate(rows.to_dict("records")):
        known = row["state"] == "simulated"
        text = measure.value_text(float(row["mean"])) if known else str(row["state"])
        ax.text(6.1 + 1.5 * k, y, text, ha="right", va="center", fontsize=8.8 if known else 7.5,
                color=INK if known else PALE)  # fmt: skip
    last = rows.iloc[-1]
    if last["state"] != "simulated" or np.isnan(last["effect"]):
        return
    values = [measure.times * float(last[name])
              for name in ("effect", "effect_low", "effect_high")]  # fmt: skip
    digits = 2 if measure.times > 1 or max(map(abs, values)) < 100 else 0
    text = "{:+,.{d}f} [{:+,.{d}f}, {:+,.{d}f}]".format(*values, d=digits)
    text = "none, exactly" if values == [0, 0, 0] else text
    text = f"{values[0]:+,.{digits}f} (no interval)" if np.isnan(values[1]) else text
    text += " points" if measure.times > 1 and any(values) else ""
    ax.text(4.8 + 1.5 * len(rows) + 3.05, y, text, ha="right", va="center", fontsize=8.8,
            color=_colour(measure, *values[1:]))  # fmt: skip


def _colour(measure: Measure, low: float, high: float) -> str:
    """Of a change for the better, for the worse, in a direction that is neither, or not
    distinguishable from zero."""
    if not (low > 0 or high < 0):
        return PALE
    direction = measure.good * (1 if low > 0 else -1)
    return {1: BETTER, -1: WORSE, 0: INK}[direction]
