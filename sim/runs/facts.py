"""The facts of a run for its manifest, and the summary that it prints."""

from __future__ import annotations

import hashlib
import resource
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim import PACKAGE
from sim.agents.population import BYTES_PER_PERSON
from sim.agents.record import Audit
from sim.config.marks import marked
from sim.config.schema.run import RunConfig
from sim.core.errors import InvariantError
from sim.core.probability import FULL
from sim.data.load import Data
from sim.files.manifest import code_digest, environment
from sim.model.model import Kyosei
from sim.outputs.summary import (
    firms_fit,
    opening_fit,
    outlook,
    own_data,
    past_errors,
    work_summary,
)
from sim.rates.tables import Rates
from sim.runs.resources import Needs

DATA_FILES: Final = ("*.csv", "*.yaml")


def manifest_of(
    model: Kyosei, data: Data, seconds: dict[str, float], agent_months: int, estimate: Needs
) -> dict[str, Any]:
    """The facts of a finished run, less the list of its files."""
    config, state = model.config, model.state
    return {
        "kind": "run", "scenario": config.scenario.name, "country": config.country.name,
        "label": config.label, "notes": config.notes, "tags": config.tags,
        "start": config.start, "end": config.end, "scale": config.scale, "seed": config.seed,
        "replicate": config.replicate, "threads": state.chunks,
        "code_sha256": code_digest(), "data_sha256": data.digest,
        "code_files": code_files(),
        "data_files": {**short_hashes(data.folder, DATA_FILES),
                       **{f"own {table}": hashlib.sha256(content).hexdigest()[:16]
                          for table, content in data.own.items()}},
        "fitted_tables": {table: asdict(change) for table, change in data.fitted.items()},
        "ledger": {"months": len(state.record.months) - 1, "closed": True,
                   "people": int(state.cube.sum())},
        "audit": audit_report(state.audit, state.rates),
        "opening_residuals": model.opening_report,
        "assumptions": assumptions(config),
        "environment": environment(),
        "seconds": seconds, "agent_months": agent_months,
        "million_agent_months_per_second": round(speed(seconds, agent_months), 3),
        "bytes_per_person": BYTES_PER_PERSON,
        "memory": {"estimated_bytes": estimate.memory, "peak_bytes_of_process": peak_memory()},
    }  # fmt: skip


def short_hashes(folder: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    """Name below the folder -> first 16 digits of the SHA-256 of each matching file."""
    paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in paths
    }


@cache
def code_files() -> dict[str, str]:
    """Hashes of all files of `sim`, as this process first found them, to name those that change."""
    return short_hashes(PACKAGE, ("**/*.py",))


def peak_memory() -> int:
    """Peak memory of this process in bytes, earlier runs in it included."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def speed(seconds: dict[str, float], agent_months: int) -> float:
    """Million agent-months per second, compiling left out."""
    return agent_months / 1e6 / max(seconds["months"], 1e-9)


def audit_report(audit: Audit, rates: Rates) -> dict[str, Any]:
    """Observed against expected by fate and status: z of each, and the largest."""
    z = audit.z()
    rows = {
        name.path: {"observed": int(audit.seen[f]),
                    "expected": round(float(audit.expected[f]) / 2**20, 1),
                    "z": round(float(z[f]), 3)}
        for f, name in enumerate(rates.names) if audit.variance[f] > 0
    }  # fmt: skip
    decided = {
        f"{name.path}.grant": {"observed": int(audit.seen[d]),
                               "expected": round(float(audit.expected[d]) / 2**20, 1),
                               "z": round(float(z[d]), 3)}
        for name, d in zip(rates.names, rates.fates.decision, strict=True)
        if d >= 0 and audit.variance[d] > 0
    }  # fmt: skip
    rows |= decided
    # With fewer than ten expected the residual is far from normal, and one event has a large z.
    common = [path for path, row in rows.items() if row["expected"] >= 10]
    worst = max(common, key=lambda path: abs(rows[path]["z"]), default="")
    bounds, below, broken = (int(v) for v in audit.screen)
    mean = bounds / FULL
    screened = (below - mean) / max(np.sqrt(mean), 1.0)
    return {"fates": rows, "largest": worst, "largest_z": rows[worst]["z"] if common else 0.0,
            "screen": {"below": below, "expected": round(mean, 1), "z_at_most": round(screened, 3),
                       "bounds_broken": broken}}  # fmt: skip


MOST_Z: Final = 6.0
"""A standardised residual beyond this, where enough was expected, is no accident."""

ENOUGH: Final = 100.0
"""Events that must have been expected for the residual to be normal."""


def refuse_wrong_audit(audit: Audit, rates: Rates) -> None:
    """Raise InvariantError if something happened far more or less often than its rates say."""
    fates = audit_report(audit, rates)["fates"]
    wrong = [
        f"{path}: {row['observed']:,} observed, {row['expected']:,.0f} expected (z {row['z']:+.1f})"
        for path, row in fates.items()
        if row["expected"] >= ENOUGH and not abs(row["z"]) <= MOST_Z
    ]
    if wrong:
        rule = f"events do not follow their rates: |z| beyond {MOST_Z:g}"
        raise InvariantError([rule, *wrong])


def assumptions(config: RunConfig) -> list[str]:
    """Paths of all numbers in the configuration that no source gives."""
    return [path for path, one in marked(config) if one.quality == "assumption"]


def report(model: Kyosei, data: Data, seconds: dict[str, float], agent_months: int) -> str:
    """The summary that a run prints: results, audit, and in its last line where the time went."""
    record, config, scale = model.record, model.config, model.config.scale
    audit = audit_report(model.state.audit, model.state.rates)
    timing = (
        f"start {seconds['start']:.1f} s, compiling {seconds['compile']:.1f} s, "
        f"opening {seconds['opening']:.1f} s, months {seconds['months']:.1f} s "
        f"({speed(seconds, agent_months):.1f} million agent-months/s), "
        f"outputs {seconds['outputs']:.1f} s"
    )
    parts = [
        (
            f"{config.scenario.title.en}: {config.start} to {config.end}, scale {scale:g}, "
            f"seed {config.seed}"
        ),
        outlook(record, config, data, scale),
        past_errors(record, config, data, scale),
        own_data(data),
        opening_fit(model.opening_report),
        firms_fit(model.opening_report.get("firms", {})),
        work_summary(record, config, scale),
        (
            f"books closed in all {len(record.months) - 1} months; largest audit z "
            f"{audit['largest_z']:+.2f} ({audit['largest']}, of {len(audit['fates'])})"
        ),
        timing,
    ]
    return "\n\n".join(part for part in parts if part)
