"""The shortest whole run: the shipped configuration composes, months pass, the books close."""

from __future__ import annotations

from sim.config.compose import compose
from sim.model.model import Kyosei


def test_a_small_run_of_the_shipped_configuration_finishes():
    model = Kyosei(compose(["scale=0.001", "end=2025-09", "threads=1"]))
    model.run()
    assert len(model.record.months) == 4
    assert 3_500 < model.state.people.alive.sum() < 4_500
