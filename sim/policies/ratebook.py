"""This month's rates = the baseline rates, edited by what is in force this month.

Law in force, events such as the border closure, a scenario's own edits and its levers all arrive
here as dated actions. No process knows why a rate changed.

How they add up: what the past taught about the baseline (`fit`) multiplies first. Of the rest what
is set replaces (two that set one value are refused at the door, unless the scenario orders them),
then what multiplies multiplies, in order of size, then the least of what
keeps at most and the largest of what keeps at least. So the order in which they are listed cannot
matter, to the bit; and what has no strength or is not in force is never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.config.paths import Parameters, parameters
from sim.config.schema.run import RunConfig
from sim.policies.actions import FITTED, Action, Layout, Stamp, actions
from sim.rates.statuses import StatusTable, with_permits
from sim.rates.tables import FateTable, Rates

Live = tuple[Action, Stamp]


class Cap(NamedTuple):
    """No more than `value` people under all of the statuses together."""

    value: float
    per: str  # stock: residents; year: arrivals in twelve months; growth: above the year before
    statuses: tuple[int, ...]


@dataclass(frozen=True)
class InForce:
    """All that policy decides about a month."""

    base: np.ndarray  # float64[F + G]: rates per year, shares, grant probabilities
    params: Parameters
    arrivals: np.ndarray  # float64[S]: what expected arrivals are multiplied by
    fitted_arrivals: np.ndarray  # float64[S]: the part of `arrivals` that belongs to the baseline
    caps: tuple[Cap, ...]
    fates: FateTable  # with the multipliers of this month
    status: StatusTable  # with the permit lengths of this month
    beyond: frozenset[tuple[str, ...]]  # what acts beside base, parameters and arrivals, in words


class RateBook:
    """Rates, parameters, gates, permits and caps by month."""

    def __init__(self, config: RunConfig, rates: Rates) -> None:
        self._rates = rates
        given = parameters(config)
        layout = self._layout = Layout(config, rates, given)
        self._values = np.concatenate(
            [
                rates.base,
                np.array(list(given.values()), np.float64),
                np.ones(len(rates.codes.statuses)),
                rates.fates.values[layout.shared :],
            ]
        )
        self._parameter_rows = {path: row for row, path in enumerate(given)}
        self._mixes = {
            f"{name}.permits.{which}": dict(getattr(status.permits, which))
            for name, status in config.status.items()
            if status.permits is not None
            for which in ("first", "renewed")
        }
        self.edits = actions(config, layout)
        spans = [(edit.since, edit.until) for edit in self.edits]
        self._spans = np.array(spans, np.int64).reshape(-1, 2)
        self._beside = [_acts_beside(edit, layout) for edit in self.edits]
        self._fitted: tuple[list[tuple[int, Stamp]], np.ndarray] = [], self._values
        self._kept: list[tuple[object, InForce]] = []  # of the last months asked for
        self._asked: dict[int, InForce] = {}  # by month: the processes of a month ask many times

    def base(self, month: int) -> np.ndarray:
        """float64[F + G] in force in a month; the same array while nothing changes."""
        return self.in_force(month).base

    def params(self, month: int) -> Parameters:
        """The parameters in force in a month; the same object while nothing changes."""
        return self.in_force(month).params

    def arrival_factor(self, month: int) -> np.ndarray:
        """float64[S]: what this month's events, scenario and levers multiply arrivals by."""
        return self.in_force(month).arrivals

    def in_force(self, month: int) -> InForce:
        """All that holds in a month; the same object while nothing changes."""
        if month not in self._asked:
            last = list(self._asked.items())[-2:]
            self._asked = {**dict(last), month: self._in_force(month)}
        return self._asked[month]

    def _in_force(self, month: int) -> InForce:
        in_law = (self._rates.months[:, 0] <= month) & (month <= self._rates.months[:, 1])
        spans = self._spans
        there = np.flatnonzero((spans[:, 0] <= month) & (month <= spans[:, 1])).tolist()
        stamped = [(k, self.edits[k].stamp(month)) for k in there]
        live = [(k, stamp) for k, stamp in stamped if stamp is not None]
        key = (in_law.tobytes(), tuple(live))
        for known, kept in self._kept:
            if known == key:
                return kept
        made = self._made(in_law, live)
        self._kept = [*self._kept[-1:], (key, made)]
        return made

    def _made(self, in_law: np.ndarray, marked: list[tuple[int, Stamp]]) -> InForce:
        live = [(self.edits[k], stamp) for k, stamp in marked]
        beside = [(self.edits[k], stamp) for k, stamp in marked if self._beside[k]]
        baseline = self._baseline(marked)
        values = baseline.copy()
        plain = [(a, s) for a, s in live if a.what not in ("cap", "mix")]
        _replace(values, [pair for pair in plain if pair[0].op == "set"])
        _multiply(values, [pair for pair in plain if pair[0].op == "multiply"])
        _bound(values, [pair for pair in plain if pair[0].op in ("most", "least")])
        values[: in_law.size][~in_law] = 0.0
        layout, last = self._layout, self._kept[-1][1] if self._kept else None
        caps = sorted(self._cap(a, s) for a, s in live if a.what == "cap")
        return InForce(
            values[: self._rates.base.size],
            Parameters(self._parameter_rows, values[layout.params]),
            values[layout.arrivals],
            baseline[layout.arrivals],
            tuple(caps),
            self._fates(values[layout.tables], last),
            with_permits(self._rates.status, self._permits(live)),
            frozenset(
                (a.op, a.what, a.per, *a.paths, *map(str, a.mix), str(stamp)) for a, stamp in beside
            ),
        )

    def _baseline(self, marked: list[tuple[int, Stamp]]) -> np.ndarray:
        """The vector with what the past taught, which changes more rarely than what policy does."""
        fitted = [(k, stamp) for k, stamp in marked if self.edits[k].op == FITTED]
        if self._fitted[0] != fitted:
            values = self._values.copy()
            _multiply(values, [(self.edits[k], stamp) for k, stamp in fitted])
            self._fitted = fitted, values
        return self._fitted[1]

    def _fates(self, tables: np.ndarray, last: InForce | None) -> FateTable:
        """The fate table with these own tables: the same object if they are those of `last`."""
        for known in (self._rates.fates, *([last.fates] if last is not None else [])):
            if np.array_equal(known.values[self._layout.shared :], tables):
                return known
        shared = self._rates.fates.values[: self._layout.shared]
        return self._rates.fates._replace(values=np.concatenate([shared, tables]))

    def _cap(self, action: Action, stamp: Stamp) -> Cap:
        """A cap at partial weight lets more in: nothing at no weight."""
        first = self._layout.arrivals.start
        rows = tuple(sorted((action.rows - first).tolist()))
        loose = stamp.value / stamp.weight if action.per != "growth" else stamp.value
        return Cap(loose, action.per, rows)

    def _permits(self, live: list[Live]) -> dict[tuple[int, int], dict[int, float]]:
        """(0 first or 1 renewed, status) -> lengths, for the mixes that levers replace."""
        mixes: dict[str, dict[int, float]] = {}
        for action, stamp in live:
            for path in action.paths if action.what == "mix" else ():
                old, new, w = mixes.get(path, self._mixes[path]), dict(action.mix), stamp.weight
                months = sorted(old.keys() | new.keys())
                blend = {m: old.get(m, 0.0) * (1.0 - w) + new.get(m, 0.0) * w for m in months}
                mixes[path] = new if w == 1.0 else blend
        statuses = self._rates.codes.statuses
        return {
            (int(path.endswith(".renewed")), statuses.index(path.partition(".")[0])): mix
            for path, mix in mixes.items()
        }


def _acts_beside(action: Action, layout: Layout) -> bool:
    """Whether it acts beside base, parameters and arrivals; see InForce.beyond."""
    tables = action.rows.size > 0 and bool(action.rows.min() >= layout.tables.start)
    return action.what != "value" or (action.size == 0 and tables)


def _replace(values: np.ndarray, live: list[Live]) -> None:
    """In the order in which the actions come: events, edits, levers as the scenario orders."""
    for action, stamp in live:
        rows, value = action.resolved(stamp)
        if stamp.weight != 1.0:
            value = values[rows] + stamp.weight * (value - values[rows])
        values[rows] = value


def _multiply(values: np.ndarray, live: list[Live]) -> None:
    """By size: a product of floats depends on its order in the last bit, policy must not."""
    factors = []
    for action, stamp in live:
        rows, value = action.resolved(stamp)
        assert not isinstance(value, np.ndarray)
        factor = value if stamp.weight == 1.0 else 1.0 + (value - 1.0) * stamp.weight
        factors.append((factor, rows))
    for factor, rows in sorted(factors, key=lambda pair: pair[0]):
        values[rows] *= factor


def _bound(values: np.ndarray, live: list[Live]) -> None:
    for action, stamp in sorted(live, key=lambda pair: (pair[0].op, pair[1])):
        rows, value = action.resolved(stamp)
        bound = np.minimum if action.op == "most" else np.maximum
        inside = bound(values[rows], value)
        values[rows] += stamp.weight * (inside - values[rows])
