"""Queues of the agencies: what comes, what can be decided, and what waits."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.plots_indicators import series_of
from sim.plots_look import Look
from sim.plots_style import new_figure, panel_title, panels, thousands, year_axis

PARTS = ("caseload", "decided", "capacity", "backlog", "waiting")
COLUMNS = 2
COMES, CAN, WAITS = "#9aa3af", "#009E73", "#D55E00"
YEAR = 12


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
    rows = math.ceil(len(look.queues) / COLUMNS)
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
    axes = panels(figure, rows, COLUMNS, (1.7, 0.95), (0.9, 0.9, 0.5, 0.3))
    for ax, (name, label) in zip(axes, look.queues.items(), strict=False):
        _panel(ax, indicators, name)
        panel_title(ax, label.en, label.ja)
    for ax in axes[len(look.queues) :]:
        ax.remove()
    return figure


def _months(indicators: pd.DataFrame, name: str) -> float:
    line = series_of(indicators, f"{name}_waiting")
    return float(line.iloc[-1]) if len(line) else 0.0


def _panel(ax: Axes, indicators: pd.DataFrame, name: str) -> None:
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
