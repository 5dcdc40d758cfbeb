"""`kyosei compare`: paired runs of several scenarios, and what they say, in one folder."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence

from sim.core.errors import OutputError
from sim.core.numba_cache import is_cold
from sim.files.folder import RunFolder, found_complete
from sim.files.manifest import environment
from sim.runs.progress import duration
from sim.studies.comparison.comparison import SUMMARY, Comparison, comparison_of
from sim.studies.comparison.question import question_of
from sim.studies.comparison.results import write_results
from sim.studies.comparison.runs import is_done, launch_runs, make_first
from sim.studies.comparison.shared_past import bytes_of_copies
from sim.sweeps.launch import Share, share_of
from sim.sweeps.plan import Plan, PlannedRun, write_plan
from sim.sweeps.sweep import tell_failures


def compare(words: Sequence[str], quiet: bool = False) -> int:
    """Make what runs are missing, write the comparison's folder, print its summary and the folder.

    Returns the exit code. Raises ConfigError before anything is written.
    """
    started = time.perf_counter()
    asked = comparison_of(question_of(words))
    folder = asked.plan.root / asked.number
    if found_complete(folder):
        _say(quiet, f"comparison {asked.number} is complete already: nothing to do")
    else:
        code = _make_runs(asked, quiet)
        if code:
            return code
        with RunFolder(asked.plan.root, asked.number) as place:
            if place.adopt() is None:
                facts = write_results(place, asked)
                place.finish({**_facts(asked), **facts})
    print((folder / SUMMARY).read_text(encoding="utf-8"))
    _say(quiet, f"done in {duration(time.perf_counter() - started)}")
    print(folder)
    return 0


def _make_runs(asked: Comparison, quiet: bool) -> int:
    """Make the missing runs; returns the highest exit code, and says what failed."""
    plan = asked.plan
    pending = [run for run in plan.unique if not is_done(plan, run)]
    threads = asked.settings.threads
    memory = plan.memory + bytes_of_copies(asked.settings)
    share = share_of(asked.question.launcher, threads, max(len(pending), 1), memory)
    share = _whole_replicates(share, asked)
    write_plan(plan)
    for run in pending:
        plan.log(run).unlink(missing_ok=True)
    _say(quiet, _opening_line(asked, pending, share))
    if pending:
        if share.workers > 1 and is_cold():
            _say(quiet, "compiling the model: once, with the first run")
            make_first(plan, pending[0], share.threads)
        launch_runs(plan, pending, share, quiet)
    return _failures(plan)


def _whole_replicates(share: Share, asked: Comparison) -> Share:
    """All arms of a replicate in one job, if nobody has to wait for that: they share their past."""
    arms = len(asked.plan.unique) // asked.question.replicates
    if share.workers > asked.question.replicates:
        return share
    return share._replace(size=math.ceil(share.size / arms) * arms)


def _opening_line(asked: Comparison, pending: Sequence[PlannedRun], share: Share) -> str:
    runs = len(asked.plan.unique)
    text = f"comparison {asked.number}: {len(asked.arms)} arms x {asked.question.replicates}"
    text += f" paired replicates, {runs} runs"
    text += f", {runs - len(pending)} there already" if len(pending) < runs else ""
    threads = "all threads" if share.threads is None else f"{share.threads} thread(s)"
    return f"{text}; {share.launcher}, {share.workers} at a time, {threads} each"


def _failures(plan: Plan) -> int:
    left = [run for run in plan.unique if not is_done(plan, run)]
    if not left:
        return 0
    worst = tell_failures(plan, left)
    print("kyosei: the same command goes on where this one stopped", file=sys.stderr)
    return worst or OutputError.exit_code


def _facts(asked: Comparison) -> dict[str, object]:
    """What the manifest says beside the list of files; nothing of it changes from time to time."""
    settings = asked.settings
    return {
        "kind": "comparison", "baseline": asked.shown[0], "runs": asked.runs,
        "arms": {arm.name: list(arm.words) for arm in asked.arms},
        "shared": [w for w in asked.question.words if not w.startswith(("output=", "threads="))],
        "replicates": asked.question.replicates, "confidence": asked.question.confidence,
        "named_months": asked.months, "start": settings.start, "end": settings.end,
        "scale": settings.scale, "seed": settings.seed, "code_sha256": asked.plan.code,
        "data_sha256": asked.plan.data, "environment": environment(),
    }  # fmt: skip


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        print(text, file=sys.stderr, flush=True)
