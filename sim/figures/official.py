"""Residents of projections beside the official one."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sim.figures.look import Look
from sim.figures.style import GREY, INK, house_style, new_figure, panels, thousands

COLOURS = ("#0b6e99", "#d55e00", "#009e73")


def draw_official(paths: dict[str, pd.Series], official: pd.DataFrame, look: Look) -> Figure:
    """paths: name -> residents by year (December, as a number); official: year, people."""
    with house_style():
        figure = new_figure(
            (9, 5.4), "Foreign residents to 2070, beside the official projection",
            "Millions of people. Dots: official projection of 2023; it begins with 2.75 million.",
            look, ["projection"],
        )  # fmt: skip
        ax = panels(figure, 1, 1, (0.5, 0.5), (0.75, 2.0, 0.1, 0.35))[0]
        for (name, path), colour in zip(paths.items(), COLOURS, strict=False):
            ax.plot(path.index, path / 1e6, color=colour, linewidth=2)
            end = (float(path.index[-1]), float(path.iloc[-1]) / 1e6)
            ax.annotate(name, end, xytext=(6, 0), textcoords="offset points", fontsize=8.5,
                        color=colour, va="center", annotation_clip=False)  # fmt: skip
        ax.plot(official["year"], official["people"] / 1e6, "o", color=INK, markersize=5)
        for year, people in official[["year", "people"]].itertuples(index=False):
            ax.annotate(f"{people / 1e6:.2f}", (year, people / 1e6), xytext=(0, 8),
                        textcoords="offset points", fontsize=8, color=GREY, ha="center",
                        )  # fmt: skip
        ax.set_xlim(2019, 2071)
        ax.set_ylim(0, None)
        thousands(ax.yaxis)
    return figure
