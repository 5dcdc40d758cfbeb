"""What a run will take, estimated before it starts, and refused while that costs nothing.

Measured on runs of scale 0.01, 0.1 and 1 to 2026-06 and 2050-12: peak memory was 0.66 to 0.95 of
the estimate. It is meant to be a little high, and wrong by tens of per cent, not by a factor.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError
from sim.data.load import Data

EXITS_A_YEAR: Final = 0.07
"""Share of residents who leave, die or naturalise in a year: 0.082 in a run of 2025 to 2050."""

FAMILY: Final = 1.35
"""People who come, are brought or are born for each who comes: 1.33 in the same run."""

PROGRAM_BYTES: Final = 520_000_000
"""Interpreter, libraries, data and kernels."""

PERSON_BYTES: Final = 70
"""Columns, with the room that they grow into, and what the opening takes beside them."""

MONTH_BYTES: Final = 1_100_000
"""Record of a month, and its rows of the tables while they are written and drawn."""

FILES_BYTES: Final = 4_000_000

MONTH_FILE_BYTES: Final = 40_000

KEPT_PERSON_BYTES: Final = 52
"""Columns of a person, and of the firms: 0.094 of 80 bytes a resident."""

KEPT_BYTES: Final = 2_000_000
"""Municipalities, queues, tables of firms."""

KEPT_MONTH_BYTES: Final = 150_000

GIGA: Final = 1e9

CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Needs:
    """people: most that are simulated at a time; memory and disk in bytes."""

    people: int
    months: int
    memory: int
    disk: int


def estimate(config: RunConfig, data: Data) -> Needs:
    """What the run will take."""
    months = month_index(config.end) - month_index(config.start)
    people = int(most_people(config, data) * config.scale)
    memory = PROGRAM_BYTES + PERSON_BYTES * people + MONTH_BYTES * months
    kept = kept_bytes(people, months) * len(config.checkpoint or [])
    disk = FILES_BYTES + MONTH_FILE_BYTES * months + kept
    return Needs(people, months, memory, disk)


def kept_bytes(people: int, months: int) -> int:
    """What a month that is kept takes, on disk or in memory, of a run of so many."""
    return KEPT_BYTES + KEPT_PERSON_BYTES * people + KEPT_MONTH_BYTES * months


def most_people(config: RunConfig, data: Data) -> float:
    """Upper end of the number of residents in any year of the run, at scale 1."""
    table = data["stocks_origin_status"]
    people = most = float(table.loc[table["date"] == config.start, "people"].sum())
    past = _past(data) if config.arrivals.mode == "conditional" else {}
    end = month_index(config.end)
    for month in range(month_index(config.start), end, 12):
        known = [past[half] for half in range(month + 1, month + 13) if half in past]
        came = math.fsum(known) if len(known) == 2 else _expected(config, month + 6)
        people += (FAMILY * came - EXITS_A_YEAR * people) * min(end - month, 12) / 12
        most = max(most, people)
    return most


def _past(data: Data) -> dict[int, float]:
    """Half-year end -> arrivals of the six months."""
    sums = data["arrivals"].groupby("date")["people"].sum()
    return {month_index(str(date)): float(people) for date, people in sums.items()}


def _expected(config: RunConfig, month: int) -> float:
    """Arrivals in the year around a month after the last observed one."""
    years = max(month - month_index(config.country.last_month), 0) / 12
    edits = [edit for event in config.event.values() for edit in event.edits.values()]
    edits += config.scenario.edits.values()
    edits = [edit for edit in edits if _holds(edit, month)]
    total = 0.0
    for name, channel in config.arrivals.channels.items():
        level = channel.level * (1 + channel.growth) ** years
        for edit in edits:
            if any(fnmatchcase(f"arrivals.{name}", path) for path in edit.paths):
                level *= 1.0 if edit.multiply is None else edit.multiply
        total += level
    return total


def _holds(edit: Edit, month: int) -> bool:
    late = edit.until is not None and month > month_index(edit.until)
    return month_index(edit.since) <= month and not late


def refuse_too_large(needs: Needs, config: RunConfig) -> None:
    """Raise ConfigError if memory or disk would not do, with what to change."""
    problems = []
    memory = available_memory() if config.memory_gb is None else int(config.memory_gb * GIGA)
    limit = "are free" if config.memory_gb is None else "is what memory_gb allows"
    if memory is not None and needs.memory > memory:
        problems.append(
            f"this run would take about {_gb(needs.memory)} GB of memory, for up to"
            f" {needs.people:,} people and {needs.months} months; {_gb(memory)} GB {limit}."
            f" {_instead(needs, memory, config)}"
        )
    disk = shutil.disk_usage(_existing(Path(config.output))).free
    if needs.disk > disk:
        problems.append(
            f"this run would write about {_gb(needs.disk)} GB into {config.output}, where"
            f" {_gb(disk)} GB are free. Name another folder with output=DIR, or keep fewer"
            " checkpoints."
        )
    if problems:
        raise ConfigError(problems)


def _gb(size: int) -> str:
    return f"{size / GIGA:,.2f}" if size < 10 * GIGA else f"{size / GIGA:,.0f}"


def _instead(needs: Needs, memory: int, config: RunConfig) -> str:
    """The largest run of the kind that would do."""
    room = memory - PROGRAM_BYTES - MONTH_BYTES * needs.months
    scale = config.scale * room / (PERSON_BYTES * max(needs.people, 1))
    if scale >= 0.001:
        return f"Take a sample, scale={float(f'{scale * 0.95:.2g}'):g}, or an earlier end."
    months = int((memory - PROGRAM_BYTES) * 0.9 / MONTH_BYTES)
    if months < 12:
        return "Even a sample of a year would not fit: use a machine with more memory."
    end = month_name(month_index(config.start) + months)
    return f"Take a sample, scale=0.001, and end={end} or earlier."


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def available_memory() -> int | None:
    """Bytes that this process may still take; None if the system does not say.

    In a container or a job of a cluster, what its own limit leaves.
    """
    free = [_meminfo(), _of_group()]
    known = [size for size in free if size is not None]
    return min(known) if known else None


def _meminfo() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, ValueError, StopIteration):
        pages = [name for name in ("SC_PHYS_PAGES", "SC_PAGE_SIZE") if name in os.sysconf_names]
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if len(pages) == 2 else None


def _of_group() -> int | None:
    """What the limit of this process's control group leaves; files in its cache do not count."""
    for limit, used, stat, cache in _groups():
        try:
            most = int(limit.read_text(encoding="ascii"))
            rows = dict(line.split() for line in stat.read_text(encoding="ascii").splitlines())
            taken = int(used.read_text(encoding="ascii")) - int(rows.get(cache, 0))
        except (OSError, ValueError):
            continue  # no such group, or "max"
        if most < 1 << 60:
            return max(most - taken, 0)
    return None


def _groups() -> Iterable[tuple[Path, Path, Path, str]]:
    """(limit, used, statistics, name of the cached files in them) of versions 2 and 1."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        for inside in (name.strip("/"), ""):
            if not controllers:
                folder = CGROUP / inside
                yield (
                    folder / "memory.max", folder / "memory.current", folder / "memory.stat",
                    "inactive_file",
                )  # fmt: skip
            elif "memory" in controllers.split(","):
                folder = CGROUP / "memory" / inside
                yield (
                    folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes",
                    folder / "memory.stat", "total_inactive_file",
                )  # fmt: skip
