"""Figures of a comparison, from its tables; the arms keep their colours in all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.plots_compare_parts import (
    ARM_COLOURS,
    arm_legend,
    draw_groups,
    draw_maps,
    draw_waterfall,
    interval,
)
from sim.plots_label import Label
from sim.plots_look import Look
from sim.plots_scorecard import draw_scorecard
from sim.plots_style import (
    GREY,
    INK,
    PALE,
    house_style,
    month_text,
    new_figure,
    panel_title,
    panels,
    thousands,
    year_axis,
)

PERCENT_ENDINGS: Final = ("_share", "_rate")
COLUMNS: Final = 3
HEADLINE: Final = ("settled", "settled_share")
PANELS: Final = (
    "residents", "settled", "settled_share", "permanent", "departures_so_far",
    "permanent_grants_so_far", "naturalisations_so_far", "irregular", "job_retention_all_share",
    "language_b1_share", "nhi_payment_rate", "retention_5y_share",
)  # fmt: skip
"""What is drawn by month, as far as it was recorded."""
NAMES: Final = {
    "settled": Label("Settled residents", "定着型在留資格の在留外国人"),
    "permanent": Label("Permanent residents", "永住者"),
}


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
            "fans": draw_fans(values, colours, look),
            "effects": draw_effects(effects, colours, look),
            "groups": draw_groups(effects, colours, look),
            "prefectures": draw_maps(effects, list(arms)[1:], look),
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
        f"Differences from {baseline}, mean of {count} paired replicates. Bands and bars:"
        f" intervals of the mean; those at the right are of {month_text(last)}.",
        look,
    )
    axes = panels(figure, 2, 2, (2.9, 0.95), (0.95, 0.35, 0.55, 0.3))
    for row, indicator in enumerate(HEADLINE):
        some = own[own["indicator"] == indicator]
        line, dots = axes[2 * row : 2 * row + 2]
        _effect_panel(line, some, colours, indicator)
        panel_title(line, *_label(indicator, look))
        lines = [(arm, some[(some["arm"] == arm) & (some["month"] == last)], colours[arm])
                 for arm in arms]  # fmt: skip
        if len(parts):
            between = parts[(parts["kind"] == "interaction") & (parts["by"] == "all")]
            between = between[(between["indicator"] == indicator) & (between["month"] == last)]
            between = between[between["package"].isin(arms)]
            lines += [(f"interaction in {name}", between[between["package"] == name], INK)
                      for name in dict.fromkeys(between["package"])]  # fmt: skip
        interval(dots, lines, 100.0 if _is_share(indicator) else 1.0, 2 if row else 0)
        panel_title(dots, f"In {month_text(last)}, {_unit(indicator)}")
    arm_legend(figure, {arm: colours[arm] for arm in arms})
    return figure


def draw_fans(values: pd.DataFrame, colours: Mapping[str, str], look: Look) -> Figure:
    """Median of all arms, with the middle 80 % and the whole range of the replicates."""

    def panel(ax: Axes, some: pd.DataFrame, indicator: str) -> None:
        times = 100.0 if _is_share(indicator) else 1.0
        for arm, colour in colours.items():
            line = some[some["arm"] == arm].sort_values("month")
            month = line["month"]
            for low, high, alpha in (("lowest", "highest", 0.12), ("q10", "q90", 0.22)):
                ax.fill_between(month, times * line[low], times * line[high], color=colour,
                                alpha=alpha, linewidth=0)  # fmt: skip
            ax.plot(month, times * line["median"], color=colour, linewidth=1.8)
        _axis(ax, indicator)

    return _small_panels(
        values, "Where the arms are heading",
        "Medians over replicates; dark band: the middle 80 % of them; pale: lowest to highest.",
        colours, look, panel,
    )  # fmt: skip


def draw_effects(effects: pd.DataFrame, colours: Mapping[str, str], look: Look) -> Figure:
    """Effect of each arm over time with its interval."""
    baseline, *arms = colours

    def panel(ax: Axes, some: pd.DataFrame, indicator: str) -> None:
        _effect_panel(ax, some, colours, indicator)

    return _small_panels(
        effects, "Effects over time",
        f"Paired differences from {baseline}: mean and interval of the mean over replicates.",
        {arm: colours[arm] for arm in arms}, look, panel,
    )  # fmt: skip


def _small_panels(
    table: pd.DataFrame, title: str, subtitle: str, colours: Mapping[str, str], look: Look,
    panel: Any,
) -> Figure:  # fmt: skip
    everybody = table[table["by"] == "all"]
    known = set(everybody.groupby("indicator")["month"].nunique().loc[lambda n: n > 1].index)
    names = [name for name in PANELS if name in known]
    rows = math.ceil(len(names) / COLUMNS)
    figure = new_figure((15, 2.5 + 2.45 * rows), title, subtitle, look)
    axes = panels(figure, rows, COLUMNS, (0.95, 0.9), (0.95, 0.35, 0.75, 0.3))
    first, last = everybody["month"].min(), everybody["month"].max()
    for ax, name in zip(axes, names, strict=False):
        panel(ax, everybody[everybody["indicator"] == name], name)
        year_axis(ax, first, last, 6)
        panel_title(ax, *_label(name, look))
    for ax in axes[len(names) :]:
        ax.remove()
    arm_legend(figure, colours)
    return figure


def _effect_panel(ax: Axes, some: pd.DataFrame, colours: Mapping[str, str], indicator: str) -> None:
    times = 100.0 if _is_share(indicator) else 1.0
    ax.axhline(0.0, color=PALE, linewidth=0.9)
    for arm in dict.fromkeys(some["arm"]):
        line = some[some["arm"] == arm].sort_values("month")
        ax.fill_between(line["month"], times * line["low"], times * line["high"],
                        color=colours[str(arm)], alpha=0.2, linewidth=0)  # fmt: skip
        ax.plot(line["month"], times * line["effect"], color=colours[str(arm)], linewidth=2)
    _axis(ax, indicator, points=True)
    if len(some):
        year_axis(ax, some["month"].min(), some["month"].max(), 6)


def _axis(ax: Axes, indicator: str, points: bool = False) -> None:
    if _is_share(indicator):
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        thousands(ax.yaxis, 5)
    ax.grid(axis="x", visible=False)
    unit = _unit(indicator) if points or not _is_share(indicator) else "%"
    ax.annotate(unit, (1, 1), (0, 4), "axes fraction", "offset points", ha="right", fontsize=8,
                color=GREY)  # fmt: skip


def _is_share(indicator: str) -> bool:
    return indicator.endswith(PERCENT_ENDINGS)


def _unit(indicator: str) -> str:
    return "percentage points" if _is_share(indicator) else "people"


def _label(indicator: str, look: Look) -> tuple[str, str]:
    flow = indicator.removesuffix("_so_far")
    label = NAMES.get(indicator) or look.indicators.get(flow)
    if label is None:
        return indicator.replace("_", " ").capitalize(), ""
    so_far = (", so far", "（累計）") if flow != indicator else ("", "")
    return label.en + so_far[0], label.ja + so_far[1]
