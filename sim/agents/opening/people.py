"""The residents of the opening half-year, one row each, from the published margins.

Who they are (status, origin, municipality, sex, age band, stage, principal) is fixed by the data
alone and the same in every replicate. Their dates, language and arrears are drawn from the run's
key. A run at a smaller scale holds a systematic sample of the same people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.agents.opening import margins
from sim.agents.opening.composition import (
    AGES,
    STAGES,
    Composition,
    Report,
    compose_residents,
    municipalities,
    seeds,
)
from sim.agents.opening.date_tables import DateTables, date_tables
from sim.agents.opening.dates import draw_dates
from sim.agents.opening.households import place_dependants
from sim.agents.opening.margins import Axes
from sim.agents.opening.roster import Everybody, sample
from sim.agents.population import FIELDS, Columns
from sim.config.schema.run import RunConfig
from sim.core.errors import InvariantError
from sim.core.memory import ByIdentity
from sim.core.rng import RunMonth, run_key, word_of
from sim.core.threads import Crew, crew_of
from sim.data.load import Data

_NOT_OURS: Final = ("risk", "firm", "job_since", "sector", "traits", "event")

MOST_KEPT: Final = 500_000
"""People of an opening sample that is worth its memory."""


@dataclass(frozen=True)
class Opening:
    """The opening residents.

    columns: as population.FIELDS less what a run keeps of the month and of jobs, each of length
        n; rows sorted by municipality, status and key.
    report: for each margin, how far the full count is from it, in people; for `dependants`,
        the share placed at each level.
    """

    columns: dict[str, np.ndarray]
    report: Report


_SAMPLES: Final[ByIdentity[tuple[dict[str, np.ndarray], np.ndarray]]] = ByIdentity(size=2)
"""By composition. Takes 0.5 s whatever the scale, since everybody is counted through."""


def open_population(config: RunConfig, data: Data, month: int, scale: float) -> Opening:
    """The residents at the end of `month`, a month index, as `scale` of everybody.

    `data` maps table names to the frames of sim/data. Raises DataError if nothing is published
    for the month, or if tables and configuration name different things.
    """
    ax = margins.axes(config, data)
    crew = crew_of(config.threads)
    people = compose_residents(config, data, ax, month, crew)
    prefecture, codes = municipalities(ax, data)
    who, band = _rows(people, codes, ax, month, scale, crew)
    months, stocks = margins.status_history(data, ax, month)
    tables = date_tables(config, months, stocks, people.ages)
    columns = _draw(config, tables, who, band, month, crew)
    sponsored, may_sponsor = _sponsors(config)
    columns["principal"], placed = place_dependants(
        columns, prefecture, sponsored, may_sponsor, month, crew
    )
    return Opening(columns, {**people.report, "dependants": placed})


def _rows(
    people: Composition, codes: list[str], ax: Axes, month: int, scale: float, crew: Crew
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Who the sampled people are, as `roster.sample`, and their age bands, uint8[n]."""
    if people.cells.sum(dtype=np.int64) * scale > MOST_KEPT:
        return _sampled(people, codes, ax, month, scale, crew)
    also = (tuple(ax.statuses), tuple(ax.origins), tuple(codes), month, scale)
    who, band = _SAMPLES.get(
        (people,), lambda: _sampled(people, codes, ax, month, scale, crew), also
    )
    return {name: column.copy() for name, column in who.items()}, band.copy()


def _sampled(
    people: Composition, codes: list[str], ax: Axes, month: int, scale: float, crew: Crew
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    pairs = [[word_of(f"{s} {o}") for o in ax.origins] for s in ax.statuses]
    by_pair = people.cells.sum(axis=2, dtype=np.int64).ravel()
    everybody = Everybody(
        people.cells,
        np.concatenate([[0], np.cumsum(by_pair)]),
        np.cumsum(people.ages, axis=1),
        seeds(AGES, len(ax.statuses), month),
        np.array(pairs, np.uint64),
        np.array([word_of(code) for code in codes], np.uint64),
        month,
        scale,
    )
    columns, band = sample(everybody, crew)
    keys = np.sort(columns["key"])
    if (keys[1:] == keys[:-1]).any():
        raise InvariantError("two opening residents have the same key")
    return columns, band


def _draw(
    config: RunConfig,
    tables: DateTables,
    who: dict[str, np.ndarray],
    band: np.ndarray,
    month: int,
    crew: Crew,
) -> dict[str, np.ndarray]:
    """All columns: stages, and everything that depends on the seed, beside who people are."""
    n = band.size
    columns = {
        name: who[name] if name in who else np.empty(n, dtype)
        for name, (dtype, _) in FIELDS.items()
        if name not in _NOT_OURS
    }
    none = dict.fromkeys(_NOT_OURS, np.zeros(0, np.uint8))
    opening = RunMonth(*run_key(config.seed, config.replicate), month)
    crew.run(draw_dates, n, tables, opening, STAGES, Columns(**columns, **none), band)
    return columns


def _sponsors(config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    """Statuses that depend on a principal, bool[S], and whom they may depend on, bool[S, S]."""
    names = config.country.statuses
    of = [config.status[name].sponsor for name in names]
    may = [[sponsor is not None and name in sponsor.of for name in names] for sponsor in of]
    return np.array([sponsor is not None for sponsor in of]), np.array(may)
