"""The errors that Kyosei raises on purpose, each with the exit code of the command.

Anything else that escapes is a bug and shows its traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Final

_UNPRINTABLE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")


def printable(text: str) -> str:
    """Text that cannot steer the terminal it is printed on, whoever wrote what it quotes."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class KyoseiError(Exception):
    """One or more problems, in plain words, to be shown to the user all at once.

    `problems` holds one finished sentence each; `str(error)` is one a line.
    """

    exit_code = 1

    def __init__(self, problems: str | Sequence[str]) -> None:
        given = [problems] if isinstance(problems, str) else problems
        self.problems: list[str] = [printable(problem) for problem in given]
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[KyoseiError], tuple[list[str]]]:
        """Keep the list of problems when a sweep's worker sends the error to its parent."""
        return type(self), (self.problems,)


class ConfigError(KyoseiError):
    """A setting is wrong; nothing has been written."""

    exit_code = 2


class DataError(KyoseiError):
    """A table of figures is wrong; nothing has been written."""

    exit_code = 2


class OutputError(KyoseiError):
    """A file could not be written or read back."""

    exit_code = 3


class BusyError(OutputError):
    """A living process holds the folder; it may be done soon."""


class InvariantError(KyoseiError):
    """The model broke a promise of its own, such as a ledger that does not close."""

    exit_code = 4


MOST_NAMES: Final = 30


def nearest(word: str, names: Iterable[str], most: int = MOST_NAMES) -> str:
    """' Nearest: a.' or ' One of: a, b, c.'; '' if there is no name to offer, or more than `most`.

    A code made of digits is near only to one that has lost its leading zeros, or gained some.
    """
    names, word = sorted({str(name) for name in names}), str(word)
    if word.isdigit():
        close = [name for name in names if name.lstrip("0") == word.lstrip("0")]
    else:
        close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f" Nearest: {close[0]}."
    if not 0 < len(names) <= most:
        return ""
    return f" One of: {', '.join(names)}."
