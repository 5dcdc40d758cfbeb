"""What the summary of a run says about firms and work: the opening's fit, jobs, caps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.agents.labour import COUNTS
from sim.clock import month_index, month_name
from sim.recorder import Record
from sim.schema import RunConfig
from sim.summary import YEARS, table


def firms_fit(report: Mapping[str, Mapping[str, float | str]]) -> str:
    """How far the opening firms are from the published margins: the worst cell of each."""
    rows = [
        [name.replace("_", " "), str(row["at"]), f"{row['worst']:+,.0f}", f"{row['relative']:+.1%}"]
        for name, row in report.items()
        if "worst" in row
    ]
    return table(["margin of firms", "worst at", "difference", "relative"], rows) if rows else ""


def work_summary(record: Record, config: RunConfig, scale: float) -> str:
    """Firms, workers, vacancies and hiring at named years (the twelve months to December), and
    which caps bound when; empty without firms."""
    if config.firms is None or not record.jobs or record.jobs[-1].size == 0:
        return ""
    ends = [month_index(f"{year}-12") for year in YEARS]
    shown = [k for k in map(record.months.index, {*ends} & {*record.months}) if k >= 12]
    shown = sorted({*shown, len(record.months) - 1}) if len(record.months) > 12 else []
    work, jobs = np.array(record.work), np.array([row.sum(axis=0) for row in record.jobs])
    count = {name: work[:, k] for k, name in enumerate(COUNTS)}
    rows = []
    for k in shown:
        year = slice(k - 11, k + 1)
        hired, employed = count["hired"][year].sum(axis=0), count["employed"][year].mean(axis=0)
        seeking = count["seeking"][k].sum()
        firms, workers, _, left = jobs[k]
        rows.append([
            month_name(record.months[k]),
            *(f"{n / scale:,.0f}" for n in (firms, workers, left)),
            f"{seeking / max(workers + seeking, 1):.1%}",
            f"{hired.sum() / max(employed.sum(), 1):.1%}",
            f"{count['crossed'][year].sum() / max(hired.sum(), 1):.1%}",
            f"{count['came'][year].sum() / scale:,.0f}",
        ])  # fmt: skip
    head = ["to", "firms", "workers", "vacant", "seeking", "hired", "from afar", "recruited"]
    note = (
        "seeking: of workers and seekers; hired in the country and recruited abroad in twelve "
        "months, hired as a share of workers; from afar: of the hired, changed prefecture"
    )
    parts = [f"{table(head, rows)}\n{note}"] if rows else []
    return "\n\n".join([*parts, _caps(record, config, scale)])


def _caps(record: Record, config: RunConfig, scale: float) -> str:
    assert config.firms is not None
    capped = np.array(record.capped)
    lines = []
    for t, tier in enumerate(config.firms.tiers.values()):
        for f, field in enumerate(config.firms.fields.values()):
            months = np.flatnonzero(capped[:, t, f])
            if months.size:
                first, last = (month_name(record.months[k]) for k in (months[0], months[-1]))
                stopped = capped[:, t, f].sum() / scale / months.size
                lines.append(
                    f"  {tier.label.en}, {field.label.en}: {months.size} months from {first} to "
                    f"{last}, turning away {stopped:,.0f} a month"
                )
    return "\n".join(["caps that bound:", *lines]) if lines else "no cap bound"
