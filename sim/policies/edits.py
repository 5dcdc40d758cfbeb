"""This month's rates = the baseline rates, edited by what is in force this month.

Law in force, events such as the border closure, and a scenario's own edits all arrive here as
dated edits; policy levers will too. No process knows why a rate changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from sim.clock import month_index
from sim.parameters import Parameters, parameters
from sim.schema import Edit, RunConfig
from sim.tables import Model

LAST = 2**31 - 1


@dataclass(frozen=True)
class DatedEdit:
    """One edit with its rows: multiply, or set, `rows` of the base from `since` to `until`."""

    name: str
    since: int
    until: int
    rows: np.ndarray  # int64, rows of Model.base and, behind them, of the parameters
    channels: np.ndarray  # int64, statuses whose arrivals it edits
    multiply: float | None
    set: float | None

    def holds(self, month: int) -> bool:
        return self.since <= month <= self.until


class RateBook:
    """Rates and parameters by month, cached per set of edits in force."""

    def __init__(self, config: RunConfig, model: Model) -> None:
        self._model = model
        given = parameters(config)
        size = model.base.size
        self._values = np.concatenate([model.base, np.array(list(given.values()), np.float64)])
        self._parameter_rows = {path: row for row, path in enumerate(given)}
        paths = {name.path: row for row, name in enumerate(model.names)}
        paths |= {path: size + row for path, row in self._parameter_rows.items()}
        channels = {f"arrivals.{status}": s for s, status in enumerate(model.codes.statuses)}
        named = [
            (f"event.{event}.{name}", edit)
            for event, body in config.event.items()
            for name, edit in body.edits.items()
        ]
        named += [(f"scenario.{name}", edit) for name, edit in config.scenario.edits.items()]
        dated = [_dated(name, edit, paths, channels) for name, edit in named]
        # By size: a product of floats depends on its order in the last bit, edits must not.
        self.edits = sorted(dated, key=lambda edit: edit.multiply or 0.0)
        self._cache: dict[bytes, tuple[np.ndarray, Parameters]] = {}

    def base(self, month: int) -> np.ndarray:
        """float64[F + G] in force in a month; the same array while nothing changes."""
        return self._in_force(month)[0]

    def params(self, month: int) -> Parameters:
        """The parameters in force in a month; the same object while nothing changes."""
        return self._in_force(month)[1]

    def _in_force(self, month: int) -> tuple[np.ndarray, Parameters]:
        in_law = (self._model.months[:, 0] <= month) & (month <= self._model.months[:, 1])
        holding = np.array([edit.holds(month) for edit in self.edits], np.bool_)
        key = np.packbits(in_law).tobytes() + b"|" + np.packbits(holding).tobytes()
        if key not in self._cache:
            values = self._edited(in_law, month)
            size = self._model.base.size
            self._cache[key] = values[:size], Parameters(self._parameter_rows, values[size:])
        return self._cache[key]

    def _edited(self, in_law: np.ndarray, month: int) -> np.ndarray:
        base = self._values.copy()
        # What is set comes first and what multiplies after, so the order of edits cannot matter.
        for edit in self.edits:
            if edit.holds(month) and edit.set is not None:
                base[edit.rows] = edit.set
        for edit in self.edits:
            if edit.holds(month) and edit.multiply is not None:
                base[edit.rows] *= edit.multiply
        base[: in_law.size][~in_law] = 0.0
        return base

    def arrival_factor(self, month: int) -> np.ndarray:
        """float64[S]: what this month's events and scenario multiply arrivals by."""
        factor = np.ones(len(self._model.codes.statuses))
        for edit in self.edits:
            if edit.holds(month) and edit.multiply is not None:
                factor[edit.channels] *= edit.multiply
        return factor


def _dated(name: str, edit: Edit, paths: dict[str, int], channels: dict[str, int]) -> DatedEdit:
    def matching(candidates: dict[str, int]) -> np.ndarray:
        hits = [
            row for path, row in candidates.items()
            if any(fnmatchcase(path, glob) for glob in edit.paths)
        ]  # fmt: skip
        return np.array(hits, np.int64)

    until = month_index(edit.until) if edit.until is not None else LAST
    return DatedEdit(
        name, month_index(edit.since), until, matching(paths), matching(channels), edit.multiply,
        edit.set,
    )  # fmt: skip
