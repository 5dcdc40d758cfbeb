"""Effects at the end of a comparison: by status and origin, by prefecture, by part of a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter

from sim.plots_look import Look
from sim.plots_prefectures import tile_key, tile_map
from sim.plots_style import (
    GREY,
    INK,
    PALE,
    month_text,
    new_figure,
    panel_title,
    panels,
    present,
    thousands,
)

ARM_COLOURS: Final = ("#0b5394", "#b45309", "#15803d", "#7c3aed", "#be123c", "#0e7490")
UP: Final = "#15803d"
DOWN: Final = "#be123c"
MOST_MAPS: Final = 6
TICKS: Final = (-1e6, -1e5, -1e4, -1e3, 0, 1e3, 1e4, 1e5, 1e6)
NOTHING: Final = 1e-12

Lines = Sequence[tuple[str, pd.DataFrame, str]]
"""Name, table of one row with effect, low and high, and colour."""


def interval(ax: Axes, lines: Lines, times: float, digits: int) -> None:
    """One line for each name, from the top: the effect as a dot, its interval as a bar, and text.

    times: what values are multiplied by, such as 100 for shares.
    """
    ax.axvline(0.0, color=PALE, linewidth=0.9)
    filled = [(name, times * row[["effect", "low", "high"]].iloc[0].astype(float), colour)
              for name, row, colour in lines if len(row)]  # fmt: skip
    for place, (_, row, colour) in enumerate(filled):
        ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=5, alpha=0.35,
                solid_capstyle="butt")  # fmt: skip
        ax.plot(row["effect"], place, "o", color=colour, markersize=7)
        texts = [f"{row[part]:+,.{digits}f}" for part in ("effect", "low", "high")]
        text = f"{texts[0]}  [{texts[1]}, {texts[2]}]"
        ax.annotate(text, (row["effect"], place), (0, 9), textcoords="offset points", ha="center",
                    fontsize=8.5, color=INK)  # fmt: skip
    ax.set_yticks(range(len(filled)), [_folded(name) for name, _, _ in filled])
    ax.tick_params(axis="y", length=0, labelsize=9, labelcolor=INK)
    ax.set_ylim(len(filled) - 0.5, -0.7)
    ax.margins(x=0.25)
    ax.grid(axis="y", visible=False)
    if digits == 0:
        thousands(ax.xaxis, 5)


def _folded(name: str, width: int = 26) -> str:
    """A long name on two lines, broken at a space or an underscore."""
    if len(name) <= width:
        return name
    breaks = [k + 1 for k, sign in enumerate(name) if sign in " _"]
    middle = min(breaks, key=lambda k: abs(k - len(name) / 2), default=len(name))
    return f"{name[:middle].rstrip()}\n{name[middle:]}"


def draw_groups(effects: pd.DataFrame, colours: Mapping[str, str], look: Look) -> Figure:
    """Effects on people by status and by origin at the last month, one dot for each arm."""
    baseline, *arms = colours
    last = effects["month"].max()
    now = effects[effects["month"] == last]
    kinds = (("status", "people", look.statuses), ("origin", "residents", look.origins))
    figure = new_figure(
        (15, 9.6),
        f"Whom it changes, {month_text(last)}",
        f"Difference in people from {baseline}, with intervals.",
        look,
    )  # fmt: skip
    axes = panels(figure, 1, 2, (2.6, 0), (2.6, 0.35, 0.35, 0.3))
    for ax, (by, indicator, labels) in zip(axes, kinds, strict=True):
        some = now[(now["by"] == by) & (now["indicator"] == indicator)]
        order = present(labels, some["group"])
        names = [labels[code].en for code in order]
        for k, arm in enumerate(arms):
            own = some[some["arm"] == arm].set_index("group").reindex(order)
            place = np.arange(len(order)) + 0.7 * ((k + 0.5) / len(arms) - 0.5)
            ax.hlines(place, own["low"], own["high"], color=colours[arm], linewidth=2.5, alpha=0.4)
            ax.plot(own["effect"], place, "o", color=colours[arm], markersize=3.6)
        ax.axvline(0.0, color=PALE, linewidth=0.9)
        ax.set_yticks(range(len(order)), names)
        ax.tick_params(axis="y", length=0, labelcolor=INK)
        ax.set_ylim(len(order) - 0.4, -0.6)
        ax.set_xscale("symlog", linthresh=1000, linscale=0.6)
        ax.xaxis.set_major_locator(FixedLocator(TICKS))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ax.tick_params(axis="x", labelrotation=30)
        panel_title(ax, f"People by {by}; beyond 1,000 the scale is logarithmic")
    arm_legend(figure, {arm: colours[arm] for arm in arms})
    return figure


def arm_legend(figure: Figure, colours: Mapping[str, str]) -> None:
    """The arms' colours under the title."""
    width, height = figure.get_size_inches()
    figure.legend(
        handles=[Line2D([], [], color=colour, linewidth=2.4, label=arm)
                 for arm, colour in colours.items()],
        loc="upper left", bbox_to_anchor=(0.25 / width, 1 - 0.78 / height),
        ncols=int(np.clip(len(colours), 1, 6)), columnspacing=1.5, handlelength=1.6, fontsize=9,
    )  # fmt: skip


def draw_maps(effects: pd.DataFrame, arms: Sequence[str], look: Look) -> Figure:
    """Tile maps of the relative difference in residents of each prefecture at the last month."""
    last = effects["month"].max()
    own = effects[(effects["month"] == last) & (effects["by"] == "prefecture")]
    own = own[own["indicator"] == "residents"]
    shown = list(arms)[:MOST_MAPS]
    columns = min(len(shown), 2 if len(shown) in (2, 4) else 3)
    rows = -(-len(shown) // columns)
    figure = new_figure(
        (8.2 * columns + 0.6, 1.5 + 7.4 * rows),
        f"Where it changes the number of residents, {month_text(last)}",
        "Difference from the baseline in per cent of the prefecture's residents.",
        look,
    )
    change = {
        arm: _relative(own[own["arm"] == arm]).reindex(list(look.tiles)).dropna() for arm in shown
    }
    widest = max((float(values.abs().max()) for values in change.values() if len(values)),
                 default=0.0)  # fmt: skip
    norm = Normalize(-max(widest, 0.01), max(widest, 0.01))
    axes = panels(figure, rows, columns, (0.3, 0.4), (0.3, 0.3, 0.1, 0.05))
    for ax, arm in zip(axes, shown, strict=False):
        tile_map(ax, change[arm], look, (norm, "PuOr_r"), "{:+.1f}".format)
        tile_key(ax, f"{arm}, %", (norm, "PuOr_r"), "{:+g}".format)
    for ax in axes[len(shown) :]:
        ax.remove()
    return figure


def _relative(rows: pd.DataFrame) -> pd.Series:
    """Effect in per cent of the baseline, by group; groups without anybody are left out."""
    some = rows[rows["baseline_value"] > 0].set_index("group")
    return 100 * some["effect"] / some["baseline_value"]


def draw_waterfall(parts: pd.DataFrame, look: Look) -> Figure:
    """Settled residents at the last month: each part alone, what is between them, and all."""
    last = parts["month"].max()
    own = parts[(parts["month"] == last) & (parts["by"] == "all")]
    own = own[own["indicator"] == "settled"]
    packages = list(dict.fromkeys(own["package"]))
    most = max(int((own["package"] == name).sum()) for name in packages)
    figure = new_figure(
        (max(9.0, 3.0 + 1.15 * most), 1.6 + 4.6 * len(packages)),
        f"What a package is made of, {month_text(last)}",
        "Settled residents: each part alone, then what the parts together add or take.",
        look,
    )
    axes = panels(figure, len(packages), 1, (0, 1.5), (1.0, 0.35, 0.35, 0.85))
    for ax, name in zip(axes, packages, strict=True):
        _falls(ax, own[own["package"] == name])
        panel_title(ax, name)
    return figure


def _falls(ax: Axes, rows: pd.DataFrame) -> None:
    alone = rows[rows["kind"] == "alone"].sort_values("effect", ascending=False)
    order = pd.concat([alone, rows[rows["kind"] == "interaction"]])
    level = 0.0
    for place, row in enumerate(order.to_dict("records")):
        colour = INK if row["kind"] == "interaction" else UP if row["effect"] >= 0 else DOWN
        _bar(ax, place, level, row, colour)
        level += float(row["effect"])
        ax.plot([place - 0.35, place + 1.35], [level, level], color=PALE, linewidth=0.9)
    whole = rows[rows["kind"] == "package"].to_dict("records")[0]
    _bar(ax, len(order), 0.0, whole, GREY)
    names = [*order["part"], "all together"]
    ax.set_xticks(range(len(names)), [_folded(str(name), 14) for name in names])
    ax.tick_params(axis="x", length=0, labelcolor=INK, labelsize=8 if len(names) < 12 else 6.5)
    ax.axhline(0.0, color=PALE, linewidth=0.9)
    ax.grid(axis="x", visible=False)
    ax.margins(y=0.18)
    thousands(ax.yaxis, 6)


def _bar(ax: Axes, place: int, level: float, row: Mapping[Any, Any], colour: str) -> None:
    effect, low, high = (float(row[name]) for name in ("effect", "low", "high"))
    ax.bar(place, effect, 0.7, level, color=colour, alpha=0.75)
    ax.plot([place, place], [level + low, level + high], color=INK, linewidth=1.2)
    top = level + max(high, effect, 0.0)
    text = f"{effect:+,.0f}" if abs(effect) > NOTHING else "0"
    ax.annotate(text, (place, top), (0, 4), textcoords="offset points", ha="center", fontsize=8.5)
