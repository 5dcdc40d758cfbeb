"""The shape of what the configuration says about firms (section `firms`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from sim.config.schema.base import (
    Ages,
    Code,
    Colour,
    Label,
    Month,
    Months,
    Provenance,
    Share,
    Strict,
    Value,
)

Values = dict[Code, Value]


class FirmStatus(Provenance):
    """A standing of firms before the law."""

    label: Label
    colour: Colour
    share: Share  # of firms at the opening
    months: Months | None = None  # how long it lasts; then the firm is ordinary again


class Tier(Strict):
    """A kind of job, by the law that it falls under."""

    label: Label
    colour: Colour
    pool: Code  # tiers of one pool stand in for each other within a firm
    shares: Code | None = None  # tier of the same pool whose jobs the workers may take as well
    notified: list[StrictStr]  # groups of table workers_status, or total
    less: list[StrictStr] = []  # groups that are in these and not of the tier
    stead_of: Code | None = None  # tier whose jobs at the opening it may come to share
    search: Literal["all", "some"]  # whether holders without a job look for one at once
    seeking: Value  # share of the opening's jobless holders who look for work
    quit: Value  # job leavers a year
    growth: Value  # a year, of the jobs wanted; at first, as if the sector were the country


class WorkField(Strict):
    """A field of work as the programmes' ordinances know it."""

    label: Label
    lock: Value  # months in the programme before the employer may be changed


class Sector(Strict):
    """An industry, or several published ones taken together."""

    label: Label
    colour: Colour
    industries: Annotated[list[StrictStr], Field(min_length=1)]  # of table workers_industry
    field: Code
    growth: Value  # a year, of the jobs wanted; at first, as if all tiers grew as one
    vacancies: Value  # per filled job at the opening


class Size(Strict):
    """A class of establishments by all their employees."""

    label: Label
    establishments: Value  # share of establishments
    workers: Value  # share of foreign workers
    spread: Value  # standard deviation of the logarithm of foreign workers beyond the first
    closure: Value  # a year


class Mix(Provenance):
    """Sectors of some statuses' jobs. Published shares hold; the rest is fitted to the margins."""

    statuses: Annotated[list[Code], Field(min_length=1)]
    table: StrictStr = ""  # status_group of table workers_status_industry
    shares: dict[Code, Share]  # where the table says nothing: the start of the fit


class Groups(Provenance):
    """Which statuses the groups of table workers_status consist of."""

    of: dict[StrictStr, list[Code]]


class WorkingAges(Provenance):
    """First and last completed year of age of those who have jobs in firms."""

    ages: Ages


class Demand(Strict):
    """How many jobs firms want to fill with foreign workers."""

    mean: Value  # growth a year to which every sector's returns
    persistence: Value  # part of the distance from it that is left a year later
    shock: Value  # standard deviation of a year's common shock to growth
    output: Value  # growth of the country's output a year: a scenario
    usual_output: Value  # the same in the years from which growth is estimated
    output_response: Value  # growth of demand for each point of output beyond the usual
    employment: Value  # people at work in the country when firms are known last
    ceiling: Value  # foreign share of employment at which demand no longer grows
    ageing: Value  # elasticity to the lack of local people of working age
    wage_growth: Value  # real, a year
    wages: Value  # elasticity to real wages, downwards
    new_firms: Value  # share of growth that comes from new establishments
    certified: Value  # jobs wanted by a certified firm, relative to an ordinary one
    pace: Values  # tier -> what a year of the past multiplies its jobs by beyond published growth


class Rules(Strict):
    """Inspection, guidance, bar and certification of firms."""

    frozen: list[Code]  # pools in which a firm under guidance hires nobody
    inspected: Values  # a year, by pool: firms with workers in it
    violation: Value  # share of inspections that find one
    barred: Value  # share of violations that bar the firm
    certified: Value  # a year, of firms with workers of the inspected pools
    closure_notice: Value  # months from the notice of closure to the end of jobs
    bar_notice: Value  # months from a bar to the end of jobs


class Jobless(Strict):
    """Those in a status that asks for a job who have had none for long."""

    after: Value  # months
    leave: Value  # a year, after so many months
    change: Values  # status -> a year, of those who change to it instead


class Support(Strict):
    """Help to the firm's workers, by kind. The order of kinds is the order of bits."""

    share: Values  # of firms that give it
    certified: Value  # of firms that are certified, at least
    burden: Value  # cost of support relative to the opening
    elasticity: Value  # of the jobs wanted to that cost, downwards
    cost: Values  # thousand yen a worker and year


class Recruit(Strict):
    """Hiring, in the country first and then abroad."""

    success: Values  # tier -> share of jobs offered abroad for which somebody is chosen, a month
    lag: Value  # months from the choice to arrival
    refused: Value  # share of certificates of eligibility refused
    lapse: Value  # a year, of jobs that a cap stops: firms give up what they cannot fill
    search: Value  # share of job seekers who apply somewhere, a month
    cross_border: Value  # share of employer changes that cross a prefecture border
    pull: Value  # weight of a vacancy in a pulling prefecture, when crossing a border
    pulling: list[StrictStr]  # prefectures to which those go who cross a border


class Transfer(Strict):
    """Changes of employer inside the programme, at the worker's own wish."""

    tiers: list[Code]
    after_lock: Values  # statuses that may change after their field's lock: leavers a year
    metropolitan: list[StrictStr]  # prefectures
    share: Value  # transferees that a firm may take, per worker
    metropolitan_share: Value  # inside it, those whom a metropolitan firm may take from elsewhere


class Cap(Strict):
    """How many people a tier may have, by field; a stock over several years or a yearly flow."""

    kind: Literal["stock", "flow"]
    statuses: list[Code] = []  # of the tier, which count in a stock; all of them if none is named
    since: Month
    until: Month  # end of the first plan
    plan_years: Annotated[int, Field(ge=1, le=20, strict=True)]  # length of later plans
    fills: Value | None = None  # months since `since` in which a new status fills up
    raised: Value  # by which factor each later plan is larger
    fields: Values  # people


class Firms(Strict):
    """Firms. Every `Value` in here is a parameter, named by its path: `firms.recruit.success`."""

    active: StrictBool
    since: Month  # runs that start earlier have no firms
    statuses: dict[Code, FirmStatus]  # the first is the ordinary one, the others by their part
    certified: Code
    guidance: Code
    barred: Code
    tiers: dict[Code, Tier]
    tier_of: dict[Code, Code]  # status of residence -> tier of its jobs; not named: no job
    jobless: Jobless
    keep: dict[Code, Values]  # old tier -> new tier -> share who keep the job
    fields: dict[Code, WorkField]
    sectors: dict[Code, Sector]
    sizes: dict[Code, Size]
    establishments: Value  # at the opening, at scale 1
    employed: Values  # status -> share with a job at the opening
    working: WorkingAges
    commuting: list[Code]  # tiers whose workers may live in another prefecture of the region
    mixes: dict[Code, Mix]
    groups: Groups
    growth: Value  # a year, of all foreign workers in the last year known
    demand: Demand
    rules: Rules
    support: Support
    recruit: Recruit
    transfer: Transfer
    caps: dict[Code, Cap]  # tier -> cap
