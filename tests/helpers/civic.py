"""The tiny country with municipalities and agencies that act, as Japan's configuration has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.data.load import Data
from sim.model.model import Kyosei
from sim.model.opening import state_of
from tests.helpers import tiny

SECTIONS = ("town", "agency", "integration")
TOTAL = [400_000, 50_000, 100_000, 90_000, 20_000, 15_000]
FOREIGN = [4000, 1000, 2000, 2000, 500, 500]


def sections() -> dict[str, Any]:
    """Japan's settings; a backlog fit for a country of a few thousand people."""
    out = {
        name: yaml.safe_load((configs_folder() / name / "japan.yaml").read_text("utf-8"))
        for name in SECTIONS
    }
    out["town"]["support"]["bodies"].update(value=2.0)
    out["town"]["support"]["grants"].update(value=2.0e7)
    out["agency"]["immigration"]["officers"].update(value=30.0)
    for agency in out["agency"].values():
        agency["at"] = tiny.START
        agency["residents"].update(level=4000.0)
        for queue in agency["queues"].values():
            queue["waiting"].update(level=0.0)
    return out


def config(change: dict[str, Any] | None = None, **settings: Any) -> RunConfig:
    """The tiny configuration with the three sections; `change` maps dotted paths to values."""
    return tiny.config(change, **sections(), **settings)


def data() -> Data:
    """Tables of the tiny country, with what is known of its municipalities."""
    base = tiny.data()
    towns = base.tables["municipalities"].assign(
        register_total_2025=TOTAL, register_foreign_2025=FOREIGN,
        area_km2=[50.0, 400.0, 100.0, 300.0, 500.0, 500.0],
        **{f"projected_{y}": [t * (1 - (y - 2025) / 100) for t in TOTAL]
           for y in range(2020, 2051, 5)},
    )  # fmt: skip
    past = pd.DataFrame({"municipality": tiny.TOWNS, "y2020": [3000, 900, 1000, 1500, 450, 400]})
    tables = {**base.tables, "municipalities": towns, "municipalities_foreign": past}
    return Data("tiny", Path("tiny"), tables, "0" * 64)


def state(cfg: RunConfig, people: dict[str, np.ndarray], threads: int = 1) -> State:
    """A run about to start from given people."""
    return state_of(cfg, data(), people, threads)


def model(cfg: RunConfig, people: dict[str, np.ndarray], threads: int = 1) -> Kyosei:
    """A run about to start from given people."""
    return Kyosei(cfg, state=state(cfg, people, threads))
