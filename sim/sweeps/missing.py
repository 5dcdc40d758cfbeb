"""The runs of a plan that are missing: a launcher makes them, and failures are reported.

A sweep and every study that plans its runs go this way, each with a `Product` of its own.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.core.errors import OutputError
from sim.core.numba_cache import is_cold
from sim.sweeps.job import BUG, Maker, attempt
from sim.sweeps.launch import Share, launch_plan, share_of
from sim.sweeps.plan import MOST_SHOWN, Plan, PlannedRun, write_plan
from sim.sweeps.progress import SweepProgress

NO_REASON: Final = "its process ended without a message: killed, or out of memory"


class Product(NamedTuple):
    """What is made of the runs of a plan.

    task  what a launcher calls with a job: it makes the runs of its part that are not done
    make  makes one
    file  (folder of all runs, number of one) -> the file that says that it is made
    done  whether nothing is left to do for one
    """

    task: Callable[[Any], Any]
    make: Maker | None
    file: Callable[[Path, str], Path]
    done: Callable[[Plan, PlannedRun], bool]


def make_runs(
    plan: Plan, product: Product, opening: str, launcher: Mapping[str, str], threads: int | None,
    quiet: bool, memory: int = 0, together: int = 1,
) -> int:  # fmt: skip
    """Make the runs that are not done; returns the highest exit code, and says what failed.

    opening   what is planned, in words
    launcher  its settings, as in a sweep
    threads   of each run, if the user said so
    memory    bytes that a worker takes beside its run
    together  runs that follow each other in the plan and share one job, if nobody has to wait for
              that
    """
    pending = [run for run in plan.unique if not product.done(plan, run)]
    share = share_of(launcher, threads, max(len(pending), 1), plan.memory + memory)
    if share.workers * together <= len(plan.unique):
        share = share._replace(size=math.ceil(share.size / together) * together)
    write_plan(plan)
    for run in pending:
        plan.log(run).unlink(missing_ok=True)
    there = len(plan.unique) - len(pending)
    known = f", {there} there already" if there else ""
    say(quiet, f"{opening}{known}; {share_in_words(share)}")
    if pending:
        launch_pending(plan, pending, product, share, quiet)
    left = [run for run in plan.unique if not product.done(plan, run)]
    return (tell_failures(plan, left) or OutputError.exit_code) if left else 0


def share_in_words(share: Share) -> str:
    """How the runs are made, in words."""
    threads = "all threads" if share.threads is None else f"{share.threads} thread(s)"
    return f"{share.launcher}, {share.workers} at a time, {threads} each"


def launch_pending(
    plan: Plan, pending: Sequence[PlannedRun], product: Product, share: Share, quiet: bool
) -> None:
    """Have the launcher make these runs; the first one here if the model is not compiled, so that
    not every worker compiles it. Raises OutputError if the launcher ends before its jobs do."""
    awaited = [(product.file(plan.root, run.number), plan.log(run)) for run in pending]
    if share.workers > 1 and is_cold():
        say(quiet, "compiling the model: once, with the first run")
        attempt(plan, pending[0], share.threads, product.make)
    with SweepProgress(awaited, quiet):
        _launch_until_done(plan, pending, product, share)


def _launch_until_done(
    plan: Plan, pending: Sequence[PlannedRun], product: Product, share: Share
) -> None:
    """Launch what is left until nothing is, or nothing more can be made.

    A worker that is killed, as for want of memory, may end its launcher and with it the runs of the
    others. These are launched again, and then each of those that were under way alone: whichever
    is killed again is left out, and only that one.
    """
    suspects: list[PlannedRun] = []
    left = list(pending)
    while left:
        for run in left:
            plan.begun(run).unlink(missing_ok=True)
        try:
            launch_plan(product.task, plan, left, share)
            break
        except OutputError as error:
            open_ = _unanswered(plan, left, product)
            killed = [run for run in open_ if plan.begun(run).exists()]
            if not killed and len(open_) == len(left):
                raise  # nothing was begun: the launcher itself does not work
            suspects += killed
            left = [run for run in open_ if run not in killed]
            stopped = error
    for run in suspects:
        with suppress(OutputError):
            launch_plan(product.task, plan, [run], share)
    if _unanswered(plan, suspects, product):
        raise stopped


def _unanswered(plan: Plan, runs: Sequence[PlannedRun], product: Product) -> list[PlannedRun]:
    """Runs that are neither done nor have said why not."""
    return [run for run in runs if not product.done(plan, run) and not plan.log(run).exists()]


def tell_failures(plan: Plan, failed: Sequence[PlannedRun], no_reason: str = NO_REASON) -> int:
    """Say on standard error which runs failed and why; the highest of their exit codes."""
    if not failed:
        return 0
    print(f"kyosei: {len(failed)} of {len(plan.unique)} runs failed", file=sys.stderr)
    worst = 0
    for place, run in enumerate(failed):
        code, why = reason_in_log(plan.log(run), no_reason)
        worst = max(worst, code)
        if place < MOST_SHOWN:
            print(f"failed: {' '.join(run.words)}", why, sep="\n", file=sys.stderr)
    if len(failed) > MOST_SHOWN:
        print(f"and {len(failed) - MOST_SHOWN} more", file=sys.stderr)
    print("kyosei: the same command goes on where this one stopped", file=sys.stderr)
    return worst


def reason_in_log(log: Path, no_reason: str = NO_REASON) -> tuple[int, str]:
    """(exit code, message) from the log of a failed run."""
    try:
        first, _, _, *rest = log.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return BUG, f"  {no_reason}"
    code = int(first.removeprefix("exit code ") or BUG)
    text = rest[-1:] if code == BUG else rest
    return code, "\n".join([*(f"  {line}" for line in text), f"  log: {log}"])


def say(quiet: bool, text: str) -> None:
    """A line on standard error, unless `quiet`."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)
