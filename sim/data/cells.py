"""One cell of a table: the kinds a column may have, and why a text is not of its kind.

The kinds are written in the folder's schema.yaml. A cell is parsed once for each distinct text of
its column, so plain Python is fast enough.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.core.errors import nearest

CodeList = Mapping[str, str | int]  # text in the file: value in the frame

_SPEC = re.compile(r"(?P<name>\w+)(?P<marks>[?*]*)(?: \+ (?P<also>.+))?")

WHOLE = "-?[0-9]{1,15}"

_WHOLE = re.compile(WHOLE)

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")

INF = math.inf

WHOLE_KINDS = {"count": (0, INF), "year": (1900, 2200), "integer": (-INF, INF)}  # least, most

NUMBER_KINDS = {"number": (-INF, INF), "amount": (0, INF), "share": (0, 1)}

PLAIN_KINDS = {"text", "month", *WHOLE_KINDS, *NUMBER_KINDS}


class BadCell(Exception):
    """A cell's text breaks the rule of its column; the message ends the sentence `'text' ...`."""


@dataclass(frozen=True)
class ColumnKind:
    """What a column may hold, as `schema.yaml` writes it: `count`, `text?`, `status + total`."""

    name: str  # one of PLAIN_KINDS or a list of codes
    is_optional: bool = False
    is_joined: bool = False  # several codes joined by "+"
    also: tuple[str, ...] = ()  # codes allowed here besides the list

    @classmethod
    def parse(cls, spec: str) -> ColumnKind:
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise ValueError(f"{spec!r} is not a kind of column, such as count, text? or status")
        also = tuple(match["also"].split()) if match["also"] else ()
        return cls(match["name"], "?" in match["marks"], "*" in match["marks"], also)

    @property
    def is_code(self) -> bool:
        return self.name not in PLAIN_KINDS

    def parser(self, codes: CodeList | None) -> Callable[[str], str | int | float]:
        """Function from a cell's text to its value; it raises BadCell.

        `codes` is the list that the kind names, or None where that list could not be read: then
        every code passes, because the list's own table already reports what is wrong.
        """
        parse = self._plain_parser() if not self.is_code else self._code_parser(codes)
        if not self.is_optional:
            return parse
        empty = math.nan if self.name in WHOLE_KINDS or self.name in NUMBER_KINDS else ""
        return lambda text: parse(text) if text else empty

    def _plain_parser(self) -> Callable[[str], str | int | float]:
        if self.name in WHOLE_KINDS:
            bounds = WHOLE_KINDS[self.name]
            return lambda text: int(_within(_whole(text), bounds))
        if self.name in NUMBER_KINDS:
            bounds = NUMBER_KINDS[self.name]
            return lambda text: _within(_number(text), bounds)
        return _month if self.name == "month" else _text

    def _code_parser(self, codes: CodeList | None) -> Callable[[str], str | int | float]:
        if codes is None:
            return str
        allowed = {**codes, **{code: code for code in self.also}}
        if self.is_joined:
            return lambda text: "+".join(str(_code(p, allowed, self.name)) for p in text.split("+"))
        return lambda text: _code(text, allowed, self.name)


def _code(text: str, allowed: CodeList, name: str) -> str | int:
    if text not in allowed:
        raise BadCell(f"is not a known {name.replace('_', ' ')}.{nearest(text, allowed)}")
    return allowed[text]


def _text(text: str) -> str:
    if not text:
        raise BadCell("is empty; this column needs a text in every row")
    return text


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise BadCell("is not a month; write it as YYYY-MM, such as 2025-06")
    return text


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise BadCell(_why_no_number(text, "a whole number"))
    return int(text)


def _number(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise BadCell(_why_no_number(text, "a number"))
    return float(text)


def _within(value: float, bounds: tuple[float, float]) -> float:
    least, most = bounds
    if not least <= value <= most:
        side = f"below {least:g}, the least" if value < least else f"above {most:g}, the most"
        raise BadCell(f"is {side} allowed here")
    return value


def _why_no_number(text: str, wanted: str) -> str:
    if not text:
        return f"is empty; write {wanted}, or drop the row"
    if "," in text:
        return f"is not {wanted}: write a decimal point, and no comma between thousands"
    if _DECIMAL.fullmatch(text):
        return f"is not {wanted}; correct the count, or round it and say so under quality"
    return f"is not {wanted}; write digits only, without spaces or units"
