"""The levers of a scenario with their settings, and what their effects amount to by month."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, get_args

import numpy as np

from sim.config.factors import ARREARS_BITS, CLASS_SIZES, SEXES, STEP_SIZES
from sim.config.schema.policy import Effect, LegalStatus, Lever, PhaseIn, Product
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.errors import nearest

LAST: Final = 2**31 - 1

STEEPNESS: Final = 10.0
"""Of a logistic phase-in: from 0.7 % to 99.3 % of the way, then stretched to reach both ends."""


@dataclass(frozen=True)
class Active:
    """A lever of the scenario as it is set."""

    code: str
    lever: Lever
    strength: float
    level: str
    delay: int
    variant: str | None
    use: dict[str, float]

    @property
    def since(self) -> int:
        """First month of the lever itself."""
        return month_index(self.lever.since) + self.delay

    @property
    def until(self) -> int:
        return LAST if self.lever.until is None else month_index(self.lever.until) + self.delay

    def effects(self) -> Iterator[tuple[str, Effect]]:
        """The effects of its variant, by name."""
        for name, effect in self.lever.effects.items():
            if effect.variant is None or effect.variant == self.variant:
                yield name, effect

    def window(self, effect: Effect) -> tuple[int, int]:
        """First and last month of an effect."""
        since = self.since if effect.since is None else month_index(effect.since) + self.delay
        until = self.until if effect.until is None else month_index(effect.until) + self.delay
        return since, until

    def last_change(self, effect: Effect) -> int:
        """A month from which an effect stays as it is to its end, save for who is spared."""
        phase_in = effect.phase_in or self.lever.phase_in
        dates = [first for dated in self._dated.values() for first, _ in dated]
        return max([self.window(effect)[0] + phase_in.months, *dates])

    def first_month(self) -> int:
        """First month in which anything may differ: people may hurry before the lever begins."""
        begins = [self.window(effect)[0] for _, effect in self.effects()]
        hurry = self.lever.anticipation
        if hurry is not None:
            begins.append(self.since - hurry.months)
        return min(begins, default=LAST)

    def quantity(self, name: str, month: int) -> float:
        """A rule's value in force in a month, or a response."""
        if name in self.lever.response:
            return self.use.get(name, getattr(self.lever.response[name], self.level))
        dated = self._dated[name]
        return next((v for d, v in reversed(dated) if d <= month), dated[0][1])

    @cached_property
    def _dated(self) -> dict[str, list[tuple[int, float]]]:
        """First month and value of each rule, in order of month."""
        out = {}
        for name, rule in self.lever.rule.items():
            dated = sorted((month_index(d) + self.delay, v.value) for d, v in rule.values.items())
            if name in self.use:
                dated[-1] = (dated[-1][0], self.use[name])
            out[name] = dated
        return out

    def amount(self, amount: Product, month: int) -> float:
        """The number that an amount stands for in a month."""
        out = 1.0
        for name in amount.times:
            out *= self.quantity(name, month)
        if amount.without:
            out *= 1.0 - math.prod(self.quantity(name, month) for name in amount.without)
        if amount.ratio is not None:
            before = self.quantity(amount.ratio, self.since - 1)
            power = 1.0 if amount.power is None else self.quantity(amount.power, month)
            out *= (self.quantity(amount.ratio, month) / before) ** power
        return out

    def weight(self, effect: Effect, month: int) -> float:
        """How much of an effect is there in a month, 0 to 1; 0 outside its months."""
        since, until = self.window(effect)
        if not since <= month <= until:
            return 0.0
        share = 1.0 if effect.share is None else self.quantity(effect.share, month)
        return self.strength * share * phased(effect.phase_in or self.lever.phase_in, month - since)


def phased(phase_in: PhaseIn, elapsed: int) -> float:
    """Share that is there `elapsed` months after the first; 1 from the last month of it."""
    if phase_in.shape == "step" or elapsed + 1 >= phase_in.months:
        return 1.0
    x = (elapsed + 1) / phase_in.months
    if phase_in.shape == "linear":
        return x
    low, high = (_logistic(STEEPNESS * (end - 0.5)) for end in (0.0, 1.0))
    return (_logistic(STEEPNESS * (x - 0.5)) - low) / (high - low)


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


EVERY: Final = "all"
"""In a scenario's lists of levers: every one of them."""

IN_FORCE: Final = "in_force"

MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])$")


def hold_laws(composed: dict[Any, Any]) -> None:
    """Write out the levers that a composed scenario pulls, in the country's order.

    Pulled is what the scenario names in `levers`, and every law that holds (`laws_of`), unless the
    scenario names it in `lifts`. Of names that are wrong the checks will tell: they stay where they
    are, before the laws.

    composed  the composed files and words; its scenario is replaced, not written to
    """
    scenario, policy = composed.get("scenario"), composed.get("policy") or {}
    if not isinstance(scenario, dict) or not isinstance(policy, dict):
        return
    holds, asof = scenario.get("holds"), scenario.get("asof")
    if not _can_be_read(holds, asof):
        return
    laws = laws_of(policy, holds or [IN_FORCE], asof)
    named, lifted = scenario.get("levers", []), scenario.get("lifts") or []
    if not isinstance(named, list) or not isinstance(lifted, list):
        return
    held = list(policy) if EVERY in named else [] if EVERY in lifted else laws
    held = [code for code in held if EVERY in named or code not in lifted]
    if _each_once(named, {*policy, EVERY}) and _each_once(lifted, {*laws, EVERY}):
        levers = [code for code in policy if code in named or code in held]
        composed["scenario"] = {**scenario, "levers": levers, **WRITTEN_OUT}
    else:
        beside = [code for code in held if code not in named]
        composed["scenario"] = {**scenario, "levers": [*named, *beside]}


WRITTEN_OUT: Final = {"holds": None, "asof": None, "lifts": None}
"""What a composed scenario no longer says, because its levers are listed."""


def _can_be_read(holds: object, asof: object) -> bool:
    statuses = holds is None or (
        isinstance(holds, list) and _each_once(holds, get_args(LegalStatus))
    )
    return statuses and (asof is None or (isinstance(asof, str) and bool(MONTH.match(asof))))


def laws_of(policy: Mapping[str, Any], holds: Collection[str], asof: str | None) -> list[str]:
    """The levers, as they are read from files, that are of these legal statuses and, if a month is
    given, had begun by it."""
    levers = {code: lever for code, lever in policy.items() if isinstance(lever, dict)}
    return [
        code
        for code, lever in levers.items()
        if lever.get("legal_status") in holds and (asof is None or str(lever.get("since")) <= asof)
    ]


def _each_once(names: list[Any], known: Collection[str]) -> bool:
    return all(isinstance(name, str) and name in known for name in names) and (
        len(set(names)) == len(names)
    )


def set_levers(config: RunConfig) -> list[Active]:
    """The levers that the scenario names and that exist, in order of code, as they are set.

    A setting given to the lever itself, as on the command line, wins over the scenario's.
    """
    out = []
    for code in sorted(set(config.scenario.levers) & set(config.policy)):
        lever, given = config.policy[code], config.scenario.settings.get(code)
        own: dict[str, Any] = {"strength": 1.0, "level": "central", "delay": 0, "variant": None}
        for settings in (given, lever):
            for name in own:
                value = None if settings is None else getattr(settings, name)
                own[name] = own[name] if value is None else value
        own["strength"] *= config.scenario.strength
        if own["variant"] is None and lever.variants:
            own["variant"] = lever.variants[0]
        use = {**(given.use if given is not None else {}), **lever.use}
        out.append(Active(code, lever, **own, use=use))
    return out


def active_levers(config: RunConfig) -> list[Active]:
    """Those with any strength: the others change nothing, to the bit."""
    return [lever for lever in set_levers(config) if lever.strength > 0.0]


DEFAULT: Final = "default"


def names_of(config: RunConfig, factor: str) -> dict[str, np.ndarray]:
    """Name -> codes, int64, of a factor whose codes have names; {} for steps and classes."""
    if factor == "arrears":
        codes = np.arange(8)
        named = {name: codes[(codes & bit) > 0] for name, bit in ARREARS_BITS.items()}
        return {**named, "any": codes[1:], "none": codes[:1]}
    lists = {"origin": config.country.origins, "sex": list(SEXES)}
    return {name: np.array([k]) for k, name in enumerate(lists.get(factor, []))}


def usable(factor: str) -> bool:
    """Whether a lever may tell people apart by the factor."""
    return factor in STEP_SIZES or factor in CLASS_SIZES or factor in ("arrears", "origin", "sex")


def chosen(
    config: RunConfig, factor: str, by_code: Mapping[str | int, Any]
) -> Iterator[tuple[np.ndarray, Any]]:
    """(codes, amount) of each entry. Steps hold from their key up to the next; classes alone.

    ValueError, in plain words, for a code that the factor does not have.
    """
    names = names_of(config, factor)
    keys = sorted(key for key in by_code if isinstance(key, int))
    size = {**STEP_SIZES, **CLASS_SIZES}.get(factor, 0)
    for key, amount in by_code.items():
        if isinstance(key, str):
            if key == DEFAULT and names and factor != "arrears":
                named = [names[name] for name in names if name not in by_code]
                yield np.concatenate(named) if named else np.zeros(0, np.int64), amount
                continue
            if key not in names:
                raise ValueError(f"there is no {factor} {key} here.{nearest(key, names)}")
            yield names[key], amount
        elif not 0 <= key < size:
            raise ValueError(f"the code {key} of {factor} must be between 0 and {size - 1}.")
        elif factor in CLASS_SIZES:
            yield np.array([key]), amount
        else:
            after = next((other for other in keys if other > key), size)
            yield np.arange(key, after), amount
