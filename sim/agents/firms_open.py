"""The firms of the opening half-year and the people employed in them.

Who has a job, in which sector, and in which prefecture is drawn for each resident from their own
key; the jobs of a sector and prefecture are then filled in order of municipality, so that people
work near where they live. Holders of one tier stand together, so that firms specialise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numba import njit, prange

from sim.agents import margins
from sim.agents.firm_report import FirmReport, residuals
from sim.agents.firm_rows import Rows, count_firms, draw_standing, jobs_of, make_rows
from sim.agents.firm_targets import Targets, fit_commuting, fit_jobs, targets, workforce
from sim.agents.firms import FirmBook, FirmSet
from sim.clock import month_index
from sim.data import Data
from sim.rng import P_FIRST_JOB, draw, high, low
from sim.schema import RunConfig
from sim.schema_firms import Firms
from sim.status_table import cuts
from sim.tables import word_of

NO_FIRM, NO_SECTOR = -1, 255
BLUR = np.uint64(0.6 * 2**32)
"""Distance between tiers in the order of jobs, where the people of one tier are 2**32 wide: firms
where two tiers overlap have workers of both."""


@dataclass(frozen=True)
class FirmsOpening:
    """firms: FirmSet; firm int32[n] row of each person's employer, -1 none; sector uint8[n] of
    the job, 255 none; report: residual of each margin."""

    firms: FirmSet
    firm: np.ndarray
    sector: np.ndarray
    report: FirmReport


class Map(Protocol):
    """Which municipality lies where."""

    @property
    def prefecture(self) -> np.ndarray:
        """uint8[M]"""

    @property
    def first(self) -> np.ndarray:
        """int32[P + 1]: municipalities of prefecture p are first[p]..first[p + 1]."""


class Where(Protocol):
    """M municipalities in order of code, such as `sim.places.Places`."""

    @property
    def codes(self) -> list[str]:
        """Of the municipalities."""

    @property
    def world(self) -> Map:
        """Their prefectures."""


class JobTables(NamedTuple):
    """How first jobs are drawn. S statuses, K sectors, P prefectures, M municipalities."""

    has: np.ndarray  # uint64[S] thresholds: share of those of working age with a job
    tier: np.ndarray  # int8[S], -1 none
    sector_cut: np.ndarray  # uint64[S, K] cumulative thresholds
    commutes: np.ndarray  # bool[T]
    work_cut: np.ndarray  # uint64[P, P] home to work, cumulative thresholds
    other: np.ndarray  # int64[K, P]: sector that is taken in the prefecture, -1 none has firms
    first: np.ndarray  # int32[P + 1]: municipalities of a prefecture
    pull: np.ndarray  # float64[M + 1]: cumulated pull of municipalities on firms
    ages: np.ndarray  # int64[2] in months: lowest, and the first beyond the highest


def open_firms(
    config: RunConfig, data: Data, columns: dict[str, np.ndarray], places: Where,
    key: tuple[np.uint64, np.uint64], scale: float,
) -> FirmsOpening:  # fmt: skip
    """Firms at the start of a run, and who works in them.

    columns: of the opening residents, at least key, status, born and municipality; their order
    does not matter. Raises DataError if the tables of workers do not name what is configured.
    """
    firms = config.firms
    assert firms is not None
    month = month_index(config.start)
    aim = targets(config, data, firms)
    weight = margins.municipal_weights(data, places.codes, month)
    stock = _stock(columns, places, len(config.country.statuses))
    tables, expected = _tables(config, firms, data, aim, places, weight, stock)
    count = count_firms(aim, int(firms.establishments.value), expected / scale)
    words = _words(config, firms)
    spread = np.array([size.spread.value for size in firms.sizes.values()])
    rows = make_rows(count, words, places.world.first, weight, spread, month, scale)
    tables = tables._replace(other=_others(rows, expected.shape))
    has = _eligible_shares(tables, columns, stock.sum(axis=1), month)
    tables = tables._replace(has=has)
    order, tier, cell = _first_jobs(key, month, columns, places, tables)
    shape = expected.shape
    people = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    seats = jobs_of(rows, people, aim)
    firm = np.full(columns["key"].size, NO_FIRM, np.int32)
    firm[order] = np.repeat(np.arange(rows.key.size, dtype=np.int32), seats)
    sector = np.full(firm.size, NO_SECTOR, np.uint8)
    sector[order] = cell // shape[1]
    years, people_of_age = workforce(config, data, month)
    book = FirmBook(
        np.ones((shape[0], len(firms.tiers))), np.ones(shape[0]), np.zeros(0), count, years,
        tables.pull, people_of_age,
    )  # fmt: skip
    made = _firm_set(config, firms, rows, book, firm[order], tier, key, month)
    report = residuals(config, firms, aim, rows, made["heads"], columns["status"], firm, scale)
    return FirmsOpening(made, firm, sector, report)


def _stock(columns: dict[str, np.ndarray], where: Where, n_statuses: int) -> np.ndarray:
    """Residents int64[S, P]."""
    n = where.world.first.size - 1
    prefecture = where.world.prefecture[columns["municipality"]]
    cell = columns["status"].astype(np.int64) * n + prefecture
    return np.bincount(cell, minlength=n_statuses * n).reshape(n_statuses, n)


def _tables(
    config: RunConfig, firms: Firms, data: Data, aim: Targets, where: Where,
    weight: np.ndarray, stock: np.ndarray,
) -> tuple[JobTables, np.ndarray]:  # fmt: skip
    """(tables for drawing first jobs, expected workers float64[K, P])."""
    statuses, tiers = config.country.statuses, list(firms.tiers)
    share = np.array([firms.employed[s].value if s in firms.employed else 0.0 for s in statuses])
    tier = np.array(
        [tiers.index(firms.tier_of[s]) if s in firms.tier_of else -1 for s in statuses], np.int8
    )
    commutes = np.array([name in firms.commuting for name in tiers])
    workers = stock * share[:, None]
    jobs = fit_jobs(config, firms, aim, workers.sum(axis=1))
    mobile = (tier >= 0) & commutes[tier]
    stay, leave = workers[~mobile].sum(axis=0), workers[mobile].sum(axis=0)
    way = fit_commuting(config, stay, leave, aim.worker_prefecture)
    expected = jobs[~mobile].T @ workers[~mobile] + jobs[mobile].T @ (workers[mobile] @ way)
    pull = np.concatenate([[0.0], np.cumsum(weight)])
    tables = JobTables(
        has=share,
        tier=tier,
        sector_cut=np.array([cuts(row.tolist() if row.any() else [1.0]*row.size) for row in jobs]),
        commutes=commutes,
        work_cut=np.array([cuts(row.tolist()) for row in way]),
        other=np.zeros((0, 0), np.int64),
        first=where.world.first,
        pull=pull,
        ages=np.array([12 * firms.working.ages[0], 12 * (firms.working.ages[1] + 1)]),
    )  # fmt: skip
    return tables, expected


def _words(config: RunConfig, firms: Firms) -> tuple[np.ndarray, np.ndarray]:
    what = [[word_of(f"{sector} {size}") for size in firms.sizes] for sector in firms.sectors]
    place = [word_of(code) for code in sorted(config.prefecture)]
    return np.array(what, np.uint64), np.array(place, np.uint64)


def _others(rows: Rows, shape: tuple[int, ...]) -> np.ndarray:
    """int64[K, P]: the sector itself where it has firms in the prefecture; else the one with most
    firms there; -1 where there are none at all. A small sample has such cells."""
    cell = rows.sector.astype(np.int64) * shape[1] + rows.prefecture
    firms = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    most = np.where(firms.max(axis=0) > 0, firms.argmax(axis=0), -1)
    own = np.arange(shape[0])[:, None]
    return np.where(firms > 0, own, most[None, :])


def _eligible_shares(
    tables: JobTables, columns: dict[str, np.ndarray], people: np.ndarray, month: int
) -> np.ndarray:
    """uint64[S] thresholds: share with a job among those of working age."""
    age = month - columns["born"].astype(np.int64)
    able = (age >= tables.ages[0]) & (age < tables.ages[1])
    eligible = np.bincount(columns["status"][able], minlength=people.size)
    share = np.minimum(tables.has * people / np.maximum(eligible, 1), 1.0)
    return np.floor(share * 2.0**32).astype(np.uint64)


def _first_jobs(
    key: tuple[np.uint64, np.uint64], month: int, columns: dict[str, np.ndarray],
    where: Where, tables: JobTables,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(rows of the employed int64[E], their tier, their cell), sorted by cell and place."""
    place = np.empty(columns["key"].size, np.uint64)
    _draw_jobs(
        key, month, columns["key"], columns["status"], columns["born"], columns["municipality"],
        where.world.prefecture, tables, place,
    )  # fmt: skip
    employed = np.flatnonzero(place != ~np.uint64(0))
    place = place[employed]
    order = np.argsort(place)
    place = place[order]
    if (place[1:] == place[:-1]).any():  # then the key decides, not the row
        order = np.lexsort((columns["key"][employed], place[np.argsort(order)]))
        place = np.sort(place)
    rows = employed[order]
    cell = (place >> np.uint64(52)).astype(np.int64)
    return rows, tables.tier[columns["status"][rows]].astype(np.int64), cell


@njit(cache=True, parallel=True)
def _draw_jobs(run, month, key, status, born, municipality, prefecture, t, place):
    """Place of each person's job in the order of jobs: cell (12 bits), municipality (16), tier
    and hash (36); all ones without a job."""
    n_places = t.first.size - 1
    for i in prange(key.size):
        place[i] = ~np.uint64(0)
        s, age = np.int64(status[i]), month - np.int64(born[i])
        tier = t.tier[s]
        if tier < 0 or age < t.ages[0] or age >= t.ages[1]:
            continue
        x0, x1 = draw(run[0], run[1], key[i], month, P_FIRST_JOB, 0)
        if low(x0) >= t.has[s]:
            continue
        k, town = np.int64(0), np.int64(municipality[i])
        while high(x0) >= t.sector_cut[s, k]:
            k += 1
        home = np.int64(prefecture[town])
        work = home
        if t.commutes[tier]:
            work = np.int64(0)
            while low(x1) >= t.work_cut[home, work]:
                work += 1
        if work != home:
            x2, _ = draw(run[0], run[1], key[i], month, P_FIRST_JOB, 1)
            a, z = np.int64(t.first[work]), np.int64(t.first[work + 1])
            at = t.pull[a] + low(x2) / 4294967296.0 * (t.pull[z] - t.pull[a])
            town = min(a + np.searchsorted(t.pull[a + 1 : z], at, side="right"), z - 1)
        k = t.other[k, work]
        if k < 0:
            continue
        cell = np.uint64(k * n_places + work)
        rank = np.uint64(tier) * BLUR + high(x1)
        place[i] = cell << np.uint64(52) | np.uint64(town) << np.uint64(36) | rank


def _firm_set(
    config: RunConfig, firms: Firms, rows: Rows, book: FirmBook, firm: np.ndarray,
    tier: np.ndarray,
    key: tuple[np.uint64, np.uint64], month: int,
) -> FirmSet:  # fmt: skip
    """firm, tier int[E]: employer and tier of every worker."""
    n, n_tiers = rows.key.size, len(firms.tiers)
    heads = np.bincount(firm.astype(np.int64) * n_tiers + tier, minlength=n * n_tiers)
    heads = heads.reshape(n, n_tiers).astype(np.int32)
    standing = list(firms.statuses.values())
    names = list(firms.statuses)
    certified = names.index(firms.certified)
    shares = [kind.value for kind in firms.support.share.values()]
    status, until, support = draw_standing(
        *key, rows.key, month, cuts([s.share for s in standing]),
        np.array([s.months or 0 for s in standing], np.int16),
        np.array([np.floor(min(share, 1.0) * 2.0**32) for share in shares]).astype(np.uint64),
        certified, np.uint64(firms.support.certified.value * 2.0**32),
    )  # fmt: skip
    open_jobs = np.array([s.vacancies.value for s in firms.sectors.values()])
    wanted = heads * (1.0 + open_jobs[rows.sector])[:, None]
    zeros = np.zeros((n, n_tiers), np.int16)
    book.usual = _usual(rows, wanted, book.cells.shape[:2])
    made = FirmSet(n_tiers, int(n * 1.3) + 1024, book)
    made.fill({
        "key": rows.key, "sector": rows.sector, "size": rows.size,
        "municipality": rows.municipality, "status": status, "until": until, "support": support,
        "opened": np.full(n, month, np.int16), "notice": np.zeros(n, np.int16),
        "wanted": wanted.astype(np.float32), "heads": heads, "vacancies": zeros,
        "pending": zeros.copy(),
    })  # fmt: skip
    return made


def _usual(rows: Rows, wanted: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """float64[K, Z, T]: mean jobs wanted by firms of a sector and size."""
    kind = rows.sector.astype(np.int64) * shape[1] + rows.size
    n = np.bincount(kind, minlength=shape[0] * shape[1])
    sums = [np.bincount(kind, column, n.size) for column in wanted.T]
    return (np.stack(sums, axis=1) / np.maximum(n, 1)[:, None]).reshape(*shape, -1)
