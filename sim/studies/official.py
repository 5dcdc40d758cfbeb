"""The official projection as a scenario: arrivals for which its assumption, and its end, come out.

The national projection of 2023 assumes 164 thousand foreigners a year, net, to 2040, and ends with
9.39 million in 2070. Arrivals of all channels are multiplied, period by period, until net
migration is that to 2040 and the residents of 2070 are that many.

`kyosei official` does it and rewrites the file of the scenario official_2023.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sim.agents.record import Record
from sim.config.compose import compose
from sim.config.files import country_of
from sim.config.folders import configs_here, place_of
from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.errors import ConfigError
from sim.data.load import Data, data_of
from sim.data.published import official_projection
from sim.files.folder import write_atomically
from sim.model.model import Kyosei
from sim.rates.tables import Rates

PERIODS: Final = (("2025-07", "2030-12"), ("2031-01", "2035-12"), ("2036-01", "2040-12"),
                  ("2041-01", "2070-12"))  # fmt: skip

NAME: Final = "official_2023"

STEEPNESS: Final = (8.0, 0.8)
"""Change of net migration in a period of five years, and of the residents after thirty, over that
of the arrivals asked for: only sets how far a round moves. Firms that find fewer people abroad keep
their vacancies open and choose as many later, so net migration hardly moves until about half as
many come as usual, and then moves fast."""

LEAST: Final = 0.02

BEGIN: Final = (0.54, 0.573, 0.616, 0.88)
"""Where the rounds begin: near where they ended last."""


@dataclass(frozen=True)
class Balance:
    """What changed the number of people in each month after the opening, at scale 1.

    float64[T] each; residents float64[T + 1] are those of the published total.
    """

    arrived: np.ndarray
    left: np.ndarray
    born: np.ndarray
    died: np.ndarray
    naturalised: np.ndarray
    residents: np.ndarray

    @property
    def net(self) -> np.ndarray:
        """Net migration of each month."""
        return self.arrived - self.left


def balance_of(record: Record, rates: Rates, config: RunConfig) -> Balance:
    """The components of change of a run; flows count people outside the total too."""
    flows = np.array([f for f in record.flows if f is not None], dtype=float)
    kinds = np.array([name.kind for name in rates.names])
    scale = config.scale
    ways = {kind: flows[:, : kinds.size][:, kinds == kind].sum(axis=1) / scale
            for kind in ("leave", "die", "citizen")}  # fmt: skip
    came = np.array([c for c in record.came if c is not None], dtype=float).sum(axis=1)
    brought = np.array([c for c in record.brought if c is not None], dtype=float).sum(axis=1)
    born = np.array([c for c in record.born if c is not None], dtype=float).sum(axis=1)
    published = np.array([config.status[name].published for name in config.country.statuses])
    stock = np.array([cube.sum(axis=(1, 2))[published].sum() for cube in record.cubes], dtype=float)
    months = stock.size - 1
    return Balance(
        arrived=(came + brought)[-months:] / scale, left=ways["leave"][-months:],
        born=born[-months:] / scale, died=ways["die"][-months:],
        naturalised=ways["citizen"][-months:], residents=stock / scale,
    )  # fmt: skip


def with_multipliers(config: RunConfig, multipliers: np.ndarray) -> RunConfig:
    """The configuration with the arrivals of each period multiplied."""
    edits = {
        f"from_{since[:4]}": Edit(
            paths=["arrivals.*"], since=since, until=until, multiply=float(multiply)
        )
        for (since, until), multiply in zip(PERIODS, multipliers, strict=True)
    }
    scenario = config.scenario.model_copy(update={"edits": {**config.scenario.edits, **edits}})
    return config.model_copy(update={"scenario": scenario})


def fit(
    config: RunConfig, data: Data, net: float, last: float, rounds: int, quiet: bool = False
) -> np.ndarray:
    """float64[periods] multipliers: `net` people a year to 2040, `last` residents at the end.

    Says on standard error how far each round is from both.
    """
    multipliers = np.array(BEGIN)
    start = month_index(config.start)
    spans = [slice(month_index(a) - start - 1, month_index(z) - start) for a, z in PERIODS]
    for turn in range(rounds):
        run = with_multipliers(config, multipliers)
        model = Kyosei(run, data)
        said = balance_of(model.run(), model.state.rates, run)
        yearly = [12 * said.net[span].mean() for span in spans]
        if not quiet:
            print(f"Round {turn + 1} of {rounds}: net migration a year"
                  f" {', '.join(f'{n:,.0f}' for n in yearly)}; residents at the end"
                  f" {said.residents[-1]:,.0f}; multipliers {multipliers.round(4)}",
                  file=sys.stderr, flush=True)  # fmt: skip
        if turn + 1 == rounds:
            break
        for k, span in enumerate(spans[:-1]):
            gross = 12 * said.arrived[span].mean()
            multipliers[k] *= max(1 + (net - yearly[k]) / (STEEPNESS[0] * gross), 0.3)
        gross = said.arrived[spans[-1]].sum()
        step = 1 + (last - said.residents[-1]) / (STEEPNESS[1] * gross)
        multipliers[-1] = max(multipliers[-1] * min(max(step, 0.4), 2.5), LEAST)
    return multipliers


def as_yaml(multipliers: np.ndarray) -> str:
    """The scenario file."""
    lines = [
        "# The official projection of 2023 as a scenario: net migration of 164 thousand a year to",
        "# 2040, 9.39 million residents in 2070. Fitted to it (docs/official.md): arrivals are",
        "# multiplied until both come out of the law before the 2026 package.",
        "defaults: [baseline_2025, _self_]",
        f"name: {NAME}",
        "title: {en: Official projection of 2023, ja: 将来推計人口（令和5年推計）}",
        "edits:",
    ]
    for (since, until), multiply in zip(PERIODS, multipliers, strict=True):
        lines += [f"  from_{since[:4]}:", '    paths: ["arrivals.*"]', f'    since: "{since}"',
                  f'    until: "{until}"', f"    multiply: {multiply:.4f}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def official(words: Sequence[str] = (), quiet: bool = False) -> Path:
    """Fit the scenario and write its file; returns the file.

    words  `scale=` (share of people simulated), `rounds=` (runs to 2070) and `to=` (the file to
           write; that of configs/scenario if not given)

    Says on standard error how far each round is from the projection. Raises ConfigError,
    OutputError.
    """
    asked = {"scale": "0.01", "rounds": "8", "to": ""}
    problems = []
    for word in words:
        name, _, value = word.partition("=")
        if name not in asked or not value:
            problems.append(f"{word}\n    only scale=, rounds= and to= can be set here")
        asked[name] = value
    if re.fullmatch("[1-9][0-9]?", asked["rounds"], re.ASCII) is None:
        problems.append(f"rounds = {asked['rounds']}\n    write a whole number from 1 to 99")
    configs = configs_here()
    scenarios = place_of("scenario", country_of((), configs))
    path = Path(asked["to"] or configs.file(f"{scenarios}/{NAME}.yaml"))
    if not path.parent.is_dir():
        problems.append(f"to = {path}\n    there is no folder {path.parent}")
    if problems:
        raise ConfigError(problems)
    config = compose([
        "start=2025-06", "end=2070-12", f"scale={asked['scale']}", "arrivals.shocks=false",
        "scenario=baseline_2025",
    ])  # fmt: skip
    data = data_of(config)
    net = data["projection_national"]
    net = net[net["quantity"] == "foreign_net_inflow_assumed"]["value"].iloc[0]
    last = official_projection(data)["people"].iloc[-1]
    multipliers = fit(config, data, float(net), float(last), int(asked["rounds"]), quiet)
    write_atomically(path, lambda stream: stream.write(as_yaml(multipliers).encode()))
    return path
