"""All residents: simulated, published, and the official projection."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from sim.plots_look import Look
from sim.plots_style import (
    GREY,
    INK,
    PALE,
    month_range,
    month_text,
    new_figure,
    panels,
    residents_of,
    thousands,
    year_axis,
)

OFFICIAL = "#b45309"


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
        ax.plot(dots.index, dots, "o", color=GREY, markersize=4, label="published")
    highest = _project(ax, _points(projection), first, last)
    ax.set_ylim(0, 1.12 * max([line.max(), highest, *dots]))
    _frame(ax, line, (first, last))
    return figure


def _frame(ax: Axes, line: pd.Series, months: tuple[pd.Timestamp, pd.Timestamp]) -> None:
    thousands(ax.yaxis, 6)
    year_axis(ax, *months, ticks=9)
    ax.grid(axis="x", visible=False)
    ax.set_ylabel("people")
    start = ax.get_xaxis_transform()
    ax.text(line.index[0], 0.02, " simulation starts", transform=start, color=GREY, fontsize=8)
    _at_right(ax, line.iloc[-1], f"{line.iloc[-1]:,.0f}", INK)
    ax.legend(loc="upper left", bbox_to_anchor=(0.01, 0.99))


def _at_right(ax: Axes, people: float, text: str, colour: str) -> None:
    ax.annotate(
        text,
        (1, people),
        (6, 0),
        xycoords=ax.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=colour,
    )


def _points(projection: pd.DataFrame) -> pd.Series:
    """People by date; a bare year means 1 October, the census day that projections start from."""
    if not len(projection):
        return pd.Series(dtype=float)
    if "date" in projection:
        dates = pd.to_datetime(projection["date"].astype(str))
    else:
        dates = pd.to_datetime(projection["year"].astype(str) + "-10-01")
    people = projection["people"].to_numpy(dtype=float)
    return pd.Series(people, index=pd.DatetimeIndex(dates)).sort_index()


def _project(ax: Axes, points: pd.Series, first: pd.Timestamp, last: pd.Timestamp) -> float:
    """Draw the projection, straight between its years; its highest value in the picture.

    A year beyond the picture still gives the line its direction and is named at the edge.
    """
    inside = points[first:last]
    if not len(inside):
        return 0.0
    ax.plot(inside.index, inside, "D", color=OFFICIAL, markersize=5.5, label="official projection")
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
    ax.plot(points.index, points, ":", color=OFFICIAL, linewidth=1.3)
    beyond = points[points.index > last]
    if not len(beyond):
        return float(inside.max())
    edge = float(np.interp(date2num(last), date2num(points.index), points))
    _at_right(ax, edge, f"to {beyond.iloc[0]:,.0f}\nin {beyond.index[0].year}", OFFICIAL)
    return max(float(inside.max()), edge)
