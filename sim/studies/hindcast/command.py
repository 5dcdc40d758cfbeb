"""`kyosei hindcast`: every origin in a folder of its own, then the scoreboard of all.

Origins are jobs of a launcher, like the runs of a sweep. Each goes to the folder named by its
content, so one that is complete is not made again, and one that was stopped goes on from its last
member. The scores are made from finished folders, in one process.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from sim.config.compose import compose, to_yaml
from sim.config.files import country_of
from sim.config.folders import configs_here
from sim.config.schema.policy import FittedRates
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import DataError
from sim.core.numba_cache import is_cold
from sim.data.load import Data, data_of
from sim.figures.hindcast import draw_paths, draw_scoreboard, hindcast_look
from sim.figures.style import png_bytes
from sim.files.folder import RunFolder, found_complete, json_text, read_parquet, write_atomically
from sim.files.manifest import code_digest, environment, study_id
from sim.runs.progress import MonthProgress
from sim.studies.calibration.fit import FolderKeeper, without_firms
from sim.studies.hindcast.board import board_of, text_of
from sim.studies.hindcast.cells import Looked, cells_of
from sim.studies.hindcast.forecast import (
    ForecastOrigin,
    constant_rates,
    ensemble,
    fitted_rates,
    prepare_origin,
    prior_rates,
)
from sim.studies.hindcast.known import as_known
from sim.studies.hindcast.settings import Hindcast, Request, load_hindcast, request_of
from sim.studies.hindcast.stacking import stacked
from sim.sweeps.launch import launch, quoted, share_of

LAW: Final = "scenario=baseline_2025"
"""No lever of the years after the horizon, unless another scenario is asked for."""

MEMBER: Final = "members/member_{:03d}.parquet"

FORECAST: Final = "forecast.parquet"

CONSTANT: Final = "constant.parquet"

JOBS: Final = ".hindcasts"
"""Folder, below the output, of what is handed to a launcher's jobs."""


@dataclass(frozen=True)
class _Study:
    """What every origin shares."""

    config: RunConfig
    data: Data
    settings: Hindcast
    request: Request

    def number(self, origin: str) -> str:
        """Name of an origin's folder."""
        return _folder_name(self, [origin, self.request.origins[origin]])

    def path(self, origin: str) -> Path:
        return Path(self.request.output) / self.number(origin)


def hindcast(words: Sequence[str], quiet: bool = False) -> Path:
    """Look from every origin asked for; returns the folder of the scoreboard.

    An origin that is complete is not made again, and one that was stopped goes on from its last
    member. With `finished=DIR` the finished origins found there are scored, and none is made.
    Raises ConfigError, DataError, OutputError.
    """
    study = _study_of(words)
    if study.request.finished is not None:
        folders = _found(Path(study.request.finished))
    else:
        _make_missing(study, words, quiet)
        folders = {origin: study.path(origin) for origin in study.request.origins}
    return _together(study, folders, quiet)


def _study_of(words: Sequence[str]) -> _Study:
    country = country_of(words, configs_here())
    settings = load_hindcast(country)
    request = request_of(words, settings)
    own = [f"scale={request.scale}", f"seed={request.seed}"]
    law = [] if any(w.startswith("scenario=") for w in request.overrides) else [LAW]
    config = past_only(compose([*law, *own, *request.overrides]))
    return _Study(config, data_of(config), settings, request)


def _make_missing(study: _Study, words: Sequence[str], quiet: bool) -> None:
    """Make the origins that are not complete, here or by a launcher."""
    pending = [o for o in study.request.origins if not found_complete(study.path(o))]
    if pending and is_cold():  # kernels are compiled once, not by every worker at a time
        _one(study, pending.pop(0), quiet)
    if not pending:
        return
    given = dict(word.split("=", 1) for word in study.request.launcher)
    share = share_of(given, study.request.threads, len(pending))
    if share.launcher == "basic":
        for origin in pending:
            _one(study, origin, quiet)
        return
    record = json_text({"words": list(words), "origins": pending, "quiet": quiet})
    mark = hashlib.sha256(record.encode()).hexdigest()[:16]
    plan = Path(study.request.output).absolute() / JOBS / mark / "words.json"
    plan.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(plan, lambda stream: stream.write(record.encode("utf-8")))
    jobs = ",".join(str(job) for job in range(len(pending)))
    threads = share.threads or "null"
    launch(make_origin, [f"plan={quoted(plan)}", f"job={jobs}", f"threads={threads}",
                         *share.words], plan.parent)  # fmt: skip


def make_origin(job: Any) -> None:
    """What a launcher calls: one origin, in whatever process it chose."""
    record = json.loads(Path(job.plan).read_text(encoding="utf-8"))
    study = _study_of(record["words"])
    request = study.request
    if request.threads is None:  # not part of any name
        study = replace(study, request=replace(request, threads=job.threads))
    _one(study, record["origins"][int(job.job)], quiet=True)


def _found(folder: Path) -> dict[str, Path]:
    """Origin -> folder of the finished origins below a folder. Raises DataError."""
    out: dict[str, Path] = {}
    for manifest in sorted(folder.glob("*/manifest.json")):
        facts = json.loads(manifest.read_text(encoding="utf-8"))
        if facts.get("kind") != "hindcast_origin":
            continue
        if facts["origin"] in out:
            both = f"{out[facts['origin']].name}, {manifest.parent.name}"
            raise DataError([f"{folder}: {facts['origin']} is there twice; keep one of {both}"])
        out[facts["origin"]] = manifest.parent
    if not out:
        raise DataError([f"{folder}: holds no finished origin of a hindcast"])
    return dict(sorted(out.items()))


def past_only(config: RunConfig) -> RunConfig:
    """Without municipalities and agencies that act, which are described for 2025 and later, and
    without a fit: an origin before that cannot know them. Firms act after the origin alone."""
    gone: dict[str, object] = dict.fromkeys(("town", "agency", "integration"))
    return without_firms(config.model_copy(update={**gone, "fit": FittedRates()}))


def _one(study: _Study, origin: str, quiet: bool) -> Path:
    """One origin's folder: members, forecast and figure."""
    config, data, settings, request = study.config, study.data, study.settings, study.request
    number, path = study.number(origin), study.path(origin)
    if found_complete(path):
        return path
    with RunFolder(Path(request.output), number) as folder:
        if folder.adopt() is not None:
            return path
        known = as_known(data, month_index(origin), settings)
        if request.rates == "fitted":
            rates = fitted_rates(config, known, FolderKeeper(folder), _saying(quiet))
        else:
            rates = prior_rates(config, request, settings)
        horizon = month_index(request.origins[origin])
        shared = prepare_origin(request, known, horizon, rates, data)
        with MonthProgress(request.members + 1, quiet=quiet, unit="members") as progress:

            def kept(member: int, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
                name = MEMBER.format(member)
                file = folder.path / name
                frame = read_parquet(file).to_pandas() if file.is_file() else make()
                folder.add_table(name, pa.Table.from_pandas(frame, preserve_index=False))
                progress.advance(f"{origin} member {member}", 0)
                return frame

            forecast = ensemble(shared, range(request.members + 1), kept)
        _finish(folder, study, shared, forecast)
    return path


def _saying(quiet: bool) -> Callable[[str], None]:
    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    return say


def _finish(
    folder: RunFolder, study: _Study, shared: ForecastOrigin, forecast: pd.DataFrame
) -> None:
    origin, horizon = month_name(shared.known.origin), month_name(shared.horizon)
    past = study.data["stocks_status"].rename(columns={"date": "month", "status": "code"})
    constant = constant_rates(shared)
    folder.add_table(FORECAST, pa.Table.from_pandas(forecast, preserve_index=False))
    folder.add_table(CONSTANT, pa.Table.from_pandas(constant, preserve_index=False))
    told = forecast[forecast["events"] == shared.request.events[0]]
    figure = draw_paths(told, past[["month", "code", "people"]], origin,
                        hindcast_look(study.config, folder.path.name))  # fmt: skip
    folder.add_bytes("paths.png", png_bytes(figure))
    folder.finish(
        {**_facts(shared.request, "hindcast_origin"), "origin": origin, "horizon": horizon}
    )


def _facts(request: Request, kind: str) -> dict[str, Any]:
    asked = {"members": request.members, "scale": request.scale, "mode": request.mode,
             "rates": request.rates, "events": list(request.events),
             "seed": request.seed}  # fmt: skip
    return {"kind": kind, "request": asked, "code_sha256": code_digest(),
            "environment": environment()}  # fmt: skip


def _folder_name(study: _Study, more: list[str]) -> str:
    """Name of a folder, made of all that its content depends on."""
    r = study.request
    events = "+".join(r.events)
    asked = f"{r.members} {r.scale} {r.mode} {r.rates} {events} {r.seed}"
    return study_id(
        to_yaml(study.config), study.data.digest, study.settings.model_dump_json(), code_digest(),
        asked, *more,
    )  # fmt: skip


def _together(study: _Study, folders: dict[str, Path], quiet: bool) -> Path:
    """The scoreboard of all origins: tables, text, figure."""
    request, settings = study.request, study.settings
    number = _folder_name(study, sorted(path.name for path in folders.values()))
    with RunFolder(Path(request.output), number) as folder:
        if folder.adopt() is None:
            looked = [
                Looked(as_known(study.data, month_index(origin), settings),
                       read_parquet(path / FORECAST).to_pandas(),
                       read_parquet(path / CONSTANT).to_pandas())
                for origin, path in folders.items()
            ]  # fmt: skip
            cells = cells_of(looked, study.config, study.data, settings)
            rows, learnt = stacked(cells, settings)
            frame = pd.concat([cells.frame, rows], ignore_index=True)
            tables = {"cells": frame, "learnt": learnt, **board_of(frame, settings)}
            for name, table in tables.items():
                folder.add_table(
                    f"{name}.parquet", pa.Table.from_pandas(table, preserve_index=False)
                )
            folder.add_text("scoreboard.txt", text_of(tables) + "\n")
            look = hindcast_look(study.config, number)
            figure = draw_scoreboard(tables["scores"], tables["differences"], look)
            folder.add_bytes("scoreboard.png", png_bytes(figure))
            named = {origin: path.name for origin, path in folders.items()}
            folder.finish({**_facts(request, "hindcast"), "folders": named})
    if not quiet:
        print((folder.path / "scoreboard.txt").read_text(encoding="utf-8"))
    return folder.path
