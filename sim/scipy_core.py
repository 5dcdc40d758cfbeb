"""The normal distribution of scipy alone: `ndtr`, its cumulative function, and its inverse `ndtri`.

`scipy.special` brings in support for arrays of other libraries, and with it all of numpy; Numba,
when it loads its first kernel, asks scipy for the addresses of BLAS, and `scipy.linalg` brings in
the same. Together they take a third of a second of each start.
"""

from __future__ import annotations

from sim.put_off import put_off

put_off("scipy.special")
put_off("scipy.linalg")

from scipy.special._ufuncs import ndtr as ndtr  # noqa: E402  (only now)
from scipy.special._ufuncs import ndtri as ndtri  # noqa: E402
