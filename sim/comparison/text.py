"""The printed summary of a comparison: what each arm does to settlement, alone and together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from sim.comparison.derived import labels_of
from sim.comparison.packages import INTERACTION
from sim.comparison.series import EVERYBODY, SUMMED
from sim.summary import table

if TYPE_CHECKING:
    from sim.comparison.compare import Comparison

HEADLINE: Final = {
    "settled": "Settled residents",
    "settled_share": "Settled share, points",
    "permanent": "Permanent residents",
    "permanent_share": "Permanent share, points",
    "residents": "Foreign residents",
    f"permanent_grants{SUMMED}": "Permanent residence granted, so far",
    f"naturalisations{SUMMED}": "Naturalised, so far",
    f"departures{SUMMED}": "Departed, so far",
    "job_retention_all_share": "Finishers in a job, points",
    "irregular": "Irregular residents",
}
"""Indicator -> what the table calls it. Only those that were recorded are shown."""
Cells = Mapping[Any, Any]
"""A row of a table."""
SHARES: Final = ("_share", "_rate")


def summary_of(asked: Comparison, tables: dict[str, pd.DataFrame]) -> str:
    """The whole summary as text."""
    months = [pd.Timestamp(f"{month}-01") for month in asked.months]
    parts = [_head(asked)]
    parts += [_effects(asked, tables, month) for month in months[-1:]]
    if len(months) > 1:
        parts.append(_years(asked, tables, months))
    parts += [_equal(tables["histories"]), _pairing(tables["pairing"], months[-1])]
    parts.append(_scorecard(asked, tables["scorecard"], months[-1]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(asked: Comparison) -> str:
    settings = asked.settings
    return (
        f"Comparison {asked.number}: {settings.start} to {settings.end}, scale {settings.scale:g},"
        f" {asked.question.replicates} paired replicates of seed {settings.seed}.\n"
        f"Effects are differences from {asked.shown[0]} under the same luck, with"
        f" {asked.question.confidence:.0%} intervals of the mean over replicates."
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
    rows = []
    for indicator, title in HEADLINE.items():
        own = _of(effects, indicator, month)
        if not own:
            continue
        row = [title, value_text(indicator, _first(own))]
        row += [effect_text(indicator, own[arm]) if arm in own else "-"
                for arm in asked.shown[1:]]  # fmt: skip
        for name in between:
            assert parts is not None
            some = parts[(parts["package"] == name) & (parts["kind"] == INTERACTION)]
            row.append(effect_text(indicator, _of(some, indicator, month)[name]))
        rows.append(row)
    return table(head, rows)


def _years(asked: Comparison, tables: dict[str, pd.DataFrame], months: list[pd.Timestamp]) -> str:
    """Settled residents at each named month."""
    rows = []
    for month in months:
        own = _of(tables["effects"], "settled", month)
        row = [f"{month:%Y-%m}", value_text("settled", _first(own))]
        rows.append(row + [effect_text("settled", own[arm]) for arm in asked.shown[1:]])
    return table(["settled residents", *asked.shown], rows)


def _first(rows: dict[str, Cells]) -> float:
    """The baseline's value, which stands in the row of every arm."""
    return float(next(iter(rows.values()))["baseline_value"])


def value_text(indicator: str, value: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.2%}" if indicator.endswith(SHARES) else f"{value:,.0f}"


def effect_text(indicator: str, row: Cells) -> str:
    """`+1,234 [+1,000, +1,468]`; shares in percentage points."""
    times, digits = (100.0, 2) if indicator.endswith(SHARES) else (1.0, 0)
    mean, low, high = (times * float(row[name]) for name in ("effect", "low", "high"))
    if mean == low == high == 0.0:
        return "0, exactly"
    return f"{mean:+,.{digits}f} [{low:+,.{digits}f}, {high:+,.{digits}f}]"


def _equal(histories: pd.DataFrame) -> str:
    sums = histories.groupby("arm", sort=False)[["people", "equal"]].sum()
    rows = [[str(arm), f"{row['equal'] / row['people']:.2%}"] for arm, row in sums.iterrows()]
    return table(["people whose whole history is equal", "share"], rows)


def _pairing(pairing: pd.DataFrame, month: pd.Timestamp) -> str:
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
            rows.append([HEADLINE[indicator].removesuffix(", points"), *row])
    head = [f"times fewer runs than unpaired: {month:%Y-%m} / all months", *arms]
    return table(head, rows) if rows else ""


def _scorecard(asked: Comparison, card: pd.DataFrame, month: pd.Timestamp) -> str:
    rows, labels = [], labels_of(asked.settings)
    now = card[card["month"] == month]
    for (section, title, indicator), some in now.groupby(
        ["section", "title", "indicator"], sort=False
    ):
        own = _by_name(some)
        texts = [_cell(str(indicator), own[arm]) for arm in asked.shown]
        label = labels[indicator][0] if indicator in labels else str(title)
        rows.append([f"{section}: {label}", *texts])
    return table([f"scorecard in {month:%Y-%m}", *asked.shown], rows)


def _cell(indicator: str, row: Cells) -> str:
    if row["state"] != "simulated":
        return str(row["state"])
    text = number_text(indicator, float(row["mean"]))
    if np.isnan(row["effect"]) or row["effect"] == 0.0:
        return text
    sure = row["effect_low"] > 0 or row["effect_high"] < 0
    sign = "~" if not sure else "+" if row["effect"] > 0 else "-"
    return f"{text} {sign}"


def number_text(indicator: str, value: float) -> str:
    """Shares in percent, people whole, anything small with two digits."""
    if indicator.endswith(SHARES):
        return f"{value:.1%}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
