"""Age pyramids: five-year ages, two sexes, groups of statuses stacked outwards."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.figures.figure import figure
from sim.figures.look import Look
from sim.figures.style import GREY, INK, group_legend, new_figure, panel_title, panels, present

SEXES = {"M": ("Men", "男性"), "F": ("Women", "女性")}
"""Codes of the sexes in the tables, left side first."""

BAND_YEARS = 5


@figure("pyramids", "ages")
def draw_pyramids(ages: pd.DataFrame, look: Look) -> Figure:
    """The first, the middle and the last year, side by side on one scale.

    ages: year, status, sex (M, F), age (lower bound of five years; negative = unknown), people.
    """
    counted = ages[ages["status"].isin(look.counted()) & (ages["age"] >= 0)]
    table = _by_band(counted, look)
    years = sorted({int(year) for year in counted["year"]})
    shown = sorted({years[0], years[len(years) // 2], years[-1]})
    figure = new_figure(
        (5 * len(shown) + 0.4 if len(shown) > 1 else 8, 6.6),
        f"Age and sex of the foreign residents of {look.country.en}: "
        + ", ".join(str(year) for year in shown),
        "People by five-year age; all panels have the same horizontal scale.",
        look,
    )
    axes = panels(figure, 1, len(shown), (0.35, 0), (0.75, 0.35, 0.8, 0.35))
    widest = table.groupby(["year", "sex", "age"]).sum().max()
    for ax, year in zip(axes, shown, strict=True):
        _pyramid(ax, table, year, look, 1.08 * float(widest))
    axes[0].set_ylabel("age")
    for ax in axes[1:]:
        ax.tick_params(left=False, labelleft=False)
        ax.spines["left"].set_visible(False)
    group_legend(figure, table.index.get_level_values("group"), look)
    return figure


def _by_band(ages: pd.DataFrame, look: Look) -> pd.Series:
    """People by year, sex, age and group."""
    group = ages["status"].astype(str).map(look.group_of)
    keys = [ages["year"], ages["sex"].astype(str), ages["age"], group.rename("group")]
    return ages["people"].groupby(keys).sum()


def _pyramid(ax: Axes, table: pd.Series, year: int, look: Look, widest: float) -> None:
    people = table.loc[year]
    panel_title(ax, f"{year}", f"{people.sum():,.0f} people", 11)
    groups = present(look.groups, people.index.get_level_values("group"))
    bands = sorted({int(age) for age in people.index.get_level_values("age")})
    for sign, sex in zip((-1, 1), SEXES, strict=True):
        base = np.zeros(len(bands))
        for group in groups:
            width = people.reindex([(sex, age, group) for age in bands], fill_value=0.0).to_numpy()
            ax.barh(
                bands,
                sign * width,
                0.9 * BAND_YEARS,
                base,
                align="edge",
                color=look.groups[group].colour,
            )
            base += sign * width
        en, ja = SEXES[sex]
        ax.text(
            0.5 + 0.48 * sign,
            0.98,
            f"{en} {ja}\n{abs(base.sum()):,.0f}",
            fontsize=9,
            transform=ax.transAxes,
            color=GREY,
            va="top",
            ha="left" if sign < 0 else "right",
        )
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set_xlim(-widest, widest)
    ax.set_ylim(0, max(bands) + BAND_YEARS)
    ax.xaxis.set_major_locator(MaxNLocator(6, symmetric=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
    ax.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 10]))
    ax.set_xlabel("people in each five years of age")
    ax.grid(axis="y", visible=False)
