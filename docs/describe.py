"""Writes docs/indicators.md from the declarations in the code: `python docs/describe.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import sim.model.model  # noqa: F401  its processes declare the series of the record
from sim.agents.record import AXES, CODE, FLAG, HALF_YEAR, NUMBER, SERIES, Series
from sim.config.compose import compose
from sim.core.text import flat, markdown_table
from sim.figures.look import HIGHER, LOWER
from sim.figures.run import FIGURES
from sim.outputs.codebook import codebook  # noqa: F401  (declares all tables)
from sim.outputs.indicators import SECTIONS, Described, Indicator
from sim.outputs.tables import DATE, IDENTITY, TABLES, TEXT, WHOLE
from sim.studies.comparison.series import all_scorecard_rows, compared

PAGE = Path(__file__).parent / "indicators.md"
HEAD = """# Indicators, tables, figures and series

This page is made by `python docs/describe.py` from the declarations in the code, for the
configuration as it is shipped. People are weighted: simulated people divided by the scale of the
run. A test fails if the page is not up to date.
"""
KINDS = {
    DATE: "date", CODE: "text (dictionary)", WHOLE: "int16", NUMBER: "float64",
    FLAG: "true or false", IDENTITY: "int64", TEXT: "text",
}  # fmt: skip
ADD = """To add an indicator, write one function under `@indicator` in
[sim/outputs/indicators.py](../sim/outputs/indicators.py): it appears in the table `indicators`, in
the figure of all indicators, in comparisons, on the scorecard if it has a line there, and on this
page once it is made again. An output table is one function under `@table`, a figure one file with a
function under `@figure` and its line in [sim/figures/run.py](../sim/figures/run.py), a series of
the record one `declare(...)` beside the process that fills it.
"""


def indicator_row(one: Described) -> list[str]:
    shown = ["drawn"] * one.compare + ["summed since the opening"] * one.summed
    line = f"{one.scorecard.section}: {one.scorecard.title}" if one.scorecard else ""
    return [
        f"`{one.name}`", f"{one.en} {one.ja}".strip(), one.unit,
        "half-years" if one.every == HALF_YEAR else "months", flat(one.text),
        ", ".join(shown), {HIGHER: "higher", LOWER: "lower"}.get(one.good, ""), line,
    ]  # fmt: skip


def indicator_table(members: Iterable[Described]) -> str:
    head = ["code", "name", "unit", "every", "definition", "in comparisons", "better", "scorecard"]
    return markdown_table(head, map(indicator_row, members))


def series_row(series: Series) -> list[str]:
    columns = ", ".join(
        f"{column.name} ({column.unit})" if column.unit != series.unit else column.name
        for column in series.columns
    )
    when = "half-years" if series.when == HALF_YEAR else "months"
    return [f"`{series.name}`", series.text, series.signature, when, series.unit, columns]


def page() -> str:
    """The whole page."""
    known = compared(compose([])).values()
    own = [one for one in known if isinstance(one, Indicator)]
    others = [one for one in known if not isinstance(one, Indicator)]
    rows = sorted({row[:2]: row for row in all_scorecard_rows()}.values(),
                  key=lambda row: (SECTIONS.index(row.section), row.place))  # fmt: skip
    parts = [HEAD, ADD, "## Indicators of a run\n", indicator_table(own),
             "\n## What comparisons make beside them\n", indicator_table(others),
             "\n## Lines of the scorecard\n",
             markdown_table(["section", "line"], ([row.section, row.title] for row in rows)),
             "\n## Output tables\n"]  # fmt: skip
    for name, made in TABLES.items():
        section, further = made.further
        asked = f" With `{made.asked}=N`." if made.asked else ""
        parts += [f"### `{name}.parquet`\n", f"{flat(made.text)}{asked}\n"]
        columns = [[f"`{c.name}`", KINDS[c.kind], c.unit] for c in made.columns]
        columns += [[f"`{c.name}`", KINDS[c.kind], f"{c.unit} (where `{section}` is set)"]
                    for c in further]  # fmt: skip
        parts += [markdown_table(["column", "type", "unit"], columns), ""]
    series = sorted(SERIES.values(), key=lambda one: one.name)
    figures = ([f"`{one.name}.png`", flat(one.text.partition("\n\n")[0])] for one in FIGURES)
    parts += ["## Figures of a run\n", markdown_table(["file", "what it shows"], figures),
              "\n## Series of the record\n",
              "What a run records and a checkpoint keeps. Axes: "
              + ", ".join(f"{letter} {what}" for letter, what in AXES.items()) + ".\n",
              markdown_table(["series", "an entry", "type and axes", "every", "unit", "columns"],
                    map(series_row, series))]  # fmt: skip
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
