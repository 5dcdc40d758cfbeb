"""Lives of followed residents: they add up to the run's tables, and follow the rates put in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import sim.outputs.codebook  # noqa: F401  (declares the tables)
from sim.config.compose import compose
from sim.config.schema.run import Factors, Gate, RunConfig
from sim.core.errors import ConfigError
from sim.model.model import Kyosei
from sim.outputs.outcome import Outcome
from sim.outputs.tables import tables_of
from sim.runs.run import run

SCALE = 0.004
WORDS = [f"scale={SCALE}", "end=2027-06", "fit=none", "scenario=zero", "figures=false", "threads=1"]
EVERYBODY = 10**7
Tables = dict[str, pd.DataFrame]


def config(*words: str) -> RunConfig:
    return compose([*WORDS, *words])


def tables(*words: str) -> Tables:
    model = Kyosei(config(*words))
    model.run()
    made = tables_of(Outcome.of(model))
    return {name: table.to_pandas(date_as_object=False) for name, table in made.items()}


@pytest.fixture(scope="module")
def everybody() -> Tables:
    return tables(f"histories={EVERYBODY}")


@pytest.fixture(scope="module")
def nobody() -> Tables:
    return tables("histories=0")


def test_following_changes_nothing(everybody: Tables, nobody: Tables):
    for name, table in nobody.items():
        pd.testing.assert_frame_equal(table, everybody[name])
    assert set(everybody) - set(nobody) == {
        "persons", "spells", "events", "exposures", "occurrences",
    }  # fmt: skip


def counted(frame: pd.DataFrame, keys: list[str]) -> pd.Series:
    sizes = frame.astype(dict.fromkeys(keys, str)).groupby(keys).size()
    return sizes.sort_index().astype(float)


def test_spells_add_up_to_the_stocks_to_the_person(everybody: Tables):
    spells, stocks = everybody["spells"], everybody["stocks"]
    for month in stocks["month"].unique():
        there = (spells["from"] <= month) & ((spells["to"] > month) | ~spells["ended"])
        found = counted(spells[there], ["status", "prefecture"])
        own = stocks[stocks["month"] == month].astype({"status": str, "prefecture": str})
        people = own.groupby(["status", "prefecture"])["people"].sum() * SCALE
        assert np.rint(people).to_dict() == found.to_dict()


def test_events_add_up_to_the_flows_to_the_person(everybody: Tables):
    keys = ["month", "from", "to", "reason"]
    flows = everybody["flows"].astype(dict.fromkeys(keys, str)).groupby(keys)["people"].sum()
    events = everybody["events"].astype(dict.fromkeys(keys, str))
    found = events.groupby(keys).size()
    stays = found[found.index.get_level_values("from") == found.index.get_level_values("to")]
    assert np.rint(flows * SCALE).to_dict() == found.drop(stays.index).to_dict()


def test_spells_of_a_person_follow_each_other(everybody: Tables):
    spells, persons = everybody["spells"], everybody["persons"]
    assert persons["person"].is_unique
    assert (persons["person"] < 2**53).all()
    ordered = spells.sort_values(["person", "from"], kind="stable")
    again = ordered["person"].eq(ordered["person"].shift())
    assert (ordered["from"][again] == ordered["to"].shift()[again]).all()
    assert (spells["from"] <= spells["to"]).all()
    last = ordered.groupby("person").tail(1).merge(persons, on="person", suffixes=("", "_person"))
    assert (last["ended"] == last["to_person"].notna()).all()
    assert (last.loc[last["ended"], "to"] == last.loc[last["ended"], "to_person"]).all()


def test_the_rates_that_were_put_in_come_back(everybody: Tables):
    """Of fates that hang on nothing but the status, each within 4 standard errors and all
    together as often as they should be; 1 in 500 right models fails."""
    exposures = everybody["exposures"].groupby("status", observed=True)["person_months"].sum()
    met = everybody["occurrences"]
    met = met[met["occasion"] == "monthly"].groupby(["status", "reason"], observed=True)["events"]
    events = met.sum()
    z = []
    for status, body in config().status.items():
        for name, fate in body.monthly.items():
            free = fate.by == Factors() and fate.gate == Gate() and fate.grant is None
            expected = exposures.get(status, 0.0) * -np.expm1(-(fate.rate or 0.0) / 12)
            if free and expected > 10 and fate.since is None:
                z.append((events.get((status, name), 0.0) - expected) / np.sqrt(expected))
    assert len(z) >= 5
    assert max(map(abs, z)) < 4
    assert abs(sum(z)) / np.sqrt(len(z)) < 4


def test_some_are_the_same_people_in_every_arm(everybody: Tables):
    some = tables("histories=1000", "status.student.monthly.leave.rate=0.2")
    opening = some["persons"][some["persons"]["came"] == "opening"]
    assert len(opening) == 1000
    assert opening["identity"].is_monotonic_increasing
    known = set(everybody["persons"]["identity"])
    assert set(opening["identity"]) <= known
    arrived = some["persons"][some["persons"]["came"] == "arrival"]["identity"]
    assert len(set(arrived) & known) > 0.5 * len(arrived)  # whom the arms share


def test_a_run_that_follows_keeps_no_months(tmp_path):
    with pytest.raises(ConfigError, match="histories"):
        config("histories=10", "checkpoint=2026-01")
    settings = compose(
        ["histories=10", f"scale={SCALE}", "end=2025-08", "figures=false", f"output={tmp_path}"]
    )
    assert (run(settings, quiet=True) / "spells.parquet").is_file()
