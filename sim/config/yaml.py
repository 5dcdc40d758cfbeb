"""YAML as data and nothing else: one document, no tags, no aliases, no key twice, no surprises.

What different readers of YAML would read differently (yes, 0123, 1_000, 12:30) is refused, so the
files mean the same to people, to Hydra and to this reader. Also the writer of resolved
configurations, whose text reads back to equal values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

import yaml

Path = tuple[str | int, ...]
"""Where a value is: keys and list positions from the top."""

MOST_BYTES: Final = 4 * 1024 * 1024

MOST_DEPTH: Final = 24

MOST_KEYS: Final = 2000

MOST_DIGITS: Final = 400

CODE_KEYS: Final = ("_target_", "_args_", "_partial_", "_convert_", "_recursive_")

DEFAULTS: Final = "defaults"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, written in C

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")

_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")

_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_NULL = ("", "~", "null", "Null", "NULL")

_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]*")

_TWO_READINGS: Final = (
    (
        re.compile(r"(y|yes|n|no|on|off)", re.IGNORECASE),
        "some readers take {0} for true or false. Write true, false or a number; quote a code.",
    ),
    (
        re.compile(r"[-+]?0[0-9_]+"),
        'a leading zero makes it another number. Leave it out, or quote a code: "{0}".',
    ),
    (
        re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"),
        'some readers take {0} for a number to base 60. Put it in quotes: "{0}".',
    ),
    (
        re.compile(r"[-+]?[0-9.]*[0-9]_[0-9_.]*"),
        "some readers drop the underscore. Write numbers without it.",
    ),
    (re.compile(r"[-+]?0[xob][0-9a-fA-F_]+"), "numbers are decimal here. Write it so."),
)

_ANY_TWO_READINGS = re.compile(
    "|".join(f"(?:{pattern.pattern})" for pattern, _ in _TWO_READINGS), re.IGNORECASE
)


class Node(NamedTuple):
    """One event of the parser, and the nodes inside: of a mapping, keys and values by turns."""

    event: Any
    inside: list[Node]


@dataclass
class Document:
    """One text, read.

    value    what it says: mappings, lists, text, int, float, bool, None
    written  path -> (line, as written) of every key and value
    problems finished sentences, each with its file and line
    """

    name: str
    value: Any = None
    written: dict[Path, tuple[int, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def refuse(self, line: int, what: str) -> None:
        self.problems.append(f"{self.name}:{line}  {what}")


def read(payload: bytes | str, name: str) -> Document:
    """Read one mapping. `name` is what messages call the text. All problems are in the result."""
    document = Document(name)
    data = payload.encode() if isinstance(payload, str) else payload
    if len(data) > MOST_BYTES:
        document.refuse(1, f"is too long: a configuration has at most {MOST_BYTES:,} bytes")
        return document
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        document.refuse(line, f"is not UTF-8 (byte {error.start}); save the file as UTF-8")
        return document
    if text.startswith("\ufeff"):
        document.refuse(1, "begins with a byte-order mark; save the file as plain UTF-8")
    else:
        _read(text, document)
    return document


def _read(text: str, document: Document) -> None:
    top: list[Node] = []
    problem = next(_problems(text, top), None)
    if problem is not None:
        document.refuse(*problem)
        return
    if not top:
        document.refuse(1, "is empty; a mapping of settings is wanted")
        return
    (node,) = top
    if not isinstance(node.event, yaml.MappingStartEvent):
        document.refuse(1, "is not a mapping; write `name: value` lines")
    else:
        document.value = _value(node, (), document)


def _problems(text: str, top: list[Node]) -> Iterator[tuple[int, str]]:
    """What must not even be built: aliases can grow without bound, tags name Python objects.

    top: takes the outermost node, with all that is in it, as far as there is no problem.
    """
    inner, documents = [top], 0
    events: Iterator[Any] = yaml.parse(text, _LOADER)
    try:
        for event in events:
            line, tag = event.start_mark.line + 1, getattr(event, "tag", None)
            if isinstance(event, yaml.NodeEvent):
                if event.anchor:  # an alias has one, too
                    yield line, "anchors (&name) and aliases (*name) are not allowed: write it out"
                if tag:
                    yield line, f"the tag {tag} is not allowed: write plain data"
                node = Node(event, [])
                inner[-1].append(node)
                if isinstance(event, yaml.CollectionStartEvent):
                    inner.append(node.inside)
                if len(inner) > MOST_DEPTH + 1:
                    yield line, f"is nested more than {MOST_DEPTH} deep"
            elif isinstance(event, yaml.CollectionEndEvent):
                inner.pop()
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    yield line, "holds a second document (---); one file holds one"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        why = getattr(error, "problem", None) or str(error)
        yield (mark.line + 1 if mark else 1), f"is not YAML: {_in_words(why)}"


def _in_words(why: str) -> str:
    if "cannot start any token" in why:
        return f"{why}; a tab or a sign such as @ or % that needs quotes; indent with spaces"
    return f"{why}; look at the indentation, colons and quotes here"


def _value(node: Node, path: Path, document: Document) -> Any:
    event, inside = node
    line = event.start_mark.line + 1
    if isinstance(event, yaml.ScalarEvent):
        document.written[path] = (line, event.value)
        return _scalar(event, path, document)
    document.written[path] = (line, "")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(item, (*path, i), document) for i, item in enumerate(inside)]
    out: dict[Any, Any] = {}
    if len(inside) > 2 * MOST_KEYS:
        document.refuse(line, f"{dotted(path)} has more than {MOST_KEYS:,} keys".lstrip())
        return out
    for (key_event, _), value_node in zip(inside[::2], inside[1::2], strict=True):
        line = key_event.start_mark.line + 1
        if not isinstance(key_event, yaml.ScalarEvent):
            document.refuse(line, f"{dotted(path)}: a key must be one word or number".lstrip(": "))
            continue
        key = _scalar(key_event, (*path, key_event.value), document)
        where = (*path, key)
        if key in out:
            first = document.written[where][0]
            document.refuse(
                line, f"{dotted(where)} is given twice, first in line {first}: keep one of the two"
            )
        if key in CODE_KEYS:
            document.refuse(
                line, f"{dotted(where)}: a configuration cannot name Python code; take it out"
            )
        out[key] = _value(value_node, where, document)
    return out


def _scalar(event: Any, path: Path, document: Document) -> Any:
    text, line = event.value, event.start_mark.line + 1
    if "${" in text:
        document.refuse(
            line,
            f"{dotted(path)} = {text}\n    ${{...}} is not looked up here. Write the value itself.",
        )
    if event.style:  # quoted, or a block of text
        return text
    rule = two_readings(text)
    if rule is None and len(text) > MOST_DIGITS and _INT.fullmatch(text):
        text, rule = f"{text[:20]}...", f"a number has at most {MOST_DIGITS} digits."
    if rule is not None:
        document.refuse(line, f"{dotted(path)} = {text}\n    {rule}")
        return text
    return plain(text)


def two_readings(text: str) -> str | None:
    """The rule against an unquoted word that readers of YAML do not agree on, else None."""
    if _ANY_TWO_READINGS.fullmatch(text) is None:  # as a rule
        return None
    rules = (rule.format(text) for pattern, rule in _TWO_READINGS if pattern.fullmatch(text))
    return next(rules, None)


def plain(text: str) -> Any:
    """The value of an unquoted word."""
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) <= MOST_DIGITS else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def dotted(path: Path) -> str:
    """`a.b.3.c` of a path."""
    return ".".join(str(step) for step in path)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of every value inside nested mappings; lists are values."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    else:
        yield dotted(path), value


def write(value: Any, depth: int = 0) -> str:
    """YAML text of mappings, lists and scalars, so deep inside others; `read` gives back equals."""
    return "".join(_lines(value, depth))


def _lines(value: Mapping[Any, Any], depth: int) -> Iterator[str]:
    for key, inner in value.items():
        start = f"{'  ' * depth}{written_key(key)}:"
        if isinstance(inner, Mapping) and inner:
            yield f"{start}\n"
            yield from _lines(inner, depth + 1)
        elif isinstance(inner, list) and any(isinstance(item, Mapping | list) for item in inner):
            raise TypeError(f"{key}: a list of lists or mappings has no place in a configuration")
        else:
            yield f"{start} {_inline(inner)}\n"


@lru_cache(maxsize=4096, typed=True)
def written_key(key: Any) -> str:
    """A key of a mapping as it is written. A configuration has 15,000 keys, a thousand of them
    different, each of which takes 1.3 us."""
    is_plain = isinstance(key, int) or (_PLAIN_KEY.fullmatch(key) and not _is_ambiguous(key))
    return str(key) if is_plain else _quoted(key)


def _quoted(text: str) -> str:
    """Text in double quotes; what cannot be printed by its number."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    if shown.isprintable():
        return f'"{shown}"'
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in shown) + '"'


def _is_ambiguous(text: str) -> bool:
    return not isinstance(plain(text), str) or two_readings(text) is not None


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(item) for item in value)}]"
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    return repr(value).lower() if isinstance(value, bool) else repr(value)
