"""One run from configuration to folder, and the proof that a folder can be made again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.config.compose import to_yaml
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError, OutputError
from sim.core.interrupt import stop_if_asked
from sim.core.numba_cache import is_cold
from sim.core.threads import use_threads
from sim.data.load import Data, data_of
from sim.files.folder import RunFolder, found_complete, read_manifest
from sim.files.manifest import code_digest, run_id
from sim.model.checkpoint import Checkpoint, file_name, kept_months, read, restore, writer
from sim.model.model import Kyosei
from sim.model.opening import blank_state
from sim.model.precompile import compiled_beside
from sim.model.same_past import differences as other_pasts
from sim.outputs.indicators import catalogue
from sim.outputs.summary import firms_fit, opening_fit
from sim.outputs.write import write_outputs
from sim.runs.facts import manifest_of, refuse_wrong_audit, report
from sim.runs.progress import Doing, MonthProgress, duration, expected_seconds
from sim.runs.resources import Needs, estimate, refuse_too_large
from sim.runs.stopwatch import Stopwatch
from sim.runs.warnings import warnings_of

VOLATILE = {
    "output": "runs", "threads": None, "checkpoint": None, "from_": None, "memory_gb": None,
    "label": None, "notes": None, "tags": None,
}  # fmt: skip
"""Settings that change no result: a run's identity and its config.yaml hold these values."""

CONFIG = "config.yaml"

MEAN_OF_MOST = 0.7
"""Mean number of people over a run, as a share of the upper end that is estimated before it."""

Observer = Callable[[Kyosei], None]
"""Called with the model after the opening and after each month; must change nothing."""


@dataclass(frozen=True)
class Job:
    """A run that is about to be made."""

    config: RunConfig
    data: Data
    number: str
    text: str  # the configuration, in the spelling that the number is made from
    needs: Needs
    kept: Checkpoint | None  # where it goes on from
    quiet: bool
    watch: Observer | None = None
    inside: bool = False  # whether the folder of all runs must be there already
    lines: bool = False  # whether progress is told as lines of JSON

    @property
    def folder(self) -> Path:
        return Path(self.config.output) / self.number

    def say(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)


def own_file(table: str) -> str:
    """Where a run keeps a table of one's own that it read."""
    return f"data/{table}.csv"


def identity(config: RunConfig, data: Data) -> tuple[str, str]:
    """(run id, canonical text of the configuration)."""
    own = {table: own_file(table) for table in data.own} or None
    text = to_yaml(config.model_copy(update={**VOLATILE, "data": own}))
    return run_id(text, data.digest, code_digest(), config.seed, config.replicate), text


def run(
    config: RunConfig,
    quiet: bool = False,
    observer: Observer | None = None,
    kept: Checkpoint | None = None,
    inside: bool = False,
    lines: bool = False,
) -> Path:
    """Simulate and write a run's folder; a folder that is complete is left as it is.

    observer  sees every month that is simulated here: none, if the folder is complete
    kept      what to go on from, if another run of this process had the same past (see
              `sim.studies.comparison.shared_past`); otherwise `config.from_` says it
    inside    whether the folder `config.output` must be there already
    lines     progress as one line of JSON a month, and nothing else

    Raises ConfigError, DataError, OutputError, or InvariantError (outputs are then set aside as
    *.failed).
    """
    with Stopwatch() as watch:
        data = data_of(config)
        number, text = identity(config, data)
        folder = Path(config.output) / number
        if found_complete(folder) and not _missing(config, read_manifest(folder)):
            Job(config, data, number, text, Needs(0, 0, 0, 0), None, quiet).say(
                f"run {number} is complete already: nothing to do"
            )
            return folder
        catalogue(config)  # refuses names that are taken, before anything is made
        needs = estimate(config, data)
        refuse_too_large(needs, config)
        before = kept or _kept(config, data)
        quiet = quiet or lines
        job = Job(config, data, number, text, needs, before, quiet, observer, inside, lines)
        try:
            with compiled_beside():
                _write(job, watch)
        except MemoryError as error:
            raise OutputError(
                f"memory ran out, although about {needs.memory / 1e9:.2f} GB were expected to do:"
                " take a smaller scale, or fewer runs at a time"
            ) from error
        return folder


def _missing(config: RunConfig, manifest: dict[str, Any] | None) -> set[str]:
    """Months that the run shall keep and has not kept."""
    have = kept_months(manifest["files"]) if manifest is not None else set()
    return set(config.checkpoint or ()) - have


def _write(job: Job, watch: Stopwatch) -> None:
    with RunFolder(Path(job.config.output), job.number, job.inside) as folder:
        finished = folder.adopt()  # long ago, or by another process just now
        missing = _missing(job.config, finished)
        if finished is not None and not missing:
            return
        watch.lap("start")
        _announce(job)
        with Doing("Opening the population", job.quiet):
            model, agent_months = _open(job)
        warnings = warnings_of(model)
        if warnings and not job.quiet:
            print(*(f"kyosei: warning: {text}" for text in warnings), sep="\n", file=sys.stderr)
        watch.lap("opening")
        if finished is not None:
            _simulate(job, model, folder, agent_months, max(missing), missing)
            folder.finish(finished)
            return
        folder.add_text(CONFIG, job.text)
        for table, content in job.data.own.items():
            folder.add_bytes(own_file(table), content)
        agent_months = _simulate(job, model, folder, agent_months, job.config.end, missing)
        watch.lap("months")
        what = "tables and figures" if job.config.figures else "tables"
        with Doing(f"Writing the {what}", job.quiet):
            refuse_wrong_audit(model.state.audit, model.state.rates)
        write_outputs(folder, model, job.data, job.number)
        watch.lap("outputs")
        facts = manifest_of(model, job.data, watch.seconds, agent_months, job.needs)
        folder.finish({**facts, "warnings": warnings, "continued_from": _origin(job)})
        if not job.quiet:
            job.say(report(model, job.data, watch.seconds, agent_months))


def _announce(job: Job) -> None:
    """Say on standard error what is about to be made and how long it will take."""
    if job.quiet:
        return
    config, needs = job.config, job.needs
    start = config.start if job.kept is None else month_name(job.kept.header["month"])
    months = month_index(config.end) - month_index(start)
    people = round(needs.people * MEAN_OF_MOST)
    seconds = expected_seconds(people, months, use_threads(config.threads), config.figures)
    print(
        f"Run {job.number}: {start} to {config.end}, {months} months of up to {needs.people:,}"
        f" simulated people (scale {config.scale:g}); about {duration(seconds)}.",
        file=sys.stderr,
    )
    if is_cold():
        print(
            "The model is compiled first, once for this version of the code: about a minute on two"
            " free cores, three on one.",
            file=sys.stderr,
        )
    sys.stderr.flush()


def _open(job: Job) -> tuple[Kyosei, int]:
    """The model before its first month, and the agent-months that it has behind it."""
    config, kept = job.config, job.kept
    if kept is None:
        return Kyosei(config, job.data), 0
    n = kept.arrays["people.key"].size
    state = blank_state(config, job.data, n, use_threads(config.threads))
    problems = other_pasts(kept.header, config, job.data, state) if config.from_ else []
    if problems:
        raise ConfigError([f"cannot continue from {kept.path}: {what}" for what in problems])
    restore(kept, state)
    model = Kyosei(config, state=state)
    model.opening_report = kept.header["opening_residuals"]
    return model, kept.header["agent_months"]


def _simulate(
    job: Job, model: Kyosei, folder: RunFolder, agent_months: int, end: str, wanted: set[str]
) -> int:
    """Run to the end of a month and keep the wanted ones; returns all agent-months so far."""
    last = month_index(end)

    def keep() -> None:
        if model.date in wanted:
            facts = facts_of(model, job.data, job.number, job.text, agent_months)
            folder.add(file_name(model.date), writer(model.state, facts))

    keep()
    if job.watch is not None:
        job.watch(model)
    with MonthProgress(last - model.month, quiet=job.quiet, lines=job.lines) as progress:
        while model.month < last:
            stop_if_asked()
            model.step()
            agent_months += len(model.people)
            progress.advance(model.date, len(model.people))
            keep()
            if job.watch is not None:
                job.watch(model)
    return agent_months


def facts_of(
    model: Kyosei, data: Data, number: str, text: str, agent_months: int
) -> dict[str, Any]:
    """What a checkpoint says of its run: see `identity` for its number and text."""
    return {
        "run": number, "config": text, "code_sha256": code_digest(),
        "data_sha256": data.digest, "agent_months": agent_months,
        "opening_residuals": model.opening_report,
    }  # fmt: skip


def _origin(job: Job) -> dict[str, str]:
    """Which run it went on from, and when; nothing for a run that began at the beginning."""
    if job.kept is None:
        return {}
    return {"run": job.kept.header["run"], "month": month_name(job.kept.header["month"])}


def _kept(config: RunConfig, data: Data) -> Checkpoint | None:
    """The checkpoint that the run shall go on from. Raises ConfigError if it cannot be."""
    if config.from_ is None:
        return None
    place, _, month = config.from_.rpartition("@")
    folder = Path(place)
    path = folder / file_name(month)
    if not path.is_file():
        have = sorted(kept_months(p.name for p in folder.glob("*.npz")))
        rule = (
            f"it kept {', '.join(have)}" if have else "it kept none: run it with checkpoint=MONTH"
        )
        raise ConfigError(f"from = {config.from_}\n    there is no {path}; {rule}")
    kept = read(path)
    problems = []
    for what, now in (("code", code_digest()), ("data", data.digest)):
        if kept.header[f"{what}_sha256"] != now:
            problems.append(f"the {what} changed since it was written: make it again")
    try:
        opening_fit(kept.header["opening_residuals"])
        firms_fit(kept.header["opening_residuals"].get("firms", {}))
    except (KeyError, TypeError, ValueError, AttributeError):
        problems.append("its opening_residuals are not those of a run")
    reached = kept.header["month"]
    if reached > month_index(config.end):
        problems.append(f"it lies after the end, {config.end}")
    early = [when for when in config.checkpoint or [] if month_index(when) < reached]
    if early:
        problems.append(f"checkpoint={early[0]} lies before it and cannot be kept any more")
    if problems:
        raise ConfigError([f"cannot continue from {path}: {what}" for what in problems])
    return kept
