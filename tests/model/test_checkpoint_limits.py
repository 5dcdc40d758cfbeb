"""A checkpoint by somebody else: whatever a kernel would trip over is refused before it gets there.

The seal of a checkpoint can be made by anybody, so here it does not protect: arrays of a real run
with firms, municipalities and agencies are changed one by one.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.agents.state import State
from sim.config.compose import compose
from sim.core.clock import NEVER
from sim.core.errors import ConfigError
from sim.data.load import load
from sim.model.checkpoint import restore, snapshot
from sim.model.checkpoint_limits import Limit, limits, problems_of
from sim.model.model import Kyosei
from sim.model.opening import blank_state

FREE = (
    "people.permit_months", "people.job_since", "labour.firms.until",
    "labour.firms.notice", "labour.firms.vacancies", "labour.transfers", "labour.way.due",
)  # fmt: skip
"""Columns whose largest value is possible for everybody."""

WORDS = ["scale=0.002", "end=2026-12", "threads=1"]


@cache
def blank() -> State:
    config = compose(WORDS)
    return blank_state(config, load(config.country.data), 10, 1)


@cache
def kept() -> tuple[int, dict[str, np.ndarray]]:
    """Month and arrays of a run that is eight months old: holes, people on the way, half-years."""
    model = Kyosei(compose(WORDS))
    for _ in range(8):
        model.step()
    copy = snapshot(model.state, {})
    return copy.header["month"], copy.arrays


def table() -> dict[str, Limit]:
    month, arrays = kept()
    return limits(arrays, month, blank())


def problems(**changed: np.ndarray) -> list[str]:
    month, arrays = kept()
    return list(problems_of({**arrays, **changed}, month, blank()))


def with_one(name: str, value: float) -> np.ndarray:
    """An array with one value, in its middle, replaced."""
    array = kept()[1][name].copy()
    array.reshape(-1)[array.size // 2] = value
    return array


def test_an_honest_state_is_one_of_the_model():
    assert problems() == []
    assert kept()[1]["labour.way.firm"].size > 100


def test_every_array_has_a_limit():
    assert sorted(table()) == sorted(kept()[1])


def test_a_value_beside_its_limit_is_refused_in_every_array():
    told = []
    for name, limit in table().items():
        array = kept()[1][name]
        if limit.low is None or limit.high is None or not array.size:
            continue
        beside = [limit.low - abs(limit.low) - 1, 2.0 * limit.high + 1]
        if array.dtype.kind == "f":
            beside += [np.nan, np.inf, -np.inf]
        else:
            least, most = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
            beside = [v for v in (limit.low - 1, limit.high + 1, least, most) if least <= v <= most]
            beside = [v for v in beside if not limit.low <= v <= limit.high]
        for value in beside:
            found = problems(**{name: with_one(name, value)})
            assert any(what.startswith(f"{name} is not") for what in found), (name, value, found)
            told.append(name)
    assert len(set(told)) > 80, "few arrays have a limit that a value could break"


def test_another_type_or_shape_is_refused_in_every_array():
    for name, array in kept()[1].items():
        other = np.complex64 if array.dtype.kind == "f" else np.float32
        for changed in (array.astype(other), array[None], np.zeros(0, array.dtype)[None, None]):
            assert problems(**{name: changed}), (name, changed.dtype, changed.shape)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("people.status", 40, "people.status is not"),
        ("people.status", 3, "cube is not what its people add up to"),
        ("people.municipality", 7, "is not what its people add up to"),
        ("people.origin", 3, "cube is not what its people add up to"),
        ("people.stage", 1, "people.stage is none of the status"),
        ("people.sector", 200, "people.sector is not"),
        ("people.risk", 0, "people.risk is not that of its people"),
        ("people.permit_end", 1500, "people.permit_end is over"),
        ("people.permit_end", NEVER, "people.permit_end is "),
        ("people.language", 4, "people.risk is not that of its people"),
        ("people.traits", 3, "people.traits say that somebody looks for work"),
        ("people.entered", -1200, "people.entered lies before the birth"),
        ("people.firm", 0, "labour.firms.heads is not what its workers add up to"),
        ("cube", 5, "cube is not what its people add up to"),
        ("place", 5, "place is not what its people add up to"),
        ("labour.firms.heads", 3, "labour.firms.heads is not what its workers add up to"),
        ("labour.firms.pending", 3, "labour.firms.pending is not what those on the way add up to"),
        ("labour.firms.status", 200, "labour.firms.status is not"),
        ("labour.way.tier", 0, "labour.firms.pending is not what those on the way add up to"),
        ("labour.way.firm_key", 5, "labour.way.firm_key is not that of the firm"),
        ("labour.book.demand", 2.0, "labour.book.demand is not what demand has grown to"),
        ("labour.book.extent", 2.0, "labour.book.extent is not what demand has grown to"),
        ("labour.book.pull", 0.0, "labour.book.pull does not ascend"),
        ("labour.book.years", 0.0, "labour.book.years do not ascend"),
        ("labour.firms.wanted", 1e6, ""),
        ("record.months", 0, "record.months is not every month"),
        ("record.places.months", 0, "record.places.months is not the opening"),
        ("record.cubes", 7, "record.cubes do not follow from record.flows"),
        ("record.flows", 77, "record.cubes do not follow from record.flows"),
        ("towns.pull", 0, "towns.pull does not ascend"),
    ],
)  # fmt: skip
def test_what_several_arrays_say_together_is_counted_again(name, value, says):
    array = kept()[1][name]
    changed = array.copy()
    flat = changed.reshape(-1)
    if name.startswith("people."):  # of somebody whom the value would change
        alive = np.flatnonzero(kept()[1]["people.status"] != 255)
        if name in ("people.traits", "people.firm"):  # of somebody who has work
            alive = alive[kept()[1]["people.firm"][alive] >= 0]
        others = alive[flat[alive] != value]
        flat[others[others.size // 2]] = value
    elif name == "record.flows":
        changed[-1] += value
    elif name in ("labour.way.tier", "labour.firms.status"):
        flat[np.flatnonzero(flat != value)[0]] = value
    else:
        flat[flat.size // 2] = value
    found = problems(**{name: changed})
    assert any(says in what for what in found) if says else True, found


def test_more_jobs_than_people_could_fill_are_refused():
    found = problems(**{"labour.firms.wanted": np.full_like(kept()[1]["labour.firms.wanted"], 1e6)})
    assert any("labour.firms.wanted means" in what for what in found)


def test_absurd_arrays_as_a_whole_are_refused():
    """What an attacker would try first: one value everywhere."""
    possible = []
    for name, limit in table().items():
        array = kept()[1][name]
        if not array.size or limit.low is None:
            continue
        kind = np.iinfo(array.dtype) if array.dtype.kind in "iu" else np.finfo(array.dtype)
        for value in (kind.max, *([kind.min] if kind.min < 0 else [])):
            changed = np.full_like(array, value)
            if not problems(**{name: changed}) and not np.array_equal(changed, array):
                possible.append((name, value))
    assert {name for name, _ in possible} <= set(FREE), possible


def test_restore_names_the_file_and_changes_nothing():
    month, arrays = kept()
    config = compose(WORDS)
    state = blank_state(config, load(config.country.data), 10, 1)
    copy = snapshot(state, {})
    bad = {**arrays, "towns.pull": arrays["towns.pull"][:, ::-1]}
    with pytest.raises(ConfigError, match=r"checkpoint-.*does not fit this model: towns.pull"):
        restore(type(copy)(copy.path, {**copy.header, "month": month}, bad), state)
    assert state.people.n == 0
