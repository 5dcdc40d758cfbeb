"""Factor codes of one person, as kernels compute them."""

from __future__ import annotations

from numba import njit

from sim.processes import person


@njit
def fill_codes(scene, i, codes):
    """`sim.processes.person.fill_codes`, which has no entry from Python."""
    person.fill_codes(scene, i, codes)
