"""Kernels that are compiled beside a run are those that the run needs, and nothing stays behind."""

import subprocess
import sys

import pytest

from sim.model import precompile as compiling

SAME_KERNELS = """
from sim.model import precompile
from sim.config.compose import compose
from sim.model.model import Kyosei
from sim.processes.arrivals import write_arrivals
from sim.processes.families import follow_principals, write_births, write_brought
from sim.processes.fates import month_of_everyone
from sim.processes.recruits import write_recruits

kernels = (month_of_everyone, write_recruits, write_arrivals, follow_principals, write_brought,
           write_births)
precompile.compile_all()
model = Kyosei(compose(["scale=0.002", "end=2025-07"]))
before = [len(kernel.signatures) for kernel in kernels]
model.run()
print(before, [len(kernel.signatures) for kernel in kernels])
"""


def test_a_country_without_people_needs_the_kernels_of_the_month():
    done = subprocess.run(
        [sys.executable, "-c", SAME_KERNELS], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[0] == f"{[1] * 6} {[1] * 6}"


@pytest.fixture
def helpers(monkeypatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started beside; as if no kernel were compiled, with two cores."""
    started, start = [], subprocess.Popen

    def record(*args, **settings):
        started.append(start(*args, **settings))
        return started[-1]

    monkeypatch.setattr(compiling, "is_cold", lambda: True)
    monkeypatch.setattr(compiling, "usable_cores", lambda: 2)
    monkeypatch.setattr(compiling.subprocess, "Popen", record)
    return started


def test_a_helper_ends_with_what_it_helps(helpers):
    with pytest.raises(KeyboardInterrupt), compiling.compiled_beside():
        assert helpers[0].poll() is None
        raise KeyboardInterrupt
    assert helpers[0].returncode is not None


def test_a_helper_ends_when_its_parent_is_gone(helpers):
    with compiling.compiled_beside():
        helpers[0].stdin.close()  # what the system does when a process is killed
        assert helpers[0].wait(timeout=60) == 0


@pytest.mark.parametrize(("cold", "cores"), [(False, 2), (True, 1)])
def test_no_helper_where_there_is_nothing_to_compile_or_no_core(helpers, monkeypatch, cold, cores):
    monkeypatch.setattr(compiling, "is_cold", lambda: cold)
    monkeypatch.setattr(compiling, "usable_cores", lambda: cores)
    with compiling.compiled_beside():
        assert helpers == []


def test_a_run_goes_on_where_no_process_can_be_started(helpers, monkeypatch):
    def refuse(*args, **settings):
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(compiling.subprocess, "Popen", refuse)
    with compiling.compiled_beside():
        assert helpers == []
