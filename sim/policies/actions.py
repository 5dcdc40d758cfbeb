"""Events, edits and levers as one list of dated actions on the rows of one vector.

The vector holds the rates, shares and grants, behind them the parameters, the multipliers of
arrivals, and the tables of factors that levers may change. See `sim.policies.ratebook`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final, NamedTuple

import numpy as np

from sim.config.factors import gate_table
from sim.config.levers import LAST, Active, active_levers, chosen
from sim.config.paths import ARRIVALS, Paths, matches, targets
from sim.config.schema.policy import Edit, Effect, FittedEdit, Product
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.rates.tables import Rates, spared_by

OPS: Final = ("set", "multiply", "most", "least")

FITTED: Final = "fitted"
"""A multiplier that belongs to the baseline: it comes before all that policy does."""


class Stamp(NamedTuple):
    """What an action amounts to in a month; equal stamps act equally."""

    value: float
    weight: float
    elapsed: int  # months since it began, as far as it matters


@dataclass(frozen=True)
class Action:
    """One dated change.

    what   value: all rows take the value; gate: tables with 1 from the value up; later: those who
           came since it began take the value; earlier: the others take 0
    rows   int64 rows of the vector; for tables, one after the other
    size   codes of a table, 0 for single values
    """

    name: str
    lever: str  # "" for events and edits
    op: str
    what: str
    paths: tuple[str, ...]
    rows: np.ndarray
    size: int
    since: int
    until: int
    at: Callable[[int], Stamp]
    first_affected: Callable[[int], np.ndarray] | None = None
    per: str = ""
    mix: tuple[tuple[int, float], ...] = ()

    def stamp(self, month: int) -> Stamp | None:
        """None when it does nothing in the month."""
        if not self.since <= month <= self.until:
            return None
        stamp = self.at(month)
        return stamp if stamp.weight != 0.0 else None

    def resolved(self, stamp: Stamp) -> tuple[np.ndarray, np.ndarray | float]:
        """Rows and what they take."""
        if self.what == "value":
            return self.rows, stamp.value
        tables = self.rows.reshape(-1, self.size)
        if self.what == "gate":
            return self.rows, np.tile(gate_table(self.size, stamp.value), len(tables))
        assert self.first_affected is not None
        late = self.first_affected(stamp.elapsed)
        chosen = tables[:, late if self.what == "later" else ~late].ravel()
        return chosen, stamp.value if self.what == "later" else 0.0


class Layout:
    """Where things stand in the vector."""

    def __init__(self, config: RunConfig, rates: Rates, parameters: Iterable[str]) -> None:
        fates, decision = [name.path for name in rates.names], rates.fates.decision
        rows = {path: row for row, path in enumerate(fates)}
        rows |= {f"{fates[f]}.grant": int(row) for f, row in enumerate(decision) if row >= 0}
        start = rates.base.size
        parameters = list(parameters)
        rows |= {path: start + k for k, path in enumerate(parameters)}
        self.params = slice(start, start + len(parameters))
        start = self.params.stop
        statuses = rates.codes.statuses
        rows |= {f"{ARRIVALS}{status}": start + s for s, status in enumerate(statuses)}
        self.arrivals = slice(start, start + len(statuses))
        self.paths, self.rows = Paths(rows), rows
        shared = min((part.start for part in rates.own.values()), default=rates.fates.values.size)
        self.shared = shared  # values of the fate table that no lever changes
        self.tables = slice(
            self.arrivals.stop, self.arrivals.stop + rates.fates.values.size - shared
        )
        self.own = {
            place: np.arange(part.start, part.stop) - shared + self.tables.start
            for place, part in rates.own.items()
        }
        self.permits = targets(config)["permits"]
        self.codes = partial(chosen, config)

    def named(self, globs: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
        """Paths and rows of single values that some glob names."""
        hits = {path: self.rows[path] for path in self.paths.matching(globs)}
        return tuple(hits), np.array(list(hits.values()), np.int64)

    def tables_of(
        self, globs: list[str], factor: str, what: str
    ) -> tuple[tuple[str, ...], np.ndarray]:
        """Paths and rows, int64[tables, codes], of the own tables that some glob names."""
        hits = {
            path: rows
            for (path, name, kind), rows in self.own.items()
            if (name, kind) == (factor, what) and matches(path, globs)
        }
        rows = np.stack(list(hits.values())) if hits else np.zeros((0, 1), np.int64)
        return tuple(hits), rows


def actions(config: RunConfig, layout: Layout) -> list[Action]:
    """All of a run: the fit of the baseline, events, the scenario's edits, then its levers."""
    out = [_fitted(f"fit.{name}", edit, layout) for name, edit in config.fit.edits.items()]
    for event, body in config.event.items():
        out += [_edit(f"event.{event}.{name}", e, layout) for name, e in body.edits.items()]
    out += [_edit(f"scenario.{name}", e, layout) for name, e in config.scenario.edits.items()]
    order = config.scenario.order
    levers = sorted(  # stable: by code, unless the scenario orders them
        active_levers(config), key=lambda a: order.index(a.code) if a.code in order else -1
    )
    for active in levers:
        for name, effect in active.effects():
            out += _effect(active, f"policy.{active.code}.{name}", effect, layout)
        out += _anticipation(active, layout)
    return out


def _fitted(name: str, edit: FittedEdit, layout: Layout) -> Action:
    given = edit.model_dump(include={"paths", "since", "until", "multiply"})
    return replace(_edit(name, Edit(**given), layout), op=FITTED)


def _edit(name: str, edit: Edit, layout: Layout) -> Action:
    until = month_index(edit.until) if edit.until is not None else LAST
    value = edit.multiply if edit.set is None else edit.set
    stamp = Stamp(value if value is not None else 1.0, 1.0, 0)
    paths, rows = layout.named(edit.paths)
    op = "multiply" if edit.set is None else "set"
    return Action(name, "", op, "value", paths, rows, 0, month_index(edit.since), until,
                  lambda month: stamp)  # fmt: skip


def _effect(active: Active, name: str, effect: Effect, layout: Layout) -> Iterator[Action]:
    since, until = active.window(effect)

    def stamps(amount: Product, elapsed: bool = False) -> Callable[[int], Stamp]:
        last = LAST if elapsed else active.last_change(effect)

        @cache
        def stamp(month: int) -> Stamp:
            return Stamp(
                active.amount(amount, month),
                active.weight(effect, month),
                month - since if elapsed else 0,
            )

        return lambda month: stamp(min(month, last))

    def action(op: str, what: str, paths: tuple[str, ...], rows: np.ndarray, size: int,
               at: Callable[[int], Stamp], **more: object) -> Action:  # fmt: skip
        return Action(name, active.code, op, what, paths, rows.ravel(), size, since, until, at,
                      **more)  # type: ignore[arg-type]  # fmt: skip

    spared = spared_by(active.lever)
    for op in OPS:
        amount = getattr(effect, op)
        if amount is None:
            continue
        paths, rows = layout.named(effect.paths)
        if effect.per is not None:
            yield action(op, "cap", paths, rows, 0, stamps(amount), per=effect.per)
            continue
        met = rows < layout.params.start  # by people: only there can somebody be spared
        plain = ~met if spared else np.ones(rows.size, np.bool_)
        if plain.any():
            named = tuple(path for path, one in zip(paths, plain, strict=True) if one)
            yield action(op, "value", named, rows[plain], 0, stamps(amount))
        if spared and met.any():
            yield from _sparing(active, op, effect, layout, stamps(amount, True), action)
    for factor, by_code in (effect.by or {}).items():
        paths, tables = layout.tables_of(effect.paths, factor, "by")
        for codes, amount in layout.codes(factor, by_code):
            if amount is not None:
                yield action("multiply", "value", paths, tables[:, codes], 0, stamps(amount))
    for factor, amount in (effect.gate or {}).items():
        paths, tables = layout.tables_of(effect.paths, factor, "gate")
        yield action("set", "gate", paths, tables, tables.shape[1], stamps(amount))
    if effect.mix is not None:
        paths = layout.permits.matching(effect.paths)
        mix, none = tuple(sorted(effect.mix.items())), np.zeros(0, np.int64)
        yield action("set", "mix", paths, none, 0, stamps(Product()), mix=mix)


def _sparing(
    active: Active, op: str, effect: Effect, layout: Layout, at: Callable[[int], Stamp],
    action: Callable[..., Action],
) -> Iterator[Action]:  # fmt: skip
    """An effect that spares those who came before: their own table tells who they are."""
    factor, months = spared_by(active.lever), active.lever.grandfathering.months or 0
    paths, tables = layout.tables_of(effect.paths, factor, "by")
    codes = np.arange(tables.shape[1])

    def late(elapsed: int) -> np.ndarray:
        if factor == "permit_age":
            return codes <= elapsed
        return (12 * (codes + 1) <= elapsed + 1) | (elapsed >= months)

    if op == "set":
        own, rows = layout.named(effect.paths)
        met = rows < layout.params.start
        yield action(op, "value", own, rows[met], 0, at)
        whole = lambda month: Stamp(0.0, float(at(month).weight != 0.0), at(month).elapsed)  # noqa: E731
        yield action("set", "earlier", paths, tables, tables.shape[1], whole, first_affected=late)
    else:
        yield action(op, "later", paths, tables, tables.shape[1], at, first_affected=late)


def _anticipation(active: Active, layout: Layout) -> Iterator[Action]:
    hurry = active.lever.anticipation
    if hurry is None:
        return
    paths, rows = layout.named(hurry.paths)
    spans = [(hurry.rush, active.since - hurry.months, active.since - 1)]
    if hurry.dip is not None and hurry.dip_months > 0:
        spans.append((hurry.dip, active.since, active.since + hurry.dip_months - 1))
    for response, since, until in spans:
        stamp = Stamp(active.quantity(response, since), active.strength, 0)
        yield Action(f"policy.{active.code}.anticipation", active.code, "multiply", "value", paths,
                     rows, 0, since, until, lambda month, stamp=stamp: stamp)  # type: ignore[misc]  # fmt: skip
