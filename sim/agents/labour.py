"""All that a run knows about work: its firms, who is on the way to them, where jobs are."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np

from sim.agents.firms import FIRM_FIELDS, FirmBook, FirmSet
from sim.schema import RunConfig
from sim.status_table import cuts
from sim.tables import Codes

WAY = {  # people recruited abroad who have not come: name -> dtype
    "due": np.int16,  # month of arrival
    "asked": np.int16,  # month of the recruitment
    "firm": np.int32,
    "firm_key": np.uint64,
    "tier": np.uint8,
    "word": np.uint64,  # draw of the vacancy
}
HIRED, CROSSED, REFUSED, SEEKING, EMPLOYED, CHOSEN, CAPPED, CAME, EVICTED = range(9)
N_COUNTS = 9
COUNTS = ("hired", "crossed", "refused", "seeking", "employed", "selected", "capped", "came",
          "evicted")  # fmt: skip


class Market(NamedTuple):
    """Where people look for work. T tiers, P prefectures, N sectors."""

    search: int  # threshold: seekers who apply somewhere in a month
    bound: np.ndarray  # bool[T]: workers stay in the sector of their job
    cross: np.ndarray  # uint64[T] thresholds: seekers who look beyond their prefecture
    place_cut: np.ndarray  # uint64[T, N + 1, P] cumulative: where they look; the last for any
    sector_cut: np.ndarray  # uint64[T, P, N] cumulative: in which sector
    limited: np.ndarray  # bool[T]: firms may take only a share of their workers by transfer
    share: np.ndarray  # float64[P]: that share


@dataclass
class Labour:
    """T tiers, N sectors, P prefectures.

    jobs       float64[T, P, N]  jobs wanted at the opening: where people look for work
    way        columns of WAY, one row a person recruited abroad
    transfers  int16[firms]      workers taken from other firms this year
    counts     int64[COUNTS, T]  of this month
    capped     int64[T, fields]  recruitments that a cap stopped this month
    flow       int64[T, fields]  recruitments since April
    """

    firms: FirmSet
    jobs: np.ndarray
    way: dict[str, np.ndarray] = field(
        default_factory=lambda: {name: np.zeros(0, dtype) for name, dtype in WAY.items()}
    )
    transfers: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    counts: np.ndarray = field(default_factory=lambda: np.zeros((N_COUNTS, 1), np.int64))
    capped: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.int64))
    flow: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.int64))
    market: tuple[dict[str, float], Market] | None = field(default=None, init=False)
    """Where people look for work, and the parameters it is made of; no checkpoint keeps it."""

    @property
    def tiers(self) -> int:
        return self.jobs.shape[0]


def labour_of(config: RunConfig, firms: FirmSet, prefecture: np.ndarray, places: int) -> Labour:
    """Work at the opening; prefecture uint8[M], of `places` prefectures."""
    body = config.firms
    assert body is not None
    shape = len(body.tiers), places, len(body.sectors)
    cell = prefecture[firms["municipality"]].astype(np.int64) * shape[2] + firms["sector"]
    jobs = [np.bincount(cell, wanted, shape[1] * shape[2]) for wanted in firms["wanted"].T]
    return Labour(
        firms,
        np.array(jobs).reshape(shape),
        counts=np.zeros((N_COUNTS, len(body.tiers)), np.int64),
        capped=np.zeros((len(body.tiers), len(body.fields)), np.int64),
        flow=np.zeros((len(body.tiers), len(body.fields)), np.int64),
    )


MARKET_PARAMETERS = (
    "recruit.search", "recruit.cross_border", "recruit.pull", "transfer.metropolitan_share",
    "transfer.other_share",
)  # fmt: skip
"""Parameters below `firms` that a Market is made of."""


def market_of(config: RunConfig, codes: Codes, labour: Labour, params: dict[str, float]) -> Market:
    """Where people look for work, by its parameters in force."""
    firms = config.firms
    assert firms is not None
    pulling = np.array([p in firms.recruit.pulling for p in codes.prefectures])
    pull = np.where(pulling, params["recruit.pull"], 1.0)
    jobs = labour.jobs + 1e-9  # nowhere is quite closed, and no row of cuts is empty
    towards = (jobs * pull[None, :, None]).transpose(0, 2, 1)  # [T, N, P]
    places = np.concatenate([towards, towards.sum(axis=1, keepdims=True)], axis=1)
    free = [tier.search == "all" for tier in firms.tiers.values()]
    cross = [params["recruit.cross_border"] if f else 0.0 for f in free]
    metropolitan = np.array([p in firms.transfer.metropolitan for p in codes.prefectures])
    return Market(
        search=int(params["recruit.search"] * 2.0**32),
        bound=np.array([tier.pool == "field" for tier in firms.tiers.values()]),
        cross=(np.array(cross) * 2.0**32).astype(np.uint64),
        place_cut=_cuts(places),
        sector_cut=_cuts(jobs),
        limited=np.array([name in firms.transfer.tiers for name in firms.tiers]),
        share=np.where(
            metropolitan, params["transfer.metropolitan_share"], params["transfer.other_share"]
        ),
    )


def _cuts(weights: np.ndarray) -> np.ndarray:
    """uint64 cumulative thresholds along the last axis."""
    flat = weights.reshape(-1, weights.shape[-1])
    return np.array([cuts(row.tolist()) for row in flat]).reshape(weights.shape)


KEPT = ("jobs", "transfers", "counts", "capped", "flow")
"""Arrays of Labour that a checkpoint keeps as they are."""


def kept_names() -> list[str]:
    """Names of the arrays of `packed`."""
    return [*(f"firms.{name}" for name in FIRM_FIELDS), "free", *KEPT,
            *(f"book.{field.name}" for field in fields(FirmBook)),
            *(f"way.{name}" for name in WAY)]  # fmt: skip


def packed(labour: Labour | None) -> dict[str, np.ndarray]:
    """Everything as arrays by name, for a checkpoint; empty ones in a run without firms."""
    if labour is None:
        return {name: np.zeros(0, np.int8) for name in kept_names()}
    firms = labour.firms
    out = {f"firms.{name}": firms[name] for name in FIRM_FIELDS}
    out["free"] = firms.free_rows
    out |= {f"book.{name}": array for name, array in vars(firms.book).items()}
    out |= {name: getattr(labour, name) for name in KEPT}
    room = np.zeros(firms.n, np.int16)  # of every firm, whatever room there is for more
    room[: min(firms.n, labour.transfers.size)] = labour.transfers[: firms.n]
    out["transfers"] = room
    return out | {f"way.{name}": column for name, column in labour.way.items()}


def unpacked(arrays: dict[str, np.ndarray]) -> Labour | None:
    """The way back. ValueError if the arrays do not belong together."""
    key = arrays["firms.key"]
    if key.dtype != np.uint64:
        return None
    tiers, n = arrays["jobs"].shape[0], key.size
    for name, (dtype, _, by_tier) in FIRM_FIELDS.items():
        column = arrays[f"firms.{name}"]
        if column.dtype != dtype or column.shape != ((n, tiers) if by_tier else (n,)):
            raise ValueError(f"firms.{name} is {column.dtype}{list(column.shape)}")
    way = {name: arrays[f"way.{name}"].astype(dtype) for name, dtype in WAY.items()}
    if way["firm"].size and not 0 <= int(way["firm"].min()) <= int(way["firm"].max()) < n:
        raise ValueError(f"way.firm is not 0 to {n - 1}")
    book = {field.name: arrays[f"book.{field.name}"].copy() for field in fields(FirmBook)}
    firms = FirmSet(tiers, n, FirmBook(**book))
    firms.fill({name: arrays[f"firms.{name}"] for name in FIRM_FIELDS}, arrays["free"])
    return Labour(firms, way=way, **{name: arrays[name].copy() for name in KEPT})
