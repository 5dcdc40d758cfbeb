"""The runs of a comparison: planned, launched and resumed like those of a sweep.

Beside its folder each run leaves two tables in `<output>/.arms`: its series and the histories of
its people. What is there already is not made again.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sim.config.schema.run import RunConfig
from sim.data.load import data_of
from sim.files.folder import read_parquet, table_writer, write_atomically
from sim.model.model import Kyosei
from sim.studies.comparison.histories import Histories
from sim.studies.comparison.series import series_of
from sim.studies.comparison.shared_past import SharedPast, Watch, parting_months
from sim.sweeps.job import is_there, make_missing, run_or_wait
from sim.sweeps.missing import Product
from sim.sweeps.plan import Plan, PlannedRun, plan_at

ARMS: Final = ".arms"


def series_file(root: Path, run: str) -> Path:
    return root / ARMS / f"{run}.series.parquet"


def histories_file(root: Path, run: str) -> Path:
    return root / ARMS / f"{run}.histories.parquet"


def is_done(plan: Plan, run: PlannedRun) -> bool:
    """Whether a run and both of its tables are there."""
    files = (series_file(plan.root, run.number), histories_file(plan.root, run.number))
    return is_there(plan, run) and all(path.is_file() for path in files)


def run_arms(job: Any) -> None:
    """What a launcher calls: a part of the plan, in whatever process it chose."""
    plan = plan_at(Path(job.plan))
    runs = plan.part(int(job.job), int(job.size))
    for _, arms in groupby(runs, lambda run: plan.settings(run).replicate):
        together = list(arms)
        past = SharedPast(parting_months([plan.settings(run) for run in together]))
        make_missing(plan, together, job.threads, partial(make_arm, past=past), is_done)


def make_arm(
    settings: RunConfig, root: Path, threads: int | None, past: SharedPast | None = None
) -> None:
    """A run's folder and its two tables. The series come last: they say that all is there."""
    watch = Watch(settings, past or SharedPast(frozenset()))
    folder = run_or_wait(settings, root, threads, watch, watch.kept)
    histories = watch.histories if watch.has_seen else None  # nothing, if the folder was complete
    if histories is None and not histories_file(root, folder.name).is_file():
        own = settings.model_copy(update={"threads": settings.threads or threads})
        histories = Histories()
        model = Kyosei(own, data_of(settings))
        histories(model)
        model.run(histories)
    (root / ARMS).mkdir(exist_ok=True)
    if histories is not None:
        keys, digests = histories.result()
        every = np.full(keys.size, histories.every, np.int32)
        table = pa.table({"key": keys, "digest": digests, "every": every})
        write_atomically(histories_file(root, folder.name), table_writer(table))
    series = series_of(folder, settings)
    write_atomically(series_file(root, folder.name), table_writer(series))


PAIRED: Final = Product(run_arms, make_arm, series_file, is_done)
"""A comparison wants the folder of each run and both of its tables."""


def histories_of(root: Path, run: str) -> tuple[np.ndarray, np.ndarray]:
    """(keys in order, digests) of a run. Raises OutputError."""
    table = read_parquet(histories_file(root, run))
    return table["key"].to_numpy(), table["digest"].to_numpy()
