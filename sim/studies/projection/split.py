"""What moves the answer: the variance of each source alone.

For each source a small ensemble draws it alone, with the same draws as the members of the whole
one, and everything else central. The shocks of arrivals come with a run's random numbers, so the
variance of random numbers alone is taken off that of supply. The variance of the model error is
that of its factor. Variances are those of logarithms, and shares are of the sum over sources: what
sources do together beyond it is given by the ratio of the whole ensemble's variance to that sum.
Intervals are 80 % ones of a bootstrap over members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from sim.core.rng import identity
from sim.figures.look import FEWEST
from sim.studies.draws import ERROR, RANDOM, SUPPLY
from sim.studies.projection.quantiles import Said

OUTCOMES: Final = ("residents", "settled", "workers")

RESAMPLES: Final = 400

TAG: Final = np.uint64(0x73706C69)

LARGE: Final = 0.1, 0.9


def variance_table(
    whole: Said, alone: Mapping[str, Said], error: pd.DataFrame, months: Sequence[pd.Timestamp]
) -> pd.DataFrame:
    """month, outcome, source, variance, share, low, high, members, together.

    whole     members that draw everything, without the model error
    alone     source -> members that draw it alone
    error     see `sim.studies.projection.quantiles.with_error`
    together  variance of the whole ensemble over the sum of those of the sources, the model error
              apart; the same in all rows of a month and outcome
    """
    rows: list[dict[str, object]] = []
    if any(len(said.numbers) < FEWEST for said in alone.values()) or not alone:
        return pd.DataFrame(rows)
    added = error.set_index("month")["added_sd"]
    for outcome in OUTCOMES:
        for month in months:
            values = {name: _logs(said, outcome, month) for name, said in alone.items()}
            every = _logs(whole, outcome, month)
            if every is None or any(one is None for one in values.values()):
                continue
            own = {name: one for name, one in values.items() if one is not None}
            rows += _rows(own, every, float(added[month]) ** 2, month, outcome)
    return pd.DataFrame(rows)


def _logs(said: Said, outcome: str, month: pd.Timestamp) -> np.ndarray | None:
    frame = said.series(outcome)
    if month not in frame.index or not (frame.loc[month] > 0).all():
        return None
    return np.log(frame.loc[month].to_numpy(float))


def _rows(
    values: Mapping[str, np.ndarray], every: np.ndarray, error: float, month: pd.Timestamp,
    outcome: str,
) -> list[dict[str, object]]:  # fmt: skip
    parts = _parts({name: one.var(ddof=1) for name, one in values.items()}, error)
    drawn = [
        _parts({name: _resampled(one, turn).var(ddof=1) for name, one in values.items()}, error)
        for turn in range(RESAMPLES)
    ]
    share = {name: [_share(one, name) for one in drawn] for name in parts}
    together = float(every.var(ddof=1)) / max(_total(parts) - error, 1e-300)
    return [
        {"month": month, "outcome": outcome, "source": name, "variance": variance,
         "share": _share(parts, name), "low": float(np.quantile(share[name], LARGE[0])),
         "high": float(np.quantile(share[name], LARGE[1])),
         "members": np.int16(values[name].size if name in values else every.size),
         "together": together}
        for name, variance in parts.items()
    ]  # fmt: skip


def _parts(variances: Mapping[str, float], error: float) -> dict[str, float]:
    """Variance of each source: shocks without the random numbers that comes with them."""
    out = {name: float(variance) for name, variance in variances.items()}
    if SUPPLY in out and RANDOM in out:
        out[SUPPLY] = max(out[SUPPLY] - out[RANDOM], 0.0)
    return out | {ERROR: error}


def _total(parts: Mapping[str, float]) -> float:
    total = 0.0
    for variance in parts.values():
        total += variance
    return total


def _share(parts: Mapping[str, float], name: str) -> float:
    return parts[name] / max(_total(parts), 1e-300)


def _resampled(values: np.ndarray, turn: int) -> np.ndarray:
    """As many of them drawn with replacement, the same for the same turn."""
    words = [int(identity(TAG, np.uint64(turn), np.uint64(k), 0)) for k in range(values.size)]
    return values[[word % values.size for word in words]]
