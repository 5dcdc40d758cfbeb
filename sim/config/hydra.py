"""Which files make a configuration, in which order and place, by Hydra; what they say, as read.

Hydra follows the defaults lists. It would also parse every file in Python and lay them over each
other node by node, which took most of a start: here that is done with what was read already.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hydra import version
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from sim.config.yaml import DEFAULTS, Document

Documents = Mapping[str, dict[Any, Any]]
"""What files say, by their path below the folder, without .yaml."""

VERSION: Final = "1.3"

MISSING: Final = "???"

HEAD: Final = 512
"""Characters in which Hydra looks for a package."""


class _Source(FileConfigSource):
    """The files of a folder, of which Hydra shall see the defaults lists alone."""

    def __init__(self, folder: Path) -> None:
        super().__init__("main", str(folder))
        self.documents: dict[str, dict[Any, Any]] = {}

    def load_config(self, config_path: str) -> ConfigResult:
        with open(Path(self.path) / f"{config_path}.yaml", encoding="utf-8") as text:
            header = ConfigSource._get_header_dict(text.read(HEAD))  # noqa: SLF001  (Hydra's own)
        document = self.documents[config_path]
        lists = {DEFAULTS: document[DEFAULTS]} if DEFAULTS in document else {}
        return ConfigResult(self.provider, self.path, OmegaConf.create(lists), header)


class _Repository(ConfigRepository):
    """One source, each file of it loaded once."""

    def __init__(self, source: _Source) -> None:
        self.sources = [source]
        self._loaded: dict[str, ConfigResult | None] = {}

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self._loaded:
            self._loaded[config_path] = super().load_config(config_path)
        return self._loaded[config_path]


class Files:
    """The files of a folder as they are now: what one composition has read, the next one knows."""

    def __init__(self, folder: Path) -> None:
        self.read: dict[str, Document] = {}
        self.source = _Source(folder)
        self.repository = _Repository(self.source)


def laid_together(
    files: Files, primary: str, choices: list[str], documents: Documents
) -> dict[Any, Any]:
    """The mappings of all files that `primary` and the choices call for, one over the other.

    Raises HydraException if they do not fit together.
    """
    version.setbase(VERSION)
    files.source.documents.update(documents)
    asked = OverridesParser.create().parse_overrides(choices)
    chosen = create_defaults_list(files.repository, primary, asked, False, False)
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
