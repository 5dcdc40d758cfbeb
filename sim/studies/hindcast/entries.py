"""Entries before the origin: what the stocks known there need to balance under the rates.

Published entries are not imposed, because stocks are what is projected: where the rates bring too
few people into a status by other ways, or keep too many in it, balanced entries make up for that,
before the origin and after it. Some entries are also published for several statuses together (all
stages of training).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.agents.opening.people import open_population
from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig
from sim.core.clock import HALF_YEAR, month_index, month_name
from sim.core.probability import MONTHS_PER_YEAR
from sim.core.threads import use_threads
from sim.model.model import Kyosei
from sim.model.opening import state_of
from sim.studies.calibration.entries import (
    estimated_arrivals,
    open_cells,
    published_half_years,
    published_stock_matrix,
    simulated_stock_matrix,
)
from sim.studies.hindcast.known import Known
from sim.studies.hindcast.settings import ArrivalsPast


@dataclass(frozen=True)
class PastEntries:
    """Half-years before the origin, H of them, and the entries of each status in them.

    ends      int[H]         last month of each half-year
    entries   float64[H, S]  people who came
    factor    float64[H, S]  what events multiplied arrivals by, mean of the months
    family                  what the rates at which residents bring their family are multiplied by
    """

    ends: list[int]
    entries: np.ndarray
    factor: np.ndarray
    family: float = 1.0


FAMILY: Final = "*.monthly.bring_family"

FAMILY_HALVES: Final = 6
"""Half-years with an open border, the last ones, in which the family that comes must balance."""

FAMILY_LIMIT: Final = 3.0


@dataclass(frozen=True)
class Balancing:
    """What every balancing of one origin shares: its run, its opening, its targets."""

    config: RunConfig
    known: Known
    ends: list[int]
    columns: dict[str, np.ndarray]
    target: np.ndarray  # float64[H + 1, S], NaN where nothing is published
    open_to: np.ndarray  # bool[H, S]


def prepare(config: RunConfig, known: Known, scale: float) -> Balancing:
    """The run over the years before the origin. `config` gives rates and events."""
    settings, dates = known.settings.arrivals, published_half_years(known.data)
    first = max(dates[0], known.origin - round(MONTHS_PER_YEAR * settings.balanced_years))
    arrivals = config.arrivals.model_copy(update={"mode": "conditional", "shocks": False})
    run = config.model_copy(
        update={
            "start": month_name(first),
            "end": month_name(known.origin),
            "scale": scale,
            "arrivals": arrivals,
            "replicate": 0,
        }
    )
    ends = [month for month in dates if month > first]
    target = published_stock_matrix(run, known.data)[-len(ends) - 1 :]
    columns = open_population(run, known.data, first, scale).columns
    return Balancing(run, known, ends, columns, target, open_cells(run, ends))


def balance(
    task: Balancing, config: RunConfig, rounds: int, begin: PastEntries | None = None
) -> PastEntries:
    """Entries, and family brought, for which the stocks balance under the rates of `config`.

    begin  those to begin with, such as those of other rates; else guessed
    """
    run = task.config.model_copy(
        update={
            name: getattr(config, name) for name in ("status", "life", "event", "scenario", "fit")
        }
    )
    statuses = run.country.statuses
    unknown = np.isnan(task.target).all(axis=0)
    people, family = (
        (first_guess(task, run), 1.0) if begin is None else (begin.entries, begin.family)
    )
    damping = task.known.settings.arrivals.damping
    turnover = np.array([run.status[s].opening.turnover for s in statuses])
    for turn in range(rounds):
        table = estimated_arrivals(people, task.ends, statuses)
        now = with_family(run, family, month_index(run.start))
        stock, factor, brought = _simulate(task, now, task.known.with_arrivals(table))
        if turn + 1 < rounds:
            step = damping * closing_entries(np.nan_to_num(task.target - stock), turnover)
            family = _closing_family(family, step, brought, factor, task.known.settings.arrivals)
            free = task.open_to & ~unknown
            people = np.where(free, np.maximum(people + step, 0.0), people)
    return PastEntries(task.ends, people, factor, family)


def with_family(config: RunConfig, family: float, since: int) -> RunConfig:
    """The configuration whose residents bring their family at so many times the rates."""
    edit = Edit(paths=[FAMILY], since=month_name(since), multiply=family)
    scenario = config.scenario
    edits = {**scenario.edits, "family": edit}
    return config.model_copy(update={"scenario": scenario.model_copy(update={"edits": edits})})


def _closing_family(
    family: float, step: np.ndarray, brought: np.ndarray, factor: np.ndarray, settings: ArrivalsPast
) -> float:
    """The multiplier of the rates for which as many come, in the last half-years with an open
    border, as are missing in the statuses of those who are brought: step, brought float64[H, S]."""
    usable = np.flatnonzero(factor.max(axis=1) >= settings.open_share)[-FAMILY_HALVES:]
    rows = brought.sum(axis=0) > 0
    came, missing = brought[usable].sum(), step[np.ix_(usable, rows)].sum()
    if came <= 0:
        return family
    times = 1.0 + missing / came
    return float(np.clip(family * np.clip(times, 0.5, 2.0), 1 / FAMILY_LIMIT, FAMILY_LIMIT))


def closing_entries(gap: np.ndarray, turnover: np.ndarray) -> np.ndarray:
    """float64[H, S]: entries that close a gap in the stocks, float64[H + 1, S].

    turnover  float64[S]  share of a stock that leaves it in a year

    What is added in one half-year is partly gone in later ones, and those must make up for it.
    Without this, balancing a status with short stays takes a round for every year.
    """
    step = np.zeros((len(gap) - 1, gap.shape[1]))
    stays = np.exp(-turnover * HALF_YEAR / MONTHS_PER_YEAR)
    still = gap[0].copy()  # of what was added, and of the gap that the opening has
    for h in range(len(step)):
        still = still * stays
        step[h] = gap[h + 1] - still
        still = still + step[h]
    return step


def first_guess(task: Balancing, config: RunConfig) -> np.ndarray:
    """float64[H, S]: growth of the stock and who left it, or a level where none is published."""
    statuses = config.country.statuses
    turnover = np.array([config.status[s].opening.turnover for s in statuses])
    stock = np.nan_to_num(task.target)
    guess = np.maximum(np.diff(stock, axis=0) + turnover / 2 * stock[1:], 0.0) / 2
    for s, name in enumerate(statuses):
        channel = config.arrivals.channels.get(name)
        if channel is None:
            guess[:, s] = 0.0
        elif np.isnan(task.target[:, s]).all():
            guess[:, s] = channel.level / 2
    return guess * task.open_to


def _simulate(
    task: Balancing, run: RunConfig, known: Known
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stocks float64[H + 1, S] of the run, the events' factors of arrivals float64[H, S], and
    family brought float64[H, S]."""
    people = {name: column.copy() for name, column in task.columns.items()}
    state = state_of(run, known.data, people, use_threads(run.threads))
    record = Kyosei(run, state=state).run()
    wanted = [month_index(run.start), *task.ends]
    factor = [
        np.mean(
            [state.policy.arrival_factor(end - back) for back in range(HALF_YEAR)[::-1]], axis=0
        )
        for end in task.ends
    ]
    brought = np.array(record.brought[1:]).reshape(len(task.ends), HALF_YEAR, -1).sum(axis=1)
    return (
        simulated_stock_matrix(record, wanted, run.scale), np.array(factor), brought / run.scale
    )  # fmt: skip
