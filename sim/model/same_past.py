"""Whether a run may continue from another's checkpoint: only if both have the same past.

Scenario, events, the end and the levels of arrivals may differ, as long as every rate and every
expected arrival up to the month that was kept is the same. Everything else must be equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from pydantic import BaseModel

from sim.agents.state import State
from sim.config.compose import from_yaml
from sim.config.paths import sections
from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig
from sim.config.yaml import leaves
from sim.core.clock import month_index, month_name
from sim.core.memory import LastResults
from sim.data.load import Data
from sim.policies.ratebook import InForce, RateBook
from sim.rates.arrivals import ArrivalPlan
from sim.rates.tables import build

MAY_DIFFER: Final = re.compile(
    r"(end|output|threads|checkpoint|from|memory_gb|figures|label|notes|tags)"
    r"|(scenario|event|policy|fit)\..*"
    r"|arrivals\.channels\.\w+\.(level|growth|fade|phi|sigma)"
    r"|.*\.(quality|source|note|low|high|sources|law|colour|label\.\w+)"
)
"""Settings that the past does not depend on, or that are compared by their effect on it."""

MOST_SHOWN: Final = 5

_FIELDS: Final = tuple(RunConfig.model_fields.items())


class Then(NamedTuple):
    """A run that may lie behind another: its configuration and its rates by month."""

    config: RunConfig
    policy: RateBook


_READ: Final[LastResults[RunConfig]] = LastResults(size=2)
"""By the text of the configuration; see `_THEN`."""

_THEN: Final[LastResults[Then]] = LastResults(size=2)
"""By the text of its configuration and the data. Reading it and making its rates takes 0.5 s, for
each of the runs that go on from one checkpoint."""


def differences(header: dict[str, Any], config: RunConfig, data: Data, state: State) -> list[str]:
    """Why the run cannot go on from a checkpoint with this header, one sentence each; or [].

    state: that of the run that would go on, with its own rates and plan of arrivals.
    """
    text = header["config"]

    def read() -> RunConfig:
        return from_yaml(text)

    def rates() -> Then:
        return Then(old, RateBook(old, build(old, state.places.codes, state.places.mobility)))

    old = _READ.get(text, read)
    found = list(_settings(old, config))  # first: with other statuses there are no rates of them
    if found:
        return found
    return unlike(_THEN.get((text, data.digest), rates), header["month"], config, data, state)


def unlike(old: Then, month: int, config: RunConfig, data: Data, state: State) -> list[str]:
    """Differences up to a month that rule the past out, one sentence each; or [].

    config, state: of the run that would continue
    """
    then = old.config
    found = list(_settings(then, config))
    if found:
        return found
    if _events(then, month) != _events(config, month):
        return [f"the events up to {month_name(month)} were others"]
    found = list(_rates(old.policy, state, month_index(then.start), month))
    return found + list(_arrivals(then, old.policy, config, data, state, month))


def _settings(then: RunConfig, config: RunConfig) -> Iterator[str]:
    old, new = _apart(then, config)
    paths = [path for path in sorted(old.keys() | new.keys()) if not MAY_DIFFER.fullmatch(path)]
    other = [path for path in paths if old.get(path) != new.get(path)]
    for path in other[:MOST_SHOWN]:
        yield f"{path} was {old.get(path, 'not set')} and is {new.get(path, 'not set')}"
    if len(other) > MOST_SHOWN:
        yield f"and {len(other) - MOST_SHOWN} more settings differ"


def _apart(*configs: RunConfig) -> list[dict[str, Any]]:
    """The settings of each, by path, but for the sections that are equal in all."""
    parts = [dict(sections(config)) for config in configs]
    shared = {path for path, part in parts[0].items() if all(p.get(path) == part for p in parts)}
    out = []
    for config, own in zip(configs, parts, strict=True):
        plain = {field.alias or name: getattr(config, name) for name, field in _FIELDS}
        found = {n: v for n, v in plain.items() if not isinstance(v, BaseModel | dict)}
        for path, part in own.items():
            if path not in shared:
                values = part.model_dump(by_alias=True)
                found |= dict(leaves(values, tuple(map(str, path))))
        out.append(found)
    return out


def _events(config: RunConfig, month: int) -> set[tuple[Any, ...]]:
    """Edits of events in force up to a month: the opening follows from them too."""
    edits = [edit for event in config.event.values() for edit in event.edits.values()]
    return {_edit(edit, month) for edit in edits if month_index(edit.since) <= month}


def _edit(edit: Edit, month: int) -> tuple[Any, ...]:
    until = month if edit.until is None else min(month_index(edit.until), month)
    return (tuple(edit.paths), edit.since, until, edit.multiply, edit.set)


def _rates(book: RateBook, state: State, start: int, month: int) -> Iterator[str]:
    """The first month in which a rate, a parameter or another rule of policy was another one."""
    names = [*_rows(state), *state.policy.params(month)]
    seen: tuple[InForce, ...] = ()
    for now in range(start, month + 1):
        was, own = book.in_force(now), state.policy.in_force(now)
        if seen and was is seen[0] and own is seen[1]:
            continue  # a book gives the same object while nothing changes
        seen = was, own
        old, new = (np.append(p.base, list(p.params.values())) for p in (was, own))
        other = np.flatnonzero(old != new)
        if other.size:
            shown = [f"{names[r]} {old[r]:g}, not {new[r]:g}" for r in other[:MOST_SHOWN]]
            more = f" and {other.size - MOST_SHOWN} more" if other.size > MOST_SHOWN else ""
            yield f"in {month_name(now)} rates were others: {'; '.join(shown)}{more}"
            return
        if (was.beyond, was.caps) != (own.beyond, own.caps):
            yield f"in {month_name(now)} other levers were in force"
            return


def _rows(state: State) -> list[str]:
    """What each row of the rates is called."""
    names = [name.path for name in state.rates.names]
    decisions = zip(names, state.rates.fates.decision.tolist(), strict=True)
    granted = {row: f"{name}.grant" for name, row in decisions if row >= 0}
    return names + [granted[row] for row in sorted(granted)]


def _arrivals(
    then: RunConfig, book: RateBook, now: RunConfig, data: Data, state: State, month: int
) -> Iterator[str]:
    """The first month in which other people were expected."""
    plan = state.arrivals
    if then.arrivals != now.arrivals:
        plan = ArrivalPlan(then, data, state.places, state.key)
    for when in range(month_index(then.start) + 1, month + 1):
        old = plan.people(when) * (1.0 if plan.is_past(when) else book.arrival_factor(when))
        own = state.arrivals.people(when)
        own = own * (1.0 if state.arrivals.is_past(when) else state.policy.arrival_factor(when))
        other = np.flatnonzero(old != own)
        if other.size:
            names = [state.rates.codes.statuses[s] for s in other[:MOST_SHOWN]]
            yield f"in {month_name(when)} other arrivals were expected: {', '.join(names)}"
            return
