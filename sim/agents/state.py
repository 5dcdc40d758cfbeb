"""Everything that a month of processes reads and writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from sim.agents.agencies import Agencies, Bureau, certificate_lag
from sim.agents.firms import Firms, Labour, empty_columns
from sim.agents.histories import Followed
from sim.agents.population import Columns, Population
from sim.agents.record import Audit, Record
from sim.agents.towns import Land, Towns
from sim.config.paths import Parameters
from sim.config.schema.run import RunConfig
from sim.core.threads import Crew
from sim.policies.ratebook import RateBook
from sim.rates.arrivals import ArrivalPlan
from sim.rates.places import Places, World
from sim.rates.statuses import StatusTable
from sim.rates.tables import FateTable, Rates

# int64, not literals: Numba specialises functions on literals and would compile each call again.
FREED, FLAGGED, MOTHERS, SPONSORS, SPONSOR_FATES, LOST, GAINED, SEEKERS, MET, MET_FATES = map(
    np.int64, range(10)
)
"""Rows of Books.lists, of rows of the population but for: SPONSOR_FATES, the fate of each of
SPONSORS; LOST and GAINED jobs, as row of the firm x number of tiers + tier; MET_FATES, the fate
that each of MET, people who are followed, has met."""

N_LISTS = 10

FLOW, SEEN, EXPECTED, VARIANCE = range(4)
"""Rows of Books.tally: people who met the fate (in the rows of decisions: who applied); and for the
audit those drawn, the sum of their probabilities p and of p (1 - p), in units of 2**-20."""

BOUND_SUM, BELOW_BOUND, BOUND_BROKEN, PERMITS_ENDED = range(4)
"""Columns of Books.screen: sum of the bounds in units of 2**-32, draws below their bound, people
whose exact rate was above it, permits that ended."""


class BandTable(NamedTuple):
    """The largest multipliers that each band allows, for the K multipliers of a fate table."""

    axis: np.ndarray  # int64[K]: dimension of DIMENSIONS that the multiplier depends on, -1 none
    values: np.ndarray  # float64[K, 12]: largest value by band; [k, 0] where axis is -1


class Books(NamedTuple):
    """Integer accounts of one month, one row per chunk of rows; added up in order of chunk."""

    cube: np.ndarray  # int32[C, S * O * P] change of the stock
    place: np.ndarray  # int32[C, M * S] change of the stock
    tally: np.ndarray  # int64[C, 4, F + G]: rows FLOW, SEEN, EXPECTED, VARIANCE
    screen: np.ndarray  # int64[C, 16]: columns BOUND_SUM, BELOW_BOUND, BOUND_BROKEN, PERMITS_ENDED
    lists: np.ndarray  # int32[10, 2 * capacity]: rows FREED, FLAGGED, ..., MET_FATES
    counts: np.ndarray  # int64[C, 16] length of each chunk's part of each list
    codes: np.ndarray  # uint16[C, 64] buffer: codes of the person in work, in order of FACTORS
    rates: np.ndarray  # float64[C, 256] buffer: cumulated rates of the fates in work


class Month(NamedTuple):
    """The month in work, the key of the run and the sizes of tables."""

    now: int
    k0: np.uint64
    k1: np.uint64
    n_statuses: int
    n_origins: int
    n_prefectures: int
    hole_risk: int
    unaudited: np.uint64  # people whose key has one of these bits are left out of the audit
    followed: np.uint64  # people whose key is below it are followed


class Scene(NamedTuple):
    """All that the kernels of a month read and write."""

    people: Columns
    firms: Firms  # without rows in a run whose firms do not act
    fates: FateTable
    base: np.ndarray  # float64[F + G]: rates per year, shares and grant probabilities in force
    bounds: np.ndarray  # uint32[classes + 1]: bound of each class of risk, as a threshold
    status: StatusTable
    world: World
    month: Month
    books: Books


class Workspace(NamedTuple):
    """What a kernel writes on one chunk of rows besides columns: the chunk's row of each of Books,
    and all lists, of which the chunk's part begins at `start`."""

    cube: np.ndarray
    place: np.ndarray
    tally: np.ndarray
    screen: np.ndarray
    counts: np.ndarray
    codes: np.ndarray
    rates: np.ndarray
    lists: np.ndarray
    start: np.int64


CACHE_LINE: Final = 16
"""int64 numbers kept for each chunk's few counters, so that no two threads write one cache line."""

MOST_CODES: Final = 64
"""Room for the codes of all factors; more than there are, for the same reason."""

MOST_FATES: Final = 256
"""Fates of a status on one occasion, at most: see `sim.rates.tables`."""


NO_FIRMS: Final = Firms(**empty_columns(n_tiers=1, size=0))
"""What kernels see in a run whose firms do not act."""


def empty_books(chunks: int, sizes: tuple[int, int, int, int], rows: int, capacity: int) -> Books:
    """Accounts without an entry.

    sizes     numbers of statuses, origins, prefectures and municipalities
    rows      of the rates in force, decisions included
    capacity  of the population
    """
    s, o, p, m = sizes
    return Books(
        cube=np.zeros((chunks, s * o * p), np.int32),
        place=np.zeros((chunks, m * s), np.int32),
        tally=np.zeros((chunks, 4, rows), np.int64),
        screen=np.zeros((chunks, CACHE_LINE), np.int64),
        lists=empty_lists(capacity),
        counts=np.zeros((chunks, CACHE_LINE), np.int64),
        codes=np.zeros((chunks, MOST_CODES), np.uint16),
        rates=np.zeros((chunks, MOST_FATES), np.float64),
    )


def empty_lists(capacity: int) -> np.ndarray:
    """int32[10, 2 * capacity]: room for everybody twice, not initialised."""
    return np.empty((N_LISTS, 2 * capacity), np.int32)


@dataclass(kw_only=True)
class State:
    """One run in progress. `labour` is None where firms do not act, `land` where municipalities do
    not."""

    # The run: what does not change in it.
    config: RunConfig
    places: Places
    land: Land | None
    bureau: Bureau
    arrivals: ArrivalPlan
    policy: RateBook
    key: tuple[np.uint64, np.uint64]
    scale: float
    crew: Crew
    unaudited: np.uint64  # see Month

    # Who and what exists.
    people: Population
    labour: Labour | None = None
    towns: Towns
    agencies: Agencies

    # The month in work: the rates in force, what kernels see, accounts and lists.
    month: int
    rates: Rates
    base: np.ndarray  # float64[F + G] in force, with decisions at the pace of the agencies
    plain: np.ndarray = field(default_factory=lambda: np.zeros(0))  # the same before the pace
    bands: BandTable
    bounds: np.ndarray  # uint32[classes + 1] of the monthly fates in force
    world: World
    books: Books
    lists: dict[int | np.int64, np.ndarray] = field(default_factory=dict)
    tallies: dict[str, np.ndarray] = field(default_factory=dict)
    origins: tuple[np.ndarray, np.ndarray] | None = None  # shares, and their cuts by place: a cache

    # What the run has counted so far.
    record: Record
    audit: Audit
    cube: np.ndarray  # int64[S * O * P] stock kept by events
    place: np.ndarray  # int64[M * S] stock kept by events
    followed: Followed | None = None  # people whose lives are written, if any are

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Numbers of statuses, origins, prefectures, municipalities."""
        codes = self.rates.codes
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
        bound = np.uint64(0) if self.followed is None else self.followed.bound
        return Month(self.month, *self.key, s, o, p, self.people.hole_risk, self.unaudited, bound)

    @property
    def scene(self) -> Scene:
        """Everything that kernels see. Take it afresh after rows were added to people or firms."""
        firms = NO_FIRMS if self.labour is None else self.labour.firms.columns
        rates = self.rates
        return Scene(
            self.people.columns, firms, rates.fates, self.base, self.bounds, rates.status,
            self.world, self.now, self.books,
        )  # fmt: skip

    @property
    def params(self) -> Parameters:
        """The parameters in force this month, by path."""
        return self.policy.params(self.month)

    @property
    def certificate_lag(self) -> float:
        """Months from asking for a certificate of eligibility to coming, at least 1."""
        return certificate_lag(self.agencies, self.bureau)

    @property
    def chunks(self) -> int:
        """Number of chunks that kernels cut the rows into: one a thread."""
        return self.crew.size

    def clear_books(self) -> None:
        """Empty accounts for a month: arrays are kept and cleared."""
        self.make_room()
        for name, array in self.books._asdict().items():
            if name != "lists":
                array[:] = 0

    def publish_firms(self) -> None:
        """Let kernels see the support that firms give this month."""
        if self.labour is not None:
            support = self.labour.firms.columns.support
            self.world = self.world._replace(acting=True, firm_support=support)

    def make_room(self) -> None:
        """Lists as long as the population may need after it has grown."""
        if self.books.lists.shape[1] < 2 * self.people.capacity:
            self.books = self.books._replace(lists=empty_lists(self.people.capacity))

    def collect(self, n: int) -> None:
        """Take the chunks' lists of a kernel that ran over n rows, in order of chunk."""
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
