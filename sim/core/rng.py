"""Random numbers as a pure function: Threefry-2x64-20, keyed by the run, counted by who, when, why.

A draw is a function of (run key; agent key; month, process, block), never of a state. For one run
key the generator is a bijection of its 128-bit counter, so two different decisions cannot share a
block. Reference: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11); the
published known-answer vectors are in the tests.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import numpy as np
from numba import njit

MODEL_ID: Final = 0x4B594F53
"""'KYOS': keeps the run keys of this model apart from those of any other program."""

# The registry of processes. Numbers are never reused and never an enumeration order: a new
# process takes a new number at the end, a removed one leaves a hole. A test holds a copy.
PROCESSES: Final[dict[str, int]] = {
    "opening": 1,
    "arrival_count": 2,
    "arrival_person": 3,
    "arrival_shock": 4,
    "permit_outcome": 5,
    "permit_length": 6,
    "monthly_fate": 7,
    "decision": 8,
    "move": 9,
    "newborn": 10,
    "family": 11,
    "brought_family": 12,
    "sponsor": 13,
    "new_status": 14,
    "vacancy": 15,
    "search": 16,
    "search_place": 17,
    "recruit": 18,
    "recruited_person": 19,
    "firm_opening": 30,
    "first_job": 31,
    "firm_month": 32,
    "firm_count": 33,
    "demand_shock": 34,
    "town_classes": 40,
    "fit_draw": 50,
}

P_OPENING = np.uint64(PROCESSES["opening"])

P_FIT_DRAW = np.uint64(PROCESSES["fit_draw"])

P_ARRIVAL_COUNT = np.uint64(PROCESSES["arrival_count"])

P_ARRIVAL_PERSON = np.uint64(PROCESSES["arrival_person"])

P_ARRIVAL_SHOCK = np.uint64(PROCESSES["arrival_shock"])

P_PERMIT_OUTCOME = np.uint64(PROCESSES["permit_outcome"])

P_PERMIT_LENGTH = np.uint64(PROCESSES["permit_length"])

P_MONTHLY_FATE = np.uint64(PROCESSES["monthly_fate"])

P_DECISION = np.uint64(PROCESSES["decision"])

P_MOVE = np.uint64(PROCESSES["move"])

P_NEWBORN = np.uint64(PROCESSES["newborn"])

P_FAMILY = np.uint64(PROCESSES["family"])

P_BROUGHT_FAMILY = np.uint64(PROCESSES["brought_family"])

P_SPONSOR = np.uint64(PROCESSES["sponsor"])

P_NEW_STATUS = np.uint64(PROCESSES["new_status"])

P_VACANCY = np.uint64(PROCESSES["vacancy"])

P_SEARCH = np.uint64(PROCESSES["search"])

P_SEARCH_PLACE = np.uint64(PROCESSES["search_place"])

P_RECRUIT = np.uint64(PROCESSES["recruit"])

P_RECRUITED_PERSON = np.uint64(PROCESSES["recruited_person"])

P_FIRM_OPENING = np.uint64(PROCESSES["firm_opening"])

P_FIRST_JOB = np.uint64(PROCESSES["first_job"])

P_FIRM_MONTH = np.uint64(PROCESSES["firm_month"])

P_FIRM_COUNT = np.uint64(PROCESSES["firm_count"])

P_DEMAND_SHOCK = np.uint64(PROCESSES["demand_shock"])

P_TOWN_CLASSES = np.uint64(PROCESSES["town_classes"])

_PARITY = np.uint64(0x1BD11BDAA9FC1A22)

_R = (16, 42, 12, 31, 16, 32, 24, 21)

_LOW = np.uint64(0xFFFFFFFF)

_32 = np.uint64(32)


def run_key(seed: int, replicate: int) -> tuple[np.uint64, np.uint64]:
    """The two 64-bit words that key every draw of one replicate.

    `numpy.random.SeedSequence` hashes (model, seed, replicate), so neighbours share nothing.
    """
    words = np.random.SeedSequence([MODEL_ID, seed, replicate]).generate_state(2, np.uint64)
    return np.uint64(words[0]), np.uint64(words[1])


@njit(cache=True, forceinline=True)
def _mix(x0, x1, r):
    x0 = x0 + x1
    x1 = (x1 << np.uint64(r)) | (x1 >> np.uint64(64 - r))
    return x0, x1 ^ x0


@njit(cache=True, forceinline=True)
def threefry(k0, k1, c0, c1):
    """Threefry-2x64 with 20 rounds: two uint64 words for a uint64 key pair and counter pair."""
    k2 = _PARITY ^ k0 ^ k1
    x0 = c0 + k0
    x1 = c1 + k1
    x0, x1 = _mix(x0, x1, 16)
    x0, x1 = _mix(x0, x1, 42)
    x0, x1 = _mix(x0, x1, 12)
    x0, x1 = _mix(x0, x1, 31)
    x0 = x0 + k1
    x1 = x1 + k2 + np.uint64(1)
    x0, x1 = _mix(x0, x1, 16)
    x0, x1 = _mix(x0, x1, 32)
    x0, x1 = _mix(x0, x1, 24)
    x0, x1 = _mix(x0, x1, 21)
    x0 = x0 + k2
    x1 = x1 + k0 + np.uint64(2)
    x0, x1 = _mix(x0, x1, 16)
    x0, x1 = _mix(x0, x1, 42)
    x0, x1 = _mix(x0, x1, 12)
    x0, x1 = _mix(x0, x1, 31)
    x0 = x0 + k0
    x1 = x1 + k1 + np.uint64(3)
    x0, x1 = _mix(x0, x1, 16)
    x0, x1 = _mix(x0, x1, 32)
    x0, x1 = _mix(x0, x1, 24)
    x0, x1 = _mix(x0, x1, 21)
    x0 = x0 + k1
    x1 = x1 + k2 + np.uint64(4)
    x0, x1 = _mix(x0, x1, 16)
    x0, x1 = _mix(x0, x1, 42)
    x0, x1 = _mix(x0, x1, 12)
    x0, x1 = _mix(x0, x1, 31)
    return x0 + k2, x1 + k0 + np.uint64(5)


@njit(cache=True, forceinline=True)
def occasion(month, process, block):
    """Second counter word: month (16 bits), process (16 bits), block of draws (32 bits)."""
    return (np.uint64(month) << np.uint64(48)) | (process << _32) | np.uint64(block)


@njit(cache=True, forceinline=True)
def draw(k0, k1, agent, month, process, block):
    """Two uint64 words for one agent, month, process and block."""
    return threefry(k0, k1, agent, occasion(month, process, block))


class RunMonth(NamedTuple):
    """The key of a run and a month: what a draw depends on besides who draws."""

    k0: np.uint64
    k1: np.uint64
    now: int


@njit(cache=True, forceinline=True)
def low(word):
    """Lower 32 bits as uint64 in [0, 2**32)."""
    return word & _LOW


@njit(cache=True, forceinline=True)
def high(word):
    """Upper 32 bits as uint64 in [0, 2**32)."""
    return word >> _32


@njit(cache=True, forceinline=True)
def unit(word):
    """The upper 52 bits as a float64 strictly inside (0, 1): (n + 1/2) / 2**52, exactly.

    With 53 bits the largest n + 1/2 has no float64 of its own and would round to 1.
    """
    return (np.float64(word >> np.uint64(12)) + 0.5) * (1.0 / 4503599627370496.0)


@njit(cache=True)
def one_uniform(k0, k1, agent, month, process):
    """One uniform in (0, 1) for callers outside kernels."""
    x0, _ = draw(k0, k1, agent, month, process, 0)
    return unit(x0)


@njit(cache=True)
def uniforms(k0, k1, agent, month, n, process):
    """float64[n] in (0, 1) as `one_uniform` draws them in n months, from `month` on."""
    out = np.empty(n)
    for i in range(n):
        out[i] = one_uniform(k0, k1, agent, month + i, process)
    return out


# Identity keys are 64-bit hashes of what makes an agent that agent. The tags keep kinds apart.
TAG_OPENING = np.uint64(0x6F70656E)

TAG_ARRIVAL = np.uint64(0x61727276)

TAG_BIRTH = np.uint64(0x62697274)

TAG_FAMILY = np.uint64(0x66616D69)

TAG_RECRUIT = np.uint64(0x72656372)

TAG_FIRM = np.uint64(0x6669726D)

TAG_NEW_FIRM = np.uint64(0x6E65776D)


@njit(cache=True)
def identity(tag, a, b, ordinal):
    """64-bit agent key from a kind tag, two 64-bit words and an ordinal; independent of the run.

    The same newcomer has the same key under every seed and scenario; its draws differ by run key.
    """
    x0, _ = threefry(tag, np.uint64(ordinal), np.uint64(a), np.uint64(b))
    return x0


def word_of(text: str) -> int:
    """A stable 40-bit word for a name, from sha256: keys do not depend on list order."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:5], "big")
