"""What a study of two countries says, as text."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sim.core.text import table
from sim.figures.look import SHARE, Measure
from sim.studies.countries.measures import MEASURES
from sim.studies.countries.paths import AGES, BECAME, QUARTILES
from sim.studies.countries.settings import Side


def summary_of(sides: Sequence[Side], tables: dict[str, pd.DataFrame]) -> str:
    """The whole summary."""
    parts = [_head(sides), _levels(sides, tables["values"])]
    parts += [_effects(side, tables["effects"]) for side in sides]
    parts += [_paths(sides, tables["paths"]), _waits(sides, tables["paths"])]
    return "\n\n".join([*parts, *notes_of(sides)]) + "\n"


def notes_of(sides: Sequence[Side]) -> list[str]:
    """What is assumed and what is missing, by country."""
    notes = [f"{side.name}: {side.compared.note.strip()}." for side in sides]
    notes += [f"{side.name}, {lever}: {why}." for side in sides
              for lever, why in side.compared.missing.items()]  # fmt: skip
    return notes


def _head(sides: Sequence[Side]) -> str:
    asked = sides[0].asked
    settings, look = asked.settings, asked.look()
    return (
        f"{' and '.join(side.name for side in sides)}: {settings.start} to {settings.end}, scale"
        f" {settings.scale:g}, {asked.question.replicates} paired replicates of seed"
        f" {settings.seed}; in []: {look.intervals}.\nShares and rates only: statuses are not the"
        " same, so people by status are not subtracted."
    )


def _levels(sides: Sequence[Side], values: pd.DataFrame) -> str:
    """Each measure under the law of each country, at the last month."""
    last = values[values["month"] == values["month"].max()]
    rows = []
    for name, measure in MEASURES.items():
        row = [_named(measure)]
        for side in sides:
            own = last[(last["country"] == side.name) & (last["arm"] == side.asked.shown[0])]
            own = own[own["indicator"] == name]
            row.append(_text(measure, own, "mean", "") if len(own) else "not simulated")
        rows.append(row)
    return table([f"{last['month'].max():%Y-%m}, law", *(side.name for side in sides)], rows)


def _effects(side: Side, effects: pd.DataFrame) -> str:
    """Each measure by arm: differences from the law of the country."""
    last = effects[(effects["country"] == side.name) & (effects["month"] == effects["month"].max())]
    rows = []
    for name, measure in MEASURES.items():
        own = last[last["indicator"] == name]
        if len(own):
            rows.append([
                _named(measure),
                *(_text(measure, own[own["arm"] == arm], "effect", "+")
                  for arm in side.asked.shown[1:]),
            ])  # fmt: skip
    return table([f"effect in {side.name}", *side.asked.shown[1:]], rows)


def _named(measure: Measure) -> str:
    return f"{measure.en}, {'%' if measure.unit == SHARE else measure.unit}"


def _text(measure: Measure, rows: pd.DataFrame, value: str, sign: str) -> str:
    if not len(rows):
        return "-"
    row = rows.iloc[0]
    mean, low, high = (
        f"{measure.times * float(row[name]):{sign},.2f}" for name in (value, "low", "high")
    )
    if row["low"] != row["low"]:
        return f"{mean} (no interval)"
    return f"{mean} [{low}, {high}]"


def _paths(sides: Sequence[Side], paths: pd.DataFrame) -> str:
    rows = []
    for side in sides:
        for years in AGES:
            own = paths[(paths["country"] == side.name) & (paths["years"] == years)]
            own = own.set_index("became")
            if len(own):
                cells = own.loc[list(BECAME), ["value", "low", "high"]].to_numpy(float)
                rows.append([f"{side.name}, after {years} years", *(
                    f"{value:,.0f} [{low:,.0f}, {high:,.0f}]" for value, low, high in cells
                )])  # fmt: skip
    return table(["of 1,000 low-skilled entrants of the first year", *BECAME], rows)


def _waits(sides: Sequence[Side], paths: pd.DataFrame) -> str:
    """Quartiles of the years from entry to permanent residence."""
    rows = []
    for side in sides:
        own = paths[(paths["country"] == side.name) & (paths["became"] == "wait")]
        waits = own.set_index("years")["value"]
        rows.append([side.name, *(f"{waits[quantile]:.1f}" for quantile in QUARTILES)])
    return table(["years from entry to permanent residence", "quarter", "half", "3 quarters"], rows)
