"""The municipalities as agents: what they are at the opening, and what does not change.

Floats by municipality are computed in one thread, in order of code, from integer counts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from scipy.special import ndtri

from sim.config.schema.run import RunConfig
from sim.config.schema.towns import Poll, Town
from sim.core.clock import calendar_month, month_index, year_of
from sim.core.rng import word_of
from sim.data.load import Data

PROJECTED: Final = range(2020, 2051, 5)
"""Years for which the official projection gives people by municipality."""

COUNTED: Final = ("behind_nhi", "behind_pension", "b1", "norms")
"""Columns of Towns.counts: residents behind with premiums, with Japanese B1, who took the norms."""

GROWTH_YEARS: Final = 5
"""Past growth that sets how places differ in sentiment at the opening."""

FUNDED_LEVEL: Final = 2
"""The level that a grant pays for."""


@dataclass(frozen=True)
class Land:
    """What does not change about M municipalities in order of code.

    nationals  float64[Y, M] by year of PROJECTED; the official projection times the register of
               2025, foreign residents left out; constant where nothing is projected
    rural      float64[M] in (0, 1]: 1 / (1 + density / half), the weight of growth in sentiment
    grown      float64[M]: foreign share gained in the five years to 2025
    rank       float64[M] in (0, 1): place in the queue of those who join the data link
    deviate    float64[M]: standard normal, from the code, for what no source gives by place
    keys       uint64[M]: identity in draws
    metropolitan  bool[M]: in a metropolitan prefecture
    town       what the configuration says of municipalities
    """

    nationals: np.ndarray
    rural: np.ndarray
    grown: np.ndarray
    rank: np.ndarray
    deviate: np.ndarray
    keys: np.ndarray
    metropolitan: np.ndarray
    town: Town

    def nationals_in(self, month: int) -> np.ndarray:
        """float64[M]: nationals in a month, by straight lines; constant before and after."""
        years = year_of(month) + (calendar_month(month) - 0.5) / 12
        at = min(max((years - PROJECTED[0]) / PROJECTED.step, 0.0), len(PROJECTED) - 1.0)
        low = min(int(at), len(PROJECTED) - 2)
        part = at - low
        line = (1 - part) * self.nationals[low] + part * self.nationals[low + 1]
        return np.asarray(line)


@dataclass
class Towns:
    """The changing columns of M municipalities; M = 0 in a run whose municipalities do not act.

    level      uint8: row of town.support.levels
    funded     uint8: 1 if a funded one-stop body
    classes    uint8: 1 if there are Japanese classes
    linked     uint8: 1 if joined to the data link
    sentiment  float64: share of nationals opposed to more foreign residents
    anchor     float64: what sentiment is drawn to while contact, irregular residents and arrears
               are as at the opening; growth and politics move it for good
    share      float64: foreign share of inhabitants in the last month
    usual      float64[3, M]: contact, irregular share and arrears rate at the opening
    counts     int64[M, 4]: simulated residents by COUNTED, at the last half-year
    budget     float64: yen a year
    cases      int64: at the desks this month; capacity, waiting likewise
    pull       int64[O, M + 1]: cumulated weights of destinations of moves, by origin
    """

    level: np.ndarray
    funded: np.ndarray
    classes: np.ndarray
    linked: np.ndarray
    sentiment: np.ndarray
    anchor: np.ndarray
    share: np.ndarray
    usual: np.ndarray
    counts: np.ndarray
    budget: np.ndarray
    cases: np.ndarray
    capacity: np.ndarray
    waiting: np.ndarray
    pull: np.ndarray

    @property
    def act(self) -> bool:
        """Whether there are any."""
        return self.level.size > 0


def blank_towns(m: int, origins: int) -> Towns:
    """m municipalities without anything."""
    columns: dict[str, np.ndarray] = {field.name: np.zeros(m) for field in fields(Towns)}
    columns |= {name: np.zeros(m, np.uint8) for name in ("level", "funded", "classes", "linked")}
    columns |= {name: np.zeros(m, np.int64) for name in ("cases", "capacity", "waiting")}
    columns |= {"usual": np.zeros((3, m)), "counts": np.zeros((m, len(COUNTED)), np.int64)}
    columns["pull"] = np.zeros((origins, m + 1), np.int64)
    return Towns(**columns)


def load_land(config: RunConfig, data: Data) -> Land | None:
    """Municipalities from the tables `municipalities` and `municipalities_foreign`.

    None if the configuration has no section `town`.
    """
    if config.town is None:
        return None
    table = data["municipalities"].sort_values("municipality")
    codes = list(table["municipality"])
    foreign = data["municipalities_foreign"].set_index("municipality").loc[codes]
    total = table["register_total_2025"].to_numpy(np.float64)
    now = table["register_foreign_2025"].to_numpy(np.float64)
    projected = table[[f"projected_{year}" for year in PROJECTED]].to_numpy(np.float64)
    base = projected[:, PROJECTED.index(2025)]
    change = np.where(np.isnan(projected), 1.0, projected / base[:, None])
    nationals = ((total - now)[:, None] * change).T.copy()
    before = foreign[f"y{2025 - GROWTH_YEARS}"].to_numpy(np.float64)
    then = nationals[PROJECTED.index(2025 - GROWTH_YEARS)]
    density = total / np.maximum(table["area_km2"].to_numpy(np.float64), 0.01)
    half = config.town.sentiment.density.level
    return Land(
        nationals=nationals,
        rural=1.0 / (1.0 + density / half),
        grown=now / np.maximum(total, 1.0) - before / np.maximum(then + before, 1.0),
        rank=_uniform("link", codes),
        deviate=np.asarray(ndtri(_uniform("classes", codes))),
        keys=np.array([word_of(f"municipality:{code}") for code in codes], np.uint64),
        metropolitan=table["prefecture"].isin(config.town.pull.metropolitan).to_numpy(),
        town=config.town,
    )


def _uniform(what: str, codes: list[str]) -> np.ndarray:
    """float64[M] in (0, 1) from the code of each municipality: the same in every run."""
    words = [word_of(f"{what}:{code}") for code in codes]
    return (np.array(words, np.float64) + 0.5) / 2.0**40


def opposed_at(polls: dict[str, Poll], month: int) -> float:
    """National share opposed in a month: straight lines between polls, constant outside them."""
    known = sorted((month_index(when), poll.share) for when, poll in polls.items())
    months, shares = zip(*known, strict=True)
    return float(np.interp(month, months, shares))


def open_towns(
    land: Land, month: int, foreign: np.ndarray, irregular: np.ndarray,
    counts: np.ndarray, origins: int,
) -> Towns:  # fmt: skip
    """Municipalities at the end of the opening month.

    foreign, irregular: float64[M] people, weighted. counts: int64[M, 4] as in Towns.
    The funded bodies are those with most foreign residents; classes follow the number of
    residents loosely, so that the published share of municipalities has none.
    """
    town, towns = land.town, blank_towns(foreign.size, origins)
    towns.counts[:] = counts
    rows = np.argsort(-foreign, kind="stable")
    towns.funded[rows[: round(town.support.bodies.value)]] = 1
    towns.budget[:] = town.support.own.value * foreign + towns.funded * (
        town.support.grants.value / max(int(towns.funded.sum()), 1)
    )
    cost = [level.cost.value for level in town.support.levels.values()]
    afforded = np.searchsorted(cost, towns.budget, side="right") - 1
    funded = np.maximum(afforded, FUNDED_LEVEL)
    unfunded = np.minimum(afforded, FUNDED_LEVEL - 1)
    towns.level[:] = np.where(towns.funded == 1, funded, unfunded)
    score = np.log(foreign + 1.0) + town.classes.scatter.level * land.deviate
    without = np.argsort(score, kind="stable")[: round(town.classes.without.level * foreign.size)]
    towns.classes[:] = 1
    towns.classes[without] = 0
    nationals = land.nationals_in(month)
    towns.share[:] = foreign / np.maximum(foreign + nationals, 1.0)
    _open_sentiment(land, month, towns, nationals)
    return towns


def _open_sentiment(land: Land, month: int, towns: Towns, nationals: np.ndarray) -> None:
    """Places differ by what past growth did to them; the nation is as polled."""
    town = land.town
    felt = town.sentiment.growth.value * land.grown * land.rural
    tilt = felt - float((felt * nationals).sum() / max(nationals.sum(), 1.0))
    towns.anchor[:] = np.clip(opposed_at(town.sentiment.polls, month) + tilt, 0.02, 0.98)
    towns.sentiment[:] = towns.anchor
