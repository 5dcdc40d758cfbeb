"""How uncertain a projection is, and why: parameters, arrivals, chance.

Small runs of one scenario: over draws of the fit (no shocks, one random seed), over seeds with
shocks of arrivals, and over seeds without. Variance over draws is that of the parameters; what
shocks add to the variance over seeds is that of arrivals; the rest is `random`, which falls
as one over the scale, so that of the whole population is the small runs' times their scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.data.load import Data, data_of
from sim.model.model import Kyosei
from sim.studies.headlines import headlines

OUTPUTS: Final = ("residents", "settled_share")


def variance_parts(
    by_draw: Sequence[float], by_shock: Sequence[float], by_seed: Sequence[float], scale: float
) -> dict[str, float]:
    """Variances at scale 1 of one output: parameters, arrivals, random numbers.

    by_draw   values over draws, without shocks, with one seed
    by_shock  values over seeds, with shocks; by_seed without, both at `scale`
    """
    noise = float(np.var(by_seed, ddof=1))
    return {
        "parameters": float(np.var(by_draw, ddof=1)),
        "arrivals": max(float(np.var(by_shock, ddof=1)) - noise, 0.0),
        "random": noise * scale,
    }


def variance_split(
    overrides: Sequence[str], members: int, say: Callable[[str], None] = print
) -> pd.DataFrame:
    """Columns output, source, variance, share; overrides say scenario, end and scale."""
    first = compose(overrides)
    data = data_of(first)

    def runs(own: Callable[[int], list[str]]) -> list[dict[str, float]]:
        return [
            _headlines(compose([*overrides, *own(k)]), data, say) for k in range(1, members + 1)
        ]

    still = "arrivals.shocks=false"
    by_draw = runs(lambda k: [still, f"fit.draw={k}"])
    by_shock = runs(lambda k: ["arrivals.shocks=true", f"seed={k}"])
    by_seed = runs(lambda k: [still, f"seed={k}"])
    rows = []
    for output in OUTPUTS:
        draws, shocks, noise = (
            [r[output] for r in group] for group in (by_draw, by_shock, by_seed)
        )
        parts = variance_parts(draws, shocks, noise, first.scale)
        whole = math.fsum(parts.values())
        rows += [(output, name, value, value / whole) for name, value in parts.items()]
    return pd.DataFrame(rows, columns=["output", "source", "variance", "share"])


def _headlines(config: RunConfig, data: Data, say: Callable[[str], None]) -> dict[str, float]:
    found = headlines(Kyosei(config, data).run(), config)
    shown = {name: found[name] for name in OUTPUTS}
    say(f"draw {config.fit.draw} seed {config.seed} shocks {config.arrivals.shocks}: {shown}")
    return found
