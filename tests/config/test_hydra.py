"""Files laid together as Hydra lays them: every choice of ours, and the corners of its grammar."""

import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from sim.config.compose import compose as compose_checked
from sim.config.compose import to_yaml
from sim.config.files import COUNTRY, read_files
from sim.config.folders import Configs, configs_here, place_of
from sim.config.hydra import Files, laid_together
from sim.config.levers import hold_laws
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.config.words import Words

COUNTRIES = configs_here().options(COUNTRY)
CHOICES = [
    {COUNTRY: [country], place_of(group, country): [name]}
    for country in COUNTRIES
    for group in ("scenario", "experiment")
    for name in configs_here().options(place_of(group, country))
]
CORNERS = {
    "config.yaml": """
defaults:
  - base: one
  - /deep/er@placed.here: [a, b, c]
  - optional extra: null
  - _self_
kept: 1
lists: [1, 2, 3]
nothing: {inside: 1}
scalar: 5
filled: null
codes: {1: one, true it is: true, "07": seven, 2.5: half}
missing: here
""",
    "base/one.yaml": "defaults: [inner: x, _self_]\nvalue: one\nmix: {a: 1, b: 2}\n",
    "base/two.yaml": "value: two\nmix: {c: 3}\n",
    "base/three.yaml": "defaults: [one, common@inside, _self_]\nvalue: three\ninside: {own: 1}\n",
    "base/common.yaml": "shared: 1\nown: 0\n",
    "base/inner/x.yaml": "x: 1\nmix: {z: 0}\n",
    "deep/er/a.yaml": "defaults: [_self_]\na: 1\nboth: {of: a, only: a}\nlist: [a]\n",
    "deep/er/b.yaml": "b: 2\nboth: {of: b}\nlist: [b, {c: d}]\n",
    "deep/er/c.yaml": "defaults: [a@c, _self_]\nc: {a: 2}\n",
    "extra/global.yaml": """
# @package _global_
defaults:
  - override /base: two
nothing: null
scalar: {now: a mapping}
filled: {now: filled}
lists: []
missing: ???
codes: {1: uno, 2: due}
""",
}


def by_hydra(folder: Path, words: list[str]) -> Any:
    with initialize_config_dir(str(folder), job_name="test", version_base="1.3"):
        return OmegaConf.to_container(compose("config", words))


def check_same(folder: Path, choices: dict[str, list[str]]) -> None:
    words = Words(choices).hydra
    sources = read_files(Configs((folder,)), choices)
    assert sources.problems == []
    ours = laid_together(Files(Configs((folder,))), "config", words, sources.documents)
    assert repr(ours) == repr(by_hydra(folder, words))  # order of keys and types, too


def test_a_choice_is_laid_together_as_by_hydra():
    check_same(configs_folder().resolve(), {"experiment": ["past"], "fit": ["none"]})


@pytest.mark.slow
@pytest.mark.parametrize("choices", [{}, *CHOICES], ids=str)
def test_every_choice_is_laid_together_as_by_hydra(choices: dict[str, list[str]]):
    check_same(configs_folder().resolve(), choices)


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"base": ["two"]},
        {"base": ["three"]},
        {"extra": ["global"]},
        {"extra": ["global"], "base": ["one"]},
    ],
)
def test_corners_are_laid_together_as_by_hydra(choices: dict[str, list[str]], tmp_path: Path):
    for name, text in CORNERS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
    check_same(tmp_path, choices)


SCENARIOS = configs_here().options(place_of("scenario", "japan"))

WORDS = [
    "scale=0.25",
    "end=2030-12",
    "checkpoint=[2026-01,2027-01]",
    "status.student.monthly.leave.rate=0.05",
    "~fit.edits.permanent_leave",
    "~status.student.opening.note",
]


def check_whole(words: list[str]) -> None:
    """What a run holds, words included, is what its shape makes of Hydra's composition."""
    composed = by_hydra(configs_folder().resolve(), words)
    hold_laws(composed)  # which Hydra does not know
    theirs = RunConfig.model_validate(composed)
    assert to_yaml(compose_checked(words)) == to_yaml(theirs)


def test_words_are_laid_over_as_by_hydra():
    check_whole(WORDS)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_is_composed_as_by_hydra(scenario: str):
    check_whole([f"scenario={scenario}", *WORDS])


def test_the_version_is_the_one_whose_private_modules_are_used():
    project = tomllib.loads((configs_folder().parent / "pyproject.toml").read_text())["project"]
    assert f"hydra-core=={version('hydra-core')}" in project["dependencies"]
