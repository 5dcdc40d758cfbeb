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

from typing import Final

import numpy as np
from numba import njit

from sim.agents.opening.date_tables import GUIDE_BITS, LONGEST
from sim.agents.opening.margins import BAND_MONTHS, N_BANDS
from sim.core.clock import NEVER
from sim.core.kernels import borrow
from sim.core.rng import P_OPENING, TAG_OPENING, draw, high, low, threefry

OPEN_MONTHS: Final = 240
"""The open band from 80 reaches to 99, thinning out in a straight line (assumption)."""

NO_LIMIT: Final = 255
"""Permit length of people without a limit of stay."""


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
    while first < last:
        middle = (first + last) >> 1
        if cut[row, middle] > scaled:
            last = middle
        else:
            first = middle + 1
    return first


@njit(cache=True, inline="always")
def _months_of_age(t, s, band, word):
    """Age in months: even within the band, thinning out in the open one, inside the limits."""
    width = np.uint64(BAND_MONTHS)
    months = high(word) * width >> np.uint64(32)
    if band == N_BANDS - 1:
        width = np.uint64(OPEN_MONTHS)
        months = min(high(word) * width >> np.uint64(32), low(word) * width >> np.uint64(32))
    return min(max(band * BAND_MONTHS + np.int64(months), t.youngest[s]), t.oldest[s])


@njit(cache=True, inline="always")
def _last_permit(t, s, tenure, k0, k1, key, now):
    """Start (months after taking the status) and length of the permit held after `tenure`."""
    start, step = np.int64(0), 0
    x0, x1 = np.uint64(0), np.uint64(0)
    while True:
        if step % 4 == 0:
            x0, x1 = draw(k0, k1, key, now, P_OPENING, 3 + step // 4)
        word = x0 if step % 4 < 2 else x1
        word = high(word) if step % 2 == 0 else low(word)
        kind = 0 if step == 0 else 1
        months = t.length[kind, s, _pick(t.length_cut[kind], s, word)]
        if start + months > tenure:
            return start, months
        start += months
        step += 1


@njit(cache=True, inline="always")
def _draw_permit(t, s, stage, age, here, word, k0, k1, key, now, course_word):
    """Months in the status, and start and length of the present permit (0 = no limit of stay)."""
    oldest = min(age, t.longest[s] - 1, LONGEST - 1)
    if t.ends[s, stage]:
        k = _pick(t.end_cut[s], stage, course_word)
        start, months = t.end_start[s, stage, k], t.end_length[s, stage, k]
        most = min(oldest, start + months - 1)
        tenure = _pick_within(t.inflow, t.inflow_guide, s, word, min(start, most), most)
        return tenure, min(start, tenure), months
    # Who was born here has had the status from birth.
    born_into = here and age == oldest
    tenure = age
    if not born_into:
        tenure = _pick_within(t.tenure, t.tenure_guide, s, word, np.int64(0), oldest)
    if t.length[0, s, 0] == 0:
        return tenure, np.int64(0), np.int64(0)
    start, months = _last_permit(t, s, tenure, k0, k1, key, now)
    return tenure, start, months


@njit(cache=True, inline="always")
def _owed(t, s, age, nhi, pension, tax):
    """Arrears bits; whoever is not of an age that pays owes nothing."""
    bits = 0
    for bit, word in enumerate((nhi, pension, tax)):
        if t.pays[bit, 0] <= age <= t.pays[bit, 1] and word < t.arrears[s, bit]:
            bits |= 1 << bit
    return bits


@njit(cache=True, nogil=True)
def draw_dates(c, first, stop, t, k0, k1, now, kind, p, band):
    """Fill stages, dates, permits, language and arrears of opening residents [first, stop).

    t     DateTables
    k0,k1 uint64       the run's key
    now   int          month index of the opening
    kind  uint64       word of the hash that sets stages
    p     Columns      key and status set; the rest is written
    band  uint8[n]     five-year band of age
    """
    t, p = borrow(t), borrow(p)
    for i in range(first, stop):
        s, key = np.int64(p.status[i]), p.key[i]
        word, _ = threefry(TAG_OPENING, kind, key, np.uint64(now))
        stage = _pick(t.stage_cut, s, low(word))
        p.stage[i] = stage
        x0, x1 = draw(k0, k1, key, now, P_OPENING, 0)
        y0, _ = draw(k0, k1, key, now, P_OPENING, 1)
        age = _months_of_age(t, s, np.int64(band[i]), x0)
        here = high(x1) < t.born_here[s, band[i]]
        tenure, start, months = _draw_permit(
            t, s, stage, age, here, high(y0), k0, k1, key, now, low(x1)
        )
        most = min(age - tenure, LONGEST - 1)
        before = _pick_within(t.earlier, t.earlier_guide, s, low(y0), np.int64(0), most)
        p.born[i] = now - age
        p.since[i] = now - tenure
        p.entered[i] = now - age if here else now - tenure - before
        p.permit_months[i] = months if months > 0 else NO_LIMIT
        p.permit_end[i] = now - tenure + min(start + months, t.longest[s]) if months > 0 else NEVER
        p.counting[i] = now - tenure if t.counts[s] else -1
        z0, z1 = draw(k0, k1, key, now, P_OPENING, 2)
        p.language[i] = _pick(t.language, s, high(z0))
        p.arrears[i] = _owed(t, s, age, low(z0), high(z1), low(z1))
