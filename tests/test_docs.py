"""Pages that are made from the code are up to date."""

from __future__ import annotations

import runpy
from pathlib import Path

from sim.config.compose import compose
from sim.data.load import load

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_page_of_indicators_is_up_to_date():
    made = runpy.run_path(str(DOCS / "describe.py"))["page"]()
    assert (DOCS / "indicators.md").read_text(encoding="utf-8") == made, (
        "make it again: python docs/describe.py"
    )


def test_the_page_of_the_law_is_up_to_date():
    made = runpy.run_path(str(DOCS / "law.py"))["page"]()
    assert (DOCS / "law.md").read_text(encoding="utf-8") == made, (
        "make it again: python docs/law.py"
    )


def test_the_measures_of_the_package_name_levers_that_exist():
    rows = load("japan", only=["package_measures"])["package_measures"].to_dict("records")
    known = {lever.id for lever in compose([]).policy.values()}
    for row in rows:
        named = set(filter(None, str(row["levers"] or "").split("+")))
        assert named <= known, row["measure"]
        assert bool(named) == (row["modelled"] != "no"), row["measure"]
        assert row["why"] or row["modelled"] == "yes", row["measure"]


def test_every_shipped_lever_says_what_it_leaves_out():
    assert [c for c, lever in compose([]).policy.items() if lever.reading is None] == []
