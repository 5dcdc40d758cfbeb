"""All that Kyosei takes from Hydra: its grammar of words, its defaults lists, its launchers.

The only file that imports Hydra. It uses private modules, of which a minor version may change
anything: pyproject.toml pins the version exactly, and tests compare the result with Hydra's own.

Files: Hydra follows the defaults lists, and says which files make a configuration, in which order
and place. It would also parse every file in Python and merge them node by node, which took most of
a start: here the merging is done with what was read already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from hydra import initialize_config_dir, version
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob as Glob
from hydra.core.override_parser.types import IntervalSweep as IntervalSweep
from hydra.core.override_parser.types import Override as Override
from hydra.core.override_parser.types import RangeSweep as RangeSweep
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sim.config.folders import Configs
from sim.config.yaml import DEFAULTS, Document

Documents = Mapping[str, dict[Any, Any]]
"""What files say, by their path below the folder, without .yaml."""

VERSION: Final = "1.3"

MISSING: Final = "???"

HEAD: Final = 512
"""Characters in which Hydra looks for a package."""


def parse(word: str) -> Override:
    """A word such as `name=1,2` as Hydra's grammar reads it. Raises ValueError, in plain words."""
    try:
        return _parser().parse_override(word)
    except HydraException as error:
        raise ValueError(str(error).splitlines()[0]) from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


@cache
def _parser() -> OverridesParser:
    """Made once: it takes 0.1 ms, and reading a word 0.1 ms more."""
    return OverridesParser.create()


class _Source(FileConfigSource):
    """The files of a folder, of which Hydra reads the defaults lists and nothing else.

    documents: what files say, as far as it is known; the caller adds to it
    """

    def __init__(self, folder: Path, documents: Documents) -> None:
        super().__init__(str(folder), str(folder))
        self.documents = documents

    def load_config(self, config_path: str) -> ConfigResult:
        with open(Path(self.path) / f"{config_path}.yaml", encoding="utf-8") as text:
            header = ConfigSource._get_header_dict(text.read(HEAD))  # noqa: SLF001  (Hydra's own)
        document = self.documents[config_path]
        lists = {DEFAULTS: document[DEFAULTS]} if DEFAULTS in document else {}
        return ConfigResult(self.provider, self.path, OmegaConf.create(lists), header)


class _Repository(ConfigRepository):
    """Sources of which the first that has a file counts, each file loaded once."""

    def __init__(self, sources: Sequence[_Source]) -> None:
        self.sources = list(sources)
        self._loaded: dict[str, ConfigResult | None] = {}

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self._loaded:
            self._loaded[config_path] = super().load_config(config_path)
        return self._loaded[config_path]


class Files:
    """The files of folders as they are now: what one composition has read, the next one knows."""

    def __init__(self, configs: Configs) -> None:
        self.read: dict[str, Document] = {}
        self.documents: dict[str, dict[Any, Any]] = {}
        sources = [_Source(folder, self.documents) for folder in configs.folders]
        self.repository = _Repository(sources)


def laid_together(
    files: Files, primary: str, choices: list[str], documents: Documents
) -> dict[Any, Any]:
    """The mappings of all files that `primary` and the choices call for, one over the other.

    Raises ValueError if they do not fit together.
    """
    version.setbase(VERSION)
    files.documents.update(documents)
    try:
        asked = OverridesParser.create().parse_overrides(choices)
        chosen = create_defaults_list(files.repository, primary, asked, False, False)
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(str(error).strip().splitlines()[0]) from error
    out: dict[Any, Any] = {}
    for file in chosen.defaults:
        document = documents[str(file.config_path)]
        what = {key: value for key, value in document.items() if key != DEFAULTS}
        for step in reversed(file.package.split(".") if file.package else []):
            what = {step: what}
        lay_over(out, what)
    return out


def lay_over(old: dict[Any, Any], new: Mapping[Any, Any]) -> None:
    """Mappings go into mappings; everything else, lists too, replaces what was there."""
    for key, value in new.items():
        if isinstance(value, dict):
            if not isinstance(old.get(key), dict):
                old[key] = {}
            lay_over(old[key], value)
        elif value != MISSING or key not in old:
            old[key] = list(value) if isinstance(value, list) else value


def multirun(task: Callable[[Any], Any], folder: Path, primary: str, words: Sequence[str]) -> None:
    """Call `task` once for each combination of values in the words, by the launcher they choose.

    task     called with the composed settings of its job, here or in a process of the launcher's;
             it must be importable there
    folder   absolute path of the folder that holds `primary`.yaml

    Raises what a job raised, or the launcher: anything.
    """
    with initialize_config_dir(str(folder), job_name="kyosei", version_base=VERSION):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # it was initialised in the line above
        hydra.multirun(config_name=primary, task_function=task, overrides=list(words))


def words_of_job() -> list[str]:
    """The words of the job under way that concern its own settings."""
    return [str(word) for word in HydraConfig.get().overrides.task]
