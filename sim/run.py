"""One run from configuration to folder, and the proof that a folder can be made again."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from sim.agents.population import BYTES_PER_PERSON
from sim.config import from_yaml, to_yaml
from sim.data import Data, load
from sim.errors import ConfigError
from sim.manifest import code_digest, environment, run_id
from sim.model import Kyosei
from sim.outputs import RunFolder, is_complete, read_manifest
from sim.progress import MonthProgress
from sim.recorder import Audit
from sim.schema import RunConfig
from sim.summary import outlook, past_errors
from sim.tables import Model
from sim.writing import write_outputs

VOLATILE = {"output": "runs", "threads": None}
"""Settings that change no result: a run's identity and its config.yaml hold these values."""


def identity(config: RunConfig, data: Data) -> tuple[str, str]:
    """(run id, canonical text of the configuration)."""
    text = to_yaml(config.model_copy(update=VOLATILE))
    return run_id(text, data.digest, code_digest(), config.seed, config.replicate), text


def run(config: RunConfig, quiet: bool = False) -> Path:
    """Simulate and write a run's folder; a folder that is complete is left as it is.

    Raises DataError, OutputError, or InvariantError (outputs are then set aside as *.failed).
    """
    started = time.perf_counter()
    data = load(config.country.data)
    number, text = identity(config, data)
    if is_complete(Path(config.output) / number):
        _say(quiet, f"run {number} is complete already: nothing to do")
        return Path(config.output) / number
    with RunFolder(Path(config.output), number) as folder:
        folder.add_text("config.yaml", text)
        model = Kyosei(config, data)
        opened = time.perf_counter()
        months = model.last_month - model.month
        agent_months = 0
        with MonthProgress(months, quiet=quiet) as progress:
            while model.running:
                model.step()
                agent_months += len(model.people)
                progress.advance(model.date, len(model.people))
        simulated = time.perf_counter()
        write_outputs(folder, model, data, number)
        seconds = {"opening": opened - started, "months": simulated - opened,
                   "outputs": time.perf_counter() - simulated}  # fmt: skip
        folder.finish(_manifest(model, data, seconds, agent_months))
        _say(quiet, _report(model, data, seconds, agent_months))
        return folder.path


def _manifest(
    model: Kyosei, data: Data, seconds: dict[str, float], agent_months: int
) -> dict[str, Any]:
    config, state = model.config, model.state
    return {
        "kind": "run", "scenario": config.scenario.name, "country": config.country.name,
        "start": config.start, "end": config.end, "scale": config.scale, "seed": config.seed,
        "replicate": config.replicate, "threads": state.chunks,
        "code_sha256": code_digest(), "data_sha256": data.digest,
        "ledger": {"months": len(state.record.months) - 1, "closed": True,
                   "people": int(state.cube.sum())},
        "audit": audit_report(state.audit, state.model),
        "opening_residuals": model.opening_report,
        "assumptions": assumptions(config),
        "environment": environment(),
        "seconds": seconds, "agent_months": agent_months,
        "bytes_per_person": BYTES_PER_PERSON,
    }  # fmt: skip


def audit_report(audit: Audit, model: Model) -> dict[str, Any]:
    """Observed against expected by fate and status: z of each, and the largest."""
    z = audit.z()
    rows = {
        name.path: {"observed": int(audit.seen[f]),
                    "expected": round(float(audit.expected[f]) / 2**20, 1),
                    "z": round(float(z[f]), 3)}
        for f, name in enumerate(model.names) if audit.variance[f] > 0
    }  # fmt: skip
    decided = {
        f"{name.path}.grant": {"observed": int(audit.seen[d]),
                               "expected": round(float(audit.expected[d]) / 2**20, 1),
                               "z": round(float(z[d]), 3)}
        for name, d in zip(model.names, model.fates.decision, strict=True)
        if d >= 0 and audit.variance[d] > 0
    }  # fmt: skip
    rows |= decided
    # Below ten expected the residual is far from normal: a single event looks like a scandal.
    common = [path for path, row in rows.items() if row["expected"] >= 10]
    worst = max(common, key=lambda path: abs(rows[path]["z"]), default="")
    bounds, below, broken = (int(v) for v in audit.screen)
    mean = bounds / 2.0**32
    screened = (below - mean) / max(np.sqrt(mean), 1.0)
    return {"fates": rows, "largest": worst, "largest_z": rows[worst]["z"] if common else 0.0,
            "screen": {"below": below, "expected": round(mean, 1), "z_at_most": round(screened, 3),
                       "bounds_broken": broken}}  # fmt: skip


def assumptions(config: RunConfig) -> list[str]:
    """Paths of all numbers in the configuration that no source gives."""
    found: list[str] = []

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            if node.get("quality") == "assumption":
                found.append(path)
            for key, value in node.items():
                walk(value, f"{path}.{key}" if path else str(key))

    for part in ("status", "life", "arrivals", "event"):
        value = getattr(config, part)
        plain = (
            {k: v.model_dump() for k, v in value.items()}
            if isinstance(value, dict)
            else value.model_dump()
        )
        walk(plain, part)
    return found


def _report(model: Kyosei, data: Data, seconds: dict[str, float], agent_months: int) -> str:
    record, config, scale = model.record, model.config, model.config.scale
    speed = agent_months / 1e6 / max(seconds["months"], 1e-9)
    audit = audit_report(model.state.audit, model.state.model)
    timing = (
        f"opening {seconds['opening']:.1f} s, months {seconds['months']:.1f} s "
        f"({speed:.0f} million agent-months/s), outputs {seconds['outputs']:.1f} s"
    )
    parts = [
        (
            f"{config.scenario.title.en}: {config.start} to {config.end}, scale {scale:g}, "
            f"seed {config.seed}"
        ),
        outlook(record, config, data, scale),
        past_errors(record, config, data, scale),
        (
            f"books closed in all {len(record.months) - 1} months; largest audit z "
            f"{audit['largest_z']:+.2f} ({audit['largest']}, of {len(audit['fates'])})"
        ),
        timing,
    ]
    return "\n\n".join(part for part in parts if part)


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        print(text, flush=True)


def reproduce(folder: Path) -> list[str]:
    """Run again from the folder alone and compare every byte; returns what differs and why."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise ConfigError(f"{folder} has no valid manifest.json: only a finished run has one")
    config = from_yaml((folder / "config.yaml").read_text(encoding="utf-8"))
    causes = _causes(manifest, load(config.country.data))
    with tempfile.TemporaryDirectory(prefix="kyosei-") as scratch:
        again = run(config.model_copy(update={"output": scratch}), quiet=True)
        fresh = read_manifest(again)
    assert fresh is not None
    problems = []
    for name in sorted(set(manifest["files"]) | set(fresh["files"])):
        old, new = manifest["files"].get(name), fresh["files"].get(name)
        if old is None or new is None:
            problems.append(f"{name}: only in the {'new' if old is None else 'old'} run")
        elif old["sha256"] != new["sha256"]:
            problems.append(f"{name}: {old['size']} bytes then, {new['size']} now, other content")
    return [*problems, *causes] if problems else []


def _causes(manifest: dict[str, Any], data: Data) -> list[str]:
    """What is not as it was when the folder was made."""
    now, then = environment(), manifest.get("environment", {})
    causes = []
    if manifest["code_sha256"] != code_digest():
        causes.append("because: the code has changed since")
    if manifest["data_sha256"] != data.digest:
        causes.append("because: the data have changed since")
    for name, version in now["packages"].items():
        before = then.get("packages", {}).get(name)
        if before != version:
            causes.append(f"perhaps because: {name} was {before} and is {version}")
    if then.get("cpu") != now["cpu"]:
        causes.append(f"perhaps because: the processor was {then.get('cpu')}, is {now['cpu']}")
    return causes
