"""What a fate does to many people at once, in plain NumPy, with the stocks and lists it leaves."""

from __future__ import annotations

import numpy as np

from sim.agents.population import HOLE
from sim.agents.state import (
    FLAGGED,
    FREED,
    MOTHERS,
    N_LISTS,
    SPONSOR_FATES,
    SPONSORS,
    State,
)
from sim.core.clock import NEVER
from sim.processes.person import CITIZEN, DIED, IRREGULAR, LEFT, MOVED, PERMANENT
from sim.rates.kinds import KINDS

WORD = 2**32
GONE = {KINDS["leave"]: LEFT, KINDS["die"]: DIED, KINDS["citizen"]: CITIZEN}


class Changes:
    """Consequences in one month of `state`; `lists` are for families, as the engine's are."""

    def __init__(self, state: State, random: np.random.Generator) -> None:
        self.state, self.people, self.random = state, state.people, random
        self.lists: list[list[np.ndarray]] = [[] for _ in range(N_LISTS)]

    def apply(self, fate: int, rows: np.ndarray) -> None:
        """Fate number `fate` happens to everyone in `rows`, none of them twice."""
        t, people = self.state.rates.fates, self.people
        kind, to = int(t.kind[fate]), int(t.to[fate])
        if kind in GONE:
            self._remove(rows, GONE[kind])
        elif kind == KINDS["switch"]:
            self._switch(rows, to)
        elif kind == KINDS["stage"]:
            people["stage"][rows] = to
            self.give_permits(rows, renewal=0)
        elif kind == KINDS["move"]:
            self._move(rows)
        elif kind == KINDS["birth"]:
            self.lists[MOTHERS].append(rows)
        elif kind == KINDS["family"]:
            self.lists[SPONSORS].append(rows)
            self.lists[SPONSOR_FATES].append(np.full(rows.size, fate))
        elif kind == KINDS["arrears"]:
            people["arrears"][rows] |= t.bits[fate]
        elif kind == KINDS["clear"]:
            people["arrears"][rows] &= ~t.bits[fate]
        elif kind == KINDS["learn"]:
            people["language"][rows] = np.minimum(people["language"][rows] + 1, 4)

    def give_permits(self, rows: np.ndarray, renewal: int) -> None:
        """Permits from this month on, first (0) or renewed (1), no longer than the longest stay."""
        a, people, month = self.state.rates.status, self.people, self.state.month
        status, stage = people["status"][rows], people["stage"][rows]
        word = self.random.integers(0, WORD, rows.size, np.uint64)[:, None]
        months = a.length[renewal, status, (word >= a.length_cut[renewal, status]).sum(axis=1)]
        if renewal == 0:
            course = a.course[status, stage, (word >= a.course_cut[status, stage]).sum(axis=1)]
            months = np.where(a.course[status, stage, 0] > 0, course, months)
        limit = np.minimum(people["since"][rows].astype(np.int32) + a.longest[status], NEVER - 1)
        end = np.maximum(np.minimum(month + months.astype(np.int32), limit), month + 1)
        people["permit_end"][rows] = np.where(a.limited[status], end, NEVER)
        people["permit_months"][rows] = np.where(a.limited[status], months, 255)

    def _remove(self, rows: np.ndarray, event: int) -> None:
        self._book(rows, -1)
        self._flag(rows, event)
        self.people["status"][rows] = HOLE
        self.people["permit_end"][rows] = NEVER
        self.people["principal"][rows] = -1
        self.lists[FREED].append(rows)

    def _switch(self, rows: np.ndarray, to: int) -> None:
        a, people, month = self.state.rates.status, self.people, self.state.month
        if to in (a.permanent, a.irregular):
            self._flag(rows, PERMANENT if to == a.permanent else IRREGULAR)
        self._book(rows, -1)
        counting = people["counting"][rows].astype(np.int32)
        if a.counts[to]:
            people["counting"][rows] = np.where(counting < 0, month + counting + 1, counting)
        else:
            people["counting"][rows] = np.where(counting < 0, counting, counting - month - 1)
        word = self.random.integers(0, WORD, rows.size, np.uint64)[:, None]
        people["stage"][rows] = (word >= a.stage_cut[to]).sum(axis=1)
        people["status"][rows], people["since"][rows] = to, month
        if not a.sponsored[to]:
            people["principal"][rows] = -1
        self.give_permits(rows, renewal=0)
        self._book(rows, 1)

    def _move(self, rows: np.ndarray) -> None:
        self._book(rows, -1)
        self.people["municipality"][rows] = self._destinations(rows)
        self._book(rows, 1)
        self._flag(rows, MOVED)

    def _destinations(self, rows: np.ndarray) -> np.ndarray:
        """Where movers go: in the prefecture or beyond, by pull, never to where they are."""
        w, place = self.state.places.world, self.people["municipality"][rows].astype(np.int64)
        pull = w.pull[0]  # as observed: the same for every origin
        prefecture = w.prefecture[place].astype(np.int64)
        low, high = pull[w.first[prefecture]], pull[w.first[prefecture + 1]]
        own, inside = pull[place + 1] - pull[place], high - low
        stays = (self.random.random(rows.size) < w.same_prefecture / WORD) & (inside > own)
        choices = np.where(stays, inside - own, pull[-1] - inside)
        at = np.floor(self.random.random(rows.size) * choices).astype(np.int64)
        at_home = low + at + np.where(low + at < pull[place], 0, own)
        beyond = at + np.where(at < low, 0, inside)
        to = np.searchsorted(pull, np.where(stays, at_home, beyond), side="right") - 1
        return np.where(choices > 0, to, place)

    def _flag(self, rows: np.ndarray, event: int) -> None:
        """Let the dependants of `rows` hear of an event."""
        self.people["event"][rows] = event
        self.lists[FLAGGED].append(rows)

    def _book(self, rows: np.ndarray, sign: int) -> None:
        """Add people to (or take from) the stocks."""
        s, o, p, _ = self.state.sizes
        people, books = self.people, self.state.books
        assert books is not None
        status, town = people["status"][rows].astype(np.int64), people["municipality"][rows]
        cell = (status * o + people["origin"][rows]) * p + self.state.places.world.prefecture[town]
        np.add.at(books.cube[0], cell, sign)
        np.add.at(books.place[0], town.astype(np.int64) * s + status, sign)
