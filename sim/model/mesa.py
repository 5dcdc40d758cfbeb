"""Kyosei as a Mesa model, for those who work with Mesa's tools.

Nothing else in Kyosei imports this module, nor Mesa: `import mesa` takes about a second.

    rows = mesa.batch_run(MesaModel, {"scale": 0.01, "end": "2026-12", "replicate": [0, 1, 2]})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import mesa
import numpy as np

from sim.agents.agent_set import People
from sim.agents.record import Record
from sim.agents.state import State
from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError
from sim.data.load import Data
from sim.model.model import Kyosei

REPORTERS: Final[Mapping[str, str | Callable[[Any], Any]]] = MappingProxyType(
    {"month": "date", "residents": lambda model: model.people.count()}
)
"""What `MesaModel.datacollector` collects after each month, if not otherwise."""


class MesaModel(mesa.Model):
    """A run as a `mesa.Model`: `step()` is one month, and `running` ends with the run.

    The population is `model.people`; it answers `select`, `count` and `agg` like an agent set.
    `model.month` is the month index of the last finished month, `model.date` the same as YYYY-MM.
    `model.datacollector` collects after each month: put another in its place for other reporters.
    Residents draw from Kyosei's own random numbers, by `seed` and `replicate`; Mesa's generators
    are never used, so `rng` changes no result.
    """

    def __init__(
        self,
        config: RunConfig | None = None,
        data: Data | None = None,
        rng: int | None = 0,
        state: State | None = None,
        **settings: Any,
    ) -> None:
        """A model before its first month.

        config    the settings of the run (`sim.config.compose.compose`)
        data      the published tables, if not those that the settings name
        state     an opening of one's own, as `sim.model.opening` makes it
        settings  settings by name in place of `config`, such as `scale=0.01, replicate=2` or, for
                  one inside a group, `**{"status.student.monthly.leave.rate": 0.05}`

        Raises ConfigError (also for both `config` and settings) and DataError.
        """
        super().__init__(rng=rng)
        if config is None:
            config = compose([f"{name}={_word(value)}" for name, value in settings.items()])
        elif settings:
            raise ConfigError(f"give either a configuration or settings: {', '.join(settings)}")
        self.config = config
        self.engine = Kyosei(config, data, state)
        self.datacollector = mesa.DataCollector(model_reporters=dict(REPORTERS))
        self.running = self.engine.running

    @property
    def people(self) -> People:
        return self.engine.people

    @property
    def month(self) -> int:
        """Month index of the last finished month."""
        return self.engine.month

    @property
    def date(self) -> str:
        """The last finished month as YYYY-MM."""
        return self.engine.date

    @property
    def record(self) -> Record:
        """All counts of the run so far."""
        return self.engine.record

    def step(self) -> None:
        """Simulate one month and collect. Raises InvariantError if the books do not close."""
        self.engine.step()
        self.running = self.engine.running
        self.datacollector.collect(self)


def _word(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_word(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_word, value)) + "]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)
