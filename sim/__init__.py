"""Kyosei: every foreign resident of Japan, one by one, month by month."""

from pathlib import Path

from sim.core.numba_cache import use_private_cache

__version__ = "0.2.0.dev0"

PACKAGE = Path(__file__).resolve().parent
"""The folder of the package: what the digest of the code covers, and where its data lie."""

use_private_cache(PACKAGE)  # before anything imports numba
