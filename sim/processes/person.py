"""What kernels do to one person: look up covariates, pick a fate, change, be booked.

Every function works on one row `i` of the population and writes nothing but that row and the
books of its own chunk `c`, so chunks can run on any number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.agents.population import HOLE, NORMS, SEEKS
from sim.config.factors import AGES, MOST_SECTORS, N_FACTORS, YEARS
from sim.core.clock import NEVER
from sim.core.probability import any_event, threshold
from sim.core.rng import P_NEW_STATUS, P_PERMIT_LENGTH, draw, high, low
from sim.processes.risk import risk_class

# Numbers of one type, here and where kernels are called: for each literal the compiler makes
# another copy of what it is given to.
FREED, FLAGGED, MOTHERS, SPONSORS, SPONSOR_FATES = map(np.int64, range(5))

LOST, GAINED, SEEKERS = map(np.int64, range(5, 8))  # jobs: row of the firm x number of tiers + tier


@njit(cache=True, forceinline=True)
def push(lists, counts, start, lst, row):
    """Append to this chunk's part of a list; a chunk's part starts at `start`."""
    lists[lst, start + counts[lst]] = row
    counts[lst] += 1


@njit(cache=True, forceinline=True)
def flag(events, i, event, lists, counts, start):
    """Let the dependants of person i hear of an event this month."""
    events[i] = event
    push(lists, counts, start, FLAGGED, i)


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


AUDIT_BITS = 20

AUDIT_ONE = 1 << AUDIT_BITS

# Rows of Books.tally: people who met the fate (in the rows of decisions: who applied); and for the
# audit those drawn, the sum of their probabilities p and of p (1 - p), in units of 2**-20.
FLOW, SEEN, EXPECTED, VARIANCE = 0, 1, 2, 3

EIGHT, SIXTEEN, BYTE = np.uint64(8), np.uint64(16), np.uint64(255)

LEFT, DIED, CITIZEN, PERMANENT, IRREGULAR, MOVED = map(np.int64, range(1, 7))

FIRST, RENEWED, SHORT = map(np.int64, range(3))
"""Kinds of permits: see give_permit."""

AT_PERMIT_END, MONTHLY, IN_FAMILY = map(np.int64, range(3))
"""Blocks of draws, which keep the occasions of one month apart."""


@njit(cache=True, forceinline=True)
def months_counted(counting, now):
    """Months that count for permanent residence; see the column `counting`."""
    return now - counting if counting >= 0 else -counting - 1


@njit(cache=True, forceinline=True)
def fill_codes(p, i, now, codes, a, w):
    """Write the factor codes of person i into codes, uint32[N_FACTORS] (order of FACTORS)."""
    age = min(max((now - p.born[i]) // 12, 0), AGES - 1)
    codes[0] = p.origin[i]
    codes[1] = p.stage[i]
    codes[2] = p.sex[i]
    codes[3] = age
    codes[4] = p.sex[i] * AGES + age
    codes[5] = min((now - p.since[i]) // 12, YEARS - 1)
    codes[6] = min((now - p.entered[i]) // 12, AGES - 1)
    codes[7] = min(months_counted(p.counting[i], now) // 12, YEARS - 1)
    codes[8] = p.permit_months[i]
    codes[9] = p.language[i]
    codes[10] = p.arrears[i]
    codes[11] = now % 12 + 1
    codes[12] = p.municipality[i]
    if w.acting:
        fill_acting_codes(p, i, now, codes, a, w)
    else:
        codes[13] = 2
        codes[20] = MOST_SECTORS
        codes[21] = 0


@njit(cache=True, forceinline=True)
def fill_acting_codes(p, i, now, codes, a, w):
    """The codes that depend on the person's firm and municipality, and on the permit's date."""
    firm, town = p.firm[i], np.int64(p.municipality[i])
    codes[13] = 1 if firm >= 0 else (0 if a.seeks[p.status[i]] else 2)
    codes[14] = w.firm_support[firm] if firm >= 0 else 0
    codes[15] = w.support[town]
    codes[16] = w.sentiment[town]
    codes[17] = p.traits[i] & NORMS
    codes[18] = w.linked[town]
    given = np.int64(p.permit_end[i]) - p.permit_months[i]
    codes[19] = min(max(now - given, 0), YEARS - 1)
    codes[20] = min(np.int64(p.sector[i]), MOST_SECTORS)
    codes[21] = min(now - max(p.job_since[i], p.since[i]), YEARS - 1) if codes[13] == 0 else 0


@njit(cache=True, forceinline=True)
def value(t, base, f, codes):
    """Base value of row f times its multipliers: a rate per year, or a probability."""
    out = base[f]
    if out > 0.0:
        for k in range(t.mult_first[f], t.mult_first[f + 1]):
            out *= t.values[t.mult_offset[k] + codes[t.mult_factor[k]]]
    return out


@njit(cache=True, forceinline=True)
def audit(tally, f, width, scale):
    """Add the probability width * scale (scale = 2**20 / bound) of row f to the audit."""
    q = np.int64(np.float64(width) * scale)
    tally[EXPECTED, f] += q
    tally[VARIANCE, f] += (q * (AUDIT_ONE - q)) >> AUDIT_BITS


@njit(cache=True, forceinline=True)
def fill_rates(t, base, lst, codes, rates):
    """Running sums of the rates per year of a list's fates into the buffer; returns the total."""
    first, last = t.first[lst], t.first[lst + 1]
    for f in range(first, last):
        rates[f - first] = base[f]
    # One flat loop over all multipliers of the list: no inner loop for the processor to guess.
    # Indices without a sign need no look whether they count from the end.
    for k in range(np.uint64(t.mult_first[first]), np.uint64(t.mult_first[last])):
        word = t.packed[k]
        code = np.uint64(codes[(word >> EIGHT) & BYTE])
        rates[word & BYTE] *= t.values[(word >> SIXTEEN) + code]
    total = 0.0
    for k in range(last - first):
        total += rates[k]
        rates[k] = total
    return total


@njit(cache=True, forceinline=True)
def pick_fate(t, base, lst, codes, word, bound, rates, audited, tally, screen):
    """The monthly fate that `word` falls on, or -1: competing risks, nothing comes last.

    `bound` is the threshold below which the word is known to lie: the audit is conditional on it.
    `rates` is a float64 buffer. Returns the row of the fate.
    """
    total = fill_rates(t, base, lst, codes, rates)
    if total <= 0.0:
        return -1
    p = any_event(total)
    share, first, n = p / total, t.first[lst], t.first[lst + 1] - t.first[lst]
    if min(threshold(p), np.uint64(4294967295)) > bound:  # bounds have 32 bits: no 2**32
        screen[2] += 1
    if audited:
        audit_fates(rates, n, first, share, bound, tally)
    # word < floor(x * 2**32) is the same as (word + 1) / 2**32 <= x, and scaling by 2**32 is exact.
    least = (np.float64(word) + 1.0) * (1.0 / 4294967296.0)
    if p < least:
        return -1
    chosen = 0
    for k in range(n):
        chosen += rates[k] * share < least
    if chosen == n:  # rounding: the sum of the parts fell short of the whole
        return -1
    if audited:
        tally[SEEN, first + chosen] += 1
    return first + chosen


@njit(cache=True, forceinline=True)
def audit_fates(rates, n, first, share, bound, tally):
    """Add the probabilities of n competing fates, given a draw below `bound`, to the audit."""
    scale, below = AUDIT_ONE / np.float64(bound), np.uint64(0)
    for k in range(n):
        cut = threshold(rates[k] * share)
        if cut > below:
            audit(tally, first + k, cut - below, scale)
            below = cut


@njit(cache=True, forceinline=True)
def pick_outcome(t, base, lst, codes, word, tally):
    """The outcome of an occasion that `word` falls on, or -1 for the remainder."""
    scale = AUDIT_ONE / 4294967296.0
    chosen, running, below = -1, 0.0, np.uint64(0)
    for f in range(t.first[lst], t.first[lst + 1]):
        running += value(t, base, f, codes)
        cut = threshold(running)
        if cut > below:
            audit(tally, f, cut - below, scale)
            if below <= word and word < cut:
                chosen = f
            below = cut
    if chosen >= 0:
        tally[SEEN, chosen] += 1
    return chosen


@njit(cache=True, forceinline=True)
def granted(t, base, f, codes, word, tally):
    """Whether the authority grants what fate f applies for."""
    d = t.decision[f]
    if d < 0:
        return True
    tally[FLOW, d] += 1  # whoever applies, granted or not
    cut = threshold(value(t, base, d, codes))
    audit(tally, d, cut, AUDIT_ONE / 4294967296.0)
    if word < cut:
        tally[SEEN, d] += 1
        return True
    return False


IN, OUT = np.int64(1), np.int64(-1)


@njit(cache=True, forceinline=True)
def book(cube, towns, status, origin, place, prefecture, m, sign):
    """Add one person to (IN) or take one from (OUT) the stocks of this chunk."""
    s, town = np.int64(status), np.int64(place)
    cube[(s * m.n_origins + origin) * m.n_prefectures + prefecture[town]] += sign
    towns[town * m.n_statuses + s] += sign


@njit(cache=True, forceinline=True)
def pick_cut(cut, word):
    """Index of the first threshold above word."""
    k = 0
    while word >= cut[k]:
        k += 1
    return k


@njit(cache=True, forceinline=True)
def give_permit(p, i, renewal, a, m, block):
    """A permit from this month on: its length drawn, its end no later than the longest stay.

    `renewal` is FIRST, RENEWED or SHORT.
    """
    s = p.status[i]
    if not a.limited[s]:
        p.permit_end[i] = NEVER
        p.permit_months[i] = 255
        return
    x0, _ = draw(m.k0, m.k1, p.key[i], m.now, P_PERMIT_LENGTH, block)
    word = low(x0)
    stage = p.stage[i]
    if renewal == FIRST and a.course[s, stage, 0] > 0:
        months = a.course[s, stage, pick_cut(a.course_cut[s, stage], word)]
    else:
        months = a.length[renewal, s, pick_cut(a.length_cut[renewal, s], word)]
    p.permit_months[i] = months
    limit = min(np.int64(p.since[i]) + a.longest[s], NEVER - 1)
    p.permit_end[i] = max(min(m.now + np.int64(months), limit), m.now + 1)


@njit(cache=True, forceinline=True)
def change_status(p, i, new, a, w, m, b, c, start, block):
    """Move person i to status `new`, with its first permit; `block` keeps draws apart."""
    place, origin = p.municipality[i], p.origin[i]
    book(b.cube[c], b.place[c], p.status[i], origin, place, w.prefecture, m, OUT)
    counting = np.int64(p.counting[i])
    if counting >= 0 and not a.counts[new]:
        p.counting[i] = -(m.now - counting) - 1
    elif counting < 0 and a.counts[new]:
        p.counting[i] = m.now - (-counting - 1)
    x0, x1 = draw(m.k0, m.k1, p.key[i], m.now, P_NEW_STATUS, block)
    carry_job(p, i, new, a, m, b.lists, b.counts[c], start, high(x0), low(x1))
    p.status[i] = new
    p.since[i] = m.now
    p.stage[i] = pick_cut(a.stage_cut[new], low(x0))
    if not a.sponsored[new]:
        p.principal[i] = -1
    give_permit(p, i, FIRST, a, m, block)
    set_risk(p, i, w, m)
    book(b.cube[c], b.place[c], p.status[i], origin, place, w.prefecture, m, IN)


@njit(cache=True, forceinline=True)
def set_risk(p, i, w, m):
    """Put person i into their class of bounds, as of now."""
    mobility = w.mobility[p.municipality[i]]
    p.risk[i] = risk_class(
        p.status[i], p.firm[i], p.born[i], p.since[i], p.language[i], p.arrears[i], mobility, m.now
    )


@njit(cache=True, forceinline=True)
def remove(p, i, event, a, w, m, b, c, start):
    """Take person i out of the population; the row becomes a hole."""
    book(b.cube[c], b.place[c], p.status[i], p.origin[i], p.municipality[i], w.prefecture, m, OUT)
    flag(p.event, i, event, b.lists, b.counts[c], start)
    leave_job(p, i, a, m, b.lists, b.counts[c], start)
    p.traits[i] = 0
    p.status[i] = HOLE
    p.risk[i] = m.hole_risk
    p.permit_end[i] = NEVER
    p.principal[i] = -1
    push(b.lists, b.counts[c], start, FREED, i)


@njit(cache=True, forceinline=True)
def code_buffer():
    """uint32 buffer for factor codes."""
    return np.zeros(N_FACTORS, np.uint32)
