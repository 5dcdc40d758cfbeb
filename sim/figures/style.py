"""The look shared by all figures: fonts, frame, title, footer, tables by month.

Figures are built on the Agg canvas without pyplot: no window, no global figure list. Places are
given in inches and fixed, because automatic layouts draw every figure twice.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import matplotlib_fontja  # noqa: F401  registers the Japanese font IPAexGothic
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter, YearLocator
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from scipy.optimize import isotonic_regression

from sim.figures.look import Look

INK = "#1f2933"

GREY = "#6b7280"

PALE = "#9aa3af"

GRID = "#e6e9ed"

BOLD: dict[str, Any] = {"fontweight": "bold", "fontfamily": "DejaVu Sans"}
"""Bold text is English only: the Japanese font has no bold."""

DPI = 150

TITLE_INCHES = 0.95
"""Height kept free for the title and the line under it."""

FOOT_INCHES = 0.55
"""Height kept free for the run's name and the sources."""

_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans", "IPAexGothic"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": PALE,
    "axes.labelcolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": PALE,
    "ytick.color": PALE,
    "xtick.labelcolor": GREY,
    "ytick.labelcolor": GREY,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

_DRAWING = [
    key
    for key in matplotlib.rcParamsDefault
    if key.split(".")[0] in {"axes", "figure", "font", "grid", "legend", "lines", "patch"}
    or key.split(".")[0] in {"xtick", "ytick", "path", "savefig", "text", "agg", "hatch", "date"}
]
"""A user's own matplotlibrc must not change a run's figures; other settings are left alone."""


def house_style() -> AbstractContextManager[None]:
    """The settings under which figures are built and drawn, starting from matplotlib's own."""
    settings: dict[Any, Any] = {key: matplotlib.rcParamsDefault[key] for key in _DRAWING}
    settings.update(_STYLE)
    return matplotlib.rc_context(settings)


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG, 150 dots an inch; equal figures give equal bytes (no date, no version)."""
    stream = io.BytesIO()
    with house_style():
        figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    return stream.getvalue()


def new_figure(
    size: tuple[float, float], title: str, subtitle: str, look: Look, sources: Iterable[str] = ()
) -> Figure:
    """An empty figure (inches) with its title on top; run, scenario, sample and sources below.

    sources: keys of `look.sources`; those without a text are left out.
    """
    figure = Figure(figsize=size, dpi=DPI)
    FigureCanvasAgg(figure)
    width, height = size
    left = 0.35 / width
    figure.text(left, 1 - 0.2 / height, title, fontsize=15, va="top", **BOLD)
    room = width - 0.7
    figure.text(left, 1 - 0.56 / height, subtitle, fontsize=_fitting(subtitle, 10, room),
                color=GREY, va="top")  # fmt: skip
    texts = [look.sources[key] for key in sources if key in look.sources]
    lines = ["Sources: " + "; ".join(texts) + "."] if texts else []
    made = f"Kyosei · run {look.run} · scenario: {look.scenario}"
    lines.append(f"{made} · {look.sample}" if look.sample else made)
    lines = [look.varies, *lines] if look.varies else lines
    for line, y in zip(reversed(lines), (0.13, 0.3, 0.47), strict=False):
        figure.text(left, y / height, line, fontsize=_fitting(line, 7.5, room), color=PALE,
                    va="bottom")  # fmt: skip
    return figure


def _fitting(text: str, size: float, inches: float) -> float:
    """The size of a font, at most `size`, in which a line of text fits into so many inches."""
    wide = sum(1.9 if ord(sign) > 0x2E80 else 1.0 for sign in text)  # Japanese signs are wider
    return min(size, 72 * inches / (0.56 * max(wide, 1)))


def panels(
    figure: Figure, rows: int, columns: int, gaps: tuple[float, float], margins: Sequence[float]
) -> list[Axes]:
    """Axes in a grid, row by row. gaps: inches across and down; margins: left, right, top, bottom.

    The title and the footer are kept free beyond the margins.
    """
    width, height = figure.get_size_inches()
    left, right, top, bottom = margins
    bottom += FOOT_INCHES
    cell_width = (width - left - right - gaps[0] * (columns - 1)) / columns
    cell_height = (height - TITLE_INCHES - top - bottom - gaps[1] * (rows - 1)) / rows
    places = [(row, column) for row in range(rows) for column in range(columns)]
    return [
        figure.add_axes(
            (
                (left + column * (cell_width + gaps[0])) / width,
                (bottom + (rows - 1 - row) * (cell_height + gaps[1])) / height,
                cell_width / width,
                cell_height / height,
            )
        )
        for row, column in places
    ]


def panel_title(axes: Axes, en: str, ja: str = "", size: float = 9.5) -> None:
    """English in bold above the panel, Japanese small beneath it; long names shrink to fit."""
    inches = axes.get_position().width * axes.figure.get_figwidth()  # type: ignore[union-attr]
    fits = 72 * (inches + 0.5) / (0.62 * max(len(en), 1))
    rise = 15 if ja else 5
    common: dict[str, Any] = {
        "xy": (0, 1),
        "xycoords": "axes fraction",
        "textcoords": "offset points",
    }
    axes.annotate(en, xytext=(0, rise), fontsize=min(size, fits), **BOLD, **common)
    if ja:
        axes.annotate(ja, xytext=(0, 4), fontsize=size - 1.5, color=GREY, **common)


def thousands(axis: Axis, ticks: int = 5) -> None:
    """Numbers with separators on few ticks, with as many digits as they need."""
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def unit_note(ax: Axes, unit: str, colour: str = GREY) -> None:
    """The unit of the vertical axis, small above the upper right corner."""
    ax.annotate(unit, (1, 1), (0, 4), "axes fraction", "offset points", ha="right", fontsize=8,
                color=colour)  # fmt: skip


def year_axis(axes: Axes, first: pd.Timestamp, last: pd.Timestamp, ticks: int = 6) -> None:
    """Years on the horizontal axis, never more than about `ticks` of them, on round years."""
    span = max((last - first).days / 365.25, 1.0)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100) if span / step <= ticks)
    axes.xaxis.set_major_locator(YearLocator(step))
    axes.xaxis.set_major_formatter(DateFormatter("%Y"))
    spare = pd.Timedelta(days=0 if last > first else 183)
    axes.set_xlim(first - spare, last + spare)  # type: ignore[arg-type]


def people_by(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """People by month (rows, first of the month) and `key` (columns); float64, 0 if absent."""
    dates = "month" if "month" in table else "date"
    sums = table.groupby([dates, key], observed=True)["people"].sum().unstack(fill_value=0)
    months = pd.to_datetime(pd.Index(sums.index.astype(str)))
    sums.index = months.to_period("M").to_timestamp()
    sums.columns = [str(code) for code in sums.columns]
    return sums.astype(float).sort_index()


def columns_of(table: pd.DataFrame, codes: Iterable[str]) -> pd.DataFrame:
    """Those codes' columns, 0 where the table has none; other codes are dropped."""
    return table.reindex(columns=list(codes), fill_value=0.0)


def residents_of(table: pd.DataFrame, look: Look) -> pd.Series:
    """All residents in the published total, by month, of people by status."""
    return columns_of(table, look.counted()).sum(axis=1)


def month_range(*tables: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last month of the tables that have rows."""
    filled = [table for table in tables if len(table)]
    return min(t.index[0] for t in filled), max(t.index[-1] for t in filled)


def month_text(month: pd.Timestamp) -> str:
    """June 2025, in English whatever the machine's language."""
    names = "January February March April May June July August September October November December"
    return f"{names.split()[month.month - 1]} {month.year}"


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places nearest to `values` (least squares) that are `gap` apart, inside [low, high]."""
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(order))
    wanted = np.asarray(values, dtype=float)[order] - steps
    places = np.clip(isotonic_regression(wanted).x, low, max(high - gap * (len(order) - 1), low))
    result = np.empty(len(order))
    result[order] = places + steps
    return result.tolist()


def present(labels: Mapping[str, object], codes: Iterable[str]) -> list[str]:
    """The codes that occur, in the order of `labels`."""
    found = set(codes)
    return [code for code in labels if code in found]


def group_legend(figure: Figure, groups: Iterable[str], look: Look) -> None:
    """The groups' colours under the title, in one row or two."""
    labels = [look.groups[code] for code in present(look.groups, groups)]
    width, height = figure.get_size_inches()
    inches = sum(0.55 + 0.07 * len(label.en) + 0.12 * len(label.ja) for label in labels)
    rows = 1 if inches < width - 0.5 else 2
    figure.legend(
        handles=[Patch(color=label.colour, label=label.both()) for label in labels],
        loc="upper left",
        bbox_to_anchor=(0.25 / width, 1 - 0.8 / height),
        ncols=-(-len(labels) // rows),
        columnspacing=1.3,
        handlelength=1.2,
        handletextpad=0.5,
        fontsize=8.5,
    )
