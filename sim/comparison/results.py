"""Everything that a comparison's folder holds, made from the tables of its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.comparison.effects import Arms, arms_of, effects_table, pairing_table, values_table
from sim.comparison.histories import equal_share
from sim.comparison.packages import decomposition_table
from sim.comparison.runs import histories_of, series_file
from sim.comparison.scorecard import scorecard_table
from sim.comparison.series import EVERYBODY
from sim.comparison.text import summary_of
from sim.config import to_yaml
from sim.outputs import RunFolder, read_parquet
from sim.run import VOLATILE

if TYPE_CHECKING:
    from sim.comparison.compare import Comparison

SUMMARY = "summary.txt"


def write_results(place: RunFolder, asked: Comparison) -> dict[str, Any]:
    """Write tables, the summary and figures; returns facts for the manifest.

    Raises OutputError if a table of a run cannot be read.
    """
    arms = _read(asked)
    named = [pd.Timestamp(f"{month}-01") for month in asked.months]
    confidence = asked.question.confidence
    shown = Arms(asked.shown, arms.index, arms.values[: len(asked.shown)])
    tables = {
        "effects": effects_table(shown, named, confidence),
        "values": values_table(shown, named, confidence),
        "pairing": pairing_table(
            shown.rows(np.array(arms.index.get_level_values("by") == EVERYBODY)), named
        ),
        "histories": histories_table(asked),
    }
    tables["scorecard"] = scorecard_table(tables["values"], tables["effects"], named)
    if asked.packages:
        tables["decomposition"] = decomposition_table(arms, asked.packages, named, confidence)
    for name, table in tables.items():
        place.add_table(f"{name}.parquet", _arrow(table))
    place.add_text("config.yaml", to_yaml(asked.settings.model_copy(update=VOLATILE)))
    text = summary_of(asked, tables)
    place.add_text(SUMMARY, text)
    if asked.question.figures:
        _draw(place, asked, tables)
    return {"equal_histories": _shares(tables["histories"])}


def _read(asked: Comparison) -> Arms:
    root = asked.plan.root
    return arms_of(
        {
            arm.name: [
                read_parquet(series_file(root, run)).to_pandas(date_as_object=False)
                for run in asked.runs[arm.name]
            ]
            for arm in asked.arms
        }
    )


def histories_table(asked: Comparison) -> pd.DataFrame:
    """arm, replicate, people (watched, in either run), equal: whose whole history is the same in
    the arm and in the baseline; all arms that were asked for but the baseline."""
    root, base = asked.plan.root, asked.shown[0]
    rows = []
    for replicate in range(asked.question.replicates):
        known = histories_of(root, asked.runs[base][replicate])
        for arm in asked.shown[1:]:
            own = histories_of(root, asked.runs[arm][replicate])
            people, equal = equal_share(known, own)
            rows.append((arm, replicate, people, equal))
    return pd.DataFrame(rows, columns=["arm", "replicate", "people", "equal"])


def _shares(histories: pd.DataFrame) -> dict[str, float]:
    sums = histories.groupby("arm")[["people", "equal"]].sum()
    return {str(arm): round(row["equal"] / row["people"], 6) for arm, row in sums.iterrows()}


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """Text as dictionaries, months as dates, NaN as nothing."""
    columns = {}
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_datetime64_any_dtype(values):
            columns[name] = pa.array(values.to_numpy().astype("datetime64[D]"), pa.date32())
        elif not pd.api.types.is_numeric_dtype(values):
            columns[name] = pa.array(values.astype(str).tolist()).dictionary_encode()
        else:
            columns[name] = pa.array(values.to_numpy(), from_pandas=True)
    return pa.table(columns)


def _draw(place: RunFolder, asked: Comparison, tables: dict[str, pd.DataFrame]) -> None:
    from sim.plots_compare import draw_comparison  # a second to import: only who draws pays it
    from sim.plots_style import png_bytes

    for name, figure in draw_comparison(tables, asked.shown, asked.look()).items():
        place.add_bytes(f"figures/{name}.png", png_bytes(figure))
