"""What a fan shows: quantiles by month beside what was published and what others say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

NAMES: Final = ("q025", "q10", "q25", "median", "q75", "q90", "q975")
"""Columns of quantiles."""

BANDS: Final = (("q025", "q975", 0.16, "95 %"), ("q10", "q90", 0.26, "80 %"),
                ("q25", "q75", 0.42, "50 %"))  # fmt: skip
"""Lower and upper column, opacity, and level of the bands of a fan, the widest first."""

COLOUR: Final = "#0b6e99"

SOURCE_COLOURS: Final = {
    "rates": "#0b6e99", "demand": "#d55e00", "supply": "#009e73", "responses": "#cc79a7",
    "random": "#999999", "error": "#e6c229",
}  # fmt: skip
"""Of the sources of uncertainty."""


@dataclass(frozen=True)
class Beside:
    """What others say, to be drawn beside a fan: people by date, in words of a legend.

    joined  whether its dates are joined by a line
    """

    label: str
    points: pd.Series
    colour: str
    marker: str
    joined: bool = False


@dataclass(frozen=True)
class Fan:
    """One panel: quantiles by month (NAMES), the published past, and what others say."""

    en: str
    ja: str
    quantiles: pd.DataFrame
    past: pd.Series
    beside: Sequence[Beside]
