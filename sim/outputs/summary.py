"""The summary that a run prints: where the residents are heading, and how the past was met."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sim.agents.record import Record
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name, year_of
from sim.core.text import table
from sim.data.load import Data
from sim.data.published import official_at, official_projection, published_stocks
from sim.processes.survey import WORK

YEARS = (2025, 2030, 2040, 2050, 2060, 2070)


def totals(record: Record, config: RunConfig, scale: float) -> dict[int, np.ndarray]:
    """Month -> float64[S] people by status."""
    stocks = (cube.sum(axis=(1, 2), dtype=np.int64) / scale for cube in record.cubes)
    return dict(zip(record.months, stocks, strict=True))


def outlook(record: Record, config: RunConfig, data: Data, scale: float) -> str:
    """Residents, settled share, permanent and skilled workers at named years (December)."""
    statuses = config.country.statuses
    stocks = totals(record, config, scale)
    first, last = record.months[0], record.months[-1]
    months = {first, last} | {month_index(f"{year}-12") for year in YEARS}
    shown = sorted(month for month in months if first <= month <= last)
    counted = np.array([config.status[name].published for name in statuses])
    settled = np.array([config.status[name].settled for name in statuses])
    official = official_at(data, [year_of(month) for month in shown])
    head = ["month", "residents", "official*", "settled"]
    groups = dict.fromkeys(config.status[name].group for name in statuses
                           if config.status[name].published)  # fmt: skip
    head += [config.country.groups[group].label.en for group in groups]
    rows = []
    for month, projected in zip(shown, official, strict=True):
        stock = stocks[month]
        total = stock[counted].sum()
        row = [month_name(month), f"{total:,.0f}",
               "-" if np.isnan(projected) else f"{projected:,.0f}",
               f"{stock[settled].sum() / max(total, 1):.1%}"]  # fmt: skip
        for group in groups:
            member = [config.status[name].group == group for name in statuses]
            row.append(f"{stock[np.array(member) & counted].sum():,.0f}")
        rows.append(row)
    years = " and ".join(str(year) for year in official_projection(data)["year"])
    note = f"* official projection: published for {years}, straight line between"
    return f"{table(head, rows)}\n{note}\n\n{_statuses(stocks, shown, config)}"


def own_data(data: Data) -> str:
    """Which tables are of one's own, and what was fitted to them; empty where none is."""
    if not data.own:
        return ""
    lines = []
    for name, change in data.fitted.items():
        missed = f", a sum missed by at most {change.worst:,.0f} ({change.where})"
        lines.append(f"  {name}: {change.rows:,} rows changed{missed if change.worst >= 1 else ''}")
    head = f"figures of your own: {', '.join(data.own)}; fitted to them:"
    return "\n".join([head, *(lines or ["  no other table"])])


def opening_fit(report: Mapping[str, Mapping[str, float]]) -> str:
    """How far the opening residents are from the published margins, in people."""
    placed = report.get("dependants", {})
    worst = {name: row["worst"] for name, row in report.items() if "worst" in row}
    if not worst:
        return ""
    parts = ", ".join(f"{name.replace('_', ' x ')} {value:.1f}" for name, value in worst.items())
    text = f"opening: worst residual of each published margin, in people: {parts}"
    if "municipality" in placed:
        text += f"; dependants placed with a principal of their town: {placed['municipality']:.1%}"
    return text


def _statuses(stocks: dict[int, np.ndarray], shown: list[int], config: RunConfig) -> str:
    rows = []
    for s, name in enumerate(config.country.statuses):
        label = config.status[name].label.narrow
        outside = "" if config.status[name].published else " (outside the total)"
        rows.append([label + outside, *(f"{stocks[month][s]:,.0f}" for month in shown)])
    return table(["status", *(month_name(month) for month in shown)], rows)


def past_errors(record: Record, config: RunConfig, data: Data, scale: float) -> str:
    """Simulated against published stocks by status at the last published month of the run."""
    rows, last, weighted, total = [], *_errors(record, config, data, scale)
    for label, simulated, published in weighted:
        gap = simulated - published
        share = f"{gap / published:+.1%}" if published else "-"
        rows.append([label, f"{simulated:,.0f}", f"{published:,.0f}", f"{gap:+,.0f}", share])
    if not rows:
        return ""
    head = [f"status at {month_name(last)}", "simulated", "published", "difference", "relative"]
    body = table(head, rows)
    return f"{body}\nweighted absolute error over statuses: {total:.1%} of all residents"


def _errors(
    record: Record, config: RunConfig, data: Data, scale: float
) -> tuple[int, list[tuple[str, float, float]], float]:
    known = published_stocks(data)
    dates = sorted({month_index(str(date)) for date in known["date"]})
    inside = [month for month in dates if record.months[0] < month <= record.months[-1]]
    if not inside:
        return 0, [], 0.0
    last = inside[-1]
    then = known[known["date"] == month_name(last)].set_index("status")["people"]
    stock = totals(record, config, scale)[last]
    rows, gap = [], 0.0
    for s, name in enumerate(config.country.statuses):
        if config.status[name].published:
            published = float(then.get(name, 0))
            rows.append((config.status[name].label.narrow, float(stock[s]), published))
            gap += abs(stock[s] - published)
    rows.append(("all residents", math.fsum(r[1] for r in rows), math.fsum(r[2] for r in rows)))
    return last, rows, gap / rows[-1][2]


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
    count = {name: work[:, :, k] for k, name in enumerate(WORK.names)}
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
