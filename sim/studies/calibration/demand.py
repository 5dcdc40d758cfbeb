"""Growth of firms' demand for foreign workers, estimated from the notifications of 2008 to 2025.

`estimate_demand` makes the estimates that `configs/firms/japan.yaml` holds. The yearly change of
the logarithm of all foreign workers, October to October, is

    growth = mean + closed * closure + x,    x = persistence * x of the year before + shock

with `closed` the share of the year in which the border was closed. Fifteen changes say nothing of
the mean in the long run: its prior enters as given. The posterior is Gaussian in mean and closure
for each persistence and shock, which are found on a grid with a flat prior for each; standard
deviations are those of the posterior over the grid. Deviations of sectors from the common growth
are shrunk towards it by their own uncertainty (empirical Bayes, method of moments). Trainees and
specified skilled workers share jobs and have one growth, which is divided between them by the
deviation of the trainees' growth since specified skilled work began.

Sums over a grid are `math.fsum`: the estimates are the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from sim.config.schema.base import RANGE_SDS
from sim.config.schema.firms import Firms
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, year_of
from sim.core.probability import MONTHS_PER_YEAR
from sim.data.load import Data
from sim.processes.jobs import HALF_OPEN
from sim.studies.calibration.estimate import Estimate
from sim.studies.calibration.supply import ALL_ARRIVALS

SECTORS_SINCE: Final = 2012
GROUPS_SINCE: Final = 2014
"""First Octobers whose deviations from the common growth are used."""

MONTHS_AFTER_OCTOBER: Final = 2
"""By which the year that ends with an October ends before the calendar's."""

SHARED_SINCE: Final = 2019
"""First October with specified skilled workers, who take over jobs of trainees."""

CLOSURE_SD: Final = 0.15
"""Prior standard deviation of what a closed year takes from growth (assumption)."""

PERSISTENCE: Final = np.arange(0.0, 0.996, 0.005)

SHOCK: Final = np.exp(np.arange(math.log(0.008), math.log(0.15), 0.02))


@dataclass(frozen=True)
class Growth:
    """Of all foreign workers."""

    mean: Estimate
    persistence: Estimate
    shock: Estimate
    closure: Estimate


def yearly(workers: Mapping[int, float]) -> dict[int, float]:
    """Year -> change of the logarithm since the October before, where both are known."""
    return {
        year: math.log(value / workers[year - 1])
        for year, value in sorted(workers.items())
        if year - 1 in workers
    }


def growth(
    change: Mapping[int, float],
    closed: Mapping[int, float],
    mean: Estimate,
    persistence: Sequence[float] | np.ndarray = PERSISTENCE,
    shock: Sequence[float] | np.ndarray = SHOCK,
) -> Growth:
    """The posterior of the four parameters; `mean` is its prior.

    change  year -> change of the logarithm of workers, consecutive years
    closed  year -> share of the year in which nobody could come, 0 where it is not named
    """
    years = sorted(change)
    y = np.array([change[year] for year in years])
    design = np.array([[1.0, closed.get(year, 0.0)] for year in years])
    prior = np.array([[mean.value, mean.sd], [0.0, CLOSURE_SD]])
    points = []
    for phi in persistence:
        sums = _sums(y, design, float(phi))
        points += [(phi, s, *_gaussian(sums, prior, float(phi), float(s))) for s in shock]
    best = max(point[2] for point in points)
    weight = [math.exp(point[2] - best) for point in points]
    whole = math.fsum(weight)

    def moments(at: Sequence[float], within: Sequence[float]) -> Estimate:
        middle = math.fsum(w * a for w, a in zip(weight, at, strict=True)) / whole
        square = math.fsum(
            w * ((a - middle) ** 2 + v) for w, a, v in zip(weight, at, within, strict=True)
        )
        return Estimate(middle, math.sqrt(square / whole))

    none = [0.0] * len(points)
    return Growth(
        mean=moments([p[3][0] for p in points], [p[4][0] for p in points]),
        persistence=moments([float(p[0]) for p in points], none),
        shock=moments([float(p[1]) for p in points], none),
        closure=moments([p[3][1] for p in points], [p[4][1] for p in points]),
    )


Sums = tuple[int, float, list[float], list[list[float]]]
"""Years; sums of squares of the changes; products of design and changes; those of the design."""


def _sums(y: np.ndarray, design: np.ndarray, phi: float) -> Sums:
    """The AR(1) turned into independent errors of unit size (Prais and Winsten), summed up."""
    first = math.sqrt(max(1.0 - phi * phi, 1e-9))
    e = np.concatenate([[first * y[0]], y[1:] - phi * y[:-1]])
    x = np.concatenate([first * design[:1], design[1:] - phi * design[:-1]])
    a = [[math.fsum(x[:, i] * x[:, j]) for j in (0, 1)] for i in (0, 1)]
    return y.size, math.fsum(e * e), [math.fsum(x[:, i] * e) for i in (0, 1)], a


def _gaussian(
    sums: Sums, prior: np.ndarray, phi: float, sigma: float
) -> tuple[float, list[float], list[float]]:
    """(log posterior density of phi and sigma, posterior means, posterior variances).

    The normal equations of two unknowns are solved by hand.
    """
    n, square, b, a = sums[0], sums[1] / sigma**2, list(sums[2]), [list(row) for row in sums[3]]
    for i in (0, 1):
        weight = 1.0 / prior[i, 1] ** 2
        square += prior[i, 0] ** 2 * weight
        b[i] = b[i] / sigma**2 + prior[i, 0] * weight
        a[i] = [a[i][j] / sigma**2 + weight * (i == j) for j in (0, 1)]
    det = a[0][0] * a[1][1] - a[0][1] * a[1][0]
    middle = [(a[1][1] * b[0] - a[0][1] * b[1]) / det, (a[0][0] * b[1] - a[1][0] * b[0]) / det]
    variance = [a[1][1] / det, a[0][0] / det]
    square -= middle[0] * b[0] + middle[1] * b[1]
    first = 0.5 * math.log(max(1.0 - phi * phi, 1e-9))
    density = first - 0.5 * square - 0.5 * math.log(det) - n * math.log(sigma)
    return density, middle, variance


def shrunk(own: Mapping[str, tuple[float, int]], noise: float) -> tuple[dict[str, Estimate], float]:
    """(deviation from the common growth of each sector, sd between sectors).

    own    sector -> its mean yearly deviation and the number of years that it is known for
    noise  standard deviation of one year's deviation around a sector's own mean

    A sector's deviation is taken to be normal around 0 with the variance between sectors that
    moments give; what is known of it is the mean of its years. So a sector with few years is near
    the common growth.
    """
    between = math.fsum(d * d - noise**2 / n for d, n in own.values()) / max(len(own), 1)
    between = max(between, 1e-6)
    out = {}
    for name, (deviation, n) in own.items():
        error = noise**2 / n
        out[name] = Estimate(
            deviation * between / (between + error), math.sqrt(between * error / (between + error))
        )
    return out, math.sqrt(between)


def deviations(
    series: Mapping[str, Mapping[int, float]], everybody: Mapping[int, float], since: int
) -> tuple[dict[str, tuple[float, int]], float]:
    """(mean yearly deviation of growth and years known, for each series; sd of single years).

    series, everybody  workers by October; deviations from `since` on alone
    """
    own, squares, free = {}, [], 0
    for name, workers in series.items():
        years = sorted(year for year in workers if year >= since and year in everybody)
        if len(years) < 2:
            continue
        whole = math.log(workers[years[-1]] / workers[years[0]])
        whole -= math.log(everybody[years[-1]] / everybody[years[0]])
        n = years[-1] - years[0]
        own[name] = whole / n, n
        steps = list(pairwise(years))
        for a, z in steps:
            step = math.log(workers[z] / workers[a]) - math.log(everybody[z] / everybody[a])
            squares.append((step - whole * (z - a) / n) ** 2 / (z - a))
        free += len(steps) - 1
    return own, math.sqrt(math.fsum(squares) / max(free, 1))


def workers_of_sectors(
    data: Data, firms: Firms, everybody: Mapping[int, float]
) -> dict[str, dict[int, float]]:
    """Sector -> October -> workers, where all its industries are published as numbers or shares."""
    table, known = data["workers_industry"], {}
    for year, industry, quantity, value in zip(
        *(table[name].tolist() for name in ("year", "industry", "quantity", "value")), strict=True
    ):
        if quantity == "workers":
            known[year, industry] = value
        elif quantity == "share_of_workers" and year in everybody:
            known.setdefault((year, industry), value / 100.0 * everybody[year])
    return {
        name: {
            year: math.fsum(known[year, industry] for industry in sector.industries)
            for year in sorted(everybody)
            if all((year, industry) in known for industry in sector.industries)
        }
        for name, sector in firms.sectors.items()
    }


def workers_of_groups(data: Data, everybody: Mapping[int, float]) -> dict[str, dict[int, float]]:
    """Group of tiers -> October -> workers: interns and specified skilled workers, who share jobs
    ("field"), and of these the interns; other professionals; all the rest."""
    table = data["workers_status"]
    known = {
        (year, group): float(value)
        for year, group, value in zip(
            *(table[name].tolist() for name in ("year", "status_group", "workers")), strict=True
        )
    }
    out: dict[str, dict[int, float]] = {
        "field": {}, "trainees": {}, "professional": {}, "general": {}
    }  # fmt: skip
    for year in sorted(everybody):
        # No holders before 2019; not published in 2020, 2021, 2023 and 2024.
        skilled = 0.0 if year < 2019 else known.get((year, "ssw"))
        if skilled is None or (year, "titp") not in known:
            continue
        out["field"][year] = known[year, "titp"] + skilled
        out["trainees"][year] = known[year, "titp"]
        out["professional"][year] = known[year, "professional_technical"] - skilled
        out["general"][year] = everybody[year] - out["field"][year] - out["professional"][year]
    return out


@dataclass(frozen=True)
class Demand:
    """What the notifications say of firms' demand.

    growth   of all foreign workers
    latest   growth of the last year known, freed from what a closed border took
    sectors  sector -> yearly growth beyond all workers'; tiers: the same of groups of tiers
    trainees, skilled  the same of the two parts of the group "field"
    """

    growth: Growth
    latest: float
    sectors: dict[str, Estimate]
    tiers: dict[str, Estimate]
    trainees: Estimate
    skilled: Estimate


def estimate_demand(config: RunConfig, data: Data) -> Demand:
    """Estimates from the tables at hand; the prior of the mean is that of the configuration."""
    firms = config.firms
    assert firms is not None
    totals = data["workers_totals"]
    everybody = {
        int(year): float(n) for year, n in zip(totals["year"], totals["workers"], strict=True)
    }
    far = firms.demand.mean
    assert far.low is not None
    assert far.high is not None
    change, closed = yearly(everybody), closed_years(config)
    found = growth(change, closed, Estimate(far.value, (far.high - far.low) / RANGE_SDS))
    last, groups = max(change), workers_of_groups(data, everybody)
    trainees = groups.pop("trainees")
    tiers = _pooled(groups, everybody, GROUPS_SINCE)
    return Demand(
        found,
        change[last] - closed.get(last, 0.0) * found.closure.value,
        _pooled(workers_of_sectors(data, firms, everybody), everybody, SECTORS_SINCE),
        tiers,
        *_divided(tiers.get("field", Estimate(0.0, 0.0)), trainees, groups["field"]),
    )


def _divided(
    whole: Estimate, trainees: Mapping[int, float], field: Mapping[int, float]
) -> tuple[Estimate, Estimate]:
    """(growth of trainees, of specified skilled workers) that add up to that of both, `whole`.

    The trainees' deviation is that since both have shared jobs; none without two Octobers of them.
    """
    own, noise = deviations({"trainees": trainees}, field, SHARED_SINCE)
    if not own:
        return whole, whole
    deviation, years = own["trainees"]
    share = trainees[max(trainees)] / field[max(field)]
    other, error = -deviation * share / (1.0 - share), noise / math.sqrt(years)
    return (
        Estimate(whole.value + deviation, math.hypot(whole.sd, error)),
        Estimate(whole.value + other, math.hypot(whole.sd, error * share / (1.0 - share))),
    )


def closed_years(config: RunConfig) -> dict[int, float]:
    """Year -> share of the year to October in which an event stopped most arrivals."""
    out: dict[int, float] = {}
    for event in config.event.values():
        for edit in event.edits.values():
            stops = edit.multiply is not None and edit.multiply < HALF_OPEN
            if ALL_ARRIVALS in edit.paths and stops and edit.until is not None:
                for month in range(month_index(edit.since), month_index(edit.until) + 1):
                    year = year_of(month + MONTHS_AFTER_OCTOBER)
                    out[year] = out.get(year, 0.0) + 1.0 / MONTHS_PER_YEAR
    return out


def _pooled(
    series: Mapping[str, Mapping[int, float]], everybody: Mapping[int, float], since: int
) -> dict[str, Estimate]:
    own, noise = deviations(series, everybody, since)
    return shrunk(own, noise)[0] if own else {}
