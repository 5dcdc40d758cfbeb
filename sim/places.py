"""Municipalities as the kernels see them: prefectures, pull, mobility, where arrivals settle."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from sim.data import Data
from sim.processes.person import World
from sim.processes.risk import mobility_classes
from sim.schema import RunConfig
from sim.status_table import cuts

MOBILITY_RANGE = (0.4, 2.0)
"""Small villages have wild yearly rates of out-moves; beyond these the multiplier is held."""


@dataclass(frozen=True)
class Places:
    """M municipalities in order of code."""

    codes: list[str]
    prefectures: np.ndarray  # uint64[P]: the code as a number, for identity keys
    world: World
    mobility: np.ndarray  # float64[M]: out-moves per resident relative to the country, 2024


def load_places(config: RunConfig, data: Data) -> Places:
    """Places of the country, from tables `municipalities` and `municipality_flows`."""
    towns = data["municipalities"].sort_values("municipality")
    flows = data["municipality_flows"].set_index("municipality").loc[towns["municipality"]]
    codes = list(towns["municipality"])
    prefectures = sorted(config.prefecture)
    row = {code: k for k, code in enumerate(prefectures)}
    prefecture = np.array([row[code] for code in towns["prefecture"]], np.uint8)
    first = np.searchsorted(prefecture, np.arange(len(prefectures) + 1)).astype(np.int32)
    moves = np.concatenate([[0], np.cumsum(flows["in_domestic"].to_numpy(np.int64) + 1)])
    pull = np.tile(moves, (len(config.country.origins), 1))
    same = int(config.life.same_prefecture_moves.value * 2.0**32)
    mobility = _mobility(flows)
    entry = _entry_cut(flows["in_abroad"].to_numpy(np.float64), first)
    nothing = np.zeros(len(codes), np.uint8)
    world = World(
        prefecture, first, pull, mobility_classes(mobility), entry, same,
        acting=False, firm_support=np.zeros(1, np.uint8), support=nothing, sentiment=nothing,
        linked=nothing,
    )  # fmt: skip
    return Places(
        codes,
        np.array([int(code) for code in prefectures], np.uint64),
        world,
        mobility,
    )


def _mobility(flows: pd.DataFrame) -> np.ndarray:
    people, movers = flows["population"].to_numpy(float), flows["out_domestic"].to_numpy(float)
    overall = movers.sum() / people.sum()
    # A place of few people takes the country's rate: one pseudo-count of 50 residents.
    rate = (movers + 50 * overall) / (people + 50)
    return np.clip(rate / overall, *MOBILITY_RANGE)


def _entry_cut(from_abroad: np.ndarray, first: np.ndarray) -> np.ndarray:
    """uint64[M]: cumulative thresholds of the in-moves from abroad within each prefecture."""
    parts = [
        cuts((from_abroad[a:z] + 0.01).tolist())  # nowhere is quite closed
        for a, z in pairwise(first.tolist())
    ]
    return np.concatenate(parts)
