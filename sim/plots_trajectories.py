"""People by status and in all, simulated against published."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.plots_look import Look
from sim.plots_style import (
    GREY,
    INK,
    PALE,
    columns_of,
    group_legend,
    month_range,
    new_figure,
    panel_title,
    panels,
    present,
    residents_of,
    thousands,
    year_axis,
)

COLUMNS = 5


def draw_trajectories(simulated: pd.DataFrame, published: pd.DataFrame, look: Look) -> Figure:
    """One small panel for each status and one for all residents.

    simulated, published: people, months x statuses (see `plots_style.people_by`).
    """
    found = set(simulated.columns[simulated.sum() > 0]) | set(published.columns)
    codes = present(look.statuses, found)
    rows = math.ceil((len(codes) + 1) / COLUMNS)
    first, last = month_range(simulated, published)
    figure = new_figure(
        (15, 2.35 + 2.05 * rows),
        f"Foreign residents of {look.country.en} by status of residence, {first.year}–{last.year}",
        "People at the end of the month. Each panel has its own vertical scale, from zero.",
        look,
        ["stocks"],
    )
    axes = panels(figure, rows, COLUMNS, (0.72, 0.78), (0.85, 0.35, 0.8, 0.35))
    total, dots = residents_of(simulated, look), residents_of(published, look)
    _panel(axes[0], total, dots, INK, (first, last))
    panel_title(axes[0], "All residents", "在留外国人総数")
    for ax, code in zip(axes[1:], codes, strict=False):
        label = look.statuses[code]
        colour = look.groups[label.group].colour
        line = columns_of(simulated, [code])[code]
        _panel(ax, line, columns_of(published, [code])[code], colour, (first, last))
        panel_title(ax, label.en, label.ja)
    for ax in axes[len(codes) + 1 :]:
        ax.remove()
    group_legend(figure, [look.group_of(code) for code in codes], look)
    _line_legend(figure)
    return figure


def _panel(
    ax: Axes,
    line: pd.Series,
    dots: pd.Series,
    colour: str,
    months: tuple[pd.Timestamp, pd.Timestamp],
) -> None:
    ax.grid(axis="x", visible=False)
    ax.axvline(line.index[0], color=PALE, linewidth=0.9, linestyle=(0, (3, 2)))
    if dots.sum() > 0:
        ax.plot(dots.index, dots, "o", color=INK, markersize=2.3, markeredgewidth=0, zorder=3)
    ax.plot(line.index, line, color=colour, linewidth=2)
    top = max(line.max(), dots.max() if len(dots) else 0.0, 1.0)
    ax.set_ylim(0, 1.18 * top)
    thousands(ax.yaxis, 4)
    year_axis(ax, *months)
    end, before = line.iloc[-1], line.iloc[int(0.8 * len(line))]
    below = end < before and end > 0.25 * top
    ax.annotate(
        f"{end:,.0f}",
        (line.index[-1], end),
        (0, -5 if below else 5),
        textcoords="offset points",
        ha="right",
        va="top" if below else "bottom",
        fontsize=8,
        color=INK,
    )


def _line_legend(figure: Figure) -> None:
    """What lines and dots mean, in the upper right corner."""
    width, height = figure.get_size_inches()
    figure.legend(
        handles=[
            Line2D([], [], color=GREY, linewidth=2, label="simulated"),
            Line2D([], [], color=INK, marker="o", markersize=3, linewidth=0, label="published"),
            Line2D([], [], color=PALE, linestyle=(0, (3, 2)), label="simulation starts"),
        ],
        loc="upper right",
        bbox_to_anchor=(1 - 0.25 / width, 1 - 0.45 / height),
        ncols=3,
        handlelength=1.3,
    )
