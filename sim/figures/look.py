"""Everything that a figure says in words and colours, taken from the configuration of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sim.config.schema.run import RunConfig

SHARE: Final = "share"
"""Unit of indicators that are shares of one; they are shown in per cent."""

A_MONTH: Final = " a month"
"""Ends the unit of a flow; summed since the opening it has the unit without that."""

SO_FAR: Final = "_so_far"
"""Ends the names of flows summed since the opening: a single month of a flow is mostly noise."""

FEWEST: Final = 3
"""Replicates, or members, from which there is an interval: two may agree by chance."""

FAN: Final = 10
"""And from which there are quantiles, and a fan is drawn."""

HIGHER, LOWER = 1, -1
"""Which way an indicator moves for the better."""


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


@dataclass(frozen=True)
class Measure:
    """How an indicator is shown.

    unit     SHARE, or what its number counts; empty if not declared
    panel    whether the figure of all indicators has a panel for it
    compare  whether comparisons draw it by month
    summed   whether comparisons also give its sum since the opening, and draw that
    good     HIGHER or LOWER if one of them is the better; 0 if that is a matter of opinion
    """

    name: str
    en: str
    ja: str = ""
    unit: str = ""
    panel: bool = True
    compare: bool = False
    summed: bool = False
    good: int = 0

    @property
    def label(self) -> Label:
        return Label(self.en, self.ja)

    @property
    def times(self) -> float:
        """What values are multiplied by to be shown."""
        return 100.0 if self.unit == SHARE else 1.0

    @property
    def unit_shown(self) -> str:
        return "%" if self.unit == SHARE else self.unit

    @property
    def unit_of_change(self) -> str:
        return "percentage points" if self.unit == SHARE else self.unit

    def value_text(self, value: float, digits: int = 1) -> str:
        """A share in per cent, large numbers whole, small ones with two digits."""
        if value != value:
            return "-"
        if self.unit == SHARE:
            return f"{value:.{digits}%}"
        whole = abs(value) >= 100 or value == round(value)
        return f"{value:,.0f}" if whole else f"{value:.2f}"

    def so_far(self) -> Measure:
        """The same, summed since the opening."""
        return replace(
            self, name=f"{self.name}{SO_FAR}", en=f"{self.en}, so far",
            ja=f"{self.ja}（累計）" if self.ja else "", unit=self.unit.removesuffix(A_MONTH),
            summed=False,
        )  # fmt: skip


def _none() -> dict[str, Label]:
    return {}


@dataclass(frozen=True)
class Look:
    """Names, colours and places of the codes in the tables, and who made the run.

    The order of `statuses` and `groups` is the order of panels, layers and nodes. Codes that are
    missing from `municipalities`, `indicators` or `sources` are shown by their code, or
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
    sample: str = ""  # scale, seed and replicates, as the footer says them
    scale: float = 1.0  # part of the people who are simulated
    arms: Mapping[str, Label] = field(default_factory=_none)  # of a comparison
    level: str = ""  # of the intervals of a comparison: 80 %
    intervals: str = "intervals"  # and what they are: 80 % intervals over draws
    inner: str = ""  # what the dark part of an interval is: of the mean, by random numbers alone
    varies: str = ""  # what is drawn, and what intervals hold fixed
    municipalities: Mapping[str, Label] = field(default_factory=_none)
    origins: Mapping[str, Label] = field(default_factory=_none)
    indicators: Mapping[str, Measure] = field(default_factory=lambda: dict[str, Measure]())
    sources: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    queues: Mapping[str, Label] = field(default_factory=_none)  # of agencies, by first part of name
    levels: Mapping[str, Label] = field(default_factory=_none)  # of support, the lowest first
    sectors: Mapping[str, Label] = field(default_factory=_none)  # of firms, with colour

    def group_of(self, status: str) -> str:
        """Group code of a status."""
        return self.statuses[status].group

    def measure(self, indicator: str) -> Measure:
        """How an indicator is shown; one without a declaration is shown by its code."""
        known = self.indicators.get(indicator)
        if known is None and indicator.endswith(SO_FAR):
            flow = self.indicators.get(indicator.removesuffix(SO_FAR))
            known = flow.so_far() if flow is not None else None
        return known or Measure(indicator, indicator.replace("_", " ").capitalize())

    def arm(self, name: str) -> str:
        """The title of an arm; its name if it has none of its own."""
        return self.arms[name].en if name in self.arms else name

    @property
    def both_intervals(self) -> str:
        """What intervals with a dark part are."""
        return f"{self.intervals} (dark: {self.inner})" if self.inner else self.intervals

    def simulated(self, people: float) -> float:
        """Simulated people who stand for so many."""
        return people * self.scale

    def counted(self) -> list[str]:
        """Statuses inside the published total of residents."""
        return [code for code in self.statuses if code not in self.outside_total]


def look_of(
    config: RunConfig,
    run: str,
    municipalities: Mapping[str, Label] | None = None,
    indicators: Mapping[str, Measure] | None = None,
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
                status[code].label.narrow,
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
        scale=config.scale,
        sample=f"scale {config.scale:g}, seed {config.seed}, replicate {config.replicate}",
        municipalities=municipalities or {},
        origins={code: Label(o.label.en, o.label.ja) for code, o in config.origin.items()},
        indicators=indicators or {},
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
