"""Finished runs read back: their tables with labels, and what distinguishes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import yaml

from sim.config.yaml import leaves
from sim.core.errors import ConfigError, nearest
from sim.files.folder import MANIFEST, is_complete, read_manifest, read_parquet
from sim.outputs.codebook import NAME as CODEBOOK

if TYPE_CHECKING:
    from sim.config.schema.run import RunConfig

CONFIG: Final = "config.yaml"

LANGUAGES: Final = ("en", "ja")


@dataclass(frozen=True)
class FinishedRun:
    """The folder of a finished run or study: `run["stocks"]` is a table with labels."""

    path: Path
    manifest: Mapping[str, Any]
    lang: str = "en"

    def __repr__(self) -> str:
        about = self.settings if self.kind == "run" and CONFIG in self.manifest["files"] else {}
        scenario = about.get("scenario", {}).get("name", "")
        what = f" {scenario}, {about['start']} to {about['end']}" if "end" in about else ""
        return f"<Kyosei {self.kind} {self.path.name}{what}: {', '.join(self.tables)}>"

    @property
    def kind(self) -> str:
        """What the folder holds: run, comparison, projection, ..."""
        return str(self.manifest.get("kind", "run"))

    @property
    def tables(self) -> list[str]:
        """Names of its tables."""
        return sorted(name.removesuffix(".parquet") for name in self.manifest["files"]
                      if name.endswith(".parquet"))  # fmt: skip

    @cached_property
    def codebook(self) -> dict[str, Any]:
        """The meaning of columns and codes; empty for a folder without one."""
        path = self.path / CODEBOOK
        known = CODEBOOK in self.manifest["files"]
        return dict(json.loads(path.read_text(encoding="utf-8"))) if known else {}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The resolved configuration as plain data."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, written in C
        return dict(yaml.load((self.path / CONFIG).read_bytes(), loader))

    @cached_property
    def config(self) -> RunConfig:
        """The resolved configuration, checked. Raises ConfigError if this version of Kyosei does
        not know it."""
        from sim.config.compose import from_yaml, with_data_in  # late: tables need no Hydra

        try:
            return with_data_in(self.path, from_yaml((self.path / CONFIG).read_bytes()))
        except ConfigError as error:
            why = (
                f"{self.path / CONFIG} was written by another version of Kyosei: make the run again"
            )
            raise ConfigError([why, *error.problems]) from error

    def frame(self, table: str) -> pd.DataFrame:
        """A table with its codes; months are datetime64. Raises ConfigError for no such table."""
        if table not in self.tables:
            raise ConfigError(f"{self.path} has no table {table}.{nearest(table, self.tables)}")
        return read_parquet(self.path / f"{table}.parquet").to_pandas(date_as_object=False)

    def __getitem__(self, table: str) -> pd.DataFrame:
        """A table with labels in place of codes, in the language of the run object."""
        frame = self.frame(table)
        for column, names in self.labels(table).items():
            if column in frame:
                frame[column] = frame[column].astype(object).map(lambda c, n=names: n.get(c, c))
                frame[column] = frame[column].astype("category")
        return frame

    def labels(self, table: str) -> dict[str, dict[str, str]]:
        """Column -> code -> label, for the columns of a table whose codes have labels."""
        columns = self.codebook.get("tables", {}).get(table, {}).get("columns", {})
        lists = self.codebook.get("codes", {})
        return {
            column: {code: label[self.lang] or label["ja"] or code
                     for code, label in lists[entry["codes"]].items()}
            for column, entry in columns.items()
            if "codes" in entry
        }  # fmt: skip


@dataclass(frozen=True)
class FinishedRuns:
    """Several finished runs: `runs["stocks"]` is one table of all, and says whose each row is."""

    runs: tuple[FinishedRun, ...]

    def __repr__(self) -> str:
        return f"<Kyosei {len(self.runs)} runs: {', '.join(self.tables)}>"

    @property
    def tables(self) -> list[str]:
        """Names of the tables that all of them have."""
        return sorted(set.intersection(*(set(run.tables) for run in self.runs)))

    def __getitem__(self, table: str) -> pd.DataFrame:
        """A table with labels, and columns run, scenario, seed and replicate before its own."""
        return pd.concat([self._told(run, run[table]) for run in self.runs], ignore_index=True)

    def frame(self, table: str) -> pd.DataFrame:
        """The same with codes."""
        parts = [self._told(run, run.frame(table)) for run in self.runs]
        return pd.concat(parts, ignore_index=True)

    @staticmethod
    def _told(run: FinishedRun, frame: pd.DataFrame) -> pd.DataFrame:
        about = run.settings
        own = {"run": run.path.name, "scenario": about.get("scenario", {}).get("name"),
               "seed": about.get("seed"), "replicate": about.get("replicate")}  # fmt: skip
        return frame.assign(**own)[[*own, *frame.columns]]


def read_any(folder: str | Path, lang: str = "en") -> FinishedRun | FinishedRuns:
    """The finished run or study in a folder; all runs below it, if it is none itself.

    lang  of labels: en, or ja for the country's own

    Raises ConfigError if there is no finished run, or for the language.
    """
    path = Path(folder)
    if not is_complete(path) and path.is_dir():
        runs = [read_run(run.path, lang) for run in finished_below(path) if run.kind == "run"]
        if runs:
            return FinishedRuns(tuple(runs))
    return read_run(path, lang)


def read_run(folder: str | Path, lang: str = "en") -> FinishedRun:
    """A finished run or study. Raises ConfigError if the folder is none, or for the language."""
    path = Path(folder)
    if lang not in LANGUAGES:
        raise ConfigError(f"lang={lang}: no such language.{nearest(lang, list(LANGUAGES))}")
    manifest = read_manifest(path)
    if manifest is None or not is_complete(path):
        raise ConfigError(f"{path} is not the folder of a finished run: it needs a {MANIFEST}")
    return FinishedRun(path, manifest, lang)


def finished_below(root: Path) -> Iterator[FinishedRun]:
    """Finished runs and studies in a folder and in the folders below it, by path."""
    for path in sorted(root.rglob(MANIFEST)):
        if read_manifest(path.parent) is not None and is_complete(path.parent):
            yield read_run(path.parent)


def differences(first: FinishedRun, second: FinishedRun) -> list[tuple[str, Any, Any]]:
    """(path, value in the first, value in the second) of every setting that differs; a setting
    that one of them lacks is None there."""
    one, other = dict(leaves(first.settings)), dict(leaves(second.settings))
    paths = [*one, *(path for path in other if path not in one)]
    return [(path, one.get(path), other.get(path)) for path in paths
            if one.get(path) != other.get(path)]  # fmt: skip
