"""Sweeps: which words are let in, the plan, what a job does, and that launchers do not matter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main as cli
from sim.config import compose as config
from sim.config.folders import configs_here
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.core.errors import BusyError, InvariantError, OutputError
from sim.data import load as load_module
from sim.files.folder import RunFolder, sealed
from sim.runs.progress import duration
from sim.runs.run import identity
from sim.sweeps import job as sweep_job
from sim.sweeps import launch as sweep_launch
from sim.sweeps import missing, sweep
from sim.sweeps.plan import PLAN, plan_at, planned, read_plan, write_plan
from sim.sweeps.progress import SweepProgress

CONFIGS = configs_folder()


def test_a_plan_is_named_by_its_content(tmp_path):
    first = planned([["seed=0"], ["seed=1"], ["seed=1"]], ["seed"], tmp_path)
    again = planned([["seed=0"], ["seed=1"], ["seed=1"]], ["seed"], tmp_path)
    other = planned([["seed=0"], ["seed=2"]], ["seed"], tmp_path)
    assert first == again
    assert len({first.folder, again.folder, other.folder}) == 2
    assert [run.words for run in first.unique] == [["seed=0"], ["seed=1"]]
    assert read_plan(write_plan(first)) == first
    assert first.folder.parent == tmp_path / ".sweeps"


def test_a_known_plan_is_not_composed_again(tmp_path, monkeypatch):
    lines = [["seed=0"], ["seed=1"]]
    first = planned(lines, ["seed"], tmp_path)
    path = write_plan(first)
    with monkeypatch.context() as patch:
        patch.setattr("sim.sweeps.plan.compose", lambda line: 1 / 0)
        assert planned(lines, ["seed"], tmp_path) == first
        with pytest.raises(ZeroDivisionError):
            planned([["seed=0"], ["seed=2"]], ["seed"], tmp_path)
        patch.setattr("sim.sweeps.plan.code_digest", lambda: "other")
        with pytest.raises(ZeroDivisionError):
            planned(lines, ["seed"], tmp_path)
    path.write_text(path.read_text().replace("seed=1", "seed=3"))
    assert planned(lines, ["seed"], tmp_path) == first  # a damaged record is not believed


def test_a_record_that_leads_elsewhere_is_refused(tmp_path):
    path = write_plan(planned([["seed=0"]], ["seed"], tmp_path))
    record = json.loads(path.read_text())
    record["runs"][0]["run"] = "../../etc"
    path.write_text(sealed(record))
    with pytest.raises(OutputError, match="16 hexadecimal digits"):
        read_plan(path)


def test_a_plan_that_was_taken_away_is_called_so(tmp_path):
    path = write_plan(planned([["seed=0"]], ["seed"], tmp_path))
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="taken away: the sweep ends"):
        plan_at(path)
    path.write_text("{}")
    with pytest.raises(OutputError, match="not the record of a sweep"):
        plan_at(path)


def composed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The words that plans give to `compose` from now on."""
    asked: list[list[str]] = []

    def compose(words: list[str]) -> RunConfig:
        asked.append(list(words))
        return config.compose(words)

    monkeypatch.setattr("sim.sweeps.plan.compose", compose)
    return asked


def test_settings_are_composed_once_where_the_plan_was_made(tmp_path, monkeypatch):
    asked = composed(monkeypatch)
    plan = planned([["seed=0"], ["seed=1"]], ["seed"], tmp_path)
    assert asked == [["seed=0"], ["seed=1"]]
    here = plan_at(write_plan(plan))
    assert [here.settings(run).seed for run in here.runs] == [0, 1]
    assert len(asked) == 2


def test_behind_a_process_border_runs_that_differ_in_luck_are_composed_once(tmp_path, monkeypatch):
    lines = [["seed=7", "scale=0.5", "replicate=0"], ["seed=7", "scale=0.5", "replicate=3"],
             ["scale=0.5"], ["seed=8", "scale=0.25"]]  # fmt: skip
    there = read_plan(write_plan(planned(lines, ["seed"], tmp_path)))
    asked = composed(monkeypatch)
    texts = [config.to_yaml(there.settings(run)) for run in there.runs]
    assert asked == [["scale=0.5"], ["scale=0.25"]]
    assert texts == [config.to_yaml(config.compose(line)) for line in lines]


class Quick:
    """Stands in for `run.run`: a small folder under the right name, or the trouble asked for."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.threads: set[int | None] = set()
        self.trouble: dict[int, BaseException] = {}

    def __call__(self, settings: RunConfig, quiet: bool = False, **_: object) -> Path:
        if settings.seed in self.trouble:
            raise self.trouble[settings.seed]
        number, text = identity(settings, load_module.load(settings.country.data))
        self.made.append(settings.seed)
        self.threads.add(settings.threads)
        with RunFolder(Path(settings.output), number) as folder:
            folder.add_text("config.yaml", text)
            folder.finish({"kind": "run"})
        return folder.path


@pytest.fixture
def quick(monkeypatch, tmp_path) -> Quick:
    made = Quick()
    monkeypatch.setattr(sweep_job.run, "run", made)
    monkeypatch.setattr(missing, "is_cold", lambda: False)
    monkeypatch.chdir(tmp_path)
    return made


BASIC = ["run", "-m", "hydra/launcher=basic", "output=out", "scale=0.01"]


def test_a_sweep_makes_each_run_once_and_goes_on(quick, tmp_path, capsys):
    assert cli.main([*BASIC, "seed=0,1,2,1"]) == 0
    assert quick.made == [0, 1, 2]
    folders = capsys.readouterr().out.splitlines()
    assert len(folders) == 4
    assert folders[1] == folders[3]
    assert all(Path(folder).parent == tmp_path / "out" for folder in folders)
    (Path(folders[2]) / "manifest.json").unlink()
    assert cli.main([*BASIC, "seed=0,1,2,1"]) == 0
    assert quick.made == [0, 1, 2, 2]
    printed = capsys.readouterr()
    assert printed.out.splitlines() == folders
    assert "3 runs, 2 complete already" in printed.err
    assert cli.main([*BASIC, "seed=range(0,5)"]) == 0  # a larger one takes over what is there
    assert quick.made == [0, 1, 2, 2, 3, 4]


def test_nothing_is_written_outside_the_output_folder(quick, tmp_path):
    assert cli.main([*BASIC, "seed=0,1"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(list((tmp_path / "out").iterdir())) == 3
    (record,) = (tmp_path / "out" / ".sweeps").glob(f"*/{PLAN}")
    plan = read_plan(record)
    assert [run.words for run in plan.runs] == [
        ["scale=0.01", f"seed={seed}", "figures=false"] for seed in (0, 1)
    ]
    assert plan.swept == ["seed"]


def test_failures_are_told_at_the_end_with_line_and_log(quick, tmp_path, capsys):
    quick.trouble = {1: InvariantError("the ledger does not close"), 2: ZeroDivisionError("oh")}
    assert cli.main([*BASIC, "seed=0,1,2,3"]) == 4
    assert quick.made == [0, 3]
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    told = printed.err[printed.err.index("2 of 4 runs failed") :]
    assert "failed: scale=0.01 seed=1 figures=false\n  the ledger does not close" in told
    assert "ZeroDivisionError: oh" in told
    logs = sorted((tmp_path / "out").glob(".sweeps/*/failed/*.log"))
    assert len(logs) == 2
    assert all(str(log) in told for log in logs)
    assert any("Traceback" in log.read_text() for log in logs)
    assert all("kyosei run scale=0.01 seed=" in log.read_text() for log in logs)
    quick.trouble = {}
    assert cli.main([*BASIC, "seed=0,1,2,3"]) == 0
    assert quick.made == [0, 3, 1, 2]
    assert list((tmp_path / "out").glob(".sweeps/*/failed/*.log")) == []


def test_an_interrupted_sweep_says_how_far_it_came(quick, capsys):
    quick.trouble[2] = KeyboardInterrupt()
    assert cli.main([*BASIC, "seed=0,1,2,3"]) == 130
    told = capsys.readouterr().err
    assert "2 of 4 runs are complete: the same command goes on" in told
    assert "interrupted" in told


def test_a_worker_that_died_is_told_of(quick, capsys, monkeypatch):
    monkeypatch.setattr(missing, "launch_plan", lambda *arguments: None)
    assert cli.main([*BASIC, "seed=0,1"]) == 1
    assert "ended without a message" in capsys.readouterr().err


def test_a_bad_run_anywhere_refuses_the_whole_sweep(quick, tmp_path, capsys):
    assert cli.main([*BASIC[:-1], "scale=0.01,2", "sede=1", "seed=0,1"]) == 2
    told = capsys.readouterr().err
    assert "2 problems, nothing was written" in told
    assert "and 3 other runs" in told
    assert "Nearest: seed" in told
    assert quick.made == []
    assert list(tmp_path.iterdir()) == []


def test_the_plan_can_be_shown_without_a_run(quick, tmp_path, capsys):
    assert cli.main([*BASIC, "seed=0,1", "--cfg"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[1:] for row in rows] == [
        ["scale=0.01", f"seed={seed}", "figures=false"] for seed in (0, 1)
    ]
    assert list(tmp_path.iterdir()) == []


def test_figures_are_left_out_unless_asked_for(quick, tmp_path):
    assert cli.main([*BASIC, "seed=0", "figures=true"]) == 0
    (text,) = [path.read_text() for path in (tmp_path / "out").glob("*/config.yaml")]
    assert config.from_yaml(text).figures is True


def test_other_code_or_data_than_planned_are_noticed(quick, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep_job, "code_digest", lambda: "other")
    assert cli.main([*BASIC, "seed=0"]) == 3
    assert "not the one that the sweep was planned with" in capsys.readouterr().err
    assert quick.made == []


def test_months_to_keep_are_asked_for_even_of_a_complete_run(quick):
    assert cli.main([*BASIC, "seed=0"]) == 0
    assert cli.main([*BASIC, "seed=0", "checkpoint=2026-06"]) == 0
    assert quick.made == [0, 0]


def test_a_common_past_is_found_from_any_folder(quick, tmp_path):
    _, own = sweep.split(["from=out/x@2026-06", "seed=0,1"], configs_here())
    assert f"from='{tmp_path}/out/x@2026-06'" in sweep._lines(own, {})[1]


def test_a_run_that_another_process_holds_is_waited_for(quick, tmp_path, monkeypatch):
    waits: list[float] = []
    quick.trouble[5] = BusyError("held")

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            quick.trouble.clear()

    monkeypatch.setattr(sweep_job.time, "sleep", sleep)
    assert cli.main([*BASIC, "seed=5"]) == 0
    assert len(waits) == 3
    monkeypatch.setattr(sweep_job, "PATIENCE_SECONDS", 0.0)
    quick.trouble[6] = BusyError("held by process 1")
    assert cli.main([*BASIC, "seed=6"]) == 3


def test_a_launcher_that_is_missing_says_what_to_install(monkeypatch, quick, tmp_path, capsys):
    monkeypatch.setattr(sweep_launch, "is_installed", lambda plugin: False)
    for launcher, what in (("joblib", "hydra-joblib-launcher"), ("ray", "'kyosei[ray]'"),
                           ("submitit_slurm", "'kyosei[slurm]'")):  # fmt: skip
        assert cli.main(["run", "-m", f"hydra/launcher={launcher}", "seed=0,1"]) == 2
        assert f"pip install {what}" in capsys.readouterr().err
    words = ["run", "-m", "hydra/sweeper=optuna", "sweep.objective=residents", "seed=0,1"]
    assert cli.main(words) == 2
    assert "kyosei[optuna]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_what_is_there_and_tells_the_time_left(tmp_path, capsys):
    now = [0.0]
    awaited = [(tmp_path / f"{i}.done", tmp_path / f"{i}.log") for i in range(10)]
    progress = SweepProgress(awaited, stream=sys.stderr, clock=lambda: now[0])

    def at(seconds: float, done: int) -> str:
        now[0] = seconds
        for i in range(done):
            (tmp_path / f"{i}.done").touch()
        progress.show()
        return capsys.readouterr().err.strip()

    assert at(5, 0) == ""
    assert at(30, 0) == "0/10 runs  30 s so far"
    assert at(60, 2) == "2/10 runs  60 s so far"
    (tmp_path / "9.log").touch()
    assert at(80, 3) == "4/10 runs  1 failed  6 a minute  60 s left"
    assert [duration(s) for s in (45, 720, 12000)] == ["45 s", "12 min", "3 h 20 min"]


SMALL = ["scale=0.001", "end=2025-12", "seed=0,1", "status.student.monthly.leave.rate=0.05,0.5"]


def tables(folder: Path) -> dict[str, bytes]:
    assert cli.main(["collect", str(folder)]) == 0
    return {path.name: path.read_bytes() for path in (folder / "collected").iterdir()}


def launched(folder: Path, launcher: str, *words: str) -> dict[str, bytes]:
    """The collected tables of the small sweep as one launcher makes it."""
    command = ["run", "-m", *SMALL, f"hydra/launcher={launcher}", f"output={folder}", *words]
    assert cli.main(command) == 0
    return tables(folder)


@pytest.mark.slow
def test_launchers_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = launched(tmp_path / "basic", "basic")
    assert {"runs.parquet", "stocks.parquet", "indicators.parquet"} <= set(expected)
    assert launched(tmp_path / "joblib", "joblib", "sweep.runs_per_job=1") == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["basic", "joblib"]


def test_two_sweeps_at_once_share_the_work(tmp_path, repository):
    command = [sys.executable, "-m", "sim.cli.main", "run", "-m", *SMALL, "hydra/launcher=basic",
               f"output={tmp_path / 'both'}"]  # fmt: skip
    both = [
        subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) == 4
