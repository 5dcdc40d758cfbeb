"""What became of those who came as low-skilled workers, and how long permanent residence took.

Entrants of the first twelve months are followed person by person, each for the same time.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from sim.agents.population import HOLE
from sim.data.load import data_of
from sim.model.model import Kyosei
from sim.studies.comparison.effects import Design, estimate
from sim.studies.countries.settings import Side
from sim.sweeps.plan import PlannedRun

AGES: Final = (5, 10, 20)
"""Years after entry."""

BECAME: Final = ("settled", "skilled", "rotation", "other", "irregular", "gone")
"""What an entrant is; gone: abroad, dead, or a citizen."""

YEAR: Final = 12

QUARTILES: Final = (0.25, 0.5, 0.75)


class Followed:
    """Watches a run: `followed(model)` after the opening and after each month.

    counts  int64[len(AGES), len(BECAME)] of entrants by years after entry
    waits   months from entry to permanent residence of those to whom it was granted
    """

    def __init__(self, side: Side) -> None:
        statuses = side.config.country.statuses
        told, bodies = side.compared, side.config.status
        self._class = np.full(HOLE + 1, BECAME.index("gone"))
        for row, name in enumerate(statuses):
            settled, skilled = bodies[name].settled, name in told.skilled
            kind = "settled" if settled else "skilled" if skilled else "other"
            kind = "rotation" if name in told.rotation else kind
            kind = "irregular" if name == side.config.country.irregular else kind
            self._class[row] = BECAME.index(kind)
        self._permanent = statuses.index(side.config.country.permanent)
        self._cohorts: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._opening = -1
        self.counts = np.zeros((len(AGES), len(BECAME)), np.int64)
        self.waits = np.zeros(0, np.int64)

    def __call__(self, model: Kyosei) -> None:
        month, people = model.state.month, model.state.people
        if self._opening < 0:
            self._opening = month
            return
        if month - self._opening <= YEAR:
            new = np.unique(people.newcomers.astype(np.int64))
            came = self._class[people["status"][new]] == BECAME.index("rotation")
            self._cohorts[month] = new[came], people["key"][new[came]].copy()
        for k, years in enumerate(AGES):
            if month - YEAR * years in self._cohorts:
                rows, keys = self._cohorts[month - YEAR * years]
                there = people["key"][rows] == keys
                now = np.where(there, people["status"][rows], HOLE)
                self.counts[k] += np.bincount(self._class[now], minlength=len(BECAME))
        status = people["status"][: people.n]
        granted = np.flatnonzero(
            (status == self._permanent) & (people["since"][: people.n] == month)
        )
        wait = month - people["entered"][granted].astype(np.int64)
        foreign_born = people["entered"][granted] != people["born"][granted]
        self.waits = np.concatenate([self.waits, wait[foreign_born & (wait > 0)]])


def paths_table(side: Side) -> pd.DataFrame:
    """country, years, became, of_1000 with its interval over replicates under the law, and after
    them years of waiting for permanent residence (`became` is wait, `years` the quantile).

    Ages that the runs do not reach are left out.
    """
    asked, design = side.asked, side.asked.question.design
    runs = {run.number: run for run in asked.plan.unique}
    first = asked.runs[asked.shown[0]][: asked.question.replicates]
    seen = [_follow(side, runs[number]) for number in first]
    counts = np.array([one.counts for one in seen], float)
    total = counts.sum(axis=2, keepdims=True)
    shares = 1000 * counts / np.where(total > 0, total, np.nan)
    waits = np.array([np.quantile(one.waits, QUARTILES) / YEAR for one in seen])
    values = np.concatenate([shares.reshape(len(seen), -1), waits], axis=1)
    known = estimate(values, Design(design.confidence, design.drawn))
    keys = [(float(years), name) for years in AGES for name in BECAME]
    keys += [(quantile, "wait") for quantile in QUARTILES]
    out = pd.DataFrame(keys, columns=["years", "became"]).assign(
        value=known.mean, low=known.low, high=known.high
    )
    out.insert(0, "country", side.name)
    return out[~np.isnan(known.mean)]


def _follow(side: Side, run: PlannedRun) -> Followed:
    settings = side.asked.plan.settings(run)
    followed = Followed(side)
    model = Kyosei(settings, data_of(settings))
    followed(model)
    model.run(followed)
    return followed
