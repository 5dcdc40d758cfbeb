"""A finished run as its tables, its indicators and its summary read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from sim.agents.histories import Followed
from sim.agents.record import MONTH, Record, Series
from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.rates.kinds import KINDS
from sim.rates.tables import Rates


class Recorded(Protocol):
    """What of a model an outcome is made of: readers of finished runs need not load the model."""

    @property
    def record(self) -> Record: ...
    @property
    def state(self) -> State: ...
    @property
    def config(self) -> RunConfig: ...


@dataclass(frozen=True)
class Outcome:
    """What a run recorded, the tables of its rates, its settings, and whom it followed.

    prefecture: uint8[M], of each municipality.

    Arrays hold simulated people: divided by `scale` they are people. T months, the opening first;
    S statuses; F fates.
    """

    record: Record
    rates: Rates
    config: RunConfig
    followed: Followed | None = None
    prefecture: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8), repr=False)
    _stacks: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, model: Recorded) -> Outcome:
        """What a model has recorded so far."""
        state = model.state
        prefecture = state.places.world.prefecture
        return cls(model.record, state.rates, model.config, state.followed, prefecture)

    @property
    def scale(self) -> float:
        return self.config.scale

    @property
    def statuses(self) -> list[str]:
        return self.rates.codes.statuses

    @cached_property
    def published(self) -> np.ndarray:
        """bool[S]: statuses inside the published total of residents."""
        return np.array([self.config.status[name].published for name in self.statuses])

    @cached_property
    def settled(self) -> np.ndarray:
        """bool[S]: statuses that count as settled."""
        return np.array([self.config.status[name].settled for name in self.statuses])

    @cached_property
    def stock(self) -> np.ndarray:
        """int64[T, S]: residents by status."""
        return np.array([cube.sum(axis=(1, 2), dtype=np.int64) for cube in self.record.cubes])

    @cached_property
    def total(self) -> np.ndarray:
        """int64[T]: residents inside the published total, at least 1."""
        return np.maximum(self.stock[:, self.published].sum(axis=1), 1)

    def by_month(self, series: Series) -> np.ndarray:
        """All entries of a monthly series as one array, the months along its first axis."""
        assert series.when == MONTH
        if series.name not in self._stacks:
            self._stacks[series.name] = np.array(getattr(self.record, series.name))
        return self._stacks[series.name]

    def met(self, flows: np.ndarray, kind: str, to: int | None = None) -> np.ndarray:
        """int64[T]: people who met fates of a kind (see KINDS), or such that lead to a status.

        flows: int64[T, F].
        """
        chosen = self.rates.fates.kind == KINDS[kind]
        if to is not None:
            chosen &= self.rates.fates.to == to
        return np.asarray(flows[:, chosen].sum(axis=1))
