"""Indicators of firms by month, and the table of firms, from a run's record."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from sim.agents.labour import COUNTS
from sim.clock import year_of
from sim.recorder import Record
from sim.schema import RunConfig
from sim.tidy import months_column, names_column, year_ends

Series = dict[int, float]

WORK_LABELS: Final = {  # indicator: (English, Japanese, unit); shares have none
    "firms": ("Establishments with foreign workers", "外国人雇用事業所", "establishments"),
    "workers": ("Foreign workers in firms", "外国人労働者", "people"),
    "vacancies": ("Jobs that nobody took", "未充足求人", "jobs"),
    "jobs_filled_share": ("Jobs filled", "求人充足率", ""),
}
FIRMS, WORKERS, OFFERED, LEFT = range(4)


def work_indicators(record: Record, scale: float) -> dict[str, Series]:
    """indicator -> month -> value; nothing in a run without firms.

    Jobs filled are workers, of workers and vacancies. At the opening nothing is offered yet.
    """
    if not record.jobs or record.jobs[-1].size == 0:
        return {}
    sums = np.array([jobs.sum(axis=0) for jobs in record.jobs])
    months = record.months
    jobs = np.maximum(sums[:, WORKERS] + sums[:, LEFT], 1)
    work = np.array([counts.sum(axis=1) for counts in record.work])
    count = {name: work[:, k] for k, name in enumerate(COUNTS)}
    values = {
        "firms": sums[:, FIRMS] / scale,
        "workers": sums[:, WORKERS] / scale,
        "vacancies": sums[:, LEFT] / scale,
        "jobs_filled_share": sums[:, WORKERS] / jobs,
        "job_seekers": count["seeking"] / scale,
        "hired": count["hired"] / scale,
        "hired_across_share": count["crossed"] / np.maximum(count["hired"], 1),
        "recruited": count["came"] / scale,
        "recruitment_capped": count["capped"] / scale,
        "support_cost": np.array(record.support) * 12 / 1e6,
    }
    stocks = ("firms", "workers", "support_cost")
    return {
        name: {
            month: float(value)
            for month, value in list(zip(months, line, strict=True))[name not in stocks :]
        }
        for name, line in values.items()
    }


def firms_table(record: Record, config: RunConfig, scale: float) -> pa.Table:
    """month, year, sector, size, status, firms, workers, vacancies: at the opening and each
    December; no rows without firms."""
    body = config.firms
    ends = [month for month in year_ends(record) if record.firms[month].size] if body else []
    counts = (
        np.array([record.firms[month] for month in ends])
        if ends
        else np.zeros((0, 0, 0, 0, 3), np.int64)
    )
    month, sector, size, status = np.nonzero(counts[..., 0])
    rows = counts[month, sector, size, status] / scale
    sectors, sizes, statuses = (
        list(names)
        for names in ((body.sectors, body.sizes, body.statuses) if body else ((), (), ()))
    )
    years = np.array([year_of(m) for m in ends], np.int16)
    return pa.table({
        "month": months_column(ends, month),
        "year": years[month],
        "sector": names_column(sector, sectors),
        "size": names_column(size, sizes),
        "status": names_column(status, statuses),
        "firms": rows[:, 0],
        "workers": rows[:, 1],
        "vacancies": rows[:, 2],
    })  # fmt: skip
