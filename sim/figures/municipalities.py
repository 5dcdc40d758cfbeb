"""How residents are spread over the municipalities."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sim.figures.figure import figure
from sim.figures.look import Look
from sim.figures.style import GREY, INK, PALE, new_figure, panel_title, panels, thousands

TOP = 20

BEFORE, AFTER = "#9aa3af", "#0b5394"


@figure("municipalities", "municipalities")
def draw_municipalities(municipalities: pd.DataFrame, look: Look) -> Figure:
    """The twenty largest, first against last year, and how concentrated residents are.

    municipalities: year, municipality, residents (other columns are not used).
    """
    years = sorted({int(year) for year in municipalities["year"]})
    table = municipalities.pivot_table("residents", "municipality", "year", "sum", observed=True)
    first, last = table[years[0]].fillna(0.0), table[years[-1]].fillna(0.0)
    half = _how_many(last, 0.5)
    figure = new_figure(
        (14, 8.2),
        f"Foreign residents by municipality, {years[0]} and {years[-1]}",
        f"Half of all foreign residents live in {half:,} of the {len(table):,} municipalities "
        f"in {years[-1]}; in {years[0]} it was {_how_many(first, 0.5):,}.",
        look,
    )
    left, right = panels(figure, 1, 2, (1.0, 0), (2.4, 0.5, 0.55, 0.4))
    _largest(left, first, last, look, (years[0], years[-1]))
    _concentration(right, first, last, (years[0], years[-1]))
    return figure


def _how_many(residents: pd.Series, share: float) -> int:
    """Fewest municipalities that hold that share of all residents."""
    ranked = np.sort(residents.to_numpy())[::-1].cumsum()
    return int(np.searchsorted(ranked, share * ranked[-1])) + 1


def _largest(
    ax: Axes, first: pd.Series, last: pd.Series, look: Look, years: tuple[int, int]
) -> None:
    panel_title(
        ax,
        f"The {min(TOP, len(last))} with most foreign residents in {years[1]}",
        "外国人住民の多い市区町村",
    )
    codes = list(last.sort_values(ascending=False, kind="stable").index[:TOP])
    y = np.arange(len(codes))
    ax.hlines(y, first[codes], last[codes], color="#cbd2da", linewidth=3.5, zorder=1)
    ax.plot(first[codes], y, "o", color=BEFORE, markersize=7, label=str(years[0]))
    ax.plot(last[codes], y, "o", color=AFTER, markersize=8, label=str(years[1]))
    for place, code in enumerate(codes):
        rightmost = max(first[code], last[code])
        ax.annotate(
            f"{last[code]:,.0f}",
            (rightmost, place),
            (8, 0),
            va="center",
            fontsize=8,
            textcoords="offset points",
            color=INK,
        )
    ax.set_yticks(y, [_name(str(code), look) for code in codes])
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
    ax.set_ylim(len(codes) - 0.5, -0.5)
    ax.set_xlim(0, 1.13 * max(first[codes].max(), last[codes].max()))
    ax.grid(axis="y", visible=False)
    thousands(ax.xaxis, 5)
    ax.set_xlabel("foreign residents")
    ax.legend(loc="lower right")


def _name(code: str, look: Look) -> str:
    """Name with its prefecture, the first two digits of the code; the code if it has no name."""
    if code not in look.municipalities:
        return code
    name = look.municipalities[code].both()
    return f"{name}, {look.prefectures[code[:2]].en}" if code[:2] in look.prefectures else name


def _concentration(ax: Axes, first: pd.Series, last: pd.Series, years: tuple[int, int]) -> None:
    panel_title(
        ax, "Share of all foreign residents in the largest municipalities", "上位市区町村への集中度"
    )
    for residents, year, colour in ((first, years[0], BEFORE), (last, years[1], AFTER)):
        ranked = np.sort(residents.to_numpy())[::-1].cumsum()
        rank = np.arange(1, ranked.size + 1)
        ax.plot(rank, 100 * ranked / ranked[-1], color=colour, linewidth=2.4, label=str(year))
    half = _how_many(last, 0.5)
    ax.plot([1, half, half], [50, 50, 0], color=PALE, linewidth=0.9, linestyle=(0, (3, 2)))
    ax.annotate(
        f"half live in {half:,}",
        (half, 50),
        (9, -5),
        textcoords="offset points",
        fontsize=8.5,
        va="top",
        color=GREY,
    )
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator([1, 3, 10, 30, 100, 300, 1000]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.set_xlim(1, max(len(last), 2))
    ax.set_ylim(0, 102)
    ax.set_xlabel("number of municipalities, largest first (logarithmic)")
    ax.legend(loc="upper left")
