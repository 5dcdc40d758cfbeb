"""The shape of dated edits, of events, and of a scenario: levers, their settings, and edits."""

from __future__ import annotations

from pydantic import StrictStr

from sim.schema_base import Code, Label, Month, Positive, Provenance, Share, Strict
from sim.schema_policy import Settings


class Edit(Strict):
    """A dated change of rates, shares or arrivals: multiply, or set."""

    paths: list[StrictStr]  # globs over the paths of sim/targets.py, permits apart
    since: Month
    until: Month | None = None
    multiply: Positive | None = None
    set: Positive | None = None


class Event(Provenance):
    """Something that happened on a date, such as the border closure."""

    title: Label
    edits: dict[Code, Edit]


class Scenario(Strict):
    """Which levers are pulled, how far, and edits of its own."""

    name: Code
    title: Label
    levers: list[Code] = []
    settings: dict[Code, Settings] = {}  # lever -> how it differs from its file
    strength: Share = 1.0  # of all levers together
    order: list[Code] = []  # of levers that replace one value on the same dates: the last wins
    edits: dict[Code, Edit] = {}
