"""Which recruitments abroad the caps leave: those of the fields, and those of policy."""

from __future__ import annotations

import numpy as np

from sim.agents.labour import CAPPED, Labour
from sim.clock import month_index
from sim.processes.caps import room_under
from sim.processes.market import count_fields, count_in
from sim.processes.offers import Offers
from sim.schema_firms import Cap
from sim.state import State


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
    count_in(labour.flow, tier[out], of_job[out], 1)
    return out


def _under_policy(
    state: State,
    labour: Labour,
    offers: Offers,
    rows: np.ndarray,
    out: np.ndarray,
    pending: np.ndarray,
) -> None:
    """Take out of `out` what the caps of policy stop; `pending` int64[T] count as come."""
    now, status = state.rates.in_force(state.month), state.model.status
    stock = state.stock
    for cap in now.caps:
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
    """float64[fields]: people whom the cap of a tier allows now, at the scale of the run."""
    params = state.params
    past = state.month - month_index(cap.until) - 1
    plans = 0 if past < 0 else 1 + past // (12 * cap.plan_years)
    values = [params.get(f"firms.caps.{name}.fields.{f}", np.inf) for f in fields]
    raised = params[f"firms.caps.{name}.raised"] ** plans
    return np.array(values) * raised * state.scale
