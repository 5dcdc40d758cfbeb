"""All figures of a run, from its tables. Nothing is written here: `png_bytes` gives the file.

Tables come as pandas frames; months may be dates or text, codes may be categories. Read parquet
with dates as numpy dates (`to_pandas(date_as_object=False)`): Python dates cost seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure

from sim.figures.figure import RunFigure, RunTables
from sim.figures.firms import draw_firms
from sim.figures.flows import draw_flows
from sim.figures.indicators import draw_indicators, draw_queues
from sim.figures.look import Look
from sim.figures.maps import draw_prefectures, draw_support
from sim.figures.municipalities import draw_municipalities
from sim.figures.pyramids import draw_pyramids
from sim.figures.residents import draw_residents, draw_trajectories
from sim.figures.settled import draw_settled
from sim.figures.style import house_style

FIGURES: Final[tuple[RunFigure[Any], ...]] = (
    draw_residents,
    draw_settled,
    draw_trajectories,
    draw_prefectures,
    draw_flows,
    draw_pyramids,
    draw_municipalities,
    draw_support,
    draw_firms,
    draw_indicators,
    draw_queues,
)
"""In the order of a report. To add one: a file with a function under `@figure`, and its line."""


def draw_all(
    frames: Mapping[str, pd.DataFrame], published: Mapping[str, pd.DataFrame], look: Look
) -> dict[str, Figure]:
    """Figures by name (the file's name without its ending), in order; see RunTables.

    A figure is left out if a table that it needs has no rows.
    """
    tables = RunTables(frames, published)
    with house_style():
        drawn = {one.name: one.drawn(tables, look) for one in FIGURES}
    return {name: picture for name, picture in drawn.items() if picture is not None}
