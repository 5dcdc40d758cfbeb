"""The words after `kyosei run`: name=value settings, choices of files, and nothing else.

Hydra's own grammar reads them. Choices go to Hydra; values are laid over what Hydra composed, so
that every wrong name can be answered with the nearest right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sim.config.files import COMMAND_LINE, Sources, country_of
from sim.config.folders import BY_COUNTRY, Configs, place_of
from sim.config.messages import is_mapping, is_settings, names_at, numbered
from sim.config.yaml import CODE_KEYS, dotted, two_readings
from sim.config.yaml import Path as KeyPath
from sim.core.errors import nearest

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

MOST_CHARACTERS: Final = 20_000

_TOO_LONG: Final = f"is too long: {MOST_CHARACTERS:,} characters or less. Put it into a file."

_CHOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

_REFUSED: Final = (
    (
        re.compile(rf".*{_CONTROL.pattern}", re.DOTALL),
        "it holds a control character. Write plain text.",
    ),
    (
        re.compile(r"[^'\"]*[\uff01-\uff5e\u3000]"),
        "it has full-width signs. Write plain ones, or put text in quotes.",
    ),
    (re.compile(r"-"), "it is an option, and there is none like it here. Write name=value."),
    (re.compile(r"\+"), "leave the + out: every setting has a value already. Write name=value."),
    (re.compile(r"~?hydra\b"), "Hydra's own settings cannot be changed here. Leave it out."),
    (
        re.compile(r"|".join(rf".*\b{key}\b" for key in CODE_KEYS), re.DOTALL),
        "a setting cannot name Python code. Leave it out.",
    ),
    (re.compile(r".*\$\{", re.DOTALL), "${...} is not looked up here. Write the value itself."),
    (
        re.compile(r"[^=]*[/@]"),
        "a group of files is chosen by its name alone, such as scenario=NAME. Write it so.",
    ),
)


class Override(Protocol):
    """One word as Hydra's grammar reads it."""

    key_or_group: str

    def value(self) -> Any: ...
    def is_delete(self) -> bool: ...
    def is_sweep_override(self) -> bool: ...


Parse = Callable[[str], Override]
"""Reads one word; raises ValueError, in plain words, for what it cannot read."""


@dataclass
class Words:
    """What the command line asks for."""

    choices: dict[str, list[str]] = field(default_factory=dict)  # place of the group -> options
    values: list[tuple[KeyPath, Any, str]] = field(default_factory=list)  # path, value, as written
    removed: list[KeyPath] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def hydra(self) -> list[str]:
        """The choices as overrides for Hydra."""
        return [
            f"{_hydra_name(place)}={chosen[0] if chosen else 'null'}"
            for place, chosen in self.choices.items()
        ]


def _hydra_name(place: str) -> str:
    """As the defaults lists name a group: one that is kept by country goes to the group's place."""
    group = place.partition("/")[0]
    return f"{place}@{group}" if group in BY_COUNTRY else place


def read_words(overrides: Sequence[str], configs: Configs, parse: Parse) -> Words:
    """Sort the overrides into choices and values; what is wrong with any is in `problems`."""
    words = Words()
    known, country = configs.groups(), country_of(overrides, configs)
    seen: set[str] = set()
    for word in overrides:
        name = word.partition("=")[0]
        if len(word) > MOST_CHARACTERS:
            words.problems.append(f"{COMMAND_LINE}  {_shown(word[:60])}...\n    {_TOO_LONG}")
            continue
        rule = next((rule for pattern, rule in _REFUSED if pattern.match(word)), None)
        if rule is None and "=" not in word and not word.startswith("~"):
            rule = f"it sets nothing. Write name=value.{nearest(name, names_at(()) + known)}"
        if rule is None and name in seen:
            rule = f"{name} is given twice. Keep one of the two."
        seen.add(name)
        if rule is not None:
            words.problems.append(f"{COMMAND_LINE}  {_shown(word)}\n    {rule}")
        else:
            _sort(word, configs, known, country, words, parse)
    return words


def _shown(word: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", word)


def _sort(
    word: str, configs: Configs, known: list[str], country: str, words: Words, parse: Parse
) -> None:
    try:
        override = parse(word)
    except ValueError as error:
        words.problems.append(
            f"{COMMAND_LINE}  {word}\n    cannot be read: {error}."
            " Put quotes around text with spaces or signs: 'name=\"value\"'."
        )
        return
    key, written = override.key_or_group, word.partition("=")[2]
    rule = _value_rule(override, written, known)
    if rule is None and override.is_delete():
        words.removed.append(tuple(key.split(".")))
    elif rule is None and key in known:
        rule = _choice_rule(override.value(), place_of(key, country), configs, words)
    elif rule is None:
        words.values.append((tuple(key.split(".")), override.value(), written))
    if rule is not None:
        words.problems.append(f"{COMMAND_LINE}  {key} = {written}\n    {rule}")


def _value_rule(override: Override, written: str, known: list[str]) -> str | None:
    if override.is_sweep_override():
        if re.fullmatch(r"[-+]?[0-9]{1,3}(,[0-9]{3})+", written):
            return f"must be one number. Write {written.replace(',', '')}, without commas."
        return "names several values. One run takes one; `kyosei run -m` runs them all."
    if override.is_delete() and (written or override.key_or_group in known):
        return "only a setting can be taken out. Write ~name."
    return two_readings(written)


def _choice_rule(value: Any, place: str, configs: Configs, words: Words) -> str | None:
    known, shown = configs.options(place), f"{configs.folders[0].name}/{place}"
    chosen = value if isinstance(value, list) else [] if value is None else [value]
    for option in chosen:
        if not isinstance(option, str) or not _CHOICE.fullmatch(option) or ".." in option:
            return (
                f"must be the name of a file in {shown}: letters, digits, . _ and -,"
                f" no folders.{nearest(str(option), known)}"
            )
        if option not in known:
            return f"there is no {shown}/{option}.yaml.{nearest(option, known)}"
    if len(chosen) > 1:
        return "one of them can be chosen. Name one."
    words.choices[place] = chosen
    return None


def lay_words_over(composed: dict[Any, Any], words: Words, sources: Sources) -> list[str]:
    """Put the values into the composed configuration; returns what is wrong with their names.

    Only the outermost mapping is the caller's: whatever lies on the way to a value is copied.
    """
    problems = []
    for path, value, written in words.values:
        _own(composed, path)
        rule = _set(composed, path, value)
        if rule is None:
            sources.put(_as_keys(composed, path), written)
        else:
            problems.append(f"{COMMAND_LINE}  {dotted(path)} = {written}\n    {rule}")
    for path in words.removed:
        _own(composed, path)
        rule = _remove(composed, path)
        if rule is not None:
            problems.append(f"{COMMAND_LINE}  ~{dotted(path)}\n    {rule}")
        else:
            sources.forget(path)
    return problems


def _key(at: Any, path: KeyPath, step: str | int) -> str | int:
    """The key that a word stands for: a number in lists and in mappings of numbers."""
    if not (isinstance(step, str) and step.isascii() and step.isdigit()):
        return step
    by_number = isinstance(at, list) or numbered(path) or (isinstance(at, dict) and int(step) in at)
    return int(step) if by_number else step


def _own(composed: dict[Any, Any], path: KeyPath) -> None:
    """Put copies in place of the mappings and lists on the way along a path, as far as it goes."""
    at: Any = composed
    done: KeyPath = ()
    for step in path:
        key = _key(at, done, step)
        known = key in at if isinstance(at, dict) else isinstance(key, int) and key < len(at)
        inner = at[key] if known else None
        if not isinstance(inner, dict | list):
            return
        at[key] = inner.copy()
        at, done = at[key], (*done, key)


def _as_keys(composed: Any, path: KeyPath) -> KeyPath:
    at: Any = composed
    keys: KeyPath = ()
    for step in path:
        key = _key(at, keys, step)
        at, keys = at[key], (*keys, key)
    return keys


def _set(composed: dict[Any, Any], path: KeyPath, value: Any) -> str | None:
    """Set one value; a string says what is wrong with its name."""
    at: Any = composed
    done: KeyPath = ()
    for i, step in enumerate(path):
        key = _key(at, done, step)
        rule = _unknown(at, done, key)
        if rule is not None:
            return rule
        if i == len(path) - 1:
            old = at.get(key) if isinstance(at, dict) else None
            at[key] = _merged(old, value, (*done, key))
        elif isinstance(at, dict) and at.get(key) is None:
            inner = (*done, key)
            at[key] = {} if is_settings(inner) or is_mapping(inner) else None
        at, done = at[key], (*done, key)
    return None


def _unknown(at: Any, done: KeyPath, key: str | int) -> str | None:
    if isinstance(at, list):
        return None if isinstance(key, int) and key < len(at) else f"has items 0 to {len(at) - 1}."
    if not isinstance(at, dict):
        return f"{dotted(done)} is a single value and has no settings inside."
    if key in at or (is_settings(done) and key in names_at(done)):
        return None
    if is_mapping(done) and not is_settings((*done, key)):
        return None  # a free mapping, such as factors by origin: its names are checked later
    known = names_at(done) or list(at)
    return (
        f"there is no {key} {f'in {dotted(done)}' if done else 'to set'}.{nearest(str(key), known)}"
    )


def _merged(old: Any, new: Any, path: KeyPath) -> Any:
    """Settings are laid over settings; a free mapping, such as a mix of lengths, is replaced."""
    if isinstance(old, dict) and isinstance(new, dict) and is_settings(path):
        return {
            **old,
            **{key: _merged(old.get(key), value, (*path, key)) for key, value in new.items()},
        }
    return new


def _remove(composed: dict[Any, Any], path: KeyPath) -> str | None:
    at: Any = composed
    done: KeyPath = ()
    for i, step in enumerate(path):
        key = _key(at, done, step)
        if not isinstance(at, dict) or key not in at:
            known = list(at) if isinstance(at, dict) else []
            return f"there is no {dotted((*done, key))} to take out.{nearest(str(key), known)}"
        if i == len(path) - 1:
            del at[key]
            return None
        at, done = at[key], (*done, key)
    return None
