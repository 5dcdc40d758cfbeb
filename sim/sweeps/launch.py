"""Handing a plan to a Hydra launcher: how many jobs, how many threads each, and which words."""

from __future__ import annotations

import math
import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.config.hydra import multirun
from sim.config.settings import configs_folder
from sim.core.errors import BusyError, ConfigError, OutputError
from sim.core.interrupt import end_with_parent, stop_if_asked
from sim.core.threads import usable_cores
from sim.files.lock import FolderLock
from sim.runs.resources import available_memory
from sim.sweeps.plan import LAUNCHES, Plan, PlannedRun

_OURS: Final = re.compile(r"[0-9a-f]{8}")

_TRIES: Final = 100

_PASSING: Final = (".pkl", ".pickle", ".yaml")
"""Endings of what jobs do not leave for people; their logs and scripts stay."""


@contextmanager
def transport(folder: Path) -> Iterator[Path]:
    """A new private folder below `folder` for one launch. Raises OutputError."""
    if folder.is_symlink():
        raise OutputError(f"cannot write into {folder}: it is a symbolic link")
    remove_abandoned(folder)
    folder.mkdir(parents=True, exist_ok=True)
    own, lock = _locked(folder)
    try:
        yield own
    finally:
        _empty(own, lock)


def _locked(folder: Path) -> tuple[Path, FolderLock]:
    """A new folder and its lock. Another launch may take one that has no lock yet for abandoned."""
    for _ in range(_TRIES):
        own = folder / uuid.uuid4().hex[:8]
        own.mkdir(mode=stat.S_IRWXU)
        lock = FolderLock(own)
        with suppress(BusyError, FileNotFoundError):
            lock.take()
            return own, lock
    raise OutputError(f"cannot keep a folder in {folder}: something removes it")


def remove_abandoned(folder: Path) -> None:
    """Remove what launches left that were killed; those that are under way keep theirs."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for own in folder.iterdir():
        if _OURS.fullmatch(own.name) and own.is_dir() and not own.is_symlink():
            lock = FolderLock(own)
            with suppress(BusyError, OSError):
                lock.take()
                _empty(own, lock)


def _empty(own: Path, lock: FolderLock) -> None:
    """Remove all but logs and scripts, give the lock back, remove folders that hold nothing."""
    for place, _, names in os.walk(own):  # which follows no links
        for name in names:
            if name.endswith(_PASSING):
                Path(place, name).unlink(missing_ok=True)
    lock.release()
    for place, _, _ in os.walk(own, topdown=False):
        with suppress(OSError):
            os.rmdir(place)  # only succeeds if nothing is in it


LAUNCHER: Final = "hydra/launcher"

_PLUGINS: Final = {
    "joblib": ("hydra_joblib_launcher", "hydra-joblib-launcher"),
    "submitit_local": ("hydra_submitit_launcher", "'kyosei[slurm]'"),
    "submitit_slurm": ("hydra_submitit_launcher", "'kyosei[slurm]'"),
    "ray": ("hydra_ray_launcher", "'kyosei[ray]'"),
}

_OWNERS: Final = {
    "n_jobs": ("joblib",),
    "timeout_min": ("submitit_local", "submitit_slurm"),
    "cpus_per_task": ("submitit_local", "submitit_slurm"),
    "mem_gb": ("submitit_local", "submitit_slurm"),
    "array_parallelism": ("submitit_slurm",),
    "partition": ("submitit_slurm",),
    "qos": ("submitit_slurm",),
    "account": ("submitit_slurm",),
    "ray": ("ray",),
}
"""Launchers that understand a word `hydra.launcher.NAME`."""

_OPTUNA: Final = ("hydra_optuna_sweeper", "'kyosei[optuna]'")

_SLURM_JOBS: Final = 256  # jobs at a time unless array_parallelism says otherwise

_TURNS: Final = 8  # jobs for each worker, so that none waits long for the last

_MOST_PER_JOB: Final = 50

MANY: Final = 1 << 20


class Share(NamedTuple):
    """How a sweep uses the machine, or the cluster."""

    launcher: str
    workers: int  # runs at a time
    threads: int | None  # of each; None = all cores
    size: int  # runs in one job
    words: list[str]  # for Hydra


def is_installed(plugin: str) -> bool:
    try:
        return find_spec(f"hydra_plugins.{plugin}") is not None
    except ModuleNotFoundError:
        return False


def share_of(
    settings: Mapping[str, str], threads: int | None, pending: int, memory: int = 0
) -> Share:
    """Workers times threads fills the machine and no more, and so does their memory.

    settings  the sweep's own words, such as {"hydra.launcher.n_jobs": "2"}
    threads   of each run, if the user said so
    pending   runs to do
    memory    bytes that one of them takes

    Raises ConfigError if the launcher is not installed, or does not understand one of the words.
    """
    cores = usable_cores()
    most = _fitting(memory)
    launcher = _launcher(settings) or _default_launcher(cores, threads, min(pending, most))
    need(launcher)
    if launcher == "basic":
        return _share(launcher, 1, threads, settings, pending, [])
    makers: dict[str, Callable[..., tuple[int, int, list[str]]]] = {
        "joblib": _joblib, "submitit_local": _submitit_local,
        "submitit_slurm": _submitit_slurm, "ray": _ray,
    }  # fmt: skip
    here = launcher in ("joblib", "submitit_local")
    at_once = min(pending, most) if here else pending
    workers, own, words = makers[launcher](settings, threads, at_once, cores)
    if launcher == "submitit_slurm" and memory:
        words.append(f"hydra.launcher.mem_gb={math.ceil(1.25 * memory / 1e9)}")
    return _share(launcher, workers, own, settings, pending, words)


def _launcher(settings: Mapping[str, str]) -> str | None:
    """The launcher that the words choose, by its name or by a setting that only it has, so that it
    never depends on how much is left to do. Raises ConfigError if they do not belong together."""
    named = settings.get(LAUNCHER)
    owners = {word: _OWNERS[word.split(".")[2]] for word in settings
              if word.startswith("hydra.launcher.")}  # fmt: skip
    if named is not None:
        foreign = [word for word, own in owners.items() if named not in own]
        if foreign:
            raise ConfigError([
                f"{word}: {named} has no such setting. Leave it out, or choose"
                f" {LAUNCHER}={' or '.join(owners[word])}" for word in foreign
            ])  # fmt: skip
        return named
    able = [name for name in _PLUGINS if all(name in own for own in owners.values())]
    if owners and len(able) != 1:
        words = ", ".join(owners)
        rule = (
            f"name the launcher: {LAUNCHER}={' or '.join(able)}"
            if able
            else ("no launcher has all of them. Leave some out")
        )
        raise ConfigError(f"{words}: {rule}")
    return able[0] if owners else None


def _fitting(memory: int) -> int:
    """How many runs the memory that is free has room for, at least one."""
    free = available_memory()
    return max(1, free // memory) if free is not None and memory else MANY


def _share(
    launcher: str, workers: int, threads: int | None, settings: Mapping[str, str], pending: int,
    words: list[str],
) -> Share:  # fmt: skip
    """With a cluster's or a batch's jobs each starts a process, so there are as few as workers."""
    one_batch = launcher in ("submitit_local", "submitit_slurm")
    size = math.ceil(pending / (workers * (1 if one_batch else _TURNS)))
    size = size if one_batch else min(size, _MOST_PER_JOB)
    asked = settings.get("sweep.runs_per_job")
    size = int(asked) if asked else max(size, 1)
    given = [f"{key}={value}" for key, value in settings.items()
             if key.startswith("hydra") and not key.startswith("hydra/sweeper")]  # fmt: skip
    named = {word.partition("=")[0].lstrip("+") for word in given}
    words = [word for word in words if word.partition("=")[0].lstrip("+") not in named]
    choice = [] if LAUNCHER in settings else [f"{LAUNCHER}={launcher}"]
    return Share(launcher, workers, threads, size, [*choice, *_added(given), *words])


def _added(words: list[str]) -> list[str]:
    """Ray's own settings are a free mapping: new names in it need Hydra's `++`."""
    return [f"++{word}" if word.startswith("hydra.launcher.ray.") else word for word in words]


def _default_launcher(cores: int, threads: int | None, pending: int) -> str:
    several = pending > 1 and cores // (threads or 1) > 1
    return "joblib" if several and is_installed(_PLUGINS["joblib"][0]) else "basic"


def need(launcher: str) -> None:
    """Raises ConfigError if a launcher, or optuna, is not installed."""
    plugin, package = {**_PLUGINS, "optuna": _OPTUNA}.get(launcher, ("", ""))
    if plugin and not is_installed(plugin):
        raise ConfigError(f"{launcher} is not installed: pip install {package}")


def _joblib(
    settings: Mapping[str, str], threads: int | None, pending: int, cores: int
) -> tuple[int, int, list[str]]:
    asked = int(settings.get("hydra.launcher.n_jobs", "-1"))
    workers = min(asked if asked > 0 else max(cores // (threads or 1), 1), pending)
    return workers, threads or max(cores // workers, 1), [f"hydra.launcher.n_jobs={workers}"]


def _submitit_local(
    settings: Mapping[str, str], threads: int | None, pending: int, cores: int
) -> tuple[int, int, list[str]]:
    """The launcher starts all jobs of a batch at once, so a batch is what the cores can take."""
    own = int(settings.get("hydra.launcher.cpus_per_task", threads or 1))
    asked = settings.get("hydra.sweeper.max_batch_size")
    workers = int(asked) if asked else min(max(cores // own, 1), pending)
    words = [f"hydra.launcher.cpus_per_task={own}", "hydra.launcher.timeout_min=10080"]
    return workers, threads or own, [*words, f"hydra.sweeper.max_batch_size={workers}"]


def _submitit_slurm(
    settings: Mapping[str, str], threads: int | None, pending: int, cores: int
) -> tuple[int, int, list[str]]:
    own = int(settings.get("hydra.launcher.cpus_per_task", threads or 1))
    workers = int(settings.get("hydra.launcher.array_parallelism", _SLURM_JOBS))
    return min(workers, pending), threads or own, [f"hydra.launcher.cpus_per_task={own}"]


def _ray(
    settings: Mapping[str, str], threads: int | None, pending: int, cores: int
) -> tuple[int, int, list[str]]:
    """With a cluster of unknown size there are many small jobs: Ray deals them out."""
    own = int(settings.get("hydra.launcher.ray.remote.num_cpus", threads or 1))
    words = [f"++hydra.launcher.ray.remote.num_cpus={own}"]
    if settings.get("hydra.launcher.ray.init.address", "local") == "local":
        workers = int(settings.get("hydra.launcher.ray.init.num_cpus", cores)) // own
        words.append(f"++hydra.launcher.ray.init.num_cpus={max(workers, 1) * own}")
    else:  # Ray refuses a size of its store for a cluster that runs already
        workers = max(cores, 4)
        words.append("++hydra.launcher.ray.init.object_store_memory=null")
    return max(min(workers, pending), 1), threads or own, words


def quoted(path: Path) -> str:
    """A path as a value in Hydra's grammar."""
    text = str(path).replace("\\", "\\\\").replace("'", r"\'")
    return f"'{text}'"


def launch_plan(
    task: Callable[[Any], Any], plan: Plan, pending: Sequence[PlannedRun], share: Share
) -> None:
    """Have `task` called for each job that holds a pending run, by the launcher of the share.

    The jobs' settings say where the plan lies, which part of it is theirs (see `Plan.part`) and how
    many threads a run takes. Raises OutputError if the launcher ends before its jobs do.
    """
    place = {run.number: place for place, run in enumerate(plan.unique)}
    jobs = sorted({place[run.number] // share.size for run in pending})
    words = [
        f"plan={quoted(plan.path)}", f"size={share.size}", f"job={','.join(map(str, jobs))}",
        f"threads={share.threads or 'null'}", *share.words,
    ]  # fmt: skip
    launch(task, words, plan.folder / LAUNCHES)


def _as_worker(task: Callable[[Any], Any], job: Any) -> Any:
    """A job in whatever process the launcher chose; one that this process started ends with it."""
    if os.getppid() == job.parent:
        end_with_parent()
    return task(job)


def launch(task: Callable[[Any], Any], words: Sequence[str], folder: Path) -> None:
    """Run the jobs of configs/hydra/sweep.yaml with these words, by the launcher they choose.

    task    what a job calls, with its settings
    folder  for what launchers write, such as the logs of a cluster's jobs

    Raises OutputError if it ends before its jobs do.
    """
    with transport(folder) as own:
        every = [*words, f"parent={os.getpid()}", f"hydra.sweep.dir={quoted(own)}"]
        try:
            multirun(partial(_as_worker, task), configs_folder() / "hydra", "sweep", every)
        except Exception as error:
            stop_if_asked()
            if isinstance(error, OutputError):
                raise
            why = f"{type(error).__name__}: {error}"
            raise OutputError(f"the launcher stopped early: {why}") from error
