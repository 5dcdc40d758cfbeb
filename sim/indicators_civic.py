"""Indicators of municipalities, agencies and integration by month, from a run's record."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.processes.census import FARED, FINE
from sim.processes.towns import SUMMARY
from sim.recorder import Record
from sim.schema import RunConfig

Series = dict[int, float]

_TOWNS: Final = {  # indicator: (English, Japanese, unit); shares have none
    "opposed_share": ("Opposed to more foreign workers", "外国人受入れ拡大に反対", ""),
    "towns_with_classes_share": ("Municipalities with classes", "日本語教室のある市区町村", ""),
    "residents_without_classes_share": (
        "Living without classes",
        "空白地域に住む人",
        "",
    ),
    "towns_linked": ("Municipalities linked", "情報連携済みの市区町村", "municipalities"),
    "residents_linked_share": ("Living where linked", "情報連携済みの市区町村に住む人", ""),
    "desk_caseload": ("Cases at municipal desks", "市区町村窓口の相談", "cases a month"),
    "desk_capacity": ("Capacity of municipal desks", "市区町村窓口の処理能力", "cases a month"),
    "desk_backlog": ("Waiting at municipal desks", "市区町村窓口の滞留", "cases"),
}
_FARED: Final = {
    "school_missing_share": ("Children in no school", "不就学・確認できない子ども", ""),
    "allowance_leak_share": ("Child allowance paid wrongly", "児童手当の誤支給", ""),
    "satisfied_share": ("Satisfied with life in Japan", "日本での生活に満足", ""),
    "norms_share": ("Took the norms programme", "社会規範プログラムを受講", ""),
}
QUEUE: Final = {  # after the name of a queue: (English, Japanese, unit)
    "caseload": ("cases", "受理", "cases a month"),
    "decided": ("decided", "処理", "cases a month"),
    "capacity": ("capacity", "処理能力", "cases a month"),
    "backlog": ("waiting", "滞留", "cases"),
    "waiting": ("months of work waiting", "滞留月数", "months"),
}
"""What is said of each queue of an agency."""


def civic_labels(config: RunConfig) -> dict[str, tuple[str, str, str]]:
    """indicator -> (English, Japanese, unit) of all that the configuration has, in order."""
    out: dict[str, tuple[str, str, str]] = {}
    if config.town is not None:
        first, *rest = _TOWNS.items()
        out |= dict([first])
        for k, level in enumerate(config.town.support.levels.values()):
            en, ja = level.label.en, level.label.ja
            out[f"towns_level_{k}"] = (f"Support: {en}", f"支援水準：{ja}", "municipalities")
        out |= dict(rest) | _FARED
    for agency in (config.agency or {}).values():
        for name, queue in agency.queues.items():
            for what, (en, ja, unit) in QUEUE.items():
                label = f"{queue.label.en}: {en}", f"{queue.label.ja}：{ja}"
                out[f"{name}_{what}"] = (*label, unit)
    return out


def civic_indicators(record: Record, config: RunConfig) -> dict[str, Series]:
    """indicator -> month -> value; nothing is known of queues at the opening but the backlog."""
    out: dict[str, Series] = {}
    if config.town is not None:
        for k, name in enumerate(SUMMARY):
            out[name] = {m: float(v[k]) for m, v in zip(record.months, record.civic, strict=True)}
        out |= _fared(record)
    names = [name for agency in (config.agency or {}).values() for name in agency.queues]
    for q, name in enumerate(names):
        out |= _queue(record, q, name)
    return {name: out[name] for name in civic_labels(config)}


def _queue(record: Record, q: int, name: str) -> dict[str, Series]:
    months, rows = record.months, np.array(record.queues)[:, q]  # [T, 4]
    out = {
        f"{name}_{what}": {m: float(v) for m, v in zip(months[1:], rows[1:, k], strict=True)}
        for k, what in enumerate(("caseload", "decided", "capacity"))
    }
    out[f"{name}_backlog"] = {m: float(v) for m, v in zip(months, rows[:, 3], strict=True)}
    wait = rows[1:, 3] / np.maximum(rows[1:, 2], 1)
    out[f"{name}_waiting"] = {m: float(v) for m, v in zip(months[1:], wait, strict=True)}
    return out


def _fared(record: Record) -> dict[str, Series]:
    """Shares of all residents, those without a status included."""
    sums = {m: rows.sum(axis=(0, 1)) for m, rows in record.fared.items()}
    units = {"satisfied_share": ("satisfaction", FINE), "norms_share": ("norms", 1)}
    return {
        name: {m: float(v[FARED.index(column)] / (unit * max(v[0], 1))) for m, v in sums.items()}
        for name, (column, unit) in units.items()
    }
