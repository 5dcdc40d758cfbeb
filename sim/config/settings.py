"""What may be set from the command line, and the list of it that `kyosei run --help` shows.

Reads configs/ as text only: neither Hydra nor the model is needed to print a help page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sim import PACKAGE

_COUNT = ("[1-9][0-9]{0,5}", "a whole number from 1")

_WORKERS = ("-1|[1-9][0-9]{0,5}", "a whole number from 1, or -1 for all cores")

_SEED = ("[0-9]{1,9}", "a whole number")

_TARGET = (r"-?[0-9]{1,12}(\.[0-9]{1,12})?", "a number")

_NAME = ("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "a plain name: letters, digits, . _ and -")

_ADDRESS = (rf"auto|local|{_NAME[0]}:[0-9]{{2,5}}", "auto, local or HOST:PORT")


def _one_of(*choices: str) -> tuple[str, str]:
    return "|".join(choices), f"one of {', '.join(choices)}"


SWEEP_SETTINGS = {
    "sweep": _NAME,
    "sweep.design": _one_of("product", "zip", "sobol", "lhs", "halton"),
    "sweep.n": _COUNT,
    "sweep.seed": _SEED,
    "sweep.runs_per_job": _COUNT,
    "sweep.objective": _NAME,
    "sweep.target": _TARGET,
    "hydra/launcher": _one_of("basic", "joblib", "submitit_local", "submitit_slurm", "ray"),
    "hydra/sweeper": _one_of("basic", "quasirandom", "optuna"),
    "hydra/sweeper/sampler": _one_of("tpe", "random", "grid", "cmaes"),
    "hydra.launcher.n_jobs": _WORKERS,
    "hydra.launcher.timeout_min": _COUNT,
    "hydra.launcher.cpus_per_task": _COUNT,
    "hydra.launcher.mem_gb": _COUNT,
    "hydra.launcher.array_parallelism": _COUNT,
    "hydra.launcher.partition": _NAME,
    "hydra.launcher.qos": _NAME,
    "hydra.launcher.account": _NAME,
    "hydra.launcher.ray.init.address": _ADDRESS,
    "hydra.launcher.ray.init.num_cpus": _COUNT,
    "hydra.launcher.ray.remote.num_cpus": _COUNT,
    "hydra.sweeper.max_batch_size": _COUNT,
    "hydra.sweeper.n_trials": _COUNT,
    "hydra.sweeper.n_jobs": _COUNT,
    "hydra.sweeper.direction": _one_of("minimize", "maximize"),
    "hydra.sweeper.sampler.seed": _SEED,
}
"""What a sweep may say about its plan and its launcher: the pattern of each value, and its words.

Nothing else of Hydra's own can be reached, so no word names a path, a command or Python code."""

_CODE_KEYS = ("_target_", "_args_", "_partial_", "_convert_", "_recursive_")


def configs_folder() -> Path:
    """Where the configuration lies: inside an installed package, else beside it in a checkout."""
    installed = PACKAGE / "_configs"
    return installed if installed.is_dir() else PACKAGE.parent / "configs"


def check_overrides(overrides: Sequence[str], sweep: bool) -> list[str]:
    """What is wrong with the words after `kyosei run`, one sentence each; [] if nothing.

    They are data: they may not reach Hydra's own settings, name Python objects, or look up
    environment variables.
    """
    problems = []
    for word in overrides:
        key, _, value = word.partition("=")
        name = key.lstrip("+~").partition("@")[0]
        ours = re.match(r"(hydra|sweep)\b", name) is not None
        if "=" not in word and not word.startswith("~"):
            problems.append(f"{word} is not a setting: write it as name=value")
        elif ours and key not in SWEEP_SETTINGS:
            problems.append(
                f"{word}: Hydra's own settings cannot be changed here. A sweep takes"
                f" {', '.join(SWEEP_SETTINGS)}"
            )
        elif ours and not sweep:
            problems.append(f"{word}: only a sweep takes this; add -m")
        elif ours and re.fullmatch(SWEEP_SETTINGS[key][0], value, re.ASCII) is None:
            problems.append(f"{word}: {key} must be {SWEEP_SETTINGS[key][1]}")
        elif any(code in word for code in _CODE_KEYS):
            problems.append(f"{word}: a setting cannot name Python code")
        elif "${" in word:
            problems.append(f"{word}: write the value itself, not ${{...}}")
    return problems
