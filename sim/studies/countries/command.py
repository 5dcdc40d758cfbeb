"""`kyosei countries`: a comparison in each of two countries, and what can be set side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from sim.figures.countries import draw_countries
from sim.figures.style import png_bytes
from sim.files.folder import RunFolder
from sim.files.manifest import code_digest, environment, study_id
from sim.studies.comparison.command import make_asked
from sim.studies.comparison.effects import effects_table, values_table
from sim.studies.comparison.results import arrow_of
from sim.studies.countries.measures import arms_of_side, with_country
from sim.studies.countries.paths import paths_table
from sim.studies.countries.settings import GROUP, Side, sides_of
from sim.studies.countries.summary import notes_of, summary_of
from sim.studies.folder import SUMMARY, make_study, print_study

TABLES: Final = ("values", "effects", "paths")


def countries(words: Sequence[str], quiet: bool = False) -> int:
    """Make what is missing, write the study's folder, print its summary and the folder.

    Returns the exit code. Raises ConfigError before anything is written.
    """
    return print_study(lambda: make_countries(words, quiet), quiet)


def make_countries(words: Sequence[str], quiet: bool = False) -> tuple[int, Path]:
    """(highest exit code of the runs, the folder, which is written if the code is 0).

    Raises ConfigError before anything is written.
    """
    sides = sides_of(words)
    told = [side.compared.model_dump_json() for side in sides]
    number = study_id(GROUP, *(side.asked.number for side in sides), *told, code_digest())
    return make_study(
        "study of countries", sides[0].asked.plan.root, number,
        lambda: max(make_asked(side.asked, quiet)[0] for side in sides),
        partial(_write, sides=sides), quiet,
    )  # fmt: skip


def _write(place: RunFolder, sides: Sequence[Side]) -> None:
    tables = _tables(sides)
    for name, rows in tables.items():
        place.add_table(f"{name}.parquet", arrow_of(rows))
    place.add_text(SUMMARY, summary_of(sides, tables))
    figure = draw_countries(
        tables, {side.name: side.asked.look() for side in sides}, notes_of(sides), place.path.name
    )
    place.add_bytes("countries.png", png_bytes(figure))
    place.finish({
        "kind": GROUP, "countries": [side.name for side in sides],
        "comparisons": [side.asked.number for side in sides],
        "code_sha256": code_digest(), "environment": environment(),
    })  # fmt: skip


def _tables(sides: Sequence[Side]) -> dict[str, pd.DataFrame]:
    """values, effects and paths of both countries."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for side in sides:
        arms, months = arms_of_side(side), [pd.Timestamp(f"{m}-01") for m in side.asked.months]
        parts["values"].append(with_country(side.name, values_table(arms, months)))
        parts["effects"].append(with_country(side.name, effects_table(arms, months)))
        parts["paths"].append(paths_table(side))
    return {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
