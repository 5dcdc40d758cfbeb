"""Checks of fates: where each may lead, what it needs, and the factors of its rate."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Final

from sim.config.fates import DEFAULT, MONTHLY, _lists, share_ending, window
from sim.config.messages import Problem
from sim.config.schema.base import MOST_A_YEAR
from sim.config.schema.run import Factors, Fate, Fates, RunConfig, Status
from sim.config.yaml import Path
from sim.core.clock import month_name
from sim.core.errors import nearest

SEXES: Final = ("F", "M")

ARREARS: Final = ("nhi", "pension", "tax", "any", "none")

STEPS: Final = {  # factor: lowest and highest key
    "age": (0, 120),
    "years_in_status": (0, 60),
    "years_resident": (0, 110),
    "counting_years": (0, 60),
    "permit_months": (0, 255),
    "language": (0, 4),
    "calendar_month": (1, 12),
}

MOTHERS: Final = (10, 60)
"""First completed year of age at which a woman may give birth, and the one from which none does."""

OLDEST: Final = 110

AT_AN_END: Final = ("leave", "die", "citizen", "switch", "stage", "clear", "short")
"""Kinds of fate that an occasion may have; the others happen in any month."""

GRANTED: Final = ("switch", "citizen", "stage", "family")


def check_fates(config: RunConfig) -> Iterator[Problem]:
    """Every broken rule of any fate."""
    for name, fate in config.life.monthly.items():
        yield from _fate(config, ("life", MONTHLY, name), fate, MONTHLY, None)
    for name, fate in config.life.at_end.items():
        yield from _fate(config, ("life", "at_end", name), fate, "at_end", None)
        if fate.kind == "stage":
            rule = "leads to a stage, and not every status has it."
            yield Problem(("life", "at_end", name, "kind"), rule, fate.kind)
    for name, status in config.status.items():
        yield from _of_status(config, name, status)


def _of_status(config: RunConfig, name: str, status: Status) -> Iterator[Problem]:
    for occasion, path, fates in _lists(("status", name), status):
        for code, fate in fates.items():
            yield from _fate(config, (*path, code), fate, occasion, status)
        if occasion != MONTHLY:
            yield from _shares(config, path, fates, status)


def _shares(config: RunConfig, path: Path, fates: Fates, status: Status) -> Iterator[Problem]:
    """Shares of outcomes may add up to one at most, in each stage and at any time."""
    for stage in status.stages or [None]:
        for month in sorted({window(config, fate)[0] for fate in fates.values()}):
            total = share_ending(config, fates, stage, month)
            if total > 1 + 1e-9:
                of = f" of stage {stage}" if stage else ""
                of += f" in force in {month_name(month)}" if month else ""
                rule = f"the shares{of} add up to {total:.10g}; they may add up to 1."
                yield Problem(path, rule)
                break


def _fate(
    config: RunConfig, path: Path, fate: Fate, occasion: str, status: Status | None
) -> Iterator[Problem]:
    if occasion == MONTHLY and (fate.rate is None or fate.share is not None):
        yield Problem(path, "happens in any month: give a yearly `rate`, and no share.")
    if occasion != MONTHLY and (fate.share is None or fate.rate is not None):
        yield Problem(path, "is an outcome of an occasion: give its `share`, and no rate.")
    if occasion != MONTHLY and fate.kind not in AT_AN_END:
        rule = f"happens in any month, not at an occasion. Move it to {MONTHLY}."
        yield Problem((*path, "kind"), rule, fate.kind)
    yield from _target(config, path, fate, status)
    if occasion == MONTHLY and fate.kind == "short":
        rule = "is a short renewal: it happens when a permit ends."
        yield Problem((*path, "kind"), rule, fate.kind)
    if (fate.kind in ("arrears", "clear")) != bool(fate.bits):
        rule = "names which arrears: arrears and clear need it, other kinds have none."
        yield Problem((*path, "bits"), rule)
    if fate.grant is not None:
        if fate.kind not in GRANTED:
            yield Problem((*path, "grant"), f"nobody decides on {fate.kind}. Take it out.")
        yield from _factors(config, (*path, "grant", "by"), fate.grant.by, status)
    if fate.kind == "birth" and _may_be_male(fate.by):
        rule = "only women give birth. Give by.sex {M: 0.0}, or by.age_sex with nothing for M."
        yield Problem((*path, "by"), rule)
    yield from _ages(path, fate)
    yield from _factors(config, (*path, "by"), fate.by, status)
    most = (fate.rate or 0.0) * math.prod(max(factors) for factors in _values(fate.by))
    if most > MOST_A_YEAR:
        rule = (
            f"can reach {most:.3g} a year with the largest of each factor in by: at most"
            f" {MOST_A_YEAR:g}. One of them has another unit."
        )
        yield Problem((*path, "rate"), rule, fate.rate)


def _values(by: Factors) -> Iterator[list[float]]:
    """What each factor of a fate may multiply by: what it names, and 1 for the rest."""
    for _, named in by:
        if isinstance(named, dict) and named:
            parts = [part if isinstance(part, dict) else {0: part} for part in named.values()]
            yield [1.0, *(value for part in parts for value in part.values())]


def _ages(path: Path, fate: Fate) -> Iterator[Problem]:
    """Nobody gives birth as a child or in old age, and nobody lives for ever."""
    low, high = MOTHERS
    if fate.kind == "birth":
        ages = [age for age in range(121) if not low <= age < high and _by_age(fate.by, "F", age)]
        if ages:
            rule = f"lets women of {ages[0]} give birth. Give 0 below {low} and from {high} on."
            yield Problem((*path, "by"), rule)
    for sex in SEXES if fate.kind == "die" else ():
        if _by_age(fate.by, sex, OLDEST) == 0:
            yield Problem((*path, "by"), f"lets nobody ({sex}) of {OLDEST} ever die.")


def _by_age(by: Factors, sex: str, age: int) -> float:
    """What the ages of a fate multiply its rate by; below the lowest step it is 1."""
    factor = 1.0
    for steps in (by.age, (by.age_sex or {}).get(sex)):
        below = [key for key in steps or {} if key <= age]
        factor *= steps[max(below)] if steps and below else 1.0
    return factor


def _target(config: RunConfig, path: Path, fate: Fate, status: Status | None) -> Iterator[Problem]:
    known: Collection[str] = config.country.statuses
    if fate.kind == "stage":
        known = [] if status is None else status.stages
    elif fate.kind not in ("switch", "family"):
        if fate.to is not None:
            yield Problem((*path, "to"), f"{fate.kind} leads nowhere. Take it out.", fate.to)
        return
    what = "stage" if fate.kind == "stage" else "status"
    if fate.to is None:
        yield Problem((*path, "to"), f"is missing: {fate.kind} needs a {what}.", None)
    elif fate.to not in known:
        rule = f"there is no {what} {fate.to}.{nearest(fate.to, known)}"
        yield Problem((*path, "to"), rule, fate.to)


def _may_be_male(by: Factors) -> bool:
    if by.sex is not None and by.sex.get("M", by.sex.get(DEFAULT, 1.0)) == 0:
        return False
    return by.age_sex is None or any(value > 0 for value in by.age_sex.get("M", {}).values())


def _factors(
    config: RunConfig, path: Path, by: Factors, status: Status | None
) -> Iterator[Problem]:
    names: dict[str, Collection[str]] = {
        "origin": [*config.country.origins, DEFAULT],
        "stage": [*(status.stages if status else []), DEFAULT],
        "sex": [*SEXES, DEFAULT],
        "status": [*config.country.statuses, DEFAULT],
        "arrears": ARREARS,
        "age_sex": SEXES,
    }
    for factor, known in names.items():
        for name in getattr(by, factor) or {}:
            if name not in known:
                rule = f"there is no {factor} {name} here.{nearest(name, known)}"
                yield Problem((*path, factor, name), rule)
    if by.status is not None and status is not None:
        rule = "is for fates common to all statuses. Put the factor into the rate."
        yield Problem((*path, "status"), rule)
    if by.stage is not None and (status is None or not status.stages):
        yield Problem((*path, "stage"), "there are no stages here. Take it out.")
    for factor, (low, high) in STEPS.items():
        yield from _keys((*path, factor), getattr(by, factor) or {}, low, high)
    for sex, steps in (by.age_sex or {}).items():
        yield from _keys((*path, "age_sex", sex), steps, *STEPS["age"])


def _keys(path: Path, steps: dict[int, float], low: int, high: int) -> Iterator[Problem]:
    for key in steps:
        if not low <= key <= high:
            yield Problem((*path, key), f"the step {key} must be between {low} and {high}.")
