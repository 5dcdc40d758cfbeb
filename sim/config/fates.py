"""When a fate may happen: its own dates, and those of the status it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from sim.config.schema.policy import Edit
from sim.config.schema.run import Fate, Fates, RunConfig, Sponsor, Status
from sim.config.yaml import Path
from sim.core.clock import month_index

ALWAYS: Final = (0, 2**31 - 1)

DEFAULT: Final = "default"


def window(config: RunConfig, fate: Fate) -> tuple[int, int]:
    """First and last month (indices) in which the fate may happen."""
    since, until = [fate.since], [fate.until]
    if fate.kind in ("switch", "family") and fate.to in config.status:
        since.append(config.status[fate.to].since)
        until.append(config.status[fate.to].until)
    first = max((month_index(month) for month in since if month is not None), default=ALWAYS[0])
    last = min((month_index(month) for month in until if month is not None), default=ALWAYS[1])
    return first, last


def share_ending(config: RunConfig, fates: Fates, stage: str | None, month: int) -> float:
    """What the shares of outcomes in force in a month add up to, for one stage of the status.

    Factors other than the stage are left out, and so are events.
    """
    total = 0.0
    for fate in fates.values():
        first, last = window(config, fate)
        if first <= month <= last and fate.share is not None:
            by_stage = fate.by.stage or {}
            total += fate.share * by_stage.get(stage or DEFAULT, by_stage.get(DEFAULT, 1.0))
    return total


def with_events(config: RunConfig, path: str, fates: Fates, month: int) -> Fates:
    """The fates of one list, such as `STATUS.at_end`, with shares as the month's events leave
    them. What is set comes first and what multiplies after."""
    edits = [edit for event in config.event.values() for edit in event.edits.values()]
    edits = [edit for edit in edits if _is_in_force(edit, month)]
    out: Fates = {}
    for name, fate in fates.items():
        mine = [e for e in edits if any(fnmatchcase(f"{path}.{name}", p) for p in e.paths)]
        share = fate.share or 0.0
        for edit in sorted(mine, key=lambda edit: edit.set is None):
            share = edit.set if edit.set is not None else share * (edit.multiply or 0.0)
        out[name] = fate.model_copy(update={"share": share})
    return out


def _is_in_force(edit: Edit, month: int) -> bool:
    last = ALWAYS[1] if edit.until is None else month_index(edit.until)
    return month_index(edit.since) <= month <= last


MONTHLY: Final = "monthly"

ENDS: Final = ("at_end", "at_limit")

SPONSOR: Final = tuple(name for name in Sponsor.model_fields if name.startswith("when_"))

Named = tuple[str, str, str, Path, Fate]


def all_fates(config: RunConfig) -> Iterator[Named]:
    """(status, occasion, name, key path, fate) of every fate of every status.

    Those common to all statuses come once for each, unless it has its own of that name.
    """
    for name in config.status:
        yield from ((name, *found) for found in fates_of(config, name))


def fates_of(config: RunConfig, name: str) -> Iterator[tuple[str, str, Path, Fate]]:
    """(occasion, name, key path, fate) of every fate of a status."""
    status = config.status[name]
    for fate, body in config.life.monthly.items():
        if fate not in status.monthly:
            yield MONTHLY, fate, ("life", MONTHLY, fate), body
    for fate, body in common_ends(config, name).items():
        yield "at_end", fate, ("life", "at_end", fate), body
    for occasion, path, fates in _lists(("status", name), status):
        for fate, body in fates.items():
            yield occasion, fate, (*path, fate), body


def common_ends(config: RunConfig, name: str) -> Fates:
    """The outcomes common to the ends of all permits that a status has, its own apart."""
    status = config.status[name]
    common = config.life.at_end if status.permits is not None else {}
    return {fate: body for fate, body in common.items() if fate not in status.at_end}


def _lists(path: Path, status: Status) -> Iterator[tuple[str, Path, Fates]]:
    for occasion in (MONTHLY, *ENDS):
        yield occasion, (*path, occasion), getattr(status, occasion)
    if status.sponsor is not None:
        for occasion in SPONSOR:
            yield occasion, (*path, "sponsor", occasion), getattr(status.sponsor, occasion)
