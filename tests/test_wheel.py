"""The wheel in an environment of its own, outside the checkout: what somebody gets who installs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent


def said(words: list[object], folder: Path) -> str:
    """What a command prints. Nothing of the checkout is on its path."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def kyosei(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command. The packages that it needs are those of this environment."""
    place = tmp_path_factory.mktemp("wheel")
    env = place / "env"
    said([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place], ROOT)
    said([sys.executable, "-m", "venv", "--without-pip", env], place)
    python = env / "bin" / "python"
    packages = said([python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
                    place).strip()  # fmt: skip
    (Path(packages) / "these.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (wheel,) = place.glob("*.whl")
    said([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--ignore-installed",
          "--no-warn-script-location", wheel], place)  # fmt: skip
    return env / "bin" / "kyosei"


def test_a_study_begins_with_the_wheel_alone(kyosei: Path, tmp_path: Path):
    said([kyosei, "init", "study"], tmp_path)
    study = tmp_path / "study"
    said([kyosei, "new", "scenario", "mine"], study)
    text = said([kyosei, "run", "--cfg", "-q", "scenario=mine", "experiment=my_experiment"], study)
    assert 'name: "mine"' in text
    where = said([kyosei.parent / "python", "-c", "import sim; print(sim.__file__)"], study)
    assert Path(where.strip()).is_relative_to(kyosei.parent.parent)


@pytest.mark.slow
def test_a_study_from_beginning_to_end(kyosei: Path, tmp_path: Path):
    said([kyosei, "init", "study"], tmp_path)
    study, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    elsewhere.mkdir()
    said([kyosei, "new", "scenario", "mine"], study)
    small = ["scale=0.002", "end=2027-12"]
    config = ["--config", study]
    made = said([kyosei, "run", *config, "-q", "scenario=mine", "figures=false", *small], elsewhere)
    run = elsewhere / made.split()[-1]
    sweep = [*config, "-q", "-m", "scenario=mine,my_scenario", *small]
    assert len(said([kyosei, "run", *sweep], elsewhere).splitlines()) == 2

    said([kyosei, "collect", "runs", "--table", "runs"], elsewhere)
    collected = pd.read_parquet(elsewhere / "runs/collected/runs.parquet")
    assert set(collected["scenario"]) == {"mine", "my_scenario"}
    shown = said([kyosei, "figures", run], elsewhere).split()
    assert all((elsewhere / path).stat().st_size > 1000 for path in shown)
    said([kyosei, "export", run, "--to", "xlsx", "--table", "indicators"], elsewhere)
    assert (elsewhere / "export" / run.name / "indicators.xlsx").is_file()
    effects = said([kyosei, "compare", *config, "-q", "scenario=enacted,mine", "draws=none",
                    "replicates=2", *small], elsewhere)  # fmt: skip
    assert (elsewhere / effects.split()[-1] / "effects.parquet").is_file()

    (study / "configs").rename(study / "gone")
    assert "every byte" in said([kyosei, "reproduce", run], tmp_path)
