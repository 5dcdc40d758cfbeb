"""The verb `kyosei levers`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from sim.errors import ConfigError
from sim.settings import check_overrides


def add_verb(verbs: Any) -> None:
    """Add the verb to argparse's subcommands."""
    verb = verbs.add_parser(
        "levers",
        help="the policy levers: list, one in full, the dated table of a scenario, a difference",
        description="Without options the list of all levers and how the scenario pulls them.",
    )
    verb.add_argument("overrides", nargs="*", metavar="name=value", help="scenario=NAME and others")
    what = verb.add_mutually_exclusive_group()
    what.add_argument("--show", metavar="LEVER", help="one lever in full, such as JP07")
    what.add_argument("--table", action="store_true", help="what is in force from which month")
    what.add_argument("--against", metavar="SCENARIO", help="what differs from another scenario")
    verb.add_argument("--json", action="store_true", help="JSON instead of text")
    verb.set_defaults(action=_levers)


def _levers(options: argparse.Namespace) -> int:
    problems = check_overrides(options.overrides, sweep=False)
    if problems:
        raise ConfigError(problems)
    from sim import lever_text as text
    from sim.config import compose, plain_yaml

    config = compose(options.overrides)
    if options.show:
        code, lever = text.one(config, options.show)
        plain = {code: lever}
        print(_json(plain) if options.json else plain_yaml(plain), end="")
        return 0
    if options.table:
        rows = text.table(config)
    elif options.against:
        words = [word for word in options.overrides if not word.startswith("scenario=")]
        rows = text.difference(config, compose([*words, f"scenario={options.against}"]))
    else:
        rows = text.listing(config)
    print(_json(rows).rstrip() if options.json else text.as_text(rows))
    return 0


def _json(value: Any) -> str:
    def plain(inner: Any) -> Any:
        return inner.model_dump(mode="json")

    return json.dumps(value, default=plain, ensure_ascii=False, indent=2) + "\n"
