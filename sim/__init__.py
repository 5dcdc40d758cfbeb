"""Kyosei: every foreign resident of Japan, one by one, month by month."""

from pathlib import Path

from sim.numba_cache import use_private_cache

__version__ = "0.1.0"

use_private_cache(Path(__file__).parent)  # before anything imports numba
