"""The levers that the scenarios of a page pull: law, dates, references, and what is assumed."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from sim.config.levers import Active, set_levers
from sim.config.schema.policy import Basis, DatedValue, Lever
from sim.core.clock import month_name
from sim.core.errors import DataError
from sim.data.load import load
from sim.pages.labels import text
from sim.pages.study import Study

Json = dict[str, Any]

MEASURES: Final = "package_measures"

MODELLED: Final = ("yes", "part", "no")
"""How far the model covers a measure of the government's package."""


def levers_of(study: Study) -> list[Json]:
    """Every lever that some scenario pulls, those that not all of them pull alike first.

    id, title, legal_status, since, until, differs, arms (arm -> how it is pulled; None where it is
    not), basis, rules and responses. Arms whose settings are not known are left out.
    """
    known = [arm for arm in study.arms if arm.config is not None]
    pulled = {
        arm.code: {a.code: a for a in set_levers(arm.config) if a.strength > 0}
        for arm in known
        if arm.config is not None
    }
    codes = sorted({code for own in pulled.values() for code in own})
    rows = []
    for code in codes:
        active = {arm: own.get(code) for arm, own in pulled.items()}
        first = next(each for each in active.values() if each is not None)
        arms = {arm: None if each is None else _setting(each) for arm, each in active.items()}
        alike = len({repr(setting) for setting in arms.values()}) == 1
        rows.append({
            "code": code, "id": first.lever.id, "title": text(first.lever.title),
            "legal_status": first.lever.legal_status, "since": first.lever.since,
            "until": first.lever.until, "differs": not alike, "arms": arms,
            "basis": basis_of(first.lever.basis), "rules": rules_of(first.lever),
            "responses": responses_of(first.lever),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (not row["differs"], row["id"]))


def _setting(active: Active) -> Json:
    """How a scenario pulls a lever."""
    return {"strength": active.strength, "level": active.level, "variant": active.variant,
            "use": dict(active.use), "first_month": month_name(active.first_month())}  # fmt: skip


def rules_of(lever: Lever) -> list[Json]:
    """Every dated value of the law with its basis, and how well that is known."""
    return [
        {"name": name, "unit": rule.unit, "since": month, "value": dated.value,
         "reference": dated.reference, "kind": kind_of(dated),
         "basis": basis_of(dated.basis)}
        for name, rule in lever.rule.items()
        for month, dated in sorted(rule.values.items())
    ]  # fmt: skip


def basis_of(basis: Basis | None) -> Json | None:
    """Where the rule itself stands: title, at (number, date, article), evidence, and a note."""
    if basis is None:
        return None
    title = None if basis.en is None else {"en": basis.en, "ja": basis.ja}
    at = [part for part in (basis.number, basis.date, basis.article) if part]
    return {"title": title, "at": ", ".join(at), "evidence": basis.evidence, "note": basis.note}


def kind_of(dated: DatedValue) -> str:
    """`assumption`, `official` (read in the official text) or `secondary` (the official text is
    named, but as another page cites it or as it is known)."""
    if dated.quality == "assumption":
        return "assumption"
    return "official" if dated.basis.evidence == "read" else "secondary"


def responses_of(lever: Lever) -> list[Json]:
    """How people are taken to answer, with the study, if there is one."""
    return [
        {"name": name, "unit": own.unit, "low": own.low, "central": own.central, "high": own.high,
         "quality": own.quality, "study": own.study or own.note}
        for name, own in lever.response.items()
    ]  # fmt: skip


def package_of(country: str) -> Json | None:
    """How far the model covers the measures of the government's package, as far as pages name them:
    by kind and in all how many are modelled, modelled in part, and not. None where no table of
    them can be read.
    """
    try:
        measures = load(country, only=[MEASURES])[MEASURES]
    except DataError:
        return None
    counts = pd.crosstab(measures["kind"], measures["modelled"])
    counts = counts.reindex(columns=list(MODELLED), fill_value=0)
    return {"kinds": [{"kind": str(kind), "counts": [int(n) for n in row]}
                      for kind, row in zip(counts.index, counts.to_numpy(), strict=True)],
            "counts": [int(n) for n in counts.sum()]}  # fmt: skip
