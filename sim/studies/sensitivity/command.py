"""`kyosei sensitivity`: the runs, in batches that are kept, then tables and the tornado."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.config.compose import compose, to_yaml
from sim.config.files import country_of
from sim.config.folders import configs_here
from sim.core.errors import ConfigError
from sim.core.interrupt import stop_if_asked
from sim.core.text import table
from sim.data.load import data_of
from sim.figures.look import look_of
from sim.figures.sensitivity import draw_tornado, readable
from sim.figures.style import png_bytes
from sim.files.folder import RunFolder, found_complete, read_parquet
from sim.files.manifest import code_digest, environment, study_id
from sim.runs.progress import MonthProgress
from sim.studies.sensitivity.settings import Study, check_study, load_study, study_of
from sim.studies.sensitivity.study import Experiment, indices, most_important, screening, tornado

BATCH = 8


def sensitivity(words: Sequence[str], quiet: bool = False) -> Path:
    """Run the study; returns its folder. A study that was stopped goes on from its last batch.

    Raises ConfigError, DataError, OutputError.
    """
    study, own, rest = study_of(words, load_study(country_of(words, configs_here())))
    config = compose([*rest, *(f"{name}={own[name]}" for name in ("threads",) if name in own)])
    check_study(study, config)
    if not own.get("seed", "0").isdigit():
        raise ConfigError(f"seed = {own['seed']}\n    write a whole number")
    seed, root = int(own.get("seed", "0")), Path(own.get("output", "sensitivity"))
    config = config.model_copy(update={"seed": seed})
    data = data_of(config)
    number = study_id(
        to_yaml(config.model_copy(update={"threads": None})), data.digest,
        study.model_dump_json(), code_digest(),
    )  # fmt: skip
    if found_complete(root / number):
        return root / number
    with RunFolder(root, number) as folder:
        if folder.adopt() is None:
            _make(folder, study, Experiment.of(study, config, data), seed, quiet)
    return root / number


def _make(folder: RunFolder, study: Study, experiment: Experiment, seed: int, quiet: bool) -> None:
    k = len(study.factors)
    runs = 2 * k + 1 + study.trajectories * (k + 1) + study.sobol * (study.kept + 2)
    with MonthProgress(runs, quiet=quiet, unit="runs") as progress:

        def answers(name: str, points: np.ndarray) -> np.ndarray:
            parts = []
            for first in range(0, len(points), BATCH):
                stop_if_asked()
                batch = points[first : first + BATCH]
                parts.append(_batch(folder, experiment, f"runs/{name}_{first:05d}.parquet", batch))
                for _ in batch:
                    progress.advance(name, 0)
            return np.concatenate(parts)

        swings = tornado(experiment, answers)
        screened = screening(experiment, seed, answers)
        shares = indices(experiment, most_important(screened, study.kept), seed, answers)
    for name, frame in (("tornado", swings), ("morris", screened), ("sobol", shares)):
        folder.add_table(f"{name}.parquet", pa.Table.from_pandas(frame, preserve_index=False))
    labels = {name: factor.label.en for name, factor in study.factors.items()}
    text = study_text(swings, screened, shares, labels)
    folder.add_text("sensitivity.txt", text + "\n")
    look = look_of(experiment.config, folder.path.name)
    figure = draw_tornado(swings, labels, f"{study.start} to {study.end}", look)
    folder.add_bytes("tornado.png", png_bytes(figure))
    folder.finish({"kind": "sensitivity", "study": study.model_dump(), "seed": seed,
                   "code_sha256": code_digest(), "environment": environment()})  # fmt: skip
    if not quiet:
        print(text)


def _batch(folder: RunFolder, experiment: Experiment, name: str, points: np.ndarray) -> np.ndarray:
    """Answers float64[N, outputs] of a batch, from its file if there is one."""
    path = folder.path / name
    if path.is_file():
        said = read_parquet(path).to_pandas().to_numpy(np.float64)
    else:
        said = np.array([experiment.answer(point) for point in points])
    frame = pd.DataFrame(said, columns=list(experiment.study.outputs))
    folder.add_table(name, pa.Table.from_pandas(frame, preserve_index=False))
    return said


def study_text(
    swings: pd.DataFrame, screened: pd.DataFrame, shares: pd.DataFrame, labels: dict[str, str]
) -> str:
    """For each output: factors by their swing, with Morris and Sobol numbers."""
    blocks = []
    for output, rows in swings.groupby("output", sort=False):
        width = (rows["high"] - rows["low"]).abs()
        lines = []
        for at in width.sort_values(ascending=False, kind="stable").index:
            row = rows.loc[at]
            one = screened[(screened["output"] == output) & (screened["factor"] == row["factor"])]
            two = shares[(shares["output"] == output) & (shares["factor"] == row["factor"])]
            low, high = (row[end] / row["central"] - 1 for end in ("low", "high"))
            sobol = [f"{two[name].iloc[0]:.2f}" if len(two) else "-" for name in ("first", "total")]
            effects = [f"{one[name].iloc[0]:.2%}" for name in ("mu_star", "sigma")]
            lines.append([labels[row["factor"]], f"{low:+.2%}", f"{high:+.2%}", *effects, *sobol])
        head = [f"{output} ({readable(rows['central'].iloc[0])})", "low", "high", "mu*", "sigma",
                "Sobol first", "total"]  # fmt: skip
        blocks.append(table(head, lines))
    return "\n\n".join(blocks)
