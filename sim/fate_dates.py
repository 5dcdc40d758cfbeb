"""When a fate may happen: its own dates, and those of the status it leads to."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from sim.clock import month_index
from sim.schema import Edit, Fate, Fates, RunConfig

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
    edits = [edit for edit in edits if _holds(edit, month)]
    out: Fates = {}
    for name, fate in fates.items():
        mine = [e for e in edits if any(fnmatchcase(f"{path}.{name}", p) for p in e.paths)]
        share = fate.share or 0.0
        for edit in sorted(mine, key=lambda edit: edit.set is None):
            share = edit.set if edit.set is not None else share * (edit.multiply or 0.0)
        out[name] = fate.model_copy(update={"share": share})
    return out


def _holds(edit: Edit, month: int) -> bool:
    last = ALWAYS[1] if edit.until is None else month_index(edit.until)
    return month_index(edit.since) <= month <= last
