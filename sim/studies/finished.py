"""`kyosei compare DIR DIR`: finished runs against each other, by indicator and by status.

Runs of equal seed, replicate, start and scale share their random numbers: they are paired, and an
effect is the mean of their differences. Where no two runs go together, means are compared, and
the difference holds that of random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Final

import pandas as pd

from sim.core.errors import ConfigError
from sim.core.text import table
from sim.files.folder import write_atomically
from sim.outputs.read import FinishedRun, finished_below
from sim.studies.comparison.effects import Design, estimate

DESIGN: Final = Design(0.95)
"""Of runs that differ in their random numbers alone."""

PAIRED_BY: Final = ("seed", "replicate", "start", "scale")

SHOWN: Final = ("settled_share", "permanent_share", "irregular")
"""Indicators that are printed first, after all residents."""


def compare_finished(first: Path, second: Path) -> pd.DataFrame:
    """What finished runs of the second folder say beside those of the first.

    Each folder is a run's, or holds runs. One row for each indicator, or status of residence
    (`residents:STATUS`), and December or last month that all runs have: indicator, month, pairs,
    first and second (means), difference, low and high (95 % interval of the mean difference over
    at least three pairs, else none), ratio. Intervals hold everything fixed but random numbers.

    Raises ConfigError if a folder holds no finished run, or runs are of two countries.
    """
    _check_country(first, second)
    one, other = _series(first), _series(second)
    pairs = sorted(set(one) & set(other))
    if pairs:
        a, b = (pd.concat([side[pair] for pair in pairs], axis=1) for side in (one, other))
    else:
        a, b = (pd.concat(list(side.values()), axis=1) for side in (one, other))
    a, b = a.dropna(), b.dropna()
    common = a.index.intersection(b.index)
    a, b = a.loc[common], b.loc[common]
    out = pd.DataFrame({"pairs": len(pairs), "first": a.mean(axis=1), "second": b.mean(axis=1)})
    out["difference"] = out["second"] - out["first"]
    out["low"] = out["high"] = math.nan
    if pairs:
        effect = estimate((b.to_numpy() - a.to_numpy()).T, DESIGN)
        out["low"], out["high"] = effect.low, effect.high
    out["ratio"] = out["second"] / out["first"].where(out["first"] != 0)
    return out.reset_index()


def _check_country(first: Path, second: Path) -> None:
    """People by status of two countries are not subtracted. Raises ConfigError."""
    found = {
        run.settings.get("country", {}).get("name", "")
        for folder in (first, second)
        for run in finished_below(folder)
        if run.kind == "run"
    }
    if len(found) > 1:
        raise ConfigError(
            f"runs of {' and '.join(sorted(found))}: statuses of two countries are not the same\n"
            "    `kyosei countries` sets side by side what can be compared"
        )


def _series(folder: Path) -> dict[tuple[object, ...], pd.Series]:
    """What pairs a run -> its values by indicator and month. Raises ConfigError."""
    runs = [run for run in finished_below(folder) if run.kind == "run"]
    if not runs:
        raise ConfigError(f"{folder} holds no finished run")
    return {tuple(run.settings[name] for name in PAIRED_BY): _values(run) for run in runs}


def _values(run: FinishedRun) -> pd.Series:
    """float64 by (indicator, month): Decembers and the last month."""
    stocks = run.frame("stocks")
    people = stocks.groupby(["status", "month"], observed=True)["people"].sum().reset_index()
    people["indicator"] = "residents:" + people["status"].astype(str)
    both = pd.concat([
        run.frame("indicators").astype({"indicator": str}),
        people.rename(columns={"people": "value"})[["month", "indicator", "value"]],
    ])  # fmt: skip
    last = both["month"].max()
    both = both[(both["month"].dt.month == 12) | (both["month"] == last)]
    return both.set_index(["indicator", "month"])["value"]


def report(found: pd.DataFrame, first: Path, second: Path) -> str:
    """The comparison as a table of the last month, largest effects on residents last."""
    last = found[found["month"] == found["month"].max()].set_index("indicator")
    names = ["residents", *SHOWN, *(n for n in last.index if str(n).startswith("residents:"))]
    rows = [list(_row(str(name), last.loc[name])) for name in names if name in last.index]
    pairs = int(last["pairs"].iloc[0])
    how = f"{pairs} {'pair' if pairs == 1 else 'pairs'} of runs with the same random numbers"
    if pairs == 0:
        how = "no two runs have the same random numbers: the difference holds theirs"
    head = [f"{found['month'].max():%Y-%m}", "first", "second", "difference", "95 %", "ratio"]
    return f"first: {first}\nsecond: {second}\n{how}\n\n{table(head, rows)}"


def _row(name: str, row: pd.Series) -> Iterator[str]:
    def shown(value: float) -> str:
        return f"{value:.4f}" if abs(row["first"]) < 10 else f"{value:,.0f}"

    yield name
    yield shown(row["first"])
    yield shown(row["second"])
    yield f"{'+' if row['difference'] > 0 else ''}{shown(row['difference'])}"
    yield "" if math.isnan(row["low"]) else f"{shown(row['low'])} to {shown(row['high'])}"
    yield "" if math.isnan(row["ratio"]) else f"{row['ratio']:.3f}"


def are_folders(words: Sequence[str]) -> bool:
    """Whether the words of `kyosei compare` name two folders of finished runs, and perhaps a file
    (`to=FILE.csv`)."""
    plain = [word for word in words if not word.startswith("to=")]
    return len(plain) == 2 and all("=" not in word or Path(word).is_dir() for word in plain)


def _write(found: pd.DataFrame, stream: IO[bytes]) -> None:
    found.to_csv(stream, index=False, lineterminator="\n", date_format="%Y-%m-%d")


def compare_folders(words: Sequence[str]) -> int:
    """Print the comparison of two folders, and write it where `to=FILE.csv` says; returns 0.

    Raises ConfigError, OutputError.
    """
    first, second = (Path(word) for word in words if not word.startswith("to="))
    found = compare_finished(first, second)
    print(report(found, first, second))
    for word in words:
        if word.startswith("to="):
            path = Path(word.removeprefix("to="))
            write_atomically(path, partial(_write, found))
            print(path)
    return 0
