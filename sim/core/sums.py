"""Products of floats whose bits depend on nothing but their arguments.

A matrix product is added up in the order that suits the processor (BLAS), and Python's own `sum`
adds floats one by one up to 3.11 and with compensation from 3.12 on. A difference
in the last bit can change whole numbers of people, so whatever leads to results uses `product`,
`math.fsum` or NumPy's `sum`.
"""

from __future__ import annotations

import numpy as np


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left @ right, float64[..., N] of float64[..., K] and float64[K] or float64[K, N].

    Added in order of K, one multiplication and one addition at a time.
    """
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    out = np.zeros((*left.shape[:-1], *right.shape[1:]))
    for k in range(right.shape[0]):
        out += left[..., k] * right[k] if right.ndim == 1 else left[..., k, None] * right[k]
    return out
