"""A scenario that is put together in the browser: its words, its command, its file.

Nothing here knows a rule of its own: the words go through the same checks as those that are typed,
and what these say is what the form shows.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from sim.config.compose import compose, plain_yaml
from sim.config.folders import configs_here, place_of
from sim.config.levers import set_levers
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.errors import ConfigError
from sim.files.folder import write_atomically
from sim.runs.progress import duration, expected_seconds

LARGEST_SCALE: Final = 0.02

LAST_END: Final = "2050-12"

SMALL: Final = 0.05
"""Scale below which a run shows differences alone: its levels are those of a sample."""

MEAN_PEOPLE: Final = 6e6
"""Residents over a run, on average, for the guess of how long one takes."""

NAME: Final = r"^[a-z][a-z0-9_]{0,39}$"


class Pull(BaseModel):
    """How one lever is pulled; what is None is as the lever's file says."""

    model_config = ConfigDict(extra="forbid")

    lever: Annotated[str, Field(pattern=NAME)]
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    level: Literal["low", "central", "high"] | None = None
    delay: Annotated[int, Field(ge=0, le=240)] | None = None
    variant: Annotated[str, Field(pattern=NAME)] | None = None


class Draft(BaseModel):
    """What the form says."""

    model_config = ConfigDict(extra="forbid")

    base: Annotated[str, Field(pattern=NAME)]
    title: Annotated[str, Field(min_length=1, max_length=80)]
    pulls: Annotated[list[Pull], Field(max_length=80)]
    end: str = "2035-12"
    scale: float = 0.01
    replicates: Annotated[int, Field(ge=3, le=20)] = 5


def base_of(name: str) -> RunConfig:
    """The settings of a named scenario. Raises ConfigError."""
    return compose([f"scenario={name}"])


def scenario_of(draft: Draft) -> dict[str, Any]:
    """The parts of a scenario that the draft sets over its base: title, levers, settings."""
    base = base_of(draft.base)
    pulled = {active.code for active in set_levers(base)}
    levers = list(base.scenario.levers)
    levers += [pull.lever for pull in draft.pulls if pull.lever not in {*pulled, *levers}]
    settings = {code: own.model_dump(exclude_defaults=True)
                for code, own in base.scenario.settings.items()}  # fmt: skip
    for pull in draft.pulls:
        given = pull.model_dump(exclude={"lever"}, exclude_none=True)
        settings[pull.lever] = {**settings.get(pull.lever, {}), **given}
    return {"title": {"en": draft.title, "ja": draft.title}, "levers": levers,
            "settings": settings}  # fmt: skip


def words_of(draft: Draft) -> list[str]:
    """The settings of the draft's scenario, as they would be typed."""
    own = scenario_of(draft)
    return [
        f"scenario={draft.base}",
        f"scenario.title={{en: {_text(draft.title)}, ja: {_text(draft.title)}}}",
        f"scenario.levers=[{','.join(own['levers'])}]",
        f"scenario.settings={_flow(own['settings'])}",
    ]


def command_of(draft: Draft, folder: Path) -> list[str]:
    """The words after `kyosei` that compare the draft with its base."""
    return [
        "compare", f"scenario={draft.base}", f"arm.mine={typed(words_of(draft))}",
        f"end={draft.end}", f"scale={draft.scale!r}", f"replicates={draft.replicates}",
        f"output={folder}", "figures=false",
    ]  # fmt: skip


def check(draft: Draft) -> str:
    """About how long the comparison takes, in words. Raises ConfigError with every problem: those
    of the words, and a comparison that is too large to be started from a browser."""
    config = compose([*words_of(draft), f"end={draft.end}", f"scale={draft.scale!r}"])
    large = []
    if draft.scale > LARGEST_SCALE:
        large.append(f"scale = {draft.scale:g}\n    must be {LARGEST_SCALE:g} or less here. Type"
                     " the command for a larger one.")  # fmt: skip
    if config.end > LAST_END:
        large.append(f"end = {config.end}\n    must be {LAST_END} or earlier here.")
    if large:
        raise ConfigError(large)
    months = month_index(config.end) - month_index(config.start)
    again = min(draft.replicates, 5)
    runs = 2 * (draft.replicates + again)
    seconds = runs * expected_seconds(MEAN_PEOPLE * config.scale, months, 1, figures=False) / 2
    return f"{runs} runs of {months} months, about {duration(seconds)} on two cores"


def save(draft: Draft, name: str) -> Path:
    """Write the draft as a scenario of the study of this folder; its file.

    Raises ConfigError if this is no study, the name is taken or the scenario has problems.
    """
    configs = configs_here()
    if configs.study is None:
        raise ConfigError(
            "this folder is no study, so there is nowhere to keep a scenario: `kyosei init FOLDER`"
            " makes one, and the dashboard that is started there saves into it"
        )
    country = base_of(draft.base).country.name
    path = configs.study / place_of("scenario", country) / f"{name}.yaml"
    known = configs.options(place_of("scenario", country))
    if name in known:
        raise ConfigError(f"name = {name}\n    there is a scenario of that name. Take another.")
    own = scenario_of(draft)
    head = f"# Put together in the dashboard, over {draft.base}.\n"
    text = f"{head}defaults: [{draft.base}, _self_]\n{plain_yaml({'name': name, **own})}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda stream: stream.write(text.encode("utf-8")))
    try:
        compose([f"scenario={name}"])
    except BaseException:
        path.unlink()
        raise
    return path


def _text(text: str) -> str:
    """Text as the words of a command hold it: in quotes, if it holds more than words."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*( [A-Za-z0-9_]+)*", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _flow(value: Any) -> str:
    """A mapping of plain values in one line, as the words of a command hold it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    return str(value)


def typed(words: Sequence[str]) -> str:
    """Words as a person would type them in a shell; in double quotes where these do, so that words
    within words stay readable."""
    return " ".join(f'"{word}"' if _DOUBLE.fullmatch(word) and not _BARE.fullmatch(word)
                    else shlex.quote(word) for word in words)  # fmt: skip


_BARE: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")

_DOUBLE: Final = re.compile(r"[^\"\\$`!']+")
