"""The month of work: who looks for it, who finds it, whom firms recruit abroad, who comes.

`jobs` runs after the month's fates and before the families hear of them; `recruited` with the
other arrivals.
"""

from __future__ import annotations

import numpy as np

from sim.agents.firms import (
    CAME,
    CHOSEN,
    CROSSED,
    EMPLOYED,
    EVICTED,
    HIRED,
    HOLE,
    MARKET_PARAMETERS,
    REFUSED,
    SEEKING,
    WAY,
    Labour,
    Market,
    market_of,
)
from sim.agents.state import GAINED, LOST, SEEKERS, State
from sim.core.clock import calendar_month, month_name
from sim.core.errors import InvariantError
from sim.core.probability import cuts
from sim.processes.arrivals import expected_arrivals, usual_arrivals
from sim.processes.firms import SPREAD
from sim.processes.market import (
    Offers,
    Pairs,
    Search,
    add_jobs,
    apply_for_jobs,
    hire,
    line_up,
    pair_up,
    ring_spaces,
    scan_people,
    sort_rings,
    sum_heads,
)
from sim.processes.recruits import (
    Recruits,
    already_chosen,
    choose_recruits,
    earlier_words,
    lapse_vacancies,
    months_to_arrival,
    within_caps,
    write_recruits,
)
from sim.processes.towns import FISCAL_YEAR

HALF_OPEN = 0.5
"""Ease of recruiting below which some of those who are due cannot come yet. Firms go on choosing
as if it were no lower: in March 2022 several hundred thousand held certificates that
they could not use."""

RESUMED = 0.25
"""Probability a month that somebody who has waited for an open border comes (assumption: four
months on average, as visas were worked off in 2022)."""

ATTEMPTS = 3
"""Places, or sectors, in which somebody looks for work in a month."""


def jobs(state: State) -> None:
    """Workers and jobs find each other in the country; what is left is offered abroad."""
    labour = state.labour
    if labour is None:
        return
    if calendar_month(state.month) == 1:
        labour.transfers[:] = 0
    more = labour.firms.capacity - len(labour.transfers)
    if more > 0:
        labour.transfers = np.concatenate([labour.transfers, np.zeros((more, 2), np.int16)])
    if calendar_month(state.month) == FISCAL_YEAR:
        labour.flow[:] = 0
    labour.counts[:], labour.capped[:] = 0, 0
    hear_of_changes(state, labour)
    evict_and_list(state, labour)
    hear_of_changes(state, labour)
    offers = Offers(state, labour.jobs.shape[2])
    _match(state, labour, offers)
    _recruit(state, labour, offers)


def open_way(state: State) -> None:
    """At the opening: people whom firms have chosen abroad already, as many as usually come in
    the months of the lag, twice as many at most if a border has been closed. The jobs kept for them
    are wanted on top of the vacancies."""
    labour = state.labour
    assert labour is not None
    firms, lag = labour.firms, round(months_to_arrival(state))
    heads = firms["heads"].sum(axis=0)
    level, coming = usual_arrivals(state, state.month + 1), np.zeros(labour.tiers)
    for t in range(labour.tiers):
        months = lag + _closed_months(state, t, lag)
        coming[t] = level[_statuses(state, t)].sum() * state.scale * months
    share = np.where(heads > 0, coming / np.maximum(heads, 1), 0.0)
    already_chosen(firms.n, firms.columns, share, state.now, firms.columns.pending)
    firms["wanted"][:] += firms["pending"]
    pending = firms["pending"].ravel().astype(np.int64)
    job = np.repeat(np.arange(pending.size), pending)
    firm, tier = (job // labour.tiers).astype(np.int32), (job % labour.tiers).astype(np.uint8)
    ordinal = np.arange(job.size) - np.repeat(np.cumsum(pending) - pending, pending)
    word = np.zeros(job.size, np.uint64)
    earlier_words(firm, tier, ordinal, firms.columns, state.now, word)
    columns = {
        "due": state.month + 1 + (word % np.uint64(lag)).astype(np.int64),
        "asked": np.full(job.size, state.month), "firm": firm,
        "firm_key": firms["key"][firm], "tier": tier, "word": word,
    }  # fmt: skip
    labour.way = {name: columns[name].astype(dtype) for name, dtype in WAY.items()}


def _closed_months(state: State, tier: int, most: int) -> int:
    """For how many months up to now policy has let in fewer than half of a tier's people."""
    rows = _statuses(state, tier)
    for back in range(most):
        now = state.policy.in_force(state.month - back)
        if now.arrivals[rows].sum() >= HALF_OPEN * now.fitted_arrivals[rows].sum():
            return back
    return most


def hear_of_changes(state: State, labour: Labour) -> None:
    """Add this month's job losses and hires to firms' headcounts."""
    for jobs_of, sign in ((LOST, -1), (GAINED, 1)):
        changed = state.lists.pop(jobs_of)
        if changed.size == 0:
            continue
        firm, tier = np.divmod(changed, labour.tiers)
        add_jobs(labour.firms.columns.heads, firm, tier, sign)


def evict_and_list(state: State, labour: Labour) -> None:
    """End the jobs of firms under notice; list who looks for work; compare heads with people."""
    firms, p = labour.firms, state.people
    notice = firms["notice"]
    evicted = (notice > 0) & (notice <= state.month)
    sums = np.zeros((state.chunks, labour.tiers, 2), np.int64)
    bits = np.packbits(np.append(False, evicted), bitorder="little")
    state.crew.run(scan_people, p.n, state.scene, bits, sums)
    state.collect(p.n)
    heads = np.zeros((state.chunks, labour.tiers, 3), np.int64)
    state.crew.run(sum_heads, firms.n, firms["heads"], heads)
    kept = heads.sum(axis=0)
    if not np.array_equal(kept[:, :2], sums.sum(axis=0)) or kept[:, 2].any():
        raise InvariantError(
            f"firms' headcounts differ from their workers in {month_name(state.month)}"
        )
    labour.counts[EMPLOYED] = kept[:, 0]
    labour.counts[EVICTED, 0] = state.lists[LOST].size


def _match(state: State, labour: Labour, offers: Offers) -> None:
    """People who look for work apply, and take the jobs that they find."""
    rows = state.lists.pop(SEEKERS)
    market, sought = _market(state, labour), np.zeros((state.chunks, labour.tiers), np.int64)
    made, spot = np.zeros((labour.tiers, 3), np.int64), np.empty(rows.size, np.uint64)
    scene = state.scene
    for attempt in range(ATTEMPTS):
        applied = np.zeros((state.chunks, offers.starts.size - 1), np.int64)
        search = Search(rows, spot, np.empty(rows.size, np.int32), applied, sought)
        state.crew.run(apply_for_jobs, rows.size, scene, market, search, attempt)
        # Who does not apply now does not this month.
        rows, spot, starts = _in_line(state, search)
        pairs = _pairs(state, offers, starts, spot)
        hired = Pairs(pairs.job, rows[pairs.who])
        hire(scene, market, offers.jobs, hired, labour.transfers, made)
    labour.counts[SEEKING] = sought.sum(axis=0)
    labour.counts[[HIRED, CROSSED, REFUSED]] = made.T
    state.collect(state.people.n)


def _in_line(state: State, search: Search) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows int32[n], places uint64[n], starts int64[R + 1]) of those who apply, ring by ring."""
    starts, at = ring_spaces(search.applied)
    n = int(starts[-1])
    rows, spots = np.empty(n, np.int32), np.empty(n, np.uint64)
    state.crew.run(line_up, search.seekers.size, search, at, rows, spots)
    state.crew.run(sort_rings, n, starts, spots, rows, None)
    return rows, spots, starts


def _pairs(state: State, offers: Offers, starts: np.ndarray, spot: np.ndarray) -> Pairs:
    """Jobs, ascending, and which of those in line takes them."""
    room = Pairs(np.empty(spot.size, np.int32), np.empty(spot.size, np.int32))
    spans = state.crew.run(pair_up, spot.size, starts, spot, offers.jobs, room)
    return Pairs(*(np.concatenate([out[a:z] for a, z in spans]) for out in room))


def _market(state: State, labour: Labour) -> Market:
    """Where people look for work; made anew when a parameter of it changes."""
    given = state.params
    values = {name: given[f"firms.{name}"] for name in MARKET_PARAMETERS}
    if labour.market is None or labour.market[0] != values:
        labour.market = values, market_of(state.config, state.rates.codes, labour, values)
    return labour.market[1]


def _recruit(state: State, labour: Labour, offers: Offers) -> None:
    """Jobs that nobody took: somebody abroad is chosen for some, as far as caps allow."""
    firms, body = labour.firms, state.config.firms
    assert body is not None
    params = state.params
    success, attraction = np.zeros(labour.tiers), _attraction(state)
    for t, name in enumerate(body.tiers):
        if body.tiers[name].search == "all":
            ease = max(attraction[t], HALF_OPEN) if attraction[t] > 0 else 0.0
            success[t] = params[f"firms.recruit.success.{name}"] * ease
    success *= 1.0 - params["firms.recruit.refused"]
    cut = (np.clip(success, 0.0, 1.0) * 2.0**32).astype(np.uint64)
    rows = choose_recruits(offers.taken, offers.words, offers.tier, cut)
    allowed = within_caps(state, labour, offers, rows)
    lapse_vacancies(state, labour, offers, rows, allowed)
    rows = rows[allowed]
    add_jobs(firms.columns.pending, offers.firm[rows], offers.tier[rows], 1)
    labour.counts[CHOSEN] = np.bincount(offers.tier[rows], minlength=labour.tiers)
    # Parts of a month by the draw: a queue that grows delays a few more, not everybody at once.
    part = (offers.words[rows] * SPREAD >> np.uint64(32)).astype(np.float64) / 2.0**32
    new = {
        "due": state.month + np.floor(months_to_arrival(state) + part),
        "asked": np.full(rows.size, state.month),
        "firm": offers.firm[rows],
        "firm_key": firms["key"][offers.firm[rows]],
        "tier": offers.tier[rows],
        "word": offers.words[rows],
    }
    labour.way = {
        name: np.concatenate([labour.way[name], new[name].astype(dtype)])
        for name, dtype in WAY.items()
    }


def _statuses(state: State, tier: int) -> np.ndarray:
    """int64: statuses that ask for a job of the tier."""
    return np.flatnonzero((state.rates.status.tier == tier) & state.rates.status.seeks)


def _attraction(state: State) -> list[float]:
    """How easily people of each tier come now, relative to the level of its open channels."""
    level, people = usual_arrivals(state, state.month), expected_arrivals(state)
    out = []
    for t in range(state.rates.status.n_tiers):
        rows = _statuses(state, t)
        whole = level[rows].sum()
        out.append(float(people[rows].sum() / whole) if whole > 0 else 0.0)
    return out


def recruited(state: State) -> None:
    """People whom firms have recruited come to them."""
    labour = state.labour
    if labour is None:
        return
    hear_of_changes(state, labour)
    way, firms = labour.way, labour.firms
    due = (way["due"] <= state.month) & ~_held(state, way)
    rows = np.flatnonzero(due)
    now = {name: column[rows] for name, column in way.items()}
    labour.way = {name: column[~due] for name, column in way.items()}
    same = firms["key"][now["firm"]] == now["firm_key"]
    add_jobs(firms.columns.pending, now["firm"][same], now["tier"][same], -1)
    open_ = same & (firms["status"][now["firm"]] != HOLE) & (firms["notice"][now["firm"]] == 0)
    status_cut, alive = _who(state, labour)
    open_ &= alive[now["tier"]]
    now = {name: column[open_] for name, column in now.items()}
    order = np.argsort(now["word"])
    now = {name: column[order] for name, column in now.items()}
    rows = state.people.take(order.size)
    came = np.zeros((state.chunks, state.sizes[0]), np.int64)
    recruits = Recruits(
        now["firm"], now["tier"], now["word"], now["asked"], rows, status_cut, _origins(state), came
    )
    state.crew.run(write_recruits, rows.size, state.scene, recruits, state.arrivals.profile)
    add_jobs(firms.columns.heads, now["firm"], now["tier"], 1)
    state.tallies["came"] += came.sum(axis=0)
    labour.counts[CAME] = np.bincount(now["tier"], minlength=labour.tiers)


def _held(state: State, way: dict[str, np.ndarray]) -> np.ndarray:
    """bool[way]: people whom a closed border holds back this month, by a word of their own.

    While fewer than half as many come as usual, these are all who may; those who have waited come
    at a hazard once the border is open.
    """
    ease, tier = np.array(_attraction(state)), way["tier"]
    usual, due = usual_arrivals(state, state.month), way["due"] <= state.month
    for_all = np.array([usual[_statuses(state, t)].sum() for t in range(ease.size)])
    for_all *= ease * state.scale / np.maximum(np.bincount(tier[due], minlength=ease.size), 1)
    closed = (ease < HALF_OPEN)[tier]
    open_to = np.where(way["due"] < state.month, RESUMED, 1.0)
    entry = np.where(closed, np.minimum(for_all, 1.0)[tier], open_to)
    word = way["word"] * (SPREAD + np.uint64(2 * state.month)) >> np.uint64(32)
    return np.asarray(word.astype(np.float64) / 2.0**32 >= entry)


def _who(state: State, labour: Labour) -> tuple[np.ndarray, np.ndarray]:
    """uint64[T, S] cumulative shares of the statuses in which a tier's recruits come, as policy
    leaves them, and bool[T] whether any is open."""
    now, plan = state.policy.in_force(state.month), state.arrivals.people(state.month)
    people, left = plan * now.fitted_arrivals, plan * now.arrivals
    out = np.full((labour.tiers, people.size), 1 << 32, np.uint64)
    alive = np.zeros(labour.tiers, np.bool_)
    for t in range(labour.tiers):
        weight = np.zeros(people.size)
        rows = _statuses(state, t)
        weight[rows] = left[rows] if left[rows].sum() > 0 else people[rows]
        if weight.sum() > 0:
            out[t], alive[t] = cuts(weight), True
    return out, alive


def _origins(state: State) -> np.ndarray:
    """uint64[S, P, O]: cumulative shares of the origins of those who come to a prefecture."""
    share, _ = state.arrivals.supplied(state.month, state.residents_by_origin)
    if state.origins is None or state.origins[0] is not share:
        flat = share.transpose(0, 2, 1) + 1e-15
        state.origins = share, cuts(flat)
    return state.origins[1]
