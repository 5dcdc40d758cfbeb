"""The description of the model holds everything that the model has."""

import pytest

from sim.config.compose import compose
from sim.config.files import COUNTRY
from sim.config.folders import configs_here
from sim.config.marks import marked
from sim.data.load import load
from sim.model.month import MONTH
from sim.outputs.describe import describe
from sim.outputs.indicators import catalogue
from sim.runs.facts import assumptions


@pytest.mark.parametrize("country", configs_here().options(COUNTRY))
def test_every_process_status_lever_parameter_and_indicator_appears(country: str):
    config = compose([f"country={country}"])
    text = describe(config, load(config.country.data))
    for process in MONTH:
        assert f"`{process.__name__}`" in text
    for name, status in config.status.items():
        assert f"### {status.label.en} (`{name}`)" in text
        for fate in (*status.monthly, *status.at_end, *status.at_limit):
            assert f".{fate}`" in text
    for lever in config.policy.values():
        assert f"| {lever.id} |" in text
    for indicator in catalogue(config):
        assert f"`{indicator}`" in text
    for path, _ in marked(config, ["arrivals"]):
        assert f"`{path}`" in text


def test_marks_are_counted_as_manifests_count_them():
    config = compose([])
    text = describe(config, load(config.country.data))
    assert f"| assumption | {len(assumptions(config)):,} |" in text
