"""A month of the firms: standing before the law, closures, new firms, jobs wanted, vacancies.

`firms_month` runs before people move between jobs: it says how many a firm would hire. It never
ends a job: a firm under notice is emptied by the matching of the month that the notice names, and
its row is freed in a later month.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.special import ndtri

from sim.agents.firms import HOLE, FirmSet
from sim.agents.opening.firm_rows import draw_support, relative_size
from sim.agents.state import State
from sim.config.schema.firms import Firms as Body
from sim.config.schema.run import RunConfig
from sim.core.kernels import INLINED, borrow, hold
from sim.core.probability import LARGEST_MEAN, poisson
from sim.core.rng import (
    P_DEMAND_SHOCK,
    P_FIRM_COUNT,
    P_FIRM_MONTH,
    TAG_NEW_FIRM,
    draw,
    high,
    identity,
    low,
    one_uniform,
    unit,
    word_of,
)
from sim.processes.firm_rules import grow_demand, new_firms, rules, support_shares

FIRMS, WORKERS, OFFERED = 0, 1, 2

SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd constant of multiplicative hashing (2**64 over the golden ratio)."""


def firms_month(state: State) -> None:
    """Standing, closures, demand and vacancies of all firms this month."""
    labour, body = state.labour, state.config.firms
    if labour is None or body is None:
        return
    firms, params = labour.firms, state.params
    grow_demand(
        firms.book, body, params, state.month, demand_shock(state.config, state.key, state.month)
    )
    shares = support_shares(body, params)
    before = state.policy.params(state.month - 1)
    if before is not params and not np.array_equal(shares, support_shares(body, before)):
        _support(state, firms, body, shares)
    now = rules(firms.book, body, params, state.month)
    found = FirmsFound(
        np.zeros(firms.n, np.bool_), np.zeros((state.chunks, len(body.sectors), 3), np.int64)
    )
    place = state.world.prefecture
    state.crew.run(set_standing_and_vacancies, firms.n, firms.columns, now, place, state.now, found)
    firms.free(np.flatnonzero(found.gone))
    firms.seen = found.tally.sum(axis=0)
    open_new(state, firms, body, shares)


def demand_shock(config: RunConfig, key: tuple[np.uint64, np.uint64], month: int) -> float:
    """Standard normal number of a month, common to all firms; 0 in a run without shocks."""
    if not config.arrivals.shocks:
        return 0.0
    return float(ndtri(one_uniform(*key, np.uint64(word_of("demand")), month, P_DEMAND_SHOCK)))


def _support(state: State, firms: FirmSet, body: Body, shares: np.ndarray) -> None:
    certified = list(body.statuses).index(body.certified)
    state.crew.run(renew_support, firms.n, firms.columns, shares, certified, state.now)


@njit(cache=True, nogil=True)
def renew_support(chunk, first, stop, firms, shares, certified, month):
    """Support of firms [first, stop): the same firms give it as long as the share does not fall."""
    firms = borrow(firms)
    for f in range(first, stop):
        if firms.status[f] != HOLE:
            least = shares[-1] if firms.status[f] == certified else np.uint64(0)
            firms.support[f] = draw_support(month.k0, month.k1, firms.key[f], shares[:-1], least)


class FirmsFound(NamedTuple):
    """What `set_standing_and_vacancies` reports, beside the columns that it changes."""

    gone: np.ndarray  # bool[n]: closed and empty, to be freed
    tally: np.ndarray  # int64[C, K, 3] by sector: columns FIRMS, WORKERS, OFFERED


@njit(cache=True, nogil=True)
def set_standing_and_vacancies(chunk, first, stop, firms, rules, prefecture, month, found):
    """One month of firms [first, stop)."""
    firms, rules, found = borrow(firms), borrow(rules), borrow(found)
    tally = found.tally
    buffers = np.zeros(rules.frozen.size, np.int64), np.zeros(rules.pool.size, np.int64)
    room, gaps = borrow(buffers[0]), borrow(buffers[1])
    for f in range(first, stop):
        if firms.status[f] == HOLE:
            continue
        workers, waiting, pools = 0, 0, 0
        for t in range(rules.pool.size):
            workers += firms.heads[f, t]
            waiting += firms.pending[f, t]
            pools |= np.int64(firms.heads[f, t] > 0) << rules.pool[t]
        if closed(firms, f, rules, month.now) and workers + waiting == 0:
            found.gone[f] = True
            continue
        set_standing(firms, f, rules, pools, month)
        place = prefecture[np.int64(firms.municipality[f])]
        k = np.int64(firms.sector[f])
        tally[chunk, k, FIRMS] += 1
        tally[chunk, k, WORKERS] += workers
        tally[chunk, k, OFFERED] += set_vacancies(firms, f, rules, rules.local[place], room, gaps)
    hold(buffers)


@njit(cache=True, **INLINED)
def closed(firms, f, rules, now):
    """Whether firm f has closed: its notice has passed, and it is not only barred."""
    notice = firms.notice[f]
    return notice > 0 and notice <= now and firms.status[f] != rules.barred


@njit(cache=True, **INLINED)
def set_standing(firms, f, rules, pools, month):
    """The standing of firm f this month: first what ends by itself, then closures and inspections.

    A year's closure or inspection is decided once, in a month of the firm's own.
    """
    if 0 < firms.until[f] <= month.now:
        if firms.status[f] == rules.barred:
            firms.notice[f] = 0
        firms.status[f], firms.until[f] = 0, 0
    if firms.notice[f] > 0 or (firms.key[f] >> np.uint64(32)) % np.uint64(12) != month.now % 12:
        return
    x0, _ = draw(month.k0, month.k1, firms.key[f], month.now, P_FIRM_MONTH, 0)
    if low(x0) < rules.close[firms.size[f]]:
        firms.notice[f] = month.now + rules.closure_notice
        return
    status, word, new = firms.status[f], high(x0), -1
    if word < rules.bar[pools]:
        new = rules.barred
        firms.notice[f] = month.now + rules.bar_notice
    elif word < rules.guide[pools]:
        new = rules.guidance
    elif status == 0 and word < rules.certify[pools]:
        new = rules.certified
    if new >= 0:
        firms.status[f] = new
        firms.until[f] = month.now + rules.months[new] if rules.months[new] > 0 else 0


@njit(cache=True, **INLINED)
def whole_jobs(key, tier, jobs):
    """Whole jobs: a firm's own fraction decides which way it rounds, the same in every month, so
    that one per cent more demand adds about one per cent of jobs and moves no others."""
    own = (key * (SPREAD + np.uint64(2 * tier))) >> np.uint64(12)
    return np.int64(jobs + np.float64(np.int64(own)) * (1.0 / 4503599627370496.0))


@njit(cache=True, **INLINED)
def set_vacancies(firms, f, rules, local, room, gaps):
    """Set the vacancies of firm f; returns how many. `room` and `gaps` are buffers.

    In each pool of tiers no more than the jobs wanted less those taken: who has more workers of
    one tier than wanted needs fewer of the others.
    """
    n_tiers, k = rules.pool.size, np.int64(firms.sector[f])
    status, key = firms.status[f], firms.key[f]
    shut = firms.notice[f] > 0 or status == rules.barred
    scale, total = local * rules.standing[status], np.int64(0)
    if shut:
        for t in range(n_tiers):
            firms.vacancies[f, t] = 0
        return total
    for q in range(room.size):
        room[q] = 0
    for t in range(n_tiers):  # without branches: which firms want whom follows no pattern
        jobs = firms.wanted[f, t] * rules.want[k, t]  # 0 of 0 jobs
        jobs += firms.wanted[f, rules.before[t]] * rules.stead[k, t]
        gap = whole_jobs(key, t, jobs * scale)
        gap -= np.int64(firms.heads[f, t]) + np.int64(firms.pending[f, t])
        room[rules.pool[t]] += gap
        gaps[t] = gap
    guided = status == rules.guidance
    for t in range(n_tiers):
        q = rules.pool[t]
        gap = max(min(gaps[t], room[q], 32767), 0) * np.int64(not (guided and rules.frozen[q]))
        firms.vacancies[f, t] = gap
        room[q] -= gap
        total += gap
    return total


def open_new(state: State, firms: FirmSet, body: Body, shares: np.ndarray) -> None:
    """Firms that open this month: how many in each sector, size and prefecture, and what they
    want. They begin to hire in the next month."""
    mean = new_firms(firms.book, body, state.params, state.month, state.scale)
    codes = state.rates.codes.prefectures
    words = _words(tuple(body.sectors), tuple(body.sizes), tuple(codes))
    count = np.zeros(mean.size, np.int64)
    count_new(mean.reshape(-1), words, state.now, count)
    cell = np.repeat(np.arange(mean.size), count)
    first = np.cumsum(count) - count
    ordinal = np.arange(cell.size) - first[cell]
    rows = firms.take(cell.size)
    sector, size, place = np.unravel_index(cell, mean.shape)
    key, town, large, tier, support = draw_new(
        NewFirms(words[cell], ordinal, sector, size, place), firms.book.usual,
        state.world.first, firms.book.pull, shares[:-1], state.now,
    )  # fmt: skip
    jobs = firms.book.usual[sector, size].sum(axis=1)
    spread = np.array([kind.spread.value for kind in body.sizes.values()])
    jobs = jobs * relative_size(large, size, spread)
    wanted = np.zeros((rows.size, firms.n_tiers), np.float32)
    wanted[np.arange(rows.size), tier] = jobs
    columns = firms.columns
    columns.key[rows], columns.sector[rows], columns.size[rows] = key, sector, size
    columns.municipality[rows], columns.status[rows] = town, 0
    columns.opened[rows], columns.wanted[rows] = state.month, wanted
    for name in ("until", "notice"):
        getattr(columns, name)[rows] = 0
    for name in ("heads", "vacancies", "pending"):
        getattr(columns, name)[rows] = 0
    columns.support[rows] = support


@cache
def _words(sectors: tuple[str, ...], sizes: tuple[str, ...], codes: tuple[str, ...]) -> np.ndarray:
    """uint64[K * Z * P]: what cells are called in keys. Hashing the names takes 2 ms a month."""
    names = (f"{sector} {size} {code}" for sector in sectors for size in sizes for code in codes)
    return np.array([word_of(name) for name in names], np.uint64)


@njit(cache=True)
def count_new(mean, words, month, count):
    """Poisson counts int64[cells] by one uniform for each LARGEST_MEAN of the mean."""
    for cell in range(mean.size):
        full = np.int64(mean[cell] / LARGEST_MEAN)
        for part in range(full + 1):
            x0, _ = draw(month.k0, month.k1, words[cell], month.now, P_FIRM_COUNT, part)
            rest = LARGEST_MEAN if part < full else mean[cell] - full * LARGEST_MEAN
            count[cell] += poisson(rest, 1.0 - unit(x0))


class NewFirms(NamedTuple):
    """n firms that open this month, by cell of sector, size and prefecture."""

    words: np.ndarray  # uint64[n]: what the cell is called in keys
    ordinal: np.ndarray  # int64[n]: number within the cell
    sector: np.ndarray  # int64[n]
    size: np.ndarray  # int64[n]
    place: np.ndarray  # int64[n]: prefecture


@njit(cache=True)
def draw_new(new, usual, first, pull, shares, month):
    """(key uint64, municipality int64, uniform of the size float64, tier int64, support uint8) of
    new firms.

    usual float64[K, Z, T]: a firm opens with jobs of one tier, drawn by how common they are
    pull  float64[M + 1]: cumulated pull of municipalities on firms
    """
    n = new.words.size
    key, town = np.empty(n, np.uint64), np.empty(n, np.int64)
    large, tier, support = np.empty(n), np.empty(n, np.int64), np.empty(n, np.uint8)
    for i in range(n):
        key[i] = identity(TAG_NEW_FIRM, new.words[i], np.uint64(month.now), new.ordinal[i])
        x0, x1 = draw(month.k0, month.k1, key[i], month.now, P_FIRM_COUNT, 0)
        a, z = np.int64(first[new.place[i]]), np.int64(first[new.place[i] + 1])
        at = pull[a] + unit(x0) * (pull[z] - pull[a])
        town[i] = min(a + np.searchsorted(pull[a + 1 : z], at, side="right"), z - 1)
        large[i] = unit(x1)
        y0, _ = draw(month.k0, month.k1, key[i], month.now, P_FIRM_COUNT, 1)
        jobs, total, t = usual[new.sector[i], new.size[i]], 0.0, 0
        for k in range(jobs.size):
            total += jobs[k]
        at, running = unit(y0) * total, jobs[0]
        while at >= running and t < jobs.size - 1:
            t += 1
            running += jobs[t]
        tier[i] = t
        support[i] = draw_support(month.k0, month.k1, key[i], shares, np.uint64(0))
    return key, town, large, tier, support
