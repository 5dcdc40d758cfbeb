"""Small panels of every indicator of a run."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.figures.look import Label, Look
from sim.figures.style import GREY, INK, new_figure, panel_title, panels, thousands, year_axis

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


PARTS = ("caseload", "decided", "capacity", "backlog", "waiting")

QUEUE_COLUMNS = 2

COMES, CAN, WAITS = "#9aa3af", "#009E73", "#D55E00"


def own_panels(indicators: pd.DataFrame) -> pd.DataFrame:
    """The indicators without those of queues and of levels, which have figures of their own."""
    names = indicators["indicator"].astype(str)
    last = names.str.rpartition("_")[2]
    level = names.str.startswith("towns_level_")
    return indicators[~(last.isin(PARTS) | level).to_numpy()]


def draw_queues(indicators: pd.DataFrame, look: Look) -> Figure:
    """One panel for each queue: cases and capacity a month (left), cases that wait (right).

    indicators: month, indicator, value, with `<queue>_caseload`, `_capacity` and `_backlog`.
    """
    rows = math.ceil(len(look.queues) / QUEUE_COLUMNS)
    waits = {name: series_of(indicators, f"{name}_backlog") for name in look.queues}
    longest = max(waits, key=lambda name: _months(indicators, name))
    figure = new_figure(
        (14, 2.2 + 3.1 * rows),
        "Cases at the agencies, and what waits",
        f"Longest wait at the end: {look.queues[longest].en}, "
        f"{_months(indicators, longest):.1f} months of work. Lines: cases a month, means of a "
        "year (left); area: cases that wait (right).",
        look,
    )
    axes = panels(figure, rows, QUEUE_COLUMNS, (1.7, 0.95), (0.9, 0.9, 0.5, 0.3))
    for ax, (name, label) in zip(axes, look.queues.items(), strict=False):
        _queue_panel(ax, indicators, name)
        panel_title(ax, label.en, label.ja)
    for ax in axes[len(look.queues) :]:
        ax.remove()
    return figure


def _months(indicators: pd.DataFrame, name: str) -> float:
    line = series_of(indicators, f"{name}_waiting")
    return float(line.iloc[-1]) if len(line) else 0.0


def _queue_panel(ax: Axes, indicators: pd.DataFrame, name: str) -> None:
    lines = {part: series_of(indicators, f"{name}_{part}") for part in PARTS}
    smooth = {part: line.rolling(YEAR, min_periods=1).mean() for part, line in lines.items()}
    wait = lines["backlog"]
    right = ax.twinx()
    right.fill_between(wait.index, wait, color=WAITS, alpha=0.25, linewidth=0)
    right.set_ylim(0, 1.15 * max(float(wait.max()), 1.0))
    right.grid(visible=False)
    thousands(right.yaxis, 4)
    ax.plot(
        smooth["caseload"].index,
        smooth["caseload"],
        color=COMES,
        linewidth=2,
        label="cases that come",
    )
    ax.plot(smooth["capacity"].index, smooth["capacity"], color=CAN, linewidth=2, label="capacity")
    ax.set_ylim(0, 1.2 * max(float(lines["capacity"].max()), float(smooth["caseload"].max()), 1.0))
    ax.set_zorder(right.get_zorder() + 1)
    ax.patch.set_visible(False)
    thousands(ax.yaxis, 4)
    ax.legend(loc="lower right", ncols=2, title=None)
    year_axis(ax, wait.index[0], wait.index[-1], 6)
