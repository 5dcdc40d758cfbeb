"""Indicators of a run by month, from its record."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.agents.record import Record
from sim.config.fates import all_fates
from sim.config.schema.run import RunConfig
from sim.core.sums import product
from sim.processes.survey import FARED, FINE, WINDOW, WORK, YEARS
from sim.processes.towns import CIVIC
from sim.rates.tables import KINDS, Model

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
            by_age = record.ages[month].sum(axis=1)
            people = product(by_age, _of_ages(ages, by_age.shape[1]))
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
        for k, name in enumerate(CIVIC.names):
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
        name: {m: float(v[FARED.at(column)] / (unit * max(v[0], 1))) for m, v in sums.items()}
        for name, (column, unit) in units.items()
    }


WORK_LABELS: Final = {  # indicator: (English, Japanese, unit); shares have none
    "firms": ("Establishments with foreign workers", "外国人雇用事業所", "establishments"),
    "workers": ("Foreign workers in firms", "外国人労働者", "people"),
    "vacancies": ("Jobs that nobody took", "未充足求人", "jobs"),
    "jobs_filled_share": ("Jobs filled", "求人充足率", ""),
}

FIRMS, WORKERS, OFFERED, LEFT = range(4)


def work_indicators(record: Record, scale: float) -> dict[str, Series]:
    """indicator -> month -> value; nothing in a run without firms.

    Jobs filled are workers, of workers and vacancies. At the opening nothing is offered yet.
    """
    if not record.jobs or record.jobs[-1].size == 0:
        return {}
    sums = np.array([jobs.sum(axis=0) for jobs in record.jobs])
    months = record.months
    jobs = np.maximum(sums[:, WORKERS] + sums[:, LEFT], 1)
    work = np.array([counts.sum(axis=0) for counts in record.work])
    count = {name: work[:, k] for k, name in enumerate(WORK.names)}
    values = {
        "firms": sums[:, FIRMS] / scale,
        "workers": sums[:, WORKERS] / scale,
        "vacancies": sums[:, LEFT] / scale,
        "jobs_filled_share": sums[:, WORKERS] / jobs,
        "job_seekers": count["seeking"] / scale,
        "hired": count["hired"] / scale,
        "hired_across_share": count["crossed"] / np.maximum(count["hired"], 1),
        "recruited": count["came"] / scale,
        "recruitment_capped": count["capped"] / scale,
        "support_cost": np.array(record.support) * 12 / 1e6,
    }
    stocks = ("firms", "workers", "support_cost")
    return {
        name: {
            month: float(value)
            for month, value in list(zip(months, line, strict=True))[name not in stocks :]
        }
        for name, line in values.items()
    }
