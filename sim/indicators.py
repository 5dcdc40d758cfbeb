"""Indicators of a run by month, from its record."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.recorder import Record
from sim.schema import RunConfig
from sim.tables import KINDS, Model

LABELS: Final = {  # indicator: (English, Japanese, unit); shares and rates have none
    "residents": ("Foreign residents", "在留外国人", "people"),
    "settled_share": ("Settled share", "定着型在留資格の割合", ""),
    "permanent_share": ("Permanent residents", "永住者の割合", ""),
    "irregular": ("Irregular residents", "不法残留者", "people"),
    "arrivals": ("Arrivals", "入国", "people a month"),
    "departures": ("Departures", "出国", "people a month"),
    "births": ("Births of foreign nationals", "出生", "people a month"),
    "deaths": ("Deaths", "死亡", "people a month"),
    "permanent_grants": ("Permanent residence granted", "永住許可", "people a month"),
    "naturalisations": ("Naturalisations", "帰化", "people a month"),
    "gone_missing": ("New irregular residents", "新規の不法残留", "people a month"),
    "job_retention_all_share": ("Students employed / all finishers", "就職率（全修了者）", ""),
    "job_retention_excluding_study_share": (
        "Students employed / finishers without further study", "就職率（進学者を除く）", ""),
    "nhi_payment_rate": ("Paying the health premium", "国民健康保険料の納付率", ""),
    "pension_payment_rate": ("Paying the pension premium", "国民年金の納付率", ""),
    "language_b1_share": ("Japanese at B1 or above", "日本語B1以上", ""),
}  # fmt: skip

Series = dict[int, float]


def indicators(record: Record, model: Model, config: RunConfig, scale: float) -> dict[str, Series]:
    """indicator -> month -> value, in the order of LABELS."""
    body = [config.status[name] for name in model.codes.statuses]
    counted = np.array([status.published for status in body])
    settled = np.array([status.settled for status in body])
    stock = np.array([cube.sum(axis=(1, 2), dtype=np.int64) for cube in record.cubes])
    flows = np.array(record.flows)
    total = np.maximum(stock[:, counted].sum(axis=1), 1)
    irregular = model.status.irregular
    of_kind = {name: model.fates.kind == number for name, number in KINDS.items()}
    to_permanent = of_kind["switch"] & (model.fates.to == model.status.permanent)
    to_irregular = of_kind["switch"] & (model.fates.to == irregular)
    by_name = {
        "residents": stock[:, counted].sum(axis=1) / scale,
        "settled_share": stock[:, settled].sum(axis=1) / total,
        "permanent_share": stock[:, model.status.permanent] / total,
        "irregular": stock[:, irregular] / scale,
        "arrivals": (np.array(record.came) + np.array(record.brought)).sum(axis=1) / scale,
        "departures": flows[:, of_kind["leave"]].sum(axis=1) / scale,
        "births": np.array(record.born).sum(axis=1) / scale,
        "deaths": flows[:, of_kind["die"]].sum(axis=1) / scale,
        "permanent_grants": flows[:, to_permanent].sum(axis=1) / scale,
        "naturalisations": flows[:, of_kind["citizen"]].sum(axis=1) / scale,
        "gone_missing": flows[:, to_irregular].sum(axis=1) / scale,
    }
    flow_like = set(by_name) - {"residents", "settled_share", "permanent_share", "irregular"}
    out: dict[str, Series] = {}
    for name, values in by_name.items():
        first = 1 if name in flow_like else 0  # nothing flows before the opening
        out[name] = {m: float(v) for m, v in zip(record.months[first:], values[first:],
                                                 strict=True)}  # fmt: skip
    out |= retention(record, model, config)
    out |= _traits(record, counted)
    return {name: out[name] for name in LABELS if out.get(name)}


def retention(record: Record, model: Model, config: RunConfig) -> dict[str, Series]:
    """Job retention of students by both definitions, over the twelve months to each month.

    Finishers are those whose course ended: they took work, went on to another course, left, or
    took another status. The published rates are of school leavers (JASSO).
    """
    worker = np.zeros(model.kinds, np.bool_)
    study, finished = worker.copy(), worker.copy()
    for f, name in enumerate(model.names):
        own = config.status[name.status]
        courses = any(stage.months is not None for stage in own.stages.values())
        if own.group != "study" or not courses or name.occasion != "at_end":
            continue
        finished[f] = True
        study[f] = name.kind == "stage"
        target = config.status[name.to] if name.kind == "switch" and name.to else None
        worker[f] = target is not None and target.work in ("any", "field") and target.published
    flows = np.cumsum(np.array(record.flows), axis=0)
    out: dict[str, Series] = {"job_retention_all_share": {},
                              "job_retention_excluding_study_share": {}}  # fmt: skip
    for k in range(12, len(record.months)):
        year = flows[k] - flows[k - 12]
        all_, on, jobs = year[finished].sum(), year[study].sum(), year[worker].sum()
        if all_ > on:
            out["job_retention_all_share"][record.months[k]] = float(jobs / all_)
            excluding = float(jobs / (all_ - on))
            out["job_retention_excluding_study_share"][record.months[k]] = excluding
    return out


def _traits(record: Record, counted: np.ndarray) -> dict[str, Series]:
    """Premium payment and Japanese level of residents, at half-years (see describe_people)."""
    out: dict[str, Series] = {
        name: {} for name in ("nhi_payment_rate", "pension_payment_rate", "language_b1_share")
    }
    for month, by_status in record.traits.items():
        traits = by_status[counted].sum(axis=0)
        people = max(int(traits[0]), 1)
        out["nhi_payment_rate"][month] = 1.0 - traits[1] / people
        out["pension_payment_rate"][month] = 1.0 - traits[2] / people
        out["language_b1_share"][month] = traits[7:9].sum() / people
    return out
