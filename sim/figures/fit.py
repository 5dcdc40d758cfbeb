"""A fit beside the data: every status through the years, and rates before and after."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sim.figures.style import BOLD, DPI, GREY, PALE, house_style, png_bytes

COLUMNS = 5

FITTED, BELIEVED = "#0b5394", "#9aa3af"

INTERVAL = 1.2816


def draw_fit(
    targets: pd.DataFrame, rates: pd.DataFrame, labels: Mapping[str, str],
    colours: Mapping[str, str], title: str,
) -> dict[str, bytes]:  # fmt: skip
    """PNG files by name: `fit` (stocks by status) and `rates` (believed and fitted multipliers).

    targets: name, kind, month (YYYY-MM), published, simulated. rates: name, multiply, low, high,
    prior_median, prior_sd. labels and colours are those of statuses.
    """
    with house_style():
        figures = {
            "fit": _stocks(targets, labels, colours, title),
            "rates": _rates(rates, title),
        }
        return {name: png_bytes(figure) for name, figure in figures.items()}


def _stocks(
    targets: pd.DataFrame, labels: Mapping[str, str], colours: Mapping[str, str], title: str
) -> Figure:
    stocks = targets[targets["kind"] == "status"]
    names = list(dict.fromkeys(stocks["name"]))
    rows = -(-len(names) // COLUMNS)
    figure = _figure((15, 1.0 + 2.1 * rows), title, "Dots: published. Lines: simulated. Thousands.")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=False):
        own = stocks[stocks["name"] == name]
        years = _years(own["month"])
        ax.plot(years, own["simulated"] / 1e3, color=colours[name], linewidth=1.8)
        ax.plot(years, own["published"] / 1e3, "o", color=GREY, markersize=2.6, zorder=3)
        ax.set_title(labels[name], fontsize=8.5, loc="left")
        highest = max(own["simulated"].max(), own["published"].max(), 1.0)
        ax.set_ylim(0, 1.06e-3 * highest)
    for ax in axes[len(names) :]:
        ax.set_visible(False)
    return figure


def _rates(rates: pd.DataFrame, title: str) -> Figure:
    n = len(rates)
    half = -(-n // 2)
    figure = _figure(
        (15, 1.2 + 0.17 * half), title,
        "Multipliers of rates: believed before (grey) and fitted (blue), 80 % intervals.",
    )  # fmt: skip
    for ax, part in zip(figure.subplots(1, 2), (rates.iloc[:half], rates.iloc[half:]), strict=True):
        _intervals(ax, part)
    return figure


def _intervals(ax: Axes, rates: pd.DataFrame) -> None:
    y = np.arange(len(rates))[::-1]
    reach = np.exp(INTERVAL * rates["prior_sd"])
    prior = rates["prior_median"]
    ax.hlines(y + 0.15, prior / reach, prior * reach, color=BELIEVED, linewidth=2.4)
    ax.hlines(y - 0.15, rates["low"], rates["high"], color=FITTED, linewidth=1.4)
    ax.plot(rates["multiply"], y - 0.15, "o", color=FITTED, markersize=2.6)
    ax.axvline(1.0, color=PALE, linewidth=0.8)
    ax.set_xscale("log")
    ax.set_yticks(y, list(rates["name"]), fontsize=5.5)
    ax.set_ylim(-1, len(rates))
    ax.grid(axis="y", visible=False)


def _figure(size: tuple[float, float], title: str, subtitle: str) -> Figure:
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title}\n", x=0.01, ha="left", fontsize=13, **BOLD)
    figure.text(0.01, 1 - 0.42 / size[1], subtitle, fontsize=9, color=GREY, va="top")
    return figure


def _years(months: pd.Series) -> np.ndarray:
    """float64: years of month names; the end of December 2012 is 2013.0."""
    dates = months.astype(str)
    return dates.str[:4].to_numpy(float) + dates.str[5:].to_numpy(float) / 12
