"""Kyosei as a Mesa model: `step()` is one month, `run()` is all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sim.agents.agencies import blank_agencies, load_bureau
from sim.agents.firms_open import open_firms
from sim.agents.labour import labour_of
from sim.agents.opening import open_population
from sim.agents.people import People
from sim.agents.population import Population
from sim.agents.towns import Land, blank_towns, load_land
from sim.civic import open_civic
from sim.clock import month_index, month_name
from sim.crew import Crew
from sim.data import Data, load
from sim.errors import InvariantError
from sim.inflows import ArrivalPlan
from sim.mesa_core import Model
from sim.month import MONTH, describe, renew_risks
from sim.places import Places, load_places
from sim.policies.edits import RateBook
from sim.processes.books import recount, recount_cube
from sim.processes.firm_books import open_books, remember_jobs
from sim.processes.jobs import open_way
from sim.processes.market import first_search
from sim.processes.risk import BandTable, band_table, n_classes
from sim.recent import Same
from sim.recorder import Audit, Record
from sim.rng import run_key
from sim.schema import RunConfig
from sim.sections import sections
from sim.state import State
from sim.status_table import has_firms
from sim.tables import Model as Tables
from sim.tables import build
from sim.threads import use_threads as use_threads  # part of the model's face, as `Kyosei` is


class Kyosei(Model):
    """Every foreign resident of a country, month by month.

    `config` is a RunConfig (`sim.config.compose([...])`). The population is `model.people`; it
    answers `select`, `count` and `agg` like an agent set. `model.month` is the month index, and
    `model.date` the same as YYYY-MM. Randomness is a function of identity: Mesa's own generators
    are never used, so `rng` changes nothing.

    Raises ConfigError, DataError before the first month and InvariantError if the books break.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Data | None = None,
        rng: int = 0,
        state: State | None = None,
    ) -> None:
        super().__init__(rng=rng)
        self.config = config
        threads = use_threads(config.threads)
        self.opening_report: dict[str, Any] = {}
        if state is None:
            data = data if data is not None else load(config.country.data)
            state, self.opening_report = open_state(config, data, threads)
        self.state = state
        self.people = People(state, config)
        self.last_month = month_index(config.end)
        self.running = self.month < self.last_month

    @property
    def month(self) -> int:
        """Month index of the last finished month."""
        return self.state.month

    @property
    def date(self) -> str:
        """The last finished month as YYYY-MM."""
        return month_name(self.state.month)

    @property
    def record(self) -> Record:
        return self.state.record

    def step(self) -> None:
        """Simulate one month."""
        self.state.month += 1
        for process in MONTH:
            process(self.state)
        self.running = self.month < self.last_month
        if not self.running:
            check_keys(self.state)

    def run(self, on_month: Callable[[Kyosei], Any] | None = None) -> Record:
        """Simulate to the end; `on_month(model)` is called after each month."""
        while self.running:
            self.step()
            if on_month is not None:
                on_month(self)
        return self.record


def open_state(config: RunConfig, data: Data, threads: int) -> tuple[State, dict[str, Any]]:
    """Opening population and empty books of a run, with the residuals of the opening."""
    opening = open_population(config, data, month_index(config.start), config.scale)
    state = state_of(config, data, opening.columns, threads)
    return state, {**opening.report, **open_work(state, data)}


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
    state.crew.run(first_search, people.n, people.columns, cut, state.model.status, state.now)
    open_way(state)
    open_books(state)
    return {"firms": opening.report}


def state_of(config: RunConfig, data: Data, columns: dict[str, np.ndarray], threads: int) -> State:
    """Tables and books around a given opening population (columns as in FIELDS)."""
    n = columns["key"].size
    state = blank_state(config, data, n, threads)
    state.people.fill(columns)
    state.unaudited = audited_share(n)
    take_stock(state)
    return state


# What the runs of a sweep share, as long as the sections of their configurations are the same.
_PLACES: Final[Same[Places]] = Same(size=4)
_TABLES: Final[Same[Tables]] = Same(size=16)
_BANDS: Final[Same[BandTable]] = Same(size=16)
_LAND: Final[Same[Land | None]] = Same(size=4)


def blank_state(config: RunConfig, data: Data, n: int, threads: int) -> State:
    """Tables of a run, with room for n people and empty books."""
    flows = data.some("municipalities", "municipality_flows")
    about = (*flows, config.country, config.life, *config.prefecture.values())
    places = _PLACES.get(about, lambda: load_places(config, data))
    tables = (places, has_firms(config), *(section for _, section in sections(config)))
    model = _TABLES.get(tables, lambda: build(config, places.codes, places.mobility))
    bands = _BANDS.get(
        (model.fates, places), lambda: band_table(model.fates, places.world.mobility)
    )
    key = run_key(config.seed, config.replicate)
    s, o, p = len(model.codes.statuses), len(model.codes.origins), len(model.codes.prefectures)
    crew = Crew(threads)
    people = Population(int(n * 1.3) + 1024, hole_risk=n_classes(s), crew=crew)
    foreign = data.some("municipalities", "municipalities_foreign")
    land = _LAND.get((*foreign, config.town), lambda: load_land(config, data))
    size, bureau = model.base.size, load_bureau(config, model)
    seen, expected, variance = (np.zeros(size, np.int64) for _ in range(3))
    audit = Audit(seen, expected, variance, np.zeros(3, np.int64))
    return State(
        model, places, ArrivalPlan(config, data, places, key), RateBook(config, model), people,
        key, config.scale, crew, month_index(config.start), Record(), audit,
        np.zeros(s * o * p, np.int64), np.zeros(len(places.codes) * s, np.int64),
        bands, np.uint64(0), config, places.world,
        land, bureau, blank_towns(len(places.codes) if land else 0, o),
        blank_agencies(len(bureau.names)),
    )  # fmt: skip


AUDITED = 50_000
"""People whose monthly fates are audited, at least; everybody, in a run with fewer."""


def audited_share(n: int) -> np.uint64:
    """Key bits that must be 0 for a person's monthly fates to be audited.

    Everyone in a small run; in a larger one every second, fourth, ..., chosen by identity, so that
    at least AUDITED are.
    """
    return np.uint64((1 << max((n // AUDITED).bit_length() - 1, 0)) - 1)


def check_keys(state: State) -> None:
    """Raise InvariantError if two residents have the same key."""
    keys = np.sort(state.people["key"][state.people.alive])
    twins = int((keys[1:] == keys[:-1]).sum())
    if twins:
        raise InvariantError(f"{twins} residents share a key with another in {state.month}")


def take_stock(state: State) -> None:
    """Count the opening population into the books and record it."""
    s, o, p, _ = state.sizes
    people = state.people
    renew_risks(state)
    cube = np.zeros((state.chunks, s * o * p), np.int32)
    prefecture = state.world.prefecture
    columns = (people[name] for name in ("status", "origin", "municipality"))
    state.crew.run(recount_cube, people.n, *columns, prefecture, o, p, cube)
    state.cube += cube.sum(axis=0, dtype=np.int64)
    place = np.zeros((state.chunks, state.place.size), np.int32)
    state.crew.run(recount, people.n, people["status"], people["municipality"], s, place)
    state.place += place.sum(axis=0, dtype=np.int64)
    zero = np.zeros(s, np.int64)
    record = state.record
    record.months.append(state.month)
    record.cubes.append(state.cube.reshape(s, o, p).astype(np.int32))
    record.flows.append(np.zeros(state.model.kinds, np.int64))
    for name in ("came", "brought", "born"):
        getattr(record, name).append(zero)
    record.born_citizens.append(0)
    remember_jobs(state)
    open_civic(state)
    describe(state)
