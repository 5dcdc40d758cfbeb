"""States of any size: the real opening population sampled down, or tiled with new keys."""

from __future__ import annotations

import numpy as np

from sim.agents.opening import open_population
from sim.clock import month_index
from sim.config import compose
from sim.data import Data, load
from sim.model import state_of
from sim.rng import TAG_OPENING, threefry
from sim.schema import RunConfig
from sim.state import State


def configuration(threads: int, scale: float = 1.0) -> tuple[RunConfig, Data]:
    """The main job's configuration and tables."""
    config = compose([f"threads={threads}", f"scale={scale}"])
    return config, load(config.country.data)


def state_with(people: int, threads: int) -> State:
    """The main job about to start from about `people` residents.

    Up to the size of the country a systematic sample at that scale. Beyond, whole copies of the
    country with keys of their own; arrivals grow in proportion.
    """
    config, data = configuration(threads)
    month = month_index(config.start)
    total = _residents(data, config.start)
    if people < total:
        config = config.model_copy(update={"scale": people / total})
    columns = open_population(config, data, month, config.scale).columns
    copies = max(1, round(people / total))
    state = state_of(config, data, tiled(columns, copies), threads)
    state.scale *= copies
    return state


def _residents(data: Data, date: str) -> int:
    stocks = data["stocks_status"]
    return int(stocks.loc[stocks["date"] == date, "people"].sum())


def tiled(columns: dict[str, np.ndarray], copies: int) -> dict[str, np.ndarray]:
    """`copies` of everyone, one after another; keys differ, families stay within their copy."""
    n = columns["key"].size
    out = {name: np.tile(column, copies) for name, column in columns.items()}
    for copy in range(1, copies):
        mine = slice(copy * n, (copy + 1) * n)
        principal = out["principal"][mine]
        principal[principal >= 0] += copy * n
        word, _ = threefry(TAG_OPENING, np.uint64(copy), np.uint64(0), np.uint64(0))
        out["key"][mine] ^= np.uint64(word)
    return out
