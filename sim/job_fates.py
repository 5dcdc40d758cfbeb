"""Fates that follow from what the configuration says about firms: leaving a job, looking for one.

They compete with a status's own monthly fates and can be edited like these, by their path.
"""

from __future__ import annotations

from typing import Final

from sim.schema import Factors, Fate, Gate, RunConfig
from sim.schema_firms import Firms
from sim.status_table import has_firms

EMPLOYED: Final = {0: 0.0, 2: 0.0}
IDLE: Final = {0: 0.0, 1: 0.0}
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
    if tier.search == "some":
        # In balance, as many begin to look for work as leave a job.
        share = firms.employed[status].value if status in firms.employed else 0.0
        rate = min(tier.quit.value * share / max(1.0 - share, 1e-9), MOST_SEEKING)
        first, last = firms.working.ages
        ages = {0: 0.0, first: 1.0, last + 1: 0.0}
        by = Factors(employed=IDLE, age=ages)
        out["seek"] = Fate(kind="seek", rate=rate, by=by, quality="derived")
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
