"""Kyosei for Mesa's tools: a collector, a batch, an agent set; and a command without Mesa."""

from __future__ import annotations

import subprocess
import sys

import mesa
import numpy as np
import pytest

from sim.core.errors import ConfigError
from sim.model.mesa import MesaModel
from sim.model.model import Kyosei
from tests.helpers import tiny

CHANNELS = {"arrivals.channels": {"worker": tiny.channel(700.0), "learner": tiny.channel(900.0)}}

SMALL = {"scale": 0.001, "end": "2025-08", "threads": 1}


class Watched(MesaModel):
    """The tiny country with reporters of its own, as a user of Mesa would write it."""

    def __init__(self, replicate: int = 0, leave: float = 1.0, rng: int = 0) -> None:
        edit = {"paths": ["*.leave"], "since": tiny.START, "multiply": leave}
        change = {**CHANNELS, "scenario.edits": {"leave": edit}}
        config = tiny.config(change, end="2025-12", replicate=replicate)
        super().__init__(config, rng=rng, state=tiny.state(config, tiny.columns(500)))
        self.datacollector = mesa.DataCollector(
            {
                "month": "date",
                "residents": lambda model: model.people.count(),
                "learners": lambda model: model.people.count(status="learner"),
            }
        )


def test_mesa_collects_data_and_changes_nothing():
    model = Watched()
    model.run_model()
    table = model.datacollector.get_model_vars_dataframe()
    cubes = model.record.cubes[1:]
    assert table["month"].tolist() == [f"2025-{month:02}" for month in range(7, 13)]
    assert table["residents"].tolist() == [cube.sum() for cube in cubes]
    assert table["learners"].tolist() == [cube[2].sum() for cube in cubes]
    assert (model.steps, model.running, model.date) == (6, False, "2025-12")
    bare = tiny.model(model.config, tiny.columns(500))
    bare.run()
    other = Watched(rng=99)
    other.run_model()
    for record in (bare.record, other.record):
        assert all(np.array_equal(a, b) for a, b in zip(cubes, record.cubes[1:], strict=True))


def test_mesa_runs_batches():
    parameters = {"replicate": [0, 1], "leave": [0.0, 3.0]}
    rows = mesa.batch_run(Watched, parameters, display_progress=False, data_collection_period=1)
    ends = {(row["replicate"], row["leave"]): row["residents"] for row in rows if row["Step"] == 5}
    assert len(rows) == 4 * 6
    assert len(set(ends.values())) == 4
    assert all(ends[r, 0.0] > ends[r, 3.0] for r in (0, 1))


def test_settings_by_name_are_those_of_the_command_line():
    rate = "status.student.monthly.leave.rate"
    parameters = {**SMALL, "figures": False, rate: [0.0, 0.5]}
    rows = mesa.batch_run(MesaModel, parameters, display_progress=False)
    assert [(row[rate], row["month"]) for row in rows] == [(0.0, "2025-08"), (0.5, "2025-08")]
    assert rows[0]["residents"] > rows[1]["residents"]
    model = MesaModel(**{**SMALL, "fit": "none"}, checkpoint=["2025-07", "2025-08"], memory_gb=None)
    assert model.config.checkpoint == ["2025-07", "2025-08"]
    assert (model.config.threads, model.config.memory_gb) == (1, None)


def test_settings_that_cannot_be_are_refused_as_on_the_command_line():
    with pytest.raises(ConfigError, match="scale"):
        MesaModel(scalle=0.01)
    with pytest.raises(ConfigError, match="either a configuration or settings"):
        MesaModel(tiny.config(), scale=0.01)


def test_the_engine_is_no_mesa_model():
    assert not issubclass(Kyosei, mesa.Model)


def test_the_command_runs_without_mesa(tmp_path):
    code = (
        "import sys\nfrom sim.cli.main import main\n"
        "code = main(['run', 'scale=0.001', 'end=2025-07', 'threads=1', 'figures=false',"
        f" 'output={tmp_path}', '-q'])\n"
        "print(code, sorted({'mesa', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
    assert list(tmp_path.glob("*/stocks.parquet"))
