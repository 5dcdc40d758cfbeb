"""The README's commands, configuration and code: what it shows must work as it stands."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from sim.config import compose as door
from sim.config.settings import check_overrides, configs_folder
from sim.sweeps import sweep

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for kind, block in BLOCKS if kind == "sh"
    for line in block.replace("\\\n", "").splitlines()
    if line.startswith("kyosei run ")
]  # fmt: skip


def blocks(kind: str) -> list[str]:
    return [block for found, block in BLOCKS if found == kind]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_run_composes(line: str, monkeypatch: pytest.MonkeyPatch):
    words = shlex.split(line, comments=True)[2:]
    settings = [word for word in words if not word.startswith("-")]
    if "-m" in words:
        assert check_overrides(settings, sweep=True) == []
        how, own = sweep.split(settings, configs_folder())
        settings = sweep._lines(own, how)[0]  # of the first run
    monkeypatch.setattr(
        "sim.config.compose._too_many_threads", lambda config: []
    )  # another machine's
    assert door.compose(settings).end > "2025"


def test_the_scenario_composes(tmp_path: Path):
    (scenario,) = blocks("yaml")
    configs = tmp_path / "configs"
    shutil.copytree(configs_folder(), configs)
    name = yaml.safe_load(scenario)["name"]
    assert f"configs/scenario/{name}.yaml" in scenario
    (configs / "scenario" / f"{name}.yaml").write_text(scenario, encoding="utf-8")
    edits = door.compose([f"scenario={name}"], configs).scenario.edits
    assert edits["half"].multiply == 0.5


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]):
    (code,) = blocks("python")
    exec(compile(code, str(README), "exec"), {})
    printed = capsys.readouterr().out
    assert "students" in printed
    assert "people simulated stand for" in printed


def test_files_that_it_names_are_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    named = re.findall(r"`((?:sim|configs|docs|tests|benchmarks)/[\w./]+)`", TEXT)
    paths = [path for path in links + named if "NAME" not in path]
    assert paths
    assert [path for path in paths if not (README.parent / path).exists()] == []
