"""The runs of a comparison: planned, launched and resumed like those of a sweep.

Beside its folder each run leaves two tables in `<output>/.arms`: its series and the histories of
its people. What is there already is not made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.data.load import load
from sim.files.folder import read_parquet, table_writer, write_atomically
from sim.model.model import Kyosei
from sim.studies.comparison.histories import Histories
from sim.studies.comparison.series import series_of
from sim.studies.comparison.shared_past import SharedPast, Watch, parting_months
from sim.sweeps.job import attempt, is_there, part_of_plan, plan_at, run_or_wait
from sim.sweeps.launch import Share, launch, quoted
from sim.sweeps.plan import LAUNCHES, Plan, Row
from sim.sweeps.progress import SweepProgress

ARMS: Final = ".arms"


def series_file(root: Path, run: str) -> Path:
    return root / ARMS / f"{run}.series.parquet"


def histories_file(root: Path, run: str) -> Path:
    return root / ARMS / f"{run}.histories.parquet"


def is_done(plan: Plan, row: Row) -> bool:
    """Whether a run and both of its tables are there."""
    files = (series_file(plan.root, row.run), histories_file(plan.root, row.run))
    return is_there(plan, row) and all(path.is_file() for path in files)


def launch_runs(plan: Plan, path: Path, pending: Sequence[Row], share: Share, quiet: bool) -> None:
    """Make the pending runs of a plan that lies at `path`, with whatever launcher is shared."""
    place = {row.run: number for number, row in enumerate(plan.unique)}
    jobs = sorted({place[row.run] // share.size for row in pending})
    words = [
        f"plan={quoted(path)}", f"size={share.size}", f"job={','.join(map(str, jobs))}",
        f"threads={share.threads or 'null'}", *share.words,
    ]  # fmt: skip
    awaited = [(series_file(plan.root, row.run), plan.log(row)) for row in pending]
    with SweepProgress(awaited, quiet):
        launch(run_arms, words, plan.folder / LAUNCHES)


def run_arms(job: Any) -> None:
    """What a launcher calls: a part of the plan, in whatever process it chose."""
    path, size = Path(job.plan), int(job.size)
    first = int(job.job) * size
    rows = plan_at(path).unique[first : first + size]
    past = SharedPast(parting_months([compose(row.overrides) for row in rows]))
    make = partial(make_arm, past=past)
    part_of_plan(path, int(job.job), size, job.threads, make, is_done)


def make_first(plan: Plan, row: Row, threads: int | None) -> None:
    """Make one run here: kernels are compiled once, not by every worker at a time."""
    attempt(plan, row, threads, make_arm)


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
        model = Kyosei(own, load(settings.country.data))
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


def histories_of(root: Path, run: str) -> tuple[np.ndarray, np.ndarray]:
    """(keys in order, digests) of a run. Raises OutputError."""
    table = read_parquet(histories_file(root, run))
    return table["key"].to_numpy(), table["digest"].to_numpy()
