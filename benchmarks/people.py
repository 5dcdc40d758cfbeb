"""States of any size: the real opening population sampled down, or tiled with new keys."""

from __future__ import annotations

import numpy as np

from sim.agents.firms import Labour, packed, unpacked
from sim.agents.opening.people import open_population
from sim.agents.population import FIELDS
from sim.agents.state import State
from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.rng import TAG_OPENING, threefry
from sim.data.load import Data, data_of
from sim.model.opening import open_work, record_firms, state_of


def configuration(threads: int, scale: float = 1.0) -> tuple[RunConfig, Data]:
    """The main job's configuration and tables."""
    config = compose([f"threads={threads}", f"scale={scale}"])
    return config, data_of(config)


def state_with(people: int, threads: int, firms: bool = False) -> State:
    """The main job about to start from about `people` residents, with its firms or without.

    Up to the size of the country a systematic sample at that scale. Beyond, whole copies of the
    country with keys of their own; arrivals and caps grow in proportion.
    """
    config, data = configuration(threads)
    month = month_index(config.start)
    total = _residents(data, config.start)
    if people < total:
        config = config.model_copy(update={"scale": people / total})
    columns = open_population(config, data, month, config.scale).columns
    state = state_of(config, data, columns, threads)
    if firms:
        open_work(state, data)
    copies = max(1, round(people / total))
    if copies == 1:
        return state
    columns, labour = {name: state.people[name] for name in FIELDS}, state.labour
    state = state_of(config, data, tiled(columns, copies), threads)
    state.scale *= copies
    if labour is not None:
        state.labour = labour_times(labour, copies)
        place = state.people["firm"].reshape(copies, -1)
        place += np.where(place >= 0, labour.firms.n * np.arange(copies)[:, None], 0)
        record_firms(state)
    return state


def labour_times(labour: Labour, copies: int) -> Labour:
    """`copies` of all firms, one after another, and of all who are on the way to them."""
    arrays, n = packed(labour), labour.firms.n
    whole = ("free", "jobs", "counts", "capped", "flow")
    for name, array in arrays.items():
        if name not in whole and not name.startswith("book."):
            arrays[name] = np.concatenate([array] * copies)
    arrays["book.cells"] = arrays["book.cells"] * copies
    for name in ("firms.key", "way.firm_key", "way.word"):
        arrays[name] = arrays[name] ^ np.repeat(_words(copies), arrays[name].size // copies)
    arrays["way.firm"] += np.repeat(n * np.arange(copies), labour.way["firm"].size).astype(np.int32)
    out = unpacked(arrays)
    assert out is not None
    return out


def _residents(data: Data, date: str) -> int:
    stocks = data["stocks_status"]
    return int(stocks.loc[stocks["date"] == date, "people"].sum())


def tiled(columns: dict[str, np.ndarray], copies: int) -> dict[str, np.ndarray]:
    """`copies` of everyone, one after another; keys differ, families stay within their copy."""
    n = columns["key"].size
    out = {name: np.tile(column, copies) for name, column in columns.items()}
    words = _words(copies)
    for copy in range(1, copies):
        mine = slice(copy * n, (copy + 1) * n)
        principal = out["principal"][mine]
        principal[principal >= 0] += copy * n
        out["key"][mine] ^= words[copy]
    return out


def _words(copies: int) -> np.ndarray:
    """uint64[copies]: what the keys of each copy differ by; nothing for the first."""
    drawn = [threefry(TAG_OPENING, np.uint64(copy), np.uint64(0), np.uint64(0))[0]
             for copy in range(1, copies)]  # fmt: skip
    return np.array([0, *map(int, drawn)], np.uint64)
