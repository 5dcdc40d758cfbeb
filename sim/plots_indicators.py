"""Small panels of every indicator of a run."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.plots_label import Label
from sim.plots_look import Look
from sim.plots_style import (
    GREY,
    INK,
    new_figure,
    panel_title,
    panels,
    thousands,
    year_axis,
)

COLUMNS = 4
LINE = "#0b5394"
PERCENT_ENDINGS = ("_share", "_rate")
"""Indicators whose code ends so are shares of one, and are shown in percent."""
YEAR = 12
LONG = 4 * YEAR
"""Shorter runs are drawn as they are: the yearly mean would miss half a year at each end."""
ROUGH = 0.03
"""A line that strays from its yearly mean by more than this share of its height is smoothed."""


def draw_indicators(indicators: pd.DataFrame, published: pd.DataFrame, look: Look) -> Figure:
    """One panel for each indicator, in the order of the table, with published values as dots.

    indicators, published: month, indicator, value; `published` may be empty.
    """
    names = [str(name) for name in dict.fromkeys(indicators["indicator"])]
    rows = math.ceil(len(names) / COLUMNS)
    figure = new_figure(
        (14, 2.1 + 1.95 * rows),
        f"Indicators of the foreign residents of {look.country.en}",
        "By month; where months vary much, the thick line is the mean of the year around each."
        + (" Dots: published." if len(published) else ""),
        look,
        ["indicators"],
    )
    axes = panels(figure, rows, COLUMNS, (0.8, 0.85), (0.85, 0.35, 0.45, 0.3))
    lines = {name: series_of(indicators, name) for name in names}
    first = min(line.index[0] for line in lines.values())
    last = max(line.index[-1] for line in lines.values())
    for ax, name in zip(axes, names, strict=False):
        label = look.indicators.get(name, Label(name.replace("_", " ").capitalize()))
        _panel(ax, lines[name], series_of(published, name), _unit(name, look))
        year_axis(ax, first, last, 5)
        panel_title(ax, label.en, label.ja)
    for ax in axes[len(names) :]:
        ax.remove()
    return figure


def series_of(table: pd.DataFrame, name: str) -> pd.Series:
    """One indicator by month, in percent if its code says so."""
    if not len(table):
        return pd.Series(dtype=float)
    rows = table[table["indicator"] == name]
    months = pd.DatetimeIndex(pd.to_datetime(rows["month"].astype(str)))
    values = pd.Series(rows["value"].to_numpy(dtype=float), index=months).sort_index()
    return 100 * values if name.endswith(PERCENT_ENDINGS) else values


def _unit(name: str, look: Look) -> str:
    return look.units.get(name, "%" if name.endswith(PERCENT_ENDINGS) else "people")


def _panel(ax: Axes, line: pd.Series, dots: pd.Series, unit: str) -> None:
    smooth = line.rolling(YEAR).mean().rolling(2).mean().shift(-YEAR // 2)
    if len(line) >= LONG and (line - smooth).abs().max() > ROUGH * line.abs().max():
        ax.plot(line.index, line, color=LINE, linewidth=0.9, alpha=0.45)
        ax.plot(smooth.index, smooth, color=LINE, linewidth=2)
    else:
        ax.plot(line.index, line, color=LINE, linewidth=2)
    if len(dots):
        ax.plot(dots.index, dots, "o", color=INK, markersize=2.8, markeredgewidth=0)
    highest = max([line.max(), *dots])
    ax.set_ylim(min(0.0, line.min()), 1.15 * highest if highest > 0 else 1.0)
    if unit == "%":
        ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        thousands(ax.yaxis, 4)
    ax.grid(axis="x", visible=False)
    ax.annotate(
        unit, (1, 1), (0, 4), "axes fraction", "offset points", ha="right", fontsize=8, color=GREY
    )
