"""Who comes, how many, from where and to where: the plan of arrivals of a run.

Past months take the table `arrivals` (published, or fitted so that stocks balance); later months
continue each channel at its level with an AR(1) shock of its own.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtri

from sim.config.schema.run import Channel, RunConfig
from sim.core.clock import HALF_YEAR, NEVER, calendar_month, half_year_end, month_index, year_of
from sim.core.memory import ByIdentity
from sim.core.probability import FULL, cuts, thresholds
from sim.core.rng import P_ARRIVAL_SHOCK, uniforms, word_of
from sim.data.load import Data
from sim.rates.places import Places
from sim.rates.supply import Supply

NEAR: Final = 30
"""Months before and after a past half-year that say at which level people usually come."""


class Profile(NamedTuple):
    """Who comes, one row per status. A age bands, L language levels."""

    female: np.ndarray  # uint64[S] threshold
    age_from: np.ndarray  # int16[S, A] lower bound in months
    age_months: np.ndarray  # int16[S, A] width of the band in months
    age_cut: np.ndarray  # uint64[S, A] cumulative thresholds
    language_cut: np.ndarray  # uint64[S, L] cumulative thresholds


COMPOSITION: Final = (
    "stocks_origin_status", "overstayers", "status_groups", "stocks_prefecture_status",
    "stocks_prefecture_origin",
)  # fmt: skip
"""Tables that say who comes from where and to where."""

_PUBLISHED: Final[ByIdentity[tuple[dict[int, np.ndarray], np.ndarray, np.ndarray]]] = ByIdentity(
    size=4
)
"""What the tables of COMPOSITION say, by data and frozen sections. Takes 0.07 s, for each run."""


class _Way(NamedTuple):
    """How a channel continues after the last observed half-year."""

    since: int
    until: int
    level: float  # people a month
    season: list[float]  # by calendar month
    channel: Channel


class ArrivalPlan:
    """Expected arrivals by month, their composition and their profile."""

    def __init__(
        self, config: RunConfig, data: Data, places: Places, key: tuple[np.uint64, np.uint64]
    ) -> None:
        self._config = config
        country = config.country
        self._statuses, self._origins = country.statuses, country.origins
        self._past = _past_arrivals(config, data)
        about = (data, country, config.arrivals, *config.prefecture.values())
        self._stocks, self._illegal, self._where = _PUBLISHED.get(
            about,
            lambda: (
                _origin_stocks(config, data),
                _overstay_origins(config, data),
                _where(config, data),
            ),
        )
        self._seasons = _seasons(config)
        self._shares: dict[int, np.ndarray] = {}
        self._latest: tuple[int, np.ndarray] | None = None
        self._ways: list[tuple[int, str, _Way]] | None = None
        self.last_past = max(self._past, default=0)
        self._base = month_index(config.start)  # where continuation begins
        if config.arrivals.mode == "conditional":
            self._base = max(self._base, self.last_past)
        self._shocks = _shocks(config, key, self._base)
        self._follows_supply = np.array(
            [not config.status[name].settled for name in self._statuses], np.bool_
        )
        self._supply = self._supply_of(config, data)
        self._supplied: tuple[tuple[int, bytes], tuple[np.ndarray, np.ndarray]] | None = None
        words = [[word_of(f"{s}|{o}") << 24 for o in self._origins] for s in self._statuses]
        self.cell_word = np.array(words, np.uint64)
        self.profile = _profiles(config)
        self.newborn_female = np.uint64(thresholds(config.life.newborn_female.value))

    def people(self, month: int) -> np.ndarray:
        """float64[S], not to be written to: expected arrivals in a month at scale 1, before
        events and edits."""
        if self._latest is None or self._latest[0] != month:
            self._latest = month, self._expected(month)
            self._latest[1].flags.writeable = False
        return self._latest[1]

    def _expected(self, month: int) -> np.ndarray:
        if self.is_past(month):
            return self._past[half_year_end(month)] * self._seasons[calendar_month(month) - 1]
        out = np.zeros(len(self._statuses))
        for s, name, way in self._open_ways():
            out[s] = self._continued(name, way, month)
        return out

    def _open_ways(self) -> list[tuple[int, str, _Way]]:
        """Row and name of the status of each channel, and its continuation."""
        if self._ways is None:
            self._ways = [
                (self._statuses.index(name), name, self._way(name, channel))
                for name, channel in self._config.arrivals.channels.items()
            ]
        return self._ways

    def levels(self, month: int) -> np.ndarray:
        """float64[S]: arrivals a month at each channel's level, of the channels open in the month;
        as if nothing ever changed, and before what the fit multiplies them by.

        In the past the mean of the half-years within two and a half years: how easily people come
        in one of them is relative to it.
        """
        if self.is_past(month):
            now = half_year_end(month)
            near = [past for half, past in self._past.items() if abs(half - now) <= NEAR]
            return np.asarray(np.mean(near, axis=0) / HALF_YEAR)
        out = np.zeros(len(self._statuses))
        for s, _, way in self._open_ways():
            if way.since <= month <= way.until:
                out[s] = way.level
        return out

    def is_past(self, month: int) -> bool:
        """Whether the month takes observed or fitted entries (events are already in them)."""
        return self._config.arrivals.mode == "conditional" and half_year_end(month) in self._past

    def _way(self, name: str, channel: Channel) -> _Way:
        since = month_index(channel.since) if channel.since else 0
        until = month_index(channel.until) if channel.until else NEVER
        status = self._config.status[name]
        if status.entry_until is not None:
            until = min(until, month_index(status.entry_until))
        if status.since is not None:
            since = max(since, month_index(status.since))
        level = self._level(name, channel) / 12.0
        return _Way(since, until, level, [_season_of(channel, m) for m in range(12)], channel)

    def _continued(self, name: str, way: _Way, month: int) -> float:
        if not way.since <= month <= way.until:
            return 0.0
        years = max(month - self._base, 0) / 12.0
        level = way.level * (1.0 + way.channel.growth) ** _grown(way.channel, years)
        season = way.season[calendar_month(month) - 1]
        return level * season * self._shocks.get((name, month), 1.0)

    def _level(self, name: str, channel: Channel) -> float:
        """Persons a year: of the configuration, or of the two years before an earlier start."""
        known = [half for half in self._past if self._base - 24 < half <= self._base]
        if self._base >= self.last_past or not known:
            return channel.level
        s = self._statuses.index(name)
        return math.fsum(float(self._past[half][s]) for half in known) * 2.0 / len(known)

    def supplied(self, month: int, residents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Composition float64[S, O, P] of each status's arrivals under the supply of each origin,
        and the power float64[S] of that supply: the factor of the people who come.

        residents  float64[O]: people of each origin who live in the country, at scale 1

        Family of residents and settled people come whatever the supply of their origin.
        """
        share = self.share(month)
        if self._supply is None:
            return share, np.ones(len(self._statuses))
        about = month, residents.tobytes()
        if self._supplied is None or self._supplied[0] != about:
            factor = self._supply.factors(month, residents)
            each = np.where(self._follows_supply[:, None], factor, 1.0)
            weighted = share * each[:, :, None]
            whole = weighted.sum(axis=(1, 2))
            before = share.sum(axis=(1, 2))
            strength = np.divide(whole, before, out=np.ones(whole.size), where=before > 0)
            weighted /= np.where(strength > 0, strength, 1.0)[:, None, None]
            response = self._config.arrivals.supply.response.value  # type: ignore[union-attr]
            power = np.array([math.pow(part, response) for part in strength.tolist()])
            self._supplied = about, (weighted, power)
        return self._supplied[1]

    def _supply_of(self, config: RunConfig, data: Data) -> Supply | None:
        """Supply from the last published stocks on; None if the configuration has none."""
        settings = config.arrivals.supply
        if settings is None:
            return None
        base, rows = max(self._stocks), self._follows_supply
        stocks = self._stocks[base]
        newer, settled = stocks[rows].sum(axis=0), stocks[~rows].sum(axis=0)
        return Supply(config, settings, data, base, newer, settled)

    def share(self, month: int) -> np.ndarray:
        """float64[S, O, P]: composition of each status's arrivals; sums to 1, or 0 if unknown."""
        half = min(half_year_end(month), max(self._stocks))
        if half not in self._shares:
            origin = self._origin_share(half)
            self._shares[half] = origin[:, :, None] * self._where
        return self._shares[half]

    def _origin_share(self, half: int) -> np.ndarray:
        """float64[S, O]: origins of the arrivals of a half-year, from the growth of the stocks."""
        halves = sorted(self._stocks)
        back = HALF_YEAR if half < halves[-1] else int(12 * self._config.arrivals.origin_years)
        before = max(half - back, halves[0])
        new, old = self._stocks[max(half, halves[0])], self._stocks[before]
        turnover = np.array(
            [self._config.status[s].opening.turnover for s in self._statuses]
        )[:, None]  # fmt: skip
        inflow = np.maximum(new - old, 0.0) + turnover * (new + old) / 2 * max(back, 1) / 12
        for s, name in enumerate(self._statuses):
            channel = self._config.arrivals.channels.get(name)
            if name == self._config.country.irregular:
                inflow[s] = self._illegal
            elif inflow[s].sum() == 0 and channel is not None and channel.like is not None:
                inflow[s] = inflow[self._statuses.index(channel.like)]
        whole = inflow.sum(axis=1, keepdims=True)
        return np.divide(inflow, whole, out=np.zeros_like(inflow), where=whole > 0)


def inflow_by_origin(config: RunConfig, data: Data) -> dict[int, np.ndarray]:
    """Year -> float64[O]: people who came in statuses that follow supply, from the growth of the
    published stocks and their turnover; the last year ends with the last stocks."""
    stocks = _origin_stocks(config, data)
    status = [config.status[name] for name in config.country.statuses]
    rows = np.array([not one.settled for one in status])
    turnover = np.array([one.opening.turnover for one in status])[:, None]
    out = {}
    for half, new in stocks.items():
        old = stocks.get(half - 2 * HALF_YEAR)
        if old is None or (calendar_month(half) != 12 and half != max(stocks)):
            continue
        inflow = np.maximum(new - old, 0.0) + turnover * (new + old) / 2.0
        out[year_of(half)] = inflow[rows].sum(axis=0)
    return out


def _grown(channel: Channel, years: float) -> float:
    """Years of full growth that the growth of so many years comes to, fading as it does."""
    if channel.fade == 1.0:
        return years
    return float(1.0 - channel.fade**years) / -math.log(channel.fade)


def _season_of(channel: Channel, month: int) -> float:
    """Weight of a calendar month; weights average 1 over the year."""
    weights = [channel.season.get(m, 1.0) for m in range(1, 13)]
    return weights[calendar_month(month) - 1] * 12.0 / math.fsum(weights)


def _seasons(config: RunConfig) -> np.ndarray:
    """float64[12, S]: share of its half-year's arrivals that falls in a calendar month."""
    out = np.full((12, len(config.country.statuses)), 1.0 / HALF_YEAR)
    for name, channel in config.arrivals.channels.items():
        s = config.country.statuses.index(name)
        for month in range(12):
            half = range(half_year_end(month) - HALF_YEAR + 1, half_year_end(month) + 1)
            weights = [_season_of(channel, other) for other in half]
            out[calendar_month(month) - 1, s] = _season_of(channel, month) / math.fsum(weights)
    return out


def _past_arrivals(config: RunConfig, data: Data) -> dict[int, np.ndarray]:
    """Half-year end -> float64[S] people who came in the six months; nothing where no table has
    them."""
    statuses = config.country.statuses
    out: dict[int, np.ndarray] = {}
    (known,) = data.some("arrivals")
    if known is None:
        return out
    for date, status, people in known[["date", "status", "people"]].itertuples(False):
        half = out.setdefault(month_index(date), np.zeros(len(statuses)))
        half[statuses.index(status)] = people
    return out


def _origin_stocks(config: RunConfig, data: Data) -> dict[int, np.ndarray]:
    """Half-year end -> float64[S, O] published stocks."""
    statuses, origins = config.country.statuses, config.country.origins
    table = data["stocks_origin_status"]
    s = table["status"].map({name: k for k, name in enumerate(statuses)}).to_numpy()
    o = table["origin"].map({name: k for k, name in enumerate(origins)}).to_numpy()
    out: dict[int, np.ndarray] = {}
    for date, rows in table.groupby("date").indices.items():
        stock = np.zeros((len(statuses), len(origins)))
        np.add.at(stock, (s[rows], o[rows]), table["people"].to_numpy()[rows])
        out[month_index(str(date))] = stock
    return out


def _overstay_origins(config: RunConfig, data: Data) -> np.ndarray:
    """float64[O]: origins of overstayers at the latest date that gives them."""
    table = data["overstayers"]
    table = table[table["origin"].isin(config.country.origins)]
    latest = table[table["date"] == table["date"].max()]
    by = latest.groupby("origin")["people"].sum()
    return np.array([float(by.get(o, 0.0)) for o in config.country.origins])


def _where(config: RunConfig, data: Data) -> np.ndarray:
    """float64[S, O, P]: prefectures of a status and origin, as if independent given the place."""
    country, prefectures = config.country, sorted(config.prefecture)
    groups: dict[str, str] = dict(
        data["status_groups"][["status", "status_group"]].itertuples(False)
    )
    by_status = _latest(data["stocks_prefecture_status"], "status_group", prefectures)
    by_origin = _latest(data["stocks_prefecture_origin"], "origin", prefectures)
    everyone = np.add.reduce(list(by_status.values()), axis=0) + 1e-9
    out = np.zeros((len(country.statuses), len(country.origins), len(prefectures)))
    for s, status in enumerate(country.statuses):
        channel = config.arrivals.channels.get(status)
        like = channel.like if channel is not None and channel.like else status
        group = by_status.get(groups.get(like, ""), everyone)
        for o, origin in enumerate(country.origins):
            weight = group * by_origin.get(origin, by_origin[country.origins[-1]]) / everyone
            out[s, o] = (weight + 1e-12) / (weight + 1e-12).sum()
    return out


def _latest(table: object, by: str, prefectures: list[str]) -> dict[str, np.ndarray]:
    latest = table[table["date"] == table["date"].max()]  # type: ignore[index]
    wide = latest.pivot_table(index="prefecture", columns=by, values="people", aggfunc="sum")
    wide = wide.reindex(prefectures).fillna(0.0)
    return {str(name): wide[name].to_numpy(float) for name in wide.columns}


def _shocks(
    config: RunConfig, key: tuple[np.uint64, np.uint64], base: int
) -> dict[tuple[str, int], float]:
    """(status, month) -> factor of mean 1: exp of an AR(1) that is 0 in month `base`."""
    out: dict[tuple[str, int], float] = {}
    if not config.arrivals.shocks:
        return out
    months = range(base + 1, month_index(config.end) + 1)
    for name, channel in config.arrivals.channels.items():
        z, variance, word = 0.0, 0.0, np.uint64(word_of(name))
        draws = ndtri(uniforms(*key, word, base + 1, len(months), P_ARRIVAL_SHOCK))
        for month, draw in zip(months, draws.tolist(), strict=True):
            z = channel.phi * z + channel.sigma * draw
            variance = channel.phi**2 * variance + channel.sigma**2
            out[name, month] = float(np.exp(z - variance / 2))
    return out


def _profiles(config: RunConfig) -> Profile:
    """Profiles of arrivals by status; the last row is that of brought family members."""
    channels = [config.arrivals.channels.get(name) for name in config.country.statuses]
    rows = [c if c is not None else config.arrivals.brought for c in channels]
    rows.append(config.arrivals.brought)
    bands = max(len(c.ages) for c in rows)
    shape = (len(rows), bands)
    start, width = np.zeros(shape, np.int16), np.ones(shape, np.int16)
    cut = np.full(shape, FULL, np.uint64)
    for r, channel in enumerate(rows):
        ages = sorted(channel.ages)
        ends = [*ages[1:], channel.oldest]
        start[r, : len(ages)] = [12 * age for age in ages]
        width[r, : len(ages)] = [12 * (z - a) for a, z in zip(ages, ends, strict=True)]
        cut[r, : len(ages)] = cuts([channel.ages[age] for age in ages])
    female = thresholds([c.female for c in rows])
    return Profile(female, start, width, cut, cuts([c.language for c in rows]))
