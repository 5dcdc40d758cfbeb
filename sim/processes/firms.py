"""A month of the firms: standing before the law, closures, new firms, jobs wanted, vacancies.

`plan` runs before people move between jobs: it says how many a firm would hire. It never ends a
job: a firm under notice is emptied by the matching of the month that the notice names, and its
row is freed by the plan of a later month.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit

from sim.agents.firms import HOLE, FirmSet
from sim.agents.opening.firm_rows import draw_support, relative_size
from sim.agents.state import State
from sim.config.schema.firms import Firms as Body
from sim.core.kernels import borrow, hold
from sim.core.probability import LARGEST_MEAN, poisson
from sim.core.rng import (
    P_FIRM_COUNT,
    P_FIRM_MONTH,
    TAG_NEW_FIRM,
    draw,
    high,
    identity,
    low,
    unit,
    word_of,
)
from sim.processes.firm_rules import grow, new_firms, rules, support_shares

FIRMS, WORKERS, OFFERED = 0, 1, 2

SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd constant of multiplicative hashing (2**64 over the golden ratio)."""


def plan(state: State) -> None:
    """Bring the firms to this month and say what they would hire."""
    labour, body = state.labour, state.config.firms
    if labour is None or body is None:
        return
    firms, params = labour.firms, state.params
    grow(firms.book, body, params, state.month)
    shares = support_shares(body, params)
    before = state.rates.params(state.month - 1)
    if before is not params and not np.array_equal(shares, support_shares(body, before)):
        _support(state, firms, body, shares)
    now = rules(firms.book, body, params, state.month)
    gone = np.zeros(firms.n, np.bool_)
    tally = np.zeros((state.chunks, len(body.sectors), 3), np.int64)
    state.crew.run(
        stand_and_want, firms.n, firms.columns, now, state.world.prefecture, state.now, gone, tally
    )
    firms.free(np.flatnonzero(gone))
    firms.seen = tally.sum(axis=0)
    open_new(state, firms, body, shares)


def _support(state: State, firms: FirmSet, body: Body, shares: np.ndarray) -> None:
    certified = list(body.statuses).index(body.certified)
    state.crew.run(renew_support, firms.n, firms.columns, shares, certified, state.now)


@njit(cache=True, nogil=True)
def renew_support(c, first, stop, firms, shares, certified, m):
    """Support of firms [first, stop): the same firms give it as long as the share does not fall."""
    firms = borrow(firms)
    for f in range(first, stop):
        if firms.status[f] != HOLE:
            least = shares[-1] if firms.status[f] == certified else np.uint64(0)
            firms.support[f] = draw_support(m.k0, m.k1, firms.key[f], shares[:-1], least)


@njit(cache=True, nogil=True)
def stand_and_want(c, first, stop, firms, r, prefecture, m, gone, tally):
    """One month of firms [first, stop).

    gone   bool[n] out: closed and empty, to be freed
    tally  int64[C, K, 3] out: firms, workers and vacancies by sector
    """
    firms, r = borrow(firms), borrow(r)
    buffers = np.zeros(r.frozen.size, np.int64), np.zeros(r.pool.size, np.int64)
    room, gaps = borrow(buffers[0]), borrow(buffers[1])
    for f in range(first, stop):
        if firms.status[f] == HOLE:
            continue
        workers, waiting, pools = 0, 0, 0
        for t in range(r.pool.size):
            workers += firms.heads[f, t]
            waiting += firms.pending[f, t]
            pools |= np.int64(firms.heads[f, t] > 0) << r.pool[t]
        if closed(firms, f, r, m.now) and workers + waiting == 0:
            gone[f] = True
            continue
        stand(firms, f, r, pools, m)
        place = prefecture[np.int64(firms.municipality[f])]
        k = np.int64(firms.sector[f])
        tally[c, k, FIRMS] += 1
        tally[c, k, WORKERS] += workers
        tally[c, k, OFFERED] += want(firms, f, r, r.local[place], room, gaps)
    hold(buffers)


@njit(cache=True, forceinline=True)
def closed(firms, f, r, now):
    """Whether firm f has closed: its notice has passed, and it is not only barred."""
    notice = firms.notice[f]
    return notice > 0 and notice <= now and firms.status[f] != r.barred


@njit(cache=True, forceinline=True)
def stand(firms, f, r, pools, m):
    """The standing of firm f this month: what ends by itself, then what happens.

    A year's closure or inspection is decided once, in a month of the firm's own.
    """
    if 0 < firms.until[f] <= m.now:
        if firms.status[f] == r.barred:
            firms.notice[f] = 0
        firms.status[f], firms.until[f] = 0, 0
    if firms.notice[f] > 0 or (firms.key[f] >> np.uint64(32)) % np.uint64(12) != m.now % 12:
        return
    x0, _ = draw(m.k0, m.k1, firms.key[f], m.now, P_FIRM_MONTH, 0)
    if low(x0) < r.close[firms.size[f]]:
        firms.notice[f] = m.now + r.closure_notice
        return
    status, word, new = firms.status[f], high(x0), -1
    if word < r.bar[pools]:
        new = r.barred
        firms.notice[f] = m.now + r.bar_notice
    elif word < r.guide[pools]:
        new = r.guidance
    elif status == 0 and word < r.certify[pools]:
        new = r.certified
    if new >= 0:
        firms.status[f] = new
        firms.until[f] = m.now + r.months[new] if r.months[new] > 0 else 0


@njit(cache=True, forceinline=True)
def wish(key, tier, jobs):
    """Whole jobs: a firm's own fraction decides which way it rounds, the same in every month, so
    that one per cent more demand adds about one per cent of jobs and moves no others."""
    own = (key * (SPREAD + np.uint64(2 * tier))) >> np.uint64(12)
    return np.int64(jobs + np.float64(np.int64(own)) * (1.0 / 4503599627370496.0))


@njit(cache=True, forceinline=True)
def want(firms, f, r, local, room, gaps):
    """Set the vacancies of firm f; returns how many. `room` and `gaps` are buffers.

    In each pool of tiers no more than the jobs wanted less those taken: who has more workers of
    one tier than wanted needs fewer of the others.
    """
    n_tiers, k = r.pool.size, np.int64(firms.sector[f])
    status, key = firms.status[f], firms.key[f]
    shut = firms.notice[f] > 0 or status == r.barred
    scale, total = local * r.standing[status], np.int64(0)
    if shut:
        for t in range(n_tiers):
            firms.vacancies[f, t] = 0
        return total
    for q in range(room.size):
        room[q] = 0
    for t in range(n_tiers):  # without branches: which firms want whom follows no pattern
        gap = wish(key, t, firms.wanted[f, t] * r.want[k, t] * scale)  # 0 of 0 jobs
        gap -= np.int64(firms.heads[f, t]) + np.int64(firms.pending[f, t])
        room[r.pool[t]] += gap
        gaps[t] = gap
    guided = status == r.guidance
    for t in range(n_tiers):
        q = r.pool[t]
        gap = max(min(gaps[t], room[q], 32767), 0) * np.int64(not (guided and r.frozen[q]))
        firms.vacancies[f, t] = gap
        room[q] -= gap
        total += gap
    return total


def open_new(state: State, firms: FirmSet, body: Body, shares: np.ndarray) -> None:
    """Firms that open this month: how many in each sector, size and prefecture, and what they
    want. They begin to hire in the next month."""
    mean = new_firms(firms.book, body, state.params, state.month, state.scale)
    codes = state.model.codes.prefectures
    words = _words(tuple(body.sectors), tuple(body.sizes), tuple(codes))
    count = np.zeros(mean.size, np.int64)
    count_new(mean.reshape(-1), words, state.now, count)
    cell = np.repeat(np.arange(mean.size), count)
    first = np.cumsum(count) - count
    ordinal = np.arange(cell.size) - first[cell]
    rows = firms.take(cell.size)
    sector, size, place = np.unravel_index(cell, mean.shape)
    key, town, large, tier, support = draw_new(
        words[cell], ordinal, sector, size, place, firms.book.usual,
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
    """uint64[K * Z * P]: what cells are called in keys."""
    names = (f"{sector} {size} {code}" for sector in sectors for size in sizes for code in codes)
    return np.array([word_of(name) for name in names], np.uint64)


@njit(cache=True)
def count_new(mean, words, m, count):
    """Poisson counts int64[cells] by one uniform for each LARGEST_MEAN of the mean."""
    for cell in range(mean.size):
        full = np.int64(mean[cell] / LARGEST_MEAN)
        for part in range(full + 1):
            x0, _ = draw(m.k0, m.k1, words[cell], m.now, P_FIRM_COUNT, part)
            rest = LARGEST_MEAN if part < full else mean[cell] - full * LARGEST_MEAN
            count[cell] += poisson(rest, 1.0 - unit(x0))


@njit(cache=True)
def draw_new(words, ordinal, sector, size, place, usual, first, pull, shares, m):
    """(key uint64, municipality int64, uniform of the size float64, tier int64, support uint8) of
    new firms.

    usual float64[K, Z, T]: a firm opens with jobs of one tier, drawn by how common they are
    pull  float64[M + 1]: cumulated pull of municipalities on firms
    """
    n = words.size
    key, town = np.empty(n, np.uint64), np.empty(n, np.int64)
    large, tier, support = np.empty(n), np.empty(n, np.int64), np.empty(n, np.uint8)
    for i in range(n):
        key[i] = identity(TAG_NEW_FIRM, words[i], np.uint64(m.now), ordinal[i])
        x0, x1 = draw(m.k0, m.k1, key[i], m.now, P_FIRM_COUNT, 0)
        a, z = np.int64(first[place[i]]), np.int64(first[place[i] + 1])
        at = pull[a] + unit(x0) * (pull[z] - pull[a])
        town[i] = min(a + np.searchsorted(pull[a + 1 : z], at, side="right"), z - 1)
        large[i] = unit(x1)
        y0, _ = draw(m.k0, m.k1, key[i], m.now, P_FIRM_COUNT, 1)
        jobs, total, t = usual[sector[i], size[i]], 0.0, 0
        for k in range(jobs.size):
            total += jobs[k]
        at, running = unit(y0) * total, jobs[0]
        while at >= running and t < jobs.size - 1:
            t += 1
            running += jobs[t]
        tier[i] = t
        support[i] = draw_support(m.k0, m.k1, key[i], shares, np.uint64(0))
    return key, town, large, tier, support
