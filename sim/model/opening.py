"""The opening of a run: tables, residents, firms, municipalities, agencies and empty books."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.agents.agencies import blank_agencies, load_bureau, open_agencies
from sim.agents.firms import labour_of
from sim.agents.opening.firms import open_firms
from sim.agents.opening.people import open_population
from sim.agents.population import Population
from sim.agents.record import (
    BORN,
    BORN_CITIZENS,
    BROUGHT,
    CAME,
    CUBES,
    FLOWS,
    Audit,
    Record,
)  # fmt: skip
from sim.agents.state import State, empty_books
from sim.agents.towns import blank_towns, load_land, open_towns
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.rng import run_key
from sim.core.threads import Crew
from sim.data.load import Data
from sim.policies.ratebook import RateBook
from sim.processes import towns as places
from sim.processes.agencies import record_civic
from sim.processes.books import recount, recount_cube
from sim.processes.histories import follow
from sim.processes.jobs import open_way
from sim.processes.market import first_search
from sim.processes.policy import renew_risks
from sim.processes.risk import band_table, n_classes
from sim.processes.survey import record_firms_now, record_half_year, record_jobs, take_census
from sim.processes.towns import publish_towns, residents, set_pull
from sim.rates.arrivals import ArrivalPlan
from sim.rates.places import load_places
from sim.rates.statuses import has_firms
from sim.rates.tables import build


def open_civic(state: State) -> None:
    """Municipalities and agencies at the opening, from the people who are there."""
    state.agencies = open_agencies(state.bureau)
    land = state.land
    if land is not None:
        people, params = residents(state), state.params
        counts, _ = take_census(state)
        foreign, irregular = people.foreign, people.irregular
        state.towns = open_towns(land, state.month, foreign, irregular, counts, state.sizes[1])
        levels = list(land.town.support.levels)
        nationals = land.nationals_in(state.month)
        usual = places.conditions(state.towns, params, people, nationals, levels)
        state.towns.usual[:] = usual
        places.work_at_desks(state.towns, params, people)
        publish_towns(state)
        set_pull(state)
    record_civic(state)


def record_firms(state: State) -> None:
    """Record the firms of the opening, of which the record has none so far."""
    record_jobs(state)
    record_firms_now(state)


def open_state(config: RunConfig, data: Data, threads: int) -> tuple[State, dict[str, Any]]:
    """Opening population and empty books of a run, with the residuals of the opening."""
    opening = open_population(config, data, month_index(config.start), config.scale)
    state = state_of(config, data, opening.columns, threads)
    report = {**opening.report, **open_work(state, data)}
    if config.histories:
        follow(state, config.histories)
    return state, report


def open_work(state: State, data: Data) -> dict[str, Any]:
    """Firms, and who works in them or looks for work, if firms act in this run; with residuals."""
    config, people = state.config, state.people
    if not has_firms(config):
        return {}
    columns = {name: people[name] for name in ("key", "status", "born", "municipality")}
    opening = open_firms(config, data, columns, state.places, state.key, state.scale)
    people["firm"][:], people["sector"][:] = opening.firm, opening.sector
    people["job_since"][:] = state.month
    renew_risks(state)  # who has a job is in another class
    prefectures = state.places.prefectures.size
    state.labour = labour_of(config, opening.firms, state.places.world.prefecture, prefectures)
    assert config.firms is not None
    share = [tier.seeking.value for tier in config.firms.tiers.values()]
    cut = (np.array(share) * 2.0**32).astype(np.uint64)
    status = state.rates.status
    state.crew.run(first_search, people.n, people.columns, status, state.now, cut)
    open_way(state)
    record_firms(state)
    return {"firms": opening.report}


def state_of(config: RunConfig, data: Data, columns: dict[str, np.ndarray], threads: int) -> State:
    """Tables and books around a given opening population (columns as in FIELDS)."""
    n = columns["key"].size
    state = blank_state(config, data, n, threads)
    state.people.fill(columns)
    state.unaudited = audited_share(n)
    take_stock(state)
    return state


def blank_state(config: RunConfig, data: Data, n: int, threads: int) -> State:
    """Tables of a run, with room for n people and empty books."""
    places = load_places(config, data)
    rates = build(config, places.codes, places.mobility)
    bands = band_table(rates.fates, places.world.mobility)
    key = run_key(config.seed, config.replicate)
    s, o, p = len(rates.codes.statuses), len(rates.codes.origins), len(rates.codes.prefectures)
    crew = Crew(threads)
    people = Population(int(n * 1.3) + 1024, hole_risk=n_classes(s), crew=crew)
    land = load_land(config, data)
    size, bureau = rates.base.size, load_bureau(config, rates)
    seen, expected, variance = (np.zeros(size, np.int64) for _ in range(3))
    audit = Audit(seen, expected, variance, np.zeros(3, np.int64))
    m = len(places.codes)
    return State(
        config=config,
        places=places,
        land=land,
        bureau=bureau,
        arrivals=ArrivalPlan(config, data, places, key),
        policy=RateBook(config, rates),
        key=key,
        scale=config.scale,
        crew=crew,
        unaudited=np.uint64(0),
        people=people,
        towns=blank_towns(m if land else 0, o),
        agencies=blank_agencies(len(bureau.names)),
        month=month_index(config.start),
        rates=rates,
        base=rates.base,
        bands=bands,
        bounds=np.zeros(n_classes(s) + 1, np.uint32),
        world=places.world,
        books=empty_books(crew.size, (s, o, p, m), size, people.capacity),
        record=Record(),
        audit=audit,
        cube=np.zeros(s * o * p, np.int64),
        place=np.zeros(m * s, np.int64),
    )


AUDITED = 50_000
"""People whose monthly fates are audited, at least; everybody, in a run with fewer."""


def audited_share(n: int) -> np.uint64:
    """Key bits that must be 0 for a person's monthly fates to be audited.

    Everyone in a small run; in a larger one every second, fourth, ..., chosen by identity, so that
    at least AUDITED are.
    """
    return np.uint64((1 << max((n // AUDITED).bit_length() - 1, 0)) - 1)


def take_stock(state: State) -> None:
    """Count the opening population into the books and record it."""
    s, o, p, _ = state.sizes
    people = state.people
    renew_risks(state)
    cube = np.zeros((state.chunks, s * o * p), np.int32)
    prefecture = state.world.prefecture
    state.crew.run(recount_cube, people.n, people.columns, prefecture, state.now, cube)
    state.cube += cube.sum(axis=0, dtype=np.int64)
    place = np.zeros((state.chunks, state.place.size), np.int32)
    state.crew.run(recount, people.n, people.columns, s, place)
    state.place += place.sum(axis=0, dtype=np.int64)
    zero = np.zeros(s, np.int64)
    record = state.record
    record.months.append(state.month)
    record.add(CUBES, state.month, state.cube.reshape(s, o, p).astype(np.int32))
    record.add(FLOWS, state.month, np.zeros(state.rates.kinds, np.int64))
    for series in (CAME, BROUGHT, BORN):
        record.add(series, state.month, zero)
    record.add(BORN_CITIZENS, state.month, 0)
    record_jobs(state)
    open_civic(state)
    record_half_year(state)
