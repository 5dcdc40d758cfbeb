"""Configuration and data to tables: every fate of every status as one row of flat arrays.

The same rows feed the kernels, the audit, the exact mean and the model description.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from sim.config.factors import AGES, CLASS_SIZES, FACTORS, MOST_SECTORS, STEP_SIZES
from sim.config.fates import window
from sim.config.levers import active_levers
from sim.config.paths import GRANT, Paths
from sim.config.schema.policy import Lever
from sim.config.schema.run import Fate, RunConfig
from sim.core.errors import ConfigError
from sim.rates.fates import OCCASIONS, FactorTables, FateRow, rows_of
from sim.rates.kinds import KINDS
from sim.rates.statuses import StatusTable, status_table

SPARED_BY: Final = {"until_renewal": "permit_age", "months": "years_in_status"}
"""Factor by which those are told who came after a lever began."""

NOT_BY_LEVERS: Final = ("stage", "status")
"""Factors whose codes differ from status to status."""


class Wanted(NamedTuple):
    globs: list[str]
    factor: str
    what: str  # "by" or "gate"


def table_size(factor: str, config: RunConfig) -> int:
    """Number of codes of a factor."""
    sizes = {
        "origin": len(config.country.origins), "sex": 2, "age_sex": 2 * AGES, "arrears": 8,
        "calendar_month": 13, "sector": MOST_SECTORS + 1,
    }  # fmt: skip
    return {**STEP_SIZES, **CLASS_SIZES, **sizes}[factor]


def wanted_tables(config: RunConfig) -> list[Wanted]:
    """What each lever that changes anything needs, in order of lever."""
    out = []
    for active in active_levers(config):
        for _, effect in active.effects():
            for factor in effect.by or {}:
                out.append(Wanted(effect.paths, factor, "by"))
            for factor in effect.gate or {}:
                out.append(Wanted(effect.paths, factor, "gate"))
            if spared_by(active.lever) and (effect.set or effect.multiply):
                out.append(Wanted(effect.paths, spared_by(active.lever), "by"))
    return out


def spared_by(lever: Lever) -> str:
    """The factor that tells who is spared by a lever; '' if nobody is."""
    return SPARED_BY.get(lever.grandfathering.existing, "")


def wanted_by(config: RunConfig, paths: Paths) -> dict[str, dict[tuple[str, str], None]]:
    """(factor, "by" or "gate") of the tables that each of the paths needs, each once."""
    out: dict[str, dict[tuple[str, str], None]] = {}
    for wanted in wanted_tables(config):
        for path in paths.matching(wanted.globs):
            out.setdefault(path, {})[wanted.factor, wanted.what] = None
    return out


MONTHLY, AT_END, AT_LIMIT = 0, 1, 2


class FateTable(NamedTuple):
    """Every fate, in kernel form. S statuses, F fates, G decisions, K multipliers, V values."""

    first: np.ndarray  # int32[8 * S + 1]: fates of (occasion, status) are first[l]..first[l+1]
    kind: np.ndarray  # uint8[F]: see sim.rates.kinds
    to: np.ndarray  # int16[F]: status or stage row, -1 if none
    bits: np.ndarray  # uint8[F]: arrears bits
    decision: np.ndarray  # int32[F]: row of the authority's decision in `base`, -1 if none
    mult_first: np.ndarray  # int32[F + G + 1]
    mult_factor: np.ndarray  # uint8[K]: factor whose code picks the value
    mult_offset: np.ndarray  # int32[K]: where the table begins in `values`
    packed: np.ndarray  # uint64[K]: offset << 16 | factor << 8 | place of the fate in its list;
    # in each list first the first multiplier of every fate, then the second of every fate, ...
    values: np.ndarray  # float64[V]


@dataclass(frozen=True)
class FateName:
    """What a row of the fate table is called."""

    status: str
    occasion: str
    name: str
    kind: str
    to: str | None

    @property
    def path(self) -> str:
        return f"{self.status}.{self.occasion}.{self.name}"


@dataclass(frozen=True)
class Codes:
    """Names and their rows."""

    statuses: list[str]
    origins: list[str]
    prefectures: list[str]
    municipalities: list[str]


class Ways(NamedTuple):
    """Which fates lead out of a status, and which into one."""

    left: np.ndarray  # int64: status left by each of the fates in `out`
    out: np.ndarray  # bool[F]
    entered: np.ndarray  # int64: status entered by each of the fates in `switched`
    switched: np.ndarray  # bool[F]


def _ways_of(names: list[FateName], statuses: list[str], kind: np.ndarray, to: np.ndarray) -> Ways:
    out, switched = kind <= KINDS["switch"], kind == KINDS["switch"]
    left = np.array([statuses.index(name.status) for name in names], np.int64)[out]
    return Ways(left, out, to[switched].astype(np.int64), switched)


@dataclass(frozen=True)
class Rates:
    """The tables of one run."""

    codes: Codes
    fates: FateTable
    status: StatusTable
    base: np.ndarray  # float64[F + G]: rates per year, shares and grant probabilities
    names: list[FateName]
    months: np.ndarray  # int32[F, 2]: first and last month in which the fate may happen
    own: dict[tuple[str, str, str], slice]  # (path, factor, "by" or "gate") -> in fates.values
    # the multiplier tables that levers may change, neutral or as configured; they come last
    ways: Ways

    @property
    def kinds(self) -> int:
        """Number of fates."""
        return len(self.names)

    def net(self, flow: np.ndarray) -> np.ndarray:
        """int64[S]: what the people who met each fate, int64[F], change in the stocks."""
        ways, n = self.ways, len(self.codes.statuses)
        gone = np.bincount(ways.left, flow[ways.out], n)
        come = np.bincount(ways.entered, flow[ways.switched], n)
        return (come - gone).astype(np.int64)


class _Builder:
    """Collects multipliers; one use."""

    def __init__(self, config: RunConfig, paths: Paths) -> None:
        self.config = config
        self.values: list[np.ndarray] = []
        self.size = 0
        self.known: dict[bytes, int] = {}
        self.mults: list[list[tuple[int, int]]] = []
        self.wanted = wanted_by(config, paths)
        self.own: dict[tuple[str, str, str], np.ndarray] = {}
        self.own_size = 0

    def multipliers(self, tables: FactorTables) -> list[tuple[int, int]]:
        out = []
        for name, table, content in tables:
            if content not in self.known:  # one copy of each: they must stay in the cache
                self.known[content] = self.size
                self.values.append(table)
                self.size += len(table)
            out.append((FACTORS[name], self.known[content]))
        return out

    def own_tables(
        self, path: str, gates: FactorTables
    ) -> tuple[FactorTables, list[tuple[int, int]]]:
        """The gates that stay shared, and the multipliers that levers of the scenario may change.

        Offsets are negative, -1 for the first value of all own tables: where these begin is
        known when all are.
        """
        shared, out = {gate[0]: gate for gate in gates}, []
        for factor, what in self.wanted.get(path, ()):
            gate = shared.pop(factor, None) if what == "gate" else None
            table = np.ones(table_size(factor, self.config)) if gate is None else gate[1]
            self.own[path, factor, what] = table
            out.append((FACTORS[factor], -1 - self.own_size))
            self.own_size += table.size
        return list(shared.values()), out


def build(config: RunConfig, municipalities: list[str], mobility: np.ndarray) -> Rates:
    """All tables of a run.

    `mobility` is float64[M]: how often residents of each municipality move, relative to the
    country, in the order of `municipalities`.
    """
    statuses = config.country.statuses
    codes = Codes(statuses, config.country.origins, sorted(config.prefecture), municipalities)
    found = [
        (OCCASIONS.index(row.occasion) * len(statuses) + s, status, row)
        for s, status in enumerate(statuses)
        for row in rows_of(config, status, mobility)
    ]
    paths = [row.path(status) for _, status, row in found]
    grants = [f"{row.path(status)}{GRANT}" for _, status, row in found if row.fate.grant]
    builder = _Builder(config, Paths([*paths, *grants]))
    for path, (_, _, row) in zip(paths, found, strict=True):
        gates, own = builder.own_tables(path, row.gates)
        builder.mults.append(builder.multipliers(row.tables + gates) + own)
    order = sorted(range(len(found)), key=lambda r: found[r][0])  # stable: YAML order inside a list
    builder.mults = [builder.mults[r] for r in order]
    return _assemble(config, codes, builder, [found[r] for r in order])


def _assemble(
    config: RunConfig, codes: Codes, builder: _Builder, found: list[tuple[int, str, FateRow]]
) -> Rates:
    """found: list, status and row of each fate, in order of list."""
    lists = np.array([lst for lst, _, _ in found])
    n_lists = len(OCCASIONS) * len(codes.statuses)
    first = np.searchsorted(lists, np.arange(n_lists + 1)).astype(np.int32)
    rows = [row for _, _, row in found]
    names = [
        FateName(status, row.occasion, row.name, row.fate.kind, row.fate.to)
        for _, status, row in found
    ]
    base = [row.base for row in rows]
    decision = np.full(len(rows), -1, np.int32)
    for f, (name, row) in enumerate(zip(names, rows, strict=True)):
        if row.fate.grant is not None:
            decision[f] = len(base)
            base.append(row.granted)
            _, mine = builder.own_tables(f"{name.path}{GRANT}", [])
            builder.mults.append(builder.multipliers(row.grant) + mine)
    flat = [m for mults in builder.mults for m in mults]
    ends = np.cumsum([0] + [len(mults) for mults in builder.mults])
    values = np.concatenate(builder.values) if builder.values else np.ones(1)
    own: dict[tuple[str, str, str], slice] = {}
    end = values.size
    for place, table in builder.own.items():
        own[place] = slice(end, end + table.size)
        end += table.size
    flat = [(factor, at if at >= 0 else values.size - 1 - at) for factor, at in flat]
    values = np.concatenate([values, *builder.own.values()])
    fates = FateTable(
        first=first,
        kind=np.array([KINDS[name.kind] for name in names], np.uint8),
        to=np.array([_target(config, name) for name in names], np.int16),
        bits=np.array([_bits(row.fate) for row in rows], np.uint8),
        decision=decision,
        mult_first=ends.astype(np.int32),
        mult_factor=np.array([m[0] for m in flat], np.uint8),
        mult_offset=np.array([m[1] for m in flat], np.int32),
        packed=_packed(flat, ends, first, lists),
        values=values,
    )
    months = np.array([window(config, row.fate) for row in rows], np.int32).reshape(-1, 2)
    ways = _ways_of(names, codes.statuses, fates.kind, fates.to)
    return Rates(codes, fates, status_table(config), np.array(base), names, months, own, ways)


def _packed(
    flat: list[tuple[int, int]], ends: np.ndarray, first: np.ndarray, lists: np.ndarray
) -> np.ndarray:
    """All that the kernel needs of a multiplier in one number; see FateTable.packed.

    Neighbours belong to different fates, so that no product waits for the one before it.
    """
    row = np.repeat(np.arange(ends.size - 1), np.diff(ends))
    place = np.zeros(row.size, np.int64)  # decisions stand in no list
    inside = row < lists.size
    place[inside] = row[inside] - first[lists[row[inside]]]
    if place.max(initial=0) > 255:
        raise ConfigError("a status has more than 255 fates on one occasion")
    words = [(offset << 16) | (factor << 8) for factor, offset in flat]
    rank = np.arange(row.size) - ends[row]
    lst = np.append(lists, np.full(ends.size - 1 - lists.size, first.size))[row]
    return (np.array(words, np.int64) | place)[np.lexsort((row, rank, lst))].astype(np.uint64)


def _bits(fate: Fate) -> int:
    bits = 0
    for name in fate.bits:
        bits |= {"nhi": 1, "pension": 2, "tax": 4}[name]
    return bits


def _target(config: RunConfig, name: FateName) -> int:
    if name.to is None:
        return -1
    if name.kind == "stage":
        return list(config.status[name.status].stages).index(name.to)
    return config.country.statuses.index(name.to)
