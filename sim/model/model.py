"""The engine: `step()` is one month, `run()` is all of them. `sim.model.mesa` shows it to Mesa."""

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
from sim.data.load import Data, data_of
from sim.model.checkpoint import Checkpoint, restore, snapshot
from sim.model.month import MONTH
from sim.model.opening import blank_state, open_state


class Kyosei:
    """Every foreign resident of a country, month by month.

    The population is `people`; it answers `select`, `count` and `agg` like an agent set. `running`
    is True until the last month is over. Random numbers are a function of the seed, the replicate
    and who draws in which month: nothing else decides what happens.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Data | None = None,
        state: State | None = None,
    ) -> None:
        """A run before its first month.

        config  the settings (`sim.config.compose.compose([...])`)
        data    the published tables; read if not given
        state   the opening (`sim.model.opening`); made from the data if not given

        Raises ConfigError and DataError.
        """
        self.config = config
        self._data = data
        threads = use_threads(config.threads)
        self.opening_report: dict[str, Any] = {}
        if state is None:
            data = data if data is not None else data_of(config)
            state, self.opening_report = open_state(config, data, threads)
        self.state = state
        self.people = People(state, config)
        self.last_month = month_index(config.end)
        self.running = self.month < self.last_month

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled by what a checkpoint keeps, and made again from it: the arrays of a
        state are views of one another, which a copy of each would tear apart."""
        return _again, (self.config, self._data, snapshot(self.state, {}), self.opening_report)

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
        """All counts of the run so far."""
        return self.state.record

    def step(self) -> None:
        """Simulate one month. Raises InvariantError if the books do not close."""
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


def _again(
    config: RunConfig, data: Data | None, kept: Checkpoint, report: dict[str, Any]
) -> Kyosei:
    """The model that goes on from a kept state."""
    data = data if data is not None else data_of(config)
    state = blank_state(config, data, kept.arrays["people.key"].size, use_threads(config.threads))
    restore(kept, state)
    model = Kyosei(config, data, state)
    model.opening_report = report
    return model


def check_keys(state: State) -> None:
    """Raise InvariantError if two residents have the same key."""
    keys = np.sort(state.people["key"][state.people.alive])
    twins = int((keys[1:] == keys[:-1]).sum())
    if twins:
        raise InvariantError(
            f"{twins} residents share a key with another in {month_name(state.month)}"
        )
