"""The shape of a resolved configuration: strict, frozen, no unknown keys, every number bounded.

`sim/config/compose.py` composes the YAML files and turns pydantic's complaints into messages for
people. Nothing after the door sees YAML, fills a default or asks whether a key exists.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from sim.config.schema.base import (
    Ages,
    Classes,
    Code,
    Colour,
    Label,
    Mix,
    Month,
    Multiplier,
    Named,
    Number,
    Provenance,
    Rate,
    Share,
    Steps,
    Strict,
    Value,
    Years,
)
from sim.config.schema.firms import Firms
from sim.config.schema.policy import Event, FittedRates, Lever, Scenario
from sim.config.schema.supply import Supply
from sim.config.schema.towns import Agency, Integration, Town


class Factors(Strict):
    """Multipliers of a rate or share, by factor. What is not named is multiplied by one.

    Steps (`{0: 1.4, 3: 0.8}`) hold from their key upwards; below the lowest key the factor is 1.
    Names may have `default` for all the others.
    """

    origin: Named | None = None
    stage: Named | None = None
    sex: Named | None = None
    status: Named | None = None  # only in fates common to all statuses
    age: Steps | None = None  # completed years
    age_sex: dict[StrictStr, Steps] | None = None  # F, M -> steps by completed years of age
    years_in_status: Steps | None = None
    years_resident: Steps | None = None  # since first entry
    counting_years: Steps | None = None  # years that count for permanent residence
    permit_months: Steps | None = None  # length of the present permit
    language: Steps | None = None  # 0 none, 1 A1, 2 A2, 3 B1, 4 B2 and above
    arrears: Named | None = None  # nhi, pension, tax, any
    calendar_month: Steps | None = None  # 1..12, each month by itself, not steps
    employed: Classes | None = None  # 0 no job though the status asks for one, 1 a job, 2 none
    firm_support: Classes | None = None  # bits: 1 language, 2 guidance, 4 housing
    town_support: Classes | None = None  # 0 none, 1 basic, 2 one-stop, 3 leading
    sentiment: Classes | None = None  # tenths of the local residents who are opposed, 0..9
    norms: Classes | None = None  # 1 has taken the norms programme
    linked: Classes | None = None  # 1 the municipality has joined the data link
    permit_age: Steps | None = None  # months since the present permit was given
    sector: Named | None = None  # of the present or last job
    months_without_job: Steps | None = None  # in a status that asks for one; else 0
    municipality: Literal["mobility"] | None = None  # out-moves of 2024 relative to the country


class Gate(Strict):
    """Who may: every named condition must hold."""

    years_resident: Years | None = None
    counting_years: Years | None = None
    years_in_status: Years | None = None
    permit_months: Annotated[StrictInt, Field(ge=0, le=120)] | None = None
    language: Annotated[StrictInt, Field(ge=0, le=4)] | None = None
    age: Years | None = None


class Grant(Provenance):
    """The authority's decision on an application: probability that it is granted."""

    value: Share
    by: Factors = Factors()


Kind = Literal[
    "leave",
    "die",
    "citizen",
    "switch",
    "stage",
    "move",
    "birth",
    "family",
    "arrears",
    "clear",
    "learn",
    "quit",
    "norms",
    "seek",
    "short",
]


class Fate(Provenance):
    """One way in which a person may change.

    Monthly fates give `rate` per person-year; outcomes of an occasion give `share`.
    """

    kind: Kind
    to: Code | None = None  # status (switch, family) or stage (stage)
    rate: Rate | None = None
    share: Share | None = None
    bits: list[Literal["nhi", "pension", "tax"]] = []  # arrears, clear
    finisher: Literal["job", "study", "other"] | None = None  # as job retention counts students
    by: Factors = Factors()
    gate: Gate = Gate()
    grant: Grant | None = None
    since: Month | None = None
    until: Month | None = None  # last month in which it may happen


Fates = dict[Code, Fate]


class Stage(Provenance):
    """A sub-kind of a status, such as a student's course."""

    label: Label
    share: Share  # of opening residents
    arrivals: Share  # of arrivals
    months: Mix | None = None  # length of the course; then the permit ends with it


class Permits(Provenance):
    """Lengths of permits in months with their shares, at first and on renewal."""

    first: Mix
    renewed: Mix
    short: Mix = {6: 1.0}  # what those are given who are renewed for a short time (kind short)


class Opening(Provenance):
    """How the dates of opening residents are drawn (what the published stocks do not say)."""

    turnover: Rate  # leavers of the status a year, used to infer when the stock entered it
    earlier_years: Annotated[
        Number, Field(ge=0, le=100)
    ]  # mean years in Japan before the present status
    born_share: Share = 0.0  # born in Japan: first entry is the month of birth
    language: Annotated[list[Share], Field(min_length=5, max_length=5)]
    nhi_arrears: Share = 0.0  # of those of the ages that pay, as the two below
    pension_arrears: Share = 0.0
    tax_arrears: Share = 0.0
    min_age: Years = 0
    max_age: Years = 110


class Liable(Provenance):
    """Who owes a premium of their own, as shares of the residents of the ages that pay."""

    nhi: Share
    pension: Share


class Sponsor(Provenance):
    """Whom a dependant depends on, and what follows from the principal's fate."""

    of: list[Code]
    when_left: Fates
    when_died: Fates
    when_citizen: Fates
    when_permanent: Fates
    when_irregular: Fates


class Status(Strict):
    """All that the model knows about one status of residence."""

    label: Label
    law: StrictStr  # name or article of the Act
    group: Code
    colour: Colour
    published: StrictBool  # part of the published total of residents
    settled: StrictBool
    work: Literal["any", "field", "part_time", "none"]
    family: StrictBool  # may bring dependants
    counts_for_pr: StrictBool  # months here are work or residence months
    child: StrictStr  # status of a child born to a mother of this status; "national" = a citizen
    since: Month | None = None  # first month in which anyone may enter the status
    until: Month | None = None
    entry_until: Month | None = None  # last month of arrivals from abroad
    permits: Permits | None = None  # None: no limit of stay
    longest_stay: Value | None = None  # months in the status; at its end `at_limit` decides
    stages: dict[Code, Stage] = {}
    liable: Liable
    opening: Opening
    monthly: Fates = {}
    at_end: Fates = {}  # end of a permit; what remains is renewed
    at_limit: Fates = {}  # end of the longest stay; what remains leaves
    sponsor: Sponsor | None = None
    sources: list[StrictStr] = []


class Origin(Strict):
    label: Label
    colour: Colour


class Prefecture(Strict):
    en: StrictStr
    ja: StrictStr
    ko: StrictStr | None = None
    row: Annotated[StrictInt, Field(ge=0, le=1000)]  # of the grid of a map
    column: Annotated[StrictInt, Field(ge=0, le=1000)]
    region: StrictStr


class Group(Strict):
    """A group of statuses for reading and figures."""

    label: Label
    colour: Colour


class Country(Strict):
    """List order is table order."""

    name: Code
    label: Label
    data: Code  # folder under sim/data
    first_month: Month  # opening stocks exist from here
    last_month: Month  # and to here, every half-year
    statuses: list[Code]
    origins: list[Code]
    groups: dict[Code, Group]
    permanent: Code
    irregular: Code
    population_note: StrictStr = ""
    sources: dict[Code, StrictStr] = {}  # whom figures name, by what they show


class PayingAges(Provenance):
    """First and last completed year of age in which premiums and tax are owed."""

    nhi: Ages
    pension: Ages
    tax: Ages


class Life(Strict):
    """Fates that all residents share; each status may override one by its name."""

    monthly: Fates
    at_end: Fates = {}  # of all permits, after the outcomes of each status
    newborn_female: Value
    paying_ages: PayingAges
    same_prefecture_moves: Value  # share of moves that stay inside the prefecture


class Channel(Provenance):
    """Arrivals under one status after the last observed half-year."""

    level: Annotated[Number, Field(ge=0, le=1e8)]  # persons a year
    low: Number | None = None
    high: Number | None = None
    growth: Annotated[Number, Field(ge=-0.5, le=0.5)] = 0.0  # a year
    fade: Annotated[Number, Field(gt=0, le=1)] = 1.0  # what is left of the growth a year later
    phi: Annotated[Number, Field(ge=0, le=1)]  # AR(1) of the monthly log shock; 1: a random walk
    sigma: Annotated[Number, Field(ge=0, le=10)]  # standard deviation of its innovations
    female: Share
    ages: dict[Years, Share]  # lower bound of age -> share; uniform up to the next bound
    oldest: Years  # end of the last age band
    season: dict[StrictInt, Multiplier] = {}  # calendar month -> weight; missing = 1
    language: Annotated[list[Share], Field(min_length=5, max_length=5)]
    like: Code | None = None  # status whose origins and places newcomers share, if it has no past
    since: Month | None = None
    until: Month | None = None


class Arrivals(Strict):
    """How people come."""

    mode: Literal["conditional", "free"]  # conditional: observed or fitted entries while they last
    shocks: StrictBool
    channels: dict[Code, Channel]
    brought: Channel  # profile of family members brought by residents; level is not used
    origin_years: Annotated[
        Number, Field(ge=0, le=100)
    ]  # years of growth that set the origins of future arrivals
    supply: Supply | None = None  # None: every origin goes on as it did


class Residents(Strict):
    """Some residents: of one of the statuses, and of the origins, and of the prefectures named.
    Where none is named, all are meant."""

    status: list[StrictStr] = []
    origin: list[StrictStr] = []
    prefecture: list[StrictStr] = []


class OwnIndicator(Strict):
    """A study's own indicator: residents at the end of the month, or their share in others."""

    title: Label
    unit: StrictStr
    text: StrictStr
    people: Residents
    of: Residents | None = None


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class RunConfig(Strict):
    """One run."""

    start: Month
    end: Month
    scale: Annotated[Number, Field(gt=0, le=1)]
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)]
    replicate: Annotated[StrictInt, Field(ge=0, lt=2**31)]
    threads: Annotated[StrictInt, Field(ge=1, le=1024)] | None
    output: StrictStr
    figures: StrictBool
    histories: Annotated[StrictInt, Field(ge=0)] = 0  # opening residents whose lives are written
    checkpoint: Annotated[list[Month] | None, BeforeValidator(_as_list)] = None
    from_: StrictStr | None = Field(default=None, alias="from")  # DIR@YYYY-MM, a checkpoint
    label: StrictStr | None = None  # what people call the run; these three change no result
    notes: StrictStr | None = None
    tags: Annotated[list[StrictStr] | None, BeforeValidator(_as_list)] = None
    memory_gb: Annotated[Number, Field(gt=0)] | None = None
    data: dict[Code, StrictStr] | None = None  # table: file of one's own, laid over the country's
    country: Country
    scenario: Scenario
    status: dict[Code, Status]
    origin: dict[Code, Origin]
    prefecture: dict[StrictStr, Prefecture]
    life: Life
    arrivals: Arrivals
    event: dict[Code, Event]
    fit: FittedRates = FittedRates()
    policy: dict[Code, Lever] = {}
    firms: Firms | None = None
    town: Town | None = None
    agency: dict[Code, Agency] | None = None
    integration: Integration | None = None
    indicator: dict[Code, OwnIndicator] | None = None  # a study's own
