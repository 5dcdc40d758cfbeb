"""Everything that a comparison's folder holds, made from the tables of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.config.compose import to_yaml
from sim.core.text import table
from sim.figures.look import SHARE, SO_FAR, Look, Measure
from sim.files.folder import RunFolder, read_parquet
from sim.runs.run import VOLATILE
from sim.studies.comparison.comparison import Comparison
from sim.studies.comparison.effects import Arms, arms_of, effects_table, pairing_table, values_table
from sim.studies.comparison.histories import equal_share
from sim.studies.comparison.packages import INTERACTION, decomposition_table
from sim.studies.comparison.runs import histories_of, series_file
from sim.studies.comparison.scorecard import scorecard_table
from sim.studies.comparison.series import EVERYBODY, compared
from sim.studies.folder import SUMMARY

HEADLINE: Final = (
    "settled", "settled_share", "permanent", "permanent_share", "residents",
    f"permanent_grants{SO_FAR}", f"naturalisations{SO_FAR}", f"departures{SO_FAR}",
    "job_retention_all_share", "irregular",
)  # fmt: skip
"""What the summary begins with, as far as it was recorded."""

Cells = Mapping[Any, Any]
"""A row of a table."""


def summary_of(asked: Comparison, tables: dict[str, pd.DataFrame]) -> str:
    """The whole summary as text."""
    months = [pd.Timestamp(f"{month}-01") for month in asked.months]
    parts = [_head(asked)]
    parts += [_effects(asked, tables, month) for month in months[-1:]]
    if len(months) > 1:
        parts.append(_years(asked, tables, months))
    look = asked.look()
    pairing, last = tables["pairing"], months[-1]
    parts += [_equal(tables["histories"]), _pairing(pairing, last, look)]
    parts += [_random_share(pairing, last, look)] if asked.question.drawn else []
    parts.append(_scorecard(asked, tables["scorecard"], months[-1], look))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(asked: Comparison) -> str:
    settings, look, design = asked.settings, asked.look(), asked.question.design
    again = f", {design.again} of them once more with other random numbers" if design.again else ""
    return (
        f"Comparison {asked.number}: {settings.start} to {settings.end}, scale {settings.scale:g},"
        f" {asked.question.replicates} paired replicates of seed {settings.seed}{again}.\n"
        f"Effects are mean differences from {look.arm(asked.shown[0])}; in []: {look.intervals}"
        + (f"; in {{}}: {look.inner}" if look.inner else "")
        + f".\n{look.varies}"
    )


def _of(frame: pd.DataFrame, indicator: str, month: pd.Timestamp) -> dict[str, Cells]:
    """Arm (or part of a package) -> its row for everybody."""
    everybody = (frame["by"] == EVERYBODY) & (frame["indicator"] == indicator)
    return _by_name(frame[everybody & (frame["month"] == month)])


def _by_name(frame: pd.DataFrame) -> dict[str, Cells]:
    name = "arm" if "arm" in frame else "package"
    return {str(row[name]): row for row in frame.to_dict("records")}


def _effects(asked: Comparison, tables: dict[str, pd.DataFrame], month: pd.Timestamp) -> str:
    """One line for each headline indicator: the baseline, each arm, and what is between arms."""
    effects, parts = tables["effects"], tables.get("decomposition")
    between = [] if parts is None else [p.name for p in asked.packages if p.name in asked.shown]
    head = [f"effect in {month:%Y-%m}", asked.shown[0], *asked.shown[1:]]
    head += [f"of it interaction in {name}" for name in between]
    rows, look = [], asked.look()
    for indicator in HEADLINE:
        own, measure = _of(effects, indicator, month), look.measure(indicator)
        if not own:
            continue
        row = [measure.en + (", points" if measure.unit == SHARE else "")]
        row.append(measure.value_text(_first(own), digits=2))
        row += [effect_text(measure, own[arm]) if arm in own else "-"
                for arm in asked.shown[1:]]  # fmt: skip
        for name in between:
            assert parts is not None
            some = parts[(parts["package"] == name) & (parts["kind"] == INTERACTION)]
            row.append(effect_text(measure, _of(some, indicator, month)[name]))
        rows.append(row)
    return table(head, rows)


def _years(asked: Comparison, tables: dict[str, pd.DataFrame], months: list[pd.Timestamp]) -> str:
    """Settled residents at each named month."""
    rows, measure = [], asked.look().measure("settled")
    for month in months:
        own = _of(tables["effects"], "settled", month)
        row = [f"{month:%Y-%m}", measure.value_text(_first(own))]
        rows.append(row + [effect_text(measure, own[arm]) for arm in asked.shown[1:]])
    return table(["settled residents", *asked.shown], rows)


def _first(rows: dict[str, Cells]) -> float:
    """The baseline's value, which stands in the row of every arm."""
    return float(next(iter(rows.values()))["baseline_value"])


def effect_text(measure: Measure, row: Cells) -> str:
    """`+1,234 [+1,000, +1,468] {+1,200, +1,268}`: the mean with its outer and its inner interval;
    shares in percentage points."""
    digits = 2 if measure.unit == SHARE else 0
    if row["effect"] == row["se"] == 0.0:
        return "0, exactly"
    mean, low, high, random_low, random_high = (
        f"{measure.times * float(row[name]):+,.{digits}f}"
        for name in ("effect", "low", "high", "random_low", "random_high")
    )
    if np.isnan(row["low"]):
        return f"{mean} (no interval)"
    inner = (
        ""
        if np.isnan(row["random_low"]) or random_low == low
        else f" {{{random_low}, {random_high}}}"
    )
    return f"{mean} [{low}, {high}]{inner}"


def _equal(histories: pd.DataFrame) -> str:
    sums = histories.groupby("arm", sort=False)[["people", "equal"]].sum()
    rows = [[str(arm), f"{row['equal'] / row['people']:.2%}"] for arm, row in sums.iterrows()]
    return table(["people whose whole history is equal", "share"], rows)


def _pairing(pairing: pd.DataFrame, month: pd.Timestamp, look: Look) -> str:
    """Variance of unpaired over that of paired differences."""
    arms = list(dict.fromkeys(pairing["arm"]))
    rows = []
    for indicator in HEADLINE:
        own = pairing[(pairing["by"] == EVERYBODY) & (pairing["indicator"] == indicator)]
        row = []
        for arm in arms:
            mine = own[own["arm"] == arm]
            last = mine[mine["month"] == month]["ratio"]
            whole = (mine["sd_unpaired"] ** 2).sum() / max((mine["sd_paired"] ** 2).sum(), 1e-300)
            row.append(f"{last.iloc[0]:,.0f} / {whole:,.0f}" if len(last) else "-")
        if any(text != "-" for text in row):
            rows.append([look.measure(indicator).en, *row])
    head = [f"times fewer runs than unpaired: {month:%Y-%m} / all months", *arms]
    return table(head, rows) if rows else ""


def _random_share(pairing: pd.DataFrame, month: pd.Timestamp, look: Look) -> str:
    """What random numbers are of the spread of effects: at scale 1 they would hardly be any."""
    arms = list(dict.fromkeys(pairing["arm"]))
    now = pairing[(pairing["by"] == EVERYBODY) & (pairing["month"] == month)]
    rows = []
    for indicator in HEADLINE:
        own = _by_name(now[now["indicator"] == indicator])
        parts = [(own[arm]["sd_random"] / own[arm]["sd_paired"]) ** 2 if arm in own else np.nan
                 for arm in arms]  # fmt: skip
        if own:
            texts = ["-" if np.isnan(part) else f"{min(part, 1):.0%}" for part in parts]
            rows.append([look.measure(indicator).en, *texts])
    return table([f"of the variance of effects: random numbers, {month:%Y-%m}", *arms], rows)


def _scorecard(asked: Comparison, card: pd.DataFrame, month: pd.Timestamp, look: Look) -> str:
    rows = []
    now = card[card["month"] == month]
    for (section, title, indicator), some in now.groupby(
        ["section", "title", "indicator"], sort=False
    ):
        own = _by_name(some)
        measure = look.measure(str(indicator))
        texts = [_cell(measure, own[arm]) for arm in asked.shown]
        rows.append([f"{section}: {measure.en if str(indicator) else title}", *texts])
    return table([f"scorecard in {month:%Y-%m}", *asked.shown], rows)


def _cell(measure: Measure, row: Cells) -> str:
    if row["state"] != "simulated":
        return str(row["state"])
    text = measure.value_text(float(row["mean"]))
    if np.isnan(row["effect"]) or row["effect"] == 0.0:
        return text
    sure = row["effect_low"] > 0 or row["effect_high"] < 0
    sign = "~" if not sure else "+" if row["effect"] > 0 else "-"
    return f"{text} {sign}"


def write_results(place: RunFolder, asked: Comparison) -> dict[str, Any]:
    """Write tables, the summary and figures; returns facts for the manifest.

    Raises OutputError if a table of a run cannot be read.
    """
    arms = _read(asked)
    named = [pd.Timestamp(f"{month}-01") for month in asked.months]
    shown = arms.first(len(asked.shown))
    tables = {
        "effects": effects_table(shown, named),
        "values": values_table(shown, named),
        "pairing": pairing_table(
            shown.rows(np.array(arms.index.get_level_values("by") == EVERYBODY)), named
        ),
        "histories": histories_table(asked),
    }
    tables["scorecard"] = scorecard_table(
        tables["values"], tables["effects"], named, compared(asked.settings)
    )
    if asked.packages:
        tables["decomposition"] = decomposition_table(arms, asked.packages, named)
    for name, rows in tables.items():
        place.add_table(f"{name}.parquet", arrow_of(rows))
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
        },
        asked.question.design,
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


def arrow_of(frame: pd.DataFrame) -> pa.Table:
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
    from sim.figures.comparison import draw_comparison  # a second to import: only who draws pays it
    from sim.figures.style import png_bytes

    for name, figure in draw_comparison(tables, asked.shown, asked.look()).items():
        place.add_bytes(f"figures/{name}.png", png_bytes(figure))
