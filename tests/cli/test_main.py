"""The command: verbs, messages and exit codes. Runs are real ones of one person in a thousand."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.cli import main as cli
from sim.cli.help import settings_help
from sim.config.settings import check_overrides
from sim.core.errors import DataError, InvariantError, OutputError

TINY = ["scale=0.001", "end=2025-08", "figures=false"]
LONG = ["scale=0.01", "end=2045-12", "figures=false"]
VERBS = ["run", "compare", "countries", "calibrate", "hindcast", "sensitivity", "levers", "collect",
         "verify", "reproduce", "official"]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder of a run that is complete."""
    root = tmp_path_factory.mktemp("runs")
    assert cli.main(["run", "-q", *TINY, f"output={root}"]) == 0
    return next(path for path in root.iterdir() if path.is_dir())


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder in which the command is typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_prints_its_folder_last_and_what_happens_on_standard_error(here, capsys):
    assert cli.main(["run", *TINY]) == 0
    printed = capsys.readouterr()
    folder = Path(printed.out.splitlines()[-1])
    assert (folder / "manifest.json").is_file()
    first, announced, *_ = printed.err.splitlines()
    assert first == "Reading the configuration and the published tables."
    assert re.match(rf"Run {folder.name}: 2025-06 to 2025-08, 2 months of up to .*; about \d+ s\.",
                    announced)  # fmt: skip
    assert "Opening the population." in printed.err
    assert cli.main(["run", "-q", *TINY]) == 0
    again = capsys.readouterr()
    assert (again.out, again.err) == (f"{folder}\n", "")


def test_settings_may_stand_on_both_sides_of_an_option(here, capsys):
    assert cli.main(["run", "seed=3", "--cfg", "scale=0.5", "~status.esd.permits"]) == 0
    shown = capsys.readouterr()
    assert "\nseed: 3\n" in shown.out
    assert "\nscale: 0.5\n" in shown.out
    assert shown.err == ""
    assert list(here.iterdir()) == []


def test_bad_settings_show_every_problem_and_write_nothing(here, capsys):
    assert cli.main(["run", "scale=2", "seed=-1"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if not line.startswith("Reading")]
    assert lines[0] == "kyosei: 2 problems, nothing was written"
    assert "scale = 2" in printed.err
    assert "seed = -1" in printed.err
    assert list(here.iterdir()) == []


def test_a_folder_that_cannot_be_made_exits_with_3(here, capsys):
    (here / "file").write_text("in the way")
    assert cli.main(["run", *TINY, "output=file/runs"]) in (2, 3)
    assert "file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (DataError("stocks.csv row 7: a total is off"), 2, "stocks.csv row 7"),
        (OutputError("cannot write x"), 3, "cannot write x"),
        (OSError(28, "No space left on device", "x"), 3, "No space left on device: x"),
        (InvariantError("stocks and flows do not agree"), 4, "stocks and flows do not agree"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(capsys, monkeypatch, error, code, says):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sim.runs.run.run", fail)
    assert cli.main(["run"]) == code
    assert says in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("sim.runs.run.run", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["run"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sensitivty"], "Nearest: sensitivity."),
        (["hindcasts"], "Nearest: hindcast."),
        (["fly"], "One of: calibrate, collect, compare,"),
        (["run", "--config-dir", "x"], "--config-dir is not an option of kyosei run"),
        (["run", "--config-path=x"], "--config-path=x is not an option of kyosei run"),
        (["run", "-x"], "`kyosei run --help` lists the options"),
        (["run", "--scale", "0.01"], "without dashes: scale=0.01"),
        (["run", "--status.student.work=none"], "without dashes: status.student.work=none"),
        (["verify"], "required: DIR"),
        (["verify", "a", "b"], "b: too much for kyosei verify"),
        (["calibrate", "--variance", "1"], "from 2 to 9999, not 1"),
        (["calibrate", "--until", "2026-01"], "a June or December after 2012-12"),
        (["calibrate", "--until", "2012-12"], "a June or December after 2012-12"),
        (["calibrate", "--until", "foo"], "such as 2025-06"),
        (["official", "end=2080-12", "rounds=0"], "only scale=, rounds= and to= can be set"),
        (["-x"], "`kyosei --help`"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(here, capsys, words, says):
    assert cli.main(words) == 2
    assert says in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_the_command_alone_shows_three_first_commands_and_all_verbs(capsys):
    assert cli.main([]) == 2  # nothing was done
    alone = capsys.readouterr().out
    first = [line.split() for line in alone.splitlines() if line.startswith("  kyosei ")]
    assert [words[1] for words in first] == ["run", "levers", "compare"]
    assert [verb for verb in VERBS if f"\n    {verb}" not in alone] == []
    with pytest.raises(SystemExit) as stop:
        cli.main(["help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == alone


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_is_reached_both_ways(verb, capsys):
    shown = []
    for words in ([verb, "--help"], ["help", verb]):
        with pytest.raises(SystemExit):
            cli.main(words)
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert f"usage: kyosei {verb} " in shown[0]


@pytest.mark.parametrize("verb", VERBS)
def test_help_teaches_by_examples(verb, capsys):
    with pytest.raises(SystemExit):
        cli.main([verb, "--help"])
    examples = re.findall(r"^  kyosei (\w+)", capsys.readouterr().out, re.MULTILINE)
    assert examples
    assert set(examples) == {verb}


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
def test_settings_are_data_only(here, capsys, word, sweep):
    assert cli.main(["run", word, *(["-m"] if sweep else [])]) == 2
    assert word in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_a_sweep_may_choose_its_launcher_but_a_single_run_not():
    words = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweeper.max_batch_size=4"]
    assert check_overrides(words, sweep=True) == []
    assert len(check_overrides(words, sweep=False)) == 3
    assert check_overrides(["a=1", "+b.c='x y'", "~d", "policy=[a,b]"], sweep=False) == []


def test_the_help_of_run_lists_settings_and_choices(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "configs"
    (folder / "scenario" / "here").mkdir(parents=True)
    (folder / "country").mkdir()
    (folder / "config.yaml").write_text(
        "defaults:\n  - country: here\n  - _self_\n\nseed: 0  # random\nscale: 1.0\noutput: runs\n"
    )
    (folder / "country" / "here.yaml").write_text("defaults: \n  - /scenario/here@scenario: one\n")
    for name in ("one", "two"):
        (folder / "scenario" / "here" / f"{name}.yaml").write_text("a: 1\n")
    monkeypatch.setattr("sim.config.folders.configs_folder", lambda: folder)
    monkeypatch.chdir(tmp_path)
    assert settings_help().splitlines() == [
        "settings and their defaults:",
        "  seed=0                       random",
        "  scale=1.0",
        "  output=runs",
        "  country=here                 one of: here",
        "  scenario=one                 one of: one, two",
    ]
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    shown = capsys.readouterr().out
    assert "kyosei run experiment=quick" in shown
    assert "one of: one, two" in shown


def test_verify_tells_what_differs(made, tmp_path, capsys):
    assert cli.main(["verify", str(made)]) == 0
    assert re.search(r"OK: \d+ files are as the manifest says", capsys.readouterr().out)
    folder = shutil.copytree(made, tmp_path / made.name)
    (folder / "config.yaml").write_text("changed")
    assert cli.main(["verify", str(folder)]) == 4
    assert "config.yaml has 7 bytes, not " in capsys.readouterr().err
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err
    (folder / "manifest.json").unlink()
    assert cli.main(["verify", str(folder)]) == 4
    assert "did not finish" in capsys.readouterr().err


def test_reproduce_says_whether_every_byte_is_equal(made, tmp_path, capsys):
    assert cli.main(["reproduce", str(made)]) == 0
    assert f"OK: every byte of {made} came out again" in capsys.readouterr().out
    folder = shutil.copytree(made, tmp_path / made.name)
    table = folder / "flows.parquet"
    table.write_bytes(table.read_bytes() + b"\0")
    assert cli.main(["reproduce", str(folder)]) == 4
    assert "flows.parquet" in capsys.readouterr().err


def test_collect_gathers_the_runs_below_a_folder(made, tmp_path, capsys):
    to = tmp_path / "stocks.parquet"
    words = ["collect", str(made.parent), "--table", "stocks", "--to", str(to)]
    assert cli.main(words) == 0
    assert capsys.readouterr().out.splitlines() == ["1 runs", str(to)]
    assert to.is_file()


@pytest.mark.slow
def test_the_official_scenario_is_written_where_it_is_asked_for(tmp_path, capsys):
    to = tmp_path / "official.yaml"
    assert cli.main(["official", "scale=0.001", "rounds=1", f"to={to}"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{to}\n"
    assert "Round 1 of 1: net migration a year" in printed.err
    assert "arrivals.*" in to.read_text(encoding="utf-8")


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end_exits_with_130(repository, tmp_path, number):
    log = tmp_path / "log"
    with open(log, "w", encoding="utf-8") as stream:
        run = subprocess.Popen(
            [sys.executable, "-m", "sim.cli.main", "run", *LONG, f"output={tmp_path / 'runs'}"],
            cwd=repository, stdout=subprocess.DEVNULL, stderr=stream,
        )  # fmt: skip
    try:
        while "Opening the population" not in log.read_text(encoding="utf-8"):
            assert run.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.02)
        run.send_signal(number)
        assert run.wait(600) == 130
    finally:
        run.kill()
        run.wait()
    assert log.read_text(encoding="utf-8").endswith("kyosei: interrupted\n")
    assert [path for path in (tmp_path / "runs").rglob("*") if path.name == ".lock"] == []


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
def test_a_wish_to_end_in_any_disguise_exits_with_130(capsys, monkeypatch, kind, number):
    before = signal.signal(number, signal.default_int_handler)  # may be ignored, as under nohup
    monkeypatch.setattr("sim.runs.run.run", lambda *_, **__: _wish(kind, number))
    assert cli.main(["run", "-q"]) == 130
    assert capsys.readouterr().err == "kyosei: interrupted\n"
    monkeypatch.setattr("sim.runs.run.run", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # the wish is over with its command
        cli.main(["run", "-q"])
    signal.signal(number, before)
