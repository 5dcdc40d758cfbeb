"""The engine against a slow plain-Python stepper: the same people to the last bit.

The stepper (`reference.py`) is written from what settings mean and shares no code with the
kernels, so it also shows that screening, risk classes, chunks and reused rows change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents.population import HOLE
from sim.config.schema.run import RunConfig
from sim.model.model import Kyosei
from tests.helpers import tiny
from tests.helpers.reference import Reference
from tests.helpers.reference_rules import Person, Rules

A, BITS = tiny.A, ("nhi", "pension", "tax")
MONTHS = 24


def rich() -> RunConfig:
    """The tiny country with every kind of fate, factor, gate and date in use."""
    leave = {
        "origin": {"south": 1.2}, "sex": {"F": 0.8}, "age": {18: 1.1, 60: 2.0},
        "years_in_status": {0: 1.5, 2: 0.7}, "years_resident": {0: 1.5, 5: 0.5},
        "counting_years": {8: 0.5}, "permit_months": {36: 0.6}, "language": {2: 0.9, 4: 0.4},
        "arrears": {"any": 1.3, "nhi": 1.1, "tax": 2.0}, "calendar_month": {3: 3.0, 12: 0.2},
        "municipality": "mobility", "status": {"worker": 1.4, "default": 0.8},
    }  # fmt: skip
    common = "life.monthly"
    return tiny.config({
        "life.newborn_female.value": 0.4,
        f"{common}.leave": tiny.leave(0.05, by=leave),
        f"{common}.tax": {**A, "kind": "arrears", "bits": ["tax", "pension"], "rate": 0.2,
                          "by": {"arrears": {"tax": 0.0}}},
        "status.worker.monthly.study": tiny.switch("learner", rate=0.15),
        "status.worker.at_end.settle": tiny.switch(
            "permanent", share=0.1, grant={**A, "value": 0.5, "by": {"language": {3: 1.6}}}),
        "status.worker.at_end.fined": {**A, "kind": "arrears", "bits": ["tax"], "share": 0.2},
        "status.learner.longest_stay": {**A, "value": 30, "unit": "months"},
        "status.learner.at_limit": {"work": tiny.switch("worker", share=0.4)},
        "status.hidden.child": "national",
        "status.hidden.monthly.amnesty": tiny.switch("worker", rate=2.0, since="2026-01",
                                                     until="2026-06"),
        "status.partner.monthly.permanent": tiny.switch("permanent", rate=0.4,
                                                        gate={"counting_years": 4, "language": 1}),
        "status.partner.sponsor.when_died": {"go": {**A, "kind": "leave", "share": 0.5}},
        "status.partner.sponsor.when_irregular": {"too": tiny.switch("hidden", share=0.7)},
        "status.partner.sponsor.when_citizen": {"settle": tiny.switch("permanent", share=0.2)},
        "arrivals.channels": {"worker": tiny.channel(700.0, growth=0.2),
                              "learner": tiny.channel(900.0, language=[0.2, 0.3, 0.5, 0.0, 0.0])},
        "event": {"closed": {**A, "title": tiny.label("Closed"), "edits": {"entry": {
            "paths": ["arrivals.*"], "since": "2026-02", "until": "2026-05", "multiply": 0.1}}}},
        "scenario.edits": {
            "stay": {"paths": ["*.monthly.leave"], "since": "2026-09", "multiply": 0.5},
            "harder": {"paths": ["worker.at_end.refused"], "since": "2026-04", "set": 0.3},
        },
    }, seed=7)  # fmt: skip


def person_of(cfg: RunConfig, row: dict[str, Any], now: int) -> Person:
    """A row of the engine's columns as a person of the reference."""
    status = cfg.country.statuses[row["status"]]
    stages, never = list(cfg.status[status].stages), row["permit_end"] == 32767
    counting = row["counting"]
    return Person(
        row["key"], status, stages[row["stage"]] if stages else None,
        cfg.country.origins[row["origin"]], "FM"[row["sex"]], row["born"], row["entered"],
        row["since"], None if never else row["permit_end"],
        None if never else row["permit_months"], tiny.TOWNS[row["municipality"]],
        row["language"], {bit for b, bit in enumerate(BITS) if row["arrears"] >> b & 1},
        counting if counting >= 0 else None, 0 if counting >= 0 else -counting - 1,
    )  # fmt: skip


def row_of(cfg: RunConfig, person: Person) -> tuple[int, ...]:
    """A person of the reference as values of FIELDS, with the principal's key for the row."""
    stages = list(cfg.status[person.status].stages)
    since = person.counting_since
    return (
        person.key, cfg.country.statuses.index(person.status),
        stages.index(person.stage) if person.stage else 0,
        cfg.country.origins.index(person.origin), "FM".index(person.sex), person.born,
        person.entered, person.since, 32767 if person.permit_end is None else person.permit_end,
        255 if person.permit_months is None else person.permit_months,
        tiny.TOWNS.index(person.town), person.principal.key if person.principal else -1,
        person.language, sum(1 << BITS.index(bit) for bit in person.arrears),
        -person.banked - 1 if since is None else since,
    )  # fmt: skip


FIELDS = (
    "key", "status", "stage", "origin", "sex", "born", "entered", "since", "permit_end",
    "permit_months", "municipality", "principal", "language", "arrears", "counting",
)  # fmt: skip


def rows_of(model: Kyosei) -> list[tuple[int, ...]]:
    """The engine's residents as values of FIELDS in order of key, with the principal's key."""
    people = model.state.people
    alive = np.flatnonzero(people["status"] != HOLE)
    values = {name: people[name][alive].tolist() for name in FIELDS}
    key = people["key"].tolist()
    values["principal"] = [-1 if row < 0 else key[row] for row in values["principal"]]
    return sorted(zip(*values.values(), strict=True))


def reference_of(cfg: RunConfig, model: Kyosei, columns: dict[str, np.ndarray]) -> Reference:
    """A reference about to start from the same people."""
    state = model.state
    listed = {name: values.tolist() for name, values in columns.items()}
    count = len(listed["key"])
    rows = [{name: listed[name][i] for name in listed} for i in range(count)]
    people = [person_of(cfg, row, state.month) for row in rows]
    for person, row in zip(people, rows, strict=True):
        person.principal = people[row["principal"]] if row["principal"] >= 0 else None
    flows = tiny.data()["municipality_flows"].set_index("municipality")
    towns = {town: town[:2] for town in tiny.TOWNS}
    overall = flows["out_domestic"].sum() / flows["population"].sum()
    rate = (flows["out_domestic"] + 50 * overall) / (flows["population"] + 50) / overall
    shares = state.arrivals.share(state.month)
    return Reference(
        Rules(cfg, {t: min(max(rate[t], 0.4), 2.0) for t in towns}),
        (int(state.key[0]), int(state.key[1])), people, state.month, towns,
        {t: int(flows["in_domestic"][t]) + 1 for t in towns},
        {s: {(o, p): float(shares[k, j, m]) for j, o in enumerate(cfg.country.origins)
             for m, p in enumerate(sorted(cfg.prefecture))}
         for k, s in enumerate(cfg.country.statuses)},
        {t: float(flows["in_abroad"][t]) + 0.01 for t in towns},
    )  # fmt: skip


def assert_equal_lives(cfg: RunConfig, columns: dict[str, np.ndarray], months: int) -> None:
    """Engine, on one thread and on three (which cut the rows elsewhere), and stepper agree."""
    models = [tiny.model(cfg, columns, threads) for threads in (1, 3)]
    reference = reference_of(cfg, models[0], columns)
    names = [name.path for name in models[0].state.rates.names]
    for _ in range(months):
        reference.step()
        for model in models:
            model.step()
            flows = {n: int(k) for n, k in zip(names, model.record.flows[-1], strict=True) if k}
            assert flows == dict(reference.flows), model.date
    people = sorted(row_of(cfg, person) for person in reference.people)
    for model in models:
        assert rows_of(model) == people


@pytest.mark.parametrize(
    ("people", "months"), [(2000, MONTHS), pytest.param(10_000, 60, marks=pytest.mark.slow)]
)
def test_engine_equals_the_plain_stepper(people: int, months: int):
    assert_equal_lives(rich(), tiny.columns(people), months)


EXTREMES = st.dictionaries(
    st.sampled_from(["*.leave", "*.die", "worker.*", "learner.at_end.*", "*.move", "*.birth",
                     "partner.when_*", "*.naturalise", "hidden.*", "*.monthly.learn"]),
    st.sampled_from([0.0, 1e-9, 0.3, 1.0, 50.0, 1e4]), max_size=4,
)  # fmt: skip


@settings(max_examples=25)
@given(EXTREMES, st.integers(1, 30), st.integers(0, 3))
def test_small_countries_of_extreme_rates(edits: dict[str, float], n: int, salt: int):
    """Rates of nothing and of certainty, shares of 0 and 1, one person, empty statuses."""
    named = {f"edit_{k}": {"paths": [path], "since": tiny.START, "multiply": times}
             for k, (path, times) in enumerate(edits.items())}  # fmt: skip
    channels = {"worker": tiny.channel(20.0), "learner": tiny.channel(9.0)}
    change = {"scenario.edits": named, "status.worker.permits.first": {1: 1.0},
              "arrivals.channels": channels}  # fmt: skip
    people = tiny.columns(n, tiny.STATUSES[salt : salt + 2], salt)
    assert_equal_lives(tiny.config(change, seed=salt), people, 8)


def test_reference_meets_every_kind_of_fate():
    """What the comparison covers: without this, equal could mean that nothing happened."""
    cfg, columns = rich(), tiny.columns(2000)
    model = tiny.model(cfg, columns)
    model.run()
    totals = np.sum(model.record.flows, axis=0)
    met = {name.path for name, total in zip(model.state.rates.names, totals, strict=True) if total}
    for path in ("worker.monthly.study", "learner.at_limit.longest_stay", "learner.at_limit.work",
                 "hidden.monthly.amnesty", "worker.at_end.settle", "worker.monthly.bring",
                 "partner.when_left.follow", "partner.when_permanent.settle",
                 "learner.at_end.next_course", "hidden.monthly.birth"):  # fmt: skip
        assert path in met, path
    kinds = {name.kind for name in model.state.rates.names if name.path in met}
    assert len(kinds) == 11
    assert model.record.born_citizens[1:] != [0] * MONTHS
