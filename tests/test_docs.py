"""Pages that are made from the code are up to date."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_page_of_indicators_is_up_to_date():
    made = runpy.run_path(str(DOCS / "describe.py"))["page"]()
    assert (DOCS / "indicators.md").read_text(encoding="utf-8") == made, (
        "make it again: python docs/describe.py"
    )
