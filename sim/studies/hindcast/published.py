"""Published people as series, month by code: statuses, groups, the total, origins, prefectures."""

from __future__ import annotations

from typing import Final

import pandas as pd

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.data.load import Data
from sim.studies.hindcast.settings import Hindcast, Scores

UNKNOWN_PLACE: Final = "00"

PLACES: Final = 47

TOTAL: Final = "total"

KINDS: Final = ("status", "group", "total", "origin", "prefecture")


def wide(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Months (index, int) x codes: float64 people; what is missing is 0."""
    table = frame.pivot_table(index="date", columns=by, values="people", aggfunc="sum").fillna(0.0)
    table.index = pd.Index([month_index(str(date)) for date in table.index], name="month")
    return table.astype(float)


def published_series(data: Data, config: RunConfig, settings: Hindcast) -> dict[str, pd.DataFrame]:
    """Kind -> months (int) x codes, float64 people."""
    statuses = wide(data["stocks_status"], "status")
    origins = wide(data["stocks_origin_status"], "origin")
    where = _prefectures(data, statuses.sum(axis=1), settings.register_lead)
    return by_kind(statuses, origins, where, config, settings.scores)


def by_kind(
    statuses: pd.DataFrame, origins: pd.DataFrame, prefectures: pd.DataFrame, config: RunConfig,
    scores: Scores,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """Kind -> rows x codes that are scored, of rows x codes of the model."""
    return {
        "status": _merged(statuses, _inverse(scores.statuses)),
        "group": _merged(statuses, _groups(config, scores)),
        "total": statuses.sum(axis=1).to_frame(TOTAL),
        "origin": origins.reindex(columns=scores.origins).fillna(0.0),
        "prefecture": prefectures,
    }


def _inverse(groups: dict[str, list[str]]) -> dict[str, str]:
    return {member: name for name, members in groups.items() for member in members}


def _groups(config: RunConfig, scores: Scores) -> dict[str, str]:
    own = _inverse(scores.groups)
    return {name: own.get(s.group, s.group) for name, s in config.status.items()}


def _merged(people: pd.DataFrame, into: dict[str, str]) -> pd.DataFrame:
    names = [into.get(str(code), str(code)) for code in people.columns]
    return people.T.groupby(names).sum().T


def _prefectures(data: Data, total: pd.Series, lead: int) -> pd.DataFrame:
    """The agency's own figures where it gives all prefectures, else the residents' register of the
    following 1 January, scaled to all residents: it counts some 2 to 7 % fewer."""
    where = data["stocks_prefecture"]
    where = where[where["prefecture"] != UNKNOWN_PLACE]
    own = _complete(where[where["definition"] == "isa"])
    register = _complete(where[where["definition"] == "register"])
    register.index = register.index - lead
    register = register.loc[register.index.isin(total.index)]
    register = register.mul(total.reindex(register.index) / register.sum(axis=1), axis=0)
    rest = register.loc[~register.index.isin(own.index)]
    return pd.concat([rest, own]).sort_index() if len(own) else rest


def _complete(where: pd.DataFrame) -> pd.DataFrame:
    places = where.groupby("date")["prefecture"].transform("nunique") == PLACES
    if not places.any():
        return pd.DataFrame(index=pd.Index([], dtype="int64"))
    return wide(where[places], "prefecture")


def month_after(origin: str, years: float) -> str:
    """The month so many years after another."""
    return month_name(month_index(origin) + round(12 * years))
