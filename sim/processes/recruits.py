"""Recruitment abroad: jobs that nobody in the country took, certificates, arrival at the firm."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from sim.agents.firms import CAPPED, FirmBook, Labour
from sim.agents.population import HOLE
from sim.agents.state import State
from sim.config.schema.firms import Cap
from sim.core.clock import month_index
from sim.core.kernels import borrow
from sim.core.probability import thresholds
from sim.core.rng import (
    P_RECRUIT,
    P_RECRUITED_PERSON,
    P_VACANCY,
    TAG_RECRUIT,
    draw,
    high,
    identity,
    low,
    unit,
)
from sim.processes.arrivals import (
    AHEAD,
    NOBODY,
    Newcomer,
    draw_profile,
    fetch_row,
    room_under,
    write_newcomer,
)
from sim.processes.firm_rules import MONTHS, rules
from sim.processes.market import Offers, add_jobs, count_fields
from sim.processes.person import open_workspace, pick_cut, take_job

EARLIER = 1 << 19
"""Set in the blocks of draws about recruitments before the opening."""


class Recruits(NamedTuple):
    """n people who come this month to the firms that recruited them, and who they may be."""

    firm: np.ndarray  # int32[n]: row of the firm
    tier: np.ndarray  # uint8[n]: of the job
    word: np.ndarray  # uint64[n]: draw of the vacancy
    asked: np.ndarray  # int16[n]: month of the vacancy
    rows: np.ndarray  # int32[n]: rows for the people
    status_cut: np.ndarray  # uint64[T, S] cumulative: status by tier
    origin_cut: np.ndarray  # uint64[S, P, O] cumulative: origin by status and prefecture
    came: np.ndarray  # int64[C, S] out: people by chunk and status


@njit(cache=True)
def choose_recruits(taken, words, tier, success):
    """int64: free jobs for which somebody abroad is chosen; success uint64[T] thresholds."""
    rows, n = np.empty(taken.size, np.int64), 0
    for j in range(taken.size):
        rows[n] = j
        n += taken[j] < 0 and low(words[j]) < success[tier[j]]
    return rows[:n].copy()


@njit(cache=True, nogil=True)
def write_recruits(chunk, first, stop, scene, recruits, profile):
    """Write the recruited people [first, stop) into their rows, at work in their firms."""
    scene, recruits, profile = borrow(scene), borrow(recruits), borrow(profile)
    work, month, world = open_workspace(scene, chunk, 0), scene.month, scene.world
    for k in range(first, stop):
        fetch_row(scene.people, recruits.rows[min(k + AHEAD, stop - 1)])
        firm, tier, i = (
            np.int64(recruits.firm[k]), np.int64(recruits.tier[k]), np.int64(recruits.rows[k]),
        )  # fmt: skip
        key = identity(TAG_RECRUIT, recruits.word[k], np.uint64(recruits.asked[k]), tier)
        place = np.int64(scene.firms.municipality[firm])
        x0, _ = draw(month.k0, month.k1, key, month.now, P_RECRUIT, 0)
        status = pick_cut(recruits.status_cut[tier], low(x0))
        origin = pick_cut(recruits.origin_cut[status, world.prefecture[place]], high(x0))
        y0, y1 = draw(month.k0, month.k1, key, month.now, P_RECRUITED_PERSON, 0)
        sex, born, language = draw_profile(profile, status, month.now, y0, y1)
        newcomer = Newcomer(key, status, origin, sex, born, place, NOBODY, language)
        write_newcomer(scene, work, i, newcomer)
        take_job(scene, i, firm)
        recruits.came[chunk, status] += 1


@njit(cache=True)
def already_chosen(n, firms, share, month, pending):
    """People on the way to each firm at the opening: its heads x share[tier], rounded by a draw.

    pending int16[firms, T] out. Share is float64[T].
    """
    for f in range(n):
        for t in range(share.size):
            block = (t << 20) | EARLIER
            x0, _ = draw(month.k0, month.k1, firms.key[f], month.now, P_VACANCY, block)
            pending[f, t] = np.int64(firms.heads[f, t] * share[t] + unit(x0))


@njit(cache=True)
def earlier_words(firm, tier, ordinal, firms, month, words):
    """The draw of each person on the way at the opening, uint64[n]."""
    for k in range(firm.size):
        block = (np.int64(tier[k]) << 20) | EARLIER | (ordinal[k] + 1)
        key = firms.key[firm[k]]
        _, words[k] = draw(month.k0, month.k1, key, month.now, P_VACANCY, block)


def within_caps(state: State, labour: Labour, offers: Offers, rows: np.ndarray) -> np.ndarray:
    """bool[rows]: recruitments that the caps leave; by the hash of the vacancy, smallest first."""
    body = state.config.firms
    assert body is not None
    out = np.ones(rows.size, np.bool_)
    firms, fields = labour.firms, list(body.fields)
    field_of = np.array([fields.index(sector.field) for sector in body.sectors.values()])
    both = np.zeros((state.chunks, 2, labour.tiers, len(fields)), np.int64)
    state.crew.run(count_fields, firms.n, firms.columns, field_of, both)
    heads, pending = both.sum(axis=0)
    of_job, tier = field_of[firms["sector"][offers.firm[rows]]], offers.tier[rows]
    for name, cap in body.caps.items():
        t = list(body.tiers).index(name)
        mine = np.flatnonzero(tier == t)
        limits = _limits(state, name, cap, fields)
        here = heads[t] + pending[t]
        most = mine.size + here.sum() + labour.flow[t].sum()  # who can count at most
        if state.month < month_index(cap.since) or most < limits.min():
            continue
        if cap.statuses:
            here = _holders(state, cap.statuses, field_of, len(fields)) + pending[t]
        counted = here if cap.kind == "stock" else labour.flow[t]
        room = np.maximum(limits - counted, 0).astype(np.int64)
        wanted = np.bincount(of_job[mine], minlength=len(fields))
        for f in np.flatnonzero(wanted > room):
            ranked = mine[of_job[mine] == f]
            ranked = ranked[np.argsort(offers.words[rows[ranked]])]
            out[ranked[room[f] :]] = False
            labour.capped[t, f] = wanted[f] - room[f]
            labour.counts[CAPPED, t] += wanted[f] - room[f]
    _under_policy(state, labour, offers, rows, out, pending.sum(axis=1))
    add_jobs(labour.flow, tier[out], of_job[out], 1)
    return out


def months_to_arrival(state: State) -> float:
    """Months from the choice of somebody abroad to their arrival, on average."""
    return state.certificate_lag + state.params["firms.recruit.lag"]


def _holders(state: State, names: list[str], field_of: np.ndarray, fields: int) -> np.ndarray:
    """int64[fields]: people of these statuses who have a job, by its field."""
    held = np.zeros(HOLE + 1, np.bool_)
    held[[state.rates.codes.statuses.index(name) for name in names]] = True
    out = np.zeros((state.chunks, fields), np.int64)
    state.crew.run(count_holders, state.people.n, state.scene, held, field_of, out)
    return out.sum(axis=0)


@njit(cache=True, nogil=True)
def count_holders(chunk, first, stop, scene, held, field_of, out):
    """People [first, stop) of held statuses, bool[HOLE + 1], who have a job, by its field.

    field_of int64[sectors]; out int64[C, F].
    """
    scene = borrow(scene)
    status, firm, sector = scene.people.status, scene.people.firm, scene.firms.sector
    for i in range(first, stop):
        if held[status[i]] and firm[i] >= 0:
            out[chunk, field_of[np.int64(sector[firm[i]])]] += 1


def _under_policy(
    state: State,
    labour: Labour,
    offers: Offers,
    rows: np.ndarray,
    out: np.ndarray,
    pending: np.ndarray,
) -> None:
    """Take out of `out` what the caps of policy stop; `pending` int64[T] count as come.

    A cap that will have ended when they arrive stops nobody who is chosen now.
    """
    now, status = state.policy.in_force(state.month), state.rates.status
    then = state.policy.in_force(state.month + round(months_to_arrival(state)))
    lasting = {(cap.statuses, cap.per) for cap in then.caps}
    stock = state.stock
    for cap in now.caps:
        if (cap.statuses, cap.per) not in lasting:
            continue
        tiers = np.unique(status.tier[[s for s in cap.statuses if status.seeks[s]]])
        on_the_way = 0.0 if cap.per == "growth" else float(pending[tiers].sum())
        room = room_under(cap, list(cap.statuses), stock, state.record.came, state.scale)
        under = np.zeros(labour.tiers, np.bool_)
        under[tiers] = True
        mine = np.flatnonzero(out & under[offers.tier[rows]])
        left = int(max(min(room - on_the_way, mine.size), 0))
        if mine.size > left:
            gone = mine[np.argsort(offers.words[rows[mine]])[left:]]
            out[gone] = False
            np.add.at(labour.counts, (CAPPED, offers.tier[rows[gone]]), 1)


def _limits(state: State, name: str, cap: Cap, fields: list[str]) -> np.ndarray:
    """float64[fields]: people whom the cap of a tier allows now, at the scale of the run.

    A plan's number is for its end, and who is chosen now counts in the month of arrival. The next
    plan's number is approached by equal monthly steps; that of a status which still fills up then
    goes on as it did in the first plan.
    """
    params, last = state.params, month_index(cap.until)
    arrival = state.month + round(months_to_arrival(state))
    plan, month = divmod(max(arrival - last, 0), 12 * cap.plan_years)
    values = [params.get(f"firms.caps.{name}.fields.{f}", np.inf) for f in fields]
    raised = params[f"firms.caps.{name}.raised"]
    grown = raised**plan * (1.0 + (raised - 1.0) * month / (12 * cap.plan_years))
    if cap.fills is not None:
        before = month_index(cap.since) - 1
        filled = min(float(arrival - before), params[f"firms.caps.{name}.fills"])
        grown *= max(filled / (last - before), 1.0)
    return np.array(values) * grown * state.scale


def lapse_vacancies(
    state: State, labour: Labour, offers: Offers, chosen: np.ndarray, kept: np.ndarray
) -> None:
    """Firms give up some of the jobs that caps leave unfilled.

    chosen  int64: vacancies for which somebody abroad was found; kept bool[chosen]: as caps allow

    In each tier and field a vacancy lapses at a hazard, times the share that caps stopped.
    """
    body = state.config.firms
    assert body is not None
    if kept.all():
        return
    fields = list(body.fields)
    field_of = np.array([fields.index(sector.field) for sector in body.sectors.values()])
    firms = labour.firms

    def cells(rows: np.ndarray) -> np.ndarray:
        """int64[rows]: tier and field of vacancies."""
        field = field_of[firms["sector"][offers.firm[rows]]]
        return offers.tier[rows] * np.int64(len(fields)) + field

    n = labour.tiers * len(fields)
    tried = np.bincount(cells(chosen), minlength=n)
    stopped = np.bincount(cells(chosen[~kept]), minlength=n) / np.maximum(tried, 1)
    cut = thresholds(stopped * -math.expm1(-state.params["firms.recruit.lapse"] / MONTHS))
    word = offers.words >> np.uint64(32)
    rows = np.flatnonzero((offers.taken < 0) & (word < cut.max()))  # few: only theirs are looked up
    rows = rows[word[rows] < cut[cells(rows)]]
    rows = np.setdiff1d(rows, chosen[kept])
    # Jobs wanted are kept in units of the opening.
    place = state.world.prefecture[firms["municipality"][offers.firm[rows]]]
    each = jobs_of(state, firms.book, offers.firm[rows], place, offers.tier[rows])
    np.subtract.at(firms["wanted"], (offers.firm[rows], offers.tier[rows]), each)
    np.maximum(firms["wanted"], 0.0, out=firms["wanted"])


def jobs_of(
    state: State, book: FirmBook, firm: np.ndarray, place: np.ndarray, tier: np.ndarray
) -> np.ndarray:
    """float32: what one job of each firm and tier is in jobs of the opening."""
    body, labour = state.config.firms, state.labour
    assert body is not None
    assert labour is not None
    now, firms = rules(book, body, state.params, state.month), labour.firms
    times = now.want[firms["sector"][firm], tier] * now.local[place]
    return np.asarray(1.0 / (times * now.standing[firms["status"][firm]]), np.float32)
