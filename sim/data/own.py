"""Figures of one's own in place of published ones, and the other tables fitted to them.

A row of one's own takes the place of the published row with the same key; a row with a new key is
added. Published tables whose sums must agree with such a table (the `sum_equal` checks of the
folder's schema) are then fitted one by one, by iterative proportional fitting to it and to those
that are fitted already: first the table of which most sums are known, of several the first of the
schema. Where nothing of one's own says otherwise every sum agrees as published, so that those rows
keep their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.data.cells import WHOLE_KINDS
from sim.data.checks import Check, key_text, rows_of_side, sums_of_side
from sim.data.read import Table

MOST_ROUNDS: Final = 500

CLOSE: Final = 1e-9
"""Largest relative miss of a sum at which fitting stops."""

UNMET: Final = 1e-6
"""Relative miss of a sum from which on it cannot be met."""


@dataclass(frozen=True)
class Fitted:
    """What fitting changed in one published table.

    rows   rows with another number than the published one
    worst  largest miss of a sum after rounding to whole people, in the unit of the table
    where  the sum that is missed most
    """

    rows: int
    worst: float
    where: str


@dataclass(frozen=True)
class _Tie:
    """Sums of a column that is to be fitted, and of a table that stands."""

    check: Check
    mine: Mapping[str, Any]
    other: Mapping[str, Any]


def laid_over(published: Table, own: Table) -> Table:
    """The published rows with those of one's own in place of rows with equal keys, the rest after
    them."""
    key = list(published.spec.key)
    mine = pd.MultiIndex.from_frame(own.frame[key].astype(str))
    theirs = pd.MultiIndex.from_frame(published.frame[key].astype(str))
    place = theirs.get_indexer(mine)
    frame = published.frame.copy()
    known = np.flatnonzero(place >= 0)
    for name in frame.columns:
        values = frame[name].to_numpy(copy=True)
        kind = np.result_type(values.dtype, own.frame[name].to_numpy().dtype)
        values = values.astype(kind)
        values[place[known]] = own.frame[name].to_numpy()[known]
        frame[name] = values
    new = own.frame.iloc[np.flatnonzero(place < 0)]
    rows = np.concatenate([published.rows, own.rows[place < 0]])
    return replace(published, frame=pd.concat([frame, new], ignore_index=True), rows=rows)


def fit_to_own(
    checks: Sequence[Check], tables: dict[str, Table], own: Sequence[str]
) -> tuple[dict[str, Fitted], list[str]]:
    """Fit, in place, every table that is tied to those of one's own; what changed, and what could
    not be met, one sentence each.

    tables  all tables of the folder, those of `own` laid over the published ones
    """
    sums = [check for check in checks if check["rule"] == "sum_equal"]
    stand = set(own)
    fitted: dict[str, Fitted] = {}
    problems: list[str] = []
    while True:
        reached = {name: _ties(sums, name, stand) for name in tables if name not in stand}
        name = max(reached, key=lambda name: len(reached[name]), default="")
        if not name or not reached[name]:
            return fitted, problems
        before, ties = tables[name].frame, reached[name]
        for column in dict.fromkeys(tie.mine["value"] for tie in ties if not _met(tie, tables)):
            wanted = [tie for tie in ties if tie.mine["value"] == column]
            problems += _fit(tables, name, column, wanted, own)
        stand.add(name)
        if tables[name].frame is not before:
            fitted[name] = _change(before, tables, name, ties)


def _ties(checks: Sequence[Check], name: str, stand: set[str]) -> list[_Tie]:
    """The checks that tie a table to those that stand."""
    sides = [(check, check[a], check[b]) for check in checks for a, b in _SIDES]
    return [
        _Tie(check, mine, other)
        for check, mine, other in sides
        if mine["table"] == name and other["table"] in stand and other["table"] != name
    ]


_SIDES: Final = (("whole", "part"), ("part", "whole"))


def _wanted(tie: _Tie, tables: Mapping[str, Table]) -> tuple[pd.Series, pd.Series]:
    """Row of the fitted table -> key of its sum, and key -> the sum that it must have; where both
    tables are published."""
    by = tie.check["by"]
    rows = rows_of_side(tie.mine, tables)
    keys = pd.Series(list(map(tuple, rows[by].astype(str).to_numpy())), rows.index, dtype=object)
    sums = sums_of_side(tie.other, tables, by)
    sums.index = pd.Index(
        [tuple(map(str, key if isinstance(key, tuple) else (key,))) for key in sums.index],
        tupleize_cols=False,
    )
    if tables[tie.mine["table"]].spec.columns[by[0]].name in ("month", "year"):
        both = {key[0] for key in keys} & {key[0] for key in sums.index}
        keys = keys[[key[0] in both for key in keys]]
        sums = sums[[key[0] in both for key in sums.index]]
    return keys, sums


def _met(tie: _Tie, tables: Mapping[str, Table]) -> bool:
    keys, sums = _wanted(tie, tables)
    have = tables[tie.mine["table"]].frame.loc[keys.index, tie.mine["value"]].groupby(keys).sum()
    wanted = sums.reindex(have.index, fill_value=0)
    return bool((have == wanted).all()) and not any(sums.drop(have.index, errors="ignore"))


def _fit(
    tables: dict[str, Table], name: str, column: str, ties: Sequence[_Tie], own: Sequence[str]
) -> Iterator[str]:
    """Fit one column to all ties at once, and round it so that the sums of the first are met."""
    table = tables[name]
    values = table.frame[column].to_numpy(np.float64, copy=True)
    groups = [_Group.of(tie, tables, len(values)) for tie in ties]
    for _ in range(MOST_ROUNDS):
        missed = 0.0
        for group in groups:
            missed = max(missed, group.scale(values))
        if missed < CLOSE:
            break
    for group, tie in zip(groups, ties, strict=True):
        place, want, have = group.worst(values)
        if abs(want - have) > UNMET * max(want, 1.0):
            yield (
                f"data.{' and data.'.join(own)}: {name}, column {column}, cannot be fitted:"
                f" {want:,.0f} are wanted at {key_text(tie.check['by'], place)}, and"
                f" {have:,.0f} can be had. Give {name} of your own, too, as data.{name}=FILE."
            )
    frame = table.frame.copy()
    whole = table.spec.columns[column].name in WHOLE_KINDS
    frame[column] = groups[0].rounded(values).astype(np.int64) if whole else values
    tables[name] = replace(table, frame=frame)


@dataclass(frozen=True)
class _Group:
    """Rows of a column by the sum that they belong to.

    rows    int64[n]    rows that belong to a sum
    member  int64[n]    number of their sum
    want    float64[K]  what the sums must be
    names   the key of each sum
    """

    rows: np.ndarray
    member: np.ndarray
    want: np.ndarray
    names: list[tuple[str, ...]]

    @classmethod
    def of(cls, tie: _Tie, tables: Mapping[str, Table], n: int) -> _Group:
        keys, sums = _wanted(tie, tables)
        names = list(dict.fromkeys([*keys, *(key for key, want in sums.items() if want)]))
        number = {key: k for k, key in enumerate(names)}
        want = np.array([float(sums.get(key, 0)) for key in names])
        member = np.array([number[key] for key in keys], np.int64)
        return cls(keys.index.to_numpy(np.int64), member, want, names)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """float64[K]: what the sums are."""
        return np.bincount(self.member, values[self.rows], len(self.want))

    def scale(self, values: np.ndarray) -> float:
        """Scale the rows to their sums, in place; the largest relative miss before."""
        have = self.sums(values)
        ratio = np.divide(self.want, have, out=np.ones_like(have), where=have > 0)
        values[self.rows] *= ratio[self.member]
        return float(np.abs(ratio - 1).max(initial=0))

    def worst(self, values: np.ndarray) -> tuple[tuple[str, ...], float, float]:
        """Key of the sum that is missed most, what it must be and what it is."""
        have = self.sums(values)
        k = int(np.argmax(np.abs(have - self.want)))
        return self.names[k], float(self.want[k]), float(have[k])

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Whole numbers whose sums are met: the largest remainders of each are rounded up, of equal
        ones the first."""
        whole = np.floor(values + CLOSE)
        short = np.rint(self.want - self.sums(whole)).astype(np.int64)
        rest = (whole - values)[self.rows]
        order = np.lexsort((np.arange(rest.size), rest, self.member))
        starts = np.searchsorted(self.member[order], np.arange(self.want.size))
        rank = np.empty(rest.size, np.int64)
        rank[order] = np.arange(rest.size) - starts[self.member[order]]
        whole[self.rows] += rank < short[self.member]
        outside = np.setdiff1d(np.arange(values.size), self.rows)
        whole[outside] = np.rint(values[outside])
        return whole


def _change(
    before: pd.DataFrame, tables: Mapping[str, Table], name: str, ties: Sequence[_Tie]
) -> Fitted:
    now = tables[name].frame
    worst, where = 0.0, ""
    for tie in ties:
        values = now[tie.mine["value"]].to_numpy(np.float64)
        place, want, have = _Group.of(tie, tables, len(values)).worst(values)
        if abs(want - have) > worst:
            worst, where = abs(want - have), key_text(tie.check["by"], place)
    return Fitted(int((before != now).any(axis=1).sum()), worst, where)
