"""What was published, as rows that a model can be held to, each with the month it was known.

A fit `until` a month may see no row that became known later: `check_known` refuses them.
Stocks count as known in their own month; they are printed some months after it, which is not
modelled. Flows of a year are known from its December.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from sim.agents.opening.firm_past import workers_by_tier
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.errors import DataError
from sim.data.load import Data
from sim.rates.statuses import has_firms
from sim.studies.calibration.entries import published_entries
from sim.studies.calibration.plan import FitPlan, Target

DECEMBER = 12


@dataclass(frozen=True)
class Targets:
    """N published numbers.

    name   str: STATUS of a stock, or the name of a target of the plan
    kind   "status" (a stock by status), "stock" (another), "flow", "came" (entries of a status that
           firms recruit) or "work" (workers of a tier in October)
    month  int64[N] of the stock, or December of the flow's or the workers' year
    known  int64[N] month since which it is known
    value  float64[N] people
    sd     float64[N] people: by quality, and how well the model could meet it
    """

    name: list[str]
    kind: list[str]
    month: np.ndarray
    known: np.ndarray
    value: np.ndarray
    sd: np.ndarray

    @property
    def by_status(self) -> list[bool]:
        """Whether each row is a published stock of a status."""
        return [known == "status" for known in self.kind]

    def __len__(self) -> int:
        return len(self.name)

    def keep(self, rows: np.ndarray) -> Targets:
        """Some of the rows; bool[N]."""
        picked = np.flatnonzero(rows).tolist()
        return Targets(
            [self.name[r] for r in picked], [self.kind[r] for r in picked], self.month[picked],
            self.known[picked], self.value[picked], self.sd[picked],
        )  # fmt: skip

    def until(self, month: int) -> Targets:
        """Only what was known by a month."""
        return self.keep(self.known <= month)


def check_known(targets: Targets, until: int) -> None:
    """Raise DataError if any row became known after `until`."""
    late = np.flatnonzero(targets.known > until)
    if late.size:
        names = sorted({targets.name[row] for row in late.tolist()})
        raise DataError(
            f"{late.size} published numbers became known after the fit's last month:"
            f" {', '.join(names[:5])}"
        )


def published_targets(config: RunConfig, data: Data, plan: FitPlan, last: int) -> Targets:
    """Everything published after the plan's start and up to month `last`, known by `last`."""
    rows = [*_stocks(config, data, plan), *_work(config, data, plan)]
    for name, target in plan.targets.items():
        rows += _rows(data, plan, name, target)
    first = month_index(plan.start)
    rows = [row for row in rows if first < row[2] <= last and row[3] <= last]
    names, kinds, months, known, values, sds = (list(c) for c in zip(*rows, strict=True))
    return Targets(
        names, kinds, np.array(months, np.int64), np.array(known, np.int64), np.array(values),
        np.array(sds),
    )  # fmt: skip


TargetRow = tuple[str, str, int, int, float, float]


def _stocks(config: RunConfig, data: Data, plan: FitPlan) -> list[TargetRow]:
    """Half-yearly stocks by status; those of a status not yet in force have no row."""
    out = []
    table = data["stocks_status"][["date", "status", "people"]]
    for date, status, people in table.itertuples(index=False):
        month, since = month_index(date), config.status[status].since
        if since is None or month >= month_index(since):
            sd = float(np.hypot(plan.stocks.sd * people, plan.stocks.floor))
            out.append((str(status), "status", month, month, float(people), sd))
    return out


def _work(config: RunConfig, data: Data, plan: FitPlan) -> list[TargetRow]:
    """If firms act: entries of statuses that ask for a job, and workers of their tiers."""
    firms = config.firms
    if firms is None or not has_firms(config):
        return []
    out: list[TargetRow] = []
    recruited = {s for s, tier in firms.tier_of.items() if firms.tiers[tier].search == "all"}
    for (year, status), (people, quality) in published_entries(config, data).items():
        if status in recruited:
            december = month_index(f"{year}-{DECEMBER}")
            sd = float(np.hypot(plan.sd[quality] * people, plan.stocks.floor))  # type: ignore[index]
            out.append((status, "came", december, december, people, sd))
    years, workers = workers_by_tier(config, data, firms)
    for t, (name, tier) in enumerate(firms.tiers.items()):
        for year, people in zip(years, workers[:, t].tolist(), strict=True):
            if tier.search == "all" and people > 0:
                december = month_index(f"{year}-{DECEMBER}")
                sd = float(np.hypot(plan.workers.sd * people, plan.workers.floor))
                out.append((name, "work", december, december, people, sd))
    return out


def _rows(data: Data, plan: FitPlan, name: str, target: Target) -> list[TargetRow]:
    table = data[target.table]
    for column, wanted in target.rows.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        table = table[table[column].astype(str).isin(values)]
    if target.stock is not None:
        return _dated(table, plan, name, target)
    column = "value" if "value" in table else "people"
    if "period" in table:
        table = table[table["period"].isna() | (table["period"].astype(str) == "")]
    return [
        (name, "flow", month_index(f"{int(year)}-{DECEMBER}"),
         month_index(f"{int(year)}-{DECEMBER}"), float(value), _sd(plan, target, quality, value))
        for year, value, quality in table[["year", column, "quality"]].itertuples(index=False)
    ]  # fmt: skip


def _dated(table: pd.DataFrame, plan: FitPlan, name: str, target: Target) -> list[TargetRow]:
    """Stocks of the first day of a month, which are those of the end of the month before."""
    out: list[TargetRow] = []
    for date, value, quality in table[["date", "people", "quality"]].itertuples(index=False):
        month = month_index(str(date)) - 1
        sd = float(np.hypot(_sd(plan, target, quality, value), plan.stocks.floor))
        out.append((name, "stock", month, month, float(value), sd))
    return out


def _sd(plan: FitPlan, target: Target, quality: str, value: float) -> float:
    relative = {**plan.sd, **target.sd}[quality]  # type: ignore[index]
    return float(relative * value)


def observed_by(
    target: Target, paths: list[str], statuses: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """(float64[F], float64[S]): which flows and which stocks make up a target."""
    flows = [float(any(fnmatchcase(path, glob) for glob in target.flows)) for path in paths]
    stocks = [float(status == target.stock) for status in statuses]
    return np.array(flows), np.array(stocks)
