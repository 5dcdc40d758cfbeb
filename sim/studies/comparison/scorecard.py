"""The questions that a policy must answer, as a table: who settles, do people comply, are they
supported, can offices do it, and how do residents and neighbours feel about it.

Its lines are declared with the indicators; one that no indicator of the runs fills is
"not simulated".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from sim.figures.look import SO_FAR
from sim.outputs.indicators import SECTIONS, Described, Indicator, Row
from sim.studies.comparison.series import EVERYBODY, all_scorecard_rows

SIMULATED: Final = "simulated"

MISSING: Final = "not simulated"

EARLY: Final = "not yet"

_PARTS: Final = ("mean", "low", "high", "effect", "effect_low", "effect_high")


def scorecard_table(
    values: pd.DataFrame,
    effects: pd.DataFrame,
    months: Iterable[pd.Timestamp],
    known: Mapping[str, Described],
) -> pd.DataFrame:
    """section, title, indicator, arm, month, state, mean, low, high, effect, effect_low,
    effect_high: each line of the scorecard for each arm at the named months.

    values, effects: see `sim.studies.comparison.effects`. known: what can be compared, see
    `sim.studies.comparison.series.compared`. An indicator that is given only now and then counts
    with its last value up to the month. Lines without an indicator have no numbers.
    """
    own = _of_everybody(values)[["month", "indicator", "arm", "mean", "low", "high"]]
    change = _of_everybody(effects)[["month", "indicator", "arm", "effect", "low", "high"]]
    change = change.rename(columns={"low": "effect_low", "high": "effect_high"})
    joined = own.merge(change, how="left", on=["month", "indicator", "arm"]).sort_values("month")
    recorded = list(dict.fromkeys(values.loc[values["by"] == EVERYBODY, "indicator"]))
    arms = list(dict.fromkeys(values["arm"]))
    rows = []
    for line in _lines():
        members = {_name(one): one for one in known.values() if _title(one) == line[:2]}
        to_come = any(isinstance(one, Indicator) for one in members.values())
        names = [name for name in recorded if name in members]
        for name in names or [""]:
            for arm in arms:
                some = joined[(joined["indicator"] == name) & (joined["arm"] == arm)]
                early = EARLY if name or to_come else MISSING
                rows += [_row(line, name, arm, month, some, early) for month in months]
    return pd.DataFrame(rows)


def _lines() -> list[Row]:
    """All lines in order of section and place; those of one place as they are declared."""
    rows = {row[:2]: row for row in all_scorecard_rows()}.values()
    return sorted(rows, key=lambda row: (SECTIONS.index(row.section), row.place))


def _title(one: Described) -> tuple[str, str] | None:
    return one.scorecard[:2] if one.scorecard is not None else None


def _name(one: Described) -> str:
    """As the scorecard shows it: flows summed since the opening."""
    return f"{one.name}{SO_FAR}" if one.summed else one.name


def _of_everybody(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["by"] == EVERYBODY]


def _row(
    line: Row, name: str, arm: str, month: pd.Timestamp, some: pd.DataFrame, early: str
) -> dict[str, object]:
    head = {"section": line.section, "title": line.title, "indicator": name, "arm": arm,
            "month": month}  # fmt: skip
    past = some[some["month"] <= month]
    if past.empty:
        return {**head, "state": early, **dict.fromkeys(_PARTS, float("nan"))}
    return {**head, "state": SIMULATED, **{part: past.iloc[-1][part] for part in _PARTS}}
