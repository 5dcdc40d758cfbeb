"""Who changed status in a year: ribbons from where people were to where they went."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from sim.figures.figure import figure
from sim.figures.look import Label, Look
from sim.figures.style import BOLD, GREY, INK, month_text, new_figure, panels, spread

SOURCES = {
    "arrived": Label("Arrived from abroad", "新規入国", "#6b7280"),
    "born": Label("Born", "出生", "#9aa3af"),
}

SINKS = {
    "naturalised": Label("Became citizens", "帰化", "#374151"),
    "left": Label("Left the country", "出国", "#6b7280"),
    "died": Label("Died", "死亡", "#9aa3af"),
}
"""Ends of flows that are not statuses, as the table `flows` writes them."""

THIN = 0.001
"""Ribbons below this share of all changes would be thinner than a hair and are not drawn."""

MONTHS = 12

X_LEFT, X_RIGHT, NODE = 0.0, 1.0, 0.022


@figure("flows", "flows")
def draw_flows(flows: pd.DataFrame, look: Look, year: int | None = None) -> Figure:
    """Changes between groups of statuses in the last twelve months, or in a calendar year.

    flows: month, from, to, people. Changes inside a group (one stage to the next) are kept.
    """
    chosen, period = _period(flows, year)
    moves = _by_group(chosen, look)
    total = float(moves.sum())
    shown = moves[moves >= THIN * total]
    figure = new_figure(
        (13, 8.2),
        f"Who came, changed status or left: {look.country.en}, {period}",
        f"{total:,.0f} entries, births, changes of status and exits. Ribbons are as wide as the "
        f"number of people, coloured by where they were; {len(moves) - len(shown)} ribbons below "
        f"{THIN * total:,.0f} people ({moves.sum() - shown.sum():,.0f} in all) are not drawn.",
        look,
    )
    (ax,) = panels(figure, 1, 1, (0, 0), (2.9, 2.9, 0.35, 0.1))
    ax.set_xlim(X_LEFT, X_RIGHT)
    ax.set_ylim(1, 0)
    ax.axis("off")
    left = {**SOURCES, **look.groups}
    right = {**look.groups, **SINKS}
    starts = _nodes(ax, moves.groupby("from").sum(), left, X_LEFT)
    ends = _nodes(ax, moves.groupby("to").sum(), right, X_RIGHT)
    _ribbons(ax, shown, (left, right), (starts, ends), total)
    for x, ha, text in ((X_LEFT, "right", "before 変更前"), (X_RIGHT, "left", "after 変更後")):
        ax.text(x, -0.03, text, ha=ha, fontsize=9, color=GREY)
    return figure


def _period(flows: pd.DataFrame, year: int | None) -> tuple[pd.DataFrame, str]:
    """The rows of the year if the run covers it whole, else of the last twelve months."""
    months = sorted(flows["month"].unique())
    dates = pd.to_datetime(pd.Index([str(month) for month in months]))
    inside = dates.year == year
    if inside.sum() == MONTHS:
        kept, name = [m for m, keep in zip(months, inside, strict=True) if keep], str(year)
    else:
        kept = months[-MONTHS:]
        whole = len(kept) == MONTHS and dates[-1].month == MONTHS
        start, end = month_text(dates[-len(kept)]), month_text(dates[-1])
        name = str(dates[-1].year) if whole else end if start == end else f"{start} to {end}"
    return flows[flows["month"].isin(kept)], name


def _by_group(flows: pd.DataFrame, look: Look) -> pd.Series:
    """People by (from, to), statuses gathered into their groups; all-zero pairs dropped."""

    def gather(code: str) -> str:
        return look.group_of(code) if code in look.statuses else code

    pairs = flows.groupby(["from", "to"], observed=True)["people"].sum().reset_index()
    keys = [pairs[end].astype(str).map(gather) for end in ("from", "to")]
    moves = pairs["people"].groupby(keys).sum()
    return moves[moves > 0]


def _nodes(ax: Axes, totals: pd.Series, labels: dict[str, Label], x: float) -> dict[str, float]:
    """Draw one side's nodes; their upper edges on a scale where all people fill 1 - gaps."""
    codes = [code for code in labels if code in totals]
    gap = _gap(len(codes))
    scale = _scale(len(codes)) / float(totals.sum())
    tops: dict[str, float] = {}
    y = 0.0
    for code in codes:
        tops[code] = y
        y += scale * totals[code] + gap
    middles = [tops[code] + scale * totals[code] / 2 for code in codes]
    outwards = -1 if x == X_LEFT else 1
    start = x if outwards > 0 else x - NODE
    for code, middle, place in zip(codes, middles, spread(middles, 0.058, 0, 1), strict=True):
        colour = labels[code].colour
        ax.add_patch(
            Rectangle(
                (start, tops[code]),
                NODE,
                scale * totals[code],
                color=colour,
                clip_on=False,
                linewidth=0,
            )
        )
        edge, text = x + outwards * NODE, x + outwards * (NODE + 0.022)
        ax.plot(
            [edge, text - outwards * 0.004],
            [middle, place],
            color=GREY,
            linewidth=0.5,
            clip_on=False,
        )
        side = "left" if outwards > 0 else "right"
        ax.text(
            text,
            place - 0.002,
            labels[code].en,
            ha=side,
            va="bottom",
            fontsize=9.5,
            color=INK,
            **BOLD,
        )
        ax.text(
            text,
            place + 0.003,
            f"{labels[code].ja}  {totals[code]:,.0f}",
            ha=side,
            va="top",
            fontsize=8.5,
            color=GREY,
        )
    return tops


def _gap(n_nodes: int) -> float:
    return 0.24 / max(n_nodes - 1, 1)


def _scale(n_nodes: int) -> float:
    return 0.76 if n_nodes > 1 else 1.0


def _ribbons(
    ax: Axes,
    shown: pd.Series,
    labels: tuple[dict[str, Label], dict[str, Label]],
    tops: tuple[dict[str, float], dict[str, float]],
    total: float,
) -> None:
    """Curves from left to right, in the order of the nodes on both sides so that few cross."""
    starts, ends = dict(tops[0]), dict(tops[1])
    scale_left, scale_right = (_scale(len(side)) / total for side in tops)
    for before in starts:
        for after in ends:
            people = float(shown.get((before, after), 0.0))
            if people > 0:
                high = (scale_left * people, scale_right * people)
                edges = (starts[before], ends[after])
                _ribbon(ax, edges, high, labels[0][before].colour)
                starts[before] += high[0]
                ends[after] += high[1]


def _ribbon(ax: Axes, edges: tuple[float, float], high: tuple[float, float], colour: str) -> None:
    middle = (X_LEFT + X_RIGHT) / 2
    start, end = edges
    points = [
        (X_LEFT, start),
        (middle, start),
        (middle, end),
        (X_RIGHT, end),
        (X_RIGHT, end + high[1]),
        (middle, end + high[1]),
        (middle, start + high[0]),
        (X_LEFT, start + high[0]),
        (X_LEFT, start),
    ]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    ax.add_patch(PathPatch(Path(points, codes), facecolor=colour, alpha=0.42, linewidth=0))
