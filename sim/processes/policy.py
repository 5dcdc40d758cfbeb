"""Policy: the month's rates and their bounds; classes of risk, which are renewed in January."""

from __future__ import annotations

from dataclasses import replace

from sim.agents.state import State
from sim.core.clock import calendar_month
from sim.processes.agencies import paced
from sim.processes.risk import class_bounds, rebanded, renew_classes, stale_statuses


def policy(state: State) -> None:
    """The month's rates: baseline edited by what is in force."""
    set_rates(state)
    state.clear_books()
    state.people.begin_month()
    state.lists.clear()
    if calendar_month(state.month) == 1:
        renew_risks(state)


def renew_risks(state: State) -> None:
    """Put everyone into the risk class of their present age and duration."""
    people, mobility = state.people, state.world.mobility
    state.crew.run(renew_classes, people.n, people.columns, mobility, state.month)


def set_rates(state: State) -> None:
    """This month's rates, multipliers and permits, and new bounds if they changed."""
    now, rates = state.policy.in_force(state.month), state.rates
    if now.base is state.plain and now.fates is rates.fates and now.status is rates.status:
        state.base = paced(state.agencies, state.bureau, now.base)
        return
    bands, known, stale = state.bands, None, None
    if now.fates is not rates.fates:
        state.bands = rebanded(bands, rates.fates, now.fates, state.world.mobility)
    if state.plain.size:  # the bounds of most statuses stay
        before, after = (bands, state.plain), (state.bands, now.base)
        stale, known = stale_statuses(now.fates, before, after, state.sizes[0]), state.bounds
    if now.fates is not rates.fates or now.status is not rates.status:
        state.rates = rates = replace(rates, fates=now.fates, status=now.status)
    state.plain = now.base
    state.bounds = class_bounds(
        state.crew, rates.fates, state.bands, now.base, state.sizes[0], known, stale
    )
    state.base = paced(state.agencies, state.bureau, now.base)  # of decisions, no bound holds them
