"""What may be set from the command line, and the list of it that `kyosei run --help` shows.

Reads configs/ as text only: neither Hydra nor the model is needed to print a help page.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from sim.config.files import country_of
from sim.config.folders import Configs, configs_here
from sim.config.settings import SWEEP_SETTINGS

_GROUP_LINE = re.compile(r"\s+- (?:optional )?/?([a-z_]+)(/[a-z_]+)?(?:@[\w.]+)?: (\S+)")

_OF_THE_COUNTRY = ("scenario", "fit")
"""Groups that may be chosen and that the country's own file sets."""

_VALUE_LINE = re.compile(r"([a-z_]+):\s*([^#]*?)\s*(?:#\s*(.*))?$")


def settings_help() -> str:
    """The top-level settings with their defaults, and the choices of each group, as text."""
    configs = configs_here()
    try:
        lines = _lines(configs.file("config.yaml"))
        own = _lines(configs.file(f"country/{country_of((), configs)}.yaml"))
    except OSError as error:
        return f"settings: {error.filename} could not be read\n"
    rows = [_value_row(line) for line in lines] + [_group_row(configs, line) for line in lines]
    rows += [_group_row(configs, line, _OF_THE_COUNTRY) for line in own]
    return "settings and their defaults:\n" + "".join(row for row in rows if row)


def sweep_help() -> str:
    """What a sweep may say beside its runs' settings, as text."""
    rows = [f"  {name:42} {what}\n" for name, (_, what) in SWEEP_SETTINGS.items()]
    return "a sweep (-m) also takes:\n" + "".join(rows)


def _value_row(line: str) -> str:
    match = _VALUE_LINE.match(line)
    if match is None or match[1] in ("defaults", "hydra", "schema"):
        return ""
    return f"  {match[1] + '=' + match[2]:28} {match[3] or ''}".rstrip() + "\n"


def _group_row(configs: Configs, line: str, wanted: Collection[str] | None = None) -> str:
    match = _GROUP_LINE.match(line)
    if match is None or (wanted is not None and match[1] not in wanted):
        return ""
    choices = configs.options(f"{match[1]}{match[2] or ''}")
    return f"  {match[1] + '=' + match[3]:28} one of: {', '.join(choices)}\n" if choices else ""


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
