"""From files and words of the command line to one checked and frozen RunConfig, or every problem.

Hydra follows the defaults lists (see sim.config.hydra); nothing in the files is ever executed,
looked up or filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sim import PACKAGE
from sim.config.checks.run import check, out_of_range
from sim.config.files import COMMAND_LINE, PRIMARY, Origin, Sources, read_files
from sim.config.fit_draws import drawn, read_factor
from sim.config.folders import Configs, configs_here
from sim.config.hydra import Files, Override, laid_together, parse
from sim.config.levers import hold_laws
from sim.config.messages import Problem, explained, with_sources
from sim.config.schema.run import RunConfig
from sim.config.words import Words, lay_words_over, read_words
from sim.config.yaml import read, write, written_key
from sim.core.errors import ConfigError
from sim.core.memory import ByIdentity, LastResults
from sim.core.threads import usable_cores
from sim.files.foreign import Row, Unreadable, read_rows

DATA: Final = PACKAGE / "data"


class _Known:
    """What was read and composed from folders of files, as the files stand."""

    def __init__(self, configs: Configs) -> None:
        self.files = Files(configs)
        self.composed: LastResults[tuple[Sources, dict[Any, Any]]] = LastResults(size=16)
        """By choices of files."""


_CONFIGS: Final[LastResults[_Known]] = LastResults(size=2)
"""By folders and state of the files. Reading 150 files and laying them together takes 0.9 s, all
the rest of a composition 0.07 s."""

_SECTIONS: Final[LastResults[BaseModel]] = LastResults(size=512)
"""By path and text, which tells 1, 1.0 and true apart, as == does not. Validating all sections
takes 0.04 s of a composition's 0.07 s; and configurations of one process share the sections that
they have in common, so that a plan may keep a thousand configurations."""

_TEXTS: Final[ByIdentity[str]] = ByIdentity(size=640)
"""Of frozen sections. Writing all of them takes 0.07 s, for the number of each run."""


def compose(overrides: Sequence[str], config_dir: Path | None = None) -> RunConfig:
    """The configuration of one run.

    overrides   words such as `scale=0.01`, `scenario=NAME`, `status.student.work=none`, `~name`
    config_dir  a folder with a config.yaml and all that it needs; if not given, Kyosei's own files
                and those of the study in the working folder (see `sim.config.folders`)

    Raises ConfigError with every problem found.
    """
    configs = configs_here() if config_dir is None else Configs((Path(config_dir).resolve(),))
    if not configs.file(f"{PRIMARY}.yaml").is_file():
        raise ConfigError(
            f"{configs.folders[-1]}  holds no {PRIMARY}.yaml. Give the folder of configurations."
        )
    words = read_words(overrides, configs, _override)
    composed, sources = _files(configs, words)
    problems = lay_words_over(composed, words, sources)
    hold_laws(composed)
    try:
        config = _checked(composed, sources)
        problems += with_sources(_too_many_threads(config), sources)
        problems += with_sources(_slips(config, sources), sources)
        problems += with_sources(_misnamed(config, sources), sources)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return _drawn(with_data_in(Path.cwd(), config), configs)


def with_data_in(folder: Path, config: RunConfig) -> RunConfig:
    """The same with the files of `data` as found from a folder: a run keeps them beside it, and
    a process that is started elsewhere reads the same ones."""
    if config.data is None:
        return config
    files = {table: str(folder / file) for table, file in config.data.items()}
    return config.model_copy(update={"data": files})


def _drawn(config: RunConfig, configs: Configs) -> RunConfig:
    """The configuration with the rates of the draw that `fit.draw` names."""
    if config.fit.draw == 0:
        return config
    fit = drawn(config.fit, read_factor(configs, config.fit), config.fit.draw)
    return config.model_copy(update={"fit": fit})


def _files(configs: Configs, words: Words) -> tuple[dict[Any, Any], Sources]:
    """What the chosen files say, and where, for the caller to lay words over, which copies what it
    changes. Files that have not changed are read once.
    """
    known = _CONFIGS.get((configs, configs.state()), lambda: _Known(configs))

    def made() -> tuple[Sources, dict[Any, Any]]:
        sources = read_files(configs, words.choices, known.files.read)
        if words.problems or sources.problems:
            raise ConfigError(words.problems + sources.problems)
        return sources, _composed(configs, words.hydra, sources, known.files)

    sources, composed = known.composed.get(tuple(words.hydra), made)
    if words.problems:
        raise ConfigError(words.problems)
    return dict(composed), sources.own()


def _misnamed(config: RunConfig, sources: Sources) -> Iterator[Problem]:
    """A copied file that kept the name of the old one would run under the other's label."""
    for group, name in (("scenario", config.scenario.name), ("fit", config.fit.name)):
        # The chosen file is read before those that it is based on.
        files = (file for file in sources.documents if file.partition("/")[0] == group)
        file = next(files, name)
        own = file.rpartition("/")[2]
        if name != own and sources.file((group, "name")) != COMMAND_LINE:
            rule = f"must be the name of its file. Write name: {own} in {file}.yaml."
            yield Problem((group, "name"), rule, name)


def from_yaml(text: str | bytes) -> RunConfig:
    """The configuration that `to_yaml` wrote. Raises ConfigError with every problem found."""
    document = read(text, f"{PRIMARY}.yaml")
    sources = Sources(f"{PRIMARY}.yaml")
    for path, (line, written) in document.written.items():
        sources.origins[path] = Origin(f"{document.name}:{line}", written)
    if document.problems:
        raise ConfigError(document.problems)
    return _checked(document.value, sources)


def to_yaml(config: RunConfig) -> str:
    """The whole configuration as YAML: the same text for equal settings, and it reads back equal.

    Only settings whose default is nothing are left out while they are nothing.
    """
    parts = []
    for name, field in RunConfig.model_fields.items():
        value = getattr(config, name)
        if value is None and not field.is_required():
            continue
        if isinstance(value, BaseModel):
            parts.append(f"{name}:{_body(value, 1)}")
        elif isinstance(value, dict) and any(isinstance(v, BaseModel) for v in value.values()):
            entries = (f"  {written_key(key)}:{_body(inner, 2)}" for key, inner in value.items())
            parts.append(f"{name}:\n{''.join(entries)}")
        else:
            parts.append(write({field.alias or name: value}))
    return "".join(parts)


def _body(section: BaseModel, depth: int) -> str:
    """What stands behind the name of a section that stands at `depth - 1`."""

    def made() -> str:
        text = write(_plain(section), depth)
        return f"\n{text}" if text else " {}\n"

    return _TEXTS.get((section,), made, depth)


def plain_yaml(value: Any) -> str:
    """Settings, or mappings of them, as YAML, as `to_yaml` writes the whole."""
    return write(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        given = {name: (getattr(value, name), field) for name, field in fields}
        return {
            field.alias or name: _plain(inner)
            for name, (inner, field) in given.items()
            if inner is not None or field.is_required()
        }
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


@lru_cache(maxsize=4096)
def _override(word: str) -> Override:
    """A word as Hydra reads it. Takes 0.2 ms; the lines of a sweep share most of their words."""
    try:
        return parse(word)
    except ValueError as error:
        raise ValueError(str(error).rstrip(".").lower()) from error


def _composed(
    configs: Configs, choices: list[str], sources: Sources, files: Files
) -> dict[Any, Any]:
    try:
        composed = laid_together(files, PRIMARY, choices, sources.documents)
    except ValueError as error:
        raise ConfigError(f"{sources.name}  cannot be composed\n    {error}") from error
    _list_own(composed, configs)
    return composed


def _list_own(composed: dict[Any, Any], configs: Configs) -> None:
    """Statuses that only the study has come last in the list of the country."""
    country, statuses = composed.get("country"), composed.get("status")
    if configs.study is None or not isinstance(country, dict) or not isinstance(statuses, dict):
        return
    listed = country.get("statuses")
    if isinstance(listed, list):
        own = configs.own(f"status/{country.get('name')}")
        country["statuses"] = list(dict.fromkeys([*listed, *(s for s in own if s in statuses)]))


def _checked(composed: dict[Any, Any], sources: Sources) -> RunConfig:
    """Shape and bounds first; what only makes sense together once these hold."""
    try:
        config = RunConfig.model_validate(_with_known(composed))
    except ValidationError as error:
        raise ConfigError(with_sources(explained(error), sources)) from error
    problems = with_sources(check(config, _source_keys(config)), sources)
    if problems:
        raise ConfigError(problems)
    return config


def _with_known(composed: dict[Any, Any]) -> dict[Any, Any]:
    """The same with its sections validated, where they are valid: equal text gives the identical
    object."""
    out = dict(composed)
    for name, field in RunConfig.model_fields.items():
        raw, kind = composed.get(name), field.annotation
        if not isinstance(raw, dict):
            continue
        for part in get_args(kind) if isinstance(kind, UnionType) else (kind,):
            inner = get_args(part)[1] if get_origin(part) is dict else None
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                out[name] = {key: _section((name, key), inner, own) for key, own in raw.items()}
            elif isinstance(part, type) and issubclass(part, BaseModel):
                out[name] = _section((name,), part, raw)
    return out


def _section(path: tuple[Any, ...], kind: type[BaseModel], raw: Any) -> Any:
    """A section as its model; as it is, if it is not valid: validating the whole will say why."""
    try:
        return _SECTIONS.get((path, repr(raw)), lambda: kind.model_validate(raw))
    except ValidationError:
        return raw


def _source_keys(config: RunConfig) -> frozenset[str]:
    """Keys of the country's list of sources; none if there is no such list."""
    path = DATA / config.country.data / "sources.csv"
    if not path.is_file():
        raise ConfigError(
            f"country.data = {config.country.data}\n    there is no list of sources {path}:"
            " name a folder of sim/data."
        )
    try:
        header, *rows = read_rows(path) or [Row(1, [])]
        if "source" not in header.cells:
            raise Unreadable(f"{path.name}:{header.line}", "has no column source")
        place = header.cells.index("source")
        return frozenset(row.cells[place] for row in rows if len(row.cells) > place)
    except Unreadable as error:
        raise ConfigError(str(error)) from error


def _slips(config: RunConfig, sources: Sources) -> list[Problem]:
    """Values outside a range that was written in the same file."""
    return [
        problem
        for problem in out_of_range(config)
        for bound in ("low", "high")
        if sources.file((*problem.path[:-1], bound)) == sources.file(problem.path)
    ]


def _too_many_threads(config: RunConfig) -> list[Problem]:
    """A configuration may come from a larger machine; a wish from the command line may not."""
    cores = usable_cores()
    if config.threads is None or config.threads <= cores:
        return []
    rule = f"this machine has {cores} cores. Write {cores} or less, or null for all."
    return [Problem(("threads",), rule, config.threads)]
