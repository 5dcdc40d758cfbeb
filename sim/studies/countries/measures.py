"""What can be compared between countries: shares and rates, never people by status, never money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from sim.figures.look import SHARE, Measure
from sim.files.folder import read_parquet
from sim.studies.comparison.effects import Arms, arms_of
from sim.studies.comparison.runs import series_file
from sim.studies.comparison.series import EVERYBODY, Finished
from sim.studies.countries.settings import Side

PER_1000: Final = "per 1,000 residents"

MEASURES: Final = {
    "settled_share": Measure("settled_share", "Settled share", "定着型の割合", SHARE),
    "narrow_share": Measure(
        "narrow_share", "Settled share without descent", "定着型の割合（血統を除く）", SHARE
    ),
    "grants": Measure(
        "grants", "Permanent residence granted in a year", "永住許可（年）", PER_1000
    ),
    "retention": Measure("retention", "Graduates employed in the country", "就職率", SHARE),
    "irregular": Measure("irregular", "People without a status", "不法滞在", PER_1000),
    "top_tenth": Measure(
        "top_tenth", "Residents in the fullest tenth of districts", "上位1割の地域に住む割合", SHARE
    ),
}  # fmt: skip
"""By name, in the order in which they are shown."""

YEAR: Final = 12


def arms_of_side(side: Side) -> Arms:
    """The measures of all arms and replicates of a country, at Decembers and the last month.

    Raises OutputError if a table of a run cannot be read.
    """
    asked = side.asked
    return arms_of(
        {arm.name: [_measures(side, run) for run in asked.runs[arm.name]] for arm in asked.arms},
        asked.question.design,
    )


def _measures(side: Side, run: str) -> pd.DataFrame:
    """month, indicator, by, group, value of one run."""
    root = side.asked.plan.root
    series = read_parquet(series_file(root, run)).to_pandas(date_as_object=False)
    lines = series[series["by"] == EVERYBODY].pivot_table(
        index="month", columns="indicator", values="value", observed=True
    )
    people = series[series["indicator"] == "people"].pivot_table(
        index="month", columns="group", values="value", observed=True
    )
    out = _rates(side, lines, people)
    out["top_tenth"] = _top_tenth(Finished(root / run), out.index)
    months = pd.DatetimeIndex(out.index)
    out = out[(months.month == YEAR) | (months == months[-1])]
    long = out.reset_index().melt("month", var_name="indicator").dropna()
    return long.assign(by=EVERYBODY, group=EVERYBODY)


def _rates(side: Side, lines: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Measures by month that follow from the stocks and flows of a run."""
    residents = lines["residents"]
    out = pd.DataFrame({"settled_share": lines["settled_share"]})
    descent = _sum([people[status] for status in side.compared.by_descent])
    out["narrow_share"] = (lines["settled"] - descent) / residents
    out["grants"] = 1000 * lines["permanent_grants"].rolling(YEAR).sum() / residents
    if "job_retention_all_share" in lines:
        out["retention"] = lines["job_retention_all_share"]
    out["irregular"] = 1000 * lines["irregular"] / residents
    return out


def _sum(parts: Sequence[pd.Series]) -> pd.Series:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _top_tenth(run: Finished, months: pd.Index) -> pd.Series:
    """Share of residents who live in the tenth of districts with most of them, by month."""
    table = run.table("municipalities").to_pandas(date_as_object=False)
    counts = table.pivot_table(index="month", columns="municipality", values="residents",
                               observed=True).to_numpy()  # fmt: skip
    most = np.sort(counts, axis=1)[:, -max(counts.shape[1] // 10, 1) :]
    share = most.sum(axis=1) / counts.sum(axis=1)
    return pd.Series(share, index=np.unique(table["month"])).reindex(months)


def with_country(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A table of arms with the country first, without the columns that are equal in all rows."""
    out = frame.drop(columns=["by", "group", "named"])
    out.insert(0, "country", name)
    return out
