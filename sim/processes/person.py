"""What kernels do to one person: look up covariates, pick a fate, change columns, keep the books.

Every function works on one row `i` of the population (`scene`) and writes nothing but that row and
the workspace of its own chunk (`work`), so chunks can run on any number of threads. Some columns
decide the class of risk or are counted in the books: they change through the functions here only,
such as `set_status`, `set_place` and `set_language`, which keep both true.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import HOLE, NORMS, SEEKS
from sim.agents.state import (
    BOUND_BROKEN,
    EXPECTED,
    FLAGGED,
    FLOW,
    FREED,
    GAINED,
    LOST,
    SEEN,
    VARIANCE,
    Workspace,
)
from sim.config import factors
from sim.config.factors import AGES, MOST_SECTORS, YEARS
from sim.core.clock import NEVER
from sim.core.kernels import INLINED
from sim.core.probability import any_event, threshold
from sim.core.rng import P_NEW_STATUS, P_PERMIT_LENGTH, draw, high, low
from sim.processes.risk import renew_class


@njit(cache=True, **INLINED)
def open_workspace(scene, chunk, first):
    """The workspace of a chunk of rows, of which `first` is the first."""
    books = scene.books
    start = 2 * np.int64(first)  # of the chunk's part of the lists: a person may enter one twice
    return Workspace(
        books.cube[chunk], books.place[chunk], books.tally[chunk], books.screen[chunk],
        books.counts[chunk], books.codes[chunk], books.rates[chunk], books.lists, start,
    )  # fmt: skip


@njit(cache=True, **INLINED)
def push(work, lst, row):
    """Append to the chunk's part of a list."""
    work.lists[lst, work.start + work.counts[lst]] = row
    work.counts[lst] += 1


@njit(cache=True, **INLINED)
def flag(scene, work, i, event):
    """Let the dependants of person i hear of an event this month."""
    scene.people.event[i] = event
    push(work, FLAGGED, i)


@njit(cache=True, **INLINED)
def end_job(scene, work, i):
    """Person i, if employed, is so no longer; the firm hears of it when the month is matched.

    The class of risk is the caller's to renew.
    """
    people, status = scene.people, scene.status
    firm = np.int64(people.firm[i])
    if firm >= 0:
        push(work, LOST, firm * status.n_tiers + status.tier[people.status[i]])
        people.firm[i] = -1
        people.job_since[i] = scene.month.now


@njit(cache=True, **INLINED)
def leave_job(scene, work, i):
    """Person i, if employed, is so no longer."""
    end_job(scene, work, i)
    renew_class(scene, i)


@njit(cache=True, **INLINED)
def take_job(scene, i, firm):
    """Person i begins to work at a firm this month."""
    people = scene.people
    people.firm[i] = firm
    people.job_since[i] = scene.month.now
    people.sector[i] = scene.firms.sector[firm]
    people.traits[i] &= NORMS
    renew_class(scene, i)


@njit(cache=True, **INLINED)
def wants_job(status, s, months, word):
    """Whether somebody new in status s, `months` old, looks for work; `word` is a 32-bit draw."""
    first, end = status.working[0], status.working[1]
    return word < status.wish[s] and first <= months and months < end


@njit(cache=True, **INLINED)
def carry_job(scene, work, i, new, words):
    """What becomes of the job of person i, whose status is about to become `new`.

    It is kept within a tier, and between tiers with the share `keep`. Of those who have none
    after it, the share that the status says looks for work. `words` are two 32-bit draws.
    """
    people, status, now = scene.people, scene.status, scene.month.now
    old_tier, tier, firm = status.tier[people.status[i]], status.tier[new], np.int64(people.firm[i])
    kept = tier >= 0 and (tier == old_tier or words[0] < status.keep[old_tier, tier])
    hired = people.job_since[i]
    end_job(scene, work, i)
    if firm >= 0 and kept:
        push(work, GAINED, firm * status.n_tiers + tier)
        people.firm[i] = firm
        people.job_since[i] = hired
        people.traits[i] &= NORMS
    elif wants_job(status, new, now - np.int64(people.born[i]), words[1]):
        people.traits[i] |= SEEKS
    else:
        people.traits[i] &= NORMS


AUDIT_BITS = 20

AUDIT_ONE = 1 << AUDIT_BITS

EIGHT, SIXTEEN, BYTE = np.uint64(8), np.uint64(16), np.uint64(255)

LEFT, DIED, CITIZEN, PERMANENT, IRREGULAR, MOVED = map(np.int64, range(1, 7))
"""Events that dependants hear of, in the column `event`."""

FIRST, RENEWED, SHORT = map(np.int64, range(3))
"""Kinds of permits: see give_permit."""

AT_PERMIT_END, MONTHLY, IN_FAMILY = map(np.int64, range(3))
"""Blocks of draws, which keep the occasions of one month apart."""


@njit(cache=True, forceinline=True)
def months_counted(counting, now):
    """Months that count for permanent residence; see the column `counting`."""
    return now - counting if counting >= 0 else -counting - 1


@njit(cache=True, **INLINED)
def fill_codes(scene, i, codes):
    """Write the factor codes of person i into codes, uint16[N_FACTORS] (order of FACTORS)."""
    people, now = scene.people, scene.month.now
    age = min(max((now - people.born[i]) // 12, 0), AGES - 1)
    codes[factors.ORIGIN] = people.origin[i]
    codes[factors.STAGE] = people.stage[i]
    codes[factors.SEX] = people.sex[i]
    codes[factors.AGE] = age
    codes[factors.AGE_SEX] = people.sex[i] * AGES + age
    codes[factors.YEARS_IN_STATUS] = min((now - people.since[i]) // 12, YEARS - 1)
    codes[factors.YEARS_RESIDENT] = min((now - people.entered[i]) // 12, AGES - 1)
    counted = months_counted(people.counting[i], now)
    codes[factors.COUNTING_YEARS] = min(counted // 12, YEARS - 1)
    codes[factors.PERMIT_MONTHS] = people.permit_months[i]
    codes[factors.LANGUAGE] = people.language[i]
    codes[factors.ARREARS] = people.arrears[i]
    codes[factors.CALENDAR_MONTH] = now % 12 + 1
    codes[factors.MUNICIPALITY] = people.municipality[i]
    if scene.world.acting:
        fill_acting_codes(scene, i, codes)
    else:
        codes[factors.EMPLOYED] = factors.NO_JOB_ASKED
        codes[factors.SECTOR] = MOST_SECTORS
        codes[factors.MONTHS_WITHOUT_JOB] = 0


@njit(cache=True, **INLINED)
def fill_acting_codes(scene, i, codes):
    """The codes that depend on the person's firm and municipality, and on the permit's date."""
    people, world, now = scene.people, scene.world, scene.month.now
    firm, town = people.firm[i], np.int64(people.municipality[i])
    if firm >= 0:
        codes[factors.EMPLOYED] = factors.WITH_JOB
    elif scene.status.seeks[people.status[i]]:
        codes[factors.EMPLOYED] = factors.WITHOUT_JOB
    else:
        codes[factors.EMPLOYED] = factors.NO_JOB_ASKED
    codes[factors.FIRM_SUPPORT] = world.firm_support[firm] if firm >= 0 else 0
    codes[factors.TOWN_SUPPORT] = world.support[town]
    codes[factors.SENTIMENT] = world.sentiment[town]
    codes[factors.NORMS] = people.traits[i] & NORMS
    codes[factors.LINKED] = world.linked[town]
    given = np.int64(people.permit_end[i]) - people.permit_months[i]
    codes[factors.PERMIT_AGE] = min(max(now - given, 0), YEARS - 1)
    codes[factors.SECTOR] = min(np.int64(people.sector[i]), MOST_SECTORS)
    without = codes[factors.EMPLOYED] == factors.WITHOUT_JOB
    months = min(now - max(people.job_since[i], people.since[i]), YEARS - 1) if without else 0
    codes[factors.MONTHS_WITHOUT_JOB] = months


@njit(cache=True, **INLINED)
def value(scene, f, codes):
    """Base value of row f times its multipliers: a rate per year, or a probability."""
    fates, out = scene.fates, scene.base[f]
    if out > 0.0:
        for k in range(fates.mult_first[f], fates.mult_first[f + 1]):
            out *= fates.values[fates.mult_offset[k] + codes[fates.mult_factor[k]]]
    return out


@njit(cache=True, **INLINED)
def audit(tally, f, width, scale):
    """Add the probability width * scale (scale = 2**20 / bound) of row f to the audit."""
    q = np.int64(np.float64(width) * scale)
    tally[EXPECTED, f] += q
    tally[VARIANCE, f] += (q * (AUDIT_ONE - q)) >> AUDIT_BITS


@njit(cache=True, **INLINED)
def fill_rates(scene, lst, codes, rates):
    """Running sums of the rates per year of a list's fates into the buffer; returns the total."""
    fates = scene.fates
    first, last = fates.first[lst], fates.first[lst + 1]
    for f in range(first, last):
        rates[f - first] = scene.base[f]
    # One flat loop over all multipliers of the list: an inner loop would be mispredicted.
    # An unsigned index spares the check whether it counts from the end.
    for k in range(np.uint64(fates.mult_first[first]), np.uint64(fates.mult_first[last])):
        word = fates.packed[k]
        code = np.uint64(codes[(word >> EIGHT) & BYTE])
        rates[word & BYTE] *= fates.values[(word >> SIXTEEN) + code]
    total = 0.0
    for k in range(last - first):
        total += rates[k]
        rates[k] = total
    return total


@njit(cache=True, **INLINED)
def pick_fate(scene, work, codes, lst, word, bound):
    """The monthly fate that `word` falls on, or -1: competing risks, nothing comes last.

    `bound` is the threshold below which the word is known to lie: the audit is conditional on it.
    `codes` are those of the person, who is audited. Returns the row of the fate.
    """
    rates = work.rates
    total = fill_rates(scene, lst, codes, rates)
    if total <= 0.0:
        return -1
    p = any_event(total)
    first = scene.fates.first[lst]
    share, n = p / total, scene.fates.first[lst + 1] - first
    if min(threshold(p), np.uint64(4294967295)) > bound:  # bounds have 32 bits: no 2**32
        work.screen[BOUND_BROKEN] += 1
    audit_fates(work, first, n, share, bound)
    # word < floor(x * 2**32) is the same as (word + 1) / 2**32 <= x, and scaling by 2**32 is exact.
    least = (np.float64(word) + 1.0) * (1.0 / 4294967296.0)
    if p < least:
        return -1
    chosen = 0
    for k in range(n):
        chosen += rates[k] * share < least
    if chosen == n:  # rounding: the sum of the parts fell short of the whole
        return -1
    work.tally[SEEN, first + chosen] += 1
    return first + chosen


@njit(cache=True, **INLINED)
def audit_fates(work, first, n, share, bound):
    """Add the probabilities of n competing fates, given a draw below `bound`, to the audit."""
    scale, below = AUDIT_ONE / np.float64(bound), np.uint64(0)
    for k in range(n):
        cut = threshold(work.rates[k] * share)
        if cut > below:
            audit(work.tally, first + k, cut - below, scale)
            below = cut


@njit(cache=True, **INLINED)
def pick_outcome(scene, work, codes, lst, word):
    """The outcome of an occasion that `word` falls on, or -1 for the remainder."""
    scale = AUDIT_ONE / 4294967296.0
    chosen, running, below = -1, 0.0, np.uint64(0)
    for f in range(scene.fates.first[lst], scene.fates.first[lst + 1]):
        running += value(scene, f, codes)
        cut = threshold(running)
        if cut > below:
            audit(work.tally, f, cut - below, scale)
            if below <= word and word < cut:
                chosen = f
            below = cut
    if chosen >= 0:
        work.tally[SEEN, chosen] += 1
    return chosen


@njit(cache=True, **INLINED)
def granted(scene, work, codes, f, word):
    """Whether the authority grants what fate f applies for."""
    d = scene.fates.decision[f]
    if d < 0:
        return True
    work.tally[FLOW, d] += 1  # whoever applies, granted or not
    cut = threshold(value(scene, d, codes))
    audit(work.tally, d, cut, AUDIT_ONE / 4294967296.0)
    if word < cut:
        work.tally[SEEN, d] += 1
        return True
    return False


IN, OUT = np.int64(1), np.int64(-1)


@njit(cache=True, **INLINED)
def book(scene, work, i, sign):
    """Add person i to (IN) or take them from (OUT) the stocks of the chunk, as they are now."""
    people, month = scene.people, scene.month
    s, town = np.int64(people.status[i]), np.int64(people.municipality[i])
    cell = (s * month.n_origins + people.origin[i]) * month.n_prefectures
    work.cube[cell + scene.world.prefecture[town]] += sign
    work.place[town * month.n_statuses + s] += sign


@njit(cache=True, forceinline=True)
def pick_cut(cut, word):
    """Index of the first threshold above word."""
    k = 0
    while word >= cut[k]:
        k += 1
    return k


@njit(cache=True, **INLINED)
def give_permit(scene, i, renewal, block):
    """A permit from this month on: its length drawn, its end no later than the longest stay.

    `renewal` is FIRST, RENEWED or SHORT.
    """
    people, status, month = scene.people, scene.status, scene.month
    s = people.status[i]
    if not status.limited[s]:
        people.permit_end[i] = NEVER
        people.permit_months[i] = 255
        return
    x0, _ = draw(month.k0, month.k1, people.key[i], month.now, P_PERMIT_LENGTH, block)
    word = low(x0)
    stage = people.stage[i]
    if renewal == FIRST and status.course[s, stage, 0] > 0:
        months = status.course[s, stage, pick_cut(status.course_cut[s, stage], word)]
    else:
        months = status.length[renewal, s, pick_cut(status.length_cut[renewal, s], word)]
    people.permit_months[i] = months
    limit = min(np.int64(people.since[i]) + status.longest[s], NEVER - 1)
    people.permit_end[i] = max(min(month.now + np.int64(months), limit), month.now + 1)


@njit(cache=True, **INLINED)
def set_status(scene, work, i, new, block):
    """Person i gets status `new`, with its first permit; `block` keeps draws apart."""
    people, status, month = scene.people, scene.status, scene.month
    book(scene, work, i, OUT)
    counting = np.int64(people.counting[i])
    if counting >= 0 and not status.counts[new]:
        people.counting[i] = -(month.now - counting) - 1
    elif counting < 0 and status.counts[new]:
        people.counting[i] = month.now - (-counting - 1)
    x0, x1 = draw(month.k0, month.k1, people.key[i], month.now, P_NEW_STATUS, block)
    carry_job(scene, work, i, new, (high(x0), low(x1)))
    people.status[i] = new
    people.since[i] = month.now
    people.stage[i] = pick_cut(status.stage_cut[new], low(x0))
    if not status.sponsored[new]:
        people.principal[i] = -1
    give_permit(scene, i, FIRST, block)
    renew_class(scene, i)
    book(scene, work, i, IN)


@njit(cache=True, **INLINED)
def set_place(scene, work, i, place):
    """Person i now lives in municipality `place`."""
    book(scene, work, i, OUT)
    scene.people.municipality[i] = place
    renew_class(scene, i)
    book(scene, work, i, IN)


@njit(cache=True, **INLINED)
def set_arrears(scene, i, bits):
    """Person i is in arrears with the premiums and taxes of `bits`."""
    scene.people.arrears[i] = bits
    renew_class(scene, i)


@njit(cache=True, **INLINED)
def set_language(scene, i, level):
    """Person i speaks Japanese at a level."""
    scene.people.language[i] = level
    renew_class(scene, i)


@njit(cache=True, **INLINED)
def remove(scene, work, i, event):
    """Take person i out of the population; the row becomes a hole."""
    people = scene.people
    book(scene, work, i, OUT)
    flag(scene, work, i, event)
    end_job(scene, work, i)
    people.traits[i] = 0
    people.status[i] = HOLE
    people.risk[i] = scene.month.hole_risk
    people.permit_end[i] = NEVER
    people.principal[i] = -1
    push(work, FREED, i)
