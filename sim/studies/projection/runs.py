"""The runs of the members: launched and resumed like those of a sweep.

A member leaves one table in `<output>/.members`: its series (see `series_of_member`). The run
itself is an ordinary one, which `kyosei run` with the member's words makes with all its tables.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sim.config.schema.run import RunConfig
from sim.core.errors import InvariantError, OutputError
from sim.core.interrupt import stop_if_asked
from sim.data.load import data_of
from sim.files.folder import read_parquet, table_writer, write_atomically
from sim.model.model import Kyosei
from sim.outputs.checks import problems_of
from sim.outputs.outcome import Outcome
from sim.outputs.tables import tables_of
from sim.runs.facts import refuse_wrong_audit
from sim.runs.run import identity
from sim.studies.comparison.series import (
    Block,
    Finished,
    codes_in,
    indicator_series,
    long_table,
    stock_blocks,
)
from sim.sweeps.job import make_missing
from sim.sweeps.missing import Product
from sim.sweeps.plan import Plan, PlannedRun, plan_at

MEMBERS: Final = ".members"

AGES: Final = {"0_14": (0, 15), "15_64": (15, 65), "65": (65, 200)}
"""Classes of age as official projections give them: first age, and the first one beyond."""


def member_file(root: Path, run: str) -> Path:
    return root / MEMBERS / f"{run}.parquet"


def is_done(plan: Plan, run: PlannedRun) -> bool:
    """Whether the table of a member is there and can be read."""
    path = member_file(plan.root, run.number)
    if not path.is_file():
        return False
    with suppress(OutputError):
        return read_parquet(path).num_rows > 0
    return False


def run_members(job: Any) -> None:
    """What a launcher calls: a part of the plan, in whatever process it chose."""
    plan = plan_at(Path(job.plan))
    make_missing(plan, plan.part(int(job.job), int(job.size)), job.threads, make_member, is_done)


def make_member(settings: RunConfig, root: Path, threads: int | None) -> None:
    """Simulate a member and write its table. Raises InvariantError as a run does."""
    data = data_of(settings)
    own = settings.model_copy(update={"threads": settings.threads or threads})
    model = Kyosei(own, data)
    model.run(lambda _: stop_if_asked())
    refuse_wrong_audit(model.state.audit, model.state.rates)
    tables = tables_of(Outcome.of(model))
    wrong = problems_of(tables)
    if wrong:
        raise InvariantError(wrong)
    path = member_file(root, identity(settings, data)[0])
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, table_writer(series_of_member(tables, settings)))


TABLES: Final = Product(run_members, make_member, member_file, is_done)
"""A projection wants one table of each member."""


@dataclass(frozen=True)
class InMemory(Finished):
    """The tables of a run that has just been simulated."""

    tables: dict[str, pa.Table]

    def table(self, name: str) -> pa.Table:
        return self.tables[name]


def series_of_member(tables: dict[str, pa.Table], config: RunConfig) -> pa.Table:
    """month, indicator, by, group, value of a run, from its tables: what comparisons count, people
    by group of statuses, sex, age and class of age, and workers by sector.

    By group in every month; by sex and age, and workers, at the opening and each December.
    """
    run = InMemory(Path(), tables)
    blocks = stock_blocks(run, config)
    status = next(values for _, by, _, values in blocks if by == "status")
    groups = list(config.country.groups)
    member = np.array([[config.status[name].group == group for group in groups]
                       for name in config.country.statuses])  # fmt: skip
    by_group = np.stack([status[:, member[:, g]].sum(axis=1) for g in range(len(groups))], axis=1)
    monthly = long_table([*blocks, ("people", "group", groups, by_group)], run.months)
    parts = [indicator_series(run, config), monthly]
    for made in (_by_age(run, config), _workers(run, config)):
        if made is not None:
            parts.append(long_table(*made))
    return pa.concat_tables(parts)


def _by_age(run: Finished, config: RunConfig) -> tuple[list[Block], np.ndarray]:
    """Residents of the published total by sex, five years of age and class of age."""
    table = run.table("ages")
    names = config.country.statuses
    counted = np.array([config.status[name].published for name in names])
    inside = counted[codes_in(table, "status", names)]
    months, when = np.unique(table["month"].to_numpy(), return_inverse=True)
    sexes = ["F", "M"]
    sex = codes_in(table, "sex", sexes)
    age = table["age"].to_numpy().astype(np.int64)
    bands = list(range(0, 5 * 22, 5))
    people = np.where(inside, table["people"].to_numpy(), 0.0)
    shape = months.size, len(sexes), len(bands)
    place = (when * shape[1] + sex) * shape[2] + np.minimum(age // 5, shape[2] - 1)
    cube = np.bincount(place, people, int(np.prod(shape))).reshape(shape)
    by_age = cube.sum(axis=1)
    first = np.array(bands)
    classes = [by_age[:, (first >= a) & (first < z)].sum(axis=1) for a, z in AGES.values()]
    blocks: list[Block] = [
        ("residents", "sex", sexes, cube.sum(axis=2)),
        ("residents", "age", [f"{band:03d}" for band in bands], by_age),
        ("residents", "ages", list(AGES), np.stack(classes, axis=1)),
    ]
    return blocks, months


def _workers(run: Finished, config: RunConfig) -> tuple[list[Block], np.ndarray] | None:
    """People with a job in a firm by sector; None if no firms act."""
    table = run.table("firms")
    if config.firms is None or table.num_rows == 0:
        return None
    sectors = list(config.firms.sectors)
    months, when = np.unique(table["month"].to_numpy(), return_inverse=True)
    place = when * len(sectors) + codes_in(table, "sector", sectors)
    by_sector = np.bincount(place, table["workers"].to_numpy(), months.size * len(sectors))
    by_sector = by_sector.reshape(months.size, len(sectors))
    return [("workers", "sector", sectors, by_sector)], months
