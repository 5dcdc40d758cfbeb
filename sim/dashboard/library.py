"""What the dashboard shows: finished folders, differences of a comparison, levers of a scenario."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sim.config.compose import compose
from sim.config.folders import configs_here, place_of
from sim.config.levers import set_levers
from sim.config.schema.policy import Lever
from sim.config.yaml import read
from sim.core.clock import month_name
from sim.core.errors import ConfigError
from sim.dashboard.draft import LARGEST_SCALE, LAST_END, SMALL, base_of
from sim.files.foreign import Unreadable, read_bytes
from sim.outputs.read import FinishedRun, finished_below
from sim.pages import tables, words
from sim.pages.document import document
from sim.pages.labels import UNITS, indicators_of, text
from sim.pages.levers import basis_of, responses_of, rules_of
from sim.pages.page import page
from sim.pages.study import READERS, read_study

Json = dict[str, Any]

MOST_RUNS: Final = 500


def start_of(folder: Path) -> Json:
    """What the page needs first: scenarios of the default country, limits, the study."""
    config, configs = compose([]), configs_here()
    place = place_of("scenario", config.country.name)
    return {
        "folder": str(folder), "country": text(config.country.label),
        "scenarios": [{"code": name, "title": _title(configs.file(f"{place}/{name}.yaml"))}
                      for name in configs.options(place)],
        "study": None if configs.study is None else configs.study.parent.name,
        "limits": {"scale": LARGEST_SCALE, "end": LAST_END, "small": SMALL},
    }  # fmt: skip


def _title(file: Path) -> Json:
    """The title that a scenario's file gives it, its name if there is none: what is wrong with the
    file is said when it is chosen."""
    try:
        given = read(read_bytes(file), file.stem).value.get("title")
    except (ConfigError, Unreadable, AttributeError):
        given = None
    return given if isinstance(given, dict) and "en" in given else {"en": file.stem}


def levers_of(scenario: str) -> list[Json]:
    """Every lever, as a scenario pulls it: those that it pulls first."""
    config = base_of(scenario)
    pulled = {active.code: active for active in set_levers(config)}
    rows = []
    for code, lever in config.policy.items():
        active = pulled.get(code)
        rows.append({
            "code": code, "id": lever.id, "title": text(lever.title),
            "legal_status": lever.legal_status, "since": lever.since,
            "pulled": active is not None and active.strength > 0,
            "strength": 1.0 if active is None else active.strength,
            "level": None if active is None else active.level,
            "first_month": lever.since if active is None else month_name(active.first_month()),
            "variants": lever.variants, "basis": basis_of(lever.basis),
            "rules": rules_of(lever), "responses": responses_of(lever),
            "words": _words(lever),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (not row["pulled"], row["id"]))


def _words(lever: Lever) -> str:
    """What a search looks through: titles in every language, what it says, whom it acts on."""
    title = lever.title
    parts = [lever.id, title.en, title.ja, title.short or "", *lever.acts_on, *lever.agency,
             *lever.rule, *lever.response]  # fmt: skip
    return " ".join(parts).lower()


def runs_below(folder: Path) -> list[Json]:
    """Finished folders, the latest first; runs that belong to a study stand behind it alone."""
    found = list(finished_below(folder)) if folder.is_dir() else []
    inside = {name for each in found for name in _members(each)}
    shown = [each for each in found if each.path.name not in inside]
    shown.sort(key=lambda each: (each.path / "manifest.json").stat().st_mtime, reverse=True)
    return [_row(each) for each in shown[:MOST_RUNS]]


def _members(each: FinishedRun) -> list[str]:
    """Numbers of the runs that a comparison or a projection is made of."""
    told = each.manifest
    numbers = [str(told[key]) for key in ("detail",) if key in told]
    for key in ("runs", "again"):
        runs = told.get(key) or {}
        lists = runs.values() if isinstance(runs, dict) else [runs]
        numbers += [str(number) for own in lists for number in own]
    return numbers


def _row(each: FinishedRun) -> Json:
    told = each.manifest
    arms = told.get("arms") or {str(told.get("scenario", each.kind)): []}
    return {
        "number": each.path.name, "kind": each.kind, "label": told.get("label"),
        "arms": [{"code": name, "title": _own_title(words)} for name, words in arms.items()],
        "start": told.get("start"), "end": told.get("end"), "scale": told.get("scale"),
        "replicates": told.get("replicates") or told.get("members"), "page": each.kind in READERS,
    }  # fmt: skip


def _own_title(words: Sequence[str]) -> str | None:
    """The title that the words of an arm give it; None where it keeps its scenario's."""
    found = [re.match(r"scenario\.title=\{en: ?['\"]?([^,'\"}]*)", str(word)) for word in words]
    return next((match[1] for match in found if match), None)


def folder_of(folder: Path, number: str) -> Path:
    """The finished folder of a number. Raises ConfigError if there is none: a number is looked up
    in the list, so that no path can be named."""
    for each in finished_below(folder):
        if each.path.name == number:
            return each.path
    raise ConfigError(f"{number}: no finished folder of that number lies below {folder}")


def report_of(folder: Path, numbers: Sequence[str], language: str) -> str:
    """The page of finished folders, as `kyosei report` writes it."""
    return page(document(read_study([folder_of(folder, number) for number in numbers]), language))


def differences_of(folder: Path, number: str) -> Json:
    """Differences from the baseline with their intervals, for charts: no level of a small run."""
    study = read_study([folder_of(folder, number)])
    if study.effects is None:
        raise ConfigError(f"{number} is a {study.kind}: differences are those of a comparison")
    _, effects, indicators = tables.series(study, indicators_of(study.config))
    return {
        "number": number, "small": study.config.scale < SMALL,
        "months": [tables.month_code(month) for month in tables.shown_months(study)],
        "arms": [{"code": arm.code, "title": text(arm.title),
                  "sentence": words.title(study, arm)} for arm in study.arms],
        "indicators": [each._asdict() for each in indicators if each.code in effects],
        "effects": effects, "units": UNITS, "drawn": study.design.drawn,
        "confidence": study.design.confidence, "scale": study.config.scale,
        "seed": study.config.seed, "replicates": study.replicates,
        "headline": [code for code in words.HEADLINE if code in effects],
    }  # fmt: skip
