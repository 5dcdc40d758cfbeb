"""The scoreboard: one row for each origin and forecaster, hits and failures alike."""

from __future__ import annotations

from typing import Final

import pandas as pd

from sim.clock import month_index
from sim.data import Data
from sim.hindcast.baselines import point_forecasts
from sim.hindcast.forecast import Origin, constant_rates
from sim.hindcast.scores import score, truth
from sim.hindcast.settings import Scores
from sim.summary import table

MODEL: Final = "kyosei"
SHOWN: Final = {
    "error_groups": "groups",
    "error_status": "statuses",
    "error_total": "total",
    "error_origin": "origins",
    "error_prefecture": "prefectures",
    "crps": "CRPS",
    "coverage_50": "in 50 %",
    "coverage_80": "in 80 %",
    "coverage_95": "in 95 %",
}


def scoreboard(origin: Origin, forecast: pd.DataFrame, data: Data, horizon: str) -> pd.DataFrame:
    """origin, horizon, mode, forecaster and a column for each score.

    data  all tables: this is the first place that sees what came
    """
    until, scores = month_index(horizon), origin.known.settings.scores
    came = truth(data, origin.known.origin, until)
    months = sorted({month_index(str(m)) for m in came["month"]})
    rivals = point_forecasts(origin.known, months)
    rivals["constant"] = constant_rates(origin)
    rows = []
    for name, said in {MODEL: forecast, **rivals}.items():
        rows.append({"forecaster": name, **score(said, came, until, scores)})
    return pd.DataFrame(rows)


def verdicts(board: pd.DataFrame, scores: Scores) -> list[str]:
    """One sentence for each origin: is the best naive forecast beaten, and by whom if not?"""
    out = []
    for (origin, horizon), rows in board.groupby(["origin", "horizon"], sort=False):
        error = rows.set_index("forecaster")["error_groups"]
        mine, others = error[MODEL], error.drop(MODEL)
        reference, best = others[scores.reference], others.idxmin()
        beats = "beats" if mine < reference else "MISSES"
        text = f"{origin} to {horizon}: {mine:.1%} {beats} {scores.reference} ({reference:.1%})"
        if mine >= others.min():
            text += f"; best is {best} ({others.min():.1%})"
        out.append(text)
    return out


def as_text(board: pd.DataFrame) -> str:
    """The scoreboard for reading: shares in per cent; `-` where there is no forecast."""
    rows = []
    for _, row in board.iterrows():
        cells = ["-" if pd.isna(row[name]) else f"{100 * row[name]:.1f}" for name in SHOWN]
        cells[2] = cells[2] if cells[2] == "-" else f"{100 * row['error_total']:+.1f}"
        rows.append([f"{row['origin']} > {row['horizon']}  {row['forecaster']}", *cells])
    return table(["origin > horizon  forecaster, %", *SHOWN.values()], rows)
