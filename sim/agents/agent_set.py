"""The population as an agent set: `select`, `count`, `agg`, `get` on columns, not objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from types import MappingProxyType
from typing import Any

import numpy as np

from sim.agents.population import FIELDS, HOLE
from sim.config.schema.run import RunConfig
from sim.core.errors import nearest

Value = str | int
Condition = Value | Collection[Value] | Callable[[np.ndarray], np.ndarray]


def _listed(condition: Value | Collection[Value]) -> list[Any]:
    """The values of a condition: one, or those of any collection."""
    if isinstance(condition, str | bytes) or not isinstance(condition, Collection):
        return [condition]
    return list(condition)


def _truths(name: str, found: Any, people: int) -> np.ndarray:
    """What a function of a column says of each person. Raises TypeError if it does not."""
    truths = np.asarray(found)
    if truths.dtype != np.bool_ or truths.shape not in ((people,), ()):
        raise TypeError(
            f"the function for {name!r} must give one truth value for each of {people} people, not"
            f" {truths.dtype} of shape {truths.shape}"
        )
    return truths


class People:
    """A view of the residents (or of those that `select` kept).

    Columns come by name, one value a person: those of `FIELDS`, plus `age` (completed years),
    `years_resident` and `years_in_status`. A condition is a value, any collection of values (list,
    tuple, set, range, array), or a function of the column that returns one truth value a person.
    Statuses, origins, municipalities and sex may be given by their codes. What cannot be a value of
    the column raises KeyError (with the nearest code) or TypeError: it never selects nobody.
    """

    def __init__(self, state: Any, config: RunConfig, rows: np.ndarray | None = None) -> None:
        self._state, self._config, self._rows = state, config, rows
        country = config.country
        self._names = MappingProxyType(
            {"status": country.statuses, "origin": country.origins, "sex": ["F", "M"],
             "municipality": state.rates.codes.municipalities}
        )  # fmt: skip

    @property
    def rows(self) -> np.ndarray:
        """Rows of the population in this view."""
        if self._rows is not None:
            return self._rows
        return np.flatnonzero(self._state.people["status"] != HOLE)

    def __len__(self) -> int:
        return self._state.people.count() if self._rows is None else self._rows.size

    def __getitem__(self, name: str) -> np.ndarray:
        """One value a person; a copy. KeyError names the columns that exist."""
        now, people = self._state.month, self._state.people
        derived = {"age": "born", "years_resident": "entered", "years_in_status": "since"}
        if name in derived:
            return (now - people[derived[name]][self.rows].astype(np.int32)) // 12
        if name not in FIELDS:
            raise KeyError(f"no column {name!r}; there are {sorted([*FIELDS, *derived])}")
        return people[name][self.rows]

    def select(self, **conditions: Condition) -> People:
        """The people for whom every condition holds, e.g. `select(status="student", age=f)`."""
        keep = np.ones(self.rows.size, np.bool_)
        for name, condition in conditions.items():
            values = self[name]
            if callable(condition):
                keep &= _truths(name, condition(values), values.size)
            else:
                keep &= np.isin(values, [self._code(name, value) for value in _listed(condition)])
        return People(self._state, self._config, self.rows[keep])

    def _code(self, name: str, value: Any) -> int:
        """The number that stands for a value in a column. Raises KeyError, TypeError."""
        if isinstance(value, str):
            names = self._names.get(name)
            if names is None:
                raise TypeError(f"{name!r} is a column of numbers: {value!r} is text")
            if value not in names:
                raise KeyError(f"{value!r} is not a value of {name!r}.{nearest(value, names)}")
            return names.index(value)
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
            kind = type(value).__name__
            raise TypeError(f"{name!r} is compared with whole numbers or codes, not {kind}")
        return int(value)

    def count(self, **conditions: Condition) -> float:
        """Number of people, weighted back by 1 / scale."""
        return len(self.select(**conditions) if conditions else self) / self._state.scale

    def agg(self, name: str, function: Callable[[np.ndarray], Any]) -> Any:
        """`function` of a column, e.g. `agg("age", np.mean)`."""
        return function(self[name])

    def get(self, name: str) -> list[Any]:
        """A column as a list, with codes as names where the column has names."""
        names = self._names.get(name)
        values = self[name]
        return [names[v] for v in values] if names is not None else values.tolist()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """People one by one as dictionaries: for looking, not for computing."""
        for row in self.rows:
            yield {name: self._state.people[name][row].item() for name in FIELDS}
