"""A run refuses to call itself finished when its tables or its audit are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sim.config.compose import compose
from sim.core.errors import InvariantError
from sim.model.model import Kyosei
from sim.outputs.checks import problems_of
from sim.outputs.outcome import Outcome
from sim.outputs.tables import tables_of
from sim.processes.books import recount_all
from sim.runs.facts import refuse_wrong_audit
from sim.runs.run import run
from sim.runs.verify import contradictions

WORDS = ["scale=0.002", "end=2025-12", "threads=1", "figures=false"]


@pytest.fixture(scope="module")
def model() -> Kyosei:
    model = Kyosei(compose(WORDS))
    model.run()
    return model


@pytest.fixture(scope="module")
def tables(model) -> dict[str, pa.Table]:
    return tables_of(Outcome.of(model))


def changed(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    kind = table.schema.field(column).type
    return table.set_column(table.schema.get_field_index(column), column, pa.array(values, kind))


def test_sound_tables_are_sound(tables):
    assert problems_of(tables) == []


def test_a_number_that_is_none_is_refused(tables):
    value = changed(tables["indicators"], "value", 3, float("nan"))
    assert any("not finite" in text for text in problems_of({**tables, "indicators": value}))


@pytest.mark.parametrize("name", ["stocks", "flows"])
def test_stocks_follow_from_flows(tables, name):
    """One person more in a month's stock, or in a flow, is seen."""
    row = tables[name].num_rows - 1
    more = tables[name]["people"][row].as_py() + 500
    found = problems_of({**tables, name: changed(tables[name], "people", row, more)})
    assert any(text.startswith("stocks and flows") for text in found)


def test_ages_add_up_to_stocks(tables):
    more = tables["ages"]["people"][0].as_py() + 500
    found = problems_of({**tables, "ages": changed(tables["ages"], "people", 0, more)})
    assert any(text.startswith("ages") for text in found)


def test_a_wrong_audit_is_refused(model):
    state = model.state
    refuse_wrong_audit(state.audit, state.rates)
    seen = state.audit.seen.copy()
    most = int(np.argmax(state.audit.expected))
    state.audit.seen[most] *= 3
    try:
        with pytest.raises(InvariantError, match="observed"):
            refuse_wrong_audit(state.audit, state.rates)
    finally:
        state.audit.seen[:] = seen


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [("origin", 1, "origin and prefecture"), ("born", 3000, "born in the future"),
     ("since", 30000, "status in the future"), ("language", 9, "outside its table")],
)  # fmt: skip
def test_a_damaged_column_is_seen_at_the_half_year(model, column, value, rule):
    state = model.state
    values, row = state.people[column], int(model.people.rows[0])
    recount_all(state)
    before = values[row]
    values[row] = value if column != "origin" else (int(before) + value) % 3
    try:
        with pytest.raises(InvariantError, match=rule):
            recount_all(state)
    finally:
        values[row] = before


def test_a_folder_tells_whether_its_tables_agree(tmp_path):
    folder: Path = run(compose([*WORDS, f"output={tmp_path}"]), quiet=True)
    assert contradictions(folder) == []
