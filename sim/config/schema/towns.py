"""The shape of what the configuration says about municipalities, agencies and integration.

A `Value` is a parameter: levers, events and scenarios may change it by date, under its path. A
`Start` is used by the opening alone, so no date could change it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from sim.config.schema.base import (
    Code,
    Label,
    Month,
    Positive,
    Provenance,
    Quantity,
    Share,
    Strict,
    Value,
)


class Start(Quantity):
    """A number that the opening uses and that nothing changes afterwards."""

    level: Positive


class Poll(Provenance):
    """Share of the nation opposed to taking in more foreign workers, at a month."""

    share: Share


class Level(Strict):
    """One level of support to foreign residents."""

    label: Label
    cost: Value  # yen a year
    contact: Value  # organised contact with residents, 0 none to 1 the fullest


class Support(Strict):
    """What a municipality can afford, and when it changes its level."""

    levels: Annotated[dict[Code, Level], Field(min_length=4, max_length=4)]  # lowest first
    bodies: Value  # funded one-stop bodies
    grants: Value  # yen a year, all of them together
    own: Value  # yen a year and foreign resident, from the municipality's own budget
    rise: Value  # caseload / capacity from which the next level opens
    keep: Value  # share of a level's cost that the budget must cover to keep it


class Desk(Strict):
    """Work at the municipal desks."""

    resident: Value  # cases a year and foreign resident
    behind: Value  # cases a year and resident behind with the health premium
    linked: Value  # the same on top, where the municipality has joined the data link
    cost: Value  # yen a case
    patience: Value  # months of waiting from which people get one level of support less
    forgotten: Value  # months of work that may wait; older cases are given up


class Lessons(Strict):
    """Japanese classes."""

    without: Start  # share of municipalities without any, at the opening
    scatter: Start  # how loosely having classes follows the number of residents
    opening: Value  # rate a year at which municipalities without open some


class Link(Strict):
    """Joining the data link with the immigration agency."""

    share: Value  # of municipalities that have joined; never falls


class Sentiment(Strict):
    """Share of a municipality's nationals who are opposed to more foreign residents."""

    polls: Annotated[dict[Month, Poll], Field(min_length=1)]  # the first is what it returns to
    density: Start  # inhabitants per km2 at which the effect of growth is halved
    growth: Value  # points for each point by which the foreign share grows, outside cities
    contact: Value  # share fewer at the fullest organised contact
    irregular: Value  # points for each point of residents without a status among inhabitants
    arrears: Value  # points for each point of foreign residents behind with the premium
    signal: Value  # share a year, from national politics and media
    fading: Value  # rate a year at which what pushed it is forgotten


class Pull(Strict):
    """How internal moves lean; with all at 0 people move as they did in the year observed."""

    conationals: Value  # exponents
    support: Value
    jobs: Value
    metro: Value  # what the weight of the metropolitan prefectures is multiplied by
    metropolitan: list[StrictStr]  # codes of prefectures
    few: Value  # people by which small numbers of co-nationals are smoothed


class Town(Strict):
    """Municipalities."""

    support: Support
    desk: Desk
    classes: Lessons
    link: Link
    sentiment: Sentiment
    pull: Pull


class Queue(Strict):
    """One kind of case of an agency."""

    label: Label
    counts: Literal["permits", "certificates", "permanent", "citizen"]
    share: Value  # of the officers
    hours: Value  # an officer's hours for a case
    months: Value  # that a case takes apart from waiting
    follow: Value  # power of residents, relative to `at`, with which what can be decided grows
    growth: Value  # of what can be decided, a year, after `at` and beyond that
    again: Value  # rate a year at which people who wait apply once more in the simulation
    waiting: Start  # cases waiting at `at` and before


class Agency(Strict):
    """A central agency: officers who decide cases."""

    label: Label
    officers: Value
    hours: Value  # that an officer works in a month
    at: Month  # for which numbers are given; rates before it hold the delays already
    residents: Start  # foreign residents at `at`
    queues: Annotated[dict[Code, Queue], Field(min_length=1)]


class Satisfaction(Strict):
    """Share of people satisfied with life in Japan: a base and what each good adds, 0 to 1."""

    base: Value
    permit: Value  # no limit of stay, or five years
    job: Value  # has the job that the status asks for, or needs none
    family: Value  # has family in Japan that depends on them, or depends on somebody
    sentiment: Value  # nobody around is opposed
    language: Value  # B2 and above


class Integration(Strict):
    """How residents fare."""

    satisfaction: Satisfaction
    norms_contact: Value  # contact that counts as organised where all took the norms programme
    school_missing: Value  # share of children of 6 to 14 who are in no school
    allowance_leak: Value  # share of children under 18 for whom an allowance is paid wrongly
