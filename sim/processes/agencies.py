"""A month of the agencies: cases come, officers decide up to their capacity, the rest waits.

Officers decide what waits up to their capacity, to the case. People meet these decisions a month
later: the probabilities that an application is granted are multiplied by the pace, decisions over
applications, and what a month decided beyond the decisions that people met is made up for in the
next. So the people who apply stay the same; nobody is refused for a backlog.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from sim.agents.agencies import Agencies, Bureau
from sim.agents.record import MONTH, Column, declare
from sim.agents.state import FLOW, PERMITS_ENDED, State
from sim.processes import towns as places
from sim.processes.towns import residents

QUEUES: Final = declare(
    "queues", "work of the agencies", "int64", ("Q",), MONTH,
    columns=(Column("caseload", "cases a month"), Column("decided", "cases a month"),
             Column("capacity", "cases a month"), Column("backlog", "cases")),
)  # fmt: skip


def decide_cases(
    agencies: Agencies,
    bureau: Bureau,
    params: Mapping[str, float],
    month: int,
    residents: float,
    cases: np.ndarray,
) -> None:
    """Work on the month's cases, int64[Q] in real people, and set the pace of the next.

    residents: foreign residents now, in real people; staff follows them as far as `follow` says.
    Who waits could apply once more next month, because the simulation does not know who waits:
    as many as do so on average, beyond those of the opening's queue, are no new cases.
    """
    agencies.recent[1:] = agencies.recent[:-1].copy()
    agencies.recent[0] = cases
    agencies.cases[:] = cases
    for q in range(len(bureau.names)):
        agency, queue = bureau.paths(q)
        hours = params[f"{agency}.officers"] * params[f"{agency}.hours"] * params[f"{queue}.share"]
        years = max(month - bureau.at[q], 0) / 12.0
        possible = hours / max(params[f"{queue}.hours"], 1e-3)
        grown = (residents / bureau.residents[q]) ** params[f"{queue}.follow"]
        grown *= (1.0 + params[f"{queue}.growth"]) ** years
        agencies.capacity[q] = round(possible * grown)
        if month <= bureau.at[q]:  # what was decided then is in the rates
            agencies.decided[q] = cases[q]
            continue
        longer = max(int(agencies.waiting[q]) - bureau.waiting[q], 0)
        repeated = round(longer * params[f"{queue}.again"] / 12.0)
        agencies.cases[q] = max(int(cases[q]) - repeated, 0)
        capacity = int(agencies.capacity[q])
        there = int(agencies.waiting[q]) + int(agencies.cases[q])
        agencies.decided[q] = min(capacity, there)
        agencies.waiting[q] = there - agencies.decided[q]
        if bureau.grants[q].size:
            _set_pace(agencies, q)
        months = params[f"{queue}.months"]
        agencies.lag[q] = max(months + agencies.waiting[q] / max(capacity, 1), 1.0)


def _set_pace(agencies: Agencies, q: int) -> None:
    """The pace at which people will meet decisions, from what the books have decided."""
    applied, capacity = int(agencies.recent[0, q]), int(agencies.capacity[q])
    agencies.owed[q] += int(agencies.decided[q]) - applied * float(agencies.pace[q])
    # A month that is not known yet counts as one in which all came that could be decided.
    known = [cases if cases >= 0 else capacity for cases in agencies.recent[:, q].tolist()]
    usual = max(float(np.mean(known)), 1.0)
    new = usual - applied + float(agencies.cases[q])
    possible = min(float(capacity), max(float(agencies.waiting[q]) + new, 0.0))
    agencies.pace[q] = max(possible + float(agencies.owed[q]), 0.0) / usual


def bound_paces(agencies: Agencies, bureau: Bureau, base: np.ndarray) -> None:
    """Keep every pace where the probabilities of a grant, in base float64[F + G], stay below 1."""
    for q, rows in enumerate(bureau.grants):
        if rows.size:
            agencies.pace[q] = min(agencies.pace[q], 1.0 / max(float(base[rows].max()), 1e-9))


def cases_of(bureau: Bureau, flow: np.ndarray, ended: int, came: int, scale: float) -> np.ndarray:
    """int64[Q]: the month's cases in real people.

    flow   int64[F + G]: people who met each fate, and in the rows of decisions those who applied
    ended  permits that ended; came: people who came from abroad
    """
    counted = {
        "permits": ended - int(flow[: bureau.left.size][bureau.left].sum())
        + int(flow[: bureau.asked.size][bureau.asked].sum()),
        "certificates": came,
    }  # fmt: skip
    simulated = [
        int(flow[rows].sum() + flow[family].sum()) if rows.size else counted.get(what, 0)
        for what, rows, family in zip(bureau.counts, bureau.grants, bureau.follow, strict=True)
    ]
    return np.rint(np.array(simulated, np.float64) / scale).astype(np.int64)


def paced(agencies: Agencies, bureau: Bureau, base: np.ndarray) -> np.ndarray:
    """The base values of a month, float64[F + G], with decisions at the pace of each queue."""
    out = base
    for q, rows in enumerate(bureau.grants):
        pace = float(agencies.pace[q])
        if rows.size and pace != 1.0:
            out = out.copy() if out is base else out
            out[rows] *= min(pace, 1.0 / max(float(base[rows].max()), 1e-9))
    return out


def agencies(state: State) -> None:
    """The month's cases at the agencies; the pace of next month's decisions follows."""
    kept, tallies = state.books, state.tallies
    if state.agencies.act:
        flow = kept.tally[:, FLOW].sum(axis=0)
        ended = int(kept.screen[:, PERMITS_ENDED].sum())
        came = int(tallies["came"].sum() + tallies["brought"].sum())
        cases = cases_of(state.bureau, flow, ended, came, state.scale)
        people = state.stock  # at the end of last month
        with_status = int(people.sum() - people[state.rates.status.irregular]) / state.scale
        decide_cases(state.agencies, state.bureau, state.params, state.month, with_status, cases)
        bound_paces(state.agencies, state.bureau, state.policy.base(state.month))
    record_civic(state)


def record_civic(state: State) -> None:
    """Record the month of municipalities and agencies."""
    work, summary = state.agencies, np.zeros(0)
    if state.land is not None:
        summary = places.civic_entry(
            state.towns, state.land, state.params, state.month, residents(state)
        )
    state.record.add(places.CIVIC, state.month, summary)
    columns = (work.cases, work.decided, work.capacity, work.waiting)
    state.record.add(QUEUES, state.month, np.stack(columns, axis=1))
