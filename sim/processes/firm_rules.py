"""What the parameters in force mean for firms this month, as arrays for kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from sim.agents.firms import FirmBook
from sim.config.schema.firms import Firms

CERTAIN: Final = 2.0**32

MONTHS: Final = 12.0


class FirmRules(NamedTuple):
    """K sectors, Z sizes, T tiers, P prefectures, U standings, Q pools."""

    want: np.ndarray  # float64[K, T]: jobs wanted per job at the opening
    before: np.ndarray  # int64[T]: tier whose jobs at the opening a tier may come to share
    stead: np.ndarray  # float64[K, T]: jobs wanted for each of them
    local: np.ndarray  # float64[P]: what the local lack of people multiplies it by
    standing: np.ndarray  # float64[U]: what the firm's standing multiplies it by
    pool: np.ndarray  # int64[T]
    frozen: np.ndarray  # bool[Q]: no hiring under guidance
    close: np.ndarray  # uint64[Z] thresholds, for a year as those below
    # Thresholds for the pools in which a firm has workers, uint64[2**Q], one below the other.
    bar: np.ndarray
    guide: np.ndarray
    certify: np.ndarray
    months: np.ndarray  # int64[U]: how long a standing lasts, 0 = no end
    certified: int
    guidance: int
    barred: int
    closure_notice: int
    bar_notice: int


def growth(
    book: FirmBook, firms: Firms, params: Mapping[str, float], month: int
) -> tuple[np.ndarray, np.ndarray]:
    """Growth a year of the jobs wanted: of sectors float64[K], of their tiers float64[K, T].

    In the published past that of each tier and its pace, the same in all sectors, whose shares are
    the latest from the opening on. Later the first growth of
    sector and tier, which returns to the mean, shocks, and the room that the ceiling leaves. A
    sector's share of employment is taken to begin at the country's: no sector moves another.
    """
    given = {name: params[f"firms.demand.{name}"] for name in DEMAND}
    common = params["firms.growth"]
    own = np.array([params[f"firms.sectors.{name}.growth"] for name in firms.sectors]) - common
    tier = np.array([params[f"firms.tiers.{name}.growth"] for name in firms.tiers])
    weight = (book.usual * book.cells.sum(axis=2)[:, :, None]).sum(axis=1)
    jobs = weight * book.demand * book.extent[:, None]
    whole, year, last = jobs.sum(axis=1), _year(book, month), last_past(book)
    if year >= 0:
        pace = [math.log(params[f"firms.demand.pace.{name}"]) for name in firms.tiers]
        rate = np.tile(book.past[year] + np.array(pace), (own.size, 1))
    else:
        beyond = given["output"] - given["usual_output"]
        far = given["mean"] + given["output_response"] * beyond
        part = given["persistence"] ** ((month - last) / MONTHS)
        rate = far + (own[:, None] + tier[None, :] - far) * part + book.noise[0]
        people = float(_between(month, book.years, book.workforce).mean())
        grown = whole / np.maximum(weight.sum(axis=1), 1e-9)
        left = growth_left(book.share[0] * grown / people, float(book.share[1]), given["ceiling"])
        rate = np.where(rate > 0, rate * left[:, None], rate)
    return (jobs * rate).sum(axis=1) / np.maximum(whole, 1e-9), rate


DEMAND: Final = (
    "mean", "persistence", "shock", "output", "usual_output", "output_response", "ceiling",
)  # fmt: skip
"""Parameters below `firms.demand` that growth is made of."""


def growth_left(share: np.ndarray, known: float, ceiling: float) -> np.ndarray:
    """What is left of growth at foreign shares of employment: 1 at the one last published, 0 at
    the ceiling (logistic)."""
    return np.asarray(np.maximum(1.0 - share / ceiling, 0.0) / max(1.0 - known / ceiling, 0.05))


def last_past(book: FirmBook) -> int:
    """Last month of the published past."""
    return int(book.first[0]) + 12 * book.past.shape[0]


def _year(book: FirmBook, month: int) -> int:
    """Row of `past` that a month belongs to, -1 afterwards."""
    return (month - 1 - int(book.first[0])) // 12 if month <= last_past(book) else -1


def grow_demand(
    book: FirmBook, firms: Firms, params: Mapping[str, float], month: int, deviate: float = 0.0
) -> None:
    """Bring demand to this month: more jobs a firm, and more firms.

    deviate  standard normal number of the month's common shock, 0 without shocks

    What comes with new firms is not added to the old ones.
    """
    year = _year(book, month)
    if year < 0:
        yearly = min(params["firms.demand.persistence"], 0.9999)
        monthly = yearly ** (1 / MONTHS)
        sd = params["firms.demand.shock"] * math.sqrt((1 - monthly**2) / (1 - yearly**2))
        book.noise[0] = monthly * book.noise[0] + sd * deviate
    sector, tier = growth(book, firms, params, month)
    new = sector * params["firms.demand.new_firms"]
    wages = params["firms.demand.wages"] * params["firms.demand.wage_growth"]
    if year >= 0:
        begin = book.instead[year - 1] if year > 0 else np.zeros(book.stead.size)
        passed = (month - int(book.first[0]) - 12 * year) / MONTHS
        book.stead[:] = begin + passed * (book.instead[year] - begin)
    book.demand *= np.exp((tier - new[:, None] - wages) / MONTHS)
    book.extent *= np.exp(new / MONTHS)


def rules(book: FirmBook, firms: Firms, params: Mapping[str, float], month: int) -> FirmRules:
    """This month's rules."""
    standings, names = list(firms.statuses), list(firms.tiers)
    pool, frozen, months = _fixed(firms)
    people = _between(month, book.years, book.workforce)
    burden = params["firms.support.burden"] ** -params["firms.support.elasticity"]
    standing = np.ones(len(standings))
    standing[standings.index(firms.certified)] = params["firms.demand.certified"]
    close, bar, guide, certify = _chances(firms, params)
    return FirmRules(
        want=book.demand * burden,
        before=np.array([names.index(tier.stead_of or n) for n, tier in firms.tiers.items()]),
        stead=burden * book.stead[None, :] * book.demand,
        local=np.maximum(people, 1e-3) ** -params["firms.demand.ageing"],
        standing=standing,
        pool=pool,
        frozen=frozen,
        close=close,
        bar=bar,
        guide=guide,
        certify=certify,
        months=months,
        certified=standings.index(firms.certified),
        guidance=standings.index(firms.guidance),
        barred=standings.index(firms.barred),
        closure_notice=round(params["firms.rules.closure_notice"]),
        bar_notice=round(params["firms.rules.bar_notice"]),
    )


def _between(month: int, years: np.ndarray, table: np.ndarray) -> np.ndarray:
    """float64[P]: every column of `table`, float64[Y, P], as `np.interp` has it in a month."""
    k = int(np.searchsorted(years, month, side="right")) - 1
    if k < 0 or k == years.size - 1 or years[k] == month:
        return table[max(k, 0)]
    slope = (table[k + 1] - table[k]) / (years[k + 1] - years[k])
    return np.asarray(slope * (month - years[k]) + table[k])


def _pools(firms: Firms) -> list[str]:
    return list(dict.fromkeys(tier.pool for tier in firms.tiers.values()))


def _fixed(firms: Firms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """pool, frozen and months of FirmRules."""
    pools = _pools(firms)
    return (
        np.array([pools.index(tier.pool) for tier in firms.tiers.values()]),
        np.array([name in firms.rules.frozen for name in pools]),
        np.array([status.months or 0 for status in firms.statuses.values()]),
    )


def _chances(
    firms: Firms, params: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds of a closure in a year uint64[Z], and cumulative ones of a bar, guidance and a
    certificate uint64[2**Q]."""
    pools = _pools(firms)
    closing = [_within_a_year(params[f"firms.sizes.{name}.closure"]) for name in firms.sizes]
    rate = [params[f"firms.rules.inspected.{name}"] for name in pools]
    has = (np.arange(2 ** len(pools))[:, None] >> np.arange(len(pools))) & 1 > 0
    found = _within_a_year(np.max(np.where(has, rate, 0.0), axis=1))
    found = found * min(params["firms.rules.violation"], 1.0)
    frozen = np.array([name in firms.rules.frozen for name in pools])
    chance = np.where(
        (has & frozen).any(axis=1), _within_a_year(params["firms.rules.certified"]), 0.0
    )
    barred = found * min(params["firms.rules.barred"], 1.0)
    parts = (closing, barred, found, np.minimum(found + chance, 1.0))
    close, bar, guide, certify = (_threshold(part) for part in parts)
    return close, bar, guide, certify


def support_shares(firms: Firms, params: Mapping[str, float]) -> np.ndarray:
    """uint64[kinds + 1] thresholds: firms that give each kind of support, and, last, the least
    among certified ones."""
    kinds = [params[f"firms.support.share.{name}"] for name in firms.support.share]
    return _threshold([*kinds, params["firms.support.certified"]])


def new_firms(
    book: FirmBook, firms: Firms, params: Mapping[str, float], month: int, scale: float
) -> np.ndarray:
    """Expected number of firms that open this month, float64[K, Z, P].

    As many as usually close, by the configuration itself and whatever closes now, and those by
    which the number of firms grows.
    """
    closing = np.array([size.closure.value for size in firms.sizes.values()])
    more = growth(book, firms, params, month)[0] * params["firms.demand.new_firms"]
    rate = np.maximum(closing[None, :] + more[:, None], 0.0) * book.extent[:, None] / MONTHS
    return np.asarray(book.cells * rate[:, :, None] * scale)


def _within_a_year(rate: float | np.ndarray) -> np.ndarray:
    """Probability within a year of something that happens at a rate a year."""
    return np.asarray(-np.expm1(-np.asarray(rate)))


def _threshold(p: object) -> np.ndarray:
    return np.floor(np.clip(np.asarray(p, np.float64), 0.0, 1.0) * CERTAIN).astype(np.uint64)
