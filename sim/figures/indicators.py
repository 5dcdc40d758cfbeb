"""Small panels of every indicator of a run."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.figures.figure import figure
from sim.figures.look import Look, Measure
from sim.figures.style import (
    GREY,
    INK,
    new_figure,
    panel_title,
    panels,
    thousands,
    unit_note,
    year_axis,
)

COLUMNS = 4

LINE = "#0b5394"

YEAR = 12

LONG = 4 * YEAR
"""Shorter runs are drawn as they are: the yearly mean would miss half a year at each end."""

ROUGH = 0.03
"""A line that strays from its yearly mean by more than this share of its height is smoothed."""


@figure("indicators", "indicators", "published indicators", needs=["indicators"])
def draw_indicators(indicators: pd.DataFrame, published: pd.DataFrame, look: Look) -> Figure | None:
    """One panel for each indicator, in the order of the table, with published values as dots.

    indicators, published: month, indicator, value; `published` may be empty. Indicators with
    figures of their own have no panel; those that stay the same all the time are only named.
    """
    measures = [look.measure(str(name)) for name in dict.fromkeys(indicators["indicator"])]
    measures = [measure for measure in measures if measure.panel]
    lines = {measure: series_of(indicators, measure) for measure in measures}
    moving = [one for one, line in lines.items() if len(line) < 2 or line.min() < line.max()]
    still = [f"{one.en} {_number(lines[one].iloc[-1], one)}" for one in measures
             if one not in moving]  # fmt: skip
    if not moving:
        return None
    rows = math.ceil(len(moving) / COLUMNS)
    figure = new_figure(
        (14, 2.3 + 1.95 * rows),
        f"Indicators of the foreign residents of {look.country.en}",
        "By month; where months vary much, the thick line is the mean of the year around each."
        + (" Dots: published." if len(published) else ""),
        look,
        ["indicators"],
    )
    if still:
        height = figure.get_figheight()
        figure.text(0.35 / 14, 1 - 0.82 / height, f"The same all the time: {'; '.join(still)}.",
                    fontsize=8, color=GREY, va="top")  # fmt: skip
    axes = panels(figure, rows, COLUMNS, (0.8, 0.85), (0.85, 0.35, 0.6, 0.3))
    first = min(lines[measure].index[0] for measure in moving)
    last = max(lines[measure].index[-1] for measure in moving)
    for ax, measure in zip(axes, moving, strict=False):
        _panel(ax, lines[measure], series_of(published, measure), measure)
        year_axis(ax, first, last, 5)
        panel_title(ax, measure.en, measure.ja)
    for ax in axes[len(moving) :]:
        ax.remove()
    return figure


def series_of(table: pd.DataFrame, measure: Measure) -> pd.Series:
    """One indicator by month, shares in per cent."""
    if not len(table):
        return pd.Series(dtype=float)
    rows = table[table["indicator"] == measure.name]
    months = pd.DatetimeIndex(pd.to_datetime(rows["month"].astype(str)))
    values = pd.Series(rows["value"].to_numpy(dtype=float), index=months).sort_index()
    return measure.times * values


def _number(value: float, measure: Measure) -> str:
    """A value as it is shown, with its unit: `0 %`, `12 municipalities`."""
    return f"{value:,.3g} {measure.unit_shown}".strip()


def _panel(ax: Axes, line: pd.Series, dots: pd.Series, measure: Measure) -> None:
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
    thousands(ax.yaxis, 4)
    ax.grid(axis="x", visible=False)
    unit_note(ax, measure.unit_shown)


QUEUE_COLUMNS = 2

COMES, CAN, WAITS = "#9aa3af", "#009E73", "#D55E00"


@figure("queues", "indicators")
def draw_queues(indicators: pd.DataFrame, look: Look) -> Figure | None:
    """One panel for each queue: cases and capacity a month (left), cases that wait (right).

    indicators: month, indicator, value, with `<queue>_caseload`, `_capacity`, `_backlog` and
    `_waiting`. None where no agency has queues.
    """
    if not look.queues:
        return None
    rows = math.ceil(len(look.queues) / QUEUE_COLUMNS)
    months = {name: _months_of_work(indicators, name) for name in look.queues}
    longest = max(months, key=lambda name: months[name])
    figure = new_figure(
        (14, 2.2 + 3.1 * rows),
        "Cases at the agencies, and what waits",
        f"Longest wait at the end: {look.queues[longest].en}, {months[longest]:.1f} months of "
        "work. Lines: cases a month, means of a year (left scale); area: cases that wait "
        "(right scale).",
        look,
    )
    axes = panels(figure, rows, QUEUE_COLUMNS, (1.7, 0.95), (0.9, 0.9, 0.5, 0.3))
    for ax, (name, label) in zip(axes, look.queues.items(), strict=False):
        _queue_panel(ax, indicators, name)
        panel_title(ax, label.en, label.ja)
    for ax in axes[len(look.queues) :]:
        ax.remove()
    return figure


def _part(indicators: pd.DataFrame, queue: str, part: str) -> pd.Series:
    return series_of(indicators, Measure(f"{queue}_{part}", ""))


def _months_of_work(indicators: pd.DataFrame, queue: str) -> float:
    """Cases that wait at the end, over what can be decided in a month."""
    line = _part(indicators, queue, "waiting")
    return float(line.iloc[-1]) if len(line) else 0.0


def _queue_panel(ax: Axes, indicators: pd.DataFrame, queue: str) -> None:
    wait = _part(indicators, queue, "backlog")
    right = ax.twinx()
    right.fill_between(wait.index, wait, color=WAITS, alpha=0.25, linewidth=0)
    right.set_ylim(0, 1.15 * max(float(wait.max()), 1.0))
    right.grid(visible=False)
    right.tick_params(axis="y", labelcolor=WAITS)
    thousands(right.yaxis, 4)
    unit_note(right, "cases that wait", WAITS)
    highest = 1.0
    for part, colour, label in (("caseload", COMES, "cases that come"), ("capacity", CAN,
                                                                         "capacity")):  # fmt: skip
        line = _part(indicators, queue, part).rolling(YEAR, min_periods=1).mean()
        ax.plot(line.index, line, color=colour, linewidth=2, label=label)
        highest = max(highest, float(line.max()))
    ax.set_ylim(0, 1.2 * highest)
    ax.set_zorder(right.get_zorder() + 1)
    ax.patch.set_visible(False)
    thousands(ax.yaxis, 4)
    ax.set_ylabel("cases a month", fontsize=8)
    ax.grid(axis="x", visible=False)
    ax.legend(loc="lower right", ncols=2, frameon=True, facecolor="white", edgecolor="none",
              framealpha=0.8)  # fmt: skip
    year_axis(ax, wait.index[0], wait.index[-1], 6)
