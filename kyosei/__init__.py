"""Kyosei from Python: the names that stay.

import kyosei

run = kyosei.run(["scale=0.01", "end=2030-12"])       # makes the run, or finds it
run["stocks"]                                         # a pandas frame with labels
kyosei.read("runs")["indicators"]                     # of all runs of a folder
effects = kyosei.compare(["scenario=enacted,cap", "scale=0.01", "end=2030-12"])
effects["effects"]

model = kyosei.Model(kyosei.compose(["scale=0.01", "end=2026-12"]))
while model.running:
    model.step()

Words are those of the command line. What is wrong is raised as `kyosei.KyoseiError` or one of its
kinds, with every problem in `error.problems`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import __version__
from sim.config.compose import compose
from sim.core.errors import KyoseiError, OutputError
from sim.outputs.read import FinishedRun, FinishedRuns, read_run
from sim.outputs.read import read_any as read

if TYPE_CHECKING:
    import pandas as pd

    from sim.model.model import Kyosei as Model

__all__ = [
    "FinishedRun", "FinishedRuns", "KyoseiError", "Model", "__version__", "compare",
    "compare_finished", "compose", "project", "read", "run",
]  # fmt: skip


def run(words: Sequence[str] = (), quiet: bool = True) -> FinishedRun:
    """Simulate what the words say, as `kyosei run` does, or find the run that is there already.

    words  such as ["scenario=cap", "scale=0.01", "end=2030-12", "output=/data/runs"]
    quiet  no progress, no summary

    Tables have people, not simulated people. Raises ConfigError, DataError, OutputError, and
    InvariantError if the model broke a promise of its own.
    """
    from sim.runs.run import run as make

    return read_run(make(compose(words), quiet=quiet))


def compare(words: Sequence[str], quiet: bool = True) -> FinishedRun:
    """Compare scenarios by paired runs, as `kyosei compare` does.

    words  such as ["scenario=enacted,cap", "replicates=4", "scale=0.01", "end=2030-12"]

    The tables of what comes back are those of docs/compare.md: `["effects"]` has means, differences
    and intervals. Raises ConfigError, OutputError.
    """
    from sim.studies.comparison.command import make_comparison

    return _finished(*make_comparison(words, quiet))


def project(words: Sequence[str] = (), quiet: bool = True) -> FinishedRun:
    """Run an ensemble, as `kyosei project` does.

    words  such as ["members=50", "member_scale=0.003", "scale=0.1", "split=0"]

    The tables of what comes back are those of docs/projection.md: `["quantiles"]` has medians and
    intervals. Raises ConfigError, OutputError.
    """
    from sim.studies.projection.command import make_projection

    return _finished(*make_projection(words, quiet))


def compare_finished(first: str | Path, second: str | Path) -> pd.DataFrame:
    """Differences and ratios of finished runs, or of folders of them: see
    `sim.studies.finished.compare_finished`. Raises ConfigError."""
    from sim.studies.finished import compare_finished as compared

    return compared(Path(first), Path(second))


def _finished(code: int, folder: Path) -> FinishedRun:
    if code:
        raise OutputError("runs failed: see what was said on standard error")
    return read_run(folder)


def __getattr__(name: str) -> Any:
    """`Model` is imported when it is asked for: reading runs needs no kernels."""
    if name == "Model":
        from sim.model.model import Kyosei

        return Kyosei
    raise AttributeError(f"kyosei has no {name}")
