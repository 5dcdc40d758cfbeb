"""The command's verbs, messages and exit codes, with a model that does nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.cli import main as cli
from sim.cli.help import settings_help
from sim.config.settings import check_overrides
from sim.core.errors import ConfigError, DataError, InvariantError, OutputError
from sim.files.folder import RunFolder

RUN = "0123456789abcdef"


@dataclass
class Settings:
    words: list[str]
    output: str


class World:
    """Stands in for sim.config.compose and sim.runs.run; writes a small folder for each run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.quiet: list[bool] = []
        self.raises: BaseException | None = None
        self.differences: list[str] = []

    def compose(self, overrides: list[str], config_dir: Path | None = None) -> Settings:
        if "scale=2" in overrides:
            raise ConfigError(["scale = 2 must be in (0, 1]", "end = 1999-01 is before start"])
        return Settings(list(overrides), str(self.root))

    def to_yaml(self, settings: Settings) -> str:
        return "".join(f"- {word}\n" for word in settings.words)

    def run(self, settings: Settings, quiet: bool = False) -> Path:
        self.quiet.append(quiet)
        if self.raises is not None:
            raise self.raises
        seed = next((w.partition("=")[2] for w in settings.words if w.startswith("seed=")), "0")
        with RunFolder(self.root, f"{int(seed):016x}") as folder:
            folder.add_text("config.yaml", self.to_yaml(settings))
            folder.finish({"seed": seed})
        return folder.path

    def reproduce(self, folder: Path) -> list[str]:
        return self.differences


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    world = World(tmp_path / "runs")
    monkeypatch.setattr("sim.config.compose.compose", world.compose)
    monkeypatch.setattr("sim.config.compose.to_yaml", world.to_yaml)
    monkeypatch.setattr("sim.runs.run.run", world.run)
    monkeypatch.setattr("sim.runs.reproduce.reproduce", world.reproduce)
    return world


def written(root: Path) -> list[Path]:
    return sorted(root.rglob("*")) if root.exists() else []


def test_run_prints_its_folder_last(world, capsys):
    assert cli.main(["run", "seed=3", "--quiet"]) == 0
    folder = Path(capsys.readouterr().out.splitlines()[-1])
    assert folder == world.root / "0000000000000003"
    assert world.quiet == [True]
    assert cli.main(["verify", str(folder)]) == 0
    assert "OK: 1 files" in capsys.readouterr().out


def test_settings_may_stand_on_both_sides_of_an_option(world, capsys):
    assert cli.main(["run", "a=1", "--cfg", "b=2", "~c"]) == 0
    assert capsys.readouterr().out == "- a=1\n- b=2\n- ~c\n"
    assert written(world.root) == []


def test_bad_settings_show_every_problem_and_write_nothing(world, capsys):
    assert cli.main(["run", "scale=2"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "kyosei: 2 problems, nothing was written",
        "scale = 2 must be in (0, 1]",
        "end = 1999-01 is before start",
    ]
    assert written(world.root) == []


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (DataError("stocks.csv row 7: a total is off"), 2, "stocks.csv row 7"),
        (OutputError("cannot write x"), 3, "cannot write x"),
        (OSError(28, "No space left on device", "x"), 3, "No space left on device: x"),
        (InvariantError("the ledger does not close"), 4, "the ledger does not close"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(world, capsys, error, code, says):
    world.raises = error
    assert cli.main(["run"]) == code
    assert says in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(world):
    world.raises = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        cli.main(["run"])


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["run", "--config-dir", "x"], ["run", "--config-path=x"], ["run", "-x"],
     ["verify"], ["verify", "a", "b"], ["run", "--experimental-rerun", "x"]],
)  # fmt: skip
def test_unknown_words_exit_with_2(world, arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert written(world.root) == []


@pytest.mark.parametrize(
    "word",
    [
        "hydra.run.dir=/tmp/x", "+hydra.job_logging.handlers.x={}", "hydra/job_logging=none",
        "++hydra.sweeper.params.a=b", "hydra=null", "~hydra", "+x._target_=os.system",
        "x={_target_:pandas.read_pickle}", "x=${oc.env:HOME}", "scale", "hydra.searchpath=[x]",
        "hydra.launcher={_target_:x}", "hydra.launcher._target_=x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("sweep", [False, True])
def test_settings_are_data_only(world, capsys, word, sweep):
    assert cli.main(["run", word, *(["-m"] if sweep else [])]) == 2
    assert word in capsys.readouterr().err
    assert written(world.root) == []


def test_a_sweep_may_choose_its_launcher_but_a_single_run_not():
    words = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweeper.max_batch_size=4"]
    assert check_overrides(words, sweep=True) == []
    assert len(check_overrides(words, sweep=False)) == 3
    assert check_overrides(["a=1", "+b.c='x y'", "~d", "policy=[a,b]"], sweep=False) == []


@pytest.fixture
def small_configs(tmp_path, monkeypatch, world) -> Path:
    folder = tmp_path / "configs"
    (folder / "scenario").mkdir(parents=True)
    (folder / "config.yaml").write_text(
        "defaults:\n  - scenario: one\n  - _self_\n\nseed: 0  # luck\nscale: 1.0\noutput: runs\n"
    )
    for name in ("one", "two"):
        (folder / "scenario" / f"{name}.yaml").write_text("a: 1\n")
    monkeypatch.setattr("sim.cli.help.configs_folder", lambda: folder)
    return folder


def test_the_help_of_run_lists_settings_and_choices(small_configs, capsys):
    assert settings_help().splitlines() == [
        "settings and their defaults:",
        "  seed=0                       luck",
        "  scale=1.0",
        "  output=runs",
        "  scenario=one                 one of: one, two",
    ]
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    shown = capsys.readouterr().out
    assert "kyosei run scale=0.01" in shown
    assert "one of: one, two" in shown


def test_verify_tells_what_differs(world, capsys, tmp_path):
    cli.main(["run"])
    folder = Path(capsys.readouterr().out.strip())
    (folder / "config.yaml").write_text("changed")
    assert cli.main(["verify", str(folder)]) == 4
    assert "config.yaml has 7 bytes, not 0" in capsys.readouterr().err
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err
    (folder / "manifest.json").unlink()
    assert cli.main(["verify", str(folder)]) == 4
    assert "did not finish" in capsys.readouterr().err


def test_reproduce_says_whether_every_byte_is_equal(world, capsys):
    cli.main(["run"])
    folder = capsys.readouterr().out.strip()
    assert cli.main(["reproduce", folder]) == 0
    assert "every byte" in capsys.readouterr().out
    world.differences = ["flows.parquet differs"]
    assert cli.main(["reproduce", folder]) == 4
    assert "flows.parquet differs" in capsys.readouterr().err


def test_help_is_quick_and_imports_nothing_heavy(repository):
    code = (
        "import sys, json; from sim.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = {
        "numba",
        "numpy",
        "mesa",
        "pandas",
        "matplotlib",
        "hydra",
        "pyarrow",
        "pydantic",
        "rich",
    }
    assert imported & heavy == set()


def test_a_polite_end_exits_with_130(world, tmp_path):
    def wait(settings: Settings, quiet: bool = False) -> Path:
        (tmp_path / "started").touch()
        time.sleep(30)
        return tmp_path

    assert in_child(world, wait, tmp_path / "started", signal.SIGTERM) == 130


def _wish(kind: str, number: signal.Signals) -> None:
    """A wish to end that comes out as something else than KeyboardInterrupt."""
    try:
        os.kill(os.getpid(), number)
        time.sleep(1)
    except KeyboardInterrupt as wish:
        errors = {
            "class body": RuntimeError("Error calling __set_name__ on 'x' instance"),
            "output": OutputError("cannot write x"), "system": OSError(4, "Interrupted", "x"),
            "launcher": SystemExit(1),
        }  # fmt: skip
        raise errors[kind] from wish


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["class body", "output", "system", "launcher"])
def test_a_wish_to_end_in_any_disguise_exits_with_130(world, capsys, monkeypatch, kind, number):
    before = signal.signal(number, signal.default_int_handler)  # may be ignored, as under nohup
    monkeypatch.setattr(sys.modules["sim.runs.run"], "run", lambda *_, **__: _wish(kind, number))
    assert cli.main(["run"]) == 130
    assert capsys.readouterr().err == "kyosei: interrupted\n"
    world.raises = ZeroDivisionError()  # the wish is over with its command
    monkeypatch.setattr(sys.modules["sim.runs.run"], "run", world.run)
    with pytest.raises(ZeroDivisionError):
        cli.main(["run"])
    signal.signal(number, before)


def in_child(world: World, work: Callable[..., Path], started: Path, number: signal.Signals) -> int:
    """Exit code of `kyosei run` doing `work` in a copy of this process that gets a signal."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            sys.modules["sim.runs.run"].run = work
            code = cli.main(["run"])
        finally:
            os._exit(code)
    while not started.exists():
        time.sleep(0.005)
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
