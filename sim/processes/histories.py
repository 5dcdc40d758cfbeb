"""Following people: what befell them, and where they are at the end of the month.

`note_events` stands in the month where the rows of those who are gone are not yet taken again,
`note_spells` where nobody changes any more.
"""

from __future__ import annotations

import numpy as np

from sim.agents.histories import (
    AGE_STEP,
    AGES,
    ARRIVAL,
    BIRTH,
    CELLS,
    DURATIONS,
    FAMILY,
    OPENING,
    Begun,
    Came,
    Followed,
    Met,
    bound_of,
    nobody_yet,
)
from sim.agents.population import HOLE
from sim.agents.state import MET, MET_FATES, State


def follow(state: State, people: int) -> None:
    """Begin to follow so many of the opening residents."""
    alive = np.flatnonzero(state.people.alive)
    bound = bound_of(state.people["key"][alive], people)
    state.followed = nobody_yet(bound, state.sizes[0], state.rates.kinds)
    rows = _followed_of(state, state.followed, alive)
    _note_came(state, state.followed, rows, OPENING)
    _note_states(state, state.followed, rows)


def note_events(state: State) -> None:
    """What befell followed people this month, and what they had lived before it did."""
    followed = state.followed
    if followed is None:
        return
    people = state.people.columns
    key, fate = people.key[state.lists[MET]], state.lists[MET_FATES]
    followed.met.append(Met(state.month, key, fate))
    _count(followed.exposure, followed.cell)
    known, place = _among(followed.key, key)  # who was born this month has not lived in it
    size = int(np.prod(CELLS))
    _count(followed.occurrences, fate[known] * size + followed.cell[place] % size)
    born = int(state.tallies["born"].sum())
    rows = state.people.newcomers.astype(np.int64)
    _note_came(state, followed, _followed_of(state, followed, rows[:born]), BIRTH)
    _note_came(state, followed, _followed_of(state, followed, rows[born:]), FAMILY)


def note_spells(state: State) -> None:
    """Where followed people are at the end of the month."""
    followed = state.followed
    if followed is None:
        return
    rows = state.people.newcomers.astype(np.int64)
    earlier = int(state.tallies["born"].sum() + state.tallies["brought"].sum())
    arrived = _followed_of(state, followed, rows[earlier:])
    _note_came(state, followed, arrived, ARRIVAL)
    both = np.concatenate([followed.row, rows])  # a row may have been taken by somebody else
    _note_states(state, followed, _followed_of(state, followed, both))


def _followed_of(state: State, followed: Followed, rows: np.ndarray) -> np.ndarray:
    """Rows of those who are followed."""
    return rows[state.people.columns.key[rows] < followed.bound]


def _note_came(state: State, followed: Followed, rows: np.ndarray, way: int) -> None:
    p = state.people.columns
    followed.came.append(
        Came(state.month, p.key[rows], np.full(rows.size, way), p.status[rows], p.origin[rows],
             p.sex[rows], p.born[rows], p.entered[rows])
    )  # fmt: skip


def _note_states(state: State, followed: Followed, rows: np.ndarray) -> None:
    """Take the living of these rows for those who are there; a new state begins a spell."""
    p = state.people.columns
    rows = np.unique(rows[p.status[rows] != HOLE])
    rows = rows[np.argsort(p.key[rows])]
    key, now = p.key[rows], _states(state, rows)
    same, place = _among(followed.key, key)
    same[same] = (followed.state[:, place] == now[:, same]).all(axis=0)
    followed.begun.append(Begun(state.month, key[~same], now[:, ~same]))
    followed.key, followed.row, followed.state = key, rows, now
    age = np.clip((state.month + 1 - p.born[rows]) // (12 * AGE_STEP), 0, AGES - 1)
    years = np.clip((state.month + 1 - p.since[rows]) // 12, 0, DURATIONS - 1)
    status, sex = p.status[rows].astype(np.int64), p.sex[rows].astype(np.int64)
    followed.cell = ((status * 2 + sex) * AGES + age) * DURATIONS + years


def _among(known: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bool[N]: which keys are among the known ones, which ascend; the places of those)."""
    place = np.searchsorted(known, keys)
    found = place < known.size
    found[found] = known[place[found]] == keys[found]
    return found, place[found]


def _states(state: State, rows: np.ndarray) -> np.ndarray:
    """uint64[4, N]: see STATE."""
    p = state.people.columns
    firm = p.firm[rows]
    employer = np.zeros(rows.size, np.uint64)
    if state.labour is not None:
        employer[firm >= 0] = state.labour.firms.columns.key[firm[firm >= 0]]
    return np.array([p.status[rows], p.municipality[rows], employer, p.permit_end[rows]], np.uint64)


def _count(cells: np.ndarray, some: np.ndarray) -> None:
    """Add one to each of the cells, as often as it is named."""
    cells += np.bincount(some, minlength=cells.size).reshape(cells.shape)
