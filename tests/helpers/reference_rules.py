"""What settings mean for one person, in plain Python: the rules and the draws of `reference.py`.

Names, dictionaries and Python integers; no table and no kernel of the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any

from sim.config.schema.run import Factors, Fate, Gate, RunConfig
from sim.core.clock import month_index

MASK, FULL = (1 << 64) - 1, 1 << 32
PROCESS = {
    "arrival_count": 2, "arrival_person": 3, "permit_outcome": 5, "permit_length": 6,
    "monthly_fate": 7, "decision": 8, "move": 9, "newborn": 10, "family": 11,
    "brought_family": 12, "new_status": 14,
}  # fmt: skip
GATES = tuple(Gate.model_fields)


def threefry(k0: int, k1: int, c0: int, c1: int) -> tuple[int, int]:
    """Threefry-2x64-20 as published: rotate, exclusive or, a subkey every four rounds."""
    keys = (k0, k1, 0x1BD11BDAA9FC1A22 ^ k0 ^ k1)
    x, y = (c0 + k0) & MASK, (c1 + k1) & MASK
    for r in range(20):
        x = (x + y) & MASK
        turn = (16, 42, 12, 31, 16, 32, 24, 21)[r % 8]
        y = ((y << turn | y >> (64 - turn)) & MASK) ^ x
        if r % 4 == 3:
            n = r // 4 + 1
            x, y = (x + keys[n % 3]) & MASK, (y + keys[(n + 1) % 3] + n) & MASK
    return x, y


def identity(kind: str, a: int, b: int, ordinal: int) -> int:
    """Key of an agent; the four letters of its kind keep kinds apart."""
    return threefry(int.from_bytes(kind.encode(), "big"), ordinal, a, b)[0]


def below(p: float) -> int:
    """How many of the 2**32 words mean yes."""
    return min(max(int(p * FULL), 0), FULL)


def pick(mix: list[tuple[Any, float]], word: int) -> Any:
    """The item of a mix of shares that a 32-bit word falls on."""
    sums = list(accumulate(share for _, share in mix))
    cuts = [int(s / sums[-1] * FULL) for s in sums[:-1]]
    return mix[sum(word >= cut for cut in cuts)][0]


def step(table: dict[int, float], measure: int) -> float:
    """The value at the highest key that has been reached; 1 below the lowest."""
    reached = [key for key in table if key <= measure]
    return table[max(reached)] if reached else 1.0


@dataclass(eq=False)
class Person:
    """One resident; None means no limit, no stage, no principal."""

    key: int
    status: str
    stage: str | None
    origin: str
    sex: str
    born: int
    entered: int
    since: int
    permit_end: int | None
    permit_months: int | None
    town: str
    language: int
    arrears: set[str]
    counting_since: int | None
    banked: int = 0
    principal: Person | None = None
    event: str | None = None
    gone: bool = False

    def measures(self, now: int) -> dict[str, int]:
        counting = self.counting_since
        counted = self.banked if counting is None else now - counting
        return {
            "age": (now - self.born) // 12,
            "years_in_status": (now - self.since) // 12,
            "years_resident": (now - self.entered) // 12,
            "counting_years": counted // 12,
            "permit_months": 255 if self.permit_months is None else self.permit_months,
            "language": self.language,
        }


@dataclass
class Rules:
    """What the configuration says; `mobility` is the factor of each town."""

    config: RunConfig
    mobility: dict[str, float]
    bases: dict[tuple[str, int], float] = field(default_factory=dict)

    def monthly(self, status: str) -> Iterator[tuple[str, Fate]]:
        """Common fates first, unless the status has its own under that name."""
        own = self.config.status[status].monthly
        common = {k: v for k, v in self.config.life.monthly.items() if k not in own}
        for name, fate in {**common, **own}.items():
            yield f"{status}.monthly.{name}", fate

    def in_law(self, fate: Fate, now: int) -> bool:
        """Within the dates of the fate and of the status it leads to."""
        dates = [(fate.since, fate.until)]
        if fate.kind in ("switch", "family"):
            target = self.config.status[str(fate.to)]
            dates.append((target.since, target.until))
        return all(
            month_index(since or "1900-01") <= now <= month_index(until or "2199-12")
            for since, until in dates
        )

    def value(self, path: str, fate: Fate, person: Person, now: int) -> float:
        """Rate per year or share, as edited, for this person in this month."""
        base = self.base(path, fate, now)
        if base == 0.0 or not self.may(fate.gate, person, now):
            return 0.0
        return base * self.factor(fate.by, person, now)

    def base(self, path: str, fate: Fate, now: int) -> float:
        """The same before what is the person's own; the status is the first part of the path."""
        if (path, now) not in self.bases:
            out = fate.rate if fate.rate is not None else fate.share
            if fate.by.status is not None:
                others = fate.by.status.get("default", 1.0)
                out *= fate.by.status.get(path.partition(".")[0], others)
            self.bases[path, now] = self.edited(path, out, now) * self.in_law(fate, now)
        return self.bases[path, now]

    def edited(self, path: str, out: float, now: int) -> float:
        """What is set comes first, what multiplies after."""
        bodies = [e for event in self.config.event.values() for e in event.edits.values()]
        bodies = [
            e for e in [*bodies, *self.config.scenario.edits.values()]
            if month_index(e.since) <= now <= month_index(e.until or "2199-12")
            and any(fnmatchcase(path, glob) for glob in e.paths)
        ]  # fmt: skip
        for edit in bodies:
            out = edit.set if edit.set is not None else out
        return math.prod([out, *(e.multiply for e in bodies if e.multiply is not None)])

    def factor(self, by: Factors, person: Person, now: int) -> float:
        """Product of the multipliers that apply to a person."""
        if not by.model_fields_set:
            return 1.0
        out = 1.0
        for name in ("origin", "stage", "sex"):
            if (table := getattr(by, name)) is not None:
                out *= table.get(getattr(person, name), table.get("default", 1.0))
        for name, measure in person.measures(now).items():
            if (table := getattr(by, name)) is not None:
                out *= step(table, measure)
        if by.age_sex is not None:
            out *= step(by.age_sex.get(person.sex, {0: 0.0}), person.measures(now)["age"])
        if by.arrears is not None and person.arrears:
            out *= by.arrears.get("any", 1.0)
            out *= math.prod(by.arrears.get(bit, 1.0) for bit in person.arrears)
        if by.calendar_month is not None:
            out *= by.calendar_month.get(now % 12 + 1, 1.0)
        return out * (self.mobility[person.town] if by.municipality else 1.0)

    def may(self, gate: Gate, person: Person, now: int) -> bool:
        """Whether every condition of a gate holds."""
        asked = [name for name in GATES if getattr(gate, name)]
        return not asked or all(person.measures(now)[n] >= getattr(gate, n) for n in asked)
