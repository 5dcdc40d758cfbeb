"""The questions that a policy must answer, as a table: who settles, do people comply, are they
supported, can offices do it, and how do residents and neighbours feel about it.

A row stands for the indicators whose names begin as it says; a row without any is "not simulated".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import pandas as pd

from sim.outputs.indicators import LABELS
from sim.studies.comparison.series import EVERYBODY, LOAD, REFUSALS, SUMMED, TOP_TENTH


class Row(NamedTuple):
    """One line of the scorecard: its title, and the pattern of its indicators' names."""

    title: str
    names: str


SECTIONS: Final[dict[str, tuple[Row, ...]]] = {
    "settle": (
        Row("Settled share", "settled_share"),
        Row("Permanent share", "permanent_share"),
        Row("Still there after 1 year", "retention_1y_share"),
        Row("Still there after 3 years", "retention_3y_share"),
        Row("Still there after 5 years", "retention_5y_share"),
        Row("Still there after 10 years", "retention_10y_share"),
    ),
    "order": (
        Row("Paying the health premium", "nhi_payment_rate"),
        Row("Paying the pension premium", "pension_payment_rate"),
        Row("Irregular residents", "irregular"),
        Row("New irregular residents, so far", f"gone_missing{SUMMED}"),
        Row("Refusals, so far", f"{REFUSALS}{SUMMED}"),
    ),
    "support": (
        Row("Japanese at B1 or above", r"language_b1\w*"),
        Row("Programme coverage", "norms_share"),
        Row("Language classes", r"\w+_(with|without)_classes_share"),
        Row("Support levels of municipalities", r"towns_level_\d"),
    ),
    "implementability": (
        Row("Caseload over capacity", rf"(?!{TOP_TENTH})\w+{LOAD}"),
        Row("The most loaded tenth of municipalities", TOP_TENTH),
        Row("Backlog", r"\w+_backlog"),
    ),
    "satisfaction": (Row("Satisfaction of migrants", "satisfied_share"),),
    "sentiment": (Row("Opposed among the public", "opposed_share"),),
}

SIMULATED: Final = "simulated"

MISSING: Final = "not simulated"

EARLY: Final = "not yet"

_PARTS: Final = ("mean", "low", "high", "effect", "effect_low", "effect_high")


def scorecard_table(
    values: pd.DataFrame, effects: pd.DataFrame, months: Iterable[pd.Timestamp]
) -> pd.DataFrame:
    """section, title, indicator, arm, month, state, mean, low, high, effect, effect_low,
    effect_high: each row of the scorecard for each arm at the named months.

    values, effects: see `sim.studies.comparison.effects`. An indicator that is given only now and
    then counts with its last value up to the month. Rows without an indicator have no numbers.
    """
    own = _of_everybody(values)[["month", "indicator", "arm", "mean", "low", "high"]]
    change = _of_everybody(effects)[["month", "indicator", "arm", "effect", "low", "high"]]
    change = change.rename(columns={"low": "effect_low", "high": "effect_high"})
    joined = own.merge(change, how="left", on=["month", "indicator", "arm"]).sort_values("month")
    known = list(dict.fromkeys(values.loc[values["by"] == EVERYBODY, "indicator"]))
    arms = list(dict.fromkeys(values["arm"]))
    rows = []
    for section, lines in SECTIONS.items():
        for line in lines:
            names = [
                name
                for name in known
                if re.fullmatch(line.names, name) and name + SUMMED not in known
            ]
            for name in names or [""]:
                for arm in arms:
                    some = joined[(joined["indicator"] == name) & (joined["arm"] == arm)]
                    rows += [_row(section, line, name, arm, month, some) for month in months]
    return pd.DataFrame(rows)


def _of_everybody(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["by"] == EVERYBODY]


def _row(
    section: str, line: Row, name: str, arm: str, month: pd.Timestamp, some: pd.DataFrame
) -> dict[str, object]:
    head = {"section": section, "title": line.title, "indicator": name, "arm": arm,
            "month": month}  # fmt: skip
    past = some[some["month"] <= month]
    if past.empty:
        simulated = bool(name) or any(re.fullmatch(line.names, known) for known in LABELS)
        state = EARLY if simulated else MISSING
        return {**head, "state": state, **dict.fromkeys(_PARTS, float("nan"))}
    return {**head, "state": SIMULATED, **{part: past.iloc[-1][part] for part in _PARTS}}
