"""A study folder of one's own: what `init` and `new` write works, and is read over Kyosei's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from sim.cli import main as cli
from sim.cli.study import KINDS
from sim.config import compose as door
from sim.config.folders import configs_here, named_study, reading
from sim.config.settings import configs_folder
from sim.core.errors import ConfigError
from sim.sweeps import sweep


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert cli.main(["init", str(tmp_path / "study")]) == 0
    monkeypatch.chdir(tmp_path / "study")
    return tmp_path / "study"


def scenario(study: Path) -> Path:
    return study / "configs/scenario/japan/my_scenario.yaml"


def test_what_init_writes_composes(study: Path):
    config = door.compose(["scenario=my_scenario", "experiment=my_experiment"])
    assert config.scenario.name == "my_scenario"
    assert config.scale == 0.01
    assert list(config.policy)[-1] == "my_lever"
    _, own = sweep.split(["sweep=my_sweep"], configs_here())
    assert len(sweep._lines(own, {})) == 8
    assert (study / "README.md").read_text().startswith("# study\n")


def test_editors_find_a_schema_for_every_file(study: Path):
    for kind in ("status", "indicator"):
        assert cli.main(["new", kind, f"own_{kind}"]) == 0
    named = 0
    for path in (study / "configs").rglob("*.yaml"):
        found = re.search(r"\$schema=(\S+)", path.read_text("utf-8"))
        if found is None:
            assert path.parent.name == "sweep"  # settings and text alone
            continue
        named += 1
        schema = json.loads((path.parent / found[1]).read_text("utf-8"))
        written = yaml.safe_load(path.read_text("utf-8"))
        known = schema.get("properties")
        assert known is None or set(written) <= set(known)
    assert named == 6
    schema = json.loads((study / "configs/.schema/lever.json").read_text("utf-8"))
    assert {"rule", "response", "effects", "legal_status"} <= set(
        schema["$defs"]["Lever"]["properties"]
    )


def test_init_and_new_leave_what_is_there(study: Path, capsys):
    before = scenario(study).read_text()
    assert cli.main(["init", str(study)]) == 2
    assert cli.main(["new", "scenario", "my_scenario"]) == 2
    assert cli.main(["new", "lever", "jp06"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert scenario(study).read_text() == before


def test_everything_new_composes_together(study: Path, capsys):
    for kind in KINDS:
        assert cli.main(["new", kind, f"own_{kind}"]) == 0
    assert "next:" in capsys.readouterr().out
    config = door.compose(["scenario=own_scenario", "scenario.levers=[my_lever,own_lever,jp06]"])
    assert (config.policy["my_lever"].id, config.policy["own_lever"].id) == ("MY01", "MY02")
    assert config.country.statuses[-1] == "own_status"
    assert config.arrivals.channels["own_status"].level == 2000
    assert list(config.indicator or {}) == ["own_indicator"]
    assert door.from_yaml(door.to_yaml(config)) == config


def test_without_a_study_nothing_of_it_is_left(study: Path, monkeypatch, capsys):
    with_study = door.compose([])
    monkeypatch.chdir(study.parent)
    assert configs_here().folders == (configs_folder().resolve(),)
    assert "my_lever" not in door.compose([]).policy
    assert cli.main(["new", "scenario", "x"]) == 2
    assert "`kyosei init FOLDER`" in capsys.readouterr().err
    with reading(named_study(study)):  # from anywhere
        assert door.compose([]) == with_study
    assert "my_lever" not in door.compose([]).policy


def test_a_study_is_named_on_the_command_line(study: Path, monkeypatch, capsys):
    monkeypatch.chdir(study.parent)
    for words in (["--config", "study"], ["--config=study/configs"]):
        assert cli.main(["run", *words, "--cfg", "-q", "scenario=my_scenario"]) == 0
        assert 'name: "my_scenario"' in capsys.readouterr().out
    assert cli.main(["run", "--config", "nowhere"]) == 2
    assert cli.main(["run", "--config"]) == 2
    assert "kyosei init nowhere" in capsys.readouterr().err


def test_a_file_of_the_same_name_replaces_the_shipped_one(study: Path):
    path = study / "configs/life/japan.yaml"
    path.parent.mkdir()
    text = (configs_folder() / "life/japan.yaml").read_text("utf-8")
    path.write_text(text.replace("newborn_female:", "newborn_female: # mine", 1), "utf-8")
    assert door.compose([]).life.newborn_female.value > 0
    path.write_text("newborn_female: {value: half}\n")
    with pytest.raises(ConfigError, match=r"configs/life/japan.yaml:1  life.newborn_female.value"):
        door.compose([])


def test_messages_name_the_file_of_the_study_or_of_kyosei(study: Path):
    scenario(study).write_text(scenario(study).read_text().replace("0.9", "half"))
    with pytest.raises(ConfigError) as caught:
        door.compose(["scenario=my_scenario"])
    assert str(caught.value).startswith("configs/scenario/japan/my_scenario.yaml:")
    with pytest.raises(ConfigError, match=r"Nearest: my_scenario"):
        door.compose(["scenario=my_scenari"])
    scenario(study).write_text(scenario(study).read_text().replace("half", "0.9"))
    (study / "configs/status/japan").mkdir(parents=True)
    (study / "configs/status/japan/new.yaml").write_text("new: {label: {en: New, ja: 新}}\n")
    with pytest.raises(ConfigError, match=r"configs/status/japan/new.yaml:1  status.new.law"):
        door.compose([])


def test_an_indicator_counts_whom_it_names_and_no_other_may_have_its_name(study: Path):
    assert cli.main(["new", "indicator", "residents"]) == 0
    assert cli.main(["run", "-q", "scale=0.001", "end=2025-07", "figures=false"]) == 2
    path = study / "configs/indicator/residents.yaml"
    path.write_text(path.read_text().replace("permanent_resident]", "permanent]", 1))
    with pytest.raises(ConfigError, match=r"indicator.residents.people.status.0 = permanent\n"):
        door.compose([])


def test_a_run_of_a_study_can_be_made_again_elsewhere(study: Path, monkeypatch, capsys):
    assert cli.main(["new", "indicator", "mine"]) == 0
    words = ["scenario=my_scenario", "scale=0.001", "end=2025-08", "figures=false"]
    capsys.readouterr()
    assert cli.main(["run", "-q", *words]) == 0
    run = study / capsys.readouterr().out.split()[-1]
    monkeypatch.chdir(study.parent)
    (study / "configs").rename(study / "gone")
    assert cli.main(["reproduce", str(run)]) == 0

    from sim.outputs.read import read_run

    table = read_run(run)["indicators"]
    stocks = read_run(run).frame("stocks")
    last = stocks[stocks["month"] == stocks["month"].max()].groupby("status")["people"].sum()
    mine = table[table["indicator"].isin(["mine"])]
    both = last["permanent_resident"] + last["long_term_resident"]
    assert mine["value"].iloc[-1] == pytest.approx(last["permanent_resident"] / both)
