"""Firms: vacancies that nobody takes, and how many jobs are filled, by sector."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sim.figures.figure import figure
from sim.figures.look import Look
from sim.figures.style import (
    INK,
    new_figure,
    panel_title,
    panels,
    spread,
    thousands,
    unit_note,
    year_axis,
)


@figure("firms", "firms")
def draw_firms(firms: pd.DataFrame, look: Look) -> Figure:
    """Workers, vacancies, and the share of jobs that are filled, a line for each sector.

    firms: month, sector, firms, workers, vacancies (other columns are added up). The opening has
    no vacancies yet and is left out of the shares.
    """
    sums = {
        name: firms.pivot_table(name, "month", "sector", "sum", observed=True).fillna(0.0)
        for name in ("firms", "workers", "vacancies")
    }
    workers, vacancies = sums["workers"], sums["vacancies"]
    last = workers.index[-1]
    jobs = workers + vacancies
    filled = 100 * (workers / jobs.where(jobs > 0)).iloc[1:]
    total = jobs.loc[last].sum()
    lead = str(vacancies.loc[last].idxmax())
    figure = new_figure(
        (17, 7.4),
        f"Foreign workers, vacancies and jobs filled by sector, to {last.year}",
        f"{sums['firms'].loc[last].sum():,.0f} establishments, {workers.loc[last].sum():,.0f} "
        f"workers; {100 * vacancies.loc[last].sum() / max(total, 1):.1f} % of jobs vacant. Most "
        f"vacancies: {look.sectors[lead].en}.",
        look,
    )
    axes = panels(figure, 1, 3, (2.35, 0), (0.85, 2.25, 0.5, 0.35))
    titles = (
        ("Foreign workers", "外国人労働者"),
        ("Vacancies that nobody took", "未充足求人"),
        ("Share of jobs filled", "求人充足率"),
    )
    lines = (workers, vacancies.iloc[1:], filled)
    for ax, (en, ja), table in zip(axes, titles, lines, strict=True):
        panel_title(ax, en, ja)
        _lines(ax, table, look, from_zero=ax is not axes[2])
        year_axis(ax, workers.index[0], last)
        unit_note(ax, {0: "people", 1: "jobs", 2: "%; not from zero"}[axes.index(ax)])
    for ax in axes[:2]:
        thousands(ax.yaxis)
    axes[2].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    return figure


def _lines(ax: Axes, table: pd.DataFrame, look: Look, from_zero: bool) -> None:
    """A line for each sector with its name at the end."""
    if not len(table):
        return
    codes = [code for code in look.sectors if code in table]
    for code in codes:
        ax.plot(table.index, table[code], color=look.sectors[code].colour, linewidth=1.8)
    ends = table.iloc[-1][codes].fillna(0.0).to_numpy(dtype=float)
    low, high = ax.get_ylim()
    low = 0.0 if from_zero else low
    places = spread(list(ends), 0.055 * (high - low), low, high)
    for code, end, place in zip(codes, ends, places, strict=True):
        label = look.sectors[code]
        ax.annotate(
            label.en, (table.index[-1], end), (1.03, (place - low) / max(high - low, 1e-9)),
            textcoords="axes fraction", fontsize=7.5, va="center", color=INK,
            arrowprops={"arrowstyle": "-", "color": label.colour, "linewidth": 0.8,
                        "shrinkA": 0, "shrinkB": 1, "relpos": (0, 0.5)},
        )  # fmt: skip
    ax.set_ylim(low, high)
    ax.grid(axis="x", visible=False)
