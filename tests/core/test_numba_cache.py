"""The folder of compiled kernels: private, and another one after any edit."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sim.core import numba_cache

LIBRARY = "from numba import njit\n@njit(cache=True)\ndef f(x):\n    return x * {factor}\n"
CALLER = (
    "from numba import njit\nfrom sim.library import f\n"
    "@njit(cache=True)\ndef g(x):\n    return f(x)\n"
)


@pytest.fixture
def package(tmp_path) -> Path:
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "__init__.py").write_text("x = 1\n")
    (tmp_path / "sim" / "caller.py").write_text(CALLER)
    (tmp_path / "sim" / "library.py").write_text(LIBRARY.format(factor=5))
    return tmp_path / "sim"


def test_the_folder_is_private_and_stays_the_same(package, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = numba_cache.cache_folder(package)
    assert folder.parent == tmp_path / "cache" / "kyosei-numba"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert numba_cache.cache_folder(package) == folder


def test_old_folders_go_when_a_new_one_comes(package, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = numba_cache.cache_folder(package)
    os.utime(first, (0, 0))
    (package / "library.py").write_text(LIBRARY.format(factor=9))
    second = numba_cache.cache_folder(package)
    assert second != first
    assert not first.exists()


def test_only_what_a_kernel_may_see_is_part_of_the_name(package):
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "numbers.py").write_text("from sim.plain import y\nx = 1\n")
    (package / "library.py").write_text("from sim.deep import (\n    numbers,\n)\n" + LIBRARY)
    for name in ("plain", "other"):
        (package / f"{name}.py").write_text("y = 1\n")
    seen = {"caller.py", "library.py", "deep/__init__.py", "deep/numbers.py", "plain.py"}
    assert numba_cache.kernel_files(package) == seen
    before = numba_cache.folder_name(package)
    (package / "other.py").write_text("y = 2\n")
    assert numba_cache.folder_name(package) == before
    (package / "plain.py").write_text("y = 2\n")
    assert numba_cache.folder_name(package) != before


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_open_to_others_is_not_used(package, tmp_path, monkeypatch, mode):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = numba_cache.cache_folder(package)
    folder.chmod(mode)
    other = numba_cache.cache_folder(package)
    assert other != folder
    assert stat.S_IMODE(other.stat().st_mode) == 0o700
    other.rmdir()


def test_a_symbolic_link_or_an_impossible_place_is_not_used(package, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = numba_cache.cache_folder(package)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert numba_cache.cache_folder(package) != folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(package / "__init__.py"))  # a file
    assert numba_cache.cache_folder(package).is_dir()


def test_a_choice_of_the_user_stands(package, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/chosen")
    numba_cache.use_private_cache(package)
    assert os.environ["NUMBA_CACHE_DIR"] == "/chosen"


@pytest.mark.slow
def test_an_edit_in_another_file_reaches_a_cached_kernel(package, tmp_path):
    """Numba alone would run the old code here."""
    source = Path(numba_cache.__file__).read_text(encoding="utf-8")
    (package / "numba_cache.py").write_text(source)
    (package / "__init__.py").write_text(
        "from pathlib import Path\nfrom sim.core.numba_cache import use_private_cache\n"
        "use_private_cache(Path(__file__).parent)\n"
    )
    (package / "caller.py").write_text(CALLER)
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    answers = []
    for factor in (5, 5, 9):
        (package / "library.py").write_text(LIBRARY.format(factor=factor))
        done = subprocess.run(
            [sys.executable, "-c", "from sim.caller import g; print(g(1))"],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        answers.append(int(done.stdout))
    assert answers == [5, 5, 9]
    assert len(list((tmp_path / "cache" / "kyosei-numba").iterdir())) == 2
