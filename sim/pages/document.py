"""The one JSON document that a page is drawn from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Final

from sim import __version__
from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.core.errors import KyoseiError
from sim.files.folder import read_manifest
from sim.pages import tables, words
from sim.pages.labels import TOPICS, UNITS, indicators_of, text
from sim.pages.levers import levers_of, package_of
from sim.pages.projection import projection_of
from sim.pages.scores import scores_of
from sim.pages.shapes import read_shapes
from sim.pages.study import Study

Json = dict[str, Any]

FORMAT: Final = 1

NO_RESULT: Final = ("output", "threads", "checkpoint", "from_", "memory_gb", "figures")
"""Settings that change no table of a run."""

MOST_PATHS: Final = 400

_SECTIONS: Final = {
    "status": {"en": "Transitions and permits by status", "ja": "在留資格ごとの遷移・在留期間"},
    "life": {"en": "Births, deaths, moves and premiums", "ja": "出生・死亡・転居・保険料"},
    "arrivals": {"en": "Arrivals from abroad", "ja": "国外からの入国"},
    "event": {"en": "Events of the past", "ja": "過去の出来事"},
    "firms": {"en": "Firms and jobs", "ja": "企業と雇用"},
    "town": {"en": "Municipalities", "ja": "市区町村"},
    "agency": {"en": "Agencies and their queues", "ja": "行政機関と審査の滞留"},
    "integration": {"en": "Language and life", "ja": "日本語・生活"},
    "policy": {"en": "Policy levers: dated values and responses", "ja": "施策：値と人々の反応"},
}


def document(study: Study, language: str, shapes: Path | None = None) -> Json:
    """All that the page shows, in every language that there is; `language` is shown first.

    shapes: see `sim.pages.shapes`. Raises ConfigError if its file cannot be used.
    """
    config, country = study.config, study.config.country
    values, effects, indicators = tables.series(study, indicators_of(config))
    months = tables.shown_months(study)
    places = tables.places(study)
    if places is not None and shapes is not None:
        places["shapes"] = read_shapes(shapes, places["codes"])
    queues = [{"code": name, "label": text(queue.label)}
              for agency in (config.agency or {}).values()
              for name, queue in agency.queues.items()]  # fmt: skip
    return {
        "format": FORMAT,
        "language": language,
        "kind": study.kind,
        "country": {"code": country.name, "label": text(country.label)},
        "facts": _facts(study),
        "arms": [{"code": arm.code, "title": text(arm.title), "sentence": words.title(study, arm)}
                 for arm in study.arms],
        "subtitle": words.subtitle(study),
        "headline": [code for code in words.HEADLINE if code in values],
        "months": [tables.month_code(month) for month in months],
        "named": study.named,
        "indicators": [each._asdict() for each in indicators],
        "topics": TOPICS,
        "units": UNITS,
        "values": values,
        "effects": effects,
        "groups": {by: tables.groups_of(config, by) for by in ("status", "origin", "prefecture")},
        "status_groups": [{"code": code, "label": text(group.label), "colour": group.colour}
                          for code, group in country.groups.items()],
        "splits": tables.splits(study),
        "composition": tables.composition(study),
        "places": places,
        "movements": tables.movements(study),
        "firms": tables.firms(study),
        "queues": queues,
        "ages": tables.ages(study),
        "levers": levers_of(study),
        "package": package_of(country.data),
        "assumed": _assumed(study),
        "scores": scores_of(study),
        "projection": projection_of(study),
        "reproduce": _reproduce(study),
    }  # fmt: skip


def _facts(study: Study) -> Json:
    config, manifest = study.config, study.manifest
    return {
        "number": study.number, "start": config.start, "end": config.end, "scale": config.scale,
        "seed": config.seed, "replicates": study.replicates, "confidence": study.design.confidence,
        "drawn": study.design.drawn,
        "runs": [len(arm.folders) for arm in study.arms], "version": __version__,
        "code": str(manifest.get("code_sha256", ""))[:16],
        "data": str(manifest.get("data_sha256", ""))[:16],
        "fit": bool(config.fit.model_dump(exclude_defaults=True)),
        "warnings": [str(warning) for warning in manifest.get("warnings", [])],
    }  # fmt: skip


def _assumed(study: Study) -> Json | None:
    """Numbers of the baseline that no source gives: how many by section, and their paths."""
    folders = study.arms[0].folders
    manifest = read_manifest(folders[0]) if folders else None
    if manifest is None:
        return None
    paths = [str(path) for path in manifest["assumptions"]]
    counts = {
        code: len([path for path in paths if path.startswith(f"{code}.")]) for code in _SECTIONS
    }
    return {
        "sections": [{"label": label, "count": counts[code]}
                     for code, label in _SECTIONS.items() if counts[code]],
        "paths": paths[:MOST_PATHS],
        "count": len(paths),
    }  # fmt: skip


def _reproduce(study: Study) -> Json:
    """Commands that make the numbers again, the runs behind them, and whether the first is exact.

    exact is False where the settings came from more than the words that a manifest keeps.
    """
    runs = {arm.code: [folder.resolve().name for folder in arm.folders] for arm in study.arms}
    if study.kind == "comparison":
        return {"commands": [_compare_command(study)], "exact": True, "runs": runs}
    if study.kind == "projection":
        return {"commands": [_project_command(study)], "exact": True, "runs": runs}
    commands, exact = [], True
    for arm in study.arms:
        assert arm.config is not None
        own = _run_words(arm.config)
        same = _makes(own, arm.config)
        exact = exact and same
        if same:
            commands.append(f"kyosei run {shlex.join(own)}")
        commands += [f"kyosei reproduce runs/{name}" for name in runs[arm.code]]
    return {"commands": commands, "exact": exact, "runs": runs}


def _compare_command(study: Study) -> str:
    """The words of the comparison, as its manifest keeps them."""
    manifest = study.manifest
    shown = [arm.code for arm in study.arms]
    plain = [name for name in shown if manifest["arms"][name] == [f"scenario={name}"]]
    own = [f"scenario=[{','.join(plain)}]"] if plain else []
    own += [f"arm.{name}={shlex.join(manifest['arms'][name])}"
            for name in shown if name not in plain]  # fmt: skip
    own += [] if plain[:1] == shown[:1] else [f"baseline={shown[0]}"]
    own += [] if study.design.drawn else ["draws=none"]
    own += [f"replicates={study.replicates}", f"confidence={study.design.confidence:g}"]
    return f"kyosei compare {shlex.join([*own, *manifest['shared']])}"


def _project_command(study: Study) -> str:
    """The words of the projection, as its manifest keeps them."""
    own = [f"{name}={study.manifest[name]}" for name in ("members", "member_scale", "split")]
    return f"kyosei project {shlex.join([*own, *study.manifest['words']])}"


def _run_words(config: RunConfig) -> list[str]:
    return [
        f"scenario={config.scenario.name}", f"start={config.start}", f"end={config.end}",
        f"scale={config.scale!r}", f"seed={config.seed}", f"replicate={config.replicate}",
    ]  # fmt: skip


def _makes(given: list[str], config: RunConfig) -> bool:
    """Whether these words alone make this configuration, by the present files."""
    try:
        made = compose(given)
    except KyoseiError:
        return False
    same = {name: getattr(config, name) for name in NO_RESULT}
    return made.model_copy(update=same) == config
