"""Figures of a comparison, from its tables; the arms keep their colours in all of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter

from sim.figures.look import FAN, Look, Measure
from sim.figures.maps import tile_key, tile_map
from sim.figures.scorecard import draw_scorecard
from sim.figures.style import (
    GREY,
    INK,
    PALE,
    house_style,
    month_text,
    new_figure,
    panel_title,
    panels,
    present,
    thousands,
    unit_note,
    year_axis,
)

ARM_COLOURS: Final = ("#0b5394", "#b45309", "#15803d", "#7c3aed", "#be123c", "#0e7490")

UP: Final = "#0b5394"

DOWN: Final = "#b45309"

MOST_MAPS: Final = 6

TICKS: Final = (-1e6, -1e5, -1e4, -1e3, 0, 1e3, 1e4, 1e5, 1e6)

NOTHING: Final = 1e-12

EFFECT: Final = ("effect", "low", "high", "random_low", "random_high")

INTERVALS: Final = (("low", "high", 5, 0.35), ("random_low", "random_high", 9, 0.6))
"""Columns, line width and opacity of the outer and the inner interval of an effect."""

Lines = Sequence[tuple[str, pd.DataFrame, str]]
"""Name, table of one row with EFFECT, and colour."""


def leaves_zero_out(rows: Any) -> Any:
    """Whether an interval, low and high, tells an effect from zero; of a row or of a table."""
    return (rows["low"] > 0) | (rows["high"] < 0)


def interval(ax: Axes, lines: Lines, times: float, digits: int) -> None:
    """One line for each name, from the top: the effect as a dot, hollow if its interval holds zero,
    both intervals as bars, and text.

    times: what values are multiplied by, such as 100 for shares.
    """
    ax.axvline(0.0, color=PALE, linewidth=0.9)
    filled = [(name, times * row[list(EFFECT)].iloc[0].astype(float), colour)
              for name, row, colour in lines if len(row)]  # fmt: skip
    for place, (_, row, colour) in enumerate(filled):
        for low, high, wide, alpha in INTERVALS:
            ax.plot([row[low], row[high]], [place, place], color=colour, linewidth=wide,
                    alpha=alpha, solid_capstyle="butt")  # fmt: skip
        ax.plot(row["effect"], place, "o", color=colour, markersize=7,
                markerfacecolor=colour if leaves_zero_out(row) else "white")  # fmt: skip
        texts = [f"{row[part]:+,.{digits}f}" for part in ("effect", "low", "high")]
        known = f"[{texts[1]}, {texts[2]}]" if row["low"] == row["low"] else "(no interval)"
        text = f"{texts[0]}  {known}"
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
    """A long name on several lines, broken at spaces or underscores."""
    lines = [""]
    for part in re.findall(r"[^ _]+[ _]?", name):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def draw_groups(effects: pd.DataFrame, colours: Mapping[str, str], look: Look) -> Figure:
    """Effects on people by status and by origin at the last month, one dot for each arm."""
    baseline, *arms = colours
    last = effects["month"].max()
    now = effects[effects["month"] == last]
    kinds = (("status", "people", look.statuses), ("origin", "residents", look.origins))
    figure = new_figure(
        (15.5, 9.6),
        f"Effects by status and origin, {month_text(last)}",
        f"Difference in people from {look.arm(baseline)}, with {look.both_intervals}. Grey: it"
        f" holds zero. {_beside_zero(now, kinds)}",
        look,
    )  # fmt: skip
    axes = panels(figure, 1, 2, (2.8, 0), (2.8, 0.35, 0.35, 0.3))
    for ax, (by, indicator, labels) in zip(axes, kinds, strict=True):
        some = now[(now["by"] == by) & (now["indicator"] == indicator)]
        order = present(labels, some["group"])
        names = [labels[code].en for code in order]
        for k, arm in enumerate(arms):
            own = some[some["arm"] == arm].set_index("group").reindex(order)
            place = np.arange(len(order)) + 0.7 * ((k + 0.5) / len(arms) - 0.5)
            ink = np.where(leaves_zero_out(own), colours[arm], PALE)
            ax.hlines(place, own["low"], own["high"], color=ink, linewidth=2.2, alpha=0.4)
            ax.hlines(
                place, own["random_low"], own["random_high"], color=ink, linewidth=3.6, alpha=0.6
            )
            ax.scatter(own["effect"], place, 12, ink, zorder=3)
        ax.axvline(0.0, color=PALE, linewidth=0.9)
        ax.set_yticks(range(len(order)), names)
        ax.tick_params(axis="y", length=0, labelcolor=INK)
        ax.set_ylim(len(order) - 0.4, -0.6)
        ax.set_xscale("symlog", linthresh=1000, linscale=0.6)
        ax.xaxis.set_major_locator(FixedLocator(TICKS))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ax.tick_params(axis="x", labelrotation=30)
        panel_title(ax, f"People by {by}; beyond 1,000 the scale is logarithmic")
    arm_legend(figure, {arm: colours[arm] for arm in arms}, look)
    return figure


def _beside_zero(now: pd.DataFrame, kinds: Sequence[tuple[str, str, Any]]) -> str:
    """How many of the intervals that are drawn leave zero out."""
    drawn = pd.concat([now[(now["by"] == by) & (now["indicator"] == name)]
                       for by, name, _ in kinds])  # fmt: skip
    clear = int(leaves_zero_out(drawn).sum())
    return f"{clear} of {len(drawn)} intervals leave zero out."


def arm_legend(figure: Figure, colours: Mapping[str, str], look: Look) -> None:
    """The arms' colours and titles under the title."""
    width, height = figure.get_size_inches()
    figure.legend(
        handles=[Line2D([], [], color=colour, linewidth=2.4, label=look.arm(arm))
                 for arm, colour in colours.items()],
        loc="upper left", bbox_to_anchor=(0.25 / width, 1 - 0.78 / height),
        ncols=int(np.clip(len(colours), 1, 6)), columnspacing=1.5, handlelength=1.6, fontsize=9,
    )  # fmt: skip


def draw_maps(effects: pd.DataFrame, baseline: str, arms: Sequence[str], look: Look) -> Figure:
    """Tile maps of the relative difference in residents of each prefecture at the last month."""
    last = effects["month"].max()
    own = effects[(effects["month"] == last) & (effects["by"] == "prefecture")]
    own = own[own["indicator"] == "residents"]
    shown = list(arms)[:MOST_MAPS]
    columns = min(len(shown), 2 if len(shown) in (2, 4) else 3)
    rows = -(-len(shown) // columns)
    figure = new_figure(
        (8.2 * columns + 0.6, 1.5 + 7.4 * rows),
        f"Effects on residents by prefecture, {month_text(last)}",
        f"Difference from {look.arm(baseline)} in per cent of the prefecture's residents. Blank:"
        f" the {look.level} interval holds zero.",
        look,
    )
    known = own[own["baseline_value"] > 0]
    clear = known[leaves_zero_out(known)]
    change = {arm: _relative(clear[clear["arm"] == arm]).reindex(list(look.tiles)).dropna()
              for arm in shown}  # fmt: skip
    widest = max((float(values.abs().max()) for values in change.values() if len(values)),
                 default=0.0)  # fmt: skip
    norm = Normalize(-max(widest, 0.01), max(widest, 0.01))
    axes = panels(figure, rows, columns, (0.3, 0.4), (0.3, 0.3, 0.1, 0.05))
    for ax, arm in zip(axes, shown, strict=False):
        tile_map(ax, change[arm], look, (norm, "PuOr_r"), "{:+.1f}".format)
        tile_key(ax, f"{look.arm(arm)}, %", (norm, "PuOr_r"), "{:+g}".format)
        count = int((known["arm"] == arm).sum())
        note = f"{len(change[arm])} of {count} prefectures are distinguishable from zero"
        ax.text(0.01, 0.79, note, transform=ax.transAxes, fontsize=9, color=GREY)
    for ax in axes[len(shown) :]:
        ax.remove()
    return figure


def _relative(rows: pd.DataFrame) -> pd.Series:
    """Effect in per cent of the baseline, by group."""
    some = rows.set_index("group")
    return 100 * some["effect"] / some["baseline_value"]


def draw_waterfall(parts: pd.DataFrame, look: Look) -> Figure:
    """Settled residents at the last month: each part alone, what is between them, and all."""
    last = parts["month"].max()
    own = parts[(parts["month"] == last) & (parts["by"] == "all")]
    own = own[own["indicator"] == "settled"]
    packages = list(dict.fromkeys(own["package"]))
    most = max(int((own["package"] == name).sum()) for name in packages)
    figure = new_figure(
        (max(12.0, 3.0 + 1.15 * most), 1.6 + 4.6 * len(packages)),
        f"Decomposition of a package, {month_text(last)}",
        "Settled residents, people: each part alone, then what the parts together add or take,"
        f" with {look.both_intervals}.",
        look,
    )
    axes = panels(figure, len(packages), 1, (0, 1.5), (1.0, 0.35, 0.35, 0.85))
    for ax, name in zip(axes, packages, strict=True):
        _falls(ax, own[own["package"] == name], look)
        panel_title(ax, look.arm(name))
    return figure


def _falls(ax: Axes, rows: pd.DataFrame, look: Look) -> None:
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
    names = [*(look.arm(str(part)) for part in order["part"]), "all together"]
    ax.set_xticks(range(len(names)), [_folded(name, 16) for name in names])
    ax.tick_params(axis="x", length=0, labelcolor=INK, labelsize=8 if len(names) < 12 else 6.5)
    ax.axhline(0.0, color=PALE, linewidth=0.9)
    ax.grid(axis="x", visible=False)
    ax.margins(y=0.18)
    thousands(ax.yaxis, 6)


def _bar(ax: Axes, place: int, level: float, row: Mapping[Any, Any], colour: str) -> None:
    effect, low, high, random_low, random_high = (float(row[name]) for name in EFFECT)
    ax.bar(place, effect, 0.7, level, color=colour, alpha=0.75)
    ax.plot([place, place], [level + low, level + high], color=INK, linewidth=1.2)
    ax.plot([place, place], [level + random_low, level + random_high], color=INK, linewidth=3.6)
    top = level + float(np.nanmax([high, effect, 0.0]))
    text = f"{effect:+,.0f}" if abs(effect) > NOTHING else "0"
    ax.annotate(text, (place, top), (0, 4), textcoords="offset points", ha="center", fontsize=8.5)


COLUMNS: Final = 3

HEADLINE: Final = ("settled", "settled_share")


def draw_comparison(
    tables: Mapping[str, pd.DataFrame], arms: Sequence[str], look: Look
) -> dict[str, Figure]:
    """Figures by name. tables: effects, values, scorecard and, if there is one, decomposition.

    arms: their names, the baseline first.
    """
    effects, values = tables["effects"], tables["values"]
    parts = tables.get("decomposition", pd.DataFrame())
    colours = dict(zip(arms, _colours(len(arms)), strict=True))
    with house_style():
        figures = {
            "headline": draw_headline(effects, parts, colours, look),
            "fans": draw_fans(values, int(effects["replicates"].iloc[0]), colours, look),
            "effects": draw_effects(effects, colours, look),
            "groups": draw_groups(effects, colours, look),
            "prefectures": draw_maps(effects, arms[0], list(arms)[1:], look),
        }
        if len(parts):
            figures["waterfall"] = draw_waterfall(parts, look)
        for number, arm in enumerate(arms):
            figures[f"scorecard_{number}"] = draw_scorecard(tables["scorecard"], arm, look)
    return figures


def _colours(count: int) -> list[str]:
    """The baseline is grey; colours come again only if there are many arms."""
    return [GREY, *(ARM_COLOURS[k % len(ARM_COLOURS)] for k in range(count - 1))]


def draw_headline(
    effects: pd.DataFrame, parts: pd.DataFrame, colours: Mapping[str, str], look: Look
) -> Figure:
    """What each arm does to settlement: over time, and alone and together at the end."""
    baseline, *arms = colours
    own = effects[effects["by"] == "all"]
    last = own["month"].max()
    count = int(own["replicates"].iloc[0])
    figure = new_figure(
        (15, 9.4),
        "What each policy does to settlement",
        f"Differences from {look.arm(baseline)}, means over {count} paired replicates. Bands and"
        f" bars: {look.both_intervals}. Thin or hollow: it holds zero.",
        look,
    )
    axes = panels(figure, 2, 2, (2.9, 0.95), (0.95, 0.35, 0.55, 0.3))
    for row, indicator in enumerate(HEADLINE):
        some = own[own["indicator"] == indicator]
        line, dots = axes[2 * row : 2 * row + 2]
        measure = look.measure(indicator)
        _effect_panel(line, some, colours, measure)
        panel_title(line, measure.en, measure.ja)
        lines = [(look.arm(arm), some[(some["arm"] == arm) & (some["month"] == last)], colours[arm])
                 for arm in arms]  # fmt: skip
        if len(parts):
            between = parts[(parts["kind"] == "interaction") & (parts["by"] == "all")]
            between = between[(between["indicator"] == indicator) & (between["month"] == last)]
            between = between[between["package"].isin(arms)]
            lines += [(f"interaction in {look.arm(name)}", between[between["package"] == name], INK)
                      for name in dict.fromkeys(between["package"])]  # fmt: skip
        interval(dots, lines, measure.times, 2 if measure.times > 1 else 0)
        panel_title(dots, f"In {month_text(last)}, {measure.unit_of_change}")
    arm_legend(figure, {arm: colours[arm] for arm in arms}, look)
    return figure


def draw_fans(values: pd.DataFrame, count: int, colours: Mapping[str, str], look: Look) -> Figure:
    """Median of all arms with the range of `count` replicates, and their middle 80 % if there are
    enough of them; the baseline is dashed and on top."""
    baseline, *arms = colours
    bands = [("lowest", "highest", 0.12), ("q10", "q90", 0.22)][: 2 if count >= FAN else 1]

    def panel(ax: Axes, some: pd.DataFrame, measure: Measure) -> None:
        for arm in (*arms, baseline):
            line = some[some["arm"] == arm].sort_values("month")
            month = line["month"]
            for low, high, alpha in bands:
                ax.fill_between(month, measure.times * line[low], measure.times * line[high],
                                color=colours[arm], alpha=alpha, linewidth=0)  # fmt: skip
            style: Any = (0, (4, 2)) if arm == baseline else "-"
            ax.plot(month, measure.times * line["median"], color=colours[arm], linewidth=1.8,
                    linestyle=style)  # fmt: skip
        _axis(ax, measure.unit_shown)

    band = "dark band: 80 % interval; pale: " if count >= FAN else "band: "
    return _small_panels(
        values, "Levels over time",
        f"Medians over {count} replicates; {band}lowest to highest.",
        colours, look, panel,
    )  # fmt: skip


def draw_effects(effects: pd.DataFrame, colours: Mapping[str, str], look: Look) -> Figure:
    """Effect of each arm over time with its interval."""
    baseline, *arms = colours

    def panel(ax: Axes, some: pd.DataFrame, measure: Measure) -> None:
        _effect_panel(ax, some, colours, measure)

    return _small_panels(
        effects, "Effects over time",
        f"Paired differences from {look.arm(baseline)}: means over replicates with"
        f" {look.both_intervals}. Thin: it holds zero.",
        {arm: colours[arm] for arm in arms}, look, panel,
    )  # fmt: skip


def _small_panels(
    table: pd.DataFrame, title: str, subtitle: str, colours: Mapping[str, str], look: Look,
    panel: Any,
) -> Figure:  # fmt: skip
    everybody = table[table["by"] == "all"]
    known = set(everybody.groupby("indicator")["month"].nunique().loc[lambda n: n > 1].index)
    chosen = [one.so_far() if one.summed else one for one in look.indicators.values()
              if one.compare]  # fmt: skip
    measures = [measure for measure in chosen if measure.name in known]
    rows = math.ceil(len(measures) / COLUMNS)
    figure = new_figure((15, 2.5 + 2.45 * rows), title, subtitle, look)
    axes = panels(figure, rows, COLUMNS, (0.95, 0.9), (0.95, 0.35, 0.75, 0.3))
    first, last = everybody["month"].min(), everybody["month"].max()
    for ax, measure in zip(axes, measures, strict=False):
        panel(ax, everybody[everybody["indicator"] == measure.name], measure)
        year_axis(ax, first, last, 6)
        panel_title(ax, measure.en, measure.ja)
    for ax in axes[len(measures) :]:
        ax.remove()
    arm_legend(figure, colours, look)
    return figure


def _effect_panel(
    ax: Axes, some: pd.DataFrame, colours: Mapping[str, str], measure: Measure
) -> None:
    times = measure.times
    ax.axhline(0.0, color=PALE, linewidth=0.9)
    for arm in dict.fromkeys(some["arm"]):
        line, ink = some[some["arm"] == arm].sort_values("month"), colours[str(arm)]
        for low, high, alpha in (("low", "high", 0.16), ("random_low", "random_high", 0.28)):
            ax.fill_between(line["month"], times * line[low], times * line[high], color=ink,
                            alpha=alpha, linewidth=0)  # fmt: skip
        effect = times * line["effect"]
        ax.plot(line["month"], effect, color=ink, linewidth=0.8)
        ax.plot(line["month"], effect.where(leaves_zero_out(line)), color=ink, linewidth=2.2)
    _axis(ax, measure.unit_of_change)
    if len(some):
        year_axis(ax, some["month"].min(), some["month"].max(), 6)


def _axis(ax: Axes, unit: str) -> None:
    thousands(ax.yaxis, 5)
    ax.grid(axis="x", visible=False)
    unit_note(ax, unit)
