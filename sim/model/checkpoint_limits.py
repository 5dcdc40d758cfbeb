"""What every array of a checkpoint must be: its type, its shape and the range of its values.

The seal of a checkpoint is a hash, not a key: anybody can make one. Kernels never look whether an
index lies inside its table, so a file by somebody else could make them write anywhere. Hence
everything is compared here with the model that goes on from it, before any kernel sees it: each
array with its line of `limits`, then what several arrays say together. What can be counted again
or computed again must come out the same; what cannot must be possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final, NamedTuple

import numpy as np

from sim.agents.firms import FIRM_FIELDS, N_COUNTS, WAY, FirmBook, kept_names
from sim.agents.firms import HOLE as NO_FIRM
from sim.agents.population import FIELDS, HOLE, NO_SECTOR, SEEKS
from sim.agents.record import FLAG, HALF_YEAR, NUMBER, SERIES, Series
from sim.agents.state import State
from sim.config.factors import AGES, SEXES
from sim.core.clock import NEVER, half_year_end, month_index
from sim.processes.firm_rules import grow_demand
from sim.processes.firms import demand_shock
from sim.processes.risk import N_ARREARS, N_LANGUAGE, PER_STATUS, n_classes
from sim.rates.places import N_MOBILITY
from sim.rates.statuses import has_firms

LONG_AGO: Final = -1200
"""Earliest month of a date, that of a birth included: January 1800."""

PER_AGE: Final = N_LANGUAGE * N_ARREARS * N_MOBILITY
"""Classes of bounds for one age and years in status."""

MOST: Final = 2**62
"""No sum of a run comes near."""

MOST_JOBS: Final = 1e6
"""Jobs that one firm may want; Japan's largest employers have a third of it."""

MOST_GROWTH: Final = 1e4
"""How often more jobs than at the opening all firms together may want."""

MOST_YEN: Final = 1e15

MOST_LEVEL: Final = 3
"""Highest level of support that a municipality gives."""

MOST_JOBS_EACH: Final = 100
"""Jobs that all firms together may want, for each resident and firm of the opening."""


class Limit(NamedTuple):
    """Type and shape of an array, and the least and the largest of its values.

    A length of None is any. A range of None is not looked at: every value is possible.
    """

    dtype: np.dtype
    shape: tuple[int | None, ...]
    low: float | None
    high: float | None


def problems_of(arrays: Mapping[str, np.ndarray], month: int, state: State) -> Iterator[str]:
    """Why arrays cannot be the state of this model at the end of a month, one phrase each.

    arrays  by name: exactly those of `limits`
    state   a blank one of the run that goes on (`sim.model.opening.blank_state`)
    """
    table = limits(arrays, month, state)
    found = False
    for name, limit in table.items():
        for what in _outside(name, arrays[name], limit):
            found = True
            yield what
    if not found:  # otherwise indices are not to be trusted
        yield from _people(arrays, month, state)
        yield from _record(arrays, month, state)
        yield from _towns(arrays)
        if has_firms(state.config):
            yield from _firms(arrays, month, state)


def _outside(name: str, array: np.ndarray, limit: Limit) -> Iterator[str]:
    fits = len(array.shape) == len(limit.shape) and all(
        want is None or have == want for have, want in zip(array.shape, limit.shape, strict=True)
    )
    if array.dtype != limit.dtype or not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in limit.shape)
        yield f"{name} is {array.dtype}{list(array.shape)}, not {limit.dtype}[{wanted}]"
    elif array.size and limit.low is not None and limit.high is not None:
        least, most = array.min(), array.max()
        if not (least >= limit.low and most <= limit.high):  # a NaN is outside, too
            yield f"{name} is not {limit.low:g} to {limit.high:g}"


def limits(arrays: Mapping[str, np.ndarray], month: int, state: State) -> dict[str, Limit]:
    """The limit of every array of a checkpoint. Lengths that only the file knows come from it."""
    return {
        **_of_people(arrays["people.key"].size, month, state),
        **_of_work(arrays, month, state),
        **_of_record(arrays, state),
        **_of_parts(state),
    }


def _of_people(n: int, month: int, state: State) -> dict[str, Limit]:
    s, o, _, m = state.sizes
    dates = LONG_AGO, month
    stages = state.rates.status.stage_cut.shape[1]
    ranges: dict[str, tuple[float | None, float | None]] = {
        "key": (None, None), "status": (0, HOLE), "stage": (0, stages - 1), "origin": (0, o - 1),
        "sex": (0, 1), "born": dates, "entered": dates, "since": dates,
        "permit_end": (LONG_AGO, NEVER), "permit_months": (0, 255), "municipality": (0, m - 1),
        "principal": (-1, n - 1), "language": (0, 4), "arrears": (0, 7),
        "counting": (LONG_AGO - month - 1, month), "risk": (0, n_classes(s)),
        "firm": (-1, n), "job_since": dates, "sector": (0, NO_SECTOR), "traits": (0, 3),
        "event": (0, 0),
    }  # fmt: skip
    people = {
        f"people.{name}": Limit(np.dtype(dtype), (n,), *ranges[name])
        for name, (dtype, _) in FIELDS.items()
    }
    people["free"] = Limit(np.dtype(np.int32), (None,), 0, n - 1)
    for name in ("cube", "place"):
        own = getattr(state, name)
        people[name] = Limit(own.dtype, own.shape, 0, n)
    return people


def _of_work(arrays: Mapping[str, np.ndarray], month: int, state: State) -> dict[str, Limit]:
    """Firms and those who are on the way to them; nothing at all in a run without firms."""
    if not has_firms(state.config):
        return {f"labour.{name}": Limit(np.dtype(np.int8), (0,), 0, 0) for name in kept_names()}
    body = state.config.firms
    assert body is not None
    _, _, p, m = state.sizes
    k, z, t, j = (len(part) for part in (body.sectors, body.sizes, body.tiers, body.fields))
    kinds = len(body.support.cost)
    n, people, way = (
        arrays[name].size for name in ("labour.firms.key", "people.key", "labour.way.firm")
    )
    ranges: dict[str, tuple[float | None, float | None]] = {
        "key": (None, None), "sector": (0, k - 1), "size": (0, z - 1), "municipality": (0, m - 1),
        "status": (0, NO_FIRM), "until": (0, NEVER), "support": (0, 2 ** kinds - 1),
        "opened": (0, month), "notice": (0, NEVER), "wanted": (0, MOST_JOBS), "heads": (0, people),
        "vacancies": (0, NEVER), "pending": (0, way),
    }  # fmt: skip
    out = {
        f"firms.{name}": Limit(np.dtype(dtype), (n, t) if by_tier else (n,), *ranges[name])
        for name, (dtype, _, by_tier) in FIRM_FIELDS.items()
    }
    on_way: dict[str, tuple[float | None, float | None]] = {
        # Who is due may be held back by a closed border.
        "due": (0, NEVER), "asked": (0, month), "firm": (0, n - 1),
        "firm_key": (None, None), "tier": (0, t - 1), "word": (None, None),
    }  # fmt: skip
    out |= {
        f"way.{name}": Limit(np.dtype(kind), (way,), *on_way[name]) for name, kind in WAY.items()
    }
    whole, real = np.dtype(np.int64), np.dtype(np.float64)
    jobs = float(people + n) * MOST_JOBS
    out |= {
        "free": Limit(np.dtype(np.int32), (None,), 0, n - 1),
        "jobs": Limit(real, (t, p, k), 0, jobs),
        "transfers": Limit(np.dtype(np.int16), (n, 2), 0, NEVER),
        "counts": Limit(whole, (N_COUNTS, t), 0, MOST),
        "capped": Limit(whole, (t, j), 0, MOST),
        "flow": Limit(whole, (t, j), 0, MOST),
        "book.demand": Limit(real, (k, t), 0, MOST_GROWTH),
        "book.extent": Limit(real, (k,), 0, MOST_GROWTH),
        "book.usual": Limit(real, (k, z, t), 0, MOST_JOBS),
        "book.cells": Limit(whole, (k, z, p), 0, body.establishments.value),
        "book.noise": Limit(real, (1,), -MOST_GROWTH, MOST_GROWTH),
        "book.stead": Limit(real, (t,), 0, MOST_GROWTH),
        "book.past": Limit(real, (None, t), -MOST_GROWTH, MOST_GROWTH),
        "book.instead": Limit(real, (arrays["labour.book.past"].shape[0], t), 0, MOST_GROWTH),
        "book.first": Limit(whole, (1,), 0, NEVER),
        "book.share": Limit(real, (2,), 0, 1),
        "book.years": Limit(real, (None,), LONG_AGO, NEVER),
        "book.pull": Limit(real, (m + 1,), 0, MOST),
        "book.workforce": Limit(real, (arrays["labour.book.years"].size, p), 0, MOST_GROWTH),
    }
    return {f"labour.{name}": limit for name, limit in out.items()}


def _of_record(arrays: Mapping[str, np.ndarray], state: State) -> dict[str, Limit]:
    """The months that are remembered, and every declared series."""
    sizes, months = axes_of(state), np.dtype(np.int64)
    out = {"record.months": Limit(months, (None,), 0, NEVER)}
    for name, series in SERIES.items():
        length = arrays["record.months"].size
        if series.when == HALF_YEAR:
            length = arrays[f"record.{name}.months"].size
            out[f"record.{name}.months"] = Limit(months, (None,), 0, NEVER)
        out[f"record.{name}"] = _of_series(series, length, arrays[f"record.{name}"].shape, sizes)
    return out


def _of_series(
    series: Series, length: int, given: tuple[int, ...], sizes: Mapping[str, int]
) -> Limit:
    """Entries without anything in them (of municipalities that do not act) may have any shape."""
    columns = (len(series.columns),) if series.columns else ()
    shape: tuple[int | None, ...] = (length, *(sizes[axis] for axis in series.shape), *columns)
    if length and given[:1] == (length,) and 0 in given:
        shape = given
    dtype = np.dtype(series.dtype)
    return Limit(dtype, shape, 0 if dtype.kind == "i" else -MOST, MOST)


def axes_of(state: State) -> dict[str, int]:
    """Lengths of the axes of series, by the letters of `sim.agents.record.AXES`."""
    s, o, p, m = state.sizes
    body = state.config.firms if has_firms(state.config) else None
    work = [0] * 5
    if body is not None:
        parts = (body.sectors, body.sizes, body.statuses, body.tiers, body.fields)
        work = [len(part) for part in parts]
    return {
        "S": s, "O": o, "P": p, "M": m, "F": state.rates.kinds, "Q": len(state.bureau.names),
        **dict(zip("KZUTJ", work, strict=True)), "sex": len(SEXES), "age": (AGES - 1) // 5 + 1,
    }  # fmt: skip


def _of_parts(state: State) -> dict[str, Limit]:
    """Municipalities, agencies and the audit: their shapes are those of the blank state."""
    share, count = (0.0, 1.0), (0, MOST)
    ranges: dict[str, tuple[float, float]] = {
        "towns.level": (0, MOST_LEVEL), "towns.funded": (0, 1), "towns.classes": (0, 1),
        "towns.linked": (0, 1), "towns.sentiment": share, "towns.anchor": share,
        "towns.share": share, "towns.usual": share, "towns.counts": count,
        "towns.budget": (0, MOST_YEN), "towns.cases": count, "towns.capacity": count,
        "towns.waiting": count, "towns.pull": (0, 2**32 - 1),
        "agencies.waiting": count, "agencies.recent": (-1, MOST), "agencies.cases": count,
        "agencies.decided": count, "agencies.capacity": count,
        "agencies.owed": (-MOST, MOST), "agencies.pace": (0, MOST), "agencies.lag": (1, MOST),
        "audit.seen": count, "audit.expected": count, "audit.variance": count,
        "audit.screen": count, "audit.screen_variance": (0, MOST),
    }  # fmt: skip
    return {
        f"{part}.{field.name}": _like(getattr(own, field.name), ranges[f"{part}.{field.name}"])
        for part, own in (
            ("towns", state.towns),
            ("agencies", state.agencies),
            ("audit", state.audit),
        )
        for field in fields(own)
    }


def _like(own: object, limits: tuple[float, float]) -> Limit:
    array = np.asarray(own)
    return Limit(array.dtype, array.shape, *limits)


def _people(arrays: Mapping[str, np.ndarray], month: int, state: State) -> Iterator[str]:
    """Codes that hang on the status, references between people, stocks counted again."""
    column = {name: arrays[f"people.{name}"] for name in FIELDS}
    alive, table = column["status"] != HOLE, state.rates.status
    s, o, p, m = state.sizes
    if not np.array_equal(np.sort(arrays["free"]), np.flatnonzero(~alive)):
        yield "its free rows are not its holes"
    status = column["status"][alive].astype(np.int64)
    if status.size and status.max() >= s:
        yield f"people.status is not 0 to {s - 1}"
        return
    stages = np.array(
        [max(len(state.config.status[n].stages), 1) for n in state.rates.codes.statuses]
    )
    if (column["stage"][alive] >= stages[status]).any():
        yield "people.stage is none of the status"
    if not np.array_equal(_risk(column, alive, state), column["risk"]):
        yield "people.risk is not that of its people"
    limited, ends = table.limited[status], column["permit_end"][alive]
    if ((ends <= month) | ((ends == NEVER) == limited)).any():
        yield "people.permit_end is over, or is not that of the status"
    seeking = (column["traits"][alive] & SEEKS) > 0
    if (seeking & ((column["firm"][alive] >= 0) | (table.tier[status] < 0))).any():
        yield "people.traits say that somebody looks for work who has some, or may have none"
    if (column["entered"][alive] < column["born"][alive]).any():
        yield "people.entered lies before the birth"
    holder = column["principal"][alive & (column["principal"] >= 0)]
    if not alive[holder].all():
        yield "people.principal is nobody"
    origin, place = column["origin"][alive], column["municipality"][alive]
    cell = (status * o + origin) * p + state.world.prefecture[place]
    if not np.array_equal(np.bincount(cell, minlength=s * o * p), arrays["cube"]):
        yield "cube is not what its people add up to"
    if not np.array_equal(
        np.bincount(place * np.int64(s) + status, minlength=m * s), arrays["place"]
    ):
        yield "place is not what its people add up to"
    sectors = axes_of(state)["K"]
    sector = column["sector"]
    if ((sector >= sectors) & (sector != NO_SECTOR)).any():
        yield f"people.sector is not 0 to {sectors - 1}"
    if not has_firms(state.config) and (column["firm"] != -1).any():
        yield "people.firm names firms, and there are none"


def _risk(column: Mapping[str, np.ndarray], alive: np.ndarray, state: State) -> np.ndarray:
    """uint32[n]: classes of bounds as they must be, but for the age, which is that of some month
    before: it is taken from the class given."""
    status, given = column["status"].astype(np.int64), column["risk"].astype(np.int64)
    ages = PER_STATUS // 2 // PER_AGE
    mobility = state.places.world.mobility[column["municipality"]]
    risk = (status * 2 + (column["firm"] >= 0)) * ages + given // PER_AGE % ages
    risk = (risk * N_LANGUAGE + column["language"]) * N_ARREARS + column["arrears"]
    risk = risk * N_MOBILITY + mobility
    return np.where(alive, risk, n_classes(state.sizes[0])).astype(np.uint32)


def _firms(arrays: Mapping[str, np.ndarray], month: int, state: State) -> Iterator[str]:
    """Workers and those on the way counted again, demand computed again, possible totals."""
    sizes = axes_of(state)
    own = {name: arrays[f"labour.{name}"] for name in kept_names()}
    status = own["firms.status"]
    alive, n = status != NO_FIRM, status.size
    if (status[alive] >= sizes["U"]).any():
        yield f"labour.firms.status is not 0 to {sizes['U'] - 1}"
    if not np.array_equal(np.sort(own["free"]), np.flatnonzero(~alive)):
        yield "its free firms are not the holes among its firms"
    working = arrays["people.firm"] >= 0
    firm = arrays["people.firm"][working].astype(np.int64)
    tier = state.rates.status.tier[np.minimum(arrays["people.status"][working], state.sizes[0] - 1)]
    if (firm >= n).any() or (tier < 0).any() or not alive[firm[firm < n]].all():
        yield "people.firm is none in which they may work"
    elif not np.array_equal(_counted(firm, tier, own["firms.heads"].shape), own["firms.heads"]):
        yield "labour.firms.heads is not what its workers add up to"
    elif (own["firms.sector"][firm] != arrays["people.sector"][working]).any():
        yield "people.sector is not that of the firm"
    chosen = own["way.firm"], own["way.tier"]
    if not np.array_equal(_counted(*chosen, own["firms.pending"].shape), own["firms.pending"]):
        yield "labour.firms.pending is not what those on the way add up to"
    if not np.array_equal(own["firms.key"][own["way.firm"]], own["way.firm_key"]):
        yield "labour.way.firm_key is not that of the firm"
    yield from _book(own, int(arrays["record.cubes"][0].sum()), month, state)


def _counted(firm: np.ndarray, tier: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """int64[firms, T]: how many pairs there are of each firm and tier."""
    job = firm.astype(np.int64) * shape[1] + tier
    return np.bincount(job, minlength=shape[0] * shape[1]).reshape(shape)


def _book(own: Mapping[str, np.ndarray], opening: int, month: int, state: State) -> Iterator[str]:
    """The FirmBook of a checkpoint. opening: people at the start of the run."""
    body = state.config.firms
    assert body is not None
    shape = own["book.demand"].shape
    book = FirmBook(
        np.ones(shape), np.ones(shape[0]), np.zeros(1), np.zeros(shape[1]), own["book.past"],
        own["book.instead"], own["book.first"], own["book.share"], own["book.usual"],
        own["book.cells"], own["book.years"], own["book.pull"], own["book.workforce"],
    )  # fmt: skip
    for when in range(month_index(state.config.start) + 1, month + 1):
        shock = demand_shock(state.config, state.key, when)
        grow_demand(book, body, state.policy.params(when), when, shock)
    for name in ("demand", "extent", "noise", "stead"):
        if not np.array_equal(getattr(book, name), own[f"book.{name}"]):
            yield f"labour.book.{name} is not what demand has grown to"
    years, pull = book.years, book.pull
    if not years.size or (np.diff(years) <= 0).any():
        yield "labour.book.years do not ascend"
    if pull[0] != 0 or (np.diff(pull) < 0).any():
        yield "labour.book.pull does not ascend from 0"
    if book.cells.sum() > body.establishments.value:
        yield f"labour.book.cells are more than {body.establishments.value:g} firms"
    most = MOST_JOBS_EACH * (opening + own["firms.key"].size)
    new = (book.usual * book.cells.sum(axis=2)[:, :, None]).sum() * state.scale
    totals = {"firms.wanted": own["firms.wanted"].sum(dtype=np.float64), "jobs": own["jobs"].sum(),
              "book.usual": new}  # fmt: skip
    for name, total in totals.items():
        if total > most:
            yield f"labour.{name} means {total:.3g} jobs, for {opening:,} people at the opening"


def _record(arrays: Mapping[str, np.ndarray], month: int, state: State) -> Iterator[str]:
    """Every month since the start is there, and stocks follow from flows in each of them."""
    start = month_index(state.config.start)
    months = np.arange(start, month + 1)
    ends = [m for m in months.tolist() if m == start or m == half_year_end(m)]
    if not np.array_equal(arrays["record.months"], months):
        yield "record.months is not every month since the start"
        return
    for name, series in SERIES.items():
        given = arrays[f"record.{name}"]
        if series.when == HALF_YEAR and arrays[f"record.{name}.months"].tolist() != ends:
            yield f"record.{name}.months is not the opening and every June and December"
        for at, column in enumerate(series.columns if given.size else ()):
            most = {NUMBER: MOST, FLAG: 1}.get(column.kind, MOST_LEVEL)
            values = given[..., at]
            if column.kind != NUMBER and not (values.min() >= 0 and values.max() <= most):
                yield f"record.{name} ({column.name}) is not 0 to {most}"
    cubes = arrays["record.cubes"]
    stocks = cubes.sum(axis=(2, 3), dtype=np.int64)
    came = arrays["record.came"] + arrays["record.brought"] + arrays["record.born"]
    flows = np.array([state.rates.net(flow) for flow in arrays["record.flows"]])
    if not np.array_equal(stocks[1:], stocks[:-1] + (came + flows)[1:]):
        yield "record.cubes do not follow from record.flows"
    if not np.array_equal(cubes[-1].ravel(), arrays["cube"]):
        yield "record.cubes do not end with cube"
    whole = stocks[np.array(ends) - start]
    parts = {
        "places": arrays["record.places"].sum(axis=1, dtype=np.int64),
        "ages": arrays["record.ages"].sum(axis=(2, 3), dtype=np.int64),
        "traits": arrays["record.traits"][:, :, 0],
    }
    for name, part in parts.items():
        if not np.array_equal(part, whole):
            yield f"record.{name} does not add up to record.cubes"
    for name in ("traits", "cohorts"):
        if arrays[f"record.{name}"].max(initial=0) > whole.max(initial=0):
            yield f"record.{name} are more than there are people"


def _towns(arrays: Mapping[str, np.ndarray]) -> Iterator[str]:
    pull = arrays["towns.pull"]
    if pull[:, 0].any() or (np.diff(pull, axis=1) <= 0).any():
        yield "towns.pull does not ascend from 0"
