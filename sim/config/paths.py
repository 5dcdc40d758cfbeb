"""The parts of a configuration, which the configurations of a sweep mostly share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import translate
from functools import lru_cache, partial
from typing import Final, TypeVar

import numpy as np
from pydantic import BaseModel

from sim.config.fates import fates_of
from sim.config.schema.base import Provenance
from sim.config.schema.run import RunConfig
from sim.config.yaml import Path, dotted
from sim.core.errors import nearest
from sim.core.memory import Recent, Same

T = TypeVar("T")


def sections(config: RunConfig) -> Iterator[tuple[Path, BaseModel]]:
    """The parts of a configuration, each with its key path: its models, and those that its
    mappings name. A sweep's configurations share most of them."""
    for name in RunConfig.model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield (name,), value
        elif isinstance(value, dict):
            yield from (((name, key), inner) for key, inner in value.items())


def of_sections(
    config: RunConfig, known: Same[list[T]], find: Callable[..., list[T]], *also: object
) -> Iterator[tuple[Path, list[T]]]:
    """(key path, find(section, *also)) of each section; `known` keeps what was found before."""
    for path, section in sections(config):
        yield path, known.get((section, *also), partial(find, section, *also))


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


GRANT: Final = ".grant"

ARRIVALS: Final = "arrivals."

MIXES: Final = ("first", "renewed")

_WILD: Final = re.compile(r"[*?[]")

Kinds = dict[str, tuple[str, ...]]

_KINDS: Final[Same[Kinds]] = Same(size=64)

_FATES: Final[Same[list[tuple[str, bool]]]] = Same(size=512)

_PATHS: Final[Recent[tuple[str, ...]]] = Recent(size=64)

_MATCHING: Final[Same[tuple[str, ...]]] = Same(size=8192)


def targets(config: RunConfig) -> Kinds:
    """Paths by kind: fate, grant, parameter, arrivals, permits; and together, chance: fates and
    grants; value: these, parameters and arrivals. Equal ones are the same tuple (`paths_of`)."""
    given = tuple(parameters(config))
    about = (config.country, config.life, paths_of(given), *config.status.values())
    return _KINDS.get(about, lambda: _targets(config, given), tuple(config.status))


def _targets(config: RunConfig, given: tuple[str, ...]) -> Kinds:
    found = [row for name in config.status for row in _fates_of(config, name)]
    fates = [path for path, _ in found]
    grants = [f"{path}{GRANT}" for path, granted in found if granted]
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
    return {kind: paths_of(paths) for kind, paths in kinds.items()}


def _fates_of(config: RunConfig, name: str) -> list[tuple[str, bool]]:
    """(path, whether an authority decides) of every fate of a status."""

    def found() -> list[tuple[str, bool]]:
        return [
            (f"{name}.{occasion}.{fate}", body.grant is not None)
            for occasion, fate, _, body in fates_of(config, name)
        ]

    return _FATES.get((config.life, config.status[name]), found, name)


def paths_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths as a tuple, the same object for the same ones: `matching` knows them again."""
    given = tuple(paths)
    return _PATHS.get(given, lambda: given)


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether some glob names the path. Decisions are only meant by globs that end in .grant."""
    every, granting = _patterns(tuple(globs))
    return (granting if path.endswith(GRANT) else every).match(path) is not None


def matching(paths: tuple[str, ...], globs: Iterable[str]) -> tuple[str, ...]:
    """The paths that some glob names, in their order. Remembered, for paths of `paths_of`: a run
    asks for the same ones several times, and the runs of a sweep ask again."""
    patterns = tuple(globs)

    def found() -> tuple[str, ...]:
        if not any(map(_WILD.search, patterns)):  # names written out, as most are
            return tuple(path for path in paths if path in patterns)
        every, granting = (pattern.match for pattern in _patterns(patterns))
        return tuple(p for p in paths if (granting if p.endswith(GRANT) else every)(p))

    return _MATCHING.get((paths,), found, patterns)


@lru_cache(maxsize=4096)
def _patterns(globs: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """All of the globs as one pattern, and those of them that end in .grant."""
    granting = [glob for glob in globs if glob.endswith(GRANT)]
    every, some = ("|".join(map(translate, part)) or "(?!)" for part in (globs, granting))
    return re.compile(every), re.compile(some)
