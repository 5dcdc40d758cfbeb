"""What every test shares. Helpers are imported as `tests.helpers.<module>`."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from sim.core import threads

os.environ.setdefault("MPLBACKEND", "Agg")  # no window, wherever the tests run

# The same examples every time, and no deadline: the first one may compile a kernel.
settings.register_profile("kyosei", deadline=None, derandomize=True, database=None)
settings.load_profile("kyosei")

# Threads are at work in small countries, too: one that minds another's rows must show.
threads.ALONE = 2_000  # type: ignore[misc]

COMPILES = "runs/test_run_folder.py"
"""Its first run needs all kernels of a default run: minutes, where none is compiled yet."""
NO_KERNELS = (
    "config/test_shipped_configs.py",
    "config/test_hostile_words.py",
    "config/test_bad_input.py",
    "sweeps/test_design.py",
    "config/test_compose.py",
    "figures/test_figures.py",
    "config/test_policy_mistakes.py",
    "test_style.py",
    "data/test_data_broken.py",
    "config/test_levers.py",
    "data/test_data.py",
    "files/test_killed_process.py",
    "studies/test_official.py",
    "policies/test_policy.py",
    "policies/test_lever_cases.py",
    "policies/test_lever_text.py",
    "test_adding.py",
)
"""What the other process does meanwhile."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of two processes (`make test`) one compiles while the other needs no kernel: files are dealt
    out in this order, and each is done by one of them."""
    if hasattr(config, "workerinput"):
        first = [COMPILES, *NO_KERNELS]
        places = {name: place for place, name in enumerate(first)}
        here = Path(__file__).parent
        items.sort(key=lambda item: places.get(item.path.relative_to(here).as_posix(), len(first)))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of pyproject.toml."""
    return Path(__file__).resolve().parent.parent
