"""The projection: fans of residents, workers and people of working age, and what moves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.figures.fan import BANDS, COLOUR, SOURCE_COLOURS, Fan
from sim.figures.look import Look
from sim.figures.style import (
    FOOT_INCHES,
    GREY,
    INK,
    PALE,
    TITLE_INCHES,
    house_style,
    month_text,
    new_figure,
    panel_title,
    spread,
    thousands,
    unit_note,
    year_axis,
)

MILLION: Final = 1e6


def draw_projection(
    residents: Fan, small: Sequence[Fan], variance: pd.DataFrame, sources: Mapping[str, str],
    look: Look, note: str,
) -> Figure:  # fmt: skip
    """All residents large, `small` fans and the split of the variance to their right.

    variance: month, outcome, source, share, low, high; sources: their names; note: what the bands
    are and what they hold fixed.
    """
    with house_style():
        first, last = residents.past.index[0], residents.quantiles.index[-1]
        height = 3.2 + 2.75 * (len(small) + 1)
        figure = new_figure(
            (15.5, height),
            f"Foreign residents of {look.country.en}, {first.year}–{last.year}: projection with its"
            " uncertainty", note, look, ["stocks", "workers", "projection", "outlooks"],
        )  # fmt: skip
        bottom = FOOT_INCHES + 0.95
        top = TITLE_INCHES + 0.42
        _fan(_axes(figure, 0.85, bottom, 8.1, height - top - bottom), residents, 9)
        each = (height - top - bottom - 0.95 * len(small)) / (len(small) + 1)
        for place, fan in enumerate(small):
            at = height - top - each - place * (each + 0.95)
            _fan(_axes(figure, 10.15, at, 4.35, each), fan, 5)
        _split(_axes(figure, 10.15, bottom, 4.35, each), variance, sources)
    return figure


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place in inches."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def _fan(ax: Axes, fan: Fan, ticks: int) -> None:
    """Bands, median, past, what others say, and the last values at the right edge."""
    said = fan.quantiles / MILLION
    ax.grid(axis="x", visible=False)
    shared: list[Line2D | Patch] = []  # by all panels: named in the large one, which has the room
    handles: list[Line2D | Patch] = []
    drawn = [band for band in BANDS if not said[band[0]].isna().all()]
    few = len(drawn) < len(BANDS)
    for low, high, alpha, name in drawn:
        ax.fill_between(said.index, said[low], said[high], color=COLOUR, alpha=alpha, linewidth=0)
        label = "lowest to highest" if few else f"{name} interval"
        shared.append(Patch(color=COLOUR, alpha=min(alpha + 0.12, 1.0), linewidth=0, label=label))
    ax.plot(said.index, said["median"], color=COLOUR, linewidth=2.2)
    shared.append(Line2D([], [], color=COLOUR, linewidth=2.2, label="median"))
    past = fan.past / MILLION
    ax.plot(past.index, past, "o", color=INK, markersize=3.2, markeredgewidth=0, zorder=4)
    shared.append(
        Line2D([], [], color=INK, marker="o", markersize=4, linewidth=0, label="published")
    )
    first, last = past.index[0], said.index[-1]
    top = max([float(said.max().max()), float(past.max())])
    for one in fan.beside:
        own = one.points / MILLION
        inside = own[first:last]
        if not len(inside):
            continue
        size = 6 if ticks > 6 else 5
        ax.plot(inside.index, inside, one.marker, color=one.colour, markersize=size, zorder=5,
                clip_on=False)  # fmt: skip
        if one.joined:
            ax.plot(own.index, own, ":", color=one.colour, linewidth=1.3)
        handles.append(Line2D([], [], color=one.colour, marker=one.marker, markersize=5,
                              linestyle=":" if one.joined else "none",
                              label=one.label))  # fmt: skip
        top = max(top, float(inside.max()))
    ax.axvline(said.index[0], color=PALE, linewidth=0.9, linestyle=(0, (3, 2)))
    large = ticks > 6
    ax.set_ylim(0, (1.08 if large else 1.3) * top)
    thousands(ax.yaxis, ticks)
    year_axis(ax, first, last, ticks + 1)
    _edge(ax, said.iloc[-1], 8.5 if large else 8, 0.052 if large else 0.1)
    shown = shared + handles if large else handles
    ax.legend(handles=shown, loc="upper left", fontsize=9 if large else 7.5,
              labelspacing=0.35, handlelength=1.5, borderaxespad=0.3)  # fmt: skip
    panel_title(ax, fan.en, fan.ja)
    unit_note(ax, "millions of people")


def _edge(ax: Axes, row: pd.Series, size: float, gap: float) -> None:
    """The last month's median and 80 % interval, beside their places."""
    shown = [(float(row[name]), text) for name, text in
             (("q10", "{:.1f}"), ("median", "{:.1f}"), ("q90", "{:.1f}"))
             if not pd.isna(row[name])]  # fmt: skip
    top = ax.get_ylim()[1]
    places = spread([value for value, _ in shown], gap * top, 0, top)
    for (value, text), place in zip(shown, places, strict=True):
        middle = value == float(row["median"])
        ax.annotate(text.format(value), (1, place), (6, 0), xycoords=ax.get_yaxis_transform(),
                    textcoords="offset points", va="center", fontsize=size + (1.5 if middle else 0),
                    color=COLOUR, fontweight="bold" if middle else "normal",
                    fontfamily="DejaVu Sans")  # fmt: skip


def _split(ax: Axes, variance: pd.DataFrame, sources: Mapping[str, str]) -> None:
    """Shares of the variance of residents by month, one bar each."""
    panel_title(ax, "What moves the residents: shares of the variance", "居住者数の分散の内訳")
    ax.grid(visible=False)
    if variance.empty:
        ax.set_axis_off()
        ax.text(0, 0.5, "not split: too few members that draw one source alone",
                transform=ax.transAxes, color=GREY, fontsize=9)  # fmt: skip
        return
    own = variance[variance["outcome"] == "residents"]
    months = list(dict.fromkeys(own["month"]))
    for place, month in enumerate(months):
        left = 0.0
        for source in sources:
            one = own[(own["month"] == month) & (own["source"] == source)]
            if one.empty:
                continue
            share = 100 * float(one["share"].iloc[0])
            ax.barh(place, share, left=left, height=0.62, color=SOURCE_COLOURS[source])
            if share >= 7:
                low, high = (100 * float(one[end].iloc[0]) for end in ("low", "high"))
                text = f"{share:.0f}" + (f" ({low:.0f}–{high:.0f})" if share >= 20 else "")
                dark = source in ("error", "random")
                ax.text(left + share / 2, place, text, ha="center", va="center", fontsize=7.5,
                        color=INK if dark else "white")  # fmt: skip
            left += share
    ax.set_yticks(range(len(months)), [month_text(month) for month in months])
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.set_ylim(len(months) - 0.45, -0.55)
    ax.set_xlim(0, 100)
    ax.set_xlabel("% of the variance of the logarithm (80 % interval)", fontsize=8)
    found = [source for source in sources if source in set(own["source"])]
    ax.legend(handles=[Patch(color=SOURCE_COLOURS[s], label=sources[s]) for s in found],
              loc="upper center", bbox_to_anchor=(0.42, -0.17), ncols=3, fontsize=7.5,
              handlelength=1.0, columnspacing=1.0)  # fmt: skip
