"""Writes docs/law.md from the levers' files and the table of measures: `python docs/law.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sim.config.compose import compose
from sim.config.schema.policy import Basis, Lever
from sim.config.schema.run import RunConfig
from sim.core.text import markdown_table
from sim.data.load import load

PAGE = Path(__file__).parent / "law.md"
TOLD = 369
"""Measures of the package, as it counts them itself."""
ASSUMED = "assumption"
STATUSES = {
    "in_force": "in force", "scheduled": "scheduled", "announced": "announced", "bill": "bill",
    "under_consideration": "under consideration", "target": "target", "response": "no law",
    "hypothetical": "hypothetical",
}  # fmt: skip
EVIDENCE = {
    "read": "read in the official text", "cited": "cited by another page",
    "known": "known, not seen", "none": "no official basis",
}  # fmt: skip
HEAD = """# The law in the levers

For readers who know the law and not the model. This page is made by `python docs/law.py` from
`configs/policy/japan/` and `sim/data/japan/package_measures.csv`, as they are shipped; a test fails
if it is not up to date. What the files know ends in April 2026.

Legal statuses: *in force* and *scheduled* are law (a law, an order, an ordinance, a guideline, a
decision of the Cabinet), and hold in the scenario `enacted`; *announced* is said by the government
with a date, without a text that binds; a *bill* is before the Diet; *under consideration* has
neither date nor rule; a *target* is a number; *no law* is how people answer. The package of 23
January 2026 is a decision of the ministerial council (関係閣僚会議決定), not of the Cabinet.

`kyosei levers --asof 2026-04` prints what was law in a month, `kyosei levers --show JP07` one lever
in full. The evidence of a basis says how well it is known: read in the official text, cited by
another page, or known without having been seen. Values marked *assumed* are in no text.
"""


def number(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def basis_text(basis: Basis) -> str:
    """Title in both languages, number, date and article, evidence, note."""
    at = [part for part in (basis.number, basis.date, basis.article) if part]
    parts = [basis.en, basis.ja, ", ".join(at), f"*{EVIDENCE[basis.evidence]}*", basis.note]
    return "; ".join(part for part in parts if part)


def dated_rows(lever: Lever) -> Iterator[list[str]]:
    """A row for each dated value of the lever."""
    for rule in lever.rule.values():
        for month, dated in sorted(rule.values.items()):
            mark = " (assumed)" if dated.quality == "assumption" else ""
            value = f"{number(dated.value)} {rule.unit}{mark}"
            yield [month, value, basis_text(dated.basis), dated.reference]


def lever_part(lever: Lever) -> str:
    """The section of a lever."""
    status = STATUSES[lever.legal_status].capitalize()
    agencies = ", ".join(lever.agency) or "no agency"
    end = f" to {lever.until}" if lever.until else ""
    parts = [
        f"### {lever.id} {lever.title.en}\n",
        f"{lever.title.ja}. {status}, from {lever.since}{end}; {agencies}.\n",
    ]
    if lever.reading is not None:
        parts += [
            f"- **The text**: {lever.reading.law}",
            f"- **The model**: {lever.reading.model}",
            f"- **Left out**: {lever.reading.left_out}",
        ]
        if lever.reading.doubt:
            parts.append(f"- **Open**: {lever.reading.doubt}")
    if lever.basis is not None:
        parts.append(f"- **Basis**: {basis_text(lever.basis)}")
    if lever.rule:
        parts += [
            "",
            markdown_table(["from", "value", "basis", "secondary source"], dated_rows(lever)),
        ]
    return "\n".join(parts) + "\n"


def doubts(config: RunConfig) -> str:
    """What only later texts can settle, with what it would change."""
    rows = [[lever.id, lever.title.en, STATUSES[lever.legal_status], lever.reading.doubt]
            for lever in config.policy.values()
            if lever.reading is not None and lever.reading.doubt]  # fmt: skip
    return markdown_table(["lever", "title", "status", "open, and what it would change"], rows)


def measures() -> str:
    """What is known of the package's measures, and the share that the model covers by kind."""
    rows = load("japan", only=["package_measures"])["package_measures"].to_dict("records")
    kinds = Counter((row["kind"], row["modelled"]) for row in rows)
    counts = [[kind.replace("_", " "), *(str(kinds[kind, how]) for how in ("yes", "part", "no"))]
              for kind in dict.fromkeys(row["kind"] for row in rows)]  # fmt: skip
    total = Counter(row["modelled"] for row in rows)
    counts.append(["all", *(str(total[how]) for how in ("yes", "part", "no"))])
    listed = [
        [f"{row['name_en']} {row['name_ja']}",
         "" if row["number"] != row["number"] else f"{row['number']:.0f}", row["agency"],
         row["horizon"].replace("_", " "), row["modelled"],
         str(row["levers"] or "").replace("+", ", "), str(row["why"] or ""),
         row["source"].replace("+", ", ") + (" (its block)" if row["quality"] == ASSUMED else "")]
        for row in rows
    ]  # fmt: skip
    return "\n".join([
        f"The package counts {TOLD} measures, each with an agency and one of two horizons. The",
        f"list itself could not be read: public pages name {len(rows)} measures or groups of them,",
        f"four by number, so the share of all {TOLD} that the model covers is not known. Of",
        f"those named, {total['yes']} are modelled, {total['part']} in part, {total['no']} not.",
        "Where the source is marked *its block*, the page names the block of the package alone.\n",
        markdown_table(["kind", "modelled", "in part", "not"], counts), "",
        markdown_table(["measure", "number", "agency", "horizon", "modelled", "levers",
               "why not, or in part", "source"], listed),
    ])  # fmt: skip


def page() -> str:
    """The whole page."""
    config = compose([])
    levers = sorted(config.policy.values(), key=lambda lever: lever.id)
    index = [[lever.id, lever.title.en, lever.title.ja, STATUSES[lever.legal_status], lever.since]
             for lever in levers]  # fmt: skip
    parts = [HEAD, markdown_table(["lever", "title", "題名", "status", "from"], index),
             "\n## What only later texts can settle\n", doubts(config),
             "\n## The measures of the package\n", measures(),
             "\n## Lever by lever\n", *map(lever_part, levers)]  # fmt: skip
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
