"""The TRACE table: how the model was evaluated, element by element, with the figures at hand.

TRACE (Grimm et al. 2014, Ecological Modelling 280, 129-139) asks a modeller to document what was
done to make a model credible. Counts are made from the configuration and the tables, scores from
the hindcasts that are shipped; what a test or a study holds names where it stands.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from sim.config.marks import marked
from sim.config.schema.run import RunConfig
from sim.core.text import markdown_table
from sim.data.load import Data
from sim.pages.scores import published_scores

HEAD: Final = ["element", "what was done", "result", "where"]

NOTE: Final = (
    "After Grimm et al. (2014). Counts are of this configuration; the rest names the page or the"
    " test that shows it."
)

DONE: Final = {
    "Problem formulation": "Who asks what, and what the model is not for.",
    "Model description": "The ODD protocol, made from what runs.",
    "Data evaluation": "Every published figure has a source and a mark; sums that must agree are"
    " checked at each load.",
    "Conceptual evaluation": "Every number of the configuration says where it comes from or that it"
    " is assumed.",
    "Implementation verification": "A plain stepper repeats the kernels bit for bit; means and"
    " variances meet exact ones; planted bugs are caught; stocks follow from flows in every month;"
    " every run holds its transitions against their hazards.",
    "Output verification": "Hindcasts beside naive forecasts that were fixed beforehand.",
    "Model analysis": "Ranges are drawn together in projections and comparisons; the variance is"
    " split by source; `kyosei sensitivity` screens and ranks single numbers.",
    "Output corroboration": "Published series to which no rate was fitted, the official projection"
    " and the outlooks of others stand beside the results.",
}
"""What TRACE asks about, and what was done."""

WHERE: Final = {
    "Problem formulation": "docs/why.md, docs/limits.md",
    "Model description": "this document",
    "Data evaluation": "sim/data, tests/data",
    "Conceptual evaluation": "Marks, above",
    "Implementation verification": "tests/model; `audit` and `ledger` in manifest.json",
    "Output verification": "docs/hindcast.md",
    "Model analysis": "docs/projection.md",
    "Output corroboration": "docs/plausibility.md, docs/official.md",
}


def trace(config: RunConfig, data: Data) -> str:
    """The table as Markdown, below a heading of its own."""
    results = _results(config, data)
    rows = [[name, done, results.get(name, ""), WHERE[name]] for name, done in DONE.items()]
    return f"## TRACE: how the model was evaluated\n\n{NOTE}\n\n{markdown_table(HEAD, rows)}\n"


def _results(config: RunConfig, data: Data) -> dict[str, str]:
    """What can be counted, or was scored."""
    numbers = [one for _, one in marked(config)]
    tables = [table for table in data.tables.values() if "quality" in table]
    rows = Counter(str(quality) for table in tables for quality in table["quality"])
    ranges = sum(getattr(one, "low", None) is not None for one in numbers)
    return {
        "Model description": f"{len(config.status)} statuses, {len(config.policy)} levers",
        "Data evaluation": f"rows: {_counts(rows)}",
        "Conceptual evaluation": f"numbers: {_counts(Counter(one.quality for one in numbers))}",
        "Implementation verification": "a run beyond six standard deviations does not finish",
        "Output verification": _scores(config.country.name),
        "Model analysis": f"{ranges} numbers have a range",
    }


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {quality}" for quality, count in sorted(counts.items()))


def _scores(country: str) -> str:
    rows = published_scores(country)
    if not rows:
        return "not scored yet"
    return "; ".join(
        f"{row['origin']} to {row['horizon']}: error {row['error']:g} % (trend"
        f" {row['linear_trend']:g} %), {row['in_80']:g} % within 80 % intervals"
        for row in rows
    )
