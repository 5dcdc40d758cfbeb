"""Which multiplier tables the levers of a scenario need of their own, so that they may change them.

Tables of multipliers are shared between fates that have the same; what a lever changes is not.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.factors import AGES, CLASS_SIZES, MOST_SECTORS, STEP_SIZES
from sim.levers import active_levers
from sim.schema import RunConfig
from sim.schema_policy import Lever
from sim.targets import matching

SPARED_BY: Final = {"until_renewal": "permit_age", "months": "years_in_status"}
"""Factor by which those are told who came after a lever began."""
NOT_BY_LEVERS: Final = ("stage", "status")
"""Factors whose codes differ from status to status."""


class Wanted(NamedTuple):
    globs: list[str]
    factor: str
    what: str  # "by" or "gate"


def table_size(factor: str, config: RunConfig) -> int:
    """Number of codes of a factor."""
    sizes = {
        "origin": len(config.country.origins), "sex": 2, "age_sex": 2 * AGES, "arrears": 8,
        "calendar_month": 13, "sector": MOST_SECTORS + 1,
    }  # fmt: skip
    return {**STEP_SIZES, **CLASS_SIZES, **sizes}[factor]


def wanted_tables(config: RunConfig) -> list[Wanted]:
    """What each lever that changes anything needs, in order of lever."""
    out = []
    for active in active_levers(config):
        for _, effect in active.effects():
            for factor in effect.by or {}:
                out.append(Wanted(effect.paths, factor, "by"))
            for factor in effect.gate or {}:
                out.append(Wanted(effect.paths, factor, "gate"))
            if spared_by(active.lever) and (effect.set or effect.multiply):
                out.append(Wanted(effect.paths, spared_by(active.lever), "by"))
    return out


def spared_by(lever: Lever) -> str:
    """The factor that tells who is spared by a lever; '' if nobody is."""
    return SPARED_BY.get(lever.grandfathering.existing, "")


def wanted_by(config: RunConfig, paths: tuple[str, ...]) -> dict[str, dict[tuple[str, str], None]]:
    """(factor, "by" or "gate") of the tables that each of the paths needs, each once."""
    out: dict[str, dict[tuple[str, str], None]] = {}
    for wanted in wanted_tables(config):
        for path in matching(paths, wanted.globs):
            out.setdefault(path, {})[wanted.factor, wanted.what] = None
    return out
