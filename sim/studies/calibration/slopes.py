"""What the model says about every published number, and how that moves with what is estimated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from sim.core.clock import HALF_YEAR, month_index, year_of
from sim.model.checkpoint import Checkpoint
from sim.studies.calibration.mean import Mean, Outcome
from sim.studies.calibration.plan import FitPlan
from sim.studies.calibration.targets import Targets, observed_by

ENOUGH_FOLLOWED: float = 400.0
"""With fewer newcomers followed, those of neighbouring half-years are taken together with them."""

NEIGHBOURS = 3

MADE_UP = 0.3
"""Part of what a half-year's ease of recruiting brings that comes or stays away later."""

MOST_RECRUITED = 2.0
"""Recruits for each of the arrivals given, at most, where slopes are taken."""

LONGEST_STEP = 0.4
"""Change of a logarithm over which a slope is taken, at most."""


@dataclass(frozen=True)
class Reading:
    """Where each of N targets is read in an Outcome.

    stock  bool[N]; row int64[N]: half-year or year; weight float64[N, S] over stocks,
    flow float64[N, F] over flows, born float64[N], came float64[N, S] over arrivals, work
    float64[N, T] over workers
    """

    stock: np.ndarray
    row: np.ndarray
    weight: np.ndarray
    flow: np.ndarray
    born: np.ndarray
    came: np.ndarray
    work: np.ndarray
    source: np.ndarray  # int64[F]: status that a fate leaves

    def of(self, outcome: Outcome) -> np.ndarray:
        """float64[N]: what the model says."""
        out = np.empty(self.row.size)
        stock, flow = self.stock, ~self.stock
        out[stock] = (outcome.stocks[self.row[stock]] * self.weight[stock]).sum(axis=1)
        out[flow] = (outcome.flows[self.row[flow]] * self.flow[flow]).sum(axis=1)
        out[flow] += outcome.born[self.row[flow]] * self.born[flow]
        row = self.row[flow]
        for what, series in ((self.came, _yearly(outcome.came)), (self.work, outcome.work)):
            if series.size:
                out[flow] += (series[row] * what[flow]).sum(axis=1)
        return out


def _yearly(came: np.ndarray) -> np.ndarray:
    """float64[Y, S] of half-years float64[H, S] whose first is the first of a year."""
    whole = np.zeros((-(-len(came) // 2), came.shape[1]))
    np.add.at(whole, np.arange(len(came)) // 2, came)
    return whole


def reading(mean: Mean, plan: FitPlan, targets: Targets) -> Reading:
    """How to read targets in the outcomes of `mean`."""
    statuses, paths, n = mean.statuses, mean.fates, len(targets)
    start, weight = int(mean.ends[0]) - HALF_YEAR, np.zeros((n, len(statuses)))
    flow, born, came = np.zeros((n, len(paths))), np.zeros(n), np.zeros((n, len(statuses)))
    stock = np.array([kind in ("status", "stock") for kind in targets.kind])
    work = np.zeros((n, len(mean.tiers)))
    row = np.where(stock, (targets.month - start) // HALF_YEAR, 0)
    first = year_of(start + 1)
    for r, name in enumerate(targets.name):
        if targets.by_status[r]:
            weight[r, statuses.index(name)] = 1.0
            continue
        if not stock[r]:
            row[r] = year_of(int(targets.month[r])) - first
        if targets.kind[r] == "came":
            came[r, statuses.index(name)] = 1.0
        elif targets.kind[r] == "work":
            work[r] = [float(tier == name) for tier in mean.tiers]
        else:
            target = plan.targets[name]
            flow[r], weight[r] = observed_by(target, paths, statuses)
            born[r] = float(target.born)
    source = np.array([statuses.index(path.split(".", 1)[0]) for path in paths])
    return Reading(stock, row, weight, flow, born, came, work, source)


def by_arrivals(
    mean: Mean, outcome: Outcome, read: Reading, arrivals: np.ndarray
) -> np.ndarray:  # fmt: skip
    """float64[N, H, S]: change of each target for one more newcomer of a half-year and status.

    Exact counts for stocks. Flows follow the stocks that they leave, at that year's mean rates, and
    workers the residents of their statuses. arrivals float64[H, S] are what the run was given: of
    people whom firms recruit, it says in which statuses they come and how easily.
    """
    response = _kept(outcome, mean.config.scale)  # [H + 1, H, S, S]
    halves = response.shape[1]
    out = np.zeros((read.row.size, *response.shape[1:3]))
    of_year = np.zeros((outcome.years.size, halves + 1))
    for y in range(outcome.years.size):  # the ends of the half-years around a year's people
        at = np.clip(np.array([2 * y, 2 * y + 1, 2 * y + 2]), 0, halves)
        np.add.at(of_year[y], at, [0.25, 0.5, 0.25])
    exposure = np.maximum(of_year @ outcome.stocks, 1.0)  # [Y, S]
    for r, row in enumerate(read.row.tolist()):
        if read.stock[r]:
            out[r] = response[row] @ read.weight[r]
        elif read.flow[r].any():
            leaving = np.bincount(
                read.source, outcome.flows[row] * read.flow[r], exposure.shape[1]
            )  # fmt: skip
            people = np.tensordot(of_year[row], response, axes=1)
            out[r] = people @ (leaving / exposure[row])
        elif read.came[r].any():
            out[r, 2 * row : 2 * row + 2] = read.came[r]
        elif read.work[r].any() and outcome.work.size:
            mine = (mean.tier == int(read.work[r].argmax())).astype(np.float64)
            at = [2 * row + 1, min(2 * row + 2, halves)]
            there = max(float(outcome.stocks[at].mean(axis=0) @ mine), 1.0)
            share = float(outcome.work[row] @ read.work[r]) / there
            out[r] = response[at].mean(axis=0) @ mine * share
    _recruited(out, mean.tier, outcome.came, arrivals)
    return out


def entries_of(mean: Mean, outcome: Outcome, arrivals: np.ndarray) -> np.ndarray:
    """float64[H, S]: people who came; a tier's recruits by status as the arrivals given expect."""
    out = arrivals.copy()
    for t in range(len(mean.tiers)):
        mine = np.flatnonzero(mean.tier == t)
        whole = np.maximum(arrivals[:, mine].sum(axis=1, keepdims=True), 1e-9)
        came = outcome.came[:, mine].sum(axis=1, keepdims=True)
        out[:, mine] = arrivals[:, mine] / whole * came
    return out


def _recruited(out: np.ndarray, tier: np.ndarray, came: np.ndarray, given: np.ndarray) -> None:
    """Turn slopes by newcomers whom firms recruit into those by the arrivals given to the run.

    Arrivals of a tier's statuses say how its recruits divide; together they say how easily people
    come, of which the part MADE_UP is made up by vacancies that stay open.
    """
    for t in range(int(tier.max(initial=-1)) + 1):
        mine = np.flatnonzero(tier == t)
        whole = np.maximum(given[:, mine].sum(axis=1), 1.0)
        share = given[:, mine] / whole[:, None]
        each = np.minimum(came[:, mine].sum(axis=1) / whole, MOST_RECRUITED)
        mean = (out[:, :, mine] * share[None]).sum(axis=2, keepdims=True)
        out[:, :, mine] = (out[:, :, mine] - MADE_UP * mean) * each[None, :, None]


def _kept(outcome: Outcome, scale: float) -> np.ndarray:
    """float64[H + 1, H, S, S]: people of a status at a half-year's end for each who came."""
    if outcome.left is None:
        raise ValueError("this run followed nobody")
    left, came = outcome.left, outcome.came
    halves = came.shape[0]
    out = np.zeros(left.shape)
    for h in range(halves):
        enough = came[h] * scale >= ENOUGH_FOLLOWED
        out[:, h, enough] = left[:, h, enough] / came[h, enough][None, :, None]
        few = np.flatnonzero(~enough)
        above, below = np.zeros((halves + 1, few.size, left.shape[3])), np.zeros(few.size)
        for other in range(max(h - NEIGHBOURS, 0), min(h + NEIGHBOURS + 1, halves)):
            shift = other - h
            rows = np.clip(np.arange(halves + 1) + shift, 0, halves)
            above += left[rows, other][:, few]
            below += came[other, few]
        above[: h + 1] = 0.0
        out[:, h, few] = np.divide(
            above, below[None, :, None], out=np.zeros_like(above), where=below[None, :, None] > 0
        )
    return out


def by_knobs(
    mean: Mean, read: Reading, theta: np.ndarray, arrivals: np.ndarray, workers: int
) -> np.ndarray:  # fmt: skip
    """float64[N, K]: slope of each target by each knob, from runs with common random numbers.

    Each looks one prior standard deviation ahead, LONGEST_STEP at most. Up to the month in which a
    multiplier begins both runs of its pair are one, which is simulated once for all.
    """
    start = month_index(mean.config.start)
    begins = [max(month_index(knob.edit.since) - 1, start) for knob in mean.knobs]
    pasts: dict[int, Checkpoint | None] = dict.fromkeys(m for m in begins if m > start)
    here = read.of(mean.run(theta, arrivals, threads=workers, keep=pasts))

    def slope(k: int) -> np.ndarray:
        step = min(mean.knobs[k].sd, LONGEST_STEP)
        ahead = theta.copy()
        ahead[k] += step
        there = read.of(mean.run(ahead, arrivals, past=pasts.get(begins[k])))
        return (there - here) / step

    with ThreadPoolExecutor(workers) as pool:
        return np.stack(list(pool.map(slope, range(len(mean.knobs)))), axis=1)
