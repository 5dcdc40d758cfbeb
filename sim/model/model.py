"""Kyosei as a Mesa model: `step()` is one month, `run()` is all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.agents.agent_set import People
from sim.agents.record import Record
from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import InvariantError
from sim.core.threads import use_threads
from sim.data.load import Data, load
from sim.model.mesa import Model
from sim.model.month import MONTH
from sim.model.opening import open_state


class Kyosei(Model):
    """Every foreign resident of a country, month by month.

    `config` is a RunConfig (`sim.config.compose.compose([...])`). The population is `model.people`;
    it answers `select`, `count` and `agg` like an agent set. `model.month` is the month index, and
    `model.date` the same as YYYY-MM. Randomness is a function of identity: Mesa's own generators
    are never used, so `rng` changes nothing.

    Raises ConfigError, DataError before the first month and InvariantError if the books break.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Data | None = None,
        rng: int = 0,
        state: State | None = None,
    ) -> None:
        super().__init__(rng=rng)
        self.config = config
        threads = use_threads(config.threads)
        self.opening_report: dict[str, Any] = {}
        if state is None:
            data = data if data is not None else load(config.country.data)
            state, self.opening_report = open_state(config, data, threads)
        self.state = state
        self.people = People(state, config)
        self.last_month = month_index(config.end)
        self.running = self.month < self.last_month

    @property
    def month(self) -> int:
        """Month index of the last finished month."""
        return self.state.month

    @property
    def date(self) -> str:
        """The last finished month as YYYY-MM."""
        return month_name(self.state.month)

    @property
    def record(self) -> Record:
        return self.state.record

    def step(self) -> None:
        """Simulate one month."""
        self.state.month += 1
        for process in MONTH:
            process(self.state)
        self.running = self.month < self.last_month
        if not self.running:
            check_keys(self.state)

    def run(self, on_month: Callable[[Kyosei], Any] | None = None) -> Record:
        """Simulate to the end; `on_month(model)` is called after each month."""
        while self.running:
            self.step()
            if on_month is not None:
                on_month(self)
        return self.record


def check_keys(state: State) -> None:
    """Raise InvariantError if two residents have the same key."""
    keys = np.sort(state.people["key"][state.people.alive])
    twins = int((keys[1:] == keys[:-1]).sum())
    if twins:
        raise InvariantError(f"{twins} residents share a key with another in {state.month}")
