"""`kyosei run -m`: a plan of runs, handed to one of Hydra's launchers.

The plan is complete before the first run starts, and its runs are named by their content: a run
that is there already is not made again, so a sweep that was stopped, or killed, goes on when the
same words are typed again. See sim.sweeps.plan for the record and sim.sweeps.job for what a job
does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sim.config.compose import compose
from sim.config.folders import Configs, configs_here
from sim.config.settings import SWEEP_SETTINGS
from sim.core.errors import ConfigError, OutputError
from sim.files.folder import MANIFEST
from sim.runs.progress import duration
from sim.sweeps.design import FIXED, Design, Lines, from_file, lines_of, names_of
from sim.sweeps.job import is_there, run_job
from sim.sweeps.launch import Share, quoted, remove_abandoned, share_of
from sim.sweeps.missing import (
    NO_REASON,
    Product,
    launch_pending,
    say,
    share_in_words,
    tell_failures,
)
from sim.sweeps.plan import LAUNCHES, Plan, PlannedRun, planned, write_plan

QUOTES = "\"'"

PLAIN = "figures=false"
"""Figures take longer than a small run; `figures=true` asks for them in a sweep too."""

FOLDERS = Product(run_job, None, lambda root, number: root / number / MANIFEST, is_there)
"""A sweep wants the folders of its runs and nothing else."""


def run_sweep(words: Sequence[str], quiet: bool = False, only_show: bool = False) -> int:
    """Run what is not there yet, then print each run's folder; returns the highest exit code.

    only_show prints the plan instead. Raises ConfigError, before anything is written, with every
    problem of every run.
    """
    settings, own = split(words, configs_here())
    if settings.get("hydra/sweeper") == "optuna":
        from sim.sweeps.search import search

        return search(own, settings, quiet)
    lines = _lines(own, settings)
    shared = compose([word for word in own if _name(word) in FIXED])
    root = Path(shared.output).absolute()
    plan = planned(lines, names_of(own), root)
    if only_show:
        for run in plan.runs:
            print(run.number, *run.words)
        return 0
    return _carry_out(plan, settings, shared.threads, quiet)


def split(words: Sequence[str], configs: Configs) -> tuple[dict[str, str], list[str]]:
    """(what says how to sweep, the settings of the runs), those of `sweep=NAME` included.

    What is typed wins over what the sweep's file says.
    """
    settings = dict(_pair(word) for word in words if _name(word) in SWEEP_SETTINGS)
    own = [word for word in words if _name(word) not in SWEEP_SETTINGS]
    if "sweep" in settings:
        given = {_name(word) for word in words}
        more = [word for word in from_file(settings.pop("sweep"), configs)
                if _name(word) not in given]  # fmt: skip
        settings = dict(_pair(word) for word in more if _name(word) in SWEEP_SETTINGS) | settings
        own = [word for word in more if _name(word) not in SWEEP_SETTINGS] + own
    return settings, own


def _name(word: str) -> str:
    return word.partition("=")[0]


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _lines(own: Sequence[str], settings: dict[str, str]) -> Lines:
    kind = settings.get("sweep.design", "")
    sweeper = settings.get("hydra/sweeper", "")
    if sweeper == "quasirandom" and not kind:
        kind = "sobol"
    if sweeper == "basic" and kind not in ("", "product", "zip"):
        raise ConfigError(f"hydra/sweeper=basic has no sweep.design={kind}; leave one of them out")
    n = int(settings["sweep.n"]) if "sweep.n" in settings else None
    design = Design(kind, n, int(settings.get("sweep.seed", "0")))
    plain = [] if any(_name(word) == "figures" for word in own) else [PLAIN]
    lines = lines_of([*map(_from_anywhere, own)], design, configs_here())
    return [[word for word in line if _name(word) not in FIXED] + plain for line in lines]


def _from_anywhere(word: str) -> str:
    """A worker may start in another folder than the one in which `from=DIR@MONTH` was typed."""
    name, value = _pair(word)
    return f"{name}={quoted(Path(value.strip(QUOTES)).absolute())}" if name == "from" else word


def _carry_out(plan: Plan, settings: dict[str, str], threads: int | None, quiet: bool) -> int:
    started = time.perf_counter()
    pending = plan.pending()
    share = share_of(settings, threads, max(len(pending), 1), plan.memory)
    write_plan(plan)
    for run in pending:
        plan.log(run).unlink(missing_ok=True)
    say(quiet, _opening_line(plan, pending, share))
    stopped = None
    if pending:
        try:
            _launch(plan, pending, share, quiet)
        except OutputError as error:
            stopped = error
        except KeyboardInterrupt:
            done = len(plan.unique) - len(plan.missing())
            say(quiet, f"{done} of {len(plan.unique)} runs are complete: the same command goes on")
            raise
    else:
        remove_abandoned(plan.folder / LAUNCHES)
    code = _report(plan, stopped)
    made = len(pending) - len(plan.missing())
    seconds = duration(time.perf_counter() - started)
    say(quiet, f"{made} runs made in {seconds}; the plan and the logs are in {plan.folder}")
    return code


def _launch(plan: Plan, pending: list[PlannedRun], share: Share, quiet: bool) -> None:
    launch_pending(plan, pending, FOLDERS, share, quiet)


def _opening_line(plan: Plan, pending: list[PlannedRun], share: Share) -> str:
    known = len(plan.unique) - len(pending)
    text = f"sweep {plan.folder.name}: {len(plan.unique)} runs"
    text += f", {known} complete already" if known else ""
    return f"{text}; {share_in_words(share)}" if pending else f"{text}: nothing to do"


def _report(plan: Plan, stopped: OutputError | None) -> int:
    """Folders on standard output, failures on standard error; the highest exit code."""
    left = {run.number for run in plan.missing()}
    for run in plan.runs:
        if run.number not in left:
            print(plan.root / run.number, flush=True)
    worst = 0 if stopped is None else stopped.exit_code
    failed = [run for run in plan.unique if run.number in left]
    no_reason = NO_REASON if stopped is None else "not made: the launcher stopped"
    worst = max(worst, tell_failures(plan, failed, no_reason))
    if stopped is not None:
        print(f"kyosei: {stopped}", file=sys.stderr)
    return worst
