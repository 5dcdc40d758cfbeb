"""`kyosei project`: members, quantiles, the run nearest to the median, all in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.config.compose import to_yaml
from sim.config.files import country_of
from sim.config.folders import configs_here
from sim.config.yaml import dotted
from sim.files.folder import RunFolder
from sim.files.manifest import environment
from sim.runs.run import VOLATILE, run
from sim.studies.comparison.results import arrow_of
from sim.studies.comparison.series import compared
from sim.studies.folder import SUMMARY, make_study, print_study
from sim.studies.projection.ensemble import ALL, Projected, projected
from sim.studies.projection.quantiles import (
    Said,
    nearest_to_median,
    quantile_table,
    read_members,
    with_error,
)
from sim.studies.projection.runs import TABLES
from sim.studies.projection.settings import request_of
from sim.studies.projection.split import variance_table
from sim.studies.projection.summary import named_months, summary_of
from sim.studies.words import lasting
from sim.sweeps.missing import make_runs, say


def project(words: Sequence[str], quiet: bool = False) -> int:
    """Make what members are missing and the run in detail, write the projection's folder, print its
    summary and the folder.

    Returns the exit code. Raises ConfigError before anything is written.
    """
    return print_study(lambda: make_projection(words, quiet), quiet)


def make_projection(words: Sequence[str], quiet: bool = False) -> tuple[int, Path]:
    """(highest exit code of the members, the folder, which is written if the code is 0).

    Raises ConfigError before anything is written.
    """
    asked = projected(request_of(words, country_of(words, configs_here())))
    return make_study(
        "projection", asked.plan.root, asked.number, lambda: _make_members(asked, quiet),
        lambda place: _write(place, asked, quiet), quiet,
    )  # fmt: skip


def _make_members(asked: Projected, quiet: bool) -> int:
    """Make the missing members; returns the highest exit code, and says what failed."""
    whole = len(asked.of(ALL))
    opening = (
        f"projection {asked.number}: {whole} members and {len(asked.plan.unique) - whole} that draw"
        f" one source alone, scale {asked.request.settings.member_scale:g}"
    )
    launcher, threads = asked.request.launcher, asked.config.threads
    return make_runs(asked.plan, TABLES, opening, launcher, threads, quiet)


def _read(asked: Projected, ensemble: str) -> Said:
    members = asked.of(ensemble)
    return read_members(
        asked.plan.root, [one.run for one in members], [one.number for one in members]
    )


def _write(place: RunFolder, asked: Projected, quiet: bool) -> None:
    """Everything that the folder holds, and the run in detail beside it."""
    config = asked.config
    whole = _read(asked, ALL)
    middle, distance = nearest_to_median(whole)
    detail = asked.detail(middle).model_copy(
        update={"threads": config.threads, "output": str(asked.plan.root)}
    )
    say(quiet, f"member {middle} is nearest to the median: made at scale {config.scale:g}")
    beside = run(detail, quiet=True)
    known = compared(config)
    said, error = with_error(whole, asked.request.settings.earned, known, config.start, config.seed)
    alone = {source: _read(asked, source) for source in asked.sources}
    tables = {
        "quantiles": quantile_table(said),
        "variance": variance_table(whole, alone, error, named_months(config)),
        "error": error,
        "members": _members(asked, whole, said, middle),
        "draws": _draws(asked),
    }
    for name, frame in tables.items():
        if len(frame.columns):
            place.add_table(f"{name}.parquet", arrow_of(frame))
    place.add_text("config.yaml", to_yaml(config.model_copy(update=VOLATILE)))
    place.add_text(SUMMARY, summary_of(asked, tables, beside.name, middle))
    if config.figures:
        _draw(place, asked, tables)
    place.finish({**_facts(asked), "detail": beside.name, "nearest": middle, "distance": distance})


def _draw(place: RunFolder, asked: Projected, tables: dict[str, pd.DataFrame]) -> None:
    from sim.studies.projection.pictures import figures_of  # a second: only who draws pays it

    for name, content in figures_of(asked, tables).items():
        place.add_bytes(f"figures/{name}.png", content)


def _members(asked: Projected, whole: Said, said: Said, middle: int) -> pd.DataFrame:
    """month, member, run, residents (as simulated), with_error, nearest: every member at the
    opening, each December and the end."""
    before, after = whole.series("residents"), said.series("residents")
    months = [m for m in before.index if m.month == 12 or m in (before.index[0], before.index[-1])]
    runs = {one.number: one.run for one in asked.of(ALL)}
    rows = [(month, number, runs[number], before.at[month, number], after.at[month, number],
             number == middle) for number in said.numbers for month in months]  # fmt: skip
    columns = ["month", "member", "run", "residents", "with_error", "nearest"]
    return pd.DataFrame(rows, columns=columns)


def _draws(asked: Projected) -> pd.DataFrame:
    """member, source, name, value: what each member was given."""
    source = {one.path: one.source for one in asked.draws.ranged}
    rows = [(one.number, source[path], dotted(path), value) for one in asked.of(ALL)
            for path, value in asked.draws.values(one.number).items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["member", "source", "name", "value"]).astype(
        {"member": np.int16}
    )


def _facts(asked: Projected) -> dict[str, Any]:
    """What the manifest says beside the list of files; nothing of it changes from time to time."""
    config, settings = asked.config, asked.request.settings
    return {
        "kind": "projection", "members": settings.members, "member_scale": settings.member_scale,
        "split": settings.split, "sources": asked.draws.sources(), "seed": config.seed,
        "start": config.start, "end": config.end, "scale": config.scale,
        "scenario": config.scenario.name, "words": lasting(asked.request.words),
        "runs": {f"{m.ensemble} {m.number}": m.run for m in asked.members},
        "earned": settings.earned.model_dump(), "code_sha256": asked.plan.code,
        "data_sha256": asked.plan.data, "environment": environment(),
    }  # fmt: skip
