"""A month of the municipalities: desks, budgets, support, classes, the data link, sentiment.

Everything is float64 or int64 by municipality, in one thread and in order of code, from stocks
that are integers: threads and the order of people change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit

from sim.agents.population import HOLE
from sim.agents.record import MONTH, Column, declare
from sim.agents.state import State
from sim.agents.towns import COUNTED, FUNDED_LEVEL, Land, Towns
from sim.core.clock import calendar_month
from sim.core.kernels import borrow
from sim.core.rng import P_TOWN_CLASSES, one_uniform

FISCAL_YEAR: Final = 4
"""First month of the year of budgets, and of caps on recruitment."""

LEAST, MOST = 0.02, 0.98
"""Bounds of sentiment: nowhere do all residents agree."""

FEW: Final = 50.0
"""Residents with the nation's arrears rate that are added to each place's own."""


@dataclass(frozen=True)
class Residents:
    """float64[M] people, weighted: foreign residents, those without a status; scale of the run."""

    foreign: np.ndarray
    irregular: np.ndarray
    scale: float

    @classmethod
    def of(
        cls, place: np.ndarray, statuses: int, counted: np.ndarray, irregular: int, scale: float
    ) -> Residents:
        """From int64[M * S] stocks; counted is bool[S]."""
        stock = place.reshape(-1, statuses)
        return cls(stock[:, counted].sum(axis=1) / scale, stock[:, irregular] / scale, scale)


def advance_towns(
    towns: Towns,
    land: Land,
    params: Mapping[str, float],
    month: int,
    key: tuple[np.uint64, np.uint64],
    people: Residents,
) -> None:
    """Bring the municipalities to this month; `people` are those of the end of the last."""
    levels = list(land.town.support.levels)
    if calendar_month(month) == FISCAL_YEAR:
        _budget(towns, params, people, [params[f"town.support.levels.{n}.cost"] for n in levels])
        _open_classes(towns, land, params["town.classes.opening"], month, key)
    joined = land.rank < params["town.link.share"]
    towns.linked[joined] = 1
    work_at_desks(towns, params, people)
    drift_sentiment(towns, land, params, month, people, levels)


def _budget(
    towns: Towns, params: Mapping[str, float], people: Residents, cost: list[float]
) -> None:
    """The year's budget, and the level of support that it is spent on."""
    _fund(towns, round(params["town.support.bodies"]), people.foreign)
    grant = params["town.support.grants"] / max(int(towns.funded.sum()), 1)
    towns.budget[:] = params["town.support.own"] * people.foreign + grant * towns.funded
    level = towns.level.astype(np.int64)
    price = np.array(cost)
    afforded = np.searchsorted(price, towns.budget, side="right") - 1
    pressed = towns.cases + towns.waiting >= params["town.support.rise"] * towns.capacity
    rise = (level < afforded) & pressed
    fall = towns.budget < params["town.support.keep"] * price[level]
    level = level + rise - (fall & ~rise)
    level = np.where(towns.funded == 1, np.maximum(level, FUNDED_LEVEL), level)
    towns.level[:] = level


def _fund(towns: Towns, bodies: int, foreign: np.ndarray) -> None:
    """Grants for `bodies` municipalities: those that have one keep it, then by residents."""
    order = np.lexsort((np.arange(foreign.size), -foreign, -towns.funded.astype(np.int64)))
    if towns.funded.sum() > bodies:  # the smallest lose it
        order = np.lexsort((np.arange(foreign.size), -foreign * towns.funded))
    towns.funded[:] = 0
    towns.funded[order[:bodies]] = 1


def _open_classes(
    towns: Towns, land: Land, rate: float, month: int, key: tuple[np.uint64, np.uint64]
) -> None:
    """Municipalities without Japanese classes open some, at a rate a year."""
    chance = -math.expm1(-rate)
    for m in np.flatnonzero(towns.classes == 0):
        if one_uniform(*key, land.keys[m], month, P_TOWN_CLASSES) < chance:
            towns.classes[m] = 1


def work_at_desks(towns: Towns, params: Mapping[str, float], people: Residents) -> None:
    """Cases at the desks, how many can be dealt with, and how many wait."""
    behind = towns.counts[:, COUNTED.index("behind_nhi")] / people.scale
    cases = (
        params["town.desk.resident"] * people.foreign
        + (params["town.desk.behind"] + params["town.desk.linked"] * towns.linked) * behind
    )
    towns.cases[:] = np.rint(cases / 12.0)
    towns.capacity[:] = np.rint(towns.budget / (12.0 * max(params["town.desk.cost"], 1.0)))
    most = np.rint(params["town.desk.forgotten"] * towns.capacity).astype(np.int64)
    waiting = np.maximum(towns.waiting + towns.cases - towns.capacity, 0)
    towns.waiting[:] = np.minimum(waiting, most)


def support_given(towns: Towns, params: Mapping[str, float]) -> np.ndarray:
    """uint8[M]: the level that residents feel, one less where the desks are overrun."""
    patience = params["town.desk.patience"]
    overrun = (towns.waiting > patience * towns.capacity) & (towns.level > 0)
    return towns.level - overrun.astype(np.uint8)


def conditions(
    towns: Towns,
    params: Mapping[str, float],
    people: Residents,
    nationals: np.ndarray,
    levels: list[str],
) -> np.ndarray:
    """float64[3, M]: organised contact, irregular share of inhabitants, arrears rate.

    The rate of a place with few residents leans to the nation's (see FEW).
    """
    worth = np.array([params[f"town.support.levels.{name}.contact"] for name in levels])
    counts = towns.counts / people.scale
    took = counts[:, COUNTED.index("norms")] / np.maximum(people.foreign, 1.0)
    contact = worth[support_given(towns, params)] + params["integration.norms_contact"] * took
    behind = counts[:, COUNTED.index("behind_nhi")]
    overall = float(behind.sum() / max(people.foreign.sum(), 1.0))
    arrears = (behind + FEW * overall) / (people.foreign + FEW)
    irregular = people.irregular / np.maximum(people.foreign + nationals, 1.0)
    return np.stack([np.minimum(contact, 1.0), irregular, arrears])


def drift_sentiment(
    towns: Towns,
    land: Land,
    params: Mapping[str, float],
    month: int,
    people: Residents,
    levels: list[str],
) -> None:
    """Sentiment: pushed by growth of the foreign share and by politics, drawn to a target.

    What pushes it moves the target as well: nothing published says that opinion returns to a level
    by itself. Changes of contact, irregular residents and arrears since the opening move the target
    alone. Growth counts less in cities.
    """
    nationals = land.nationals_in(month)
    share = people.foreign / np.maximum(people.foreign + nationals, 1.0)
    moved = conditions(towns, params, people, nationals, levels) - towns.usual
    contact, irregular, arrears = moved
    fading = -math.expm1(-params["town.sentiment.fading"] / 12.0)
    push = params["town.sentiment.growth"] * (share - towns.share) * land.rural
    push = push + params["town.sentiment.signal"] / 12.0
    towns.anchor[:] = np.clip(towns.anchor + push, LEAST, MOST)
    target = towns.anchor - params["town.sentiment.contact"] * contact
    target = target + params["town.sentiment.irregular"] * irregular
    target = target + params["town.sentiment.arrears"] * arrears
    pushed = towns.sentiment + push
    towns.sentiment[:] = np.clip(pushed + fading * (target - pushed), LEAST, MOST)
    towns.share[:] = share


def opposed(towns: Towns, nationals: np.ndarray) -> float:
    """The nation's share opposed: the mean over nationals."""
    return float((towns.sentiment * nationals).sum() / max(nationals.sum(), 1.0))


def civic_entry(
    towns: Towns, land: Land, params: Mapping[str, float], month: int, people: Residents
) -> np.ndarray:
    """float64: an entry of CIVIC."""
    everyone = max(people.foreign.sum(), 1.0)
    m = max(towns.level.size, 1)
    levels = np.bincount(towns.level, minlength=4)[:4].tolist()
    return np.array([
        opposed(towns, land.nationals_in(month)), *levels,
        float(towns.classes.sum()) / m,
        float(people.foreign[towns.classes == 0].sum()) / everyone,
        float(towns.linked.sum()),
        float(people.foreign[towns.linked == 1].sum()) / everyone,
        float(towns.cases.sum()), float(towns.capacity.sum()), float(towns.waiting.sum()),
        params["integration.school_missing"], params["integration.allowance_leak"],
    ])  # fmt: skip


CIVIC: Final = declare(
    "civic", "all municipalities together; nothing where they do not act", "float64", (), MONTH,
    columns=(
        Column("opposed_share", "share of nationals"),
        *(Column(f"towns_level_{level}", "municipalities") for level in range(4)),
        Column("towns_with_classes_share", "share of municipalities"),
        Column("residents_without_classes_share", "share of residents"),
        Column("towns_linked", "municipalities"),
        Column("residents_linked_share", "share of residents"),
        Column("desk_caseload", "cases a month"), Column("desk_capacity", "cases a month"),
        Column("desk_backlog", "cases"),
        Column("school_missing_share", "share of children"),
        Column("allowance_leak_share", "share of payments"),
    ),
)  # fmt: skip
"""What `civic_entry` gives."""


@njit(cache=True, nogil=True)
def count_origins(chunk, first, stop, people, out):
    """People by origin and municipality from rows [first, stop): out int32[C, O, M]."""
    people = borrow(people)
    for i in range(first, stop):
        if people.status[i] != HOLE:
            out[chunk, people.origin[i], people.municipality[i]] += 1


LARGEST: Final = float(2**31)
"""Sum of an origin's weights: a destination is drawn with 32 bits."""


def destination_weights(
    base: np.ndarray,
    people: np.ndarray,
    support: np.ndarray,
    jobs: np.ndarray,
    tilt: np.ndarray,
    exponents: tuple[float, float, float],
    few: float,
) -> np.ndarray:
    """int64[O, M + 1]: cumulated weights of destinations by origin.

    base       int64[M + 1]: cumulated in-moves of the year observed
    people     int64[O, M]: residents by origin, weighted
    support    uint8[M]: level of support, 0 to 3
    jobs       float64[M]: jobs on offer relative to the country's, 1 = as usual
    tilt       float64[M]: what policy multiplies weights by, 1 = nothing
    exponents  of co-nationals, support and jobs; with all at 0, and no tilt, all have `base`
    few        people with the country's mixture of origins that are added to each place

    weight = in-moves x (share of the origin among residents, relative to the country)^a
             x (1 + level)^b x jobs^c x tilt
    """
    origins = people.shape[0]
    if not any(exponents) and (tilt == 1.0).all():
        return np.tile(base, (origins, 1))
    kin, support_power, jobs_power = exponents
    moves = np.diff(base).astype(np.float64)
    place = people.sum(axis=0).astype(np.float64)
    mixture = people.sum(axis=1) / max(float(place.sum()), 1.0)
    expected = mixture[:, None] * (place + few)[None, :]
    among = (people + few * mixture[:, None]) / np.maximum(expected, 1e-9)
    lean = tilt * (1.0 + support) ** support_power * np.maximum(jobs, 0.0) ** jobs_power
    weight = (moves * lean)[None, :] * np.where(mixture[:, None] > 0, among, 1.0) ** kin
    weight *= LARGEST / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    whole = np.maximum(np.rint(weight), 1.0).astype(np.int64)  # nowhere is quite closed
    out = np.zeros((origins, base.size), np.int64)
    np.cumsum(whole, axis=1, out=out[:, 1:])
    return out


def jobs_index(vacancies: np.ndarray, residents: np.ndarray, few: float) -> np.ndarray:
    """float64[M]: vacancies a resident relative to the country's, 1 = as usual.

    vacancies, residents: float64[M], weighted; `few` residents with the country's rate are added
    to each place. All 1 where nobody looks for anybody.
    """
    usual = float(vacancies.sum()) / max(float(residents.sum()), 1.0)
    if usual <= 0.0:
        return np.ones(residents.size)
    return np.asarray((vacancies + few * usual) / ((residents + few) * usual))


def residents(state: State) -> Residents:
    """Foreign residents and people without a status by municipality, weighted."""
    irregular = state.rates.status.irregular
    counted = np.ones(state.sizes[0], np.bool_)
    counted[irregular] = False
    return Residents.of(state.place, state.sizes[0], counted, irregular, state.scale)


def municipalities(state: State) -> None:
    """Budgets, desks, classes, the data link and sentiment; then what residents feel of them."""
    if state.land is not None:
        people = residents(state)
        advance_towns(state.towns, state.land, state.params, state.month, state.key, people)
        publish_towns(state)
        if calendar_month(state.month) == 1:
            set_pull(state)


def publish_towns(state: State) -> None:
    """Let kernels see support, sentiment and links as they are this month."""
    towns = state.towns
    state.world = state.world._replace(
        acting=True,
        support=support_given(towns, state.params),
        sentiment=np.minimum(towns.sentiment * 10.0, 9.0).astype(np.uint8),
        linked=towns.linked.copy(),
        pull=towns.pull,
    )


def set_pull(state: State) -> None:
    """Set the weights of destinations of the coming year's moves by co-nationals, support, jobs."""
    state.towns.pull = destinations(state, jobs_on_offer(state))
    state.world = state.world._replace(pull=state.towns.pull)


def jobs_on_offer(state: State) -> np.ndarray:
    """float64[M]: vacancies relative to residents and the country; 1 without firms."""
    m = state.sizes[3]
    vacancies = np.zeros(m)
    if state.labour is not None:
        firms = state.labour.firms
        alive = firms.alive
        open_now = firms["vacancies"][alive].sum(axis=1, dtype=np.int64)
        vacancies = np.bincount(firms["municipality"][alive], open_now, m) / state.scale
    few = state.params["town.pull.few"]
    return jobs_index(vacancies, residents(state).foreign, few)


def destinations(state: State, jobs: np.ndarray) -> np.ndarray:
    """int64[O, M + 1]: weights of internal moves from now on; see sim.processes.towns.

    jobs: float64[M], jobs on offer relative to the country's.
    """
    count = np.zeros((state.chunks, state.sizes[1], state.sizes[3]), np.int32)
    state.crew.run(count_origins, state.people.n, state.people.columns, count)
    land = state.land
    assert land is not None
    names = ("conationals", "support", "jobs")
    a, b, c = (state.params[f"town.pull.{name}"] for name in names)
    by_origin = count.sum(axis=0, dtype=np.int64) / state.scale
    base, few = state.places.world.pull[0], state.params["town.pull.few"]
    tilt = np.where(land.metropolitan, state.params["town.pull.metro"], 1.0)
    return destination_weights(base, by_origin, state.world.support, jobs, tilt, (a, b, c), few)
