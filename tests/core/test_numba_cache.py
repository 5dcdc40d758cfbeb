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
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = numba_cache.cache_folder(package)
    assert folder.parent == tmp_path / "cache" / "kyosei-numba"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert numba_cache.cache_folder(package) == folder


def test_old_folders_go_when_a_new_one_comes(package, tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
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
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
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


def test_a_folder_of_the_user_holds_one_for_each_state_of_the_source(
    package, tmp_path, monkeypatch
):
    """Kernels of an older source are never found in it."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
    numba_cache.use_private_cache(package)
    own = Path(os.environ["NUMBA_CACHE_DIR"])
    assert own == tmp_path / "chosen" / numba_cache.FOLDER / numba_cache.folder_name(package)
    numba_cache.use_private_cache(package)  # by a process that this one starts
    assert Path(os.environ["NUMBA_CACHE_DIR"]) == own


def test_without_a_home_nothing_is_made_in_the_working_folder(package, tmp_path, monkeypatch):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    folder = numba_cache.cache_folder(package)
    assert folder.is_dir()
    assert set(tmp_path.iterdir()) == before
    folder.rmdir()


@pytest.mark.parametrize("damage", [b"", b"cut", None], ids=["emptied", "cut short", "a bit"])
def test_damaged_kernels_are_dropped_as_a_whole(tmp_path, damage):
    files = [tmp_path / "a" / f"kernel.{kind}" for kind in ("nbi", "1.nbc")]
    files[0].parent.mkdir()
    for path in files:
        path.write_bytes(b"compiled" * 20)
    numba_cache.seal(tmp_path)
    assert not numba_cache.drop_damaged(tmp_path)
    assert all(path.exists() for path in files)
    content = files[1].read_bytes()
    files[1].write_bytes(bytes([content[0] ^ 1]) + content[1:] if damage is None else damage)
    assert numba_cache.drop_damaged(tmp_path)
    assert not any(path.exists() for path in files)
    assert not numba_cache.drop_damaged(tmp_path)


@pytest.mark.slow
def test_an_edit_in_another_file_reaches_a_cached_kernel(package, tmp_path):
    """Numba alone would run the old code here."""
    source = Path(numba_cache.__file__).read_text(encoding="utf-8")
    (package / "core").mkdir(exist_ok=True)
    (package / "core" / "__init__.py").touch()
    (package / "core" / "numba_cache.py").write_text(source)
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
