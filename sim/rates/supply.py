"""How many people each origin would send, relative to the last published stocks.

An origin supplies its cohort of 18 to 34 times a rate of emigration to Japan. The rate rises with
income per head while people cannot afford to leave, falls when they need not, and is damped as the
residents of the origin approach a ceiling in relation to the cohort at home:

    supply = cohort x exp(-curvature (log income - log peak)^2) x (1 - newer / cohort / ceiling)

`newer` are the residents of the origin beyond those who had settled by the base month: an old
community, such as that of Koreans, says nothing about who may still come. A factor is the supply of
a month over that of the base month, so it is 1 there. Origins without figures keep 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.config.schema.run import RunConfig
from sim.config.schema.supply import Supply as Settings
from sim.core.clock import month_index, year_of
from sim.data.load import Data

RECENT = 5
"""Years whose mean growth of income goes on, fading, after the last figure."""


LEAST_ROOM = 0.01
"""What is left of the supply at the ceiling and above."""


class Series(NamedTuple):
    """Yearly figures of one origin, each in the middle of its year."""

    first: int  # year of the first
    values: list[float]  # one a year, without gaps

    def at(self, month: int) -> float:
        """Value of a month: linear between the years' middles, constant outside."""
        years = (month - month_index(f"{self.first}-07")) / 12.0
        place = min(max(years, 0.0), len(self.values) - 1.0)
        low = min(int(place), len(self.values) - 2)
        return self.values[low] + (place - low) * (self.values[low + 1] - self.values[low])


class Supply:
    """Factors of the origins' supply by month.

    settings   configuration under arrivals.supply
    base       month index of the last published stocks
    newer      float64[O]: residents of each origin at the base month who had not settled, people
    settled    float64[O]: those who had
    """

    def __init__(
        self,
        config: RunConfig,
        settings: Settings,
        data: Data,
        base: int,
        newer: np.ndarray,
        settled: np.ndarray,
    ) -> None:
        self._base, self._settings = base, settings
        self._cohorts = series(config, data, "origin_cohorts", "people")
        incomes = series(config, data, "origin_income", "dollars")
        last = year_of(month_index(config.end)) + 1
        self._incomes = [known and _continued(known, last, settings) for known in incomes]
        self._newer, self._settled = newer, settled

    def factors(self, month: int, residents: np.ndarray) -> np.ndarray:
        """float64[O]: supply of a month over that of the base month, at least 0; residents
        float64[O] are the people of each origin who live in the country then."""
        out = np.ones(residents.size)
        if month <= self._base:
            return out
        for o, cohort in enumerate(self._cohorts):
            if cohort is None:
                continue
            young, before = cohort.at(month), cohort.at(self._base)
            newer = max(float(residents[o] - self._settled[o]), 0.0)
            room = self._room(newer / young) / self._room(float(self._newer[o]) / before)
            out[o] = young / before * room * self._income_effect(o, month)
        return out

    def _room(self, share: float) -> float:
        """What the newer residents, as a share of the cohort at home, leave of the supply."""
        return max(1.0 - share / self._settings.ceiling.value, LEAST_ROOM)

    def _income_effect(self, o: int, month: int) -> float:
        """What income makes of the rate of emigration since the base month."""
        income = self._incomes[o]
        if income is None:
            return 1.0
        settings, peak = self._settings, math.log(self._settings.peak.value)
        curvature = settings.weight.value * settings.curvature.value
        now, then = math.log(income.at(month)) - peak, math.log(income.at(self._base)) - peak
        return math.exp(-curvature * (now * now - then * then))


def series(config: RunConfig, data: Data, table: str, column: str) -> list[Series | None]:
    """The figures of each origin of the country; None for an origin with fewer than two."""
    frame = data[table].sort_values("year")
    found = {
        str(name): Series(int(rows["year"].iloc[0]), rows[column].astype(float).tolist())
        for name, rows in frame.groupby("origin")
        if len(rows) > 1
    }
    return [found.get(origin) for origin in config.country.origins]


def _continued(known: Series, last: int, settings: Settings) -> Series:
    """Incomes to the year `last`: the mean growth of recent years fades to that of the long run."""
    values = list(known.values)
    recent = min(RECENT, len(values) - 1)
    growth = math.log(values[-1] / values[-1 - recent]) / recent
    long_run = math.log1p(settings.growth.value)
    while known.first + len(values) <= last:
        growth = long_run + (growth - long_run) * settings.fade.value
        values.append(values[-1] * math.exp(growth))
    return Series(known.first, values)
