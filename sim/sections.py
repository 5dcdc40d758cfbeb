"""The parts of a configuration, which the configurations of a sweep mostly share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from pydantic import BaseModel

from sim.config_yaml import Path
from sim.recent import Same
from sim.schema import RunConfig

T = TypeVar("T")


def sections(config: RunConfig) -> Iterator[tuple[Path, BaseModel]]:
    """The parts of a configuration, each with its key path: its models, and those that its
    mappings name. A sweep's configurations share most of them."""
    for name in RunConfig.model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield (name,), value
        elif isinstance(value, dict):
            yield from (((name, key), inner) for key, inner in value.items())


def of_sections(
    config: RunConfig, known: Same[list[T]], find: Callable[..., list[T]], *also: object
) -> Iterator[tuple[Path, list[T]]]:
    """(key path, find(section, *also)) of each section; `known` keeps what was found before."""
    for path, section in sections(config):
        yield path, known.get((section, *also), partial(find, section, *also))
