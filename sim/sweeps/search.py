"""`kyosei run -m hydra/sweeper=optuna`: runs that look for the best values, by Hydra's own sweeper.

Each trial is an ordinary run in its own folder, judged by an indicator in its last month, or by
how far that is from a target. The sampler is seeded, so a search that was stopped asks for the
same runs again, finds them done, and goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sim.config.compose import compose
from sim.config.folders import configs_here
from sim.core.errors import ConfigError, OutputError
from sim.core.threads import usable_cores
from sim.files.folder import json_text, write_atomically
from sim.files.manifest import code_digest
from sim.sweeps.design import FIXED, Design, lines_of, names_of
from sim.sweeps.job import TRIALS, run_job
from sim.sweeps.launch import launch, need, quoted, share_of
from sim.sweeps.plan import LAUNCHES, PLAN, RECORDS

_OF_OPTUNA: Final = ("hydra/sweeper/sampler", "hydra.sweeper.")


def search(own: Sequence[str], settings: Mapping[str, str], quiet: bool) -> int:
    """Run the trials, then print their folders and the best; returns the exit code.

    own       settings of the runs; those with choices, range or interval are searched
    settings  the sweep's own words; `sweep.objective` must be among them
    """
    objective = _checked(own, settings)
    shared = compose([word for word in own if word.partition("=")[0] in FIXED])
    root = Path(shared.output).absolute()
    words = [word for word in own if word.partition("=")[0] not in FIXED]
    words += [] if any(word.startswith("figures=") for word in words) else ["figures=false"]
    name = "\n".join([*words, objective, settings.get("sweep.target", ""), code_digest()])
    folder = root / RECORDS / hashlib.sha256(name.encode()).hexdigest()[:16]
    at_once = max(usable_cores() // (shared.threads or 1), 1)
    jobs = int(settings.get("hydra.sweeper.n_jobs", at_once))
    share = share_of(settings, shared.threads, jobs)
    optuna = {key: value for key, value in settings.items() if key.startswith(_OF_OPTUNA)}
    optuna = {"hydra.sweeper.n_jobs": str(jobs), "hydra.sweeper.sampler.seed": "0", **optuna}
    if optuna.get("hydra/sweeper/sampler") == "grid":
        del optuna["hydra.sweeper.sampler.seed"]  # a grid draws nothing
    launcher = [word for word in share.words if not word.startswith("hydra.sweeper.")]
    words_of_hydra = [
        "hydra/sweeper=optuna", *(f"{key}={value}" for key, value in optuna.items()), *launcher,
        f"objective={objective}", f"target={settings.get('sweep.target', 'null')}",
        f"plan={quoted(folder / PLAN)}", f"root={quoted(root)}",
        f"threads={share.threads or 'null'}", *(f"+{word}" for word in words),
    ]  # fmt: skip
    stopped = None
    try:
        launch(run_job, words_of_hydra, folder / LAUNCHES)
    except OutputError as error:
        stopped = error
    maximize = settings.get("hydra.sweeper.direction") == "maximize"
    _report(folder, root, names_of(own), maximize)
    if stopped is not None:
        raise stopped
    return 0


def _checked(own: Sequence[str], settings: Mapping[str, str]) -> str:
    """The objective. Raises ConfigError before anything is written."""
    need("optuna")
    if "sweep.objective" not in settings:
        raise ConfigError(
            "what is a run judged by? Say sweep.objective=INDICATOR, a name in its"
            " indicators.parquet, and sweep.target=NUMBER to come close to it"
        )
    if not names_of(own):
        raise ConfigError("there is nothing to search: write name=interval(low,high) or name=a,b")
    drawn = any("interval(" in word for word in own)
    corner = lines_of(own, Design(n=1 if drawn else None), configs_here())[0]
    compose(corner)
    return settings["sweep.objective"]


def _report(folder: Path, root: Path, swept: list[str], maximize: bool) -> None:
    """Gather the trials into the record, print their folders, the best last."""
    paths = sorted((folder / TRIALS).glob("*.json"))
    trials: list[dict[str, Any]] = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    if not trials:
        return
    trials.sort(key=lambda trial: (trial["value"], trial["run"]), reverse=not maximize)
    content = {"sweep": folder.name, "swept": swept, "code_sha256": code_digest(), "runs": trials}
    write_atomically(folder / PLAN, lambda stream: stream.write(json_text(content).encode()))
    for trial in trials:
        words = [word for word in trial["overrides"] if word.partition("=")[0] in swept]
        print(root / trial["run"], f"{trial['value']:.6g}", *words)
