"""`kyosei run -m`: Hydra's multirun, one run for each combination of values.

A job's number means nothing here: each run goes to the folder named by its content. Hydra keeps
its own files below `<output>/.sweeps/`.
"""

import json
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sim import config, run
from sim.errors import ConfigError, KyoseiError
from sim.outputs import json_text, write_atomically
from sim.settings import configs_folder

OUTCOME = "outcome.json"


def run_sweep(overrides: list[str]) -> int:
    """Run every job, then print each run's folder; returns the highest exit code of any job."""
    folder = _sweep_folder(overrides)
    quoted = "'" + str(folder).replace("'", r"\'") + "'"
    words = [
        "--multirun",
        *overrides,
        "hydra.job.name=kyosei",
        "hydra.job.chdir=false",
        f"hydra.run.dir={quoted}",
        f"hydra.sweep.dir={quoted}",
        "hydra.sweep.subdir=${hydra:job.num}",
    ]
    composed = hydra.main(
        version_base="1.3", config_path=str(configs_folder()), config_name="config"
    )
    ours = sys.argv
    try:
        sys.argv = ["kyosei", *words]  # the only way in that Hydra offers
        composed(run_job)()
    except SystemExit as stop:  # Hydra has printed why
        if stop.code and not list(folder.glob(f"*/{OUTCOME}")):
            raise ConfigError("the sweep could not be composed: see Hydra's message") from stop
    finally:
        sys.argv = ours
    return _report(folder)


def run_job(_: DictConfig) -> None:
    """One job of the sweep, in whatever process the launcher chose.

    What Hydra composed is dropped: the same overrides go through the same door as a single run.
    """
    job = HydraConfig.get()
    outcome = _outcome([str(word) for word in job.overrides.task])
    path = Path(job.runtime.output_dir) / OUTCOME
    write_atomically(path, lambda stream: stream.write(json_text(outcome).encode("utf-8")))


def _outcome(overrides: list[str]) -> dict[str, Any]:
    outcome: dict[str, Any] = {"overrides": overrides, "folder": "", "exit": 0, "problems": []}
    hydra_of_sweep = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()  # a job composes its own settings
    try:
        outcome["folder"] = str(run.run(config.compose(overrides), quiet=True))
    except KyoseiError as error:
        outcome |= {"exit": error.exit_code, "problems": error.problems}
    finally:
        GlobalHydra.instance().hydra = hydra_of_sweep
    return outcome


def _sweep_folder(overrides: list[str]) -> Path:
    """A fresh folder for Hydra below the output folder, which must be the same for all jobs."""
    outputs = [word for word in overrides if word.lstrip("+").startswith("output=")]
    root = Path(config.compose(outputs).output).resolve()
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:8]}"
    return root / ".sweeps" / name


def _report(folder: Path) -> int:
    jobs = sorted(
        (path for path in folder.iterdir() if path.name.isdigit()), key=lambda p: int(p.name)
    )
    worst = 0
    for job in jobs:
        try:
            outcome = json.loads((job / OUTCOME).read_text(encoding="utf-8"))
        except OSError:
            outcome = {"overrides": [], "exit": 1, "problems": [f"job {job.name} ended early"]}
        worst = max(worst, outcome["exit"])
        if outcome["exit"]:
            words = " ".join(outcome["overrides"])
            print(f"kyosei: failed: {words}", *outcome["problems"], sep="\n", file=sys.stderr)
        else:
            print(outcome["folder"])
    return worst
