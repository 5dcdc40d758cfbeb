"""A small sample of the country's firms, opened once, and a month of them without people."""

from __future__ import annotations

import copy
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from sim.agents.firms import FirmSet
from sim.agents.opening.firms import FirmsOpening, open_firms
from sim.agents.opening.people import open_population
from sim.agents.state import Month
from sim.config import compose as door
from sim.config.paths import parameters
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.rng import run_key
from sim.core.threads import Crew
from sim.data import load as tables
from sim.data.load import Data
from sim.processes.firms import firms_month
from sim.rates.places import Places, load_places

SCALE = 0.02
KEY = run_key(0, 0)


@cache
def config() -> RunConfig:
    return door.compose([f"scale={SCALE}"])


@cache
def data() -> Data:
    return tables.load("japan")


@cache
def places() -> Places:
    return load_places(config(), data())


@cache
def residents() -> dict[str, np.ndarray]:
    return open_population(config(), data(), month_index(config().start), SCALE).columns


def opened(columns: dict[str, np.ndarray], key: Any = KEY) -> FirmsOpening:
    return open_firms(config(), data(), columns, places(), key, SCALE)


@cache
def opening() -> FirmsOpening:
    return opened(residents())


def fresh() -> FirmSet:
    """The opening's firms, to be changed by one test."""
    return copy.deepcopy(opening().firms)


class Months:
    """Months of firms alone: `firms_month`, then hiring and eviction as a test says."""

    def __init__(self, firms: FirmSet, threads: int = 1, **change: float) -> None:
        params = parameters(config())
        unknown = [path for path in change if path not in params]
        assert not unknown, unknown
        changed = {**params, **change}
        month = month_index(config().start)
        codes = SimpleNamespace(prefectures=sorted(config().prefecture))
        self.firms = firms
        self.state: Any = SimpleNamespace(
            labour=SimpleNamespace(firms=firms), config=config(), params=changed, key=KEY,
            policy=SimpleNamespace(params=lambda m: params if m == month else changed),
            scale=SCALE, crew=Crew(threads), chunks=threads, month=month, now=_now(month),
            world=places().world, rates=SimpleNamespace(codes=codes),
        )  # fmt: skip

    def step(self, hire: bool = True) -> None:
        """One month; `hire`: every vacancy is filled and whoever must go has gone."""
        self.state.month += 1
        self.state.now = _now(self.state.month)
        firms_month(self.state)
        if hire:
            notice = self.firms["notice"]
            self.firms["heads"][(notice > 0) & (notice <= self.state.month)] = 0
            self.firms["heads"][:] += self.firms["vacancies"]


def _now(month: int) -> Month:
    return Month(month, *KEY, 0, 0, 0, 0, np.uint64(0), np.uint64(0))
