"""The tables of docs/hindcast.md, as Markdown, from the folder of a scoreboard.

    python -m experiments.hindcast_tables hindcasts/0123456789abcdef judging
    python -m experiments.hindcast_tables hindcasts/0123456789abcdef earned

The first word after the folder is a set of origins (rule, judging, all), or `earned`, which prints
configs/hindcast/COUNTRY_earned.csv: standard deviations of log errors by horizon.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from sim.core.text import markdown_table
from sim.files.folder import read_parquet
from sim.studies.hindcast.board import OURS
from sim.studies.hindcast.rivals import RIVALS

NAMES = {"kyosei": "Kyosei", "kyosei_stacked": "stacked", "last": "last value",
         "linear_2y": "2-year trend", "linear_1y": "1-year trend", "event_aware": "event-aware",
         "constant": "constant rates"}  # fmt: skip

KINDS = {"status": "statuses", "group": "six groups", "total": "total", "origin": "seven origins",
         "prefecture": "prefectures"}  # fmt: skip


def errors(means: pd.DataFrame, score: str) -> str:
    """Mean score over statuses by horizon and forecaster, in per cent."""
    rows = means[means["kind"] == "status"]
    wide = rows.pivot_table(index="years", columns="forecaster", values=score)
    names = [name for name in NAMES if name in wide]
    n = rows.groupby("years")["origins"].max()
    lines = [["years", "origins", *(NAMES[name] for name in names)]]
    for years, row in wide.iterrows():
        best = min(row[name] for name in names)
        cells = [f"**{100 * row[name]:.1f}**" if row[name] == best else f"{100 * row[name]:.1f}"
                 for name in names]  # fmt: skip
        lines.append([f"{years:g}", str(n[years]), *cells])
    return markdown_table(lines[0], lines[1:])


def against_best(apart: pd.DataFrame, means: pd.DataFrame) -> str:
    """Ours less the best rival over statuses, in points of a per cent, with intervals."""
    lines = [["years", "best rival", *(f"{NAMES[ours]} less it, 80 %, 95 %" for ours in OURS)]]
    for years, rows in means[means["kind"] == "status"].groupby("years"):
        error = rows.set_index("forecaster")["error"]
        best = str(error[list(RIVALS)].idxmin())
        cells = []
        for ours in OURS:
            one = apart[(apart["years"] == years) & (apart["rival"] == best)
                        & (apart["forecaster"] == ours) & (apart["kind"] == "status")
                        & (apart["score"] == "error")].iloc[0]  # fmt: skip
            relative = error[ours] / error[best] - 1
            if pd.isna(one["low_80"]):
                cells.append(f"{100 * one['difference']:+.1f} ({relative:+.0%}); too few origins")
                continue
            cells.append(
                f"{100 * one['difference']:+.1f} ({relative:+.0%}); "
                f"{100 * one['low_80']:+.1f} to {100 * one['high_80']:+.1f}; "
                f"{100 * one['low_95']:+.1f} to {100 * one['high_95']:+.1f}"
            )
        lines.append([f"{years:g}", f"{NAMES[best]} {100 * error[best]:.1f}", *cells])
    return markdown_table(lines[0], lines[1:])


def coverage(means: pd.DataFrame, ours: str) -> str:
    """Error, CRPS and coverage of 50, 80, 95 % intervals by kind and horizon, in per cent."""
    own = means[means["forecaster"] == ours]
    years = sorted(own["years"].unique())
    lines = [["error, CRPS; in 50, 80, 95 %", *(f"{y:g} years" for y in years)]]
    for kind, name in KINDS.items():
        cells = []
        for horizon in years:
            one = own[(own["kind"] == kind) & (own["years"] == horizon)]
            if one.empty:
                cells.append("-")
                continue
            row = 100 * one[["error", "crps", "in_50", "in_80", "in_95"]].iloc[0]
            cells.append(f"{row['error']:.1f}, {row['crps']:.1f}; {row['in_50']:.0f}, "
                         f"{row['in_80']:.0f}, {row['in_95']:.0f}")  # fmt: skip
        lines.append([name, *cells])
    return markdown_table(lines[0], lines[1:])


def main(folder: str, chosen: str) -> None:
    """Print all tables of a set of origins."""
    if chosen == "earned":
        table = read_parquet(Path(folder) / "earned.parquet").to_pandas()
        wanted = table["kind"].isin(["total", "status", "group"]) | (table["code"] == "all")
        print(table[wanted].round(4).to_csv(index=False, lineterminator="\n"), end="")
        return
    means = read_parquet(Path(folder) / "scores.parquet").to_pandas()
    apart = read_parquet(Path(folder) / "differences.parquet").to_pandas()
    for events in dict.fromkeys(means["events"]):
        own = means[(means["set"] == chosen) & (means["events"] == events)]
        away = apart[(apart["set"] == chosen) & (apart["events"] == events)]
        if own.empty:
            continue
        print(f"\n### {chosen} origins, events {events.replace('_', ' ')}\n")
        print(errors(own, "error"), errors(own, "crps"), against_best(away, own),
              *(coverage(own, ours) for ours in OURS), sep="\n\n")  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
