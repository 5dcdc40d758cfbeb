"""One month: the list of its processes, in order.

To add a process: its kernel and the lines that call it in one file of `sim/processes/`, and its
line in MONTH.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.agents.state import State
from sim.processes.agencies import agencies
from sim.processes.arrivals import arrivals
from sim.processes.books import books
from sim.processes.families import children, dependants, family_arrivals
from sim.processes.fates import fates
from sim.processes.firms import firms_month
from sim.processes.histories import note_events, note_spells
from sim.processes.jobs import jobs, recruited
from sim.processes.policy import policy
from sim.processes.towns import municipalities

MONTH: Final[tuple[Callable[[State], None], ...]] = (
    policy,
    municipalities,
    firms_month,
    fates,
    jobs,
    children,
    family_arrivals,
    dependants,
    note_events,
    arrivals,
    recruited,
    agencies,
    note_spells,
    books,
)
