"""Figures of a finished run, from its tables and settings alone."""

from __future__ import annotations

from pathlib import Path

from sim.core.errors import ConfigError
from sim.data.load import data_of
from sim.files.folder import write_atomically
from sim.outputs.read import FinishedRun
from sim.outputs.write import figures_of


def draw(run: FinishedRun, to: Path) -> list[Path]:
    """Draw all figures of a run into a folder; returns their paths.

    The same bytes as the run itself would have drawn. Raises ConfigError if the folder is not that
    of a run, OutputError if a file cannot be written.
    """
    if run.kind != "run":
        raise ConfigError(f"{run.path} holds a {run.kind}, and its figures are in it")
    data = data_of(run.config)
    frames = {name: run.frame(name) for name in run.tables}
    to.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, png in figures_of(frames, run.config, data, run.path.resolve().name).items():
        paths.append(to / f"{name}.png")
        write_atomically(paths[-1], lambda stream, png=png: stream.write(png))  # type: ignore[misc]
    return paths
