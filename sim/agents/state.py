"""Everything that a month of processes reads and writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sim.agents.agencies import Agencies, Bureau, certificate_lag
from sim.agents.firms import Labour
from sim.agents.population import Population
from sim.agents.record import Audit, Record
from sim.agents.towns import Land, Towns
from sim.config.paths import Parameters
from sim.config.schema.run import RunConfig
from sim.core.threads import Crew
from sim.policies.ratebook import RateBook
from sim.rates.arrivals import ArrivalPlan
from sim.rates.places import Places, World
from sim.rates.tables import Model

N_LISTS = 8
"""Rows of Books.lists."""


class BandTable(NamedTuple):
    """The largest multipliers that each band allows, for the K multipliers of a fate table."""

    axis: np.ndarray  # int64[K]: dimension of DIMENSIONS that the multiplier depends on, -1 none
    values: np.ndarray  # float64[K, 12]: largest value by band; [k, 0] where axis is -1


class Books(NamedTuple):
    """Integer accounts of one month, one row per chunk c; added up in order of chunk."""

    cube: np.ndarray  # int32[C, S * O * P] change of the stock
    place: np.ndarray  # int32[C, M * S] change of the stock
    tally: np.ndarray  # int64[C, 4, F + G]: see FLOW, SEEN, EXPECTED, VARIANCE
    screen: np.ndarray  # int64[C, 16]: sum of bounds (2**-32), draws below them, bounds broken,
    # permits that ended
    lists: np.ndarray  # int32[8, 2 * capacity] rows freed, flagged, mothers, sponsors, their
    # fates; jobs lost and gained; who looks for work
    counts: np.ndarray  # int64[C, 16] length of each chunk's part of each list


class Month(NamedTuple):
    """Now."""

    now: int
    k0: np.uint64
    k1: np.uint64
    n_statuses: int
    n_origins: int
    n_prefectures: int
    hole_risk: int
    unaudited: np.uint64  # people whose key has one of these bits are left out of the audit


CACHE_LINE = 16
"""int64 numbers kept for each thread's few counters, so that no two threads write one line."""


@dataclass
class State:
    """One run in progress."""

    model: Model
    places: Places
    plan: ArrivalPlan
    rates: RateBook
    people: Population
    key: tuple[np.uint64, np.uint64]
    scale: float
    crew: Crew
    month: int
    record: Record
    audit: Audit
    cube: np.ndarray  # int64[S * O * P] stock kept by events
    place: np.ndarray  # int64[M * S] stock kept by events
    bands: BandTable
    unaudited: np.uint64
    config: RunConfig
    world: World  # the municipalities and firms as kernels see them this month
    land: Land | None  # None: municipalities do not act
    bureau: Bureau
    towns: Towns
    agencies: Agencies
    plain: np.ndarray = field(default_factory=lambda: np.zeros(0))
    base: np.ndarray = field(default_factory=lambda: np.zeros(0))
    bounds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))
    books: Books | None = None
    lists: dict[int | np.int64, np.ndarray] = field(default_factory=dict)
    tallies: dict[str, np.ndarray] = field(default_factory=dict)
    labour: Labour | None = None
    origins: tuple[np.ndarray, np.ndarray] | None = None  # shares, and their cuts by place

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Numbers of statuses, origins, prefectures, municipalities."""
        codes = self.model.codes
        return (
            len(codes.statuses), len(codes.origins), len(codes.prefectures),
            len(codes.municipalities),
        )  # fmt: skip

    @property
    def stock(self) -> np.ndarray:
        """int64[S]: people by status in the books, which close at the end of each month."""
        return self.cube.reshape(self.sizes[0], -1).sum(axis=1)

    @property
    def residents_by_origin(self) -> np.ndarray:
        """float64[O]: people by origin in the books at the end of the last month, at scale 1."""
        s, o, p, _ = self.sizes
        return self.cube.reshape(s, o, p).sum(axis=(0, 2)) / self.scale

    @property
    def now(self) -> Month:
        """This month, for kernels."""
        s, o, p, _ = self.sizes
        return Month(self.month, *self.key, s, o, p, self.people.hole_risk, self.unaudited)

    @property
    def params(self) -> Parameters:
        """The parameters in force this month, by path."""
        return self.rates.params(self.month)

    @property
    def certificate_lag(self) -> float:
        """Months from asking for a certificate of eligibility to coming, at least 1."""
        return certificate_lag(self.agencies, self.bureau)

    @property
    def chunks(self) -> int:
        """Number of chunks that kernels cut the rows into: one a thread."""
        return self.crew.size

    def open_books(self) -> None:
        """Empty accounts for a month (arrays are kept and cleared)."""
        s, o, p, m = self.sizes
        if self.books is None:
            c, room = self.chunks, 2 * self.people.capacity
            self.books = Books(
                cube=np.zeros((c, s * o * p), np.int32),
                place=np.zeros((c, m * s), np.int32),
                tally=np.zeros((c, 4, self.base.size), np.int64),
                screen=np.zeros((c, CACHE_LINE), np.int64),
                lists=np.empty((N_LISTS, room), np.int32),
                counts=np.zeros((c, CACHE_LINE), np.int64),
            )
            return
        self.make_room()
        for name, array in self.books._asdict().items():
            if name != "lists":
                array[:] = 0

    def look_around(self) -> None:
        """See firms as they are this month; municipalities show themselves (sim.model.opening)."""
        if self.labour is not None:
            support = self.labour.firms.columns.support
            self.world = self.world._replace(acting=True, firm_support=support)

    def make_room(self) -> None:
        """Lists as long as the population may need after it has grown."""
        assert self.books is not None
        if self.books.lists.shape[1] < 2 * self.people.capacity:
            lists = np.empty((N_LISTS, 2 * self.people.capacity), np.int32)
            self.books = self.books._replace(lists=lists)

    def collect(self, n: int) -> None:
        """Take the chunks' lists of a kernel that ran over n rows, in order of chunk."""
        assert self.books is not None
        counts = self.books.counts
        for lst, some in enumerate(counts[:, :N_LISTS].sum(axis=0).tolist()):
            if not some:
                self.lists.setdefault(lst, np.zeros(0, np.int32))
                continue
            parts = [self.lists[lst]] if lst in self.lists else []
            for c in range(self.chunks):
                start = 2 * (n * c // self.chunks)
                parts.append(self.books.lists[lst, start : start + counts[c, lst]])
            self.lists[lst] = np.concatenate(parts)
        counts[:] = 0
