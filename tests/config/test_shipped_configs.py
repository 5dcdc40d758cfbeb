"""Every choice of files composes and builds tables; codes are those of the data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.config import compose as door
from sim.config.compose import DATA
from sim.config.files import COUNTRY, SELF, read_files
from sim.config.folders import configs_here, place_of
from sim.config.hydra import parse
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.config.words import read_words
from sim.config.yaml import DEFAULTS
from sim.data import load as tables
from sim.data.load import Data
from sim.policies.ratebook import RateBook
from sim.rates.places import load_places
from sim.rates.tables import build
from tests.helpers.lever_cases import case_files

CONFIGS = configs_folder()
STUDIES = ("calibration", "countries", "hindcast", "projection", "sensitivity")
"""Groups whose files a study of this name reads by itself."""
COUNTRIES = configs_here().options(COUNTRY)
CHOICES = [
    *([f"{COUNTRY}={country}", f"scenario={name}"] for country in COUNTRIES
      for name in configs_here().options(place_of("scenario", country))),
    *([f"experiment={name}"] for name in configs_here().options("experiment")),
]  # fmt: skip


def codes(config: RunConfig) -> dict[str, Any]:
    """The lists of codes that the country's data keep to."""
    text = (DATA / config.country.data / "schema.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["codes"]


@pytest.fixture(scope="module", params=COUNTRIES)
def config(request: pytest.FixtureRequest) -> RunConfig:
    return door.compose([f"{COUNTRY}={request.param}"])


@cache
def data_of(country: str) -> Data:
    return tables.load(country)


@pytest.mark.parametrize("choice", CHOICES, ids=" ".join)
def test_every_choice_composes_and_builds_tables(choice: list[str]):
    config = door.compose(choice)
    places = load_places(config, data_of(config.country.data))
    model = build(config, places.codes, places.mobility)
    assert model.codes.statuses == config.country.statuses
    rates = RateBook(config, model)
    assert (rates.base(0) >= 0).all()
    assert door.from_yaml(door.to_yaml(config)) == config


def read_by(choice: list[str]) -> set[str]:
    """The files that a run with these choices reads."""
    sources = read_files(configs_here(), read_words(choice, configs_here(), parse).choices)
    return {f"{name}.yaml" for name in sources.documents}


def test_every_file_is_one_that_a_choice_reads():
    """A file that nothing reads is a setting that does nothing."""
    files = {path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*.yaml")}
    files -= {f"policy/{path.parts[-3]}/cases/{path.name}" for path in case_files().values()}
    read = set().union(*(read_by(choice) for choice in [*CHOICES, ["fit=none"]]))
    read |= {f for f in files if Path(f).parts[0] in ("sweep", "hydra", "template", *STUDIES)}
    assert files - read == set()


def test_a_file_of_a_lever_or_status_is_called_what_is_in_it():
    for group in ("policy", "status"):
        for path in sorted((CONFIGS / group).glob("*/*.yaml")):
            if path.stem.startswith("_"):  # what several of them begin from
                continue
            body = yaml.safe_load(path.read_text(encoding="utf-8"))
            assert [key for key in body if key != DEFAULTS] == [path.stem], path


def test_a_scenario_or_fit_has_the_name_of_its_file():
    for path in [*CONFIGS.glob("scenario/*/*.yaml"), *CONFIGS.glob("fit/*.yaml")]:
        name = yaml.safe_load(path.read_text(encoding="utf-8"))["name"]
        assert name == path.stem, path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("scenario/*/*.yaml")), ids=lambda p: p.stem)
def test_every_scenario_holds_the_laws_in_force_but_those_that_it_lifts(path: Path):
    """What is asked is read from the files, base files included; the nearest file wins."""
    asked: dict[str, Any] = {}
    names = [path.stem]
    while names:
        body = yaml.safe_load((path.parent / f"{names.pop()}.yaml").read_text("utf-8"))
        asked = {**body, **asked}
        names += [base for base in body.get(DEFAULTS, ()) if base != SELF]
    config = door.compose([f"country={path.parent.name}", f"scenario={path.stem}"])
    statuses, asof = asked.get("holds", ["in_force"]), asked.get("asof", "9999-12")
    laws = {code for code, lever in config.policy.items()
            if lever.legal_status in statuses and lever.since <= asof}  # fmt: skip
    named, held = set(asked.get("levers", ())), set(config.scenario.levers)
    laws -= set(asked.get("lifts", ()))
    assert held == (set(config.policy) if named == {"all"} else named | laws)


def test_statuses_are_those_of_the_data_and_those_not_yet_published(config: RunConfig):
    known = codes(config)["status"]
    assert set(known) <= set(config.country.statuses)
    order = [name for name in config.country.statuses if name in known]
    assert order == known, "tables and configuration keep one order"
    for name in set(config.country.statuses) - set(known):
        status = config.status[name]
        begins = status.since is not None and status.since > config.country.last_month
        assert begins or not status.published, name


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
