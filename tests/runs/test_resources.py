"""Estimates before a run, the polite refusal, and warnings of what a reader might not expect."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from sim.agents.opening.people import open_population
from sim.config import compose as config
from sim.config.schema import run as run_module
from sim.core.clock import month_index
from sim.core.errors import ConfigError
from sim.data.load import load
from sim.model.checkpoint import writer
from sim.model.model import Kyosei
from sim.runs import resources
from sim.runs.resources import Needs, available_memory, estimate, most_people, refuse_too_large
from sim.runs.stopwatch import PHASES, Stopwatch
from sim.runs.warnings import warnings_of
from tests.helpers import tiny


def compose(*words: str) -> run_module.RunConfig:
    return config.compose(list(words))


def needs(*words: str) -> Needs:
    cfg = compose(*words)
    return estimate(cfg, load("japan"))


def test_the_estimate_follows_the_published_people():
    data, cfg = load("japan"), compose("end=2025-12")
    table = data["stocks_origin_status"]
    opening = table.loc[table["date"] == "2025-06", "people"].sum()
    assert opening < most_people(cfg, data) < 1.1 * opening
    past = compose("start=2012-12", "end=2025-06")
    assert opening < most_people(past, data) < 1.5 * opening
    assert needs("scale=0.1").people == pytest.approx(0.1 * needs().people, rel=1e-5)
    assert needs("end=2070-12").people > needs("end=2030-12").people


def test_memory_and_disk_of_measured_runs():
    """Peak MB of the process, and MB of the folder, as measured (see sim.runs.resources)."""
    for words, peak, folder in (
        (["scale=0.01", "end=2026-06"], 507, 2.5), (["scale=0.01", "end=2050-12"], 669, 5.5),
        (["scale=0.1", "end=2050-12"], 829, 8.5), (["end=2026-06"], 784, 2.9),
        (["end=2050-12"], 1408, 12.7),
    ):  # fmt: skip
        need = needs(*words)
        assert 0.9 * peak < need.memory / 1e6 < 1.5 * peak, words
        assert folder < need.disk / 1e6 < 5 * folder, words


def test_a_checkpoint_takes_what_was_said():
    cfg, data = compose("scale=0.01", "end=2025-12"), load("japan")
    model = Kyosei(cfg, data)
    model.run()
    with_it = needs("scale=0.01", "end=2025-12", "checkpoint=2025-12").disk
    estimated = with_it - needs("scale=0.01", "end=2025-12").disk

    class Counter:
        size = 0

        def write(self, payload: bytes) -> int:
            self.size += len(payload)
            return len(payload)

        def flush(self) -> None:
            pass

    counter = Counter()
    writer(model.state, {"config": ""})(counter)
    assert 0.7 * estimated < counter.size < 1.3 * estimated + 1e6


def test_edits_of_arrivals_count():
    edit = "scenario.edits={flood: {paths: ['arrivals.*'], since: '2026-01', multiply: 100.0}}"
    assert needs("end=2027-12", edit).people > 10 * needs("end=2027-12").people


def test_growth_that_fades_and_levers_count():
    """What the estimate expects is what the model would: the plan of arrivals under policy."""
    data, rest = load("japan"), "end=2040-12"
    plain = most_people(compose(rest), data)
    grows = "arrivals.channels.student.growth=0.1"
    growing = most_people(compose(rest, grows), data)
    fading = most_people(compose(rest, grows, "arrivals.channels.student.fade=0.5"), data)
    assert 1.02 * plain < fading < 0.9 * growing
    closed = "scenario.edits={shut: {paths: ['arrivals.*'], since: '2026-01', multiply: 0.0}}"
    assert most_people(compose(rest, closed), data) < 0.9 * plain
    capped = most_people(compose(rest, "scenario=cap"), data)
    assert capped < most_people(compose(rest, "scenario=enacted"), data)


@pytest.mark.parametrize("scenario", ["baseline_2025", "cap", "zero", "official_2023"])
def test_a_run_has_about_as_many_people_as_were_expected(scenario):
    cfg, data = compose("scale=0.002", "end=2032-12", f"scenario={scenario}"), load("japan")
    record = Kyosei(cfg, data).run()
    most = max(cube.sum() for cube in record.cubes) / cfg.scale
    assert 0.85 * most < most_people(cfg, data) < 1.3 * most


def test_too_large_a_run_is_refused_with_what_to_change():
    cfg = compose("memory_gb=1", "end=2030-12")
    with pytest.raises(ConfigError) as caught:
        refuse_too_large(estimate(cfg, load("japan")), cfg)
    (problem,) = caught.value.problems
    assert "1.00 GB is what memory_gb allows. Take a sample, scale=0." in problem
    scale = problem.partition("scale=")[2].partition(",")[0]
    smaller = compose("memory_gb=1", "end=2030-12", f"scale={scale}")
    refuse_too_large(estimate(smaller, load("japan")), smaller)
    cfg = compose("memory_gb=0.6", "end=2100-12")
    with pytest.raises(ConfigError, match=r"scale=0.001, and end=2030-\d\d or earlier"):
        refuse_too_large(estimate(cfg, load("japan")), cfg)
    cfg = compose("memory_gb=0.1")
    with pytest.raises(ConfigError, match="use a machine with more memory"):
        refuse_too_large(estimate(cfg, load("japan")), cfg)


def test_memory_and_disk_are_refused_together(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "available_memory", lambda: 10**9)
    monkeypatch.setattr(resources.shutil, "disk_usage", lambda folder: resources_of(folder, 5))
    cfg = compose(f"output={tmp_path / 'a' / 'b'}")
    with pytest.raises(ConfigError) as caught:
        refuse_too_large(estimate(cfg, load("japan")), cfg)
    memory, disk = caught.value.problems
    assert "1.00 GB are free" in memory
    assert "0.00 MB are free. Name another folder with output=DIR" in disk
    assert list(tmp_path.iterdir()) == []


def resources_of(folder: Path, free: int) -> object:
    assert folder.is_dir()
    return type("Usage", (), {"free": free})()


def test_free_memory_is_what_the_group_leaves(monkeypatch, tmp_path):
    machine = available_memory()
    assert machine is None or machine > 10**8
    limit, used, stat = (tmp_path / name for name in ("limit", "used", "stat"))
    limit.write_text("5000000\n")
    used.write_text("3000000\n")
    stat.write_text("anon 1\ninactive_file 1000000\n")
    group = (limit, used, stat, "inactive_file")
    monkeypatch.setattr(resources, "_groups", lambda: [group])
    assert available_memory() == 3_000_000
    limit.write_text("max\n")
    assert available_memory() != 3_000_000


START = "2025-06"
WARNED = [
    ({}, {}, []),
    ({"late": {"paths": ["*.leave"], "since": "2028-01", "multiply": 2.0}}, {},
     ["scenario.edits.late changes nothing in this run: it begins in 2028-01, after the end"]),
    ({"gone": {"paths": ["*.leave"], "since": "2020-01", "until": "2025-06", "multiply": 2.0}}, {},
     ["scenario.edits.gone changes nothing in this run: it ends in 2025-06, before"]),
    ({"same": {"paths": ["*.leave"], "since": START, "multiply": 1.0}}, {},
     ["scenario.edits.same changes nothing in this run"]),
    ({"none": {"paths": ["arrivals.hidden"], "since": START, "multiply": 3.0}}, {},
     ["scenario.edits.none changes nothing in this run"]),
    ({"one": {"paths": ["arrivals.worker"], "since": START, "multiply": 3.0},
      "set": {"paths": ["worker.monthly.leave"], "since": START, "set": 0.3}}, {}, []),
    ({"wild": {"paths": ["worker.monthly.leave"], "since": START, "multiply": 0.05}}, {},
     ["scenario.edits.wild changes a rate or arrivals 20 times"]),
    ({"off": {"paths": ["worker.monthly.leave"], "since": START, "set": 0.0}}, {}, []),
    ({}, {"end": "2056-01"}, ["2056-01 is 31 years after the last data, 2025-06"]),
    ({}, {"scale": 0.5}, []),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "settings", "expected"), WARNED)
def test_surprises_are_told(edits, settings, expected):
    cfg = tiny.config({"scenario.edits": edits}, **settings)
    found = warnings_of(tiny.model(cfg, tiny.columns(300)))
    assert len(found) == len(expected), found
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True)), found


def test_few_people_and_odd_values_are_told():
    cfg = tiny.config({"status.worker.monthly.leave.high": 0.1}, scale=0.01)
    found = warnings_of(tiny.model(cfg, tiny.columns(50)))
    assert found == [
        "status.worker.monthly.leave.rate = 0.15 lies outside the range of its source, at most 0.1",
        (
            "at scale 0.01, 6 of 6 municipalities have fewer than 10 simulated people:"
            " read single places with care"
        ),
    ]


def test_the_stopwatch_keeps_the_compiler_apart():
    @njit(cache=False)
    def kernel(x: float) -> float:
        total = 0.0
        for i in range(1000):
            total += np.sqrt(x + i)
        return total

    with Stopwatch() as watch:
        time.sleep(0.02)
        watch.lap("start")
        kernel(1.0)
        watch.lap("opening")
        kernel(1.0)
        watch.lap("months")
    assert list(watch.seconds) == list(PHASES)
    assert watch.seconds["start"] >= 0.02
    assert watch.seconds["compile"] > 10 * watch.seconds["opening"] > 0
    assert watch.seconds["months"] < 0.01
    with Stopwatch() as other:
        kernel(2)
    assert watch.seconds["compile"] > 0
    assert other.seconds["compile"] == 0  # of a lap that nobody asked for


def test_the_opening_fits_the_estimate():
    """People at the opening, against the first number of the estimate."""
    data, cfg = load("japan"), compose("scale=0.01")
    opening = open_population(cfg, data, month_index(cfg.start), cfg.scale)
    assert opening.columns["key"].size < needs("scale=0.01", "end=2025-12").people
