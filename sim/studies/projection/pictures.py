"""The figure of a projection, from its tables and from what was published."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from sim.figures.look import Look, look_of
from sim.figures.projection import draw_projection
from sim.figures.style import png_bytes
from sim.studies.draws import LABELS, what_is_held
from sim.studies.projection.ensemble import Projected
from sim.studies.projection.fans import fans_of
from sim.studies.projection.summary import what_varies


def figures_of(asked: Projected, tables: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    """Name -> PNG."""
    bands = what_varies(asked.request.settings.members, "50, 80 and 95 % intervals")
    note = f"Line: median. Bands: {bands}. {what_is_held(asked.drawn)}"
    residents, *small = fans_of(tables["quantiles"], asked.config)
    figure = draw_projection(residents, small, tables["variance"], LABELS, _look(asked), note)
    return {"projection": png_bytes(figure)}


def _look(asked: Projected) -> Look:
    settings = asked.request.settings
    look = look_of(asked.config, asked.number, sources=asked.config.country.sources)
    return replace(
        look, run=asked.number,
        sample=f"{settings.members} members at scale {settings.member_scale:g}, seed"
        f" {asked.config.seed}",
    )  # fmt: skip
