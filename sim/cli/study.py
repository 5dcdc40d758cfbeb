"""Verbs about a study folder of one's own: `kyosei init`, `kyosei new`."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.config.folders import CONFIGS, configs_here, reading
from sim.core.errors import ConfigError, nearest

DONE = 0

_INIT_EXAMPLES = """\
example:
  kyosei init my_study
  cd my_study
  kyosei run scenario=my_scenario experiment=my_experiment

Every verb reads the configs/ of the study in which it is typed over Kyosei's own, or those of
another one: `kyosei run --config my_study scenario=my_scenario`.
"""

_NEW_EXAMPLES = """\
examples:
  kyosei new scenario fewer_students
  kyosei new lever my_fee
  kyosei new indicator vietnamese_share

Writes a file with comments into the configs/ of the study, and says what to do next.
"""


class Kind(NamedTuple):
    """What `kyosei new` writes: the files, by template, and what to do next.

    {country}, {name} stand for themselves.
    """

    files: Mapping[str, str]
    then: str


KINDS: Final[Mapping[str, Kind]] = {
    "scenario": Kind(
        {"scenario": "scenario/{country}/{name}.yaml"},
        "kyosei compare scenario=enacted,{name} replicates=4 scale=0.01 end=2035-12",
    ),
    "lever": Kind(
        {"lever": "policy/{country}/{name}.yaml"},
        "name it under `levers:` of a scenario of yours; kyosei levers --show {name}",
    ),
    "status": Kind(
        {"status": "status/{country}/{name}.yaml", "channel": "channel/{country}/{name}.yaml"},
        "kyosei run scale=0.01 end=2030-12",
    ),
    "indicator": Kind({"indicator": "indicator/{name}.yaml"}, "kyosei run scale=0.01 end=2030-12"),
    "experiment": Kind({"experiment": "experiment/{name}.yaml"}, "kyosei run experiment={name}"),
    "sweep": Kind({"sweep": "sweep/{name}.yaml"}, "kyosei run -m sweep={name} --cfg"),
}

FIRST: Final = ("scenario", "lever", "experiment", "sweep")
"""What a new study begins with, each called `my_` and its kind."""

SCHEMA: Final = ".schema"
"""Folder of a study's configs with a JSON Schema for each kind of file."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")

IGNORED: Final = "runs/\ncomparisons/\nprojections/\nhindcasts/\nexport/\n"


def add_verbs(verbs: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the verbs to the parser of the command."""
    init = verbs.add_parser(
        "init", help="make a study folder of your own", epilog=_INIT_EXAMPLES,
        description="Make a folder for scenarios, levers, sweeps and experiments of your own.",
        formatter_class=formatter,
    )  # fmt: skip
    init.add_argument("folder", type=Path, metavar="FOLDER")
    init.set_defaults(action=_init)
    new = verbs.add_parser(
        "new", help="write a commented scenario, lever, status or indicator", epilog=_NEW_EXAMPLES,
        description="Write a file of your own, with comments, into the study in which you are.",
        formatter_class=formatter,
    )  # fmt: skip
    new.add_argument("kind", metavar="KIND", help=f"one of {', '.join(KINDS)}")
    new.add_argument("name", metavar="NAME", help="lower-case letters, digits and _")
    new.set_defaults(action=_new)


def _init(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    with reading(None):
        country = _country()
        texts = {folder / "README.md": _template(country, "README.md", folder.resolve().name),
                 folder / ".gitignore": IGNORED}  # fmt: skip
        texts |= _schemas(folder / CONFIGS)
        for kind in FIRST:
            texts |= _files(folder / CONFIGS, country, kind, f"my_{kind}")
    _write(texts)
    print(f"{folder} is a study. Now:\n  cd {folder}\n"
          "  kyosei run scenario=my_scenario experiment=my_experiment")  # fmt: skip
    return DONE


def _new(options: argparse.Namespace) -> int:
    if options.kind not in KINDS:
        raise ConfigError(f"there is no kind {options.kind}.{nearest(options.kind, KINDS)}")
    if _NAME.fullmatch(options.name) is None:
        raise ConfigError(
            f"{options.name} cannot be a name: lower-case letters, digits and _, first a letter"
        )
    configs = configs_here()
    if configs.study is None:
        raise ConfigError("this is not the folder of a study: `kyosei init FOLDER` makes one")
    texts = _files(configs.study, _country(), options.kind, options.name)
    _write(texts)
    print(*texts, sep="\n")
    print(f"next: edit {'them' if len(texts) > 1 else 'it'}, then\n  "
          f"{KINDS[options.kind].then.format(name=options.name)}")  # fmt: skip
    return DONE


def _schemas(configs: Path) -> dict[Path, str]:
    """JSON Schema for editors, which the first line of each template names."""
    from sim.config.schema.editors import schemas

    return {configs / SCHEMA / f"{kind}.json": json.dumps(schema, indent=1) + "\n"
            for kind, schema in schemas().items()}  # fmt: skip


def _country() -> str:
    from sim.config.files import country_of

    return country_of((), configs_here())


def _files(configs: Path, country: str, kind: str, name: str) -> dict[Path, str]:
    """Path -> text of the files of a new thing. Raises ConfigError if the name is taken."""
    files = {template: path.format(country=country, name=name)
             for template, path in KINDS[kind].files.items()}  # fmt: skip
    taken = [path for path in files.values() if configs_here().file(path).exists()]
    if taken:
        raise ConfigError([f"{configs_here().shown(path)} is there already: take another name"
                           for path in taken])  # fmt: skip
    return {configs / path: _template(country, f"{template}.yaml", name)
            for template, path in files.items()}  # fmt: skip


def _template(country: str, file: str, name: str) -> str:
    path = configs_here().file(f"template/{country}/{file}")
    text = path.read_text(encoding="utf-8").replace("NAME", name)
    return text.replace("id: ID", f"id: {_free_id()}") if "id: ID" in text else text


def _free_id() -> str:
    """The first identity MY01, MY02, ... that no lever has."""
    from sim.config.compose import compose

    taken = {lever.id for lever in compose([]).policy.values()}
    return next(f"MY{k:02d}" for k in range(1, 100) if f"MY{k:02d}" not in taken)


def _write(texts: Mapping[Path, str]) -> None:
    """Write files that are not there yet. Raises ConfigError, before any is written, for others."""
    from sim.files.folder import write_atomically

    there = [path for path in texts if path.exists()]
    if there:
        raise ConfigError([f"{path} is there already and stays as it is" for path in there])
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda stream, text=text: stream.write(text.encode()))  # type: ignore[misc]
