"""Everything that a figure says in words and colours, taken from the configuration of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.config.schema.run import RunConfig


@dataclass(frozen=True)
class Label:
    """English and Japanese names; colour (#rrggbb) and group are empty where they mean nothing."""

    en: str
    ja: str = ""
    colour: str = ""
    group: str = ""

    def both(self, between: str = " ") -> str:
        """English then Japanese, or the one that exists."""
        return between.join(text for text in (self.en, self.ja) if text)


def _none() -> dict[str, Label]:
    return {}


@dataclass(frozen=True)
class Look:
    """Names, colours and places of the codes in the tables, and who made the run.

    The order of `statuses` and `groups` is the order of panels, layers and nodes. Codes that are
    missing from `municipalities`, `indicators`, `units` or `sources` are shown by their code, or
    not at all.
    """

    country: Label
    statuses: Mapping[str, Label]  # with colour and group
    groups: Mapping[str, Label]  # with colour
    prefectures: Mapping[str, Label]
    tiles: Mapping[str, tuple[int, int]]  # prefecture -> row from the north, column from the west
    settled: frozenset[str]
    permanent: frozenset[str]
    outside_total: frozenset[str]  # statuses that the published total leaves out
    run: str
    scenario: str
    municipalities: Mapping[str, Label] = field(default_factory=_none)
    origins: Mapping[str, Label] = field(default_factory=_none)
    indicators: Mapping[str, Label] = field(default_factory=_none)
    units: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    sources: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    queues: Mapping[str, Label] = field(default_factory=_none)  # of agencies, by first part of name
    levels: Mapping[str, Label] = field(default_factory=_none)  # of support, the lowest first
    sectors: Mapping[str, Label] = field(default_factory=_none)  # of firms, with colour

    def group_of(self, status: str) -> str:
        """Group code of a status."""
        return self.statuses[status].group

    def counted(self) -> list[str]:
        """Statuses inside the published total of residents."""
        return [code for code in self.statuses if code not in self.outside_total]


def look_of(
    config: RunConfig,
    run: str,
    municipalities: Mapping[str, Label] | None = None,
    indicators: Mapping[str, Label] | None = None,
    units: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
) -> Look:
    """The look of a run: labels, colours and order come from its configuration alone.

    run: the run's id, shortened to 16 characters. sources: the text printed under a figure for
    each key of the published tables (see `sim.figures.run.draw_all`).
    """
    country, status = config.country, config.status
    return Look(
        country=Label(country.label.en, country.label.ja),
        statuses={
            code: Label(
                status[code].label.en,
                status[code].label.ja,
                status[code].colour,
                status[code].group,
            )
            for code in country.statuses
        },
        groups={
            code: Label(group.label.en, group.label.ja, group.colour)
            for code, group in country.groups.items()
        },
        prefectures={code: Label(p.en, p.ja) for code, p in config.prefecture.items()},
        tiles={code: (p.row, p.column) for code, p in config.prefecture.items()},
        settled=frozenset(code for code in country.statuses if status[code].settled),
        permanent=frozenset([country.permanent]),
        outside_total=frozenset(code for code in country.statuses if not status[code].published),
        run=run[:16],
        scenario=config.scenario.title.en,
        municipalities=municipalities or {},
        origins={code: Label(o.label.en, o.label.ja) for code, o in config.origin.items()},
        indicators=indicators or {},
        units=units or {},
        sources=sources or {},
        queues={
            name: Label(queue.label.en, queue.label.ja)
            for agency in (config.agency or {}).values()
            for name, queue in agency.queues.items()
        },
        levels={
            name: Label(level.label.en, level.label.ja)
            for name, level in (config.town.support.levels if config.town else {}).items()
        },
        sectors={
            name: Label(sector.label.en, sector.label.ja, sector.colour)
            for name, sector in (config.firms.sectors if config.firms else {}).items()
        },
    )
