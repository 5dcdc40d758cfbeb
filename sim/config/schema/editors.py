"""JSON Schema of the files that people write, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from sim.config.schema.base import Code
from sim.config.schema.policy import Lever, Scenario
from sim.config.schema.run import Channel, OwnIndicator, RunConfig, Status

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

BY_NAME: Final[dict[str, type[BaseModel]]] = {
    "lever": Lever, "status": Status, "channel": Channel, "indicator": OwnIndicator,
}  # fmt: skip
"""Files with one mapping, called as the file."""

PARTIAL: Final[dict[str, type[BaseModel]]] = {"scenario": Scenario, "experiment": RunConfig}
"""Files that may say only what differs from others, which their `defaults` name."""

DEFAULTS: Final = {"type": "array", "description": "files that this one begins from, and _self_"}


def schemas() -> dict[str, dict[str, Any]]:
    """Kind of file -> its JSON Schema, made from the models that check the files."""
    out = {}
    for kind, model in BY_NAME.items():
        out[kind] = TypeAdapter(dict[Code, model]).json_schema()  # type: ignore[valid-type]
    for kind, model in PARTIAL.items():
        out[kind] = _without_required(model.model_json_schema())
        out[kind]["properties"]["defaults"] = DEFAULTS
    return {kind: {"$schema": DIALECT, "title": f"Kyosei: {kind}", **schema}
            for kind, schema in out.items()}  # fmt: skip


def _without_required(schema: Any) -> Any:
    """The same where nothing must be given."""
    if isinstance(schema, dict):
        return {key: _without_required(value) for key, value in schema.items()
                if not (key == "required" and isinstance(value, list))}  # fmt: skip
    return [_without_required(value) for value in schema] if isinstance(schema, list) else schema
