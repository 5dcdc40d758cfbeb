"""What only makes sense together: names that must exist, shares that must add up, dates in order.

The schema has checked every value by itself. Each check yields a problem with its key path; all of
them are reported at once. Fates have checks of their own in `sim.config.checks.fates`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from sim.config.checks.fates import check_fates
from sim.config.checks.firms import check_firms
from sim.config.checks.policy import check_edits, check_policy
from sim.config.messages import Problem, unknown
from sim.config.paths import sections, targets
from sim.config.schema.base import Provenance, Quantity
from sim.config.schema.run import Channel, Country, RunConfig, Status
from sim.config.yaml import Path
from sim.core.clock import calendar_month, month_index
from sim.core.errors import nearest

LAST_END: Final = "2100-12"

LEAST_SCALE: Final = 1e-5

NATIONAL: Final = "national"

CLOSE: Final = 1e-9

_FIELDS = list(Country.model_fields)

ROLES: Final = _FIELDS[_FIELDS.index("groups") + 1 : _FIELDS.index("population_note")]
"""The settings of a country that name a status by its part in the model."""

KEPT: Final = r"[^\x00-\x1f\x7f]{1,1000}@[0-9]{4}-[0-9]{2}"

UNPRINTABLE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")

MOST_CODES: Final = 254
"""Codes are held in one byte; 255 marks a hole."""

MOST_PERMIT_MONTHS: Final = 254
"""So are lengths of permits; 255 stands for no limit."""


def check(config: RunConfig, sources: Collection[str] | None = None) -> Iterator[Problem]:
    """Every broken rule. `sources` are the known keys of sources; None leaves them unchecked."""
    yield from _run(config)
    yield from _names(config)
    yield from _prefectures(config)
    yield from _indicators(config)
    for name, status in config.status.items():
        yield from _status(config, name, status)
    yield from check_fates(config)
    yield from _channels(config)
    known = targets(config)
    yield from check_edits(config, known["value"])
    yield from check_policy(config, known)
    yield from check_firms(config)
    yield from _printable((), config)
    for path, section in sections(config):
        for where, model in _models(section, path):
            yield from _provenance(where, model, sources)
            yield from _dates(where, model)
            yield from _parts(where, model)
            yield from _printable(where, model)


def _indicators(config: RunConfig) -> Iterator[Problem]:
    known: dict[str, Collection[str]] = {
        "status": config.status, "origin": config.origin, "prefecture": config.prefecture,
    }  # fmt: skip
    for name, body in (config.indicator or {}).items():
        for field, part in (("people", body.people), ("of", body.of)):
            for kind, codes in known.items():
                for i, code in enumerate(getattr(part, kind, [])):
                    if code not in codes:
                        rule = f"there is no {kind} {code}.{nearest(code, codes, len(codes))}"
                        yield Problem(("indicator", name, field, kind, i), rule, code)


def _run(config: RunConfig) -> Iterator[Problem]:
    start, end = month_index(config.start), month_index(config.end)
    first, last = config.country.first_month, config.country.last_month
    if end <= start:
        yield Problem(("end",), f"must be after the start, {config.start}.", config.end)
    if end > month_index(LAST_END):
        yield Problem(("end",), f"must be {LAST_END} or earlier.", config.end)
    if config.scale < LEAST_SCALE:
        rule = f"must be {LEAST_SCALE:.5f} or more: below it no firm is left."
        yield Problem(("scale",), rule, config.scale)
    published = month_index(first) <= start <= month_index(last)
    if not published or calendar_month(start) not in (6, 12):
        rule = f"must be a half-year with published stocks: June or December, {first} to {last}."
        yield Problem(("start",), rule, config.start)
    for month in config.checkpoint or []:
        if not start <= month_index(month) <= end:
            rule = f"must lie in the run, {config.start} to {config.end}."
            yield Problem(("checkpoint",), rule, month)
    if config.histories and (config.checkpoint or config.from_):
        rule = "cannot be followed over a checkpoint. Leave out checkpoint and from."
        yield Problem(("histories",), rule, config.histories)
    if config.from_ is not None and not re.fullmatch(KEPT, config.from_):
        rule = "must be DIR@YYYY-MM: a run's folder, and a month that it kept (see checkpoint)."
        yield Problem(("from",), rule, config.from_)
    output = config.output
    if not output or len(output) > 1000 or re.search(r"[\x00-\x1f\x7f]", output):
        yield Problem(("output",), "must be a folder's name in plain text.", output)
    elif ".." in re.split(r"[\\/]", output) or output.startswith(("~", "-")):
        rule = "must not begin with ~ or - nor lead upwards (..). Write the folder's own path."
        yield Problem(("output",), rule, output)


def _names(config: RunConfig) -> Iterator[Problem]:
    """The country's lists and the files must hold the same names, each once."""
    country = config.country
    for field, listed, given in (
        ("statuses", country.statuses, config.status),
        ("origins", country.origins, config.origin),
    ):
        path, what = ("country", field), "status" if field == "statuses" else "origin"
        for name, count in Counter(listed).items():
            if count > 1:
                yield Problem((*path, listed.index(name)), "is listed twice. Keep one.", name)
            if name not in given:
                rule = f"{name} is listed but has no settings.{nearest(name, given)}"
                yield Problem((*path, listed.index(name)), rule, name)
        for name in set(given) - set(listed):
            rule = f"is not in country.{field}. List it there, in table order, or take it out."
            yield Problem((what, name), rule)
        if len(listed) > MOST_CODES:
            yield Problem(path, f"has {len(listed)} names; there may be {MOST_CODES}.")
    for role in ROLES:
        known = country.statuses
        yield from unknown(("country", role), [getattr(country, role)], known, "status")
    irregular = config.status.get(country.irregular)
    if irregular is not None and irregular.published:
        rule = "must be false: people without a status are outside the total."
        yield Problem(("status", country.irregular, "published"), rule, True)
    labels = Counter(group.label.en for group in country.groups.values())
    for name, group in country.groups.items():
        if labels[group.label.en] > 1:
            where = ("country", "groups", name, "label", "en")
            yield Problem(where, "names two groups. Give each its own label.", group.label.en)


def _prefectures(config: RunConfig) -> Iterator[Problem]:
    seen: dict[tuple[int, int], str] = {}
    for code, prefecture in config.prefecture.items():
        if not re.fullmatch(r"[0-9]{2}", code):
            rule = 'the code of a prefecture is two digits in quotes, such as "01".'
            yield Problem(("prefecture", code), rule)
        place = (prefecture.row, prefecture.column)
        if place in seen:
            rule = f"stands on the tile of {seen[place]}. Move one of them."
            yield Problem(("prefecture", code, "row"), rule, prefecture.row)
        seen.setdefault(place, code)
    if config.town is not None:
        path: Path = ("town", "pull", "metropolitan")
        yield from unknown(path, config.town.pull.metropolitan, config.prefecture, "prefecture")


def _sums_to_one(path: Path, shares: Collection[float]) -> Iterator[Problem]:
    total = math.fsum(shares)
    if abs(total - 1) > CLOSE:
        yield Problem(path, f"must add up to 1; the shares add up to {total:.10g}.")


def _status(config: RunConfig, name: str, status: Status) -> Iterator[Problem]:
    path: Path = ("status", name)
    yield from unknown((*path, "group"), [status.group], config.country.groups, "group")
    if status.child != NATIONAL:
        known = [*config.country.statuses, NATIONAL]
        yield from unknown((*path, "child"), [status.child], known, "status")
    opening = status.opening
    if opening.min_age > opening.max_age:
        rule = f"must not be above max_age, {opening.max_age}."
        yield Problem((*path, "opening", "min_age"), rule, opening.min_age)
    yield from _sums_to_one((*path, "opening", "language"), opening.language)
    yield from _lengths(path, status)
    if status.at_limit and status.longest_stay is None:
        yield Problem((*path, "at_limit"), "never happens: there is no longest_stay. Give one.")
    courses = any(stage.months is not None for stage in status.stages.values())
    if status.at_end and status.permits is None and not courses:
        yield Problem((*path, "at_end"), "never happens: there are no permits. Give them.")
    if status.sponsor is not None:
        if status.family:
            rule = "must be false: those who depend on somebody have no dependants of their own."
            yield Problem((*path, "family"), rule, status.family)
        for i, other in enumerate(status.sponsor.of):
            where = (*path, "sponsor", "of", i)
            yield from unknown(where, [other], config.status, "status")
            if other in config.status and not config.status[other].family:
                rule = f"{other} may not bring a family. Set status.{other}.family to true, or"
                yield Problem(where, f"{rule} take it out.", other)


def _lengths(path: Path, status: Status) -> Iterator[Problem]:
    """Permits, courses and the longest stay."""
    mixes: dict[Path, Mapping[int, float]] = {}
    if status.permits is not None:
        mixes[*path, "permits", "first"] = status.permits.first
        mixes[*path, "permits", "renewed"] = status.permits.renewed
        mixes[*path, "permits", "short"] = status.permits.short
    for code, stage in status.stages.items():
        if stage.months is not None:
            mixes[*path, "stages", code, "months"] = stage.months
        elif status.permits is None:
            rule = "needs months, or the status needs permits: nothing says when a permit ends."
            yield Problem((*path, "stages", code), rule)
    for where, mix in mixes.items():
        yield from _sums_to_one(where, mix.values())
        for months in mix:
            if months > MOST_PERMIT_MONTHS:
                rule = f"is too long: {MOST_PERMIT_MONTHS} months or less."
                yield Problem((*where, months), rule)
    if status.stages:
        for field in ("share", "arrivals"):
            shares = [getattr(stage, field) for stage in status.stages.values()]
            whole = math.fsum(shares)
            if abs(whole - 1) > CLOSE:
                rule = f"{field} of all stages must add up to 1; they add up to {whole:.10g}."
                yield Problem((*path, "stages"), rule)
    stay = status.longest_stay
    if stay is not None:
        where = (*path, "longest_stay", "value")
        if not (1 <= stay.value <= 600 and stay.value.is_integer()):
            yield Problem(where, "must be whole months, 1 to 600.", stay.value)
        for place, mix in mixes.items():
            if min(mix) > stay.value:
                rule = f"every length is above the longest stay, {stay.value:g} months."
                yield Problem(place, rule)


def _channels(config: RunConfig) -> Iterator[Problem]:
    path: Path = ("arrivals", "channels")
    for name, channel in config.arrivals.channels.items():
        yield from unknown((*path, name), [name], config.country.statuses, "status")
        yield from _channel((*path, name), channel, config)
    yield from _channel(("arrivals", "brought"), config.arrivals.brought, config)


def _channel(path: Path, channel: Channel, config: RunConfig) -> Iterator[Problem]:
    ages = list(channel.ages)
    yield from _sums_to_one((*path, "ages"), channel.ages.values())
    if ages != sorted(ages):
        yield Problem((*path, "ages"), "must be in ascending order of age.")
    if not ages or channel.oldest <= max(ages):
        rule = "must be above the last age of `ages`: it ends that band."
        yield Problem((*path, "oldest"), rule, channel.oldest)
    yield from _sums_to_one((*path, "language"), channel.language)
    for month in channel.season:
        if not 1 <= month <= 12:
            yield Problem((*path, "season", month), "is no calendar month: 1 to 12.")
    weights = [channel.season.get(month, 1.0) for month in range(1, 13)]
    if math.fsum(weights) == 0:
        yield Problem((*path, "season"), "gives no month any weight.")
    if channel.like is not None:
        yield from unknown((*path, "like"), [channel.like], config.country.statuses, "status")


def _models(value: BaseModel | dict[Any, Any], path: Path) -> Iterator[tuple[Path, BaseModel]]:
    """Every model inside the configuration, with its key path."""
    if isinstance(value, BaseModel):
        yield path, value
    for key, inner in value if isinstance(value, BaseModel) else value.items():
        if isinstance(inner, BaseModel | dict):
            yield from _models(inner, (*path, key))


def _provenance(path: Path, model: BaseModel, sources: Collection[str] | None) -> Iterator[Problem]:
    if isinstance(model, Provenance):
        if model.quality != "assumption" and not model.source:
            rule = f"{model.quality} needs a source. Name it, or write quality: assumption."
            yield Problem((*path, "quality"), rule, model.quality)
        if sources is not None and model.source:
            yield from unknown((*path, "source"), model.source.split("+"), sources, "source")
        yield from _interval(path, model)
    if isinstance(model, Status) and sources is not None:
        for i, name in enumerate(model.sources):
            yield from unknown((*path, "sources", i), [name], sources, "source")


def _parts(path: Path, model: BaseModel) -> Iterator[Problem]:
    """A share of something is at most the whole, whatever it is called."""
    if isinstance(model, Quantity) and model.unit.startswith("share"):
        for name, number in model:
            if isinstance(number, float) and number > 1:
                yield Problem(
                    (*path, name), f"is a {model.unit}: it must be between 0 and 1.", number
                )


def _interval(path: Path, model: Provenance) -> Iterator[Problem]:
    if model.low is not None and model.high is not None and model.low > model.high:
        yield Problem((*path, "low"), f"must not be above high, {model.high:g}.", model.low)


def out_of_range(config: RunConfig) -> Iterator[Problem]:
    """Numbers outside the range that their own file gives. Only a slip where one hand wrote both:
    a run may well ask what happens beyond a range."""
    for section, part in sections(config):
        for path, model in _models(part, section):
            if isinstance(model, Provenance) and (model.low is not None or model.high is not None):
                low = -float("inf") if model.low is None else model.low
                high = float("inf") if model.high is None else model.high
                for name in ("value", "rate", "share", "level"):
                    value = getattr(model, name, None)
                    if value is not None and low <= high and not low <= value <= high:
                        rule = f"must lie between low and high, {low:g} to {high:g}."
                        yield Problem((*path, name), rule, value)


def _dates(path: Path, model: BaseModel) -> Iterator[Problem]:
    if not {"since", "until"} <= type(model).model_fields.keys():
        return
    since, until = getattr(model, "since", None), getattr(model, "until", None)
    if since is not None and until is not None and month_index(until) < month_index(since):
        yield Problem((*path, "until"), f"must not be before since, {since}.", until)


def _printable(path: Path, model: BaseModel) -> Iterator[Problem]:
    """Labels go to terminals and figures: nothing in them may steer a terminal, or turn text."""
    for name, value in model:
        if isinstance(value, str) and UNPRINTABLE.search(value):
            rule = "holds a character that cannot be printed. Write plain text."
            yield Problem((*path, name), rule, UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value))
