"""How many threads a run takes."""

from __future__ import annotations

from sim.cores import usable_cores
from sim.crew import Crew
from sim.schema import RunConfig


def use_threads(wanted: int | None) -> int:
    """How many threads kernels run on; None is all there are."""
    return wanted or usable_cores()


def crew_of(config: RunConfig) -> Crew:
    """The threads of a run."""
    return Crew(use_threads(config.threads))
