"""Who settles: shares over time, and residents by group."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.figures.figure import figure
from sim.figures.look import Look
from sim.figures.style import (
    BOLD,
    GREY,
    INK,
    PALE,
    columns_of,
    month_range,
    new_figure,
    panel_title,
    panels,
    spread,
    thousands,
    year_axis,
)

SETTLED, PERMANENT = "#0b5394", "#c2570c"


@figure("settled", "people", "published people", needs=["stocks"])
def draw_settled(simulated: pd.DataFrame, published: pd.DataFrame, look: Look) -> Figure:
    """Settled and permanent shares beside the stacked groups.

    simulated, published: people, months x statuses.
    """
    settled = share(simulated, look.settled, look)
    figure = new_figure(
        (14, 6.4),
        f"Who settles in {look.country.en}: "
        f"{settled.iloc[0]:.1f} % settled in {settled.index[0].year}, "
        f"{settled.iloc[-1]:.1f} % in {settled.index[-1].year}",
        "Settled statuses: "
        + ", ".join(look.statuses[c].en for c in look.statuses if c in look.settled)
        + ".",
        look,
        ["stocks"],
    )
    left, right = panels(figure, 1, 2, (1.0, 0), (0.75, 2.35, 0.5, 0.3))
    _shares(left, simulated, published, look)
    _groups(right, simulated, published, look)
    return figure


def share(table: pd.DataFrame, codes: Iterable[str], look: Look) -> pd.Series:
    """Percent of the counted residents that hold one of those statuses, by month."""
    counted = columns_of(table, look.counted())
    inside = [code for code in look.counted() if code in set(codes)]
    return 100 * counted[inside].sum(axis=1) / counted.sum(axis=1)


def _shares(ax: Axes, simulated: pd.DataFrame, published: pd.DataFrame, look: Look) -> None:
    panel_title(ax, "Share of all residents", "在留外国人総数に占める割合")
    ax.axvline(simulated.index[0], color=PALE, linewidth=0.9, linestyle=(0, (3, 2)))
    permanent = ", ".join(look.statuses[code].en.lower() for code in look.permanent)
    kinds = [("settled", look.settled, SETTLED), (permanent, look.permanent, PERMANENT)]
    highest = 0.0
    for name, codes, colour in kinds:
        line = share(simulated, codes, look)
        ax.plot(line.index, line, color=colour, linewidth=2.2)
        dots = share(published, codes, look)
        text = f"{name} {line.iloc[-1]:.1f} %"
        both = pd.concat([dots, line])
        width = 0.0168 * len(text) * (line.index[-1] - both.index.min())  # of the text, about
        above = both[both.index >= line.index[-1] - width].max()
        _value(ax, (line.index[-1], above), text, "right", colour)
        if len(dots):
            ax.plot(
                dots.index,
                dots,
                "o",
                color=colour,
                markersize=3.6,
                markerfacecolor="white",
                clip_on=False,
                zorder=3,
            )
            third = dots.iloc[: max(len(dots) // 3, 1)]
            above = max([third.max(), *line[: third.index[-1]]])
            _value(ax, (dots.index[0], above), f" {dots.iloc[0]:.1f} %", "left", colour)
            if dots.index[-1] > line.index[0]:
                _value(
                    ax, (dots.index[-1], dots.iloc[-1]), f"{dots.iloc[-1]:.1f} %", "under", colour
                )
        highest = max([highest, line.max(), *dots])
    ax.set_ylim(0, 1.22 * highest)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.grid(axis="x", visible=False)
    year_axis(ax, *month_range(simulated, published))
    ax.legend(
        handles=[
            Line2D([], [], color=GREY, linewidth=2.2, label="simulated"),
            Line2D(
                [],
                [],
                color=GREY,
                marker="o",
                markersize=3.6,
                markerfacecolor="white",
                linewidth=0,
                label="published",
            ),
            Line2D([], [], color=PALE, linestyle=(0, (3, 2)), label="simulation starts"),
        ],
        loc="upper right",
        ncols=3,
        fontsize=8.5,
        handlelength=1.4,
    )


def _value(ax: Axes, place: tuple[pd.Timestamp, float], text: str, side: str, colour: str) -> None:
    ax.annotate(
        text,
        place,
        (0, -16 if side == "under" else 6),
        textcoords="offset points",
        ha="left" if side == "left" else "right",
        fontsize=9.5,
        color=colour,
        **BOLD,
    )


def by_group(table: pd.DataFrame, look: Look) -> pd.DataFrame:
    """People, months x groups, of the statuses in the published total; empty groups left out."""
    counted = columns_of(table, look.counted())
    groups = counted.T.groupby(look.group_of).sum().T
    return groups[[code for code in look.groups if code in groups and groups[code].sum() > 0]]


def _groups(ax: Axes, simulated: pd.DataFrame, published: pd.DataFrame, look: Look) -> None:
    """Published past in pale colours up to the first simulated month, then the run."""
    panel_title(ax, "Residents by group of statuses", "在留資格の区分別")
    groups = by_group(simulated, look)
    colours = [look.groups[str(code)].colour for code in groups]
    ax.stackplot(
        groups.index,
        groups.T.to_numpy(),
        colors=colours,
        alpha=0.92,
        linewidth=0.4,
        edgecolor="white",
    )
    first, start = groups.index[0], groups.index[0]
    past = columns_of(by_group(published, look), groups.columns) if len(published) else published
    past = past[past.index <= start]
    if len(past) > 1:
        ax.stackplot(
            past.index,
            past.T.to_numpy(),
            colors=colours,
            alpha=0.45,
            linewidth=0.4,
            edgecolor="white",
        )
        first = past.index[0]
        ax.axvline(start, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
        for text, side in (("published ", "right"), (" simulated", "left")):
            ax.annotate(text, (start, 1), xycoords=("data", "axes fraction"), ha=side, va="top",
                        fontsize=8, color=GREY)  # fmt: skip
    top = 1.1 * max(groups.sum(axis=1).max(), past.sum(axis=1).max() if len(past) else 0)
    ax.set_ylim(0, top)
    thousands(ax.yaxis, 6)
    year_axis(ax, first, groups.index[-1])
    ax.set_ylabel("people")
    ax.grid(axis="x", visible=False)
    _name_layers(ax, groups.iloc[-1], look, top)


def _name_layers(ax: Axes, last: pd.Series, look: Look, top: float) -> None:
    """Each layer's name and size at the right edge, moved apart where layers are thin."""
    middles = (last.cumsum() - last / 2).tolist()
    for code, people, middle in zip(
        last.index, last, spread(middles, 0.085 * top, 0, top), strict=True
    ):
        label = look.groups[code]
        ax.annotate(
            label.en,
            (1.02, middle / top),
            xycoords="axes fraction",
            fontsize=8.5,
            color=label.colour,
            va="bottom",
            **BOLD,
        )
        ax.annotate(
            f"{label.ja}  {people:,.0f}",
            (1.02, middle / top),
            xycoords="axes fraction",
            fontsize=8,
            color=GREY,
            va="top",
        )
