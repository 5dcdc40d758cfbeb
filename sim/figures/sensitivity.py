"""The tornado: how far each factor moves each output, the others at their central values."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.figures.look import Look
from sim.figures.style import INK, house_style, new_figure, panel_title, panels

LOW, HIGH = "#0072b2", "#d55e00"

SHOWN = 12


def draw_tornado(swings: pd.DataFrame, labels: dict[str, str], span: str, look: Look) -> Figure:
    """One panel for each output; the widest factors on top.

    swings: factor, output, central, low, high, as `sim.studies.sensitivity.study.tornado`.
    """
    outputs = list(dict.fromkeys(swings["output"]))
    with house_style():
        figure = new_figure(
            (15, 3.0 + 2.6 * ((len(outputs) + 1) // 2)), f"What the answer hangs on, {span}",
            "Change of each output when one factor is at its low (blue) or high (red), %.", look,
        )  # fmt: skip
        axes = panels(figure, (len(outputs) + 1) // 2, 2, (3.0, 0.85), (2.7, 0.5, 0.35, 0.3))
        for ax, output in zip(axes, outputs, strict=False):
            rows = swings[swings["output"] == output]
            _bars(ax, rows, labels)
            central = rows["central"].iloc[0]
            panel_title(ax, f"{output.replace('_', ' ')}: {readable(central)}")
        for ax in axes[len(outputs) :]:
            ax.remove()
    return figure


def readable(value: float) -> str:
    """People in whole numbers, shares with four digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


def _bars(ax: Axes, rows: pd.DataFrame, labels: dict[str, str]) -> None:
    low = 100 * (rows["low"] / rows["central"] - 1).to_numpy(float)
    high = 100 * (rows["high"] / rows["central"] - 1).to_numpy(float)
    order = np.argsort(np.maximum(np.abs(low), np.abs(high)), kind="stable")[-SHOWN:]
    names = [labels[name] for name in rows["factor"].iloc[order]]
    ax.barh(names, low[order], color=LOW)
    ax.barh(names, high[order], color=HIGH)
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.grid(axis="y", visible=False)
