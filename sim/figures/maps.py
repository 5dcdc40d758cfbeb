"""Tile maps: one cell for each prefecture, in the places that the configuration gives."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from sim.figures.figure import figure
from sim.figures.look import Look
from sim.figures.style import BOLD, GREY, INK, month_text, new_figure, panels, people_by

Colour = str | tuple[float, float, float, float]

EMPTY = "#eef0f2"

FEW = 200
"""Simulated residents below which growth of a prefecture is mostly chance."""


@figure("prefectures", "stocks")
def draw_prefectures(stocks: pd.DataFrame, look: Look) -> Figure:
    """Residents at the end of the run, and growth since its start.

    stocks: month, status, prefecture, people (other columns are summed over).
    """
    months = sorted(stocks["month"].unique())
    ends = stocks[stocks["month"].isin([months[0], months[-1]])]
    people = people_by(ends[ends["status"].isin(look.counted())], "prefecture")
    known = [code for code in look.tiles if code in people]
    people = people[known]
    first, last = people.iloc[0], people.iloc[-1]
    growth = (last / first.where(first > 0)).dropna()
    whole = float(last.sum() / first.sum())
    start, end = month_text(people.index[0]), month_text(people.index[-1])
    figure = new_figure(
        (17, 8.6),
        f"Where the foreign residents of {look.country.en} live",
        f"{last.sum():,.0f} people in {end}; {whole:.2f} times the {first.sum():,.0f} of {start}.",
        look,
    )
    left, right = panels(figure, 1, 2, (0.4, 0), (0.35, 0.35, 0.0, 0.05))
    positive = last[last > 0]
    size = LogNorm(positive.min() / 1.6, positive.max())
    tile_map(left, positive, look, (size, "YlGnBu"), "{:,.0f}".format)
    tile_key(left, f"Residents, {end}", (size, "YlGnBu"), "{:,.0f}".format)
    ratio = _around(growth, whole)
    few = frozenset(code for code in known if look.simulated(first[code]) < FEW)
    tile_map(right, growth, look, (ratio, "PuOr_r"), "×{:.2f}".format, few)
    tile_key(
        right,
        f"Residents in {end} / {start}; white = the whole country",
        (ratio, "PuOr_r"),
        "×{:.2f}".format,
    )
    if few:
        note = f"(in brackets: fewer than {FEW} simulated residents in {start}, mostly chance)"
        right.text(0.01, 0.79, note, transform=right.transAxes, fontsize=8, color=GREY)
    return figure


def _around(growth: pd.Series, whole: float) -> Normalize:
    """Logarithmic and symmetric about the whole country's growth, so that white means average."""
    widest = max(float((growth / whole).max()), float((whole / growth[growth > 0]).max()), 1.05)
    return LogNorm(whole / widest, whole * widest)


def tile_map(
    ax: Axes,
    values: pd.Series,
    look: Look,
    scale: tuple[Normalize, str],
    text: Callable[[float], str],
    doubtful: Collection[str] = (),
) -> None:
    """One tile for each prefecture, coloured by its value and with `text(value)` in it.

    doubtful: prefectures whose values say little: these are in brackets, on tiles without colour.
    """
    norm, colours = scale
    rows = [row for row, _ in look.tiles.values()]
    columns = [column for _, column in look.tiles.values()]
    ax.set_xlim(-0.05, max(columns) + 1.05)
    ax.set_ylim(max(rows) + 1.05, -0.05)
    ax.set_aspect("equal", anchor="C")
    ax.axis("off")
    for code, (row, column) in look.tiles.items():
        value = values.get(code)
        doubt = code in doubtful
        fill: Colour = EMPTY if value is None or doubt else colormaps[colours](norm(value))
        ax.add_patch(
            FancyBboxPatch(
                (column + 0.03, row + 0.03),
                0.94,
                0.94,
                boxstyle="round,pad=0,rounding_size=0.09",
                facecolor=fill,
                edgecolor="#c9ced6",
                linewidth=0.6,
            )
        )
        ink = "white" if value is not None and _is_dark(fill) else INK
        label = look.prefectures[code]
        written = "" if value is None else f"({text(value)})" if doubt else text(value)
        for x_text, drop, font in (
            (label.en, 0.26, 6.2),
            (label.ja, 0.5, 7.2),
            (written, 0.76, 7.2 if len(written) < 9 else 6.2),
        ):
            ax.text(
                column + 0.5,
                row + drop,
                x_text,
                ha="center",
                va="center",
                fontsize=font,
                color=ink,
                **(BOLD if drop > 0.7 and not doubt else {}),
            )


def _is_dark(fill: Colour) -> bool:
    """White text reads better than ink on it (relative luminance as in the WCAG contrast rule)."""
    linear = [((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(fill)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.22


def _round_ticks(low: float, high: float) -> list[float]:
    """About six round numbers between low and high, for a logarithmic scale."""
    if high < 2 * low:
        ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high)
        return [tick for tick in ticks if low <= tick <= high]
    decades = [10.0**power for power in range(-3, 8)]
    whole = [decade * step for decade in decades for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)]
    kept: list[float] = []
    for tick in (tick for tick in whole if low <= tick <= high):
        if not kept or tick >= kept[-1] * (high / low) ** 0.17:
            kept.append(tick)
    return kept


def tile_key(
    ax: Axes, title: str, scale: tuple[Normalize, str], text: Callable[[float], str]
) -> None:
    """Colour bar in the empty north-west of the map."""
    norm, colours = scale
    inset = ax.inset_axes((0.01, 0.86, 0.42, 0.028))
    bar = ax.figure.colorbar(ScalarMappable(norm, colours), cax=inset, orientation="horizontal")
    low, high = norm.vmin or 0.0, norm.vmax or 1.0
    if isinstance(norm, LogNorm):
        bar.set_ticks(_round_ticks(low, high))
    else:
        ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
        bar.set_ticks([tick for tick in ticks if low <= tick <= high])
    bar.ax.xaxis.set_minor_locator(NullLocator())
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=8, labelcolor=GREY)
    inset.set_title(title, fontsize=10.5, loc="left", color=INK, pad=7, **BOLD)


FULL_SUPPORT = 2
"""Levels from this one up count as a centre."""


@figure("support", "municipalities", needs=["municipalities.sentiment"])
def draw_support(municipalities: pd.DataFrame, look: Look) -> Figure:
    """Share of residents with a centre, and of nationals opposed around them, in the last year.

    municipalities: year, municipality, residents, support, sentiment. Both are means over foreign
    residents.
    """
    last = municipalities[municipalities["year"] == municipalities["year"].max()]
    codes = last["municipality"].astype(str).str[:2].to_numpy()
    people = last["residents"].to_numpy(dtype=float)
    levels = list(look.levels)
    centre = last["support"].astype(str).isin(levels[FULL_SUPPORT:]).to_numpy(dtype=float)
    opposed = last["sentiment"].to_numpy(dtype=float)
    year = int(last["year"].iloc[0])
    whole = max(people.sum(), 1e-9)
    with_centre = 100 * (centre * people).sum() / whole
    figure = new_figure(
        (17, 8.6),
        f"Support and sentiment where foreign residents live, {year}",
        f"{with_centre:.0f} % of foreign residents live in a municipality with a one-stop centre; "
        f"around the mean resident {100 * (opposed * people).sum() / whole:.0f} % of nationals are "
        "opposed to more foreign workers. How these move is mostly assumed, not observed.",
        look,
    )
    left, right = panels(figure, 1, 2, (0.4, 0), (0.35, 0.35, 0.0, 0.05))
    support = _by_prefecture(100 * centre, people, codes, look)
    scale = (Normalize(0, 100), "YlGnBu")
    tile_map(left, support, look, scale, "{:.0f} %".format)
    tile_key(left, "Residents with a one-stop centre", scale, "{:.0f} %".format)
    hostile = _by_prefecture(100 * opposed, people, codes, look)
    scale = (Normalize(0, 100), "OrRd")
    tile_map(right, hostile, look, scale, "{:.0f} %".format)
    tile_key(right, "Opposed to more foreign workers (assumed)", scale, "{:.0f} %".format)
    return figure


def _by_prefecture(
    values: np.ndarray, people: np.ndarray, codes: np.ndarray, look: Look
) -> pd.Series:
    """Mean over foreign residents; prefectures without any are left out."""
    sums = pd.DataFrame({"value": values * people, "people": people}).groupby(codes).sum()
    known = sums.index.isin(list(look.tiles)) & (sums["people"] > 0).to_numpy()
    return sums["value"][known] / sums["people"][known]
