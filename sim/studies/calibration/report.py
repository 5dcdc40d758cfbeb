"""A fit as tables and text: rates, what was published beside what the model says, a summary."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sim.config.schema.base import Z_80
from sim.config.schema.policy import FittedRates
from sim.config.schema.run import RunConfig
from sim.core.clock import month_name
from sim.core.text import table
from sim.data.load import Data
from sim.studies.calibration.demand import estimate_demand
from sim.studies.calibration.result import Fit, errors

LARGE_STATUS = 50_000
"""People from which a status is held to its own aim."""


def rates_table(section: FittedRates) -> pa.Table:
    """One row an edit: name, paths, since, until, multiply, low, high, prior, moved_by."""
    edits = section.edits
    return pa.table({
        "name": list(edits),
        "paths": [", ".join(e.paths) for e in edits.values()],
        "since": [e.since for e in edits.values()],
        "until": pa.array([e.until for e in edits.values()], pa.string()),
        "multiply": [e.multiply for e in edits.values()],
        "low": [e.low for e in edits.values()],
        "high": [e.high for e in edits.values()],
        "prior_median": [e.prior.median for e in edits.values()],
        "prior_sd": [e.prior.sd for e in edits.values()],
        "moved_by": [", ".join(e.moved_by) for e in edits.values()],
        "reason": [e.note for e in edits.values()],
    })  # fmt: skip


def targets_table(fit: Fit) -> pa.Table:
    """One row a published number: name, kind, month, published, sd, simulated."""
    t = fit.targets
    return pa.table({
        "name": t.name, "kind": t.kind, "month": [month_name(int(m)) for m in t.month],
        "published": t.value, "sd": t.sd, "simulated": fit.said,
    })  # fmt: skip


def fit_report(fit: Fit, config: RunConfig, data: Data) -> str:
    """The fit report as Markdown."""
    section = fit.section()
    found = errors(fit.targets, fit.said)
    moved = sum(bool(e.moved_by) for e in section.edits.values())
    z = (fit.said - fit.targets.value) / fit.targets.sd
    counts = (
        f"{len(fit.knobs)} multipliers, {len(fit.targets)} published numbers; {moved} multipliers"
        " were moved by data, the others are what was believed before."
    )
    residuals = f"Mean square of all residuals, in standard deviations: {np.mean(z**2):.2f}."
    return "\n".join([
        f"# Fit of {config.country.label.en} to {section.data_from} .. {section.data_until}", "",
        counts, "", f"Stocks by status: {found.text}.", residuals, "",
        "## Half-years", "", _block(_halves(fit)), "",
        f"## Statuses at {section.data_until}", "", _block(_statuses(fit, config)), "",
        "## Flows and other stocks", "", _block(_flows(fit)), "",
        "## Rates", "",
        "Multipliers of the rates in `configs/status/`, with their 80 % intervals, and what was",
        "believed of them before (a period: around the one before it).", "",
        _block(_rates(section)), "",
        "## Firms' demand", "",
        "Growth a year as the notifications of every October have it: `configs/firms/` holds these",
        "estimates.", "", _block(_demand(config, data)), "",
    ])  # fmt: skip


def _demand(config: RunConfig, data: Data) -> str:
    """Estimates of the growth of demand, of all workers, sectors and tiers."""
    found = estimate_demand(config, data)
    parts = {"trainees": found.trainees, "specified skilled": found.skilled}
    every = {**vars(found.growth), **found.sectors, **found.tiers, **parts}
    rows = [
        [name, f"{one.value:.4f}", f"{one.sd:.4f}", f"{one.range[0]:.4f} to {one.range[1]:.4f}"]
        for name, one in every.items()
    ]
    return table(["growth", "estimate", "sd", "80 %"], rows)


def _block(text: str) -> str:
    return f"```\n{text}\n```"


def _halves(fit: Fit) -> str:
    found = errors(fit.targets, fit.said)
    rows = [
        [month_name(int(m)), f"{share:.2%}"]
        for m, share in zip(found.months, found.share, strict=True)
    ]
    return table(["month", "weighted error"], rows)


def _statuses(fit: Fit, config: RunConfig) -> str:
    t, rows = fit.targets, []
    for row in np.flatnonzero(np.array(t.by_status) & (t.month == fit.until)).tolist():
        said, value = fit.said[row], t.value[row]
        size = f"{said / value - 1:+.1%}" if value else "-"
        rows.append(
            [config.status[t.name[row]].label.narrow, f"{said:,.0f}", f"{value:,.0f}",
             f"{said - value:+,.0f}", size + ("" if value < LARGE_STATUS else " *")]
        )  # fmt: skip
    head = ["status", "simulated", "published", "difference", "relative"]
    return table(head, rows) + f"\n* {LARGE_STATUS:,} people and more"


def _flows(fit: Fit) -> str:
    t, rows = fit.targets, []
    for row in np.flatnonzero(~np.array(t.by_status)).tolist():
        z = (fit.said[row] - t.value[row]) / t.sd[row]
        rows.append(
            [t.name[row], month_name(int(t.month[row])), f"{fit.said[row]:,.0f}",
             f"{t.value[row]:,.0f}", f"{z:+.1f}"]
        )  # fmt: skip
    return table(["published", "to", "simulated", "value", "sd off"], rows)


def _rates(section: FittedRates) -> str:
    rows = [
        [name, f"{e.since}..{e.until or ''}", f"{e.multiply:.2f}", f"{e.low:.2f}..{e.high:.2f}",
         f"{e.prior.median:.2f} x/ {np.exp(Z_80 * e.prior.sd):.2f}", ", ".join(e.moved_by) or "-"]
        for name, e in section.edits.items()
    ]  # fmt: skip
    return table(["rate", "months", "fitted", "80 %", "believed", "moved by"], rows)
