"""What every test shares. Helpers are imported as `tests.<module>`."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")  # no window, wherever the tests run

# The same examples every time, and no deadline: the first one may compile a kernel.
settings.register_profile("kyosei", deadline=None, derandomize=True, database=None)
settings.load_profile("kyosei")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of pyproject.toml."""
    return Path(__file__).resolve().parent.parent
