"""Central agencies as agents: queues of cases, what they count and where they begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.rates.fates import OCCASIONS
from sim.rates.kinds import KINDS
from sim.rates.tables import Rates

RECENT: Final = 12
"""Months of cases that a year's mean is taken over: applications have seasons."""


@dataclass(frozen=True)
class Bureau:
    """What does not change about Q queues, in the order of the configuration.

    names    `agency.queue`; paths likewise `agency.<agency>.queues.<queue>.`
    counts   what each counts; see schema_towns.Queue
    at       month index until which backlogs are as given and slow nothing
    residents foreign residents then
    waiting  cases that wait then; lag likewise, months that a case takes
    grants   rows of `base`, one array a queue: grant probabilities that a backlog slows
    decided  rows of the fates that those decide
    follow   rows of the fates in which somebody's family follows such a decision: cases too
    left     bool[F]: fates at the end of a permit after which nobody asks for another
    asked    bool[F]: monthly changes of status without a decision of their own
    """

    names: list[str]
    counts: list[str]
    at: list[int]
    residents: list[float]
    waiting: list[int]
    lag: list[int]
    grants: list[np.ndarray]
    decided: list[np.ndarray]
    follow: list[np.ndarray]
    left: np.ndarray
    asked: np.ndarray

    def paths(self, q: int) -> tuple[str, str]:
        """Paths of the parameters of queue q: its agency's and its own, without the last name."""
        agency, queue = self.names[q].split(".")
        return f"agency.{agency}", f"agency.{agency}.queues.{queue}"


@dataclass
class Agencies:
    """The changing columns of Q queues, in cases of real people; Q = 0 without agencies.

    waiting   int64: cases that wait at the end of the month
    recent    int64[12, Q]: applications of the last months, the newest first; -1 before the first
    cases     int64: new ones of this month; decided, capacity likewise
    owed      float64: cases decided in the books beyond the decisions that people met
    pace      float64: decisions made for each application that would be decided at once
    lag       float64: months that a case which comes now will take
    """

    waiting: np.ndarray
    recent: np.ndarray
    cases: np.ndarray
    decided: np.ndarray
    capacity: np.ndarray
    owed: np.ndarray
    pace: np.ndarray
    lag: np.ndarray

    @property
    def act(self) -> bool:
        """Whether there are any."""
        return self.waiting.size > 0


def blank_agencies(q: int) -> Agencies:
    """q queues without a case."""
    return Agencies(
        waiting=np.zeros(q, np.int64),
        recent=np.full((RECENT, q), -1, np.int64),
        cases=np.zeros(q, np.int64),
        decided=np.zeros(q, np.int64),
        capacity=np.zeros(q, np.int64),
        owed=np.zeros(q),
        pace=np.ones(q),
        lag=np.ones(q),
    )


def load_bureau(config: RunConfig, rates: Rates) -> Bureau:
    """The queues of the configuration; none without a section `agency`."""
    agencies = config.agency or {}
    queues = [queue for agency in agencies.values() for queue in agency.queues.values()]
    names = [f"{a}.{q}" for a, agency in agencies.items() for q in agency.queues]
    of_queue = [agency for agency in agencies.values() for _ in agency.queues]
    kind, to, decision = rates.fates.kind, rates.fates.to, rates.fates.decision
    decides = {
        "permanent": (kind == KINDS["switch"]) & (to == rates.status.permanent) & (decision >= 0),
        "citizen": (kind == KINDS["citizen"]) & (decision >= 0),
    }
    switched = (kind == KINDS["switch"]) & (to == rates.status.permanent) & (decision < 0)
    follows = {"permanent": switched}
    none = np.zeros(kind.size, np.bool_)
    decided = [np.flatnonzero(decides.get(queue.counts, none)) for queue in queues]
    ends = OCCASIONS[1:3]
    at_end = np.array([name.occasion in ends for name in rates.names])
    monthly = np.array([name.occasion == OCCASIONS[0] for name in rates.names])
    switch = kind == KINDS["switch"]
    gone = (kind < KINDS["switch"]) | (switch & (to == rates.status.irregular))
    return Bureau(
        names, [queue.counts for queue in queues],
        [month_index(agency.at) for agency in of_queue],
        [agency.residents.level for agency in of_queue],
        [round(queue.waiting.level) for queue in queues],
        [max(round(queue.months.value), 1) for queue in queues],
        [decision[rows] for rows in decided], decided,
        [np.flatnonzero(follows.get(queue.counts, none)) for queue in queues],
        left=at_end & gone,
        asked=monthly & switch & (decision < 0) & (to != rates.status.irregular) & ~switched,
    )  # fmt: skip


def open_agencies(bureau: Bureau) -> Agencies:
    """Queues at the end of the opening month, with the cases that wait then."""
    agencies = blank_agencies(len(bureau.names))
    agencies.waiting[:] = bureau.waiting
    agencies.lag[:] = bureau.lag
    return agencies


def certificate_lag(agencies: Agencies, bureau: Bureau) -> float:
    """Months from asking for a certificate of eligibility to coming, at least 1."""
    cases = [q for q, what in enumerate(bureau.counts) if what == "certificates"]
    return max((float(agencies.lag[q]) for q in cases), default=1.0)
