"""Every choice of files composes and builds tables; codes are those of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.config import compose as door
from sim.config.compose import DATA
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.data import load as tables
from sim.data.load import Data
from sim.policies.ratebook import RateBook
from sim.rates.places import load_places
from sim.rates.tables import build

CONFIGS = configs_folder()
CHOICES = [
    f"{group}={path.stem}"
    for group in ("country", "scenario", "experiment")
    for path in sorted((CONFIGS / group).glob("*.yaml"))
]


def codes(config: RunConfig) -> dict[str, Any]:
    """The lists of codes that the country's data keep to."""
    text = (DATA / config.country.data / "schema.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["codes"]


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return door.compose([])


@pytest.fixture(scope="module")
def data() -> Data:
    return tables.load(
        "japan", only=["municipalities", "municipality_flows", "municipalities_foreign"]
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_composes_and_builds_tables(choice: str, data: Data):
    config = door.compose([choice])
    places = load_places(config, data)
    model = build(config, places.codes, places.mobility)
    assert model.codes.statuses == config.country.statuses
    rates = RateBook(config, model)
    assert (rates.base(0) >= 0).all()
    assert door.from_yaml(door.to_yaml(config)) == config


def test_every_file_is_one_that_a_choice_reads(config: RunConfig):
    """A file that nothing reads is a setting that does nothing."""
    name = config.country.name
    files = {path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*.yaml")}
    read = {"config.yaml", f"country/{name}.yaml"}
    read |= {f"status/{name}/{status}.yaml" for status in config.country.statuses}
    read |= {
        f"{group}/{name}.yaml"
        for group in (
            "origin",
            "prefecture",
            "life",
            "arrivals",
            "event",
            "firms",
            "town",
            "agency",
            "integration",
            "fit",
            "calibration",
            "hindcast",
            "sensitivity",
        )
    }
    read.add("fit/none.yaml")
    levers = {f for f in files if f.startswith(f"policy/{name}/")}
    assert {Path(f).stem.partition("_")[0] for f in levers} == set(config.policy)
    read |= levers
    chosen = {f for f in files if Path(f).parts[0] in ("scenario", "experiment", "sweep", "hydra")}
    assert files - chosen == read


def test_statuses_are_those_of_the_data_and_those_not_yet_published(config: RunConfig):
    known = codes(config)["status"]
    assert set(known) <= set(config.country.statuses)
    order = [name for name in config.country.statuses if name in known]
    assert order == known, "tables and configuration keep one order"
    others = set(config.country.statuses) - set(known)
    assert others == {"esd", "irregular"}


def test_origins_and_prefectures_are_those_of_the_data(config: RunConfig):
    known = codes(config)
    assert config.country.origins == known["origin"]
    assert sorted(config.prefecture) == known["prefecture"]


def test_channels_bring_people_to_statuses_that_may_be_entered(config: RunConfig):
    for name, channel in config.arrivals.channels.items():
        status = config.status[name]
        assert channel.since is None or channel.since >= (status.since or ""), name
        assert name != config.country.permanent, "nobody arrives as a permanent resident"


def test_who_owes_a_premium_can_fall_behind_and_nobody_else(config: RunConfig):
    """Shares liable and the common fates of falling behind are written in two places."""
    for bit in ("nhi", "pension"):
        fates = [f for f in config.life.monthly.values() if f.kind == "arrears" and bit in f.bits]
        for name, status in config.status.items():
            rate = sum(f.rate * f.by.status.get(name, f.by.status["default"]) for f in fates)
            assert (rate > 0) == (getattr(status.liable, bit) > 0), (name, bit)
            assert getattr(status.opening, f"{bit}_arrears") <= getattr(status.liable, bit), name
        for fate in fates:
            first, last = getattr(config.life.paying_ages, bit)
            assert fate.by.age == {0: 0.0, first: 1.0, last + 1: 0.0}, bit


def test_a_course_that_ends_has_outcomes_that_count(config: RunConfig):
    """Finishers take a job, study on, or do something else: all three must be there."""
    said = [f.finisher for status in config.status.values() for f in status.at_end.values()]
    assert {"job", "study", "other"} <= set(said)
