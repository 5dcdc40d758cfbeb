"""How the model did in the past: the scores of a hindcast, the one given or the one published."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

import pandas as pd

from sim.core.clock import month_index
from sim.pages.study import Study
from sim.pages.tables import number

Json = dict[str, Any]

PUBLISHED: Final = Path(__file__).with_name("scores.csv")
"""The table of docs/hindcast.md, for pages that are made without a hindcast's folder."""

MODEL: Final = "kyosei"

FORECASTERS: Final = {"error": MODEL, "linear_trend": "linear_2y", "constant_rates": "constant"}

COLUMNS: Final = ("error", "linear_trend", "constant_rates", "in_50", "in_80", "in_95")


def scores_of(study: Study) -> Json | None:
    """rows (origin, horizon, months, and COLUMNS in per cent), nearest (the row whose span is
    nearest to that of the study), months of the study, and whether they are `given` or published.

    None for a country without scores.
    """
    given = study.scores is not None
    country = study.config.country.name
    rows = published_scores(country) if study.scores is None else _given(study.scores)
    if not rows:
        return None
    span = month_index(study.config.end) - month_index(study.config.start)
    for row in rows:
        row["months"] = month_index(row["horizon"]) - month_index(row["origin"])
    nearest = min(range(len(rows)), key=lambda k: abs(rows[k]["months"] - span))
    return {"rows": rows, "nearest": nearest, "months": span,
            "given": given}  # fmt: skip


def published_scores(country: str) -> list[Json]:
    """Rows of the table of docs/hindcast.md, shares in per cent; none for a country without."""
    with open(PUBLISHED, encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["country"] == country]
    return [
        {"origin": row["origin"], "horizon": row["horizon"],
         **{name: float(row[name]) for name in COLUMNS}}
        for row in rows
    ]  # fmt: skip


def _given(board: pd.DataFrame) -> list[Json]:
    """One row for each origin and horizon of a scoreboard, told of events, shares in per cent."""
    rows = []
    board = board[board["events"] == "told"]
    for (origin, horizon), own in board.groupby(["origin", "horizon"], sort=False):
        by = own.set_index("forecaster")
        errors = {name: by["error_groups"].get(code) for name, code in FORECASTERS.items()}
        held = {f"in_{level}": by[f"coverage_{level}"].get(MODEL) for level in (50, 80, 95)}
        cells = {name: None if value is None else number(100 * float(value))
                 for name, value in {**errors, **held}.items()}  # fmt: skip
        rows.append({"origin": str(origin), "horizon": str(horizon), **cells})
    return rows
