"""The monthly pass in plain NumPy: what one would write without a compiler.

It reads the engine's own tables and columns and does what `sim.processes.fates.fates` does:
permits that end, then competing monthly fates, decisions and consequences, all vectorised. The
other processes of a month run after it unchanged, books included. Only draws differ: they come
from a `numpy.random.Generator`, so the two agree in distribution, not person by person.
"""

from __future__ import annotations

import numpy as np

from benchmarks.numpy_changes import Changes
from benchmarks.numpy_rates import Covariates, cumulated, value
from sim.agents.population import HOLE
from sim.agents.state import FLOW, State
from sim.rates.tables import AT_END, AT_LIMIT, MONTHLY


class NumpyFates:
    """Permits that end and monthly fates of everyone: stands in for `sim.processes.fates.fates`."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, state: State) -> None:
        """Simulate this month of `state`; its books and lists are written as by the engine."""
        self._state, self._people = state, state.people
        self._changes = Changes(state, self._random)
        status = self._people["status"].copy()
        ends = np.flatnonzero(self._people["permit_end"] <= state.month)
        self._end_permits(ends)
        changed = ends[self._people["status"][ends] != status[ends]]
        status[changed] = HOLE  # who changed when the permit ended has no other fate this month
        self._compete_all(status)
        for lst, parts in enumerate(self._changes.lists):
            rows = np.concatenate(parts) if parts else np.zeros(0)
            state.lists[lst] = rows.astype(np.int32)

    def _end_permits(self, ends: np.ndarray) -> None:
        """Permits of `ends` run out: an outcome of the status, or a renewal."""
        people, state = self._people, self._state
        status = people["status"][ends].astype(np.int64)
        stayed = state.month - people["since"][ends].astype(np.int32)
        limited = stayed >= state.rates.status.longest[status]
        lists = np.where(limited, AT_LIMIT, AT_END) * state.sizes[0] + status
        for lst in np.unique(lists):
            rows = ends[lists == lst]
            covariates = self._covariates(rows)
            shares = cumulated(state.rates.fates, state.base, lst, covariates)
            chosen = (self._random.random(rows.size) >= shares).sum(axis=0)
            self._happen(lst, rows, chosen)
        self._changes.give_permits(ends[people["permit_end"][ends] <= state.month], renewal=1)

    def _compete_all(self, status: np.ndarray) -> None:
        """Monthly fates of everyone, by status; `status` is HOLE for those left out."""
        order = np.argsort(status, kind="stable")
        n_statuses = self._state.sizes[0]
        first = np.searchsorted(status[order], np.arange(n_statuses + 1))
        for s in range(n_statuses):
            self._compete(MONTHLY * n_statuses + s, order[first[s] : first[s + 1]])

    def _covariates(self, rows: np.ndarray) -> Covariates:
        state = self._state
        return Covariates(self._people, rows, state.month, state.world, state.rates.status.seeks)

    def _compete(self, lst: int, rows: np.ndarray) -> None:
        """Competing risks: one draw a person, the first event within the month or none."""
        state, covariates = self._state, self._covariates(rows)
        rates = cumulated(state.rates.fates, state.base, lst, covariates)
        if rates.size == 0:
            return
        total = rates[-1]
        p_any = -np.expm1(total / -12.0)
        draw = self._random.random(rows.size)
        hit = np.flatnonzero(draw < p_any)
        level = draw[hit] / p_any[hit] * total[hit]
        self._happen(lst, rows[hit], (level >= rates[:, hit]).sum(axis=0))

    def _happen(self, lst: int, rows: np.ndarray, chosen: np.ndarray) -> None:
        """Fate number `chosen` of the list happens to `rows`; beyond the last is no fate."""
        state, t = self._state, self._state.rates.fates
        assert state.books is not None
        for f in range(t.first[lst], t.first[lst + 1]):
            some = rows[chosen == f - t.first[lst]]
            if some.size and t.decision[f] >= 0:
                covariates = self._covariates(some)
                granted = value(t, state.base, t.decision[f], covariates)
                some = some[self._random.random(some.size) < granted]
            if some.size:
                state.books.tally[0, FLOW, f] += some.size
                self._changes.apply(f, some)
