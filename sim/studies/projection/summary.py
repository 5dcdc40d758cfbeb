"""The summary that a projection prints: medians and intervals at named years."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, year_of
from sim.core.text import table
from sim.data.load import data_of
from sim.data.published import official_at
from sim.figures.look import FAN, FEWEST
from sim.studies.comparison.series import EVERYBODY
from sim.studies.draws import LABELS, what_is_held
from sim.studies.projection.ensemble import Projected

SHOWN: Final = (("residents", "residents"), ("settled", "settled"), ("permanent", "permanent"),
                ("workers", "workers"))  # fmt: skip

EVERY: Final = 5
"""Years between two that are named."""


def named_months(config: RunConfig) -> list[pd.Timestamp]:
    """December of 2030, 2035 ..., and the last month."""
    first, last = month_index(config.start), month_index(config.end)
    years = [year for year in range(year_of(first), year_of(last) + 1) if year % EVERY == 0]
    months = {f"{year}-12" for year in years if first + 12 < month_index(f"{year}-12") <= last}
    return [pd.Timestamp(f"{month}-01") for month in sorted({*months, config.end})]


def what_varies(members: int, interval: str = "80 % interval") -> str:
    """What the intervals are, in words; `interval` where there are enough members for one."""
    if members < FEWEST:
        return "no interval: fewer than three members"
    if members < FAN:
        return f"from the lowest to the highest of {members} members, no interval of any level"
    return interval


def summary_of(asked: Projected, tables: dict[str, pd.DataFrame], detail: str, middle: int) -> str:
    """The whole summary as text."""
    config, settings = asked.config, asked.request.settings
    head = (
        f"Projection {asked.number}: {config.start} to {config.end}, {config.scenario.title.en};"
        f" {settings.members} members at scale {settings.member_scale:g}, seed {config.seed}.\n"
        f"Median and {what_varies(settings.members)}. {what_is_held(asked.drawn)}"
    )
    near = (
        f"Member {middle} is nearest to the median; in detail, at scale {config.scale:g}:"
        f" run {detail}"
    )
    parts = [head, _outlook(asked, tables["quantiles"]), _split(tables["variance"]), near]
    return "\n\n".join(part for part in parts if part) + "\n"


def _outlook(asked: Projected, quantiles: pd.DataFrame) -> str:
    months = named_months(asked.config)
    everybody = quantiles[(quantiles["by"] == EVERYBODY) & quantiles["month"].isin(months)]
    official = official_at(data_of(asked.config), [month.year for month in months])
    rows = []
    for month, said in zip(months, official, strict=True):
        row = [f"{month:%Y-%m}"]
        for indicator, _ in SHOWN:
            cell = everybody[(everybody["month"] == month) & (everybody["indicator"] == indicator)]
            row += _cell(cell)
        rows.append([*row, "-" if np.isnan(said) else f"{said / 1e6:.1f}"])
    head = ["millions of people"]
    for _, name in SHOWN:
        head += [name, "interval"]
    return table([*head, "official*"], rows) + (
        "\n* total residents of the official projection, straight between its published years"
    )


def _cell(cell: pd.DataFrame) -> list[str]:
    if cell.empty:
        return ["-", "-"]
    low, median, high = (float(cell[name].iloc[0]) / 1e6 for name in ("q10", "median", "q90"))
    return [f"{median:.2f}", "-" if np.isnan(low) else f"{low:.2f} to {high:.2f}"]


def _split(variance: pd.DataFrame) -> str:
    """Share of each source in the variance of residents, with its interval."""
    if variance.empty:
        return ""
    own = variance[variance["outcome"] == "residents"]
    months = list(dict.fromkeys(own["month"]))
    rows = []
    for source in dict.fromkeys(own["source"]):
        row = [LABELS[str(source)]]
        for month in months:
            one = own[(own["source"] == source) & (own["month"] == month)].iloc[0]
            row.append(f"{one['share']:.0%} ({one['low']:.0%}-{one['high']:.0%})")
        rows.append(row)
    return table(["share of the variance", *(f"{m:%Y-%m}" for m in months)], rows)
