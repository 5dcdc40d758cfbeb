"""The figure of two countries side by side: effects by arm, settled shares, paths of entrants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import fill
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.figures.comparison import interval
from sim.figures.look import SHARE, Look
from sim.figures.style import (
    GREY,
    INK,
    house_style,
    new_figure,
    panel_title,
    panels,
    unit_note,
    year_axis,
)

COLOURS: Final = ("#0b5394", "#b45309")
"""Of the first and the second country."""

BECAME_COLOURS: Final = {
    "settled": "#0072B2", "skilled": "#E69F00", "rotation": "#D55E00", "other": "#56B4E9",
    "irregular": "#4D4D4D", "gone": "#DDDDDD",
}  # fmt: skip

EFFECTS: Final = (
    ("settled_share", "Settled share, percentage points", SHARE),
    ("grants", "Permanence granted, per 1,000 a year", ""),
    ("irregular", "Without a status, per 1,000 residents", ""),
)
"""Measure, title and unit of the panels of effects."""


def draw_countries(
    tables: Mapping[str, pd.DataFrame],
    looks: Mapping[str, Look],
    notes: Sequence[str],
    number: str,
) -> Figure:
    """Effects against each country's own law on top; shares and paths below.

    tables  values, effects and paths of `kyosei countries`
    looks   of the comparison of each country
    notes   what is assumed
    number  of the study
    """
    with house_style():
        return _drawn(tables, looks, notes, number)


def _drawn(
    tables: Mapping[str, pd.DataFrame],
    looks: Mapping[str, Look],
    notes: Sequence[str],
    number: str,
) -> Figure:
    colours = dict(zip(looks, COLOURS, strict=True))
    first = next(iter(looks.values()))
    names = [look.country.en for look in looks.values()]
    figure = new_figure(
        (15.5, 10.4),
        " and ".join(names) + " side by side",
        f"Effects are measured from the law of each country, with {first.intervals}."
        " Hollow: the interval holds zero. People by status are not compared.",
        replace(first, run=number, scenario=" and ".join(names)),
    )
    axes = panels(figure, 2, 3, (2.15, 0.75), (2.1, 0.3, 0.4, 0.35))
    last = tables["effects"]["month"].max()
    now = tables["effects"][tables["effects"]["month"] == last]
    for ax, (measure, title, unit) in zip(axes, EFFECTS, strict=False):
        own = now[now["indicator"] == measure]
        lines = [
            (look.arm(str(row["arm"])) + f", {look.country.en}", own.loc[[at]], colours[country])
            for country, look in looks.items()
            for at, row in own[own["country"] == country].iterrows()
        ]
        interval(ax, lines, 100.0 if unit == SHARE else 1.0, 2)
        panel_title(ax, f"{title}, {last:%Y-%m}")
    _shares(axes[3], tables["values"], looks, colours)
    _paths(axes[4], tables["paths"], looks)
    _waits(axes[5], tables["paths"], looks, colours)
    folded = [fill(note, 48) for note in notes]
    axes[5].text(0.0, 0.02, "\n".join(folded), transform=axes[5].transAxes, fontsize=8, color=GREY,
                 va="bottom")  # fmt: skip
    return figure


def _shares(
    ax: Axes, values: pd.DataFrame, looks: Mapping[str, Look], colours: Mapping[str, str]
) -> None:
    """Settled share under the law, with and without statuses held by descent."""
    for country, look in looks.items():
        own = values[values["country"] == country]
        own = own[own["arm"] == next(iter(own["arm"]))]
        for measure, style, told in (("settled_share", "-", ""),
                                     ("narrow_share", "--", ", without descent")):  # fmt: skip
            line = own[own["indicator"] == measure]
            ax.fill_between(line["month"], 100 * line["low"], 100 * line["high"],
                            color=colours[country], alpha=0.12, linewidth=0)  # fmt: skip
            ax.plot(line["month"], 100 * line["mean"], style, color=colours[country],
                    label=look.country.en + told)  # fmt: skip
    year_axis(ax, values["month"].min(), values["month"].max())
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=8, frameon=False)
    unit_note(ax, "%")
    panel_title(ax, "Settled share under the law")


def _paths(ax: Axes, paths: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """Stacked bars of what became of 1,000 low-skilled entrants."""
    known = paths[paths["became"] != "wait"]
    bars = [(country, years) for country in looks
            for years in known[known["country"] == country]["years"].unique()]  # fmt: skip
    for place, (country, years) in enumerate(bars):
        own = known[(known["country"] == country) & (known["years"] == years)]
        left = 0.0
        for became, value in zip(own["became"], own["value"], strict=True):
            ax.barh(place, value, left=left, color=BECAME_COLOURS[became], height=0.7,
                    label=became if place == 0 else None)  # fmt: skip
            if value >= 60:
                ax.text(left + value / 2, place, f"{value:.0f}", ha="center", va="center",
                        fontsize=8, color=INK if became == "gone" else "white")  # fmt: skip
            left += value
    ax.set_yticks(range(len(bars)), [f"{looks[c].country.en}, {y:.0f} years" for c, y in bars])
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.legend(fontsize=8, frameon=False, ncols=6, loc="upper left", bbox_to_anchor=(-0.3, -0.06),
              columnspacing=0.8, handlelength=1.0)  # fmt: skip
    panel_title(ax, "Of 1,000 low-skilled entrants of the first year")


def _waits(
    ax: Axes, paths: pd.DataFrame, looks: Mapping[str, Look], colours: Mapping[str, str]
) -> None:
    """Median and quartiles of the years from entry to permanent residence."""
    for place, (country, _) in enumerate(looks.items()):
        own = paths[(paths["country"] == country) & (paths["became"] == "wait")]
        low, middle, high = own["value"]
        ax.plot([low, high], [place, place], color=colours[country], linewidth=6, alpha=0.35)
        ax.plot(middle, place, "o", color=colours[country])
        ax.annotate(f"{middle:.1f} years ({low:.1f} to {high:.1f})", (middle, place), (0, 9),
                    textcoords="offset points", ha="center", fontsize=8.5, color=INK)  # fmt: skip
    ax.set_yticks(range(len(looks)), [look.country.en for look in looks.values()])
    ax.set_ylim(2 * len(looks) - 0.4, -0.6)  # what is assumed stands below
    ax.set_xlim(left=0)
    ax.tick_params(axis="y", length=0, labelcolor=GREY)
    panel_title(ax, "Years to permanent residence, quartiles")
