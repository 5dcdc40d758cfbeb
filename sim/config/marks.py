"""Numbers that say where they come from: each has a `quality`, a source, or is an assumption."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from pydantic import BaseModel

from sim.config.paths import sections
from sim.config.schema.run import RunConfig
from sim.config.yaml import Path as KeyPath

MARKED: Final = (
    "status", "life", "arrivals", "event", "firms", "town", "agency", "integration", "policy",
)  # fmt: skip
"""Sections of the configuration whose numbers say where they come from; those of the fit come from
a calibration."""


def marked(config: RunConfig, named: Collection[str] = MARKED) -> Iterator[tuple[str, Any]]:
    """(path, what it names) of all that has a mark in these sections."""
    for path, section in sections(config):
        if path[0] in named:
            yield from _below(section, path)


def _below(value: BaseModel | dict[Any, Any], path: KeyPath) -> Iterator[tuple[str, Any]]:
    if getattr(value, "quality", None) is not None:
        yield ".".join(map(str, path)), value
    for key, inner in value if isinstance(value, BaseModel) else value.items():
        if isinstance(inner, BaseModel | dict):
            yield from _below(inner, (*path, key))
