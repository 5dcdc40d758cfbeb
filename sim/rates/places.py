"""Municipalities as the kernels see them: prefectures, pull, mobility, where arrivals settle."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sim.config.schema.run import RunConfig
from sim.core.probability import cuts
from sim.data.load import Data

N_MOBILITY: Final = 4


def mobility_classes(mobility: np.ndarray) -> np.ndarray:
    """uint8[M]: quartile of the municipality's mobility, so that bounds differ by place."""
    edges = np.quantile(mobility, np.arange(1, N_MOBILITY) / N_MOBILITY)
    return np.searchsorted(edges, mobility, side="right").astype(np.uint8)


class World(NamedTuple):
    """Places. M municipalities in order of code, so those of a prefecture stand together."""

    prefecture: np.ndarray  # uint8[M]: row of the prefecture
    first: np.ndarray  # int32[P + 1]: municipalities of prefecture p are first[p]..first[p+1]
    pull: np.ndarray  # int64[O, M + 1]: cumulated weights of destinations by origin
    mobility: np.ndarray  # uint8[M]: class of mobility, for bounds
    entry_cut: np.ndarray  # uint64[M]: where newcomers go, cumulative thresholds by prefecture
    same_prefecture: int  # threshold: share of moves that stay inside the prefecture
    acting: bool  # whether firms and municipalities act; if not, the rest is never looked at
    firm_support: np.ndarray  # uint8[firms]: bits 1 language, 2 guidance, 4 housing
    support: np.ndarray  # uint8[M]: 0 none, 1 basic, 2 one-stop, 3 leading
    sentiment: np.ndarray  # uint8[M]: tenths of the residents who are opposed, 0..9
    linked: np.ndarray  # uint8[M]: has joined the data link


FLOWS: Final = ("population", "in_domestic", "in_abroad", "out_domestic")

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
    """Places of the country, from the tables `municipalities` and, where there is one,
    `municipality_flows`: without it people move and settle where foreigners live, and all places
    lose alike."""
    towns = data["municipalities"].sort_values("municipality")
    flows = _flows(data, towns)
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


def _flows(data: Data, towns: pd.DataFrame) -> pd.DataFrame:
    """population, in_domestic, in_abroad, out_domestic of the municipalities, in their order."""
    (known,) = data.some("municipality_flows")
    if known is not None:
        return known.set_index("municipality").loc[towns["municipality"]]
    people = towns["foreign"].to_numpy()
    return pd.DataFrame(dict.fromkeys(FLOWS, people), index=towns["municipality"])


def _mobility(flows: pd.DataFrame) -> np.ndarray:
    people, movers = flows["population"].to_numpy(float), flows["out_domestic"].to_numpy(float)
    overall = movers.sum() / people.sum()
    # A place of few people takes the country's rate: one pseudo-count of 50 residents.
    rate = (movers + 50 * overall) / (people + 50)
    return np.clip(rate / overall, *MOBILITY_RANGE)


def _entry_cut(from_abroad: np.ndarray, first: np.ndarray) -> np.ndarray:
    """uint64[M]: cumulative thresholds of the in-moves from abroad within each prefecture."""
    parts = [
        cuts(from_abroad[a:z] + 0.01)  # nowhere is quite closed
        for a, z in pairwise(first.tolist())
    ]
    return np.concatenate(parts)
