"""Recruitment abroad: whom caps count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.agents.population import HOLE
from sim.processes.recruits import count_holders


class Rows(NamedTuple):
    """Columns that are read of people or of firms."""

    status: np.ndarray
    firm: np.ndarray
    sector: np.ndarray


class Both(NamedTuple):
    """People and firms."""

    people: Rows
    firms: Rows


def test_a_cap_counts_people_of_its_statuses_who_have_a_job_by_field():
    nothing = np.zeros(0, np.int8)
    status = np.array([0, 1, 1, 2, 1, HOLE], np.uint8)
    firm = np.array([0, 0, 2, 1, -1, 2], np.int32)
    scene = Both(Rows(status, firm, nothing), Rows(nothing, nothing, np.array([3, 0, 1], np.int8)))
    held = np.zeros(HOLE + 1, np.bool_)
    held[[1, 2]] = True
    field_of, out = np.array([1, 0, 1, 0]), np.zeros((2, 2), np.int64)
    for chunk, (first, stop) in enumerate([(0, 2), (2, 6)]):
        count_holders(chunk, first, stop, scene, held, field_of, out)
    assert out.tolist() == [[1, 0], [1, 1]]
