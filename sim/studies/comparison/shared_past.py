"""Arms of one replicate are one run until their levers part: that past is simulated once.

A run leaves copies of itself, in memory, at the months after which arms part. The next one goes on
from the latest copy whose past is its own to the bit (`sim.model.same_past.unlike`), and makes the
same bytes as if it had begun at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sim.config.levers import active_levers
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.data.load import data_of
from sim.model.checkpoint import Checkpoint, snapshot
from sim.model.model import Kyosei
from sim.model.opening import blank_state
from sim.model.same_past import Then, unlike
from sim.runs.resources import estimate, kept_bytes
from sim.runs.run import facts_of, identity
from sim.studies.comparison.histories import Histories

MOST: Final = 4
"""Copies that are kept at a time."""


def bytes_of_copies(settings: RunConfig) -> int:
    """What the copies of a worker take at most, about: that of as many checkpoints."""
    needs = estimate(settings, data_of(settings))
    return MOST * kept_bytes(needs.people, needs.months)


@dataclass(frozen=True)
class Copy:
    """A run as it was after a month, with the digests of its people's lives."""

    then: Then
    run: Checkpoint
    histories: Histories


class SharedPast:
    """Copies of the arms of one replicate, the one that was used last at the end."""

    def __init__(self, parting: frozenset[str]) -> None:
        self.parting = parting
        self._copies: list[Copy] = []

    def before(self, settings: RunConfig) -> Copy | None:
        """The latest copy from which a run with these settings may go on."""
        of_one = ("seed", "replicate", "start", "scale")
        self._copies = [
            copy
            for copy in self._copies
            if all(getattr(copy.then.config, n) == getattr(settings, n) for n in of_one)
        ]
        if not self._copies:
            return None
        data = data_of(settings)
        state = blank_state(settings, data, 0, 1)
        for copy in sorted(self._copies, key=lambda copy: -copy.run.header["month"]):
            month = copy.run.header["month"]
            if month > month_index(settings.end) or unlike(copy.then, month, settings, data, state):
                continue
            self._copies = [*(c for c in self._copies if c is not copy), copy]
            return copy
        return None

    def keep(self, copy: Copy) -> None:
        self._copies = [*self._copies, copy][-MOST:]


class Watch:
    """What looks on while an arm runs: folds people's lives, and leaves copies of the run."""

    def __init__(self, settings: RunConfig, past: SharedPast) -> None:
        self._settings, self._past = settings, past
        self.copy = past.before(settings)
        self.histories = Histories() if self.copy is None else self.copy.histories.copied()
        self._seen = None if self.copy is None else self.copy.run.header["month"]
        self._agent_months = 0 if self.copy is None else self.copy.run.header["agent_months"]
        self.has_seen = False  # whether anything was simulated at all

    @property
    def kept(self) -> Checkpoint | None:
        """What the arm goes on from."""
        return None if self.copy is None else self.copy.run

    def __call__(self, model: Kyosei) -> None:
        opening, self.has_seen = not self.has_seen, True
        if model.month == self._seen:
            return  # it was seen before the copy was made
        self.histories(model)
        if not opening:
            self._agent_months += len(model.people)
        if model.date in self._past.parting:
            data = data_of(self._settings)
            number, text = identity(self._settings, data)
            facts = facts_of(model, data, number, text, self._agent_months)
            self._past.keep(
                Copy(
                    Then(self._settings, model.state.policy),
                    snapshot(model.state, facts),
                    self.histories.copied(),
                )
            )


def parting_months(settings: Sequence[RunConfig]) -> frozenset[str]:
    """YYYY-MM after which some of these runs may do what others do not: what begins in the next
    month is a lever or an edit that not all of them have. None where people are followed, of whose
    lives no copy knows."""
    if any(config.histories for config in settings):
        return frozenset()
    own = [dict(_beginnings(config)) for config in settings]
    months = {
        month - 1
        for some in own
        for name, month in some.items()
        if any(other.get(name) != month for other in own)
    }
    first = min((month_index(config.start) for config in settings), default=0)
    return frozenset(month_name(month) for month in months if month >= first)


def _beginnings(config: RunConfig) -> Iterator[tuple[str, int]]:
    """(what it is and how it is set, first month in which it may act)."""
    for lever in active_levers(config):
        yield repr(lever), lever.first_month()
    for edit in config.scenario.edits.values():
        yield repr(edit), month_index(edit.since)
