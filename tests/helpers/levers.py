"""Levers for tests, on the tiny country."""

from __future__ import annotations

from typing import Any

from sim.config.schema.run import RunConfig
from tests.helpers import tiny

BASIS = {
    "ja": "法律第1号", "en": "Act 1", "kind": "law", "date": "2020-01-01", "evidence": "read",
}  # fmt: skip
DATED = {"quality": "published", "reference": "a page", "basis": BASIS}


def rule(**values: float) -> dict[str, Any]:
    """A rule of dated values: `rule(y2020_01=5.0)`."""
    dated = {name[1:].replace("_", "-"): {**DATED, "value": v} for name, v in values.items()}
    return {"unit": "units", "bounds": [0.0, 1000.0], "values": dated}


def response(central: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    ends = {"low": central if low is None else low, "high": central if high is None else high}
    return {"unit": "multiplier", "central": central, **ends, "quality": "assumption"}


def lever(effects: dict[str, Any], number: int = 1, **more: Any) -> dict[str, Any]:
    """One lever that begins in January 2026."""
    return {
        "id": f"XX{number:02d}", "title": tiny.label("Lever"), "country": "tiny",
        "acts_on": ["migrant"], "agency": ["office"], "horizon": "within_1y",
        "legal_status": "hypothetical", "since": "2026-01", "effects": effects,
        "indicator": {"name": "residents", "sign": "-"}, **more,
    }  # fmt: skip


def config(*levers: dict[str, Any], scenario: dict[str, Any] | None = None,
           change: dict[str, Any] | None = None, pulled: list[str] | None = None,
           **settings: Any) -> RunConfig:  # fmt: skip
    """The tiny country with these levers, `one`, `two` ..., all pulled unless `pulled` says."""
    names = ["one", "two", "three", "four"][: len(levers)]
    policy = {
        name: {**body, "id": f"XX{k + 1:02d}"}
        for k, (name, body) in enumerate(zip(names, levers, strict=True))
    }
    base = {"name": "levers", "title": tiny.label("Levers"),
            "levers": names if pulled is None else pulled}  # fmt: skip
    chosen = {**base, **(scenario or {})}
    return tiny.config(change, policy=policy, scenario=chosen, **settings)
