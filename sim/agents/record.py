"""What a run remembers: stocks and flows by month, places by year, people's traits by half-year."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Record:
    """Integer counts of simulated people (not yet weighted by 1 / scale).

    months  month index of each entry of `cubes` (the first is the opening month)
    cubes   int32[S, O, P] stock at the end of the month
    flows   int64[F] people who met each fate; None for the opening
    came    int64[S] arrivals; brought int64[S] family members; born int64[S] births
    asked   int64[F + G, 2] authority's decisions: cases and grants are in rows >= F
    places  month -> int32[M, S]
    ages    month -> int32[S, 2, 23]
    traits  month -> int32[S, 9]
    cohorts month -> int32[S, 4] newcomers of one half-year still there after 1, 3, 5, 10 years
    civic   float64 by sim.processes.towns.SUMMARY, of the month; empty without municipalities
    queues  int64[Q, 4]: cases that came, were decided, could be, and wait; of real people
    towns   month -> float64[M, 7] by sim.processes.survey.TOWN
    fared   month -> int64[S, P, 4] by sim.processes.survey.FARED
    jobs    int64[K, 4] by sector, see sim.processes.survey; K = 0 without firms
    work    int64[9, T] by sim.agents.firms.COUNTS and tier of jobs; T = 0 without firms
    capped  int64[T, fields]: recruitments abroad that a cap stopped
    support thousand yen that firms spend on support in the month, at scale 1
    firms   month -> int64[K, Z, U, 3]: firms, workers, vacancies by sector, size and standing
    """

    months: list[int] = field(default_factory=list)
    cubes: list[np.ndarray] = field(default_factory=list)
    flows: list[np.ndarray] = field(default_factory=list)
    came: list[np.ndarray] = field(default_factory=list)
    brought: list[np.ndarray] = field(default_factory=list)
    born: list[np.ndarray] = field(default_factory=list)
    born_citizens: list[int] = field(default_factory=list)
    places: dict[int, np.ndarray] = field(default_factory=dict)
    ages: dict[int, np.ndarray] = field(default_factory=dict)
    traits: dict[int, np.ndarray] = field(default_factory=dict)
    cohorts: dict[int, np.ndarray] = field(default_factory=dict)
    civic: list[np.ndarray] = field(default_factory=list)
    queues: list[np.ndarray] = field(default_factory=list)
    towns: dict[int, np.ndarray] = field(default_factory=dict)
    fared: dict[int, np.ndarray] = field(default_factory=dict)
    jobs: list[np.ndarray] = field(default_factory=list)
    work: list[np.ndarray] = field(default_factory=list)
    capped: list[np.ndarray] = field(default_factory=list)
    support: list[float] = field(default_factory=list)
    firms: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass
class Audit:
    """Observed against expected, summed over the run; integers only.

    seen, expected, variance  int64[F + G]; the last two in units of 2**-20
    screen                    int64[3], see Books.screen
    """

    seen: np.ndarray
    expected: np.ndarray
    variance: np.ndarray
    screen: np.ndarray
    screen_variance: float = 0.0

    def z(self) -> np.ndarray:
        """float64[F + G]: standardised residual of each row; 0 where nothing could happen."""
        unit = 1 << 20
        spread = np.sqrt(np.maximum(self.variance / unit, 1e-300))
        return np.where(self.variance > 0, (self.seen - self.expected / unit) / spread, 0.0)
