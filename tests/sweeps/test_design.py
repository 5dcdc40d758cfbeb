"""What a sweep may say, and which runs its words stand for."""

import math

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from sim.cli import main as cli
from sim.config import compose as config
from sim.config.folders import Configs, configs_here
from sim.config.settings import check_overrides, configs_folder
from sim.core.errors import ConfigError
from sim.sweeps import launch as sweep_launch
from sim.sweeps import sweep
from sim.sweeps.design import MOST_RUNS, Design, from_file, lines_of

CONFIGS = configs_folder()


@pytest.mark.parametrize(
    "word",
    [
        "hydra.launcher.submitit_folder=/tmp/x", "hydra.launcher.setup=[reboot]",
        "hydra.launcher.additional_parameters={}", "hydra.launcher.backend=x",
        "hydra.launcher.temp_folder=/tmp/x", "hydra.launcher.n_jobs=1,2",
        "hydra.launcher.n_jobs=x", "hydra.launcher._target_=os.system",
        "hydra/launcher=evil", "hydra/launcher=joblib,basic", "hydra/launcher@x=joblib",
        "hydra.launcher.partition=a;reboot", "hydra.launcher.partition=../a",
        "hydra.launcher.ray.init.address=http://x:1", "hydra.launcher.ray.init.runtime_env={}",
        "hydra.sweeper.storage=sqlite:///x", "hydra.sweeper.custom_search_space=os.system",
        "hydra.sweeper.params={}", "hydra.sweep.dir=/tmp", "++hydra.launcher.n_jobs=2",
        "~hydra.launcher", "hydra.verbose=true", "sweep=../x", "sweep=/x", "sweep.design=x",
        "sweep.n=1e9", "sweep.objective=a b", "hydra.searchpath=[x]", "hydra=null",
    ],
)  # fmt: skip
def test_nothing_of_hydra_but_the_list_gets_in(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(check_overrides([word], sweep=True)) == 1
    assert cli.main(["run", "-m", word, "seed=0,1"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_list_is_for_sweeps_only():
    words = ["hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=60",
             "hydra.launcher.partition=cpu-long", "hydra.launcher.cpus_per_task=2",
             "hydra.launcher.mem_gb=4", "hydra.launcher.array_parallelism=20",
             "hydra/sweeper=quasirandom", "hydra.launcher.n_jobs=-1", "sweep.n=64",
             "hydra.launcher.ray.init.address=127.0.0.1:6390"]  # fmt: skip
    assert check_overrides(words, sweep=True) == []
    assert all("add -m" in problem for problem in check_overrides(words, sweep=False))
    assert len(check_overrides(words, sweep=False)) == len(words)


def lines(*words: str, **design: object) -> list[str]:
    return [" ".join(line) for line in lines_of(words, Design(**design), configs_here())]


@pytest.mark.parametrize(
    "words",
    [
        ["seed=0,1,2", "scale=0.01", "end=2030-12,2031-06"],
        ["seed=range(3)", "a.b=choice(x,y)"],
        ["a=[1,2],[3,4]", "b='x y',z"],
        ["seed=5"],
        ["x=range(0,10,3)", "y=1,2", "z=true,false"],
    ],
)
def test_products_are_those_of_hydra_in_its_order(words):
    parsed = OverridesParser.create().parse_overrides(words)
    (batch,) = BasicSweeper.split_arguments(parsed, None)
    assert lines(*words) == [" ".join(job) for job in batch]


def test_glob_takes_the_files_of_a_group():
    names = sorted(path.stem for path in (CONFIGS / "scenario" / "japan").glob("*.yaml"))
    assert lines("scenario=glob(*)") == [f"scenario={name}" for name in names]


def test_steps_of_a_tenth_stay_readable():
    assert lines("x=range(0.5,0.9,0.1)") == ["x=0.5", "x=0.6", "x=0.7", "x=0.8"]


def test_values_can_be_paired():
    assert lines("a=1,2", "s=0", "b=x,y", kind="zip") == ["a=1 s=0 b=x", "a=2 s=0 b=y"]
    with pytest.raises(ConfigError, match="as many: a 2, b 3"):
        lines("a=1,2", "b=range(3)", kind="zip")


@pytest.mark.parametrize("kind", ["sobol", "lhs", "halton"])
def test_quasi_random_points_fill_the_range_and_repeat(kind):
    words = ("a=interval(2,4)", "seed=0,1", "b=tag(log,interval(0.001,10))", "c=int(interval(1,4))")
    design = {"kind": kind, "n": 16, "seed": 3}
    first = lines_of(words, Design(**design), configs_here())
    assert first == lines_of(words, Design(**design), configs_here())
    assert first != lines_of(words, Design(kind, 16, 4), configs_here())
    assert len(first) == 32
    assert [line[1] for line in first[:4]] == ["seed=0", "seed=1", "seed=0", "seed=1"]
    values = [[float(word.partition("=")[2]) for word in line] for line in first[::2]]
    a, _, b, c = zip(*values, strict=True)
    assert sorted(int(8 * (x - 2)) for x in a) == list(range(16)) or kind == "halton"
    assert sum(x < 3 for x in a) == 8
    assert sum(math.log10(x) < -1 for x in b) in (7, 8, 9)
    assert set(c) == {1.0, 2.0, 3.0, 4.0}


@pytest.mark.parametrize(
    ("words", "design", "says"),
    [
        (["a=interval(0,1)"], {}, "how many points"),
        (["a=interval(1,0)"], {"n": 4}, "low must be below high"),
        (["a=tag(log,interval(0,1))"], {"n": 4}, "above 0 on a log scale"),
        (["a=interval(0,1)"], {"n": MOST_RUNS + 1}, "is the most"),
        (["a=interval(0,1)"], {"kind": "product"}, "no place for interval"),
        (["a=1,2"], {"kind": "sobol"}, "nothing to draw"),
        (["a=1,2"], {"n": 8}, "nothing to draw"),
        (["a=range(0,1000000000)"], {}, "1,000,000,000 runs"),
        (["a=range(0,400)", "b=range(0,400)"], {}, "160,000 runs"),
        (["a=range(0,10,0)"], {}, "a step of 0"),
        (["a=range(3,1)"], {}, "no run"),
        (["output=a,b"], {}, "all runs of a sweep share it"),
        (["threads=1,2"], {}, "all runs of a sweep share it"),
        (["a=b=c=(", "b=["], {}, "a=b=c=("),
        (["flavour=glob(*)"], {}, "no group flavour"),
    ],
)
def test_a_design_that_cannot_be_is_refused(words, design, says):
    with pytest.raises(ConfigError) as refused:
        lines(*words, **design)
    assert says in str(refused.value)


@pytest.mark.parametrize("path", sorted((CONFIGS / "sweep").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_sweeps_of_the_configuration_can_be_composed(path):
    settings, own = sweep.split([f"sweep={path.stem}", "seed=7"], configs_here())
    first = sweep._lines(own, settings)[0]
    assert "seed=7" in first  # what is typed wins
    assert config.compose(first).seed == 7


@pytest.mark.parametrize("path", sorted((CONFIGS / "experiment").glob("*.yaml")), ids=str)
def test_the_experiments_of_the_configuration_can_be_composed(path):
    assert config.compose([f"experiment={path.stem}"]) != config.compose([])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed: [0, 1]\n", "must be text"),
        ("- seed\n", "is not a mapping"),
        ("seed: ${oc.env:HOME}\n", "not looked up"),
        ("_target_: os.system\n", "cannot name Python code"),
        ("seed: 0\nseed: 1\n", "given twice"),
    ],
)
def test_a_sweep_file_is_data(tmp_path, text, says):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "x.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"sweep/x\.yaml") as refused:
        from_file("x", Configs((tmp_path,)))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("words", "threads", "pending", "cores", "expected"),
    [
        ({}, None, 8, 2, ("joblib", 2, 1)),
        ({}, None, 8, 16, ("joblib", 8, 2)),
        ({}, 4, 8, 16, ("joblib", 4, 4)),
        ({}, None, 1, 16, ("basic", 1, None)),
        ({}, 16, 8, 16, ("basic", 1, 16)),
        ({}, None, 8, 1, ("basic", 1, None)),
        ({"hydra/launcher": "basic"}, None, 8, 4, ("basic", 1, None)),
        ({"hydra/launcher": "joblib", "hydra.launcher.n_jobs": "3"}, None, 9, 6, ("joblib", 3, 2)),
        ({"hydra/launcher": "submitit_local"}, None, 9, 4, ("submitit_local", 4, 1)),
        ({"hydra/launcher": "submitit_local", "hydra.launcher.cpus_per_task": "2"}, None, 9, 4,
         ("submitit_local", 2, 2)),
        ({"hydra/launcher": "submitit_slurm", "hydra.launcher.array_parallelism": "20",
          "hydra.launcher.cpus_per_task": "4"}, None, 900, 4, ("submitit_slurm", 20, 4)),
        ({"hydra/launcher": "ray"}, None, 9, 4, ("ray", 4, 1)),
    ],
)  # fmt: skip
def test_threads_times_processes_fill_the_cores(
    monkeypatch, words, threads, pending, cores, expected
):
    monkeypatch.setattr(sweep_launch, "usable_cores", lambda: cores)
    monkeypatch.setattr(sweep_launch, "is_installed", lambda plugin: True)
    share = sweep_launch.share_of(words, threads, pending)
    assert (share.launcher, share.workers, share.threads) == expected
    if not words.get("hydra/launcher", "").endswith("slurm"):
        assert share.workers * (share.threads or cores) <= cores
    assert 1 <= share.size <= math.ceil(pending / share.workers)


def test_no_more_runs_at_a_time_than_memory_has_room_for(monkeypatch):
    monkeypatch.setattr(sweep_launch, "usable_cores", lambda: 16)
    monkeypatch.setattr(sweep_launch, "is_installed", lambda plugin: True)
    monkeypatch.setattr(sweep_launch, "available_memory", lambda: 10_000)
    few = sweep_launch.share_of({}, None, 100, memory=3_000)
    assert (few.launcher, few.workers, few.threads) == ("joblib", 3, 5)
    one = sweep_launch.share_of({}, None, 100, memory=9_000)
    assert (one.launcher, one.workers, one.threads) == ("basic", 1, None)
    slurm = sweep_launch.share_of({"hydra/launcher": "submitit_slurm"}, None, 9, memory=int(4e9))
    assert "hydra.launcher.mem_gb=5" in slurm.words
