"""The same tables on any Python and processor: other sums and other kernels of BLAS."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORDS = ["run", "scale=0.002", "end=2025-08", "threads=1", "figures=false", "fit.draw=1", "-q"]

RUN = """
import builtins, sys
from math import fsum

whole = builtins.sum

def another(values, /, start=0):
    values = list(values)
    if any(type(value) is float for value in values):
        return start + (fsum(values) if sys.argv[1] == "exact" else whole(reversed(values)))
    return whole(values, start)

if sys.argv[1] != "own":
    builtins.sum = another
from sim.cli.main import main

sys.exit(main(sys.argv[2:]))
"""


def tables(folder: Path, kind: str, environment: dict[str, str]) -> dict[str, str]:
    """Table -> SHA-256 of a small run by a process of its own."""
    subprocess.run(
        [sys.executable, "-c", RUN, kind, *WORDS, f"output={folder}"],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*/*.parquet"))
    }


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = tables(tmp_path_factory.mktemp("own"), "own", {})
    assert "stocks.parquet" in found
    return found


@pytest.mark.parametrize("kind", ["exact", "backwards"])
def test_tables_do_not_hang_on_how_python_adds(own, tmp_path, kind):
    assert tables(tmp_path, kind, {}) == own


@pytest.mark.parametrize(
    "core", ["Nehalem", "Haswell", *(pytest.param(name, marks=pytest.mark.slow)
                                     for name in ("Sandybridge", "Zen"))]
)  # fmt: skip
def test_tables_do_not_hang_on_the_kernels_of_blas(own, tmp_path, core):
    assert tables(tmp_path, "own", {"OPENBLAS_CORETYPE": core}) == own


@pytest.mark.slow
def test_tables_do_not_hang_on_the_processor_that_kernels_are_compiled_for(own, tmp_path):
    where = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert tables(tmp_path / "runs", "own", {**where, **cache}) == own
