"""How far the opening firms are from the published margins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.agents.firm_rows import Rows
from sim.agents.firm_targets import Targets
from sim.schema import RunConfig
from sim.schema_firms import Firms

FirmReport = dict[str, dict[str, float | str]]


def residuals(
    config: RunConfig, firms: Firms, aim: Targets, rows: Rows, heads: np.ndarray,
    jobs: np.ndarray, scale: float,
) -> FirmReport:  # fmt: skip
    """Worst difference of each margin, simulated less published, at scale 1.

    heads int32[n, T] of each firm; jobs int64[S, K]. Shares are applied to all simulated firms or
    workers.
    """
    workers = heads.sum(axis=1)
    names = list(firms.sectors), list(firms.sizes), sorted(config.prefecture)
    at = rows.sector, rows.size, rows.prefecture
    share = (
        (aim.firm_sector, aim.firm_size, aim.firm_prefecture),
        (aim.worker_sector, aim.worker_size, aim.worker_prefecture),
    )
    report: FirmReport = {
        "establishments": _worst([rows.key.size / scale], [firms.establishments.value], ["all"]),
        "workers": _worst([workers.sum() / scale], [aim.workers], ["all"]),
    }
    for what, shares, weight in (
        ("establishments", share[0], None),
        ("workers", share[1], workers),
    ):
        for axis, name in enumerate(("sector", "size", "prefecture")):
            have = np.bincount(at[axis], weight, len(names[axis])) / scale
            report[f"{what}_{name}"] = _worst(have, shares[axis] * have.sum(), names[axis])
    employed = jobs.sum(axis=1) / scale
    index = {name: s for s, name in enumerate(config.country.statuses)}
    groups = [sum(employed[index[name]] for name in firms.groups.of[group]) for group in aim.groups]
    report["workers_group"] = _worst(groups, list(aim.groups.values()), list(aim.groups))
    report["workers_status_sector"] = _jobs(config, firms, aim, jobs / scale)
    empty = float((workers == 0).sum() / max(workers.size, 1))
    report["without_workers"] = {"share": empty}
    return report


def _jobs(
    config: RunConfig, firms: Firms, aim: Targets, count: np.ndarray
) -> dict[str, float | str]:
    wanted = aim.published * count.sum(axis=1, keepdims=True)
    s, k = np.nonzero(~np.isnan(aim.published) & (count.sum(axis=1, keepdims=True) > 0))
    names = [
        f"{config.country.statuses[a]} in {list(firms.sectors)[b]}"
        for a, b in zip(s, k, strict=True)
    ]
    return _worst(count[s, k], wanted[s, k], names)


def _worst(
    have: Sequence[float] | np.ndarray, wanted: Sequence[float] | np.ndarray, names: list[str]
) -> dict[str, float | str]:
    """The largest absolute difference, what it is relative to the published, and where."""
    gap = np.asarray(have, np.float64) - np.asarray(wanted, np.float64)
    k = int(np.abs(gap).argmax()) if gap.size else 0
    if not gap.size:
        return {"worst": 0.0, "relative": 0.0, "at": ""}
    base = max(float(np.asarray(wanted, np.float64)[k]), 1e-9)
    return {"worst": float(gap[k]), "relative": float(gap[k]) / base, "at": names[k]}
