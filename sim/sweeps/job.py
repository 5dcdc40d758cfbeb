"""One job of a sweep, in whatever process the launcher chose: a few runs of the plan in turn.

A job's number means nothing: each run goes to the folder named by its content, and one that is
complete is left as it is. What goes wrong with one run is written down, and the next one starts.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from sim.config.compose import compose
from sim.config.hydra import words_of_job
from sim.config.schema.run import RunConfig
from sim.core.errors import BusyError, KyoseiError, OutputError
from sim.core.interrupt import stop_if_asked
from sim.data.load import data_of
from sim.files.folder import found_complete, json_text, read_parquet, write_atomically
from sim.files.manifest import code_digest
from sim.model.checkpoint import Checkpoint
from sim.runs import run
from sim.sweeps.plan import GONE, Plan, PlannedRun, plan_at

PATIENCE_SECONDS: Final = 600.0

TRIALS: Final = "trials"

BUG: Final = 1

Maker = Callable[[RunConfig, Path, int | None], object]
"""Makes a run: its settings, the folder for its own, and its threads."""


def run_job(job: Any) -> float | None:
    """What a launcher calls: some runs of the plan in turn, or one trial of a search.

    job  the settings of configs/hydra/sweep.yaml, as the launcher's words changed them
    """
    if job.objective:
        shared = ("plan=", "root=", "objective=", "target=", "threads=", "parent=")
        words = [word.lstrip("+") for word in words_of_job()]
        return _trial(job, [word for word in words if not word.startswith(shared)])
    plan = plan_at(Path(job.plan))
    make_missing(plan, plan.part(int(job.job), int(job.size)), job.threads)
    return None


def is_there(plan: Plan, planned: PlannedRun) -> bool:
    """Whether there is nothing to do: the run is complete, and shall keep no months."""
    return not planned.keeps and found_complete(plan.root / planned.number)


def make_missing(
    plan: Plan,
    runs: Sequence[PlannedRun],
    threads: int | None,
    make: Maker | None = None,
    done: Callable[[Plan, PlannedRun], bool] = is_there,
) -> None:
    """Make those of the runs that are not done, each with `make` (see `attempt`).

    Raises OutputError if the plan is taken away meanwhile.
    """
    for planned in runs:
        if not plan.path.is_file():
            raise OutputError(GONE.format(plan.path))
        if not done(plan, planned):
            attempt(plan, planned, threads, make)


def attempt(
    plan: Plan, planned: PlannedRun, threads: int | None, make: Maker | None = None
) -> None:
    """Make one run (with `run_or_wait` if not otherwise), or leave word in its log why not."""
    log, begun = plan.log(planned), plan.begun(planned)
    try:
        begun.touch()
        settings = plan.settings(planned)
        _check_same(plan, settings)
        (make or run_or_wait)(settings, plan.root, threads)
        log.unlink(missing_ok=True)
    except KyoseiError as error:
        stop_if_asked()  # an error that an interruption caused is not the run's own
        _leave_word(log, error.exit_code, planned.words, str(error))
    except Exception:  # noqa: BLE001  a bug in one run must not end the others
        stop_if_asked()
        _leave_word(log, BUG, planned.words, traceback.format_exc())
    finally:
        begun.unlink(missing_ok=True)


def _check_same(plan: Plan, settings: RunConfig) -> None:
    """Another version of the code or the data would fill other folders than those planned."""
    if plan.code != code_digest():
        raise OutputError("the code here is not the one that the sweep was planned with")
    if data_of(settings).digest not in plan.data.split():
        raise OutputError("the data here are not those that the sweep was planned with")


def run_or_wait(
    settings: RunConfig,
    root: Path,
    threads: int | None,
    observer: run.Observer | None = None,
    kept: Checkpoint | None = None,
    inside: bool = True,
) -> Path:
    """The run's folder, made here or by the process that holds it just now."""
    own = settings.model_copy(update={"output": str(root), "threads": settings.threads or threads})
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return run.run(own, quiet=True, observer=observer, kept=kept, inside=inside)
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def _leave_word(log: Path, code: int, overrides: list[str], why: str) -> None:
    """First line: the exit code; then what to type to see it again, and what happened."""
    if not log.parent.parent.is_dir():  # taken away with all else: nothing of it is made again
        raise OutputError(f"{log.parent.parent} was taken away: {why}")
    text = f"exit code {code}\nkyosei run {' '.join(overrides)}\n\n{why.rstrip()}\n"
    log.parent.mkdir(exist_ok=True)
    write_atomically(log, lambda stream: stream.write(text.encode("utf-8")))


def _trial(job: Any, overrides: list[str]) -> float:
    """Make a run that a search asks for; returns what it is judged by."""
    settings = compose(overrides)
    folder = run_or_wait(settings, Path(job.root), job.threads, inside=False)
    value = last_value(folder, str(job.objective))
    if job.target is not None:
        value = abs(value - float(job.target))
    record = {"overrides": overrides, "run": folder.name, "value": value}
    path = Path(job.plan).parent / TRIALS / f"{folder.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda stream: stream.write(json_text(record).encode("utf-8")))
    return value


def last_value(folder: Path, indicator: str) -> float:
    """An indicator in the last month that has it. Raises OutputError if the run has none."""
    table = read_parquet(folder / "indicators.parquet")
    names = table["indicator"].combine_chunks().cast("string")
    own = table.filter(pc.equal(names, indicator))
    if own.num_rows == 0:
        known = ", ".join(sorted(set(names.to_pylist())))
        raise OutputError(f"there is no indicator {indicator}. One of: {known}")
    return float(own.sort_by("month")["value"][-1].as_py())
