"""The official projection as a scenario: the arithmetic, without a run."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from sim.agents.record import Record
from sim.config.compose import compose
from sim.config.yaml import read
from sim.core.clock import month_index
from sim.studies.official import PERIODS, as_yaml, balance_of, with_multipliers


def test_components_add_up():
    config = compose([])
    n = len(config.country.statuses)
    names = [SimpleNamespace(kind=kind) for kind in ("leave", "die", "citizen", "switch", "leave")]
    record = Record()
    cube = np.zeros((n, 1, 1), np.int32)
    for month in range(3):
        record.months.append(month)
        record.cubes.append(cube + month)
        record.flows.append(None if month == 0 else np.array([1, 2, 3, 4, 5]))
        for counts, value in ((record.came, 7), (record.brought, 1), (record.born, 2)):
            counts.append(np.full(n, value if month else 0))
    said = balance_of(record, SimpleNamespace(names=names), config)
    scale = config.scale
    assert said.left.tolist() == [6 / scale] * 2
    assert said.died.tolist() == [2 / scale] * 2
    assert said.naturalised.tolist() == [3 / scale] * 2
    assert said.net.tolist() == [(8 * n - 6) / scale] * 2
    assert said.residents[0] == 0
    assert said.residents[2] == pytest.approx(2 * said.residents[1])


def test_periods_follow_each_other_and_the_file_reads_back():
    for (_, until), (since, _) in pairwise(PERIODS):
        assert month_index(since) == month_index(until) + 1
    multipliers = np.array([0.5, 0.6, 0.7, 0.8])
    value = read(as_yaml(multipliers), "official").value
    assert [edit["multiply"] for edit in value["edits"].values()] == multipliers.tolist()
    edited = with_multipliers(compose([]), multipliers).scenario.edits
    assert {name: edit.multiply for name, edit in edited.items() if name in value["edits"]} == {
        name: edit["multiply"] for name, edit in value["edits"].items()
    }
