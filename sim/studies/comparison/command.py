"""`kyosei compare`: paired runs of several scenarios, and what they say, in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.files.folder import RunFolder
from sim.files.manifest import environment
from sim.studies.comparison.comparison import Comparison, comparison_of
from sim.studies.comparison.question import question_of
from sim.studies.comparison.results import write_results
from sim.studies.comparison.runs import PAIRED
from sim.studies.comparison.shared_past import bytes_of_copies
from sim.studies.folder import make_study, print_study
from sim.studies.words import lasting
from sim.sweeps.missing import make_runs


def compare(words: Sequence[str], quiet: bool = False) -> int:
    """Make what runs are missing, write the comparison's folder, print its summary and the folder.

    Returns the exit code. Raises ConfigError before anything is written.
    """
    return print_study(lambda: make_comparison(words, quiet), quiet)


def make_comparison(words: Sequence[str], quiet: bool = False) -> tuple[int, Path]:
    """(highest exit code of the runs, the folder, which is written if the code is 0).

    Raises ConfigError before anything is written.
    """
    return make_asked(comparison_of(question_of(words)), quiet)


def make_asked(asked: Comparison, quiet: bool = False) -> tuple[int, Path]:
    """The same of a comparison that is planned already."""
    return make_study(
        "comparison", asked.plan.root, asked.number, lambda: _make_runs(asked, quiet),
        lambda place: _write(place, asked), quiet,
    )  # fmt: skip


def _write(place: RunFolder, asked: Comparison) -> None:
    facts = write_results(place, asked)
    place.finish({**_facts(asked), **facts})


def _make_runs(asked: Comparison, quiet: bool) -> int:
    """Make the missing runs; returns the highest exit code, and says what failed. The arms of a
    replicate are made together: they share their past."""
    plan, replicates, again = asked.plan, asked.question.replicates, asked.question.design.again
    more = f" and {again} of their draws again" if again else ""
    opening = (
        f"comparison {asked.number}: {len(asked.arms)} arms x {replicates} paired replicates{more},"
        f" {len(plan.unique)} runs"
    )
    return make_runs(
        plan, PAIRED, opening, asked.question.launcher, asked.settings.threads, quiet,
        bytes_of_copies(asked.settings), len(plan.unique) // (replicates + again),
    )  # fmt: skip


def _facts(asked: Comparison) -> dict[str, object]:
    """What the manifest says beside the list of files; nothing of it changes from time to time."""
    settings, replicates = asked.settings, asked.question.replicates
    return {
        "kind": "comparison", "baseline": asked.shown[0],
        "runs": {arm: runs[:replicates] for arm, runs in asked.runs.items()},
        "again": {arm: runs[replicates:] for arm, runs in asked.runs.items()},
        "drawn": list(asked.sources),
        "arms": {arm.name: list(arm.words) for arm in asked.arms},
        "shared": lasting(asked.question.words),
        "replicates": replicates, "confidence": asked.question.confidence,
        "named_months": asked.months, "start": settings.start, "end": settings.end,
        "scale": settings.scale, "seed": settings.seed, "code_sha256": asked.plan.code,
        "data_sha256": asked.plan.data, "environment": environment(),
    }  # fmt: skip
