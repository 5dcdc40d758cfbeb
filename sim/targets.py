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

from sim.config_checks_fates import all_fates
from sim.parameters import parameters
from sim.schema import RunConfig

GRANT: Final = ".grant"
ARRIVALS: Final = "arrivals."
MIXES: Final = ("first", "renewed")


def targets(config: RunConfig) -> dict[str, list[str]]:
    """Paths by kind: fate, grant, parameter, arrivals, permits."""
    fates = [(f"{s}.{occasion}.{name}", fate) for s, occasion, name, _, fate in all_fates(config)]
    return {
        "fate": [path for path, _ in fates],
        "grant": [f"{path}{GRANT}" for path, fate in fates if fate.grant is not None],
        "parameter": list(parameters(config)),
        "arrivals": [f"{ARRIVALS}{status}" for status in config.country.statuses],
        "permits": [
            f"{name}.permits.{which}"
            for name, status in config.status.items()
            if status.permits is not None
            for which in MIXES
        ],
    }


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether some glob names the path. Decisions are only meant by globs that end in .grant."""
    every, granting = _patterns(tuple(globs))
    return (granting if path.endswith(GRANT) else every).match(path) is not None


def matching(paths: Iterable[str], globs: Iterable[str]) -> tuple[str, ...]:
    """The paths that some glob names, in their order. Remembered: a run asks for the same ones
    several times, and the runs of a sweep ask again."""
    return _matching(tuple(paths), tuple(globs))


@lru_cache(maxsize=4096)
def _matching(paths: tuple[str, ...], globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in paths if matches(path, globs))


@lru_cache(maxsize=4096)
def _patterns(globs: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """All of the globs as one pattern, and those of them that end in .grant."""
    granting = [glob for glob in globs if glob.endswith(GRANT)]
    every, some = ("|".join(map(translate, part)) or "(?!)" for part in (globs, granting))
    return re.compile(every), re.compile(some)
