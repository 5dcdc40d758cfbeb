"""What a copy of a process wants to find imported and read; see `tests.helpers.copies`."""

import matplotlib.backends.backend_agg  # noqa: F401
import pandas.plotting  # noqa: F401

from sim.cli import main as cli  # noqa: F401
from sim.config import compose as config
from sim.data.load import load
from sim.figures import run as plots  # noqa: F401
from sim.runs import run  # noqa: F401

load("japan")
config.compose([])
