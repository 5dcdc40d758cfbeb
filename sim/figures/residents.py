"""People by status and in all: simulated, published, and the official projection."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.figures.figure import figure
from sim.figures.look import Look
from sim.figures.style import (
    GREY,
    INK,
    PALE,
    columns_of,
    group_legend,
    month_range,
    month_text,
    new_figure,
    panel_title,
    panels,
    present,
    residents_of,
    spread,
    thousands,
    year_axis,
)

COLUMNS = 5

OFFICIAL = "#b45309"


@figure("trajectories", "people", "published people", needs=["stocks"])
def draw_trajectories(simulated: pd.DataFrame, published: pd.DataFrame, look: Look) -> Figure:
    """One small panel for each status and one for all residents.

    simulated, published: people, months x statuses (see `sim.figures.style.people_by`).
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
        ax.plot(
            dots.index,
            dots,
            "o",
            color=INK,
            markersize=2.3,
            markeredgewidth=0,
            zorder=3,
            clip_on=False,
        )
    ax.plot(line.index, line, color=colour, linewidth=2)
    top = max(line.max(), dots.max() if len(dots) else 0.0, 1.0)
    ax.set_ylim(0, 1.18 * top)
    thousands(ax.yaxis, 4)
    year_axis(ax, *months)
    _name_end(ax, line, dots, top)


def _name_end(ax: Axes, line: pd.Series, dots: pd.Series, top: float) -> None:
    """The last value, above or below everything that is drawn where its text stands."""
    end, last = line.iloc[-1], line.index[-1]
    first = min(line.index[0], dots.index[0] if len(dots) else line.index[0])
    late = last - 0.33 * (last - first)
    near = [*line[late:], *dots[late:]]
    close = max(near) - end < 0.3 * top
    above = max(near) if close else end
    below = not close and min(near) > 0.22 * top
    ax.annotate(
        f"{end:,.0f}",
        (last, min(near) if below else above),
        (0, -5 if below else 4),
        textcoords="offset points",
        ha="right",
        va="top" if below else "bottom",
        fontsize=8,
        color=INK,
        bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
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


@figure(
    "residents", "people", "published people", "published projection", needs=["stocks"]
)  # fmt: skip
def draw_residents(
    simulated: pd.DataFrame, published: pd.DataFrame, projection: pd.DataFrame, look: Look
) -> Figure:
    """All residents, with the official projection where its years fall into the picture.

    simulated, published: people, months x statuses. projection: columns year (or date) and
    people; empty if there is none.
    """
    line, dots = residents_of(simulated, look), residents_of(published, look)
    first, last = month_range(simulated, published)
    figure = new_figure(
        (10.5, 6.2),
        f"Foreign residents of {look.country.en}, {first.year}–{last.year}",
        f"{line.iloc[0]:,.0f} in {month_text(line.index[0])}; "
        f"{line.iloc[-1]:,.0f} in {month_text(line.index[-1])} in this run.",
        look,
        ["stocks", "projection"],
    )
    (ax,) = panels(figure, 1, 1, (0, 0), (0.95, 1.0, 0.0, 0.3))
    ax.axvline(line.index[0], color=PALE, linewidth=0.9, linestyle=(0, (3, 2)))
    ax.fill_between(line.index, line, color=INK, alpha=0.05, linewidth=0)
    ax.plot(line.index, line, color=INK, linewidth=2.4, label="simulated")
    if len(dots):
        ax.plot(dots.index, dots, "o", color=GREY, markersize=4, label="published", clip_on=False)
    points = _points(projection)
    _project(ax, points[first:last], points)
    edge = [(float(line.iloc[-1]), f"{line.iloc[-1]:,.0f}", INK), *_beyond(points, first, last)]
    ax.set_ylim(0, 1.12 * max([line.max(), *dots, *points[first:last], *[e[0] for e in edge]]))
    _name_edge(ax, edge)
    _frame(ax, line, (first, last))
    return figure


def _frame(ax: Axes, line: pd.Series, months: tuple[pd.Timestamp, pd.Timestamp]) -> None:
    thousands(ax.yaxis, 6)
    year_axis(ax, *months, ticks=9)
    ax.grid(axis="x", visible=False)
    ax.set_ylabel("people")
    start = ax.get_xaxis_transform()
    ax.text(line.index[0], 0.02, " simulation starts", transform=start, color=GREY, fontsize=8)
    ax.legend(loc="upper left", bbox_to_anchor=(0.01, 0.99))


def _name_edge(ax: Axes, edge: list[tuple[float, str, str]]) -> None:
    """Values at the right edge, moved apart: people, text, colour of each."""
    top = ax.get_ylim()[1]
    places = spread([people for people, _, _ in edge], 0.065 * top, 0, top)
    for place, (_, text, colour) in zip(places, edge, strict=True):
        ax.annotate(
            text,
            (1, place),
            (7, 0),
            xycoords=ax.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=colour,
        )


def _points(projection: pd.DataFrame) -> pd.Series:
    """People by date; a bare year means 1 October, the census day that projections start from."""
    if not len(projection):
        return pd.Series(dtype=float, index=pd.DatetimeIndex([]))
    if "date" in projection:
        dates = pd.to_datetime(projection["date"].astype(str))
    else:
        dates = pd.to_datetime(projection["year"].astype(str) + "-10-01")
    people = projection["people"].to_numpy(dtype=float)
    return pd.Series(people, index=pd.DatetimeIndex(dates)).sort_index()


def _project(ax: Axes, inside: pd.Series, points: pd.Series) -> None:
    """Draw the projection, straight between its years, if any of them is in the picture."""
    if not len(inside):
        return
    ax.plot(inside.index, inside, "D", color=OFFICIAL, markersize=5.5, label="official projection")
    ax.plot(points.index, points, ":", color=OFFICIAL, linewidth=1.3,
            label="straight between its years")  # fmt: skip
    for date, people in inside.items():
        ax.annotate(
            f"{people:,.0f}",
            (date, people),
            (7, -4),
            textcoords="offset points",
            va="top",
            fontsize=8,
            color=OFFICIAL,
        )


def _beyond(
    points: pd.Series, first: pd.Timestamp, last: pd.Timestamp
) -> list[tuple[float, str, str]]:
    """Where the projection leaves the picture and the first year beyond that it heads for."""
    later = points[points.index > last]
    if not len(points[first:last]) or not len(later):
        return []
    people = float(np.interp(date2num(last), date2num(points.index), points))
    return [(people, f"to {later.iloc[0]:,.0f}\nin {later.index[0].year}", OFFICIAL)]
