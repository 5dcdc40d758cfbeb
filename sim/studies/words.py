"""The words after a study's verb: its own, those of the launcher, those that all runs share."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sim.config.settings import SWEEP_SETTINGS, check_overrides
from sim.sweeps.design import FIXED


@dataclass(frozen=True)
class Words:
    """Words by what they are for.

    own       settings of the study: name -> value
    launcher  how its runs are launched, as in a sweep
    shared    settings that all runs share
    problems  what is wrong with them, one sentence each; whoever reads on adds to it
    """

    own: dict[str, str] = field(default_factory=dict[str, str])
    launcher: dict[str, str] = field(default_factory=dict[str, str])
    shared: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])

    def whole(self, name: str, default: int, bounds: tuple[int, int]) -> int:
        """A whole number of the study's own within bounds; the default if it is wrong."""
        text = self.own.get(name, str(default))
        if re.fullmatch("[0-9]{1,9}", text, re.ASCII) and bounds[0] <= int(text) <= bounds[1]:
            return int(text)
        self.problems.append(f"{name}={text}: a whole number from {bounds[0]} to {bounds[1]:,}")
        return default

    def one_of(self, name: str, *choices: str) -> str:
        """A word of the study's own that is one of the choices; the first of them if it is wrong,
        or not there."""
        text = self.own.get(name, choices[0])
        if text in choices:
            return text
        self.problems.append(f"{name}={text}: {' or '.join(choices)}")
        return choices[0]


def sorted_words(
    words: Sequence[str], study: str, own: Collection[str], refused: Mapping[str, str]
) -> Words:
    """The words of a study (such as "a comparison") with these settings of its own.

    refused: settings that its runs cannot be given, and why.
    """
    out = Words(problems=check_overrides(words, sweep=True))
    for word in words:
        name, _, value = word.partition("=")
        if name in own:
            out.own[name] = value
        elif name.startswith("hydra") and "sweeper" not in name and name in SWEEP_SETTINGS:
            out.launcher[name] = value
        elif name.startswith(("sweep", "hydra")):
            out.problems.append(f"{word}: {study} is no sweep")
        elif name in refused:
            out.problems.append(f"{word}: {refused[name]}")
        else:
            out.shared.append(word)
    return out


def lasting(words: Sequence[str]) -> list[str]:
    """The words that say what a run is, without those that say where and how it is made."""
    return [word for word in words if word.partition("=")[0] not in FIXED]
