"""The configuration files of a run, read strictly before Hydra sees them, with origins of values.

Follows the defaults lists from config.yaml, so a broken file that this run does not use is no
trouble, and remembers for every value the file and line it came from.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.config.folders import Configs
from sim.config.yaml import DEFAULTS, MOST_BYTES, Document, dotted, read
from sim.config.yaml import Path as KeyPath
from sim.core.errors import nearest

PRIMARY: Final = "config"

SELF: Final = "_self_"

COUNTRY: Final = "country"

HYDRA: Final = "hydra"

COMMAND_LINE: Final = "command line"

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/]*")

_PLACE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")

_PACKAGE = re.compile(r"#\s*@package\s+(\S+)", re.ASCII)

Choices = Mapping[str, list[str]]
"""Options chosen on the command line, by group."""


class Origin(NamedTuple):
    """Where a value was written."""

    place: str  # file:line, or the command line
    written: str


class Entry(NamedTuple):
    """One line of a defaults list."""

    group: str  # "" for a file beside config.yaml
    package: KeyPath | None
    options: list[str]
    optional: bool
    overrides: bool
    fixed: bool = False  # a file by its name, whatever is chosen of its group


@dataclass
class Sources:
    """What the files of a run say, by key path in the composed configuration."""

    name: str
    """What messages call the whole."""
    origins: dict[KeyPath, Origin] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    documents: dict[str, dict[Any, Any]] = field(default_factory=dict)
    """What each file says, by its path below the folder, without .yaml."""
    read: dict[str, Document] = field(default_factory=dict)
    """Files that were read before and have not changed, by their names."""
    later: list[tuple[KeyPath, str | None]] = field(default_factory=list)
    """What the command line put in place of the files' words, None for taken out, in order."""

    def own(self) -> Sources:
        """The same, for the words of one command to be put over."""
        return replace(self, problems=list(self.problems), later=list(self.later))

    def of(self, path: KeyPath) -> Origin:
        """Origin of the value at a path, else of what it is in; the text is empty then."""
        self._look_back()
        if path in self.origins:
            return self.origins[path]
        for n in range(len(path) - 1, 0, -1):
            if path[:n] in self.origins:
                return Origin(self.origins[path[:n]].place, "")
            inside = next((known for known in self.origins if known[:n] == path[:n]), None)
            if inside is not None:
                return Origin(self.file(inside), "")
        return Origin(self.name, "")

    def file(self, path: KeyPath) -> str:
        """The file, or the command line, that has the last word on a key path."""
        return self.of(path).place.partition(":")[0]

    def put(self, path: KeyPath, written: str) -> None:
        """A value from the command line; what it replaces is forgotten."""
        self.later.append((path, written))

    def forget(self, path: KeyPath) -> None:
        self.later.append((path, None))

    def _look_back(self) -> None:
        """Settle what the command line changed: thousands of values have origins, and nobody asks
        for one unless something is wrong."""
        if not self.later:
            return
        gone = {path for path, _ in self.later}
        longest = max(map(len, gone))
        self.origins = {  # a new one: others may hold the old one too
            known: origin
            for known, origin in self.origins.items()
            if not any(known[:n] in gone for n in range(1, min(len(known), longest) + 1))
        }
        put: dict[KeyPath, Origin] = {}
        for path, written in self.later:
            for known in [p for p in put if p[: len(path)] == path]:
                del put[known]
            if written is not None:
                put[path] = Origin(COMMAND_LINE, written)
        self.origins |= put
        self.later = []


def country_of(words: Iterable[str], configs: Configs) -> str:
    """The country that the words choose, if there is one like it, else that of config.yaml."""
    for word in words:
        name, _, value = word.partition("=")
        if name == COUNTRY and value in configs.options(COUNTRY):
            return value
    lists = read(_payload(configs.file(f"{PRIMARY}.yaml")), PRIMARY).value
    entries = lists.get(DEFAULTS, []) if isinstance(lists, dict) else []
    named = [entry[COUNTRY] for entry in entries if isinstance(entry, dict) and COUNTRY in entry]
    return str(named[0]) if named else ""


def read_files(
    configs: Configs, choices: Choices, known: dict[str, Document] | None = None
) -> Sources:
    """Read every file that config.yaml, the choices and what they pull in need.

    known: files that were read before and have not changed, by name; others are added to them.
    """
    sources = Sources(configs.folders[0].name, read={} if known is None else known)
    _Reader(configs, choices, sources).visit("", PRIMARY, (), frozenset())
    return sources


class _Reader(NamedTuple):
    """Follows defaults lists from file to file."""

    configs: Configs
    choices: Choices
    sources: Sources

    def visit(self, group: str, option: str, package: KeyPath, seen: frozenset[str]) -> None:
        """Read a file and what it pulls in. seen: names of the files that lead to it."""
        file = f"{group}/{option}".strip("/")
        path, name = self.configs.file(f"{file}.yaml"), self.configs.shown(f"{file}.yaml")
        if name in seen:
            self.sources.problems.append(
                f"{name}  is named by its own defaults: take that line out"
            )
            return
        document = _read_file(path, name, self.sources)
        if document is None or not isinstance(document.value, dict):
            return
        document.value = self._with_own(document.value, group)
        self.sources.documents[file] = document.value
        placed = False
        for entry in _entries(document, group, self.sources):
            if entry.group == SELF:
                _note(self.sources, document, package)
                placed = True
            else:
                self._follow(entry, name, package, seen | {name})
        if not placed:
            _note(self.sources, document, package)

    def _with_own(self, value: dict[Any, Any], group: str) -> dict[Any, Any]:
        """What a file says, its lists of files going on with those that only the study has."""
        items = value.get(DEFAULTS)
        if self.configs.study is None or not isinstance(items, list):
            return value
        longer = []
        for item in items:
            entry = _entry(item, group)
            if entry is not None and isinstance(item, dict):
                ((words, options),) = item.items()
                if isinstance(options, list):
                    own = self.configs.own(entry.group)
                    item = {words: list(dict.fromkeys([*options, *own]))}
            longer.append(item)
        return {**value, DEFAULTS: longer}

    def _follow(self, entry: Entry, name: str, package: KeyPath, seen: frozenset[str]) -> None:
        known = self.configs.options(entry.group)
        chosen = self.choices.get(entry.group, entry.options)
        for option in entry.options if entry.fixed else chosen:
            file = f"{entry.group}/{option}.yaml"
            if option in known:
                inner = _package(self.configs.file(file), entry, package)
                self.visit(entry.group, option, inner, seen)
            elif not entry.optional:
                self.sources.problems.append(
                    f"{name}  {entry.group} = {option}\n    there is no"
                    f" {self.configs.shown(file)}.{nearest(option, known)}"
                )


def _payload(path: Path) -> bytes:
    """What is in a file, as far as it may be read; a pipe or a device would never end."""
    if not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file")
    with open(path, "rb") as stream:
        return stream.read(MOST_BYTES + 1)


def _read_file(path: Path, name: str, sources: Sources) -> Document | None:
    if name not in sources.read:
        try:
            sources.read[name] = read(_payload(path), name)
        except OSError as error:
            sources.problems.append(f"{name}  cannot be read: {error.strerror}")
            return None
    document = sources.read[name]
    sources.problems += document.problems
    return replace(document, problems=list(document.problems))


def _note(sources: Sources, document: Document, package: KeyPath) -> None:
    for path, (line, written) in document.written.items():
        if path and path[0] != DEFAULTS:
            place = (*package, *path)
            sources.origins[place] = Origin(f"{document.name}:{line}", written)
            if place[0] == HYDRA and len(path) == 1:
                sources.problems.append(
                    f"{document.name}:{line}  {dotted(place)}\n    Hydra's own settings cannot be"
                    " changed here. Take it out."
                )


def _package(path: Path, entry: Entry, parent: KeyPath) -> KeyPath:
    """Where the contents of a file go, as Hydra has it."""
    if entry.package is not None:
        return (*parent, *entry.package)
    try:
        header = _header(_payload(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError):
        return ()  # reported when the file is read
    if header in (None, "_group_"):
        return tuple(entry.group.split("/"))
    return () if header == "_global_" else tuple(header.split("."))


def _header(text: str) -> str | None:
    """The package that a comment at the head of a file names."""
    for line in text.splitlines():
        found = _PACKAGE.match(line.strip())
        if found is not None:
            return found[1]
        if line.strip() and not line.lstrip().startswith("#"):
            break
    return None


def _entries(document: Document, group: str, sources: Sources) -> Iterator[Entry]:
    items = document.value.get(DEFAULTS, [])
    line = document.written.get((DEFAULTS,), (1, ""))[0]
    if not isinstance(items, list):
        document.refuse(line, f"{DEFAULTS} must be a list of `- group: option` lines")
        sources.problems.append(document.problems[-1])
        return
    for i, item in enumerate(items):
        line = document.written[DEFAULTS, i][0]
        entry = _entry(item, group)
        if entry is None:
            sources.problems.append(
                f"{document.name}:{line}  {dotted((DEFAULTS, i))} = {item}\n    is not a choice of"
                " files inside the folder. Write `- group: option`, or `- file` for one beside it."
            )
        else:
            yield entry


def _entry(item: Any, group: str) -> Entry | None:
    """One item of a defaults list; None if it is none or leads outside the folder."""
    if item == SELF:
        return Entry(SELF, None, [], False, False)
    if isinstance(item, str):
        return _file_entry(item, group)
    if not isinstance(item, dict) or len(item) != 1:
        return None
    ((words, value),) = item.items()
    *flags, name = str(words).split()
    if not set(flags) <= {"optional", "override"}:
        return None
    target, _, package = name.partition("@")
    wanted = value if isinstance(value, list) else [] if value is None else [value]
    where = target[1:] if target.startswith("/") else f"{group}/{target}".strip("/")
    if where.partition("/")[0] == HYDRA:
        return None
    if not _SAFE.fullmatch(where) or not all(_SAFE.fullmatch(str(option)) for option in wanted):
        return None
    at = tuple(package.split(".")) if package and package != "_global_" else None
    return Entry(where, at, [str(o) for o in wanted], "optional" in flags, "override" in flags)


def _file_entry(item: str, group: str) -> Entry | None:
    """`- file` or `- file@place`: a file beside this one, laid over it at the same place, or at a
    place inside. None if the name leads elsewhere."""
    name, _, package = item.partition("@")
    plain = "/" not in name and (not package or _PLACE.fullmatch(package))
    if not plain or not _SAFE.fullmatch(name) or group.partition("/")[0] == HYDRA:
        return None
    return Entry(group, tuple(package.split(".")) if package else (), [name], False, False, True)
