"""Parameters: every number of firms, municipalities, agencies and integration, by its path.

A parameter is a leaf with a `value` in one of the SECTIONS; `firms.recruit.success` is the path of
one. They stand behind the rates in the vector that policy edits, so levers, events and scenarios
change them by date as they change rates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from pydantic import BaseModel

from sim.config_files import nearest
from sim.config_yaml import dotted
from sim.recent import Same
from sim.schema import RunConfig
from sim.schema_base import Provenance
from sim.sections import sections

SECTIONS: Final = ("firms", "town", "agency", "integration")


_KNOWN: Final[Same[dict[str, float]]] = Same(size=16)


def parameters(config: RunConfig) -> Mapping[str, float]:
    """Path -> value of every parameter, in order of path; {} without the sections."""
    parts = [(path, part) for path, part in sections(config) if path[0] in SECTIONS]

    def found() -> dict[str, float]:
        return dict(sorted(leaf for path, part in parts for leaf in _leaves(dotted(path), part)))

    return _KNOWN.get(tuple(part for _, part in parts), found, tuple(path for path, _ in parts))


def _leaves(path: str, at: object) -> Iterator[tuple[str, float]]:
    if isinstance(at, Provenance) and isinstance(getattr(at, "value", None), float):
        yield path, at.value  # type: ignore[attr-defined]
    elif isinstance(at, BaseModel):
        for name, field in type(at).model_fields.items():
            yield from _leaves(f"{path}.{field.alias or name}", getattr(at, name))
    elif isinstance(at, dict):
        for key, inner in at.items():
            yield from _leaves(f"{path}.{key}", inner)


class Parameters(Mapping[str, float]):
    """The parameters in force in a month: `params["agency.immigration.officers"]`.

    KeyError, with the nearest name, for a path that is none.
    """

    def __init__(self, rows: Mapping[str, int], values: np.ndarray) -> None:
        self._rows = rows
        self._values = values  # float64[K]

    def __getitem__(self, path: str) -> float:
        row = self._rows.get(path)
        if row is None:
            raise KeyError(f"there is no parameter {path}.{nearest(path, self._rows)}")
        return float(self._values[row])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def below(self, path: str) -> dict[str, float]:
        """The parameters of one place by what follows it: `below("firms.sector")`, in order."""
        start = f"{path}."
        return {name[len(start) :]: self[name] for name in self._rows if name.startswith(start)}
