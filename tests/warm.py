"""What a copy of a process wants to find imported and read; see `tests.copies`."""

import matplotlib.backends.backend_agg  # noqa: F401
import pandas.plotting  # noqa: F401

from sim import cli, config, plots, run  # noqa: F401
from sim.data import load

load("japan")
config.compose([])
