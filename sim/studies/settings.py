"""Files that describe a study for one country: configs/GROUP/COUNTRY.yaml, read and checked."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sim.config.folders import configs_here
from sim.config.yaml import dotted, read
from sim.core.errors import ConfigError

Settings = TypeVar("Settings", bound=BaseModel)


def load_settings(kind: type[Settings], group: str, country: str) -> Settings:
    """Settings of a country. Raises ConfigError with every problem found."""
    return checked(kind, load_mapping(group, country), f"{group}/{country}.yaml")


def load_mapping(group: str, country: str) -> dict[Any, Any]:
    """The file of a country as it is written. Raises ConfigError if it is missing or no mapping."""
    path = configs_here().file(f"{group}/{country}.yaml")
    if not path.is_file():
        raise ConfigError(f"{path}: is missing; there are no settings of a {group} for {country}")
    document = read(path.read_bytes(), f"{group}/{path.name}")
    if document.problems or not isinstance(document.value, dict):
        raise ConfigError(document.problems or [f"{group}/{path.name}: is not a mapping"])
    return document.value


def checked(kind: type[Settings], written: dict[Any, Any], name: str) -> Settings:
    """Settings from a mapping, which messages call `name`. Raises ConfigError with all problems."""
    try:
        return kind.model_validate(written)
    except ValidationError as error:
        raise ConfigError(
            [f"{name}  {dotted(tuple(e['loc']))}\n    {e['msg']}" for e in error.errors()]
        ) from error
