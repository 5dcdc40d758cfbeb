"""Events and laws as they could be known at an origin: nothing later, no end that was not known.

Told of them, members know the dates and the sizes of what came after the origin, such as a border
closure. Not told, they know what was in force there, and how long it had been.
"""

from __future__ import annotations

from typing import Final

from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig, Status
from sim.core.clock import month_index, month_name

ALL_ARRIVALS: Final = "arrivals.*"


def not_told(config: RunConfig, origin: int, horizon: int) -> RunConfig:
    """The configuration without events, statuses, channels and fates that begin after the origin.

    An event under way at the origin lasts as long again as it has lasted; what has been so since
    the first published month stays so. horizon: last month of the run, by which nothing opens.
    """
    first, never = month_index(config.country.first_month), month_name(horizon + 1)
    events = {}
    for name, event in config.event.items():
        edits = {key: _as_known(edit, origin, first) for key, edit in event.edits.items()
                 if month_index(edit.since) <= origin}  # fmt: skip
        events[name] = event.model_copy(update={"edits": edits})
    channels = {
        name: channel.model_copy(update={"since": never}) if _later(channel.since, origin)
        else channel
        for name, channel in config.arrivals.channels.items()
    }  # fmt: skip
    arrivals = config.arrivals.model_copy(update={"channels": channels})
    status = {name: _status(each, origin, never) for name, each in config.status.items()}
    return config.model_copy(update={"event": events, "arrivals": arrivals, "status": status})


def _later(since: str | None, origin: int) -> bool:
    return since is not None and month_index(since) > origin


def _as_known(edit: Edit, origin: int, first: int) -> Edit:
    if edit.until is None or month_index(edit.until) <= origin:
        return edit
    since = month_index(edit.since)
    until = None if since <= first else month_name(2 * origin - since + 1)
    return edit.model_copy(update={"until": until})


def _status(status: Status, origin: int, never: str) -> Status:
    """A status without what a later law opens; what it closes stays open."""
    update: dict[str, object] = {"since": never} if _later(status.since, origin) else {}
    if _later(status.entry_until, origin):
        update["entry_until"] = None
    for occasion in ("monthly", "at_end", "at_limit"):
        fates = getattr(status, occasion)
        kept = {}
        for name, fate in fates.items():
            if _later(fate.since, origin):
                continue
            late = fate.until is not None and month_index(fate.until) > origin
            kept[name] = fate.model_copy(update={"until": None}) if late else fate
        if kept != fates:
            update[occasion] = kept
    return status.model_copy(update=update) if update else status


def border(config: RunConfig, month: int) -> float:
    """What events leave of all arrivals in a month: 1 if the border is open."""
    factor = 1.0
    for event in config.event.values():
        for edit in event.edits.values():
            begun = month_index(edit.since) <= month
            if begun and ALL_ARRIVALS in edit.paths and edit.multiply is not None:
                over = edit.until is not None and month_index(edit.until) < month
                factor *= 1.0 if over else edit.multiply
    return factor
