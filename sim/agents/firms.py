"""The firms of a run as columns of numbers, one row per establishment."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final, NamedTuple

import numpy as np

from sim.agents.population import next_rows
from sim.config.schema.run import RunConfig
from sim.core.probability import cuts, thresholds
from sim.rates.tables import Codes

HOLE: Final = 255
"""Status of a row that no firm uses."""

FIRM_FIELDS: Final = {  # name: (dtype, value in a hole, whether there is one for each tier)
    "key": (np.uint64, 0, False),  # permanent identity
    "sector": (np.uint8, 0, False),
    "size": (np.uint8, 0, False),
    "municipality": (np.int16, 0, False),
    "status": (np.uint8, HOLE, False),  # order of the configuration's firms.statuses
    "until": (np.int16, 0, False),  # month in which the status ends, 0 = not by itself
    "support": (np.uint8, 0, False),  # bits in the order of the configuration's firms.support
    "opened": (np.int16, 0, False),
    "notice": (np.int16, 0, False),  # month from which nobody may be employed, 0 = none
    "wanted": (np.float32, 0, True),  # jobs at the opening, before the growth of demand
    "heads": (np.int32, 0, True),  # migrants employed
    "vacancies": (np.int16, 0, True),  # open this month
    "pending": (np.int16, 0, True),  # recruited abroad and not yet here
}


class Firms(NamedTuple):
    """The fields as bare arrays for kernels, each of length capacity; T tiers."""

    key: np.ndarray
    sector: np.ndarray
    size: np.ndarray
    municipality: np.ndarray
    status: np.ndarray
    until: np.ndarray
    support: np.ndarray
    opened: np.ndarray
    notice: np.ndarray
    wanted: np.ndarray  # [capacity, T], as all below
    heads: np.ndarray
    vacancies: np.ndarray
    pending: np.ndarray


def empty_columns(n_tiers: int, size: int) -> dict[str, np.ndarray]:
    """`size` holes of each field of FIRM_FIELDS."""
    return {
        name: np.full((size, n_tiers) if by_tier else size, hole, dtype)
        for name, (dtype, hole, by_tier) in FIRM_FIELDS.items()
    }


@dataclass
class FirmBook:
    """Growth, demand and places behind the firms of a run: what is not a column of theirs.

    Sectors K, sizes Z, tiers T, prefectures P, years Y, published years H.
    """

    demand: np.ndarray  # float64[K, T] growth of the jobs that a firm wants since the opening
    extent: np.ndarray  # float64[K] growth of the number of firms meant since the opening
    noise: np.ndarray  # float64[1] what shocks have done to growth a year
    stead: np.ndarray  # float64[T] jobs wanted for each one at the opening of the tier `stead_of`
    past: np.ndarray  # float64[H, T] published growth a year, from one October to the next
    instead: np.ndarray  # float64[H, T] published `stead` at the end of each of these years
    first: np.ndarray  # int64[1] month after which the first of these years begins
    share: np.ndarray  # float64[2] foreign share of employment at the opening, and last published
    usual: np.ndarray  # float64[K, Z, T] jobs that a firm of its kind wanted at the opening
    cells: np.ndarray  # int64[K, Z, P] firms at the opening
    years: np.ndarray  # float64[Y] since the start of the projection, as months
    pull: np.ndarray  # float64[M + 1] cumulated pull of municipalities on firms
    workforce: np.ndarray  # float64[Y, P] local people of working age, relative to the opening


class FirmSet:
    """Rows [0, n) of `columns` are in use, holes among them; rows beyond wait."""

    def __init__(self, n_tiers: int, capacity: int, book: FirmBook) -> None:
        self.n = 0
        self.n_tiers = n_tiers
        self.capacity = capacity
        self.book = book
        self.seen = np.zeros((book.extent.size, 3), np.int64)
        """Firms, workers and vacancies by sector, as this month's plan found and left them."""
        self._data = empty_columns(n_tiers, capacity)
        self._free = np.zeros(0, np.int32)

    def __getitem__(self, field: str) -> np.ndarray:
        """Live view, shape [n] or [n, T], holes included. Take it afresh after `reserve`."""
        return self._data[field][: self.n]

    @property
    def columns(self) -> Firms:
        """Full-length arrays for kernels. Take them afresh after `reserve`."""
        return Firms(**self._data)

    @property
    def alive(self) -> np.ndarray:
        """bool[n]: rows that hold a firm."""
        return self["status"] != HOLE

    def count(self) -> int:
        """Number of firms."""
        return self.n - self._free.size

    @property
    def free_rows(self) -> np.ndarray:
        """int32: rows to be reused, the next one last."""
        return self._free

    def fill(self, columns: dict[str, np.ndarray], free: np.ndarray | None = None) -> None:
        """Put in rows [0, n) of every field, and the list of free rows if there are holes."""
        n = columns["key"].size
        self.reserve(n)
        for name, values in columns.items():
            self._data[name][:n] = values
        self.n = n
        self._free = np.zeros(0, np.int32) if free is None else free.astype(np.int32)

    def free(self, rows: np.ndarray) -> None:
        """Make these rows holes. They are reused from the next call of `take` on."""
        if rows.size == 0:
            return
        for name, (_, hole, _) in FIRM_FIELDS.items():
            self._data[name][rows] = hole
        self._free = np.concatenate([self._free, rows.astype(np.int32)])

    def take(self, n: int) -> np.ndarray:
        """int32[n] rows for new firms: holes first, then fresh rows at the end."""
        fresh = max(n - self._free.size, 0)
        rows, self._free = next_rows(self._free, self.n, n)
        self.reserve(self.n + fresh)
        self.n += fresh
        return rows

    def reserve(self, n: int) -> None:
        """Make room for n rows; grows by half so that copying stays rare."""
        if n <= self.capacity:
            return
        capacity = max(n, self.capacity + self.capacity // 2)
        grown = empty_columns(self.n_tiers, capacity)
        for name, old in self._data.items():
            grown[name][: self.n] = old[: self.n]
        self._data = grown
        self.capacity = capacity

    def kept(self) -> dict[str, np.ndarray]:
        """All that a checkpoint needs, by name; `resumed` makes the same firms of it."""
        columns = {name: self[name] for name in FIRM_FIELDS}
        book = {f"book.{field.name}": getattr(self.book, field.name) for field in fields(FirmBook)}
        return {**columns, "free": self._free, **book}

    @classmethod
    def resumed(cls, arrays: dict[str, np.ndarray]) -> FirmSet:
        """The firms that `kept` described."""
        book = FirmBook(**{field.name: arrays[f"book.{field.name}"] for field in fields(FirmBook)})
        n, n_tiers = arrays["wanted"].shape
        made = cls(n_tiers, int(n * 1.3) + 1024, book)
        made.fill({name: arrays[name] for name in FIRM_FIELDS}, arrays["free"])
        return made

    def nbytes(self) -> int:
        """Bytes of all columns at their full length."""
        return sum(column.nbytes for column in self._data.values())

    def permute(self, order: np.ndarray) -> np.ndarray:
        """Put the rows [0, n) in another order; returns int32[n], the new row of each old one."""
        place = np.empty(self.n, np.int32)
        place[order] = np.arange(self.n, dtype=np.int32)
        for column in self._data.values():
            column[: self.n] = column[: self.n][order]
        self._free = place[self._free]
        return place


def bytes_per_firm(n_tiers: int) -> int:
    """Bytes of one row."""
    return sum(
        np.dtype(dtype).itemsize * (n_tiers if by_tier else 1)
        for dtype, _, by_tier in FIRM_FIELDS.values()
    )


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


ALL, INWARD = range(2)
"""Columns of Labour.transfers."""


class Market(NamedTuple):
    """Where people look for work. T tiers, P prefectures, N sectors."""

    search: int  # threshold: seekers who apply somewhere in a month
    bound: np.ndarray  # bool[T]: workers stay in the sector of their job
    cross: np.ndarray  # uint64[T] thresholds: seekers who look beyond their prefecture
    place_cut: np.ndarray  # uint64[T, N + 1, P] cumulative: where they look; the last for any
    sector_cut: np.ndarray  # uint64[T, P, N] cumulative: in which sector
    beside: np.ndarray  # int64[T]: another tier whose jobs the workers may take, or their own
    aside: np.ndarray  # uint64[T] thresholds: seekers who look there
    limited: np.ndarray  # bool[T]: firms may take only a share of their workers by transfer
    share: float  # that share
    inward: float  # inside it, the share that metropolitan firms may take from elsewhere
    metropolitan: np.ndarray  # bool[P]


@dataclass
class Labour:
    """T tiers, N sectors, P prefectures.

    jobs       float64[T, P, N]  jobs wanted at the opening: where people look for work
    way        columns of WAY, one row a person recruited abroad
    transfers  int16[firms, 2]   workers taken from other firms this year: all, and those whom
                                 metropolitan firms took from elsewhere
    counts     int64[COUNTS, T]  of this month
    capped     int64[T, fields]  recruitments that a cap stopped this month
    flow       int64[T, fields]  recruitments since April
    """

    firms: FirmSet
    jobs: np.ndarray
    way: dict[str, np.ndarray] = field(
        default_factory=lambda: {name: np.zeros(0, dtype) for name, dtype in WAY.items()}
    )
    transfers: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int16))
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
    "recruit.search", "recruit.cross_border", "recruit.pull", "transfer.share",
    "transfer.metropolitan_share",
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
    tiers = list(firms.tiers)
    beside = [tiers.index(tier.shares or name) for name, tier in firms.tiers.items()]
    whole = jobs.sum(axis=(1, 2))
    return Market(
        search=int(params["recruit.search"] * 2.0**32),
        bound=np.array([tier.pool == "field" for tier in firms.tiers.values()]),
        cross=(np.array(cross) * 2.0**32).astype(np.uint64),
        place_cut=cuts(places),
        sector_cut=cuts(jobs),
        beside=np.array(beside),
        aside=thresholds(
            np.where(np.arange(len(tiers)) == beside, 0.0, whole[beside] / (whole + whole[beside]))
        ),
        limited=np.array([name in firms.transfer.tiers for name in firms.tiers]),
        share=params["transfer.share"],
        inward=params["transfer.metropolitan_share"],
        metropolitan=np.array([p in firms.transfer.metropolitan for p in codes.prefectures]),
    )


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
    room = np.zeros((firms.n, 2), np.int16)  # of every firm, whatever room there is for more
    room[: min(firms.n, len(labour.transfers))] = labour.transfers[: firms.n]
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
