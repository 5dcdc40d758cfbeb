"""Every number of a configuration by its path: sections, parameters, and what policy may change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Final

import numpy as np
from pydantic import BaseModel

from sim.config.fates import fates_of
from sim.config.schema.base import Value
from sim.config.schema.run import RunConfig
from sim.config.yaml import Path, dotted
from sim.core.errors import nearest


def sections(config: RunConfig) -> Iterator[tuple[Path, BaseModel]]:
    """The parts of a configuration, each with its key path: its models, and those that its
    mappings name."""
    for name in RunConfig.model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield (name,), value
        elif isinstance(value, dict):
            models = ((key, inner) for key, inner in value.items() if isinstance(inner, BaseModel))
            yield from (((name, key), inner) for key, inner in models)


SECTIONS: Final = ("firms", "town", "agency", "integration")


def parameters(config: RunConfig) -> Mapping[str, float]:
    """Path -> value of every parameter, in order of path; {} without the sections."""
    return {path: known.value for path, known in parameters_known(config).items()}


def parameters_known(config: RunConfig) -> dict[str, Value]:
    """Path -> value, range and source of every parameter, in order of path."""
    parts = [(path, part) for path, part in sections(config) if path[0] in SECTIONS]
    leaves = (leaf for path, part in parts for leaf in _leaves(dotted(path), part))
    return dict(sorted(leaves, key=itemgetter(0)))


def _leaves(path: str, at: object) -> Iterator[tuple[str, Value]]:
    if isinstance(at, Value):
        yield path, at
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


GRANT: Final = ".grant"

ARRIVALS: Final = "arrivals."

MIXES: Final = ("first", "renewed")

_WILD: Final = re.compile(r"[*?[]")

NOT: Final = "!"
"""Before a glob in a list of globs: what it names is taken out of what the others name."""


class Paths(tuple[str, ...]):
    """Paths in order, each once, which globs name."""

    @cached_property
    def _decided(self) -> list[tuple[int, str]]:
        return [(k, path) for k, path in enumerate(self) if path.endswith(GRANT)]

    @cached_property
    def _others(self) -> list[tuple[int, str]]:
        return [(k, path) for k, path in enumerate(self) if not path.endswith(GRANT)]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {path: place for place, path in enumerate(self)}

    @cached_property
    def _found(self) -> dict[str, list[int]]:
        """What `_named` found: edits and levers of one run name the same paths again and again."""
        return {}

    def matching(self, globs: Iterable[str]) -> tuple[str, ...]:
        """The paths that some glob names and none behind a `!`, in their order; see `matches`."""
        meant, spared = _apart(globs)
        named = {k for glob in meant for k in self._named(glob)}
        named -= {k for glob in spared for k in self._named(glob)}
        return tuple(self[k] for k in sorted(named))

    def _named(self, glob: str) -> list[int]:
        if not _WILD.search(glob):  # a name written out, as most are
            return [self._places[glob]] if glob in self._places else []
        if glob not in self._found:
            match = re.compile(translate(glob)).match
            meant = self._others + self._decided if glob.endswith(GRANT) else self._others
            self._found[glob] = [k for k, path in meant if match(path)]
        return self._found[glob]


Kinds = dict[str, Paths]


def targets(config: RunConfig) -> Kinds:
    """Paths by kind: fate, grant, parameter, arrivals, permits; and together, chance: fates and
    grants; value: these, parameters and arrivals."""
    found = [row for name in config.status for row in _fates_of(config, name)]
    fates = [path for path, _ in found]
    grants = [f"{path}{GRANT}" for path, granted in found if granted]
    given = list(parameters(config))
    arrivals = [f"{ARRIVALS}{status}" for status in config.country.statuses]
    permits = [
        f"{name}.permits.{which}"
        for name, status in config.status.items()
        if status.permits is not None
        for which in MIXES
    ]
    kinds = {
        "fate": fates, "grant": grants, "parameter": given, "arrivals": arrivals,
        "permits": permits, "chance": [*fates, *grants],
        "value": [*fates, *grants, *given, *arrivals],
    }  # fmt: skip
    return {kind: Paths(paths) for kind, paths in kinds.items()}


def _fates_of(config: RunConfig, name: str) -> Iterator[tuple[str, bool]]:
    """(path, whether an authority decides) of every fate of a status."""
    for occasion, fate, _, body in fates_of(config, name):
        yield f"{name}.{occasion}.{fate}", body.grant is not None


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether some glob names the path, and none behind a `!`.

    Decisions are only meant by globs that end in .grant.
    """
    meant, spared = _apart(globs)
    return _names(path, meant) and not _names(path, spared)


def _apart(globs: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The globs, and those that stand behind a `!`."""
    every = tuple(globs)
    spared = tuple(glob.removeprefix(NOT) for glob in every if glob.startswith(NOT))
    return tuple(glob for glob in every if not glob.startswith(NOT)), spared


def _names(path: str, globs: tuple[str, ...]) -> bool:
    every, granting = _patterns(globs)
    return (granting if path.endswith(GRANT) else every).match(path) is not None


@lru_cache(maxsize=4096)
def _patterns(globs: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """All of the globs as one pattern, and those of them that end in .grant. Takes 12 us; the edits
    of a run ask for each of their few lists 40 times."""
    granting = [glob for glob in globs if glob.endswith(GRANT)]
    every, some = ("|".join(map(translate, part)) or "(?!)" for part in (globs, granting))
    return re.compile(every), re.compile(some)
