"""Dated edits: what they name must exist, and no two may set one value on one date."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final, NamedTuple

from sim.clock import NEVER, month_index
from sim.config_errors import Problem
from sim.config_files import nearest
from sim.config_yaml import Path
from sim.recent import Same
from sim.schema import Edit, RunConfig
from sim.targets import ARRIVALS, matching
from sim.targets import targets as targets_of


class _Placed(NamedTuple):
    path: Path
    edit: Edit
    targets: frozenset[str]


def check_edits(config: RunConfig) -> Iterator[Problem]:
    """Problems of the edits of all events and of the scenario."""
    targets = targets_of(config)["value"]
    about = (targets, config.fit, config.scenario, *config.event.values())
    yield from _KNOWN.get(about, lambda: list(_checked(config, targets)), tuple(config.event))


_KNOWN: Final[Same[list[Problem]]] = Same(size=16)


def _checked(config: RunConfig, targets: tuple[str, ...]) -> Iterator[Problem]:
    placed = [
        _place(("event", event, "edits", name), edit, targets)
        for event, body in config.event.items()
        for name, edit in body.edits.items()
    ]
    for name, fitted in config.fit.edits.items():
        values = fitted.model_dump(include={"paths", "since", "until", "multiply"})
        placed.append(_place(("fit", "edits", name), Edit(**values), targets))
    for name, edit in config.scenario.edits.items():
        placed.append(_place(("scenario", "edits", name), edit, targets))
    for one in placed:
        yield from _edit(one, targets)
    for one, other in combinations([p for p in placed if p.edit.set is not None], 2):
        yield from _clash(one, other)


def _place(path: Path, edit: Edit, targets: tuple[str, ...]) -> _Placed:
    return _Placed(path, edit, frozenset(matching(targets, edit.paths)))


def _edit(one: _Placed, targets: tuple[str, ...]) -> Iterator[Problem]:
    path, edit = one.path, one.edit
    if not edit.paths:
        yield Problem((*path, "paths"), "is empty: the edit changes nothing. Name what it edits.")
    for i, pattern in enumerate(edit.paths):
        if not matching(targets, [pattern]):
            rule = "matches nothing: write STATUS.OCCASION.FATE, arrivals.STATUS or a parameter,"
            rule += " * for any."
            yield Problem((*path, "paths", i), f"{rule}{nearest(pattern, targets)}", pattern)
    if (edit.multiply is None) == (edit.set is None):
        yield Problem(path, "must have either multiply or set, and not both.")
    if edit.set is not None and any(target.startswith(ARRIVALS) for target in one.targets):
        rule = "sets rates and shares only. Multiply arrivals, or change arrivals.channels."
        yield Problem((*path, "set"), rule, edit.set)


def _clash(one: _Placed, other: _Placed) -> Iterator[Problem]:
    """Two edits that set the same value on overlapping dates."""
    common = sorted(one.targets & other.targets)
    starts = max(month_index(one.edit.since), month_index(other.edit.since))
    ends = min(month_index(e.until) if e.until else NEVER for e in (one.edit, other.edit))
    if common and starts <= ends:
        rule = f"and {'.'.join(map(str, one.path))} both set {common[0]} on the same dates."
        yield Problem((*other.path, "set"), f"{rule} End one before the other.", other.edit.set)
