"""Memory and disk of a run, estimated before it starts; a run that is too large is refused.

Measured on runs of scale 0.01, 0.1 and 1 to 2026-06 and 2050-12: peak memory was 0.66 to 0.95 of
the estimate. It is meant to be a little high, and wrong by tens of per cent, not by a factor.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError
from sim.core.probability import MONTHS_PER_YEAR
from sim.core.rng import run_key
from sim.data.load import Data
from sim.policies.ratebook import Cap, RateBook
from sim.processes.arrivals import capped
from sim.rates.arrivals import ArrivalPlan
from sim.rates.places import load_places
from sim.rates.statuses import has_firms
from sim.rates.tables import build

EXITS_A_YEAR: Final = 0.075
"""Share of residents who leave, die or naturalise in a year, as in a run from 2025 to 2070."""

FAMILY: Final = 1.33
"""People who come, are brought or are born for each who comes, in the same run."""

RECRUITED_A_YEAR: Final = 0.065
"""People whom firms recruit abroad in a year, as a share of all residents, where firms act: they
follow the jobs, not the levels of the channels. 0.081 in the first five years of that run, 0.058
from 2050 on; 0.037 to 0.075 in the scenario that has the fewest arrivals."""

NEARLY_ALL: Final = 0.9
"""A cap on the stock of statuses counts if they hold this share of the residents."""

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
    """Largest number of residents expected in any month of the run, at scale 1.

    Arrivals are those that the model expects, without the run's shocks: the plan of arrivals, times
    what events, scenario and levers make of it, under the caps of the month, and where firms act
    their recruits. Who leaves is a share of all residents, and who is brought or born one of those
    who come, whatever their status.
    """
    places = load_places(config, data)
    rates = build(config, places.codes, places.mobility)
    policy = RateBook(config, rates)
    arrivals = config.arrivals.model_copy(update={"shocks": False})
    plan = ArrivalPlan(
        config.model_copy(update={"arrivals": arrivals}), data, places, run_key(config.seed, 0)
    )
    table = data["stocks_origin_status"]
    opening = table[table["date"] == config.start].groupby("status")["people"].sum()
    stock = opening.reindex(config.country.statuses).fillna(0.0).to_numpy(float)
    recruited = rates.status.seeks if has_firms(config) else np.zeros(stock.size, np.bool_)
    most, came = float(stock.sum()), [np.zeros(stock.size)]
    for month in range(month_index(config.start) + 1, month_index(config.end) + 1):
        people = plan.people(month)
        if not plan.is_past(month):
            now = policy.in_force(month)
            caps = [cap for cap in now.caps if _can_be_followed(cap, stock)]
            people = capped(people * now.arrivals, caps, stock, came, 1.0)
        share = np.where(recruited, plan.levels(month), 0.0)
        share /= share.sum() or 1.0
        recruits = RECRUITED_A_YEAR / MONTHS_PER_YEAR * stock.sum() * share
        people = np.where(recruited, recruits, people)
        came.append(people)
        stock = stock + FAMILY * people - EXITS_A_YEAR / MONTHS_PER_YEAR * stock
        most = max(most, float(stock.sum()))
    return most


def _can_be_followed(cap: Cap, stock: np.ndarray) -> bool:
    """Whether this estimate knows when a cap binds.

    People change status, which is not followed here: how many hold a few of the statuses is known
    too badly to say that nobody else may come.
    """
    return cap.per != "stock" or stock[list(cap.statuses)].sum() >= NEARLY_ALL * stock.sum()


def refuse_too_large(needs: Needs, config: RunConfig) -> None:
    """Raise ConfigError if memory or disk would not do, with what to change."""
    problems = []
    memory = available_memory() if config.memory_gb is None else int(config.memory_gb * GIGA)
    limit = "are free" if config.memory_gb is None else "is what memory_gb allows"
    if memory is not None and needs.memory > memory:
        problems.append(
            f"this run would take about {_size(needs.memory)} of memory, for up to"
            f" {needs.people:,} people and {needs.months} months; {_size(memory)} {limit}."
            f" {_instead(needs, memory, config)}"
        )
    disk = shutil.disk_usage(_existing(Path(config.output))).free
    if needs.disk > disk:
        problems.append(
            f"this run would write about {_size(needs.disk)} into {config.output}, where"
            f" {_size(disk)} are free. Name another folder with output=DIR, or keep fewer"
            " checkpoints."
        )
    if problems:
        raise ConfigError(problems)


def _size(size: int) -> str:
    """Bytes in words: `0.12 MB`, `3.4 GB`, `128 GB`."""
    if size < 0.1 * GIGA:
        return f"{size / 1e6:,.2f} MB"
    return f"{size / GIGA:,.2f} GB" if size < 10 * GIGA else f"{size / GIGA:,.0f} GB"


def _instead(needs: Needs, memory: int, config: RunConfig) -> str:
    """The largest run of the kind that would do."""
    room = memory - PROGRAM_BYTES - MONTH_BYTES * needs.months
    scale = config.scale * room / (PERSON_BYTES * max(needs.people, 1))
    if scale >= 0.001:
        return f"Take a sample, scale={float(f'{scale * 0.95:.2g}'):g}, or an earlier end."
    everybody = needs.people / config.scale
    if everybody * 0.001 * PERSON_BYTES > memory:
        return f"There would be {everybody:.3g} people: end earlier, or let fewer come."
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
