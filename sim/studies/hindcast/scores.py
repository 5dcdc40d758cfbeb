"""Scores of forecasts against what was observed."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from sim.core.clock import month_index, month_name
from sim.data.load import Data
from sim.outputs.summary import table
from sim.studies.hindcast.baselines import point_forecasts
from sim.studies.hindcast.forecast import ForecastOrigin, constant_rates
from sim.studies.hindcast.settings import Scores

UNKNOWN_PLACE: Final = "00"

PLACES: Final = 47


def published_after(data: Data, origin: int, horizon: int) -> pd.DataFrame:
    """month (YYYY-MM), kind, code, people: published after the origin, up to the horizon."""
    status = data["stocks_status"].groupby(["date", "status"])["people"].sum()
    origins = data["stocks_origin_status"].groupby(["date", "origin"])["people"].sum()
    where = data["stocks_prefecture"]
    where = where[(where["definition"] == "isa") & (where["prefecture"] != UNKNOWN_PLACE)]
    full = where.groupby("date")["prefecture"].transform("nunique") == PLACES
    places = where[full].groupby(["date", "prefecture"])["people"].sum()
    frames = [
        series.rename("people").rename_axis(["month", "code"]).reset_index().assign(kind=kind)
        for kind, series in (("status", status), ("origin", origins), ("prefecture", places))
    ]
    out = pd.concat(frames, ignore_index=True)[["month", "kind", "code", "people"]]
    inside = out["month"].map(lambda m: origin < month_index(str(m)) <= horizon)
    return out[inside].reset_index(drop=True)


def grouped(people: pd.Series, scores: Scores) -> pd.Series:
    """People by the groups of statuses in which the errors of the design are counted."""
    group = {status: name for name, members in scores.groups.items() for status in members}
    whole = people.groupby([group.get(str(code), str(code)) for code in people.index]).sum()
    return whole.clip(lower=0.0)


def weighted_error(said: pd.Series, observed: pd.Series) -> float:
    """Sum of absolute errors over the observed total."""
    return float((said.reindex(observed.index).fillna(0.0) - observed).abs().sum() / observed.sum())


def crps(observed: np.ndarray, members: np.ndarray) -> np.ndarray:
    """float64[N]: continuous ranked probability score, in people.

    observed float64[N]; members float64[N, K]. One member scores its absolute error. The fair form
    does not reward or punish the number of members.
    """
    apart = np.abs(members - observed[:, None]).mean(axis=1)
    k = members.shape[1]
    if k == 1:
        return apart
    ordered = np.sort(members, axis=1)
    weight = 2 * np.arange(k) - (k - 1)  # the sum of |x_i - x_j| over pairs, from the order
    return apart - (ordered * weight).sum(axis=1) / (k * (k - 1))


def central_interval(members: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Central interval of the members, [N, K] -> two of [N].

    The observation is one more draw if the members are right: it lies below the k-th of K with
    probability k / (K + 1). Intervals that end between the first and the last member as if they
    were the whole distribution hold too little: of 20 members 72 % where 80 % are meant.
    """
    tail = 50 * (1 - level)
    low, high = np.percentile(members, [tail, 100 - tail], axis=1, method="weibull")
    return low, high


def covered(observed: np.ndarray, members: np.ndarray, level: float) -> float:
    """Coverage of the central interval, as a share of cells; those always 0 do not count."""
    real = (observed > 0) | (members.max(axis=1) > 0)
    low, high = central_interval(members[real], level)
    return float(np.mean((low <= observed[real]) & (observed[real] <= high)))


def drawn_members(forecast: pd.DataFrame) -> pd.DataFrame:
    """The members that draw; all there is if there is only the central one, 0."""
    others = forecast[forecast["member"] > 0]
    return others if len(others) else forecast


def central_forecast(forecast: pd.DataFrame) -> pd.DataFrame:
    """The point forecast: the central member, else the median of all.

    The median of twenty members is off by a quarter of their spread; no draw moves the central one.
    """
    middle = forecast[forecast["member"] == 0]
    if len(middle):
        return middle
    by = forecast.groupby(["month", "kind", "code"], sort=False)["people"]
    return by.median().reset_index()


def cube(
    forecast: pd.DataFrame, observed: pd.DataFrame, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """(observed float64[N], members float64[N, K]) over the cells (month, code) of a kind."""
    rows = observed[observed["kind"] == kind].set_index(["month", "code"])["people"].sort_index()
    mine = forecast[forecast["kind"] == kind].pivot_table(
        index=["month", "code"], columns="member", values="people"
    )
    return rows.to_numpy(float), mine.reindex(rows.index).fillna(0.0).to_numpy(float)


def score(
    forecast: pd.DataFrame, observed: pd.DataFrame, horizon: int, scores: Scores
) -> dict[str, float]:
    """All scores of one forecast (columns month, member, kind, code, people).

    error_status, error_groups, error_origin, error_prefecture: weighted absolute errors at the
    horizon, of the central forecast; error_total: signed; crps: mean over status x date cells, as
    a share of the mean cell; coverage_L: of status x date cells. NaN where nothing was forecast.
    """
    out: dict[str, float] = {}
    middle = central_forecast(forecast)
    for kind in ("status", "origin", "prefecture"):
        theirs = observed[observed["kind"] == kind]
        last = theirs["month"].max() if len(theirs) else month_name(horizon)
        real = theirs[theirs["month"] == last].set_index("code")["people"].astype(float)
        mine = middle[(middle["kind"] == kind) & (middle["month"] == last)]
        if mine.empty or real.empty:
            out[f"error_{kind}"] = float("nan")
            continue
        said = mine.set_index("code")["people"]
        out[f"error_{kind}"] = weighted_error(said, real)
        if kind == "status":
            out["error_groups"] = weighted_error(grouped(said, scores), grouped(real, scores))
            out["error_total"] = float(said.sum() / real.sum() - 1)
    cells, members = cube(drawn_members(forecast), observed, "status")
    out["crps"] = float(crps(cells, members).mean() / cells.mean())
    for level in scores.levels:
        name = f"coverage_{round(100 * level)}"
        out[name] = covered(cells, members, level) if members.shape[1] > 1 else float("nan")
    return out


MODEL: Final = "kyosei"

SCORE_LABELS: Final = {
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


def scoreboard(
    origin: ForecastOrigin, forecast: pd.DataFrame, data: Data, horizon: str
) -> pd.DataFrame:
    """origin, horizon, mode, forecaster and a column for each score.

    data  all tables: this is the first place that sees what came after the origin
    """
    until, scores = month_index(horizon), origin.known.settings.scores
    observed = published_after(data, origin.known.origin, until)
    months = sorted({month_index(str(m)) for m in observed["month"]})
    rivals = point_forecasts(origin.known, months)
    rivals["constant"] = constant_rates(origin)
    rows = []
    for name, said in {MODEL: forecast, **rivals}.items():
        rows.append({"forecaster": name, **score(said, observed, until, scores)})
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


def board_text(board: pd.DataFrame) -> str:
    """The scoreboard for reading: shares in per cent; `-` where there is no forecast."""
    rows = []
    for _, row in board.iterrows():
        cells = ["-" if pd.isna(row[name]) else f"{100 * row[name]:.1f}" for name in SCORE_LABELS]
        cells[2] = cells[2] if cells[2] == "-" else f"{100 * row['error_total']:+.1f}"
        rows.append([f"{row['origin']} > {row['horizon']}  {row['forecaster']}", *cells])
    return table(["origin > horizon  forecaster, %", *SCORE_LABELS.values()], rows)
