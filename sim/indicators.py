"""Indicators of a run by month, from its record."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.config_checks_fates import all_fates
from sim.processes.cohorts import WINDOW, YEARS
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
    "job_retention_all_share": ("Finishers in a job", "就職率（全修了者）", ""),
    "job_retention_excluding_study_share": (
        "Finishers in a job, study apart", "就職率（進学者を除く）", ""),
    "nhi_payment_rate": ("Paying the health premium", "国民健康保険料の納付率", ""),
    "pension_payment_rate": ("Paying the pension premium", "国民年金の納付率", ""),
    "language_b1_share": ("Japanese at B1 or above", "日本語B1以上", ""),
    "retention_1y_share": ("Still there after 1 year", "入国1年後の在留率", ""),
    "retention_3y_share": ("Still there after 3 years", "入国3年後の在留率", ""),
    "retention_5y_share": ("Still there after 5 years", "入国5年後の在留率", ""),
    "retention_10y_share": ("Still there after 10 years", "入国10年後の在留率", ""),
}  # fmt: skip

FINISHED: Final = ("job", "study", "other")
"""What a finisher of a course becomes; see `finisher` in the schema of fates."""

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
    out |= _traits(record, model, config)
    out |= _cohorts(record, counted)
    return {name: out[name] for name in LABELS if out.get(name)}


def retention(record: Record, model: Model, config: RunConfig) -> dict[str, Series]:
    """Job retention of students by both definitions, over the twelve months to each month.

    Fates say by `finisher` what becomes of those who finish a course that is counted: a job, more
    study, or anything else. Who repeats a year has not finished.
    """
    said = {f"{s}.{occasion}.{name}": fate.finisher
            for s, occasion, name, _, fate in all_fates(config)}  # fmt: skip
    became = np.array([said.get(name.path) or "" for name in model.names])
    flows = np.cumsum(np.array(record.flows), axis=0)
    out: dict[str, Series] = {"job_retention_all_share": {},
                              "job_retention_excluding_study_share": {}}  # fmt: skip
    for k in range(12, len(record.months)):
        year = flows[k] - flows[k - 12]
        jobs, study, other = (int(year[became == word].sum()) for word in FINISHED)
        if jobs + other > 0:
            month = record.months[k]
            out["job_retention_all_share"][month] = jobs / (jobs + study + other)
            out["job_retention_excluding_study_share"][month] = jobs / (jobs + other)
    return out


def _traits(record: Record, model: Model, config: RunConfig) -> dict[str, Series]:
    """Premium payment and Japanese level of residents, at half-years (see describe_people).

    Payment is the share of those liable who have no arrears. Debts from an earlier status count
    as far as there are people liable in the present one.
    """
    body = [config.status[name] for name in model.codes.statuses]
    counted = np.array([status.published for status in body])
    paying = config.life.paying_ages
    premiums = {
        "nhi_payment_rate": (1, paying.nhi, np.array([s.liable.nhi for s in body])),
        "pension_payment_rate": (2, paying.pension, np.array([s.liable.pension for s in body])),
    }
    out: dict[str, Series] = {name: {} for name in (*premiums, "language_b1_share")}
    for month, by_status in record.traits.items():
        for name, (column, ages, share) in premiums.items():
            people = record.ages[month].sum(axis=1) @ _of_ages(ages, record.ages[month].shape[2])
            liable = (people * share)[counted]
            if liable.sum() > 0:
                behind = np.minimum(by_status[counted, column], liable)
                out[name][month] = float(1.0 - behind.sum() / liable.sum())
        traits = by_status[counted].sum(axis=0)
        out["language_b1_share"][month] = float(traits[7:9].sum() / max(traits[0], 1))
    return out


def _of_ages(ages: list[int], bands: int) -> np.ndarray:
    """float64[bands]: part of each five-year band that lies in the ages, first and last."""
    lowest = 5.0 * np.arange(bands)
    first, after = float(ages[0]), float(ages[1] + 1)
    return np.clip(np.minimum(lowest + 5.0, after) - np.maximum(lowest, first), 0.0, 5.0) / 5.0


def _cohorts(record: Record, counted: np.ndarray) -> dict[str, Series]:
    """Share of the newcomers of a half-year who are residents 1, 3, 5 and 10 years later.

    counted: bool[S], statuses inside the total. Known for those who came in the run: who came
    before is in the opening only if still there.
    """
    came = np.cumsum([c.sum() + b.sum() for c, b in zip(record.came, record.brought, strict=True)])
    place = {month: k for k, month in enumerate(record.months)}
    out: dict[str, Series] = {f"retention_{years}y_share": {} for years in YEARS}
    for month, cohorts in record.cohorts.items():
        there = cohorts[counted].sum(axis=0)
        for k, years in enumerate(YEARS):
            last = place.get(month - 12 * years)
            before = place.get(month - 12 * years - WINDOW)
            if last is not None and before is not None and came[last] > came[before]:
                share = int(there[k]) / int(came[last] - came[before])
                out[f"retention_{years}y_share"][month] = share
    return out
