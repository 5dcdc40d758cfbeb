"""Every number forecast, beside what was published: one row for each cell and forecaster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.data.load import Data
from sim.studies.hindcast.known import Known
from sim.studies.hindcast.published import KINDS, by_kind, month_after, published_series
from sim.studies.hindcast.rivals import RIVALS, Spread, forecast
from sim.studies.hindcast.scores import central_interval, crps
from sim.studies.hindcast.settings import Hindcast, Told
from sim.studies.hindcast.told import border, not_told

MODEL: Final = "kyosei"

CONSTANT: Final = "constant"

KEYS: Final = ["events", "origin", "years", "month", "kind", "code", "forecaster"]


@dataclass(frozen=True)
class Looked:
    """A finished origin: what was known, and what was forecast.

    forecast  events, month, member, kind, code, people; member 0 is the central one
    constant  month, kind, code, people: the model with constant rates and entries
    """

    known: Known
    forecast: pd.DataFrame
    constant: pd.DataFrame


@dataclass(frozen=True)
class Cells:
    """What was forecast of each cell, in the order of `frame`.

    frame    KEYS, observed, said, crps, in_L, low_80, high_80
    members  float64[N, K]: the ensemble of the model's rows; NaN in the others
    """

    frame: pd.DataFrame
    members: np.ndarray


def cells_of(looked: list[Looked], config: RunConfig, data: Data, settings: Hindcast) -> Cells:
    """Cells of all origins; data: all tables, whose later figures are looked at here alone."""
    truth = published_series(data, config, settings)
    frames: list[pd.DataFrame] = []
    members: list[np.ndarray] = []
    for one in looked:
        for events in dict.fromkeys(one.forecast["events"]):
            for frame, own in _of_origin(one, events, config, truth, settings):
                frames.append(frame)
                members.append(own)
    widest = max(own.shape[1] for own in members)
    return Cells(pd.concat(frames, ignore_index=True),
                 np.vstack([_padded(own, widest) for own in members]))  # fmt: skip


def _padded(members: np.ndarray, width: int) -> np.ndarray:
    return np.pad(members, ((0, 0), (0, width - members.shape[1])), constant_values=np.nan)


def _of_origin(
    one: Looked, events: Told, config: RunConfig, truth: dict[str, pd.DataFrame],
    settings: Hindcast,
) -> list[tuple[pd.DataFrame, np.ndarray]]:  # fmt: skip
    origin = one.known.origin
    past = published_series(one.known.data, config, settings)
    said = _ensemble(one.forecast[one.forecast["events"] == events], config, settings)
    constant = _ensemble(one.constant.assign(member=0), config, settings)
    share = settings.arrivals.open_share
    longest = round(12 * max(settings.horizons))
    own = config if events == "told" else not_told(config, origin, origin + longest)
    factor = {m: border(own, m) for m in range(int(past["status"].index[0]), origin + longest + 1)}
    out = []
    for years in settings.horizons:
        month = month_index(month_after(month_name(origin), years))
        for kind in KINDS:
            if month not in truth[kind].index or month not in said[kind]:
                continue
            observed = truth[kind].loc[month].to_numpy(float)
            codes = list(truth[kind].columns)
            key = {"events": events, "origin": month_name(origin), "years": years,
                   "month": month_name(month), "kind": kind, "code": codes}  # fmt: skip
            members = said[kind][month].reindex(columns=codes).fillna(0.0).to_numpy(float).T
            out.append(_ensemble_rows(key, observed, members, settings))
            central = constant[kind][month].reindex(columns=codes).fillna(0.0).to_numpy(float)[0]
            out.append(_point_rows(key, observed, central, settings))
            series = past[kind].reindex(columns=codes).fillna(0.0)
            for name, rule in RIVALS.items():
                spread = forecast(series, rule, month, lambda m: factor[m] >= share,
                                  settings.misfit.looks)  # fmt: skip
                out.append(_normal_rows({**key, "forecaster": name}, observed, spread, settings))
    return out


def _ensemble(
    people: pd.DataFrame, config: RunConfig, settings: Hindcast
) -> dict[str, dict[int, pd.DataFrame]]:
    """Kind -> month -> members x codes."""
    tables = {}
    for kind in ("status", "origin", "prefecture"):
        rows = people[people["kind"] == kind]
        tables[kind] = rows.pivot_table(index=["month", "member"], columns="code", values="people")
    out = by_kind(tables["status"], tables["origin"], tables["prefecture"], config, settings.scores)
    return {
        kind: {month_index(str(m)): rows.droplevel("month")
               for m, rows in table.groupby(level="month")}
        for kind, table in out.items()
    }  # fmt: skip


def _ensemble_rows(
    key: dict[str, object], observed: np.ndarray, members: np.ndarray, settings: Hindcast
) -> tuple[pd.DataFrame, np.ndarray]:
    """members float64[C, 1 + K]: the central one, then those that draw."""
    drawn = members[:, 1:] if members.shape[1] > 1 else members
    said = members[:, 0] if settings.scores.point == "central" else np.median(drawn, axis=1)
    return ensemble_rows({**key, "forecaster": MODEL}, observed, said, drawn, settings), drawn


def ensemble_rows(
    key: dict[str, object], observed: np.ndarray, said: np.ndarray, drawn: np.ndarray,
    settings: Hindcast,
) -> pd.DataFrame:  # fmt: skip
    """Rows of an ensemble: said float64[C], drawn float64[C, K]."""
    intervals = {level: central_interval(drawn, level) for level in settings.scores.levels}
    return _rows(key, observed, said, crps(observed, drawn), intervals)


def _point_rows(
    key: dict[str, object], observed: np.ndarray, said: np.ndarray, settings: Hindcast
) -> tuple[pd.DataFrame, np.ndarray]:
    nothing = np.full(observed.size, np.nan)
    intervals = dict.fromkeys(settings.scores.levels, (nothing, nothing))
    frame = _rows(
        {**key, "forecaster": CONSTANT}, observed, said, np.abs(said - observed), intervals
    )
    return frame, nothing[:, None]


def _normal_rows(
    key: dict[str, object], observed: np.ndarray, spread: Spread, settings: Hindcast
) -> tuple[pd.DataFrame, np.ndarray]:
    intervals = {}
    for level in settings.scores.levels:
        wide = float(norm.ppf(0.5 + level / 2)) * spread.sd
        intervals[level] = (np.maximum(spread.middle - wide, 0.0), spread.middle + wide)
    score = normal_crps(observed, spread)
    return _rows(key, observed, spread.middle, score, intervals), np.full(
        (observed.size, 1), np.nan
    )


def normal_crps(observed: np.ndarray, spread: Spread) -> np.ndarray:
    """float64[C] people: the score of a normal forecast in closed form (Gneiting et al. 2005)."""
    z = (observed - spread.middle) / spread.sd
    parts = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi)
    return np.asarray(spread.sd * parts)


def _rows(
    key: dict[str, object], observed: np.ndarray, said: np.ndarray, score: np.ndarray,
    intervals: dict[float, tuple[np.ndarray, np.ndarray]],
) -> pd.DataFrame:  # fmt: skip
    inside = {
        f"in_{round(100 * level)}": np.where(
            np.isnan(low), np.nan, (low <= observed) & (observed <= high)
        )
        for level, (low, high) in intervals.items()
    }
    low, high = intervals[0.8]
    return pd.DataFrame({**key, "observed": observed, "said": said, "crps": score, **inside,
                         "low_80": low, "high_80": high})  # fmt: skip
