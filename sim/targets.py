"""What policy may change, by path: the names that edits and levers write.

STATUS.OCCASION.FATE          rate per year, or share
STATUS.OCCASION.FATE.grant    probability that the authority grants it
arrivals.STATUS               expected arrivals
STATUS.permits.first          lengths of first permits; .renewed of later ones
firms.recruit.success ...     parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from typing import Final

from sim.config_checks_fates import fates_of
from sim.parameters import parameters
from sim.recent import Recent, Same
from sim.schema import RunConfig

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
