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

LONGEST_STEP = 0.4
"""Change of a logarithm over which a slope is taken, at most."""


@dataclass(frozen=True)
class Reading:
    """Where each of N targets is read in an Outcome.

    stock  bool[N]; row int64[N]: half-year or year; weight float64[N, S] over stocks,
    flow float64[N, F] over flows, born float64[N]
    """

    stock: np.ndarray
    row: np.ndarray
    weight: np.ndarray
    flow: np.ndarray
    born: np.ndarray
    source: np.ndarray  # int64[F]: status that a fate leaves

    def of(self, outcome: Outcome) -> np.ndarray:
        """float64[N]: what the model says."""
        out = np.empty(self.row.size)
        stock, flow = self.stock, ~self.stock
        out[stock] = (outcome.stocks[self.row[stock]] * self.weight[stock]).sum(axis=1)
        out[flow] = (outcome.flows[self.row[flow]] * self.flow[flow]).sum(axis=1)
        out[flow] += outcome.born[self.row[flow]] * self.born[flow]
        return out


def reading(mean: Mean, plan: FitPlan, targets: Targets, paths: list[str]) -> Reading:
    """How to read targets; paths are those of the F fates."""
    statuses, n = mean.statuses, len(targets)
    start, weight = int(mean.ends[0]) - HALF_YEAR, np.zeros((n, len(statuses)))
    flow, born = np.zeros((n, len(paths))), np.zeros(n)
    stock = np.array([kind != "flow" for kind in targets.kind])
    row = np.where(stock, (targets.month - start) // HALF_YEAR, 0)
    first = year_of(start + 1)
    for r, name in enumerate(targets.name):
        if targets.by_status[r]:
            weight[r, statuses.index(name)] = 1.0
            continue
        target = plan.targets[name]
        flow[r], weight[r] = observed_by(target, paths, statuses)
        born[r] = float(target.born)
        if not stock[r]:
            row[r] = year_of(int(targets.month[r])) - first
    source = np.array([statuses.index(path.split(".", 1)[0]) for path in paths])
    return Reading(stock, row, weight, flow, born, source)


def by_arrivals(outcome: Outcome, read: Reading, scale: float) -> np.ndarray:
    """float64[N, H, S]: change of each target for one more newcomer of a half-year and status.

    Exact counts for stocks. Flows follow the stocks that they leave, at that year's mean rates.
    """
    response = _kept(outcome, scale)  # [H + 1, H, S, S]
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
    return out


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
