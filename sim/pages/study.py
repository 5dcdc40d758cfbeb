"""What a page is about: finished folders, verified and read into one `Study`.

A folder is told by the `kind` of its manifest. `READERS` has one reader for each kind that a page
can be made from; the past scores of a hindcast may stand beside any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from sim.config.schema.base import Label
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError, KyoseiError
from sim.files.folder import MANIFEST
from sim.files.manifest import verify
from sim.outputs.read import FinishedRun, read_run
from sim.studies.comparison.effects import Design, arms_of, effects_table, values_table
from sim.studies.comparison.series import EVERYBODY, series_of

ALONE: Final = Design(0.95)
"""Of runs that differ by their random numbers alone."""

ROUND_YEARS: Final = range(2030, 2101, 10)

BROKEN: Final = 4

SCORES: Final = "scoreboard"


Member = tuple[tuple[int, int], FinishedRun, RunConfig]
"""(seed, replicate), a run that was made with them, and its settings."""


class NotVerified(KyoseiError):
    """A folder is not as its manifest says."""

    exit_code = BROKEN


@dataclass(frozen=True)
class Arm:
    """One scenario of a study, with the folders of its runs in order of replicate.

    config  None, and folders empty, if the runs are not beside the comparison any more
    """

    code: str
    title: Label
    config: RunConfig | None
    folders: tuple[Path, ...]


class Quantiles(NamedTuple):
    """What a projection has beside its values.

    table     month, indicator, by, group, members and `sim.figures.fan.NAMES`
    variance  month, outcome, source, share, low, high; empty if it was not split
    """

    table: pd.DataFrame
    variance: pd.DataFrame


@dataclass(frozen=True)
class Study:
    """One or more scenarios over the same months.

    kind        what the manifest says: run, comparison, projection
    number      16 hexadecimal digits of the folder
    config      of the baseline
    arms        the baseline first
    values      month, indicator, by, group, arm, mean, low, high (see
                `sim.studies.comparison.effects`); low and high are NaN where there is no interval
    effects     month, indicator, by, group, arm, effect, se, low, high, random_low, random_high;
                None if nothing is paired
    named       months, YYYY-MM, that tables by group are given for, in order
    replicates  runs of each arm
    design      of the replicates, and the level of their intervals
    manifest    of the folder that the study was read from
    scores      the scoreboard of a hindcast, if its folder was given
    quantiles   of a projection; its values are medians with 80 % intervals, its one arm has the run
                in detail as its folder
    """

    kind: str
    number: str
    config: RunConfig
    arms: tuple[Arm, ...]
    values: pd.DataFrame
    effects: pd.DataFrame | None
    named: list[str]
    replicates: int
    design: Design
    manifest: Mapping[str, Any]
    scores: pd.DataFrame | None = None
    quantiles: Quantiles | None = None

    @property
    def months(self) -> pd.DatetimeIndex:
        """All months, in order."""
        return pd.DatetimeIndex(sorted(self.values["month"].unique()))


def read_study(folders: Sequence[Path]) -> Study:
    """Read the folders of runs with the same months, of one comparison or of one projection; a
    hindcast may be among them.

    Raises ConfigError if they make no page together, NotVerified if one is not as its manifest
    says, OutputError if a table cannot be read.
    """
    found = [finished(folder) for folder in folders]
    boards = [each for each in found if each.kind == "hindcast"]
    others = [each for each in found if each.kind != "hindcast"]
    kinds = sorted({each.kind for each in others})
    if not others:
        raise ConfigError(
            "name a run, a comparison or a projection, too: a hindcast gives past scores only"
        )
    unknown = [each for each in others if each.kind not in READERS]
    if unknown:
        able = ", ".join(sorted([*READERS, "hindcast"]))
        raise ConfigError([
            f"{each.path} is the folder of a {each.kind}: a page is made of {able}"
            for each in unknown
        ])  # fmt: skip
    if len(kinds) > 1:
        raise ConfigError(f"one page shows one kind of folder, not {' and '.join(kinds)}")
    if len(boards) > 1:
        raise ConfigError("name one hindcast: the folder that `kyosei hindcast` printed last")
    study = READERS[kinds[0]](others)
    return replace(study, scores=boards[0].frame(SCORES)) if boards else study


def finished(folder: Path) -> FinishedRun:
    """A folder that verifies. Raises ConfigError if it is none, NotVerified if damaged."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder")
    if not (folder / MANIFEST).is_file():
        raise ConfigError(f"{folder} holds no {MANIFEST}: nothing was finished there")
    if problems := verify(folder):
        raise NotVerified([f"{folder}: {problem}" for problem in problems])
    return read_run(folder)


def _only(found: Sequence[FinishedRun]) -> FinishedRun:
    if len(found) > 1:
        raise ConfigError(f"one page shows one {found[0].kind}: name one folder")
    return found[0]


def _comparison(found: Sequence[FinishedRun]) -> Study:
    run = _only(found)
    path, manifest = run.path, run.manifest
    values, effects = run.frame("values"), run.frame("effects")
    names = [str(name) for name in values["arm"].unique()]  # those that were asked for, in order
    runs: Mapping[str, list[str]] = manifest["runs"]
    arms = [_arm_of(name, [path.parent / run for run in runs[name]]) for name in names]
    return Study(
        "comparison", path.resolve().name, run.config, _told_apart(arms), values, effects,
        list(manifest["named_months"]), int(manifest["replicates"]),
        Design(float(manifest["confidence"]), bool(manifest.get("drawn"))), manifest,
    )  # fmt: skip


def _projection(found: Sequence[FinishedRun]) -> Study:
    run = _only(found)
    path, manifest, config = run.path, run.manifest, run.config
    detail = path.parent / manifest["detail"]
    there = (detail / MANIFEST).is_file()
    arm = Arm(config.scenario.name, config.scenario.title, config,
              (finished(detail).path,) if there else ())  # fmt: skip
    table = run.frame("quantiles")
    shown = table["by"].isin([EVERYBODY, "status", "origin", "prefecture"])
    columns = {"median": "mean", "q10": "low", "q90": "high"}
    values = table.loc[shown, ["month", "indicator", "by", "group", *columns]]
    variance = run.frame("variance") if "variance" in run.tables else pd.DataFrame()
    named = [f"{year}-12" for year in range(2030, 2101, 5)]
    return Study(
        "projection", path.resolve().name, config, (arm,),
        values.rename(columns=columns).assign(arm=arm.code), None,
        [*(month for month in named if config.start < month < config.end), config.end],
        int(manifest["members"]), Design(0.8, drawn=True), manifest,
        quantiles=Quantiles(table, variance),
    )  # fmt: skip


def _arm_of(name: str, folders: Sequence[Path]) -> Arm:
    """An arm of a comparison from the folders of its runs, if all are there."""
    if not all((folder / MANIFEST).is_file() for folder in folders):
        return Arm(name, Label(en=name, ja=name), None, ())
    first, *_ = [finished(folder) for folder in folders]
    return Arm(name, first.config.scenario.title, first.config, tuple(folders))


def _told_apart(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """With the code in the title where two arms have one title."""
    titles = [arm.title.en for arm in arms]
    return tuple(
        replace(arm, title=Label(en=f"{arm.title.en} ({arm.code})",
                                 ja=f"{arm.title.ja}（{arm.code}）"))
        if titles.count(arm.title.en) > 1 else arm
        for arm in arms
    )  # fmt: skip


def _runs(found: Sequence[FinishedRun]) -> Study:
    """Runs, gathered by all that their settings say but the random seed: runs of one scenario with
    several seeds are replicates, and scenarios with the same seeds are paired."""
    groups: dict[str, list[Member]] = {}
    for each in found:
        config = each.config
        alike = config.model_copy(update={"seed": 0, "replicate": 0, "figures": False})
        drawn_with = config.seed, config.replicate
        groups.setdefault(repr(alike), []).append((drawn_with, each, config))
    _check_runs(found, list(groups.values()))
    arms, series = [], {}
    for members in groups.values():
        members.sort(key=lambda member: member[0])
        own = members[0][2]
        code = own.scenario.name
        code = code if code not in series else f"{code}_{members[0][1].path.resolve().name[:6]}"
        arms.append(Arm(code, own.scenario.title, own, tuple(m[1].path for m in members)))
        series[code] = [
            series_of(each.path, config).to_pandas(date_as_object=False)
            for _, each, config in members
        ]
    first = found[0]
    config = next(iter(groups.values()))[0][2]  # of the baseline
    seeds = {tuple(member[0] for member in members) for members in groups.values()}
    named = [f"{year}-12" for year in ROUND_YEARS if config.start < f"{year}-12" < config.end]
    months = [pd.Timestamp(f"{month}-01") for month in (*named, config.end)]
    values = pd.concat([values_table(arms_of({name: own}, ALONE), months)
                        for name, own in series.items()])  # fmt: skip
    paired = len(series) > 1 and len(seeds) == 1
    effects = effects_table(arms_of(series, ALONE), months) if paired else None
    return Study(
        "run", first.path.resolve().name, config, _told_apart(arms), values, effects,
        [*named, config.end], min(len(own) for own in series.values()), ALONE,
        first.manifest,
    )  # fmt: skip


def _check_runs(found: Sequence[FinishedRun], groups: Sequence[list[Member]]) -> None:
    """Raise ConfigError if the runs do not go together."""
    problems = []
    first = found[0]
    for name in ("country", "start", "end", "scale"):
        problems += [
            f"{name}: {each.manifest[name]} in {each.path}, {first.manifest[name]} in {first.path}"
            for each in found
            if each.manifest[name] != first.manifest[name]
        ]
    for members in groups:
        seeds = [drawn_with for drawn_with, _, _ in members]
        problems += [
            f"{each.path} is named twice, or is the same run as another"
            for drawn_with, each, _ in members
            if seeds.count(drawn_with) > 1
        ]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))


READERS: Final[dict[str, Callable[[Sequence[FinishedRun]], Study]]] = {
    "run": _runs,
    "comparison": _comparison,
    "projection": _projection,
}
