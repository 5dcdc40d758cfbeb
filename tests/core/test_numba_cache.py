"""The folder of compiled kernels: private, and another one after any edit."""

import ast
import importlib.util
import inspect
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from numba.core import types
from numba.core.registry import CPUDispatcher

from sim import PACKAGE
from sim.core import numba_cache
from tests.helpers import tiny

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


PICKLE = b"\x80" + b"compiled" * 20 + b"."


def compiled(folder: Path) -> list[Path]:
    files = [folder / "a" / f"kernel.{kind}" for kind in ("nbi", "1.nbc")]
    files[0].parent.mkdir()
    for path in files:
        path.write_bytes(PICKLE)
    return files


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "by a process that was killed"])
@pytest.mark.parametrize("damage", [b"", PICKLE[:80], b"\0" * len(PICKLE)])
def test_damaged_kernels_are_dropped_as_a_whole(tmp_path, damage, sealed):
    files = compiled(tmp_path)
    if sealed:
        numba_cache.seal(tmp_path)
    assert not numba_cache.drop_damaged(tmp_path)
    assert all(path.exists() for path in files)
    files[1].write_bytes(damage)
    assert numba_cache.drop_damaged(tmp_path)
    assert not any(path.exists() for path in files)
    assert not numba_cache.drop_damaged(tmp_path)


def test_a_bit_that_changes_by_itself_is_seen(tmp_path):
    files = compiled(tmp_path)
    numba_cache.seal(tmp_path)
    was = files[1].stat()
    files[1].write_bytes(PICKLE.replace(b"compiled", b"compilec", 1))
    os.utime(files[1], ns=(was.st_atime_ns, was.st_mtime_ns))
    assert numba_cache.drop_damaged(tmp_path)


def test_an_index_that_was_written_again_is_no_damage(tmp_path):
    """Numba writes it anew when a kernel is compiled for other types, in whatever process."""
    files = compiled(tmp_path)
    numba_cache.seal(tmp_path)
    files[0].write_bytes(PICKLE[:-1] + b"more.")
    assert not numba_cache.drop_damaged(tmp_path)
    numba_cache.seal(tmp_path)
    assert not numba_cache.drop_damaged(tmp_path)


class Cache:
    """Numba's cache of one function, on a bad day."""

    flushed = False

    def load_overload(self, signature: str, context: object) -> str:
        if signature == "damaged":
            raise EOFError("Ran out of input")
        return signature

    def save_overload(self, signature: str, data: str) -> None:
        if data == "too much":
            raise OSError(28, "No space left on device")

    def flush(self) -> None:
        self.flushed = True


def test_a_cache_that_fails_stops_no_run(capsys, monkeypatch):
    monkeypatch.setattr(numba_cache, "_told", set())
    own = type("Own", (Cache,), {})
    numba_cache.tolerate_failures(own)
    cache = own()
    assert cache.load_overload("good", None) == "good"
    assert not cache.flushed
    for _ in range(2):
        assert cache.load_overload("damaged", None) is None
        cache.save_overload("any", "too much")
    assert cache.flushed
    assert capsys.readouterr().err.splitlines() == [
        f"kyosei: {numba_cache.DAMAGED}",
        "kyosei: compiled kernels cannot be kept: No space left on device",
    ]


def kernels() -> list[CPUDispatcher]:
    """All kernels of the package, those that this process has not used included."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "@njit" in path.read_text(encoding="utf-8") and path.name != "numba_cache.py":
            importlib.import_module(module_of(path))
    found = [
        value
        for name, module in list(sys.modules.items())
        if name.startswith("sim.")
        for value in vars(module).values()
        if isinstance(value, CPUDispatcher) and value.py_func.__module__ == name
    ]
    assert len(found) > 100
    return found


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def attributes(tree: ast.Module, owner: str) -> set[str]:
    """All names that a module takes as `owner.name`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == owner
    }


def used(module: str, names: set[str], done: set[tuple[str, str]]) -> None:
    """Add (module, name) of all that names of a module are made of, one by another."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sim"):
            for alias in node.names:
                place = (node.module, alias.name)
                if (alias.asname or alias.name) in names and place not in done:
                    whole = ".".join(place)
                    if is_module(whole):  # such as `kinds` in `kinds.LEAVE`
                        used(whole, attributes(tree, alias.asname or alias.name), done)
                    else:
                        done.add(place)
                        used(node.module, {alias.name}, done)
            continue
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own = {node.name}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            own = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        else:
            continue
        if own & names and (module, min(own)) not in done:
            done.add((module, min(own)))
            inner = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            used(module, inner - own, done)


def tuples_of(kind: types.Type) -> Iterator[type]:
    """Classes of the named tuples inside a type."""
    if isinstance(kind, types.BaseNamedTuple):
        yield kind.instance_class
    if isinstance(kind, types.BaseTuple):
        for inner in kind.types:
            yield from tuples_of(inner)


def test_all_that_kernels_are_made_of_is_part_of_the_name():
    """Names that kernels use, constants behind these, and the named tuples that they take."""
    seen = numba_cache.kernel_files(PACKAGE)
    made_of: set[tuple[str, str]] = set()
    for kernel in kernels():
        function = kernel.py_func
        used(function.__module__, {function.__name__}, made_of)
    files = {importlib.import_module(module).__file__ for module, _ in made_of}
    assert {Path(file).relative_to(PACKAGE).as_posix() for file in files} - seen == set()
    assert ("sim.config.factors", "FACTORS") in made_of  # from the constants of a kernel


def test_the_named_tuples_that_kernels_take_are_part_of_the_name():
    model = tiny.model(tiny.config(end="2025-09"), tiny.columns(300))
    model.run()
    classes = {
        found
        for kernel in kernels()
        for signature in kernel.signatures
        for kind in signature
        for found in tuples_of(kind)
    }
    names = {Path(inspect.getfile(found)).relative_to(PACKAGE).as_posix() for found in classes}
    assert len(classes) >= 4
    assert names - numba_cache.kernel_files(PACKAGE) == set()


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
