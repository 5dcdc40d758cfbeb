"""The firms of the opening half-year and the people employed in them.

Who has a job, in which sector, and in which prefecture is drawn for each resident from their own
key; the jobs of a sector and prefecture are then filled in order of municipality, so that people
work near where they live. Holders of one tier stand together, so that firms specialise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from sim.agents.firms import FirmBook, FirmSet
from sim.agents.opening import margins
from sim.agents.opening.firm_margins import Targets, fit_commuting, fit_jobs, targets, workforce
from sim.agents.opening.firm_past import october, totals, workers_by_tier
from sim.agents.opening.firm_rows import (
    Rows,
    Standings,
    StandingTables,
    count_firms,
    draw_standing,
    jobs_of,
    make_rows,
    sectors_taken,
)
from sim.agents.opening.sorting import by_group, sort_groups
from sim.config.schema.firms import Firms
from sim.config.schema.run import RunConfig
from sim.core.clock import EPOCH_YEAR, month_index
from sim.core.kernels import borrow
from sim.core.memory import ByIdentity
from sim.core.probability import cuts, first_above
from sim.core.rng import P_FIRST_JOB, RunMonth, draw, high, low, word_of
from sim.core.sums import product
from sim.core.threads import Crew, crew_of
from sim.data.load import Data
from sim.rates.places import Places

FirmReport = dict[str, dict[str, float | str]]


def residuals(
    config: RunConfig, firms: Firms, aim: Targets, rows: Rows, heads: np.ndarray,
    jobs: np.ndarray, scale: float,
) -> FirmReport:  # fmt: skip
    """Worst difference of each margin, simulated less published, at scale 1.

    heads int32[n, T] of each firm; jobs int64[S, K]. Shares are applied to all simulated firms or
    workers.
    """
    workers = heads.sum(axis=1)
    names = list(firms.sectors), list(firms.sizes), sorted(config.prefecture)
    at = rows.sector, rows.size, rows.prefecture
    share = (
        (aim.firm_sector, aim.firm_size, aim.firm_prefecture),
        (aim.worker_sector, aim.worker_size, aim.worker_prefecture),
    )
    report: FirmReport = {
        "establishments": _worst([rows.key.size / scale], [firms.establishments.value], ["all"]),
        "workers": _worst([workers.sum() / scale], [aim.workers], ["all"]),
    }
    for what, shares, weight in (
        ("establishments", share[0], None),
        ("workers", share[1], workers),
    ):
        for axis, name in enumerate(("sector", "size", "prefecture")):
            have = np.bincount(at[axis], weight, len(names[axis])) / scale
            report[f"{what}_{name}"] = _worst(have, shares[axis] * have.sum(), names[axis])
    employed = jobs.sum(axis=1) / scale
    index = {name: s for s, name in enumerate(config.country.statuses)}
    groups = [
        math.fsum(float(employed[index[name]]) for name in firms.groups.of[group])
        for group in aim.groups
    ]
    report["workers_group"] = _worst(groups, list(aim.groups.values()), list(aim.groups))
    report["workers_status_sector"] = _jobs(config, firms, aim, jobs / scale)
    empty = float((workers == 0).sum() / max(workers.size, 1))
    report["without_workers"] = {"share": empty}
    return report


def _jobs(
    config: RunConfig, firms: Firms, aim: Targets, count: np.ndarray
) -> dict[str, float | str]:
    wanted = aim.published * count.sum(axis=1, keepdims=True)
    s, k = np.nonzero(~np.isnan(aim.published) & (count.sum(axis=1, keepdims=True) > 0))
    names = [
        f"{config.country.statuses[a]} in {list(firms.sectors)[b]}"
        for a, b in zip(s, k, strict=True)
    ]
    return _worst(count[s, k], wanted[s, k], names)


def _worst(
    have: Sequence[float] | np.ndarray, wanted: Sequence[float] | np.ndarray, names: list[str]
) -> dict[str, float | str]:
    """The largest absolute difference, what it is relative to the published, and where."""
    gap = np.asarray(have, np.float64) - np.asarray(wanted, np.float64)
    k = int(np.abs(gap).argmax()) if gap.size else 0
    if not gap.size:
        return {"worst": 0.0, "relative": 0.0, "at": ""}
    base = max(float(np.asarray(wanted, np.float64)[k]), 1e-9)
    return {"worst": float(gap[k]), "relative": float(gap[k]) / base, "at": names[k]}


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


class _Residents(NamedTuple):
    """What first jobs depend on, of n residents."""

    key: np.ndarray
    status: np.ndarray
    born: np.ndarray
    municipality: np.ndarray


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
    config: RunConfig, data: Data, columns: dict[str, np.ndarray], places: Places,
    key: tuple[np.uint64, np.uint64], scale: float,
) -> FirmsOpening:  # fmt: skip
    """Firms at the start of a run, and who works in them.

    columns: of the opening residents, at least key, status, born and municipality; their order
    does not matter. Raises DataError if the tables of workers do not name what is configured.
    """
    firms = config.firms
    assert firms is not None
    month = month_index(config.start)
    weight = margins.municipal_weights(data, places.codes, month)
    crew, ages = crew_of(config.threads), _working_ages(firms)
    stock, able = _stock(columns, places, len(config.country.statuses), ages, month, crew)
    aim, tables, expected, count = _FITTED.get(
        (data, firms, config.country, *config.prefecture.values()),
        lambda: _fit(config, data, firms, places, weight, stock, scale, month),
        (month, scale, stock.tobytes()),
    )
    words = _words(config, firms)
    spread = np.array([size.spread.value for size in firms.sizes.values()])
    rows = make_rows(count, words, places.world.first, weight, spread, month, scale, crew)
    has = _eligible_shares(tables.has, stock.sum(axis=1), able)
    tables = tables._replace(other=sectors_taken(rows, expected.shape), has=has)
    order, seat = _first_jobs(key, month, columns, places, tables, crew)
    people, shape = np.zeros(expected.shape, np.int64), expected.shape
    by_place = np.diff(seat).reshape(shape[0], -1)
    np.add.at(people.T, places.world.prefecture, by_place.T)
    work = _Work(
        np.full(columns["key"].size, NO_FIRM, np.int32),
        np.full(columns["key"].size, NO_SECTOR, np.uint8),
        np.zeros((rows.key.size, len(firms.tiers)), np.int32),
        np.zeros((crew.size, stock.shape[0], shape[0]), np.int64),
    )
    seats = np.concatenate([[0], np.cumsum(jobs_of(rows, people, aim))])
    line = _Line(order, seat, weight.size, columns["status"], tables.tier)
    crew.run(_employ, rows.key.size, line, seats, rows.sector, work)
    years, people_of_age = workforce(config, data, month)
    n_tiers = len(firms.tiers)
    past, instead, first = _past(config, data, firms, month)
    known = totals(data, "workers")
    now = work.heads.sum() / scale / firms.demand.employment.value
    book = FirmBook(
        np.ones((shape[0], n_tiers)), np.ones(shape[0]), np.zeros(1), np.zeros(n_tiers), past,
        instead, first, np.array([now, known[max(known)] / firms.demand.employment.value]),
        np.zeros(0), count, years, tables.pull, people_of_age,
    )  # fmt: skip
    made = _firm_set(config, firms, rows, book, work.heads, key, month, crew)
    report = residuals(config, firms, aim, rows, work.heads, work.jobs.sum(axis=0), scale)
    return FirmsOpening(made, work.firm, work.sector, report)


def _past(
    config: RunConfig, data: Data, firms: Firms, month: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """past, instead and first of FirmBook: the years between notifications that lie ahead of the
    opening. Less than a year of them is none: growth begins at once."""
    years, workers = workers_by_tier(config, data, firms)
    tiers = list(firms.tiers)
    ahead = [k for k in range(1, len(years)) if october(years[k]) > month]
    if len(ahead) < 2:
        none = np.zeros((0, len(tiers)))
        return none, none.copy(), np.array([month], np.int64)
    first, before = ahead[0] - 1, workers[ahead[0] - 1]
    rows = workers[first:]
    growth = np.log(np.maximum(rows[1:], 1.0) / np.maximum(rows[:-1], 1.0))
    instead = np.zeros_like(growth)
    for t, tier in enumerate(firms.tiers.values()):
        if tier.stead_of is not None:
            of = max(before[tiers.index(tier.stead_of)], 1.0)
            instead[:, t] = np.maximum(rows[1:, t] - before[t], 0.0) / of
            growth[:, t] = 0.0
    return growth, instead, np.array([october(years[first])], np.int64)


class _Fitted(NamedTuple):
    """What firms and first jobs are drawn from. Nobody may change its arrays."""

    aim: Targets
    tables: JobTables
    expected: np.ndarray  # float64[K, P]: workers
    establishments: np.ndarray  # int64[K, Z, P], at scale 1


_FITTED: Final[ByIdentity[_Fitted]] = ByIdentity(size=4)
"""By data and frozen sections, month, scale and residents by status and prefecture. Takes 0.09 s;
runs that differ in their rates or their seed have the same."""


def _fit(
    config: RunConfig, data: Data, firms: Firms, places: Places, weight: np.ndarray,
    stock: np.ndarray, scale: float, month: int,
) -> _Fitted:  # fmt: skip
    aim = targets(config, data, firms)
    share = employed_shares(config, data, firms, stock.sum(axis=1) / scale, month)
    tables, expected = _tables(config, firms, aim, places, weight, stock, share)
    known, year = totals(data, "establishments"), EPOCH_YEAR + month // 12
    whole = firms.establishments.value * known.get(year, known[max(known)]) / known[max(known)]
    count = count_firms(aim, round(whole), expected / scale)
    return _Fitted(aim, tables, expected, count)


class _Work(NamedTuple):
    """Who works where."""

    firm: np.ndarray  # int32[n], of each person
    sector: np.ndarray  # uint8[n]
    heads: np.ndarray  # int32[firms, T]
    jobs: np.ndarray  # int64[chunks, S, K]


class _Line(NamedTuple):
    """Those who get a job, in order of job."""

    rows: np.ndarray  # int32[E]: who has each job
    first: np.ndarray  # int64[K * M + 1]: first job of each sector x municipality
    n_places: int  # municipalities
    status: np.ndarray  # uint8[n] of each person
    tier: np.ndarray  # int8[S] of each status


@njit(cache=True, nogil=True)
def _employ(chunk, begin, stop, line, seats, firm_sector, out):
    """Give the jobs of firms [begin, stop), which stand in order of firm, to people.

    line         _Line
    seats        int64[firms + 1]: first job of each firm
    firm_sector  uint8[firms]
    out          _Work
    """
    line, out = borrow(line), borrow(out)
    place = 0
    for firm in range(begin, stop):
        for job in range(seats[firm], seats[firm + 1]):
            while line.first[place + 1] <= job:
                place += 1
            i = line.rows[job]
            status = line.status[i]
            out.firm[i], out.sector[i] = firm, place // line.n_places
            out.heads[firm, line.tier[status]] += 1
            out.jobs[chunk, status, firm_sector[firm]] += 1


def _working_ages(firms: Firms) -> np.ndarray:
    """int64[2] in months: lowest, and the first beyond the highest."""
    return np.array([12 * firms.working.ages[0], 12 * (firms.working.ages[1] + 1)])


def _stock(
    columns: dict[str, np.ndarray], where: Places, n_statuses: int, ages: np.ndarray, month: int,
    crew: Crew,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(residents int64[S, P]; those of working age int64[S])."""
    stock = np.zeros((crew.size, n_statuses, where.world.first.size - 1), np.int64)
    able = np.zeros((crew.size, n_statuses), np.int64)
    people = _Residents(*(columns[name] for name in _Residents._fields))
    limits = month - ages[1], month - ages[0]
    crew.run(_count, people.key.size, people, where.world.prefecture, limits, (stock, able))
    return stock.sum(axis=0), able.sum(axis=0)


@njit(cache=True, nogil=True)
def _count(chunk, first, stop, people, prefecture, limits, out):
    """Residents [first, stop) by status and prefecture, and those of working age by status.

    limits: months of birth between which people are of working age, the last included only
    """
    people, (stock, able) = borrow(people), out
    for i in range(first, stop):
        status = people.status[i]
        stock[chunk, status, prefecture[people.municipality[i]]] += 1
        able[chunk, status] += limits[0] < np.int64(people.born[i]) <= limits[1]


def employed_shares(
    config: RunConfig, data: Data, firms: Firms, people: np.ndarray, month: int
) -> np.ndarray:
    """float64[S]: share of residents of each status with a job in a firm.

    people  float64[S]: residents at the opening, at scale 1

    As configured, which is for the last notifications. At an earlier opening, in tiers whose
    statuses do not ask for a job, one factor makes the workers of the tier those notified then.
    """
    statuses = config.country.statuses
    share = np.array([firms.employed[s].value if s in firms.employed else 0.0 for s in statuses])
    years, workers = workers_by_tier(config, data, firms)
    year = EPOCH_YEAR + month // 12
    if year not in years or year == years[-1]:
        return share
    for t, (name, tier) in enumerate(firms.tiers.items()):
        rows = [k for k, s in enumerate(statuses) if firms.tier_of.get(s) == name]
        there = math.fsum(float(share[k] * people[k]) for k in rows)
        if tier.search == "some" and there > 0:
            share[rows] = np.minimum(share[rows] * workers[years.index(year), t] / there, 1.0)
    return share


def _tables(
    config: RunConfig, firms: Firms, aim: Targets, where: Places, weight: np.ndarray,
    stock: np.ndarray, share: np.ndarray,
) -> tuple[JobTables, np.ndarray]:  # fmt: skip
    """(tables for drawing first jobs, expected workers float64[K, P])."""
    statuses, tiers = config.country.statuses, list(firms.tiers)
    tier = np.array(
        [tiers.index(firms.tier_of[s]) if s in firms.tier_of else -1 for s in statuses], np.int8
    )
    commutes = np.array([name in firms.commuting for name in tiers])
    workers = stock * share[:, None]
    jobs = fit_jobs(config, firms, aim, workers.sum(axis=1))
    mobile = (tier >= 0) & commutes[tier]
    stay, leave = workers[~mobile].sum(axis=0), workers[mobile].sum(axis=0)
    way = fit_commuting(config, stay, leave, aim.worker_prefecture)
    elsewhere = product(workers[mobile], way)
    expected = product(jobs[~mobile].T, workers[~mobile]) + product(jobs[mobile].T, elsewhere)
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
        ages=_working_ages(firms),
    )  # fmt: skip
    return tables, expected


def _words(config: RunConfig, firms: Firms) -> tuple[np.ndarray, np.ndarray]:
    what = [[word_of(f"{sector} {size}") for size in firms.sizes] for sector in firms.sectors]
    place = [word_of(code) for code in sorted(config.prefecture)]
    return np.array(what, np.uint64), np.array(place, np.uint64)


def _eligible_shares(has: np.ndarray, people: np.ndarray, able: np.ndarray) -> np.ndarray:
    """uint64[S] thresholds: share with a job among those of working age.

    has float64[S] is the share among all; people, able int64[S]
    """
    share = np.minimum(has * people / np.maximum(able, 1), 1.0)
    return np.floor(share * 2.0**32).astype(np.uint64)


def _first_jobs(
    key: tuple[np.uint64, np.uint64], month: int, columns: dict[str, np.ndarray],
    where: Places, tables: JobTables, crew: Crew,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(rows of the employed, int32[E], in order of their jobs; the first job of each sector x
    municipality, int64[K * M + 1])."""
    n, places = columns["key"].size, where.world.prefecture.size
    seat, rank = np.empty(n, np.int32), np.empty(n, np.uint64)
    people = _Residents(*(columns[name] for name in _Residents._fields))
    prefecture = where.world.prefecture
    opening = RunMonth(*key, month)
    crew.run(_draw_jobs, n, opening, people, prefecture, tables, (seat, rank))
    most = np.uint64(max(int(tables.tier.max()), 0)) * BLUR + np.uint64(1 << 32)
    order, begin = by_group(seat, tables.other.shape[0] * places)
    ties = crew.run(sort_groups, order.size, begin, rank, most, order)
    if any(ties):  # then the key decides, not the row
        order = order[np.lexsort((columns["key"][order], rank[order], seat[order]))]
    return order, begin


@njit(cache=True, nogil=True)
def _draw_jobs(chunk, first, stop, opening, people, prefecture, tables, out):
    """Place of each person's job in the order of jobs.

    opening     RunMonth
    people      _Residents
    prefecture  int64[M] of each municipality
    tables      JobTables
    out         seat int32[n], sector x municipality, -1 without a job; rank uint64[n], tier and
                hash
    """
    (k0, k1, now), (seat, rank) = opening, out
    tables, people = borrow(tables), borrow(people)
    for i in range(first, stop):
        seat[i] = -1
        status, age = np.int64(people.status[i]), now - np.int64(people.born[i])
        tier = tables.tier[status]
        if tier < 0 or age < tables.ages[0] or age >= tables.ages[1]:
            continue
        x0, x1 = draw(k0, k1, people.key[i], now, P_FIRST_JOB, 0)
        if low(x0) >= tables.has[status]:
            continue
        sector, town = np.int64(0), np.int64(people.municipality[i])
        while high(x0) >= tables.sector_cut[status, sector]:
            sector += 1
        home = np.int64(prefecture[town])
        work = home
        if tables.commutes[tier]:
            work = np.int64(0)
            while low(x1) >= tables.work_cut[home, work]:
                work += 1
        if work != home:
            x2, _ = draw(k0, k1, people.key[i], now, P_FIRST_JOB, 1)
            lowest, end = np.int64(tables.first[work]), np.int64(tables.first[work + 1])
            below = tables.pull[lowest]
            at = below + low(x2) / 4294967296.0 * (tables.pull[end] - below)
            town = min(first_above(tables.pull, lowest + 1, end, at) - 1, end - 1)
        sector = tables.other[sector, work]
        if sector >= 0:
            seat[i] = sector * prefecture.size + town
            rank[i] = np.uint64(tier) * BLUR + high(x1)


def _firm_set(
    config: RunConfig, firms: Firms, rows: Rows, book: FirmBook, heads: np.ndarray,
    key: tuple[np.uint64, np.uint64], month: int, crew: Crew,
) -> FirmSet:  # fmt: skip
    """heads int32[n, T]: workers of every firm."""
    n, n_tiers = heads.shape
    standing = list(firms.statuses.values())
    names = list(firms.statuses)
    certified = names.index(firms.certified)
    shares = [kind.value for kind in firms.support.share.values()]
    drawn = Standings(np.empty(n, np.uint8), np.empty(n, np.int16), np.empty(n, np.uint8))
    tables = StandingTables(
        status_cut=cuts([s.share for s in standing]),
        months=np.array([s.months or 0 for s in standing], np.int16),
        share=np.array([np.floor(min(s, 1.0) * 2.0**32) for s in shares]).astype(np.uint64),
        certified=certified,
        least=np.uint64(firms.support.certified.value * 2.0**32),
    )
    crew.run(draw_standing, n, RunMonth(*key, month), rows.key, tables, drawn)
    open_jobs = np.array([s.vacancies.value for s in firms.sectors.values()])
    wanted = heads * (1.0 + open_jobs[rows.sector])[:, None]
    zeros = np.zeros((n, n_tiers), np.int16)
    book.usual = _usual(rows, wanted, book.cells.shape[:2])
    made = FirmSet(n_tiers, int(n * 1.3) + 1024, book)
    made.fill({
        "key": rows.key, "sector": rows.sector, "size": rows.size,
        "municipality": rows.municipality, **drawn._asdict(),
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
