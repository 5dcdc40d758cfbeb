"""Whether the tables of a finished run agree with each other: `kyosei verify --deep`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sim.files.folder import read_manifest, read_parquet
from sim.outputs.checks import problems_of
from sim.runs.facts import ENOUGH, MOST_Z

TABLES: Final = ("stocks", "flows", "ages", "municipalities", "firms", "indicators")


def contradictions(folder: Path) -> list[str]:
    """Contradictions in the tables and the audit of a run's folder that verifies; [] if none."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.get("kind") != "run":
        return [f"{folder} is not the folder of a finished run"]
    names = [name for name in TABLES if f"{name}.parquet" in manifest["files"]]
    problems = problems_of({name: read_parquet(folder / f"{name}.parquet") for name in names})
    for path, row in manifest.get("audit", {}).get("fates", {}).items():
        if row["expected"] >= ENOUGH and not abs(row["z"]) <= MOST_Z:
            problems.append(f"{path}: z {row['z']:+.1f} in the audit")
    return problems
