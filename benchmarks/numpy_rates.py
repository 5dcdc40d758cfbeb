"""Rates and shares of many people at once, from the engine's tables, in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.agents.population import NORMS, Population
from sim.config.factors import AGES, FACTORS, FIRST_ACTING, MOST_SECTORS, YEARS
from sim.core.clock import calendar_month
from sim.rates.places import World
from sim.rates.tables import FateTable

FACTOR_NAMES = list(FACTORS)


@dataclass
class Covariates:
    """Factor codes of the people in `rows`, each computed when a rate first asks for it."""

    people: Population
    rows: np.ndarray
    month: int
    world: World
    seeks: np.ndarray  # bool[S]
    known: dict[int, np.ndarray] = field(default_factory=dict)

    def code(self, factor: int) -> np.ndarray:
        """Codes of a factor, by its number in FACTORS; integers of shape [rows]."""
        if factor not in self.known:
            self.known[factor] = self._code(FACTOR_NAMES[factor])
        return self.known[factor]

    def _code(self, name: str) -> np.ndarray:
        if name == "age":
            return np.clip(self._months("born") // 12, 0, AGES - 1)
        if name == "age_sex":
            return self._column("sex") * AGES + self.code(FACTORS["age"])
        if name == "years_in_status":
            return np.minimum(self._months("since") // 12, YEARS - 1)
        if name == "years_resident":
            return np.minimum(self._months("entered") // 12, AGES - 1)
        if name == "counting_years":
            counting = self._column("counting")
            months = np.where(counting >= 0, self.month - counting, -counting - 1)
            return np.minimum(months // 12, YEARS - 1)
        if name == "calendar_month":
            return np.full(self.rows.size, calendar_month(self.month))
        if FACTORS[name] >= FIRST_ACTING:
            return self._acting(name)
        return self._column(name)

    def _acting(self, name: str) -> np.ndarray:
        """Codes of the person's firm and municipality, and of the permit's date."""
        neutral = {"employed": 2, "sector": MOST_SECTORS}
        if not self.world.acting:
            return np.full(self.rows.size, neutral.get(name, 0))
        firm, town = self._column("firm"), self._column("municipality")
        if name == "employed":
            seeks = self.seeks[self._column("status")]
            return np.where(firm >= 0, 1, np.where(seeks, 0, 2))
        if name == "firm_support":
            return np.where(firm >= 0, self.world.firm_support[np.maximum(firm, 0)], 0)
        if name == "norms":
            return self._column("traits") & NORMS
        if name == "permit_age":
            given = self._column("permit_end") - self._column("permit_months")
            return np.clip(self.month - given, 0, YEARS - 1)
        if name == "sector":
            return np.minimum(self._column("sector"), MOST_SECTORS)
        of_town = {"town_support": "support", "sentiment": "sentiment", "linked": "linked"}
        return getattr(self.world, of_town[name])[town].astype(np.int32)

    def _column(self, name: str) -> np.ndarray:
        return self.people[name][self.rows].astype(np.int32)

    def _months(self, name: str) -> np.ndarray:
        return self.month - self._column(name)


def value(t: FateTable, base: np.ndarray, row: int, covariates: Covariates) -> np.ndarray:
    """float64[people]: base value of a row of the fate table times its multipliers."""
    out = np.full(covariates.rows.size, base[row])
    if base[row] > 0.0:
        for k in range(t.mult_first[row], t.mult_first[row + 1]):
            out *= t.values[covariates.code(t.mult_factor[k]) + t.mult_offset[k]]
    return out


def cumulated(t: FateTable, base: np.ndarray, lst: int, covariates: Covariates) -> np.ndarray:
    """float64[fates of a list, people]: running sum of rates per year, or of shares."""
    out = np.zeros((t.first[lst + 1] - t.first[lst], covariates.rows.size))
    running = np.zeros(covariates.rows.size)
    for k in range(out.shape[0]):
        if base[t.first[lst] + k] > 0.0:
            running += value(t, base, t.first[lst] + k, covariates)
        out[k] = running
    return out
