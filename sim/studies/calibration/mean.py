"""What the model expects of the past at given parameters: one run, and where its newcomers went.

People differ (ages, courses, permits that end, families), so the mean is taken from the simulator
itself, with common random numbers at each evaluation: people are independent, so chance is a small
share at the scales used, and it cancels where two evaluations are compared.

Stocks are linear in arrivals. Who came in which half-year under which status is followed through
the run, so the slopes of all stocks by all arrivals are exact counts of one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.agents.opening.people import open_population
from sim.agents.population import HOLE
from sim.config.schema.policy import FittedEdit, FittedRates, Prior
from sim.config.schema.run import RunConfig
from sim.core.clock import HALF_YEAR, calendar_month, half_year_end, month_index, year_of
from sim.data.load import Data
from sim.model.checkpoint import Checkpoint, restore, snapshot
from sim.model.model import Kyosei
from sim.model.opening import blank_state, open_work, state_of
from sim.processes.survey import WORK
from sim.rates.places import load_places
from sim.rates.statuses import has_firms
from sim.rates.tables import build
from sim.studies.calibration.entries import arrivals_table
from sim.studies.calibration.plan import Knob

OCTOBER: Final = 10

UNAUDITED: Final = np.uint64(63)
"""Audit few people only: the hundreds of runs of a fit are compared with each other, not with
their expectation."""


@dataclass(frozen=True)
class Outcome:
    """Sums over people, weighted to scale 1. H half-years, S statuses, F fates, Y years.

    months  int64[H + 1] of the stocks, the opening first
    stocks  float64[H + 1, S]
    years   int64[Y]; flows float64[Y, F]; born float64[Y]
    came    float64[H, S] arrivals of each half-year
    work    float64[Y, T] people at work in firms each October, by tier; T is 0 if no firms act
    left    float32[H + 1, H, S, S] people of each month by the half-year and status in which they,
            or those who brought them, came; None if they were not followed
    """

    months: np.ndarray
    stocks: np.ndarray
    years: np.ndarray
    flows: np.ndarray
    born: np.ndarray
    came: np.ndarray
    work: np.ndarray
    left: np.ndarray | None


class Mean:
    """Evaluates the past of one configuration. Thread-safe: a call touches nothing of another."""

    def __init__(self, config: RunConfig, data: Data, knobs: list[Knob]) -> None:
        self.config, self.data, self.knobs = config, data, knobs
        self.statuses = config.country.statuses
        self.tiers, self.tier = recruited_tiers(config)
        places = load_places(config, data)
        self.fates = [fate.path for fate in build(config, places.codes, places.mobility).names]
        start = month_index(config.start)
        self.ends = np.arange(start + HALF_YEAR, month_index(config.end) + 1, HALF_YEAR)
        self._opening = open_population(config, data, start, config.scale).columns

    def run(
        self, theta: np.ndarray, arrivals: np.ndarray, follow: bool = False, threads: int = 1,
        past: Checkpoint | None = None, keep: dict[int, Checkpoint | None] | None = None,
    ) -> Outcome:  # fmt: skip
        """Simulate the past.

        theta     float64[K] logarithms of the multipliers
        arrivals  float64[H, S] people who come in each half-year
        follow    whether to follow newcomers (Outcome.left)
        threads   of this run; they change nothing
        past      a run to go on from, which had the same arrivals and, so far, the same rates
        keep      month index -> where to put the run as it is after the month
        """
        config = with_fit(self.config, fit_of(self.knobs, theta))
        data = self.data.with_tables(arrivals=arrivals_table(arrivals, self.ends, self.statuses))
        if past is None:
            people = {name: column.copy() for name, column in self._opening.items()}
            state = state_of(config, data, people, threads)
            open_work(state, data)
        else:
            state = blank_state(config, data, past.arrays["people.key"].size, threads)
            restore(past, state)
        state.unaudited = UNAUDITED
        model = Kyosei(config, state=state)
        trail = _Trail(model, self.ends.size) if follow else None
        while model.running:
            if keep is not None and model.month in keep:
                keep[model.month] = snapshot(state, {})
            model.step()
            if trail is not None:
                trail.step()
        return self._outcome(model, trail)

    def _outcome(self, model: Kyosei, trail: _Trail | None) -> Outcome:
        record, weight = model.record, 1.0 / self.config.scale
        halves = [k for k, m in enumerate(record.months) if k == 0 or half_year_end(m) == m]
        stocks = np.array([record.cubes[k].sum(axis=(1, 2)) for k in halves]) * weight
        months = np.array(record.months[1:], np.int64)
        years, at = np.unique([year_of(int(m)) for m in months], return_inverse=True)
        flows = np.zeros((years.size, model.state.rates.kinds))
        np.add.at(flows, at, np.array(record.flows[1:]))
        born = np.zeros(years.size)
        np.add.at(born, at, np.array(record.born[1:]).sum(axis=1))
        half = (months - months[0]) // HALF_YEAR
        came = np.zeros((self.ends.size, len(self.statuses)))
        np.add.at(came, half, np.array(record.came[1:]))
        octobers = [k for k, m in enumerate(record.months) if k and calendar_month(m) == OCTOBER]
        work = np.array([record.work[k][:, WORK.at("employed")] for k in octobers]) * weight
        left = None if trail is None else trail.left * np.float32(weight)
        every = np.array([record.months[k] for k in halves], np.int64)
        return Outcome(every, stocks, years, flows * weight, born * weight, came * weight, work,
                       left)  # fmt: skip


class _Trail:
    """Follows newcomers: when and under which status they came, and where they are now."""

    def __init__(self, model: Kyosei, halves: int) -> None:
        self._model, self._start = model, model.month
        self._s = len(model.config.country.statuses)
        self._cells = halves * self._s
        self.left = np.zeros((halves + 1, halves, self._s, self._s), np.float32)
        self._keys = model.state.people["key"].copy()
        self._cell = np.full(self._keys.size, -1, np.int32)

    def step(self) -> None:
        """After each month."""
        people, month = self._model.state.people, self._model.month
        keys, status = people["key"], people["status"]
        n = self._keys.size
        cell = np.full(keys.size, -1, np.int32)
        cell[:n] = self._cell
        new = np.ones(keys.size, np.bool_)
        new[:n] = keys[:n] != self._keys
        new &= status != HOLE
        half = (month - self._start - 1) // HALF_YEAR
        cell[new] = half * self._s + status[new].astype(np.int32)
        principal = people["principal"]
        family = new & (principal >= 0)  # they are here because somebody else came
        cell[family] = cell[principal[family]]
        self._keys, self._cell = keys.copy(), cell
        if (month - self._start) % HALF_YEAR == 0:
            kept = (cell >= 0) & (status != HOLE)
            at = cell[kept].astype(np.int64) * self._s + status[kept]
            count = np.bincount(at, minlength=self._cells * self._s)
            self.left[half + 1] = count.reshape(-1, self._s, self._s)


def recruited_tiers(config: RunConfig) -> tuple[list[str], np.ndarray]:
    """(names of tiers, int64[S] tier of each status that firms recruit and -1 for the others)."""
    firms, statuses = config.firms, config.country.statuses
    none = np.full(len(statuses), -1, np.int64)
    if firms is None or not has_firms(config):
        return [], none
    for s, name in enumerate(statuses):
        of = firms.tier_of.get(name)
        if of is not None and firms.tiers[of].search == "all":
            none[s] = list(firms.tiers).index(of)
    return list(firms.tiers), none


def fit_of(knobs: list[Knob], theta: np.ndarray) -> FittedRates:
    """The section `fit` for given logarithms of multipliers, float64[K].

    The multiplier of a knob that stands for an event's size is relative to that size.
    """
    edits = {
        knob.name: FittedEdit(
            quality="fitted", paths=knob.edit.paths, since=knob.edit.since, until=knob.edit.until,
            multiply=float(np.exp(value)), prior=Prior(median=1.0, sd=knob.sd),
        )
        for knob, value in zip(knobs, theta, strict=True)
    }  # fmt: skip
    return FittedRates(name="trial", edits=edits)


def with_fit(config: RunConfig, fit: FittedRates) -> RunConfig:
    """The same configuration with another fit."""
    return config.model_copy(update={"fit": fit})
