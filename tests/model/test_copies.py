"""A model that was copied or pickled goes on as the one it was made from."""

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from sim.config.compose import compose
from sim.model.model import Kyosei

TWINS: dict[str, Callable[[Kyosei], Kyosei]] = {
    "copied": copy.deepcopy,
    "pickled": lambda model: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("how", TWINS)
def test_a_twin_goes_on_alike_and_apart(how: str):
    model = Kyosei(compose(["scale=0.002", "end=2025-12", "threads=1"]))
    model.step()
    twin = TWINS[how](model)
    before = model.people.count()
    twin.run()
    assert model.people.count() == before, "the model moved with its twin"
    model.run()
    assert twin.date == model.date
    for name in ("status", "born", "key", "firm"):
        np.testing.assert_array_equal(twin.people[name], model.people[name])
    for ours, theirs in zip(model.record.flows, twin.record.flows, strict=True):
        np.testing.assert_array_equal(ours, theirs)
