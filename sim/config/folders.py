"""Where configuration files are looked for: a study's own folder first, then Kyosei's.

A study is a folder of a researcher's own with `configs/` in it, laid out as Kyosei's: a file of the
same name replaces the shipped one, any other is one more choice of its group. The command reads the
study in which it is typed, or the one that `--config FOLDER` names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from sim.config.settings import configs_folder
from sim.core.errors import ConfigError
from sim.core.memory import State, state_of_files

CONFIGS: Final = "configs"

BY_COUNTRY: Final = ("scenario",)
"""Groups with a folder for each country: a name chooses among those of the country of the run."""

VARIABLE: Final = "KYOSEI_CONFIG"
"""Environment variable that names the configs of the study in use, "" for none: so that every
process that a command starts reads the same files, wherever it starts."""


class Configs(NamedTuple):
    """Folders of configuration files. A file is taken from the first one that has it."""

    folders: tuple[Path, ...]

    @property
    def study(self) -> Path | None:
        """The folder that is laid over Kyosei's own, if there is one."""
        return self.folders[0] if len(self.folders) > 1 else None

    def options(self, group: str) -> list[str]:
        """Names of the files of a group, in all folders."""
        return sorted({path.stem for folder in self.folders
                       for path in (folder / group).glob("*.yaml")})  # fmt: skip

    def own(self, group: str) -> list[str]:
        """Names of a group's files that only the study has; parts of files (`_name`) left out."""
        if self.study is None:
            return []
        return [name for name in self.options(group) if not name.startswith("_")
                and not any((folder / group / f"{name}.yaml").exists()
                            for folder in self.folders[1:])]  # fmt: skip

    def groups(self) -> list[str]:
        """Names of the groups of which a word may choose a file."""
        names = {path.name for folder in self.folders for path in folder.iterdir() if path.is_dir()}
        return [name for name in sorted(names) if name in BY_COUNTRY or self.options(name)]

    def file(self, name: str) -> Path:
        """The file of a name such as `scenario/enacted.yaml`; where it should be if nobody has it:
        in the last folder."""
        places = [folder / name for folder in self.folders]
        return next((path for path in places if path.exists()), places[-1])

    def shown(self, name: str) -> str:
        """What messages call a file: `configs/` is the study's, if there is one, and
        `kyosei/configs/` what it is laid over."""
        path = self.file(name)
        last = path.is_relative_to(self.folders[-1])
        folder = self.folders[-1] if last else self.folders[0]
        return f"{'kyosei/' if last and self.study else ''}{folder.name}/{name}"

    def state(self) -> tuple[State, ...]:
        """Changes when any file does."""
        return tuple(state_of_files(folder, "**/*.yaml") for folder in self.folders)


def place_of(group: str, country: str) -> str:
    """The folder of a group's files, below the folders of configurations."""
    return f"{group}/{country}" if group in BY_COUNTRY else group


def configs_here() -> Configs:
    """Kyosei's own files, and over them those of the study in use."""
    own = configs_folder().resolve()
    named = os.environ.get(VARIABLE)
    study = Path(named) if named else None if named == "" else study_in(Path.cwd())
    return Configs((own,) if study is None else (study.resolve(), own))


def study_in(folder: Path) -> Path | None:
    """The configs of the study in a folder; None if it is none, or the checkout of Kyosei."""
    configs, own = folder / CONFIGS, configs_folder()
    if not configs.is_dir() or configs.resolve() == own.resolve():
        return None
    return configs if any((own / path.name).is_dir() for path in configs.glob("*/")) else None


def named_study(folder: Path) -> Path:
    """The configs that `--config FOLDER` means: of the study FOLDER, or FOLDER itself.

    Raises ConfigError if it holds no group of Kyosei's configuration.
    """
    configs = study_in(folder) or (study_in(folder.parent) if folder.name == CONFIGS else None)
    if configs is None:
        raise ConfigError(
            f"--config {folder}\n    is not the folder of a study: it holds no {CONFIGS}/ with"
            f" files of Kyosei in it. `kyosei init {folder}` makes one."
        )
    return configs


@contextmanager
def reading(study: Path | None) -> Iterator[None]:
    """Read the configs of this study, here and in all processes that are started meanwhile."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "" if study is None else str(study.resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
