"""The few numbers by which studies tell one run from another."""

from __future__ import annotations

import numpy as np

from sim.agents.record import Record
from sim.config.schema.run import RunConfig


def headlines(record: Record, config: RunConfig) -> dict[str, float]:
    """At a run's last month, in people at scale 1.

    residents      those whose statuses the published total counts
    settled_share  share of them in a settled status
    permanent      permanent residents
    irregular      people without a status
    """
    names = config.country.statuses
    people = record.cubes[-1].sum(axis=(1, 2)) / config.scale
    published = np.array([config.status[name].published for name in names])
    settled = np.array([config.status[name].settled for name in names])
    total = float(people[published].sum())
    return {
        "residents": total,
        "settled_share": float(people[published & settled].sum()) / total,
        "permanent": float(people[names.index(config.country.permanent)]),
        "irregular": float(people[names.index(config.country.irregular)]),
    }
