"""The fates of each status before they have a place in the tables: base values and multipliers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from sim.config.fates import DEFAULT, common_ends
from sim.config.schema.firms import Firms
from sim.config.schema.run import Factors, Fate, Gate, RunConfig
from sim.rates.multipliers import factor_tables, gate_tables
from sim.rates.statuses import has_firms

EMPLOYED: Final = {0: 0.0, 2: 0.0}

IDLE: Final = {0: 0.0, 1: 0.0}

NO_JOB: Final = {1: 0.0, 2: 0.0}
"""Multipliers by `employed` that keep only those at work, those who need no job and have none, and
those who need one and have none."""

MOST_SEEKING: Final = 6.0
"""A year: shares of employed near one would ask for more."""


def job_fates(config: RunConfig, status: str) -> dict[str, Fate]:
    """Monthly fates of a status by name; none if firms do not act or do not employ it."""
    firms = config.firms
    if firms is None or not has_firms(config) or status not in firms.tier_of:
        return {}
    name = firms.tier_of[status]
    tier = firms.tiers[name]
    out = _quits(firms, status, name)
    if tier.search == "all":
        out |= _jobless(firms, status)
    if tier.search == "some":
        # In balance, as many begin to look for work as leave a job.
        share = firms.employed[status].value if status in firms.employed else 0.0
        rate = min(tier.quit.value * share / max(1.0 - share, 1e-9), MOST_SEEKING)
        first, last = firms.working.ages
        ages = {0: 0.0, first: 1.0, last + 1: 0.0}
        by = Factors(employed=IDLE, age=ages)
        out["seek"] = Fate(kind="seek", rate=rate, by=by, quality="derived")
    return out


def _jobless(firms: Firms, status: str) -> dict[str, Fate]:
    """Leaving, or changing to another status, after months without the job it asks for."""
    body = firms.jobless
    by = Factors(employed=NO_JOB, months_without_job={0: 0.0, round(body.after.value): 1.0})
    out = {"jobless_leave": Fate(kind="leave", rate=body.leave.value, by=by,
                                 quality=body.leave.quality)}  # fmt: skip
    for to, value in body.change.items():
        if to != status:
            out[f"jobless_to_{to}"] = Fate(kind="switch", to=to, rate=value.value, by=by,
                                           quality=value.quality)  # fmt: skip
    return out


def _quits(firms: Firms, status: str, tier: str) -> dict[str, Fate]:
    """Leaving a job: at any time, or in some statuses only after the lock of the job's field."""
    quit_ = firms.tiers[tier].quit
    free = firms.transfer.after_lock.get(status)
    if free is None:
        by = Factors(employed=EMPLOYED)
        return {"quit": Fate(kind="quit", rate=quit_.value, by=by, quality=quit_.quality)}
    out = {}
    for years in sorted({_lock(firms, sector) for sector in firms.sectors}):
        inside = {s: 1.0 for s in firms.sectors if _lock(firms, s) == years}
        by = Factors(employed=EMPLOYED, sector={**inside, "default": 0.0})
        gate = Gate(years_in_status=years) if years else Gate()
        out[f"quit_after_{years}"] = Fate(
            kind="quit", rate=free.value, by=by, gate=gate, quality=free.quality
        )
    return out


def _lock(firms: Firms, sector: str) -> int:
    """Years of the transfer lock of a sector's field."""
    return round(firms.fields[firms.sectors[sector].field].lock.value / 12)


OCCASIONS: Final = (
    "monthly",
    "at_end",
    "at_limit",
    "when_left",
    "when_died",
    "when_citizen",
    "when_permanent",
    "when_irregular",
)

FIRST_FAMILY = 3  # list of the family event e is FIRST_FAMILY - 1 + e, e = 1..5

FactorTables = list[tuple[str, np.ndarray, bytes]]
"""Factor, float64[codes of the factor], and the same as bytes."""


class FateRow(NamedTuple):
    """A fate before it has a place."""

    occasion: str
    name: str
    fate: Fate
    base: float
    tables: FactorTables
    gates: FactorTables
    granted: float  # and what the authority's decision is made of
    grant: FactorTables

    def path(self, status: str) -> str:
        return f"{status}.{self.occasion}.{self.name}"


def rows_of(config: RunConfig, status: str, mobility: np.ndarray) -> list[FateRow]:
    """The fates of a status; the factor `status` goes into the base."""
    country, stages = config.country, list(config.status[status].stages)
    sectors = list(config.firms.sectors) if config.firms is not None else []

    def share(by: Factors) -> float:
        return 1.0 if by.status is None else by.status.get(status, by.status.get(DEFAULT, 1.0))

    rows = []
    for occasion, name, fate in _fates(config, status):
        base = fate.rate if fate.rate is not None else fate.share
        assert base is not None  # the door has checked
        tables = _in_bytes(factor_tables(fate.by, country.origins, stages, mobility, sectors))
        gates = _in_bytes(gate_tables(fate.gate))
        granted, grant = 0.0, []
        if fate.grant is not None:
            granted = fate.grant.value * share(fate.grant.by)
            grant = _in_bytes(factor_tables(fate.grant.by, country.origins, stages, mobility))
        rows.append(
            FateRow(occasion, name, fate, base * share(fate.by), tables, gates, granted, grant)
        )
    return rows


def _in_bytes(tables: list[tuple[str, np.ndarray]]) -> FactorTables:
    return [(factor, table, table.tobytes()) for factor, table in tables]


def _fates(config: RunConfig, status: str) -> Iterator[tuple[str, str, Fate]]:
    """(occasion, name, fate) of one status; its own monthly fates override the common ones."""
    own = config.status[status]
    common = {name: fate for name, fate in config.life.monthly.items() if name not in own.monthly}
    for name, fate in {**common, **own.monthly, **job_fates(config, status)}.items():
        yield "monthly", name, fate
    for occasion in ("at_end", "at_limit"):
        for name, fate in getattr(own, occasion).items():
            yield occasion, name, fate
        if occasion == "at_end":
            for name, fate in common_ends(config, status).items():
                yield occasion, name, fate
    if own.longest_stay is not None:  # whoever is left when the longest stay is over leaves
        yield "at_limit", "longest_stay", Fate(kind="leave", share=1.0, quality="derived")
    if own.sponsor is not None:
        for occasion in OCCASIONS[FIRST_FAMILY:]:
            for name, fate in getattr(own.sponsor, occasion).items():
                yield occasion, name, fate
