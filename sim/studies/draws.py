"""What is not known, drawn: the values of a member as a function of who it is.

A deviate is a function of (seed, member, source of uncertainty, name of the value): the standard
normal quantile of one Threefry word of the four. No draw depends on another one, on the order of
the configuration, or on the scenario, so members of all studies with one seed share their draws:
member 7 of a projection has the values of replicate 7 of a comparison, and arms differ by their
rules alone. Member 0 is the central one: all its deviates are 0.

Sources of uncertainty:

rates      a draw of the fit's joint uncertainty (`fit.draw`), and every low..high of statuses,
           life, municipalities, agencies and integration that the fit does not move
demand     every low..high of firms
supply     every low..high of arrivals and origins, and the shocks of arrivals by month
responses  every response (low, central, high) of the levers that the scenario pulls
random     the random numbers of the run: `seed` and `replicate`
error      what hindcasts were wrong by beyond all that; no setting of a run, see
           `sim.studies.projection.error`

`low..high` of a value is its 80 % interval, and the value its median. Positive values are drawn
log-normal, shares inside (0, 1) logistic-normal, values that may be 0 normal and cut at 0; of
multipliers that all lower, or all raise, the distance from 1 is drawn, so that no draw turns an
effect round. Where the two ends are not equally far, each half has its own standard deviation, so
that the median and both ends hold. The median of a multiplier is the value: its mean is higher, as
is the mean of what grows by it, and tables give medians and quantiles. Deviates are cut at the 99 %
interval.

Rates drawn one by one may not go together: the shares of the outcomes of an occasion may add up to
more than 1. Then all rates of the member are drawn again, until they do (a prior cut to what is
possible); which attempt succeeds is a function of seed, member and the configured rates.

A member is written as ordinary settings (`firms.demand.persistence.value=0.91`, `fit.draw=...`), so
that it is an ordinary run, which the same words make again alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import BaseModel
from scipy.special import ndtri

from sim.config.checks.fates import check_fates
from sim.config.fit_draws import Factor, drawn, read_factor, rounded
from sim.config.folders import configs_here
from sim.config.levers import active_levers
from sim.config.paths import matches, sections
from sim.config.schema.base import Z_80, Provenance
from sim.config.schema.run import RunConfig
from sim.config.yaml import Path, dotted
from sim.core.errors import ConfigError
from sim.core.rng import identity, unit, word_of

RATES: Final = "rates"
DEMAND: Final = "demand"
SUPPLY: Final = "supply"
RESPONSES: Final = "responses"
RANDOM: Final = "random"
ERROR: Final = "error"

SOURCES: Final = (RATES, DEMAND, SUPPLY, RESPONSES, RANDOM)
"""What a run's settings can hold; `error` comes on top of its results."""

LABELS: Final = {
    RATES: "rates", DEMAND: "firms' demand", SUPPLY: "arrivals and their shocks",
    RESPONSES: "responses to policy", RANDOM: "random numbers", ERROR: "model error",
}  # fmt: skip
"""Names of the sources of uncertainty."""

SECTIONS: Final = {
    "firms": DEMAND, "arrivals": SUPPLY, "origin": SUPPLY, "supply": SUPPLY, "status": RATES,
    "life": RATES, "town": RATES, "agency": RATES, "integration": RATES,
}  # fmt: skip
"""Section of a configuration -> what its ranges are drawn as. Others are not drawn."""

NUMBERS: Final = ("value", "rate", "share", "level")
"""Names of the number that low and high of a part of the configuration speak of."""

TAG: Final = np.uint64(0x64726177)

END: Final = Z_80
"""Deviate of the upper end of an 80 % interval."""

CUT: Final = 2.5758293035489004
"""Largest deviate: that of the upper end of a 99 % interval."""

MOST_DRAWS: Final = 2**31 - 1

MOST_ATTEMPTS: Final = 100
"""Attempts at drawing rates that go together, before a configuration is refused."""

SHARE: Final = "share"
"""How units begin of which there is no more than one."""

MULTIPLIER: Final = "multiplier"
"""How units begin of what is 1 where nothing changes."""


def normal(seed: int, member: int, source: str, name: str) -> float:
    """A standard normal deviate: a function of its arguments; 0 for member 0."""
    if member == 0:
        return 0.0
    return float(ndtri(unit(_word(seed, member, source, name))))


def _word(seed: int, member: int, source: str, name: str) -> np.uint64:
    word = np.uint64(word_of(f"{source}:{name}"))
    return np.uint64(identity(TAG, word, np.uint64(member), np.uint64(seed)))


def fit_draw(seed: int, member: int, attempt: int = 0) -> int:
    """The number of a member's draw of the fit, for `fit.draw`; 0, the central one, for 0."""
    if member == 0:
        return 0
    word = _word(seed, member, RATES, _again("fit.draw", attempt))
    return 1 + int(word >> np.uint64(33)) % MOST_DRAWS


def _again(name: str, attempt: int) -> str:
    """The name under which a rate is drawn in an attempt; the first has the rate's own."""
    return f"{name} again {attempt}" if attempt else name


def quantile(z: float, low: float, value: float, high: float, unit: str = "") -> float:
    """The value at deviate z: `low` at -END, `value` at 0, `high` at END.

    low, high  in either order: the end that belongs to the lower and to the higher deviates
    unit       a share is never above 1, and a multiplier stays on its side of 1
    """
    to, back = _scale(min(low, high), max(low, high), unit)
    z = min(max(z, -CUT), CUT)
    middle, end = to(value), to(low if z < 0 else high)
    return back(middle + (end - middle) * abs(z) / END)


Scale = tuple[Callable[[float], float], Callable[[float], float]]
"""To the scale on which values are normal, and back again."""


def _scale(least: float, most: float, unit: str) -> Scale:
    """The scale of values between these ends. Values do not change their sign."""
    if most <= 0:
        to, back = _scale(-most, -least, unit)
        return (lambda x: to(-x)), (lambda y: -back(y))
    if unit.startswith(MULTIPLIER) and least > 0 and (most <= 1 or least >= 1):
        ends = (
            (-math.log(most), -math.log(least)) if most <= 1 else (math.log(least), math.log(most))
        )
        sign = -1.0 if most <= 1 else 1.0
        to, back = _scale(*ends, "")
        return (lambda x: to(sign * math.log(x))), (lambda y: math.exp(sign * back(y)))
    if unit.startswith(SHARE) and least > 0 and most < 1:
        return (lambda x: math.log(x / (1 - x))), (lambda y: 1 / (1 + math.exp(-y)))
    top = 1.0 if unit.startswith(SHARE) else math.inf
    if least > 0:
        return math.log, (lambda y: min(math.exp(y), top))
    floor = 0.0 if least == 0 else -math.inf
    return (lambda x: x), (lambda y: min(max(y, floor), top))


@dataclass(frozen=True)
class Ranged:
    """A number of a configuration with its 80 % interval."""

    path: Path
    source: str
    low: float
    value: float
    high: float
    unit: str
    shift: float = 0.0  # deviate of the median that a scenario chose

    @property
    def name(self) -> str:
        return dotted(self.path)

    def drawn(self, seed: int, member: int, attempt: int = 0) -> float:
        """Its value for a member, to six digits. attempt: of the member's rates."""
        name = _again(self.name, attempt) if self.source == RATES else self.name
        z = normal(seed, member, self.source, name) + self.shift
        value = quantile(z, self.low, self.value, self.high, self.unit)
        return rounded(value if self.source == RESPONSES else max(value, 0.0)) + 0.0  # never -0.0


def ranged(config: RunConfig, fixed: Collection[str] = ()) -> list[Ranged]:
    """The numbers that are drawn, in order of the configuration.

    Every number with low and high between which it lies, wherever it stands, and the responses of
    the levers that the scenario pulls; what the fit moves after the start is left to its draws.

    fixed  paths, with dots, that somebody set by hand: they and what lies below them stay
    """
    fitted = [
        path
        for edit in config.fit.edits.values()
        if edit.until is None or edit.until > config.start
        for path in edit.paths
    ]
    out = [
        one
        for path, part in sections(config)
        if path[0] in SECTIONS
        for one in _within(SECTIONS[path[0]], path, part)
    ]
    out = [one for one in out if not _is_fitted(one, fitted)] + _responses(config)
    return [one for one in out if not any(f"{one.name}.".startswith(f"{at}.") for at in fixed)]


def _is_fitted(one: Ranged, fitted: Collection[str]) -> bool:
    """Whether the fit multiplies it: a rate or share of a status, or a number of the firms."""
    first, *rest = map(str, one.path[:-1])
    return matches(".".join(rest if first == "status" else (first, *rest)), fitted)


def _within(source: str, path: Path, at: object) -> Iterator[Ranged]:
    if isinstance(at, Provenance):
        yield from _own(source, path, at)
    if isinstance(at, BaseModel):
        for name, info in type(at).model_fields.items():
            yield from _within(source, (*path, info.alias or name), getattr(at, name))
    elif isinstance(at, dict):
        for key, inner in at.items():
            yield from _within(source, (*path, key), inner)


def _own(source: str, path: Path, at: Provenance) -> Iterator[Ranged]:
    if at.low is None or at.high is None:
        return
    for name in NUMBERS:
        value = getattr(at, name, None)
        if isinstance(value, float) and at.low <= value <= at.high and at.low < at.high:
            unit = SHARE if name == SHARE else str(getattr(at, "unit", ""))
            yield Ranged((*path, name), source, at.low, value, at.high, unit)


LEVELS: Final = {"low": -END, "central": 0.0, "high": END}


def _responses(config: RunConfig) -> list[Ranged]:
    """The responses of the levers that a scenario pulls, those that it gives a value apart.

    A scenario that sets a lever's level moves the median there, and the deviates around it.
    """
    return [
        Ranged(("policy", active.code, "use", name), RESPONSES, one.low, one.central, one.high,
               one.unit, LEVELS[active.level])
        for active in active_levers(config)
        for name, one in active.lever.response.items()
        if name not in active.use and one.low != one.high
        and min(one.low, one.high) <= one.central <= max(one.low, one.high)
    ]  # fmt: skip


class Ensemble:
    """The members of a configuration: each as settings to type, and as the configuration that
    these lead to.

    Sources that a member leaves out keep their central values; without random numbers and supply
    the replicate is 0, and without supply there are no shocks of arrivals, which are drawn with the
    random numbers of the run. Raises ConfigError if the fit has no draws.
    """

    def __init__(self, config: RunConfig, fixed: Collection[str] = ()) -> None:
        """fixed: names of settings that somebody set by hand, which no member changes."""
        self.config = config
        self.ranged = ranged(config, fixed)
        self._fit: Factor | None = None
        if config.fit.edits and "fit.draw" not in fixed:
            self._fit = read_factor(configs_here(), config.fit)
        self._attempts: dict[int, int] = {}

    def values(
        self, member: int, sources: Collection[str] = SOURCES, attempt: int | None = None
    ) -> dict[Path, float]:
        """Path of a number -> its value for a member; {} for member 0, which is central."""
        if member == 0:
            return {}
        attempt = self._attempt(member, sources, attempt)
        return {one.path: one.drawn(self.config.seed, member, attempt) for one in self.ranged
                if one.source in sources}  # fmt: skip

    def _attempt(self, member: int, sources: Collection[str], attempt: int | None) -> int:
        """The attempt that is asked for; else the first at which the member's rates go together."""
        if attempt is not None or RATES not in sources or member == 0:
            return attempt or 0
        if member not in self._attempts:
            self._attempts[member] = first_attempt([self], member)
        return self._attempts[member]

    def goes_together(self, member: int, attempt: int) -> bool:
        """Whether the rates of a member's attempt leave no share of outcomes above 1."""
        return not any(check_fates(self.member(member, (RATES,), attempt)))

    def words(
        self, member: int, sources: Collection[str] = SOURCES, attempt: int | None = None,
        replicate: int | None = None,
    ) -> list[str]:  # fmt: skip
        """The settings that make a run of the configuration this member.

        attempt    at drawing its rates, if not the first that succeeds
        replicate  whose random numbers it has, if not its own
        """
        own = _replicate(member, sources) if replicate is None else replicate
        words = [f"replicate={own}"]
        if SUPPLY not in sources and self.config.arrivals.shocks:
            words.append("arrivals.shocks=false")
        attempt = self._attempt(member, sources, attempt)
        draw = self._draw(member, sources, attempt)
        if draw:
            words.append(f"fit.draw={draw}")
        values = self.values(member, sources, attempt)
        return words + [f"{dotted(path)}={value!r}" for path, value in values.items()]

    def member(
        self, member: int, sources: Collection[str] = SOURCES, attempt: int | None = None,
        replicate: int | None = None,
    ) -> RunConfig:  # fmt: skip
        """The configuration that `words` lead to, without composing it from its files."""
        attempt = self._attempt(member, sources, attempt)
        tree: dict[Any, Any] = {}
        for path, value in self.values(member, sources, attempt).items():
            at = tree
            for part in path[:-1]:
                at = at.setdefault(part, {})
            at[path[-1]] = value
        out: RunConfig = _with(self.config, tree)
        number = _replicate(member, sources) if replicate is None else replicate
        own: dict[str, Any] = {"replicate": number}
        if SUPPLY not in sources:
            own["arrivals"] = out.arrivals.model_copy(update={"shocks": False})
        draw = self._draw(member, sources, attempt)
        if draw and self._fit is not None:
            own["fit"] = drawn(self.config.fit, self._fit, draw)
        return out.model_copy(update=own)

    def sources(self) -> list[str]:
        """The sources of which something is drawn, in order."""
        held = {one.source for one in self.ranged} | {RANDOM}
        held |= {RATES} if self._fit is not None else set()
        held |= {SUPPLY} if self.config.arrivals.shocks else set()
        return [source for source in SOURCES if source in held]

    def _draw(self, member: int, sources: Collection[str], attempt: int) -> int:
        """The number of the fit's draw; 0, the central one, where there is none."""
        rates = RATES in sources and self._fit is not None
        return fit_draw(self.config.seed, member, attempt) if rates else 0


def first_attempt(ensembles: Collection[Ensemble], member: int) -> int:
    """The first attempt at drawing the rates of a member that succeeds in all ensembles at once:
    those of paired runs must not have different draws.

    Raises ConfigError if none of MOST_ATTEMPTS does.
    """
    for attempt in range(MOST_ATTEMPTS):
        if all(one.goes_together(member, attempt) for one in ensembles):
            return attempt
    raise ConfigError(
        f"the rates of member {member} were drawn {MOST_ATTEMPTS} times, and each time shares of"
        " outcomes added up to more than 1: narrow their low..high"
    )


def what_is_held(sources: Collection[str]) -> str:
    """What is drawn, and what an interval over the draws holds fixed, in words."""
    return (
        f"Drawn: {', '.join(LABELS[source] for source in sources)}. Held fixed: the law of the"
        " scenario, the form of the model, values without a range."
    )


def _replicate(member: int, sources: Collection[str]) -> int:
    return member if {RANDOM, SUPPLY} & {*sources} else 0


def _with(at: Any, tree: Any) -> Any:
    """The same with the numbers of the tree instead of its own; parts without any are shared."""
    if not isinstance(tree, dict):
        return tree
    if isinstance(at, dict):
        return {**at, **{key: _with(at.get(key), inner) for key, inner in tree.items()}}
    names = {info.alias or name: name for name, info in type(at).model_fields.items()}
    update = {names[key]: _with(getattr(at, names[key]), inner) for key, inner in tree.items()}
    return at.model_copy(update=update)
