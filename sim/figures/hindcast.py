"""Figures of hindcasts: projections with intervals beside observations, and the scoreboard."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.config.schema.run import RunConfig
from sim.figures.look import Look, look_of
from sim.figures.style import (
    GREY,
    INK,
    PALE,
    house_style,
    new_figure,
    panel_title,
    panels,
    present,
    thousands,
    year_axis,
)

COLUMNS = 5

FEW_PEOPLE = 10_000

MODEL = "kyosei"

NAIVE = ("last", "linear_2y", "linear_1y", "event_aware")

MODEL_COLOUR = "#0b6e99"

BANDS = ((0.95, 0.18), (0.8, 0.28), (0.5, 0.45))


def hindcast_look(config: RunConfig, number: str) -> Look:
    """Names and colours of the country, and the number of the hindcast."""
    return look_of(config, number, sources={"stocks": "Immigration Services Agency (e-Stat)"})


def draw_paths(forecast: pd.DataFrame, published: pd.DataFrame, origin: str, look: Look) -> Figure:
    """Members' projections after the origin beside published stocks, one panel for each status.

    forecast: month, member, kind, code, people; published: month, code, people (statuses).
    Bands: 50, 80 and 95 % of the members; line: the central one, 0; dots: published.
    """
    said = forecast[forecast["kind"] == "status"]
    last = str(said["month"].max())
    came = published[published["month"] <= last]
    large = came[came["month"] == last].set_index("code")["people"]
    codes = present(look.statuses, large[large >= FEW_PEOPLE].index)
    rows = math.ceil((len(codes) + 1) / COLUMNS)
    with house_style():
        figure = new_figure(
            (15, 2.2 + 2.05 * rows), f"Looking from {origin} to {last}: projected and observed",
            "People. Line: central forecast. Bands: 50, 80, 95 % intervals. Dots: published.",
            look, ["stocks"],
        )  # fmt: skip
        axes = panels(figure, rows, COLUMNS, (0.72, 0.78), (0.85, 0.35, 0.6, 0.35))
        total = said.groupby(["month", "member"])["people"].sum()
        dots = came.groupby("month")["people"].sum()
        _panel(axes[0], total.unstack(), dots, INK)
        panel_title(axes[0], "All residents", "在留外国人総数")
        for ax, code in zip(axes[1:], codes, strict=False):
            mine = said[said["code"] == code].set_index(["month", "member"])["people"].unstack()
            label = look.statuses[code]
            theirs = came[came["code"] == code].set_index("month")["people"]
            _panel(ax, mine, theirs, look.groups[label.group].colour)
            panel_title(ax, label.en, label.ja)
        for ax in axes[len(codes) + 1 :]:
            ax.remove()
    return figure


def _panel(ax: Axes, members: pd.DataFrame, dots: pd.Series, colour: str) -> None:
    """members: months x members, 0 the central one; dots: by month (YYYY-MM)."""
    when = pd.to_datetime(pd.Index(members.index))
    drawn = members.drop(columns=0).to_numpy()
    for level, alpha in BANDS:
        ends = [50 - 50 * level, 50 + 50 * level]
        low, high = np.percentile(drawn, ends, axis=1, method="weibull")
        ax.fill_between(when, low, high, color=colour, alpha=alpha, linewidth=0)
    ax.plot(when, members[0], color=colour, linewidth=1.6)
    dots = dots.sort_index()
    dates = pd.to_datetime(pd.Index(dots.index.astype(str)))
    ax.plot(dates, dots.to_numpy(float), ".", color=GREY, markersize=4)
    ax.set_ylim(0, 1.1 * max(float(dots.max()), float(members.to_numpy().max())))
    thousands(ax.yaxis)
    year_axis(ax, dates[0], max(dates[-1], when[-1]))


def draw_scoreboard(means: pd.DataFrame, differences: pd.DataFrame, look: Look) -> Figure:
    """Mean error over statuses of every forecaster, by horizon, and coverage of 80 % intervals.

    means: set, events, years, kind, forecaster, origins, error, in_80; differences: of the block
    bootstrap (set, events, years, kind, forecaster, rival, score, low_95, high_95).
    Judging origins if there are any, else all. Ours in colour; a star marks ours where the 95 %
    interval of the difference from the best rival lies below 0.
    """
    chosen = "judging" if (means["set"] == "judging").any() else "all"
    own = means[(means["set"] == chosen) & (means["kind"] == "status")]
    events = [e for e in ("told", "not_told") if (own["events"] == e).any()]
    years = sorted(own["years"].unique())
    with house_style():
        figure = new_figure(
            (3.3 * len(years) + 0.6, 2.0 + 2.9 * len(events)),
            f"Hindcasts: how wrong each forecast was ({chosen} origins)",
            "Sum of absolute errors over statuses, % of all residents, mean of origins. *: better "
            "than the best naive forecast (95 % interval of a block bootstrap).",
            look, ["stocks"],
        )  # fmt: skip
        axes = iter(panels(figure, len(events), len(years), (1.15, 0.75), (1.15, 0.4, 0.35, 0.3)))
        for told in events:
            for horizon in years:
                ax = next(axes)
                rows = own[(own["events"] == told) & (own["years"] == horizon)]
                rows = rows.set_index("forecaster")
                better = _better(differences, chosen, told, horizon, rows["error"])
                _bars(ax, rows["error"], better)
                panel_title(ax, f"{horizon:g} years, events {told.replace('_', ' ')}",
                            f"{int(rows['origins'].max())} origins")  # fmt: skip
    return figure


def _better(
    differences: pd.DataFrame, chosen: str, told: str, horizon: float, error: pd.Series
) -> set[str]:
    """Ours that are surely better than the best of the rivals."""
    rivals = error[[name for name in error.index if name in NAIVE]]
    own = differences[
        (differences["set"] == chosen) & (differences["events"] == told)
        & (differences["years"] == horizon) & (differences["kind"] == "status")
        & (differences["score"] == "error") & (differences["rival"] == rivals.idxmin())
    ]  # fmt: skip
    return set(own[own["high_95"] < 0]["forecaster"])


def _bars(ax: Axes, error: pd.Series, better: set[str]) -> None:
    error = error.sort_values(ascending=False)
    colours = [MODEL_COLOUR if str(name).startswith(MODEL) else PALE for name in error.index]
    percent = 100 * error.to_numpy(float)
    shown = np.minimum(percent, 40.0)
    names = [str(name).replace("_", " ") for name in error.index]
    ax.barh(names, shown, color=colours)
    for row, (name, value, length) in enumerate(zip(error.index, percent, shown, strict=True)):
        mark = "*" if name in better else ""
        ax.text(length + 0.4, row, f"{value:.1f}{mark}", va="center", fontsize=8, color=INK)
    ax.set_xlim(0, 46)
    ax.grid(axis="y", visible=False)
