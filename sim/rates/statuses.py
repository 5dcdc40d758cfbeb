"""Attributes of the statuses as arrays: permits, courses, stages, flags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sim.config.levers import active_levers
from sim.config.schema.run import RunConfig, Status
from sim.core.clock import month_index
from sim.core.probability import FULL, cuts, thresholds


class StatusTable(NamedTuple):
    """Attributes of the S statuses, in kernel form. L lengths, G stages."""

    counts: np.ndarray  # bool[S]: months count for permanent residence
    family: np.ndarray  # bool[S]: may have dependants
    sponsored: np.ndarray  # bool[S]: depends on a principal
    child: np.ndarray  # int16[S]: status of a newborn, -1 = citizen
    limited: np.ndarray  # bool[S]: has permits that end
    longest: np.ndarray  # int16[S]: months, 32767 = no limit
    length: np.ndarray  # uint8[3, S, L]: permit lengths in months: first, renewed, short
    length_cut: np.ndarray  # uint64[3, S, L]: cumulative thresholds
    stage_cut: np.ndarray  # uint64[S, G]: stages of newcomers, cumulative thresholds
    course: np.ndarray  # uint8[S, G, L]: course lengths in months, 0 = no course
    course_cut: np.ndarray  # uint64[S, G, L]
    permanent: int
    irregular: int
    n_tiers: int  # tiers of jobs, at least 1
    tier: np.ndarray  # int8[S]: tier of the jobs that holders may have, -1 none
    seeks: np.ndarray  # bool[S]: the status asks for a job
    wish: np.ndarray  # uint64[S] thresholds: newcomers to the status who look for work
    working: np.ndarray  # int64[2]: ages in months from and to which people look for work
    keep: np.ndarray  # uint64[T, T] thresholds: jobs kept when a new status changes the tier


def status_table(config: RunConfig) -> StatusTable:
    """Attributes of all statuses as arrays; see StatusTable for shapes."""
    names = config.country.statuses
    all_ = [config.status[name] for name in names]
    n_stages = max(1, *(len(s.stages) for s in all_))
    lengths = [m for s in all_ for m in _mixes(s)] + _lever_mixes(config)
    n = max(1, *(len(m) for m in lengths)) if lengths else 1
    length, length_cut = _mix_arrays((3, len(names)), n)
    course, course_cut = _mix_arrays((len(names), n_stages), n)
    stage_cut = np.full((len(names), n_stages), FULL, np.uint64)
    for s, status in enumerate(all_):
        if status.permits is not None:
            _put(length, length_cut, (0, s), status.permits.first)
            _put(length, length_cut, (1, s), status.permits.renewed)
            _put(length, length_cut, (2, s), status.permits.short)
        if status.stages:
            shares = [stage.arrivals for stage in status.stages.values()]
            stage_cut[s, : len(shares)] = cuts(shares)
        for g, stage in enumerate(status.stages.values()):
            if stage.months is not None:
                _put(course, course_cut, (s, g), stage.months)
    return StatusTable(
        counts=np.array([s.counts_for_pr for s in all_]),
        family=np.array([s.family for s in all_]),
        sponsored=np.array([s.sponsor is not None for s in all_]),
        child=np.array(
            [-1 if s.child == "national" else names.index(s.child) for s in all_], np.int16
        ),
        limited=np.array([s.permits is not None or _has_course(s) for s in all_]),
        longest=np.array(
            [int(s.longest_stay.value) if s.longest_stay else 32767 for s in all_], np.int16
        ),
        length=length,
        length_cut=length_cut,
        stage_cut=stage_cut,
        course=course,
        course_cut=course_cut,
        permanent=names.index(config.country.permanent),
        irregular=names.index(config.country.irregular),
        **jobs_of(config, names),
    )


def has_firms(config: RunConfig) -> bool:
    """Whether firms act in this run: not in the conditional past, of which little is known."""
    firms = config.firms
    return (
        firms is not None and firms.active and month_index(config.start) >= month_index(firms.since)
    )


def jobs_of(config: RunConfig, names: list[str]) -> dict[str, Any]:
    """Members of a StatusTable that concern jobs; no status has jobs if firms do not act."""
    none = np.zeros(len(names), np.uint64)
    firms = config.firms
    if firms is None or not has_firms(config):
        return {
            "n_tiers": 1, "tier": np.full(len(names), -1, np.int8), "seeks": none.astype(np.bool_),
            "wish": none, "working": np.zeros(2, np.int64), "keep": np.zeros((1, 1), np.uint64),
        }  # fmt: skip
    tiers = list(firms.tiers)
    tier_of = [firms.tier_of.get(name, "") for name in names]
    tier = np.array([tiers.index(t) if t else -1 for t in tier_of], np.int8)
    seeks = np.array([bool(t) and firms.tiers[t].search == "all" for t in tier_of])
    share = [firms.employed[n].value if n in firms.employed else 0.0 for n in names]
    wish = np.where(seeks, 1.0, np.array(share)) * (tier >= 0)
    keep = [[firms.keep[a][b].value if b in firms.keep.get(a, {}) else 0.0 for b in tiers]
            for a in tiers]  # fmt: skip
    first, last = firms.working.ages
    return {
        "n_tiers": len(tiers), "tier": tier, "seeks": seeks,
        "wish": thresholds(wish),
        "working": np.array([12 * first, 12 * (last + 1)], np.int64),
        "keep": thresholds(keep),
    }  # fmt: skip


def _has_course(status: Status) -> bool:
    return any(stage.months is not None for stage in status.stages.values())


def _mixes(status: Status) -> Iterator[dict[int, float]]:
    if status.permits is not None:
        yield from (status.permits.first, status.permits.renewed, status.permits.short)
    yield from (stage.months for stage in status.stages.values() if stage.months is not None)


def _lever_mixes(config: RunConfig) -> list[dict[int, float]]:
    """For each mix of a lever, all lengths that there may be while it is phased in."""
    mixes = [
        effect.mix for lever in active_levers(config) for _, effect in lever.effects() if effect.mix
    ]
    every = {m: 0.0 for s in config.status.values() for mix in _mixes(s) for m in mix}
    return [{**every, **{m: 0.0 for mix in mixes for m in mix}}] if mixes else []


def with_permits(table: StatusTable, mixes: dict[tuple[int, int], dict[int, float]]) -> StatusTable:
    """The table with other lengths of permits: (0 first or 1 renewed, status) -> mix."""
    if not mixes:
        return table
    length, cut = table.length.copy(), table.length_cut.copy()
    for at, mix in mixes.items():
        length[at], cut[at] = 0, FULL
        _put(length, cut, at, mix)
    return table._replace(length=length, length_cut=cut)


def _mix_arrays(shape: tuple[int, int], n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((*shape, n), np.uint8), np.full((*shape, n), FULL, np.uint64)


def _put(length: np.ndarray, cut: np.ndarray, at: tuple[int, int], mix: dict[int, float]) -> None:
    months = sorted(mix)
    length[at][: len(months)] = months
    cut[at][: len(months)] = cuts([mix[m] for m in months])
