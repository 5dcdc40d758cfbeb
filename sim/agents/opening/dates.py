"""When opening residents were born, came, took their status and will see their permit end.

The stage of a status is a hash of the key alone: it is part of who people are.

All draws compare integers with cumulative tables, so results are the same on any number of
threads.

Blocks of draws under the process `opening`, month = month of the opening. A block has two words
(0, 1) of 64 bits, each with an upper and a lower half:

block  half     decides
0      0 upper  age within the five-year band
0      0 lower  the second draw of age in the open band from 80
0      1 upper  born in Japan
0      1 lower  course, or permit that few have renewed
1      0 upper  months in the present status
1      0 lower  months in Japan before it
2      0 upper  Japanese level
2      0 lower  arrears of health insurance
2      1 upper  arrears of pension
2      1 lower  arrears of tax
3 + j  all      lengths of permits 4 j to 4 j + 3 in a row
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from sim.agents.opening.date_tables import FIRST_PERMIT, GUIDE_BITS, LONGEST, RENEWED_PERMIT
from sim.agents.opening.margins import BAND_MONTHS, N_BANDS
from sim.core.clock import NEVER
from sim.core.kernels import borrow
from sim.core.probability import first_above
from sim.core.rng import P_OPENING, TAG_OPENING, draw, high, low, threefry

OPEN_MONTHS: Final = 240
"""The open band from 80 reaches to 99, thinning out in a straight line (assumption)."""

NO_LIMIT: Final = 255
"""Permit length of people without a limit of stay."""


class Resident(NamedTuple):
    """An opening resident of whom the permit is drawn."""

    key: np.uint64
    status: np.int64
    stage: np.int64
    age: np.int64  # in months
    born_here: bool


@njit(cache=True, inline="always")
def _pick(cut, row, word):
    """Index of the first threshold of a row above a 32-bit word."""
    k = 0
    while k < cut.shape[1] - 1 and word >= cut[row, k]:
        k += 1
    return k


@njit(cache=True)
def _pick_within(cut, guide, row, word, least, most):
    """Like _pick among least..most, in proportion; `most` itself if none of them has weight."""
    below = cut[row, least - 1] if least > 0 else np.uint64(0)
    scaled = below + ((word * (cut[row, most] - below)) >> np.uint64(32))
    near = min(scaled >> np.uint64(32 - GUIDE_BITS), np.uint64((1 << GUIDE_BITS) - 1))
    first = min(max(least, np.int64(guide[row, near])), most)
    last = max(min(most, np.int64(guide[row, near + np.uint64(1)])), first)
    return first_above(cut[row], first, last, scaled)


@njit(cache=True, inline="always")
def _months_of_age(tables, status, band, word):
    """Age in months: even within the band, thinning out in the open one, inside the limits."""
    width = np.uint64(BAND_MONTHS)
    months = high(word) * width >> np.uint64(32)
    if band == N_BANDS - 1:
        width = np.uint64(OPEN_MONTHS)
        months = min(high(word) * width >> np.uint64(32), low(word) * width >> np.uint64(32))
    age = band * BAND_MONTHS + np.int64(months)
    return min(max(age, tables.youngest[status]), tables.oldest[status])


@njit(cache=True, inline="always")
def _last_permit(tables, opening, resident, tenure):
    """Start (months after taking the status) and length of the permit held after `tenure`."""
    start, step = np.int64(0), 0
    x0, x1 = np.uint64(0), np.uint64(0)
    while True:
        if step % 4 == 0:
            block = 3 + step // 4
            x0, x1 = draw(opening.k0, opening.k1, resident.key, opening.now, P_OPENING, block)
        word = x0 if step % 4 < 2 else x1
        word = high(word) if step % 2 == 0 else low(word)
        which = FIRST_PERMIT if step == 0 else RENEWED_PERMIT
        k = _pick(tables.length_cut[which], resident.status, word)
        months = tables.length[which, resident.status, k]
        if start + months > tenure:
            return start, months
        start += months
        step += 1


@njit(cache=True, inline="always")
def _draw_permit(tables, opening, resident, tenure_word, course_word):
    """Months in the status, and start and length of the present permit (0 = no limit of stay)."""
    s, stage = resident.status, resident.stage
    oldest = min(resident.age, tables.longest[s] - 1, LONGEST - 1)
    if tables.ends[s, stage]:
        k = _pick(tables.end_cut[s], stage, course_word)
        start, months = tables.end_start[s, stage, k], tables.end_length[s, stage, k]
        most = min(oldest, start + months - 1)
        tenure = _pick_within(
            tables.inflow, tables.inflow_guide, s, tenure_word, min(start, most), most
        )
        return tenure, min(start, tenure), months
    # Who was born here has had the status from birth.
    born_into = resident.born_here and resident.age == oldest
    tenure = resident.age
    if not born_into:
        tenure = _pick_within(
            tables.tenure, tables.tenure_guide, s, tenure_word, np.int64(0), oldest
        )
    if tables.length[FIRST_PERMIT, s, 0] == 0:
        return tenure, np.int64(0), np.int64(0)
    start, months = _last_permit(tables, opening, resident, tenure)
    return tenure, start, months


@njit(cache=True, inline="always")
def _owed(tables, status, age, words):
    """Arrears bits; whoever is not of an age that pays owes nothing.

    words  32-bit draws for health insurance, pension and tax
    """
    bits = 0
    for bit, word in enumerate(words):
        youngest, oldest = tables.pays[bit]
        if youngest <= age <= oldest and word < tables.arrears[status, bit]:
            bits |= 1 << bit
    return bits


@njit(cache=True, nogil=True)
def draw_dates(chunk, first, stop, tables, opening, stages, people, band):
    """Fill stages, dates, permits, language and arrears of opening residents [first, stop).

    tables   DateTables
    opening  RunMonth
    stages   uint64       word of the hash that sets stages
    people   Columns      key and status set; the rest is written
    band     uint8[n]     five-year band of age
    """
    tables, people = borrow(tables), borrow(people)
    k0, k1, now = opening
    for i in range(first, stop):
        s, key = np.int64(people.status[i]), people.key[i]
        word, _ = threefry(TAG_OPENING, stages, key, np.uint64(now))
        stage = _pick(tables.stage_cut, s, low(word))
        x0, x1 = draw(k0, k1, key, now, P_OPENING, 0)
        y0, _ = draw(k0, k1, key, now, P_OPENING, 1)
        z0, z1 = draw(k0, k1, key, now, P_OPENING, 2)
        age = _months_of_age(tables, s, np.int64(band[i]), x0)
        born_here = high(x1) < tables.born_here[s, band[i]]
        resident = Resident(key, s, stage, age, born_here)
        tenure, start, months = _draw_permit(tables, opening, resident, high(y0), low(x1))
        most = min(age - tenure, LONGEST - 1)
        before = _pick_within(tables.earlier, tables.earlier_guide, s, low(y0), np.int64(0), most)
        since = now - tenure
        people.stage[i] = stage
        people.born[i] = now - age
        people.since[i] = since
        people.entered[i] = now - age if born_here else since - before
        people.permit_months[i] = months if months > 0 else NO_LIMIT
        end = since + min(start + months, tables.longest[s])
        people.permit_end[i] = end if months > 0 else NEVER
        people.counting[i] = since if tables.counts[s] else -1
        people.language[i] = _pick(tables.language, s, high(z0))
        people.arrears[i] = _owed(tables, s, age, (low(z0), high(z1), low(z1)))
