"""What the parameters in force mean for firms this month, as arrays for kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from sim.agents.firms import FirmBook
from sim.config.schema.firms import Firms
from sim.core.clock import month_index

CERTAIN: Final = 2.0**32

MONTHS: Final = 12.0


class FirmRules(NamedTuple):
    """K sectors, Z sizes, T tiers, P prefectures, U standings, Q pools."""

    want: np.ndarray  # float64[K, T]: jobs wanted per job at the opening
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


def growth(firms: Firms, params: Mapping[str, float], month: int) -> tuple[np.ndarray, np.ndarray]:
    """Growth a year of the jobs wanted: of sectors float64[K], of their tiers float64[K, T].

    At first the sector's own, for a tier times its factor; in the long run the same for all.
    """
    years = (month - month_index(firms.since)) / MONTHS
    part = 0.5 ** (years / max(params["firms.demand.half_life"], 1e-9))
    own = np.array([params[f"firms.sectors.{name}.growth"] for name in firms.sectors])
    tier = np.array([params[f"firms.tiers.{name}.growth"] for name in firms.tiers])
    far = params["firms.demand.long_run"]
    extra = (own - far) * part
    return far + extra, far + extra[:, None] * tier[None, :]


def grow(book: FirmBook, firms: Firms, params: Mapping[str, float], month: int) -> None:
    """Bring demand to this month: more jobs a firm, and more firms.

    What comes with new firms is not added to the old ones.
    """
    sector, tier = growth(firms, params, month)
    new = sector * params["firms.demand.new_firms"]
    wages = params["firms.demand.wages"] * params["firms.demand.wage_growth"]
    book.demand *= np.exp((tier - new[:, None] - wages) / MONTHS)
    book.extent *= np.exp(new / MONTHS)


def rules(book: FirmBook, firms: Firms, params: Mapping[str, float], month: int) -> FirmRules:
    """This month's rules."""
    standings = list(firms.statuses)
    pool, frozen, months = _fixed(firms)
    people = _between(month, book.years, book.workforce)
    burden = params["firms.support.burden"] ** -params["firms.support.elasticity"]
    standing = np.ones(len(standings))
    standing[standings.index(firms.certified)] = params["firms.demand.certified"]
    close, bar, guide, certify = _chances(firms, params)
    return FirmRules(
        want=book.demand * burden,
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
    more = growth(firms, params, month)[0] * params["firms.demand.new_firms"]
    rate = np.maximum(closing[None, :] + more[:, None], 0.0) * book.extent[:, None] / MONTHS
    return np.asarray(book.cells * rate[:, :, None] * scale)


def _within_a_year(rate: float | np.ndarray) -> np.ndarray:
    """Probability within a year of something that happens at a rate a year."""
    return np.asarray(-np.expm1(-np.asarray(rate)))


def _threshold(p: object) -> np.ndarray:
    return np.floor(np.clip(np.asarray(p, np.float64), 0.0, 1.0) * CERTAIN).astype(np.uint64)
