"""The model in the ODD protocol: `kyosei describe`.

Overview, design concepts, details (Grimm et al. 2020, Journal of Artificial Societies and Social
Simulation 23(2) 7), made from what runs: the configuration, the list of the month, and the
docstrings of the processes. So it cannot say of the model what the model does not do.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import sim.model.opening
from sim.agents.population import FIELDS
from sim.config.marks import MARKED, marked
from sim.config.schema.base import Provenance
from sim.config.schema.policy import Lever
from sim.config.schema.run import Fates, RunConfig, Status
from sim.core.text import flat, markdown_table
from sim.data.load import Data
from sim.model.month import MONTH
from sim.outputs.indicators import catalogue

OCCASIONS: Final = {
    "monthly": "in any month, a year",
    "at_end": "when a permit ends",
    "at_limit": "at the longest stay",
}

OWN_TABLES: Final = ("status", "policy")
"""Sections whose numbers stand in tables of their own."""

FIT: Final = "fit"

MADE: Final = (
    "Made by `kyosei describe` from the configuration and the code: every number says where it"
    " comes from."
)

PURPOSE: Final = (
    "To project how many foreigners live in the country under which status, who settles, and what a"
    " change of rules does, one resident at a time. It is judged by published stocks of every"
    " half-year, by hindcasts beside naive forecasts, and by published flows that it was not fitted"
    " to."
)

CONCEPTS: Final = {
    "Basic principles": "Competing risks: in each month a resident may change in at most one of the"
    " ways open to them, with hazards that depend on what they are and on the law. Stocks follow"
    " from flows to the person.",
    "Emergence": "Who settles, where, and how many come: nobody sets the number of residents of a"
    " status, they follow from transitions, arrivals, jobs and queues.",
    "Adaptation": "Residents answer to the law as the responses of the levers say (low, central,"
    " high); firms open jobs and search; municipalities raise support. Nobody optimises.",
    "Interaction": "Through jobs, queues, families, municipalities and the ceilings of the law.",
    "Stochasticity": "Every draw is a function of the seed, of who draws, of what and in which"
    " month. So two scenarios differ only where a rule made them differ (common random numbers).",
    "Collectives": "Families (dependants follow their principal), firms, municipalities.",
    "Observation": "The tables of a run and the indicators below; people are weighted back by the"
    " scale.",
}


def describe(config: RunConfig, data: Data) -> str:
    """The model with these settings as Markdown."""
    country = config.country
    sections = [
        f"# Kyosei: the model of {country.label.en} in the ODD protocol",
        f"Scenario: {config.scenario.title.en}. {config.start} to {config.end}. {MADE}",
        "## Purpose and patterns",
        f"{PURPOSE} {flat(country.population_note)}",
        "## Entities, state variables and scales",
        *_entities(config, data),
        "## Process overview and scheduling",
        "A step is a month. Processes run in this order:",
        markdown_table(["", "process", "what it does"], _processes()),
        "## Design concepts",
        markdown_table(["concept", "in this model"], CONCEPTS.items()),
        "## Initialisation",
        _first(sim.model.opening),
        "## Input data",
        markdown_table(["table", "rows"], [
            [f"`{name}`", f"{len(table):,}"] for name, table in sorted(data.tables.items())
        ]),
        "## Submodels: processes",
        *(f"### {name}\n\n{text}" for name, text in _submodels()),
        "## Submodels: statuses and their transitions",
        *(part for name, status in config.status.items() for part in _status(name, status)),
        "## Submodels: policy levers",
        markdown_table(["lever", "title", "legal status", "from", "what the text says",
                        "what the model does", "what it leaves out"],
                       [_lever(lever) for lever in config.policy.values()]),
        "## Parameters",
        markdown_table(HEAD, _parameters(config)),
        "## Indicators",
        markdown_table(["indicator", "name", "unit", "definition"], [
            [f"`{one.name}`", one.en, one.unit, flat(one.text)]
            for one in catalogue(config).values()
        ]),
        "## Marks",
        markdown_table(["mark", "numbers"], _marks(config), numbers=True),
    ]  # fmt: skip
    return "\n\n".join(part for part in sections if part) + "\n"


HEAD: Final = ["path", "value", "80 % range", "unit", "mark", "source", "note"]


def _entities(config: RunConfig, data: Data) -> Iterator[str]:
    country = config.country
    people = int(data["stocks_status"].loc[lambda t: t["date"] == config.start, "people"].sum())
    rows = [
        ["residents", f"{people:,} at the opening (at scale 1), with a status"],
        ["statuses", _listed([config.status[name].label.en for name in country.statuses])],
        ["origins", _listed([config.origin[name].label.en for name in country.origins])],
        ["provinces or prefectures", str(len(config.prefecture))],
        ["municipalities", f"{len(data['municipalities']):,}"],
        ["firms", "act" if config.firms is not None else "not in this country's model"],
        ["municipalities' support, desks and sentiment",
         "act" if config.town is not None else "not in this country's model"],
        ["agencies", ", ".join(config.agency) if config.agency else "not in this country's model"],
    ]  # fmt: skip
    yield markdown_table(["entity", "how many"], rows)
    yield f"A resident has these columns: {', '.join(f'`{name}`' for name in FIELDS)}."


def _listed(names: list[str]) -> str:
    return f"{len(names)}: {', '.join(names)}"


def _processes() -> Iterator[list[str]]:
    for number, process in enumerate(MONTH, 1):
        yield [str(number), f"`{process.__name__}`", _first(process)]


def _submodels() -> Iterable[tuple[str, str]]:
    """(module, its docstring) of the month, each once."""
    modules = dict.fromkeys(module for process in MONTH if (module := inspect.getmodule(process)))
    return [(module.__name__, inspect.getdoc(module) or "") for module in modules]


def _first(thing: object) -> str:
    """The first paragraph of a docstring."""
    return flat((inspect.getdoc(thing) or "").partition("\n\n")[0])


def _status(name: str, status: Status) -> Iterator[str]:
    yield f"### {status.label.en} (`{name}`)"
    yield f"{status.law}. Group {status.group}; work: {status.work}."
    rows = [row for occasion in OCCASIONS for row in _fates(occasion, getattr(status, occasion))]
    if rows:
        head = ["transition", "occasion", "to", *HEAD[1:3], *HEAD[4:]]
        yield markdown_table(head, rows)


def _fates(occasion: str, fates: Fates) -> Iterator[list[str]]:
    for name, fate in fates.items():
        value = fate.rate if fate.share is None else fate.share
        yield [f"`{occasion}.{name}`", OCCASIONS[occasion], fate.to or fate.kind,
               "" if value is None else f"{value:g}", _range(fate), fate.quality, fate.source,
               flat(fate.note)]  # fmt: skip


def _lever(lever: Lever) -> list[str]:
    said = lever.reading
    words = ["", "", ""] if said is None else [said.law, said.model, said.left_out]
    return [lever.id, lever.title.en, lever.legal_status, lever.since, *words]


def _parameters(config: RunConfig) -> Iterator[list[str]]:
    """Every number with a source or a mark outside statuses and levers."""
    own = [name for name in (*MARKED, FIT) if name not in OWN_TABLES]
    for path, one in marked(config, own):
        yield _parameter(path, one)


def _parameter(path: str, one: Provenance) -> list[str]:
    value = next((getattr(one, name) for name in ("value", "level", "rate", "share", "multiply")
                  if getattr(one, name, None) is not None), None)  # fmt: skip
    shown = f"{value:g}" if isinstance(value, int | float) else ""
    return [f"`{path}`", shown, _range(one), str(getattr(one, "unit", "")), one.quality, one.source,
            flat(one.note)]  # fmt: skip


def _marks(config: RunConfig) -> Iterable[list[str]]:
    """Of all numbers but the multipliers of the calibration, as manifests count them."""
    counts = Counter(one.quality for _, one in marked(config))
    return [[mark, f"{count:,}"] for mark, count in sorted(counts.items())]


def _range(one: Provenance) -> str:
    return "" if one.low is None or one.high is None else f"{one.low:g} to {one.high:g}"
