"""The scores of all origins: by horizon, kind and forecaster, with differences from every rival."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd

from sim.core.rng import identity, unit
from sim.core.text import table
from sim.studies.hindcast.cells import CONSTANT, MODEL
from sim.studies.hindcast.rivals import RIVALS
from sim.studies.hindcast.settings import Hindcast
from sim.studies.hindcast.stacking import STACKED

TAG: Final = np.uint64(0x626C6F636B)

RESAMPLES: Final = 2000

FEWEST: Final = 2
"""Blocks below which a difference has no interval."""

ENOUGH_PEOPLE: Final = 1000.0
"""Cells with fewer people say little of a logarithm."""

OURS: Final = (MODEL, STACKED)

SETS: Final = ("rule", "judging", "all")

BY: Final = ["events", "years", "kind", "forecaster"]


def by_origin(cells: pd.DataFrame) -> pd.DataFrame:
    """One row for each origin, horizon, kind and forecaster: error (sum of absolute errors over the
    observed sum), crps (likewise), bias (signed), in_L (shares of cells)."""
    rows = cells.assign(apart=(cells["said"] - cells["observed"]).abs())
    shares = [name for name in cells.columns if name.startswith("in_")]
    keys = ["events", "origin", "years", "month", "kind", "forecaster"]
    grouped = rows.groupby(keys, sort=False)
    sums = grouped[["apart", "crps", "said", "observed"]].sum()
    out = pd.DataFrame({
        "error": sums["apart"] / sums["observed"], "crps": sums["crps"] / sums["observed"],
        "bias": sums["said"] / sums["observed"] - 1,
    })  # fmt: skip
    return pd.concat([out, grouped[shares].mean()], axis=1).reset_index()


def scores(each: pd.DataFrame, settings: Hindcast) -> pd.DataFrame:
    """Means over origins: set, events, years, kind, forecaster, origins, and every score."""
    names = [n for n in each.columns if n in ("error", "crps", "bias") or n.startswith("in_")]
    out = []
    for name in SETS:
        own = each[each["origin"].isin(origins_of(name, settings))]
        if own.empty:
            continue
        grouped = own.groupby(BY, sort=False)
        means = grouped[names].mean()
        means.insert(0, "origins", grouped.size())
        out.append(means.reset_index().assign(set=name))
    return pd.concat(out, ignore_index=True)


def origins_of(name: str, settings: Hindcast) -> list[str]:
    own = {"rule": settings.rule_origins, "judging": settings.judging_origins}
    return own.get(name) or settings.all_origins()


def differences(each: pd.DataFrame, settings: Hindcast) -> pd.DataFrame:
    """Ours less a rival's, mean over origins, with 80 and 95 % intervals of a block bootstrap.

    set, events, years, kind, forecaster, rival, score, origins, difference, low_80, high_80,
    low_95, high_95. Blocks are as long as a horizon, since the outcomes of origins nearer to each
    other than that overlap; they go round from the last origin to the first. NaN for an interval
    where the origins are not two blocks.
    """
    out = []
    for name in SETS:
        spacing = 0.5 if name == "all" else 1.0
        own = each[each["origin"].isin(origins_of(name, settings))]
        for (events, years, kind), rows in own.groupby(["events", "years", "kind"], sort=False):
            block = max(1, math.ceil(float(str(years)) / spacing))
            for score in ("error", "crps"):
                wide = rows.pivot_table(index="origin", columns="forecaster", values=score)
                for ours in OURS:
                    for rival in (*RIVALS, CONSTANT):
                        if ours not in wide or rival not in wide:
                            continue
                        apart = (wide[ours] - wide[rival]).dropna().to_numpy(float)
                        out.append({"set": name, "events": events, "years": years, "kind": kind,
                                    "forecaster": ours, "rival": rival, "score": score,
                                    **block_bootstrap(apart, block)})  # fmt: skip
    return pd.DataFrame(out)


def block_bootstrap(apart: np.ndarray, block: int) -> dict[str, float]:
    """Mean of a series with intervals: origins, difference, low_80, high_80, low_95, high_95."""
    n = apart.size
    out = {"origins": float(n), "difference": float(apart.mean()) if n else math.nan}
    if n < max(FEWEST * block, 3):
        return {**out, **dict.fromkeys(("low_80", "high_80", "low_95", "high_95"), math.nan)}
    means = apart[_resamples(n, block)].mean(axis=1)
    low, high = np.percentile(means, [10, 90])
    lowest, highest = np.percentile(means, [2.5, 97.5])
    return {**out, "low_80": float(low), "high_80": float(high), "low_95": float(lowest),
            "high_95": float(highest)}  # fmt: skip


_KEPT: dict[tuple[int, int], np.ndarray] = {}


def _resamples(n: int, block: int) -> np.ndarray:
    """int64[RESAMPLES, n]: rows of each resample, circular blocks (Politis and Romano 1992)."""
    found = _KEPT.get((n, block))
    if found is None:
        count = math.ceil(n / block)
        begins = np.array([
            [int(unit(np.uint64(identity(TAG, np.uint64(n), np.uint64(turn), np.uint64(b)))) * n)
             for b in range(count)]
            for turn in range(RESAMPLES)
        ])  # fmt: skip
        rows = (begins[:, :, None] + np.arange(block)) % n
        found = _KEPT[n, block] = rows.reshape(RESAMPLES, -1)[:, :n]
    return found


def earned(cells: pd.DataFrame) -> pd.DataFrame:
    """What the past earned: events, years, kind, code, sd_log, bias_log, origins.

    sd_log is the root mean square of the logarithm of published over forecast people, of the model
    over all origins; bias_log its mean. Cells below 1,000 people do not count. The code `all` is a
    whole kind, its cells weighted by people.
    """
    own = cells[cells["forecaster"] == MODEL]
    own = own[(own["observed"] >= ENOUGH_PEOPLE) & (own["said"] >= ENOUGH_PEOPLE)]
    log = np.log(own["observed"] / own["said"])
    own = own.assign(log=log, square=log**2, weight=1.0)
    whole = own[own["kind"] != "total"].assign(code="all", weight=own["observed"])
    every = pd.concat([own, whole], ignore_index=True)
    for name in ("log", "square"):
        every[name] *= every["weight"]
    keys = ["events", "years", "kind", "code"]
    grouped = every.groupby(keys)
    sums = grouped[["weight", "square", "log"]].sum()
    return pd.DataFrame({
        "sd_log": np.sqrt(sums["square"] / sums["weight"]),
        "bias_log": sums["log"] / sums["weight"], "origins": grouped["origin"].nunique(),
    }).reset_index()  # fmt: skip


def scoreboard(each: pd.DataFrame) -> pd.DataFrame:
    """One row for each origin, horizon and forecaster: events, origin, years, horizon, forecaster,
    error_groups (statuses), error_total (signed), error_origin, error_prefecture, crps and
    coverage_L of statuses."""
    keys = ["events", "origin", "years", "month", "forecaster"]
    wide = each.set_index([*keys, "kind"])["error"].unstack("kind")
    status = each[each["kind"] == "status"].set_index(keys)
    total = each[each["kind"] == "total"].set_index(keys)
    out = pd.DataFrame({
        "error_groups": wide["status"], "error_total": total["bias"],
        "error_origin": wide.get("origin"), "error_prefecture": wide.get("prefecture"),
        "crps": status["crps"],
        **{f"coverage_{n[3:]}": status[n] for n in status.columns if n.startswith("in_")},
    })  # fmt: skip
    return out.reindex(status.index).reset_index().rename(columns={"month": "horizon"})


def board_of(cells: pd.DataFrame, settings: Hindcast) -> dict[str, pd.DataFrame]:
    """All tables of the board, from the cells of every forecaster."""
    each = by_origin(cells)
    return {
        "scoreboard": scoreboard(each), "by_origin": each, "scores": scores(each, settings),
        "differences": differences(each, settings), "earned": earned(cells),
    }  # fmt: skip


SCORE_LABELS: Final = {"error": "error", "crps": "CRPS", "bias": "bias", "in_50": "in 50 %",
                       "in_80": "in 80 %", "in_95": "in 95 %"}  # fmt: skip


def text_of(tables: dict[str, pd.DataFrame]) -> str:
    """The means over origins for reading, in per cent; `-` where a forecaster gives no interval."""
    out = []
    for (name, events), own in tables["scores"].groupby(["set", "events"], sort=False):
        if name == "all":
            continue
        rows = []
        for kind in ("status", "total"):
            for _, row in own[own["kind"] == kind].sort_values(["years", "error"]).iterrows():
                values = [row[score] for score in SCORE_LABELS]
                cells = ["-" if pd.isna(v) else f"{100 * v:.1f}" for v in values]
                rows.append([f"{kind}, {row['years']:g} years  {row['forecaster']}",
                             str(row["origins"]), *cells])  # fmt: skip
        head = f"{name} origins, events {str(events).replace('_', ' ')}"
        out.append(head + "\n" + table(["%", "origins", *SCORE_LABELS.values()], rows))
    return "\n\n".join([*out, *verdicts(tables["scores"])])


def verdicts(means: pd.DataFrame) -> list[str]:
    """For each horizon: the better of ours, and the best of the four rivals, over statuses."""
    out = []
    own = means[(means["kind"] == "status") & (means["set"] != "all")]
    for (name, events, years), rows in own.groupby(["set", "events", "years"], sort=False):
        error = rows.set_index("forecaster")["error"]
        rivals = error[[rival for rival in RIVALS if rival in error.index]]
        best = str(rivals.idxmin())
        said = ", ".join(
            f"{ours} {error[ours]:.1%} ({error[ours] / rivals[best] - 1:+.0%})"
            for ours in OURS if ours in error.index
        )  # fmt: skip
        out.append(f"{name}, {str(events).replace('_', ' ')}, {years:g} years: {said}; "
                   f"best rival {best} {rivals[best]:.1%}")  # fmt: skip
    return out
