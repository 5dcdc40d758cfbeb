"""`kyosei hindcast`: every origin in a folder of its own, then the scoreboard of all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from sim.config.compose import compose, to_yaml
from sim.config.schema.policy import FittedRates
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.data.load import Data, load
from sim.figures.hindcast import draw_paths, draw_scoreboard, hindcast_look
from sim.figures.style import png_bytes
from sim.files.folder import RunFolder, found_complete, read_parquet
from sim.files.manifest import code_digest, environment, study_id
from sim.runs.progress import MonthProgress
from sim.studies.calibration.fit import FolderKeeper
from sim.studies.hindcast.forecast import (
    ForecastOrigin,
    ensemble,
    fitted_rates,
    prepare_origin,
    prior_rates,
)
from sim.studies.hindcast.known import as_known
from sim.studies.hindcast.scores import board_text, published_after, scoreboard, verdicts
from sim.studies.hindcast.settings import Hindcast, Request, load_hindcast, request_of

LAW = "scenario=baseline_2025"
"""No lever of the years after the horizon, unless another scenario is asked for."""

MEMBER = "members/member_{:03d}.parquet"

FILES = ("forecast.parquet", "scoreboard.parquet")


def hindcast(words: Sequence[str], quiet: bool = False) -> Path:
    """Look from every origin asked for; returns the folder of the scoreboard.

    An origin that is complete is not made again, and one that was stopped goes on from its last
    member. Raises ConfigError, DataError, OutputError.
    """
    country = compose([]).country.name
    settings = load_hindcast(country)
    request = request_of(words, settings)
    law = [] if any(w.startswith("scenario=") for w in request.overrides) else [LAW]
    config = past_only(compose([*law, *request.overrides]))
    data = load(config.country.data)
    boards = []
    folders = {}
    for origin, horizon in request.origins.items():
        folder = _one(config, data, settings, request, origin, horizon, quiet)
        folders[origin] = folder.name
        boards.append(read_parquet(folder / FILES[1]).to_pandas())
    return _together(
        pd.concat(boards, ignore_index=True), folders, request, settings, config, quiet
    )


def past_only(config: RunConfig) -> RunConfig:
    """Without firms, municipalities and agencies that act, which are described for 2025 and later,
    and without a fit: an origin before that cannot know them."""
    now = ("firms", "town", "agency", "integration")
    gone: dict[str, object] = dict.fromkeys(now)
    return config.model_copy(update={**gone, "fit": FittedRates()})


def _one(
    config: RunConfig, data: Data, settings: Hindcast, request: Request, origin: str,
    horizon: str, quiet: bool,
) -> Path:  # fmt: skip
    """One origin's folder: members, forecast, scoreboard and figure."""
    number = _folder_name(config, data, settings, request, [origin, horizon])
    path = Path(request.output) / number
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
        shared = prepare_origin(request, known, month_index(horizon), rates, data)
        with MonthProgress(request.members + 1, quiet=quiet, unit="members") as progress:

            def kept(member: int, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
                name = MEMBER.format(member)
                file = folder.path / name
                frame = read_parquet(file).to_pandas() if file.is_file() else make()
                folder.add_table(name, pa.Table.from_pandas(frame, preserve_index=False))
                progress.advance(f"{origin} member {member}", 0)
                return frame

            forecast = ensemble(shared, range(request.members + 1), kept)
        _finish(folder, shared, forecast, data, config)
    return path


def _saying(quiet: bool) -> Callable[[str], None]:
    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    return say


def _finish(
    folder: RunFolder, shared: ForecastOrigin, forecast: pd.DataFrame, data: Data,
    config: RunConfig,
) -> None:  # fmt: skip
    request = shared.request
    origin, horizon = month_name(shared.known.origin), month_name(shared.horizon)
    board = scoreboard(shared, forecast, data, horizon)
    board.insert(0, "origin", origin)
    board.insert(1, "horizon", horizon)
    board.insert(2, "mode", request.mode)
    board.insert(3, "rates", request.rates)
    observed = published_after(data, shared.known.origin, shared.horizon)
    past = data["stocks_status"].rename(columns={"date": "month", "status": "code"})
    folder.add_table(FILES[0], pa.Table.from_pandas(forecast, preserve_index=False))
    folder.add_table("published.parquet", pa.Table.from_pandas(observed, preserve_index=False))
    folder.add_table(FILES[1], pa.Table.from_pandas(board, preserve_index=False))
    figure = draw_paths(forecast, past[["month", "code", "people"]], origin,
                        hindcast_look(config, data, folder.path.name))  # fmt: skip
    folder.add_bytes("paths.png", png_bytes(figure))
    folder.finish(_facts(request, {"origin": origin, "horizon": horizon}))


def _facts(request: Request, more: dict[str, Any]) -> dict[str, Any]:
    asked = {"members": request.members, "scale": request.scale, "mode": request.mode,
             "rates": request.rates, "seed": request.seed}  # fmt: skip
    return {"kind": "hindcast", "request": asked, **more, "code_sha256": code_digest(),
            "environment": environment()}  # fmt: skip


def _folder_name(
    config: RunConfig, data: Data, settings: Hindcast, request: Request, more: list[str]
) -> str:
    """Name of a folder, made of all that its content depends on."""
    asked = f"{request.members} {request.scale} {request.mode} {request.rates} {request.seed}"
    return study_id(
        to_yaml(config), data.digest, settings.model_dump_json(), code_digest(), asked, *more
    )


def _together(
    board: pd.DataFrame, folders: dict[str, str], request: Request, settings: Hindcast,
    config: RunConfig, quiet: bool,
) -> Path:  # fmt: skip
    """The scoreboard of all origins: table, Parquet, figure."""
    data = load(config.country.data)
    number = _folder_name(config, data, settings, request, sorted(folders.values()))
    text = "\n".join([board_text(board), "", *verdicts(board, settings.scores)])
    if not quiet:
        print(text)
    with RunFolder(Path(request.output), number) as folder:
        if folder.adopt() is None:
            folder.add_table(FILES[1], pa.Table.from_pandas(board, preserve_index=False))
            folder.add_text("scoreboard.txt", text + "\n")
            figure = draw_scoreboard(board, hindcast_look(config, data, number))
            folder.add_bytes("scoreboard.png", png_bytes(figure))
            folder.finish(_facts(request, {"folders": folders}))
    return folder.path
