"""What is wrong with a configuration, in words that say where, what, why and how to mend it.

configs/status/japan/student.yaml:14  status.student.monthly.leave.rate = 12%
    must be a number. Write 0.12 for 12 %.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sim.config.files import Sources
from sim.config.schema.run import RunConfig
from sim.config.yaml import Path, dotted
from sim.core.errors import nearest

_FULL_WIDTH = re.compile(r"[\uff01-\uff5e\u3000]")

_PERCENT = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?)\s*%")

_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")

_TYPE_NAMES: Final = {
    "float": "a number",
    "int": "a whole number",
    "string": "text",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping of names to values",
    "model": "a mapping of settings",
    "mapping": "a mapping of names to values",
}

MOST_SHOWN: Final = 300

_MONTHS: Final = (
    "start", "end", "since", "until", "entry_until", "first_month", "last_month", "checkpoint",
)  # fmt: skip

_BOUNDS: Final = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}


class Problem(NamedTuple):
    """A broken rule at a key path; the value is shown as it was written."""

    path: Path
    rule: str
    value: object = None


def unknown(
    path: Path, names: Iterable[str], known: Collection[str], what: str
) -> Iterator[Problem]:
    """A problem for each of the names at a key path that is not known."""
    for name in names:
        if name not in known:
            yield Problem(path, f"there is no {what} {name}.{nearest(name, known)}", name)


def with_sources(problems: Iterable[Problem], sources: Sources) -> list[str]:
    """Finished messages in order of key path, each rule once."""
    out = []
    for path, rule, value in problems:
        place, written = sources.of(path)
        shown = written or ("" if value is None or isinstance(value, dict | list) else repr(value))
        shown = shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}..."
        out.append(f"{place}  {dotted(path)}{f' = {shown}' if shown else ''}\n    {rule}")
    return list(dict.fromkeys(out))


def explained(error: ValidationError) -> list[Problem]:
    """The schema's complaints as problems."""
    problems = []
    for item in error.errors(include_url=False):
        path = tuple(step for step in item["loc"] if step != "[key]")
        rule = _rule(item["type"], path, item["input"], item.get("ctx", {}), item["msg"])
        value = None if item["type"] in ("missing", "extra_forbidden") else item["input"]
        problems.append(Problem(path, rule, value))
    return problems


def _rule(kind: str, path: Path, value: object, context: dict[str, Any], message: str) -> str:
    if kind == "missing":
        return "is missing. Give it; nothing is filled in."
    if kind == "extra_forbidden":
        return f"is not a setting here.{nearest(str(path[-1]), names_at(path[:-1]))}"
    if kind == "literal_error":
        allowed = typing.get_args(_annotation(path)) or re.findall(r"'([^']+)'", message)
        return f"is not allowed.{nearest(str(value), [str(a) for a in allowed])}"
    if kind in _BOUNDS:
        limits = {name: _whole(limit) for name, limit in context.items()}
        return _bound(value, _BOUNDS[kind].format(**limits))
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern", ""))
        if pattern.startswith("^#"):
            return 'must be a colour such as "#0072B2".'
        return "must be a code: lower-case letters, digits and _, first a letter."
    if kind in ("too_short", "too_long"):
        low, high = context.get("min_length"), context.get("max_length")
        return (
            f"must have {low if low is not None else high} items, has {context['actual_length']}."
        )
    if kind == "value_error":
        return f"{context.get('error', message)}.".replace("..", ".")
    if kind == "string_type" and (path[-1] in _MONTHS or path[0] in _MONTHS):
        return "must be a month: write YYYY-MM, for example 2025-06."
    wanted = next((name for start, name in _TYPE_NAMES.items() if kind.startswith(start)), kind)
    return f"must be {wanted}{_instead(value, wanted)}"


def _instead(value: object, wanted: str) -> str:
    """What to write in place of a value of the wrong type."""
    if value is None:
        return "; it is empty. Give a value, or take the line out."
    if isinstance(value, bool):
        return f", not {str(value).lower()}."
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f" without a decimal point. Write {int(value)}."
    if isinstance(value, dict | list):
        return f", not a {'list' if isinstance(value, list) else 'mapping'}."
    if not isinstance(value, str):
        return f'. Write it in quotes: "{value}".' if wanted == "text" else f", not {value}."
    return _words_for(value)


def _words_for(text: str) -> str:
    if _FULL_WIDTH.search(text):
        return ". It has full-width signs: write them as plain digits and letters."
    percent = _PERCENT.fullmatch(text)
    if percent:
        return f". Write {round(float(percent[1]) / 100, 12):g} for {text}."
    if _THOUSANDS.fullmatch(text):
        return f". Write {text.replace(',', '')}, without commas."
    if text.lower() in ("yes", "no", "on", "off", "y", "n"):
        return ". Write true or false for switches, a number for numbers."
    if re.fullmatch(r"0[0-9]+", text):
        return f". Write {int(text)}, without leading zeros; a code goes in quotes."
    if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", text):
        return f". {text} is in quotes or incomplete: write the bare number."
    return f", not the text {text!r}." if text else "; it is empty."


def _whole(limit: Any) -> Any:
    """A limit as people write it: 10000 for 10000.0."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _bound(value: object, rule: str) -> str:
    if not isinstance(value, int | float) or not 2 <= value <= 100 or rule != "1 or less":
        return f"must be {rule}."
    return (
        f"must be between 0 and 1. {value:g} looks like a percentage:"
        f" did you mean {value / 100:g} ({value:g} %)?"
    )


def _unwrapped(annotation: Any) -> Any:
    """A type without Annotated, Optional and string wrappers."""
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (typing.Union, types.UnionType):
            inner = [a for a in typing.get_args(annotation) if a is not type(None)]
            annotation = inner[0]
        else:
            return annotation


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings of a model by the name that files give them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _annotation(path: Path) -> Any:
    """The type that the schema gives a key path; None if it has none."""
    at: Any = RunConfig
    for step in path:
        if isinstance(at, type) and issubclass(at, BaseModel):
            field = _fields(at).get(str(step))
            if field is None:
                return None
            at = _unwrapped(field.annotation)
        elif typing.get_origin(at) in (dict, list):
            at = _unwrapped(typing.get_args(at)[-1])
        else:
            return None
    return at


def is_settings(path: Path) -> bool:
    """Whether the schema has a fixed set of settings at a key path."""
    at = _annotation(path)
    return isinstance(at, type) and issubclass(at, BaseModel)


def is_mapping(path: Path) -> bool:
    """Whether the schema has a free mapping at a key path."""
    return typing.get_origin(_annotation(path)) is dict


def numbered(path: Path) -> bool:
    """Whether the keys of the mapping at a path are whole numbers."""
    at = _annotation(path)
    return typing.get_origin(at) is dict and _unwrapped(typing.get_args(at)[0]) is int


def names_at(path: Path) -> list[str]:
    """The settings that the schema knows at a key path; [] for free mappings and values."""
    at = _annotation(path)
    if isinstance(at, type) and issubclass(at, BaseModel):
        return list(_fields(at))
    return []
