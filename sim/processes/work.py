"""What a change of status, a departure or a resignation does to a person's job."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import NORMS, SEEKS
from sim.processes.lists import GAINED, LOST, push


@njit(cache=True, forceinline=True)
def leave_job(p, i, a, m, lists, counts, start):
    """Person i, if employed, is so no longer; the firm hears of it when the month is matched."""
    firm = np.int64(p.firm[i])
    if firm >= 0:
        push(lists, counts, start, LOST, firm * a.n_tiers + a.tier[p.status[i]])
        p.firm[i] = -1
        p.job_since[i] = m.now


@njit(cache=True, forceinline=True)
def wants_job(a, status, months, wish):
    """Whether somebody new in a status, `months` old, looks for work; `wish` is a 32-bit draw."""
    return wish < a.wish[status] and a.working[0] <= months and months < a.working[1]


@njit(cache=True, forceinline=True)
def carry_job(p, i, new, a, m, lists, counts, start, word, wish):
    """What becomes of the job of person i, whose status is about to become `new`.

    It is kept within a tier, and between tiers with the share `keep`. Of those who have none
    after it, the share that the status says looks for work.
    """
    old_tier, tier, firm = a.tier[p.status[i]], a.tier[new], np.int64(p.firm[i])
    kept = tier >= 0 and (tier == old_tier or word < a.keep[old_tier, tier])
    hired = p.job_since[i]
    leave_job(p, i, a, m, lists, counts, start)
    if firm >= 0 and kept:
        push(lists, counts, start, GAINED, firm * a.n_tiers + tier)
        p.firm[i] = firm
        p.job_since[i] = hired
        p.traits[i] &= NORMS
    elif wants_job(a, new, m.now - np.int64(p.born[i]), wish):
        p.traits[i] |= SEEKS
    else:
        p.traits[i] &= NORMS
