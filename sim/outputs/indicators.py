"""Indicators of a run by month. Each is one function that says what it is called and shown as.

To add one: a function under `@indicator`. The table `indicators`, the figure of all indicators,
comparisons, the scorecard and the page of documentation are made from these declarations. Those
that depend on the configuration (one for each queue, say) come from a function under `@family`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from sim.agents.record import BORN, BROUGHT, CAME, FLOWS, HALF_YEAR, MONTH
from sim.config.fates import all_fates
from sim.config.schema.run import OwnIndicator, Residents, RunConfig
from sim.core.errors import ConfigError
from sim.core.sums import product
from sim.figures.look import HIGHER, LOWER, SHARE, Measure
from sim.outputs.outcome import Outcome
from sim.processes.agencies import QUEUES
from sim.processes.survey import (
    COHORTS,
    FARED,
    FINE,
    JOBS,
    SUPPORT,
    TRAITS,
    WINDOW,
    WORK,
    YEARS,
)
from sim.processes.towns import CIVIC

PEOPLE: Final = "people"
PEOPLE_A_MONTH: Final = "people a month"
CASES_A_MONTH: Final = "cases a month"
PLACES: Final = "municipalities"

Values = np.ndarray | Mapping[int, float]
"""float64[T] with a value for each month of the record, or month -> value."""


class Row(NamedTuple):
    """A line of the scorecard: its section, its title, and its place among those of the section
    (the lowest first; lines of one place are in order of declaration)."""

    section: str
    title: str
    place: int = 5


SECTIONS: Final = (
    "settle", "order", "support", "implementability", "satisfaction", "sentiment",
)  # fmt: skip
"""The questions that a policy must answer: who settles, do people comply, are they supported, can
offices do it, how do residents and neighbours feel about it."""


@dataclass(frozen=True)
class Described(Measure):
    """An indicator: its definition, and how it is shown.

    every      MONTH or HALF_YEAR
    text       its definition
    needs      section of the configuration without which it does not exist
    scorecard  its line there, if it has one
    """

    every: str = MONTH
    text: str = ""
    needs: str = ""
    scorecard: Row | None = None


@dataclass(frozen=True)
class Indicator(Described):
    """A number that a run gives by month.

    values     of a run: see Values
    opening    whether there is a value at the opening, where nothing has flowed yet
    capacity   of cases: the indicator of how many can be decided; comparisons show the load
    """

    values: Callable[[Outcome], Values] = field(default=lambda _: {}, repr=False)
    opening: bool = True
    capacity: str = ""

    def of(self, run: Outcome) -> dict[int, float]:
        """Month index -> value."""
        values = self.values(run)
        if isinstance(values, Mapping):
            return {month: float(value) for month, value in values.items()}
        first = 0 if self.opening else 1
        pairs = zip(run.record.months[first:], values[first:], strict=True)
        return {month: float(value) for month, value in pairs}


class Family(NamedTuple):
    """Indicators that the configuration decides on, and the lines of the scorecard they share."""

    members: Callable[[RunConfig], Iterator[Indicator]]
    needs: str
    rows: Sequence[Row]


_DECLARED: Final[list[Indicator | Family]] = []


def _name_taken(name: str) -> bool:
    return any(isinstance(made, Indicator) and made.name == name for made in _DECLARED)


def indicator(
    name: str, *, en: str, ja: str, unit: str, every: str = MONTH, **how: Any
) -> Callable[[Callable[[Outcome], Values]], Callable[[Outcome], Values]]:
    """Declare the indicator that a function computes; its docstring is the definition.

    unit: SHARE for a share of one, else what is counted. how: other fields of Indicator and
    Measure. Raises ValueError if the name is taken.
    """

    def declared(function: Callable[[Outcome], Values]) -> Callable[[Outcome], Values]:
        if _name_taken(name):
            raise ValueError(f"an indicator {name} is declared already")
        text = inspect.getdoc(function) or ""
        _DECLARED.append(
            Indicator(name, en, ja, unit, every=every, text=text, values=function, **how)
        )
        return function

    return declared


def family(
    needs: str, rows: Sequence[Row] = ()
) -> Callable[[Callable[[RunConfig], Iterator[Indicator]]], None]:
    """Declare the indicators that a function makes of a configuration with a section `needs`."""

    def declared(function: Callable[[RunConfig], Iterator[Indicator]]) -> None:
        _DECLARED.append(Family(function, needs, rows))

    return declared


def catalogue(config: RunConfig) -> dict[str, Indicator]:
    """All indicators that runs of a configuration may have, by name, in order of declaration.

    Raises ConfigError if a study's own has the name of another.
    """
    found: dict[str, Indicator] = {}
    for made in _DECLARED:
        if made.needs and getattr(config, made.needs) is None:
            continue
        for one in made.members(config) if isinstance(made, Family) else [made]:
            if one.name in found:
                raise ConfigError(
                    f"indicator.{one.name}\n    is the name of another indicator. Take another one."
                )
            found[one.name] = one
    return found


def scorecard_rows() -> list[Row]:
    """Lines of the scorecard that any configuration may fill, in order of declaration."""
    rows: list[Row] = []
    for made in _DECLARED:
        if isinstance(made, Family):
            rows += made.rows
        elif made.scorecard is not None:
            rows.append(made.scorecard)
    return rows


def indicators(run: Outcome) -> dict[str, dict[int, float]]:
    """indicator -> month index -> value; those without any value are left out."""
    values = {name: one.of(run) for name, one in catalogue(run.config).items()}
    return {name: series for name, series in values.items() if series}


# Stocks, and flows of the month


@indicator("residents", en="Foreign residents", ja="在留外国人", unit=PEOPLE, compare=True)
def residents(run: Outcome) -> Values:
    """Residents at the end of the month whose status is inside the published total."""
    return np.asarray(run.stock[:, run.published].sum(axis=1) / run.scale)


@indicator(
    "settled_share", en="Settled share", ja="定着型在留資格の割合", unit=SHARE, compare=True,
    scorecard=Row("settle", "Settled share"),
)  # fmt: skip
def settled_share(run: Outcome) -> Values:
    """Residents with a settled status, of all inside the published total."""
    return np.asarray(run.stock[:, run.settled].sum(axis=1) / run.total)


@indicator(
    "permanent_share", en="Permanent share", ja="永住者の割合", unit=SHARE,
    scorecard=Row("settle", "Permanent share"),
)  # fmt: skip
def permanent_share(run: Outcome) -> Values:
    """Permanent residents, of all inside the published total."""
    return np.asarray(run.stock[:, run.rates.status.permanent] / run.total)


@indicator(
    "irregular", en="Overstayers", ja="不法残留者", unit=PEOPLE, compare=True, good=LOWER,
    scorecard=Row("order", "Overstayers"),
)  # fmt: skip
def irregular(run: Outcome) -> Values:
    """People who stay without a status of residence, at the end of the month."""
    return np.asarray(run.stock[:, run.rates.status.irregular] / run.scale)


flow = partial(indicator, unit=PEOPLE_A_MONTH, opening=False, summed=True)
"""Declares people who flow in a month; comparisons show their sum since the opening."""


@flow("arrivals", en="Arrivals", ja="入国")
def arrivals(run: Outcome) -> Values:
    """People who come from abroad, on their own account or brought by a family member."""
    came = run.by_month(CAME) + run.by_month(BROUGHT)
    return np.asarray(came.sum(axis=1) / run.scale)


@flow("departures", en="Departures", ja="出国", compare=True)
def departures(run: Outcome) -> Values:
    """Residents who leave the country for good."""
    return run.met(run.by_month(FLOWS), "leave") / run.scale


@flow("births", en="Births of foreign nationals", ja="出生")
def births(run: Outcome) -> Values:
    """Children born as foreign nationals; those born as citizens are not counted."""
    return np.asarray(run.by_month(BORN).sum(axis=1) / run.scale)


@flow("deaths", en="Deaths", ja="死亡")
def deaths(run: Outcome) -> Values:
    """Residents who die."""
    return run.met(run.by_month(FLOWS), "die") / run.scale


@flow("permanent_grants", en="Permanent residence granted", ja="永住許可", compare=True)
def permanent_grants(run: Outcome) -> Values:
    """Residents who change to permanent residence."""
    return run.met(run.by_month(FLOWS), "switch", run.rates.status.permanent) / run.scale


@flow("naturalisations", en="Naturalisations", ja="帰化", compare=True)
def naturalisations(run: Outcome) -> Values:
    """Residents who become citizens."""
    return run.met(run.by_month(FLOWS), "citizen") / run.scale


@flow(
    "gone_missing", en="New overstayers", ja="新規の不法残留", good=LOWER,
    scorecard=Row("order", "New overstayers, so far"),
)  # fmt: skip
def gone_missing(run: Outcome) -> Values:
    """Residents who lose their status and stay."""
    return run.met(run.by_month(FLOWS), "switch", run.rates.status.irregular) / run.scale


# Finishers of courses

FINISHED: Final = ("job", "study", "other")
"""What a finisher of a course becomes; see `finisher` in the schema of fates."""


def finishers(run: Outcome) -> dict[int, tuple[int, int, int]]:
    """Month -> finishers of counted courses in the twelve months to it, by FINISHED.

    Fates say by `finisher` what becomes of those who finish a course that is counted: a job, more
    study, or anything else. Who repeats a year has not finished. Months before the twelfth and
    those without anybody in a job or elsewhere are left out.
    """
    said = {f"{status}.{occasion}.{name}": fate.finisher
            for status, occasion, name, _, fate in all_fates(run.config)}  # fmt: skip
    became = np.array([said.get(name.path) or "" for name in run.rates.names])
    flows = np.cumsum(run.by_month(FLOWS), axis=0)
    out = {}
    for k in range(12, len(run.record.months)):
        year = flows[k] - flows[k - 12]
        jobs, study, other = (int(year[became == word].sum()) for word in FINISHED)
        if jobs + other > 0:
            out[run.record.months[k]] = jobs, study, other
    return out


@indicator(
    "job_retention_all_share", en="Graduates employed in the country", ja="就職率（全修了者）",
    unit=SHARE, compare=True, good=HIGHER,
)  # fmt: skip
def job_retention_all_share(run: Outcome) -> Values:
    """Of those who finished a course in the last twelve months, who took a job in the country."""
    return {m: job / (job + study + other) for m, (job, study, other) in finishers(run).items()}


@indicator(
    "job_retention_excluding_study_share", en="Graduates employed, excluding study",
    ja="就職率（進学者を除く）", unit=SHARE, good=HIGHER,
)  # fmt: skip
def job_retention_excluding_study_share(run: Outcome) -> Values:
    """Of those who finished a course in the last twelve months and did not go on to another one,
    who took a job in the country."""
    return {m: job / (job + other) for m, (job, _, other) in finishers(run).items()}


# Premiums and Japanese


def paying(run: Outcome, premium: str) -> dict[int, float]:
    """Share of those liable for a premium who have no arrears, at half-years.

    Debts from an earlier status count as far as there are people liable in the present one.
    """
    ages = getattr(run.config.life.paying_ages, premium)
    share = np.array([getattr(run.config.status[name].liable, premium) for name in run.statuses])
    out = {}
    for month, traits in run.record.traits.items():
        by_age = run.record.ages[month].sum(axis=1)  # [S, bands]
        people = product(by_age, _of_ages(ages, by_age.shape[1]))
        liable = (people * share)[run.published]
        if liable.sum() > 0:
            owing = np.minimum(traits[run.published, TRAITS.at(f"behind_{premium}")], liable)
            out[month] = float(1.0 - owing.sum() / liable.sum())
    return out


def _of_ages(ages: list[int], bands: int) -> np.ndarray:
    """float64[bands]: part of each five-year band that lies in the ages, first and last."""
    lowest = 5.0 * np.arange(bands)
    first, after = float(ages[0]), float(ages[1] + 1)
    return np.clip(np.minimum(lowest + 5.0, after) - np.maximum(lowest, first), 0.0, 5.0) / 5.0


@indicator(
    "nhi_payment_rate", en="Paying the health premium", ja="国民健康保険料の納付率", unit=SHARE,
    every=HALF_YEAR, compare=True, good=HIGHER,
    scorecard=Row("order", "Paying the health premium", 1),
)  # fmt: skip
def nhi_payment_rate(run: Outcome) -> Values:
    """Of those liable for national health insurance, who has no arrears."""
    return paying(run, "nhi")


@indicator(
    "pension_payment_rate", en="Paying the pension premium", ja="国民年金の納付率", unit=SHARE,
    every=HALF_YEAR, good=HIGHER, scorecard=Row("order", "Paying the pension premium", 1),
)  # fmt: skip
def pension_payment_rate(run: Outcome) -> Values:
    """Of those liable for the national pension, who has no arrears."""
    return paying(run, "pension")


@indicator(
    "language_b1_share", en="Japanese at B1 or above", ja="日本語B1以上", unit=SHARE,
    every=HALF_YEAR, compare=True, good=HIGHER,
    scorecard=Row("support", "Japanese at B1 or above", 1),
)  # fmt: skip
def language_b1_share(run: Outcome) -> Values:
    """Of residents inside the published total, whose Japanese is at level B1 or above."""
    everybody, b1 = TRAITS.at("people"), TRAITS.at("level_3")
    out = {}
    for month, by_status in run.record.traits.items():
        traits = by_status[run.published].sum(axis=0)
        out[month] = float(traits[b1:].sum() / max(traits[everybody], 1))
    return out


# Cohorts of entry


def still_there(run: Outcome, years: int) -> dict[int, float]:
    """Share of the newcomers of a half-year who are residents so many years later.

    Known for those who came in the run: who came before is in the opening only if still there.
    """
    came = np.cumsum((run.by_month(CAME) + run.by_month(BROUGHT)).sum(axis=1))
    place = {month: k for k, month in enumerate(run.record.months)}
    out = {}
    for month, cohorts in run.record.cohorts.items():
        last, before = (place.get(month - 12 * years - gap) for gap in (0, WINDOW))
        if last is not None and before is not None and came[last] > came[before]:
            there = cohorts[run.published, COHORTS.at(f"after_{years}_years")].sum()
            out[month] = int(there) / int(came[last] - came[before])
    return out


for _years in YEARS:

    @indicator(
        f"retention_{_years}y_share",
        en=f"{_years}-year retention rate",
        ja=f"入国{_years}年後の在留率", unit=SHARE, every=HALF_YEAR, compare=_years == 5,
        scorecard=Row("settle", f"{_years}-year retention rate"),
    )  # fmt: skip
    def retention(run: Outcome, years: int = _years) -> Values:
        """Of those who came in one half-year, who is a resident after so many years."""
        return still_there(run, years)


# Firms and work


def jobs(run: Outcome, column: str) -> np.ndarray:
    """int64[T]: a column of JOBS over all sectors; no months in a run without firms."""
    rows = run.by_month(JOBS)
    return np.asarray(rows[:, :, JOBS.at(column)].sum(axis=1))


def work(run: Outcome, column: str) -> np.ndarray:
    """int64[T]: a column of WORK over all tiers."""
    return np.asarray(run.by_month(WORK)[:, :, WORK.at(column)].sum(axis=1))


def if_firms_act(function: Callable[[Outcome], Values]) -> Callable[[Outcome], Values]:
    """Nothing in a run whose firms do not act."""

    def values(run: Outcome) -> Values:
        return function(run) if run.by_month(JOBS).size else {}

    values.__doc__ = function.__doc__
    return values


of_firms = partial(indicator, needs="firms")


@of_firms(
    "firms", en="Establishments with foreign workers", ja="外国人雇用事業所",
    unit="establishments",
)  # fmt: skip
@if_firms_act
def firms(run: Outcome) -> Values:
    """Establishments at the end of the month."""
    return jobs(run, "firms") / run.scale


@of_firms("workers", en="Foreign workers in firms", ja="外国人労働者", unit=PEOPLE)
@if_firms_act
def workers(run: Outcome) -> Values:
    """Foreign workers of these establishments at the end of the month."""
    return jobs(run, "workers") / run.scale


@of_firms(
    "vacancies", en="Jobs that nobody took", ja="未充足求人", unit="jobs", opening=False
)  # fmt: skip
@if_firms_act
def vacancies(run: Outcome) -> Values:
    """Jobs offered in the month that nobody took."""
    return jobs(run, "vacancies") / run.scale


@of_firms("jobs_filled_share", en="Jobs filled", ja="求人充足率", unit=SHARE, opening=False)
@if_firms_act
def jobs_filled_share(run: Outcome) -> Values:
    """Workers, of workers and jobs that nobody took."""
    workers = jobs(run, "workers")
    return workers / np.maximum(workers + jobs(run, "vacancies"), 1)


@of_firms("job_seekers", en="Seeking a job", ja="求職者", unit=PEOPLE, opening=False)
@if_firms_act
def job_seekers(run: Outcome) -> Values:
    """Residents of statuses that ask for a job who have none and look for one."""
    return work(run, "seeking") / run.scale


@of_firms("hired", en="Hired in the country", ja="国内採用", unit=PEOPLE_A_MONTH, opening=False)
@if_firms_act
def hired(run: Outcome) -> Values:
    """Residents who take a job in the month."""
    return work(run, "hired") / run.scale


@of_firms(
    "hired_across_share", en="Hired from another prefecture", ja="県外からの採用", unit=SHARE,
    opening=False,
)  # fmt: skip
@if_firms_act
def hired_across_share(run: Outcome) -> Values:
    """Of those hired in the country, who moves to another prefecture for the job."""
    return work(run, "crossed") / np.maximum(work(run, "hired"), 1)


@of_firms(
    "recruited", en="Recruited abroad", ja="海外からの採用", unit=PEOPLE_A_MONTH, opening=False
)  # fmt: skip
@if_firms_act
def recruited(run: Outcome) -> Values:
    """People recruited abroad who arrive in the month."""
    return work(run, "came") / run.scale


@of_firms(
    "recruitment_capped", en="Recruitments stopped by a cap", ja="上限で止まった採用",
    unit=PEOPLE_A_MONTH, opening=False,
)  # fmt: skip
@if_firms_act
def recruitment_capped(run: Outcome) -> Values:
    """Recruitments abroad that a cap stopped in the month."""
    return work(run, "capped") / run.scale


@of_firms(
    "support_cost", en="What firms spend on support", ja="企業の支援費用",
    unit="billion yen a year",
)  # fmt: skip
@if_firms_act
def support_cost(run: Outcome) -> Values:
    """Spending of firms on the support of their workers, twelve times that of the month."""
    return run.by_month(SUPPORT) * 12 / 1e6


# Municipalities


def civic(run: Outcome, column: str) -> np.ndarray:
    """float64[T]: a column of CIVIC."""
    return np.asarray(run.by_month(CIVIC)[:, CIVIC.at(column)])


of_towns = partial(indicator, needs="town")


@of_towns(
    "opposed_share", en="Opposed to more foreign workers", ja="外国人受入れ拡大に反対",
    unit=SHARE, good=LOWER, scorecard=Row("sentiment", "Opposed among the public"),
)  # fmt: skip
def opposed_share(run: Outcome) -> Values:
    """Share of nationals opposed to more foreign workers, the mean over nationals."""
    return civic(run, "opposed_share")


@family(needs="town", rows=[Row("support", "Support levels of municipalities", 4)])
def towns_level(config: RunConfig) -> Iterator[Indicator]:
    """Municipalities at each level of support."""
    assert config.town is not None
    for k, level in enumerate(config.town.support.levels.values()):
        name = f"towns_level_{k}"
        yield Indicator(
            name, f"Support: {level.label.en}", f"支援水準：{level.label.ja}", PLACES,
            panel=False, text=f"Municipalities whose level of support is: {level.label.en}.",
            values=partial(civic, column=name), needs="town",
            scorecard=Row("support", "Support levels of municipalities", 4),
        )  # fmt: skip


@of_towns(
    "towns_with_classes_share", en="Municipalities with classes", ja="日本語教室のある市区町村",
    unit=SHARE, good=HIGHER, scorecard=Row("support", "Language classes", 3),
)  # fmt: skip
def towns_with_classes_share(run: Outcome) -> Values:
    """Share of municipalities that have Japanese classes."""
    return civic(run, "towns_with_classes_share")


@of_towns(
    "residents_without_classes_share", en="Living without classes", ja="空白地域に住む人",
    unit=SHARE, good=LOWER, scorecard=Row("support", "Language classes", 3),
)  # fmt: skip
def residents_without_classes_share(run: Outcome) -> Values:
    """Share of foreign residents who live in a municipality without Japanese classes."""
    return civic(run, "residents_without_classes_share")


@of_towns("towns_linked", en="Municipalities linked", ja="情報連携済みの市区町村", unit=PLACES)
def towns_linked(run: Outcome) -> Values:
    """Municipalities that take part in the data link with the immigration authority."""
    return civic(run, "towns_linked")


@of_towns(
    "residents_linked_share", en="Living where linked", ja="情報連携済みの市区町村に住む人",
    unit=SHARE,
)  # fmt: skip
def residents_linked_share(run: Outcome) -> Values:
    """Share of foreign residents who live in a municipality that takes part in the data link."""
    return civic(run, "residents_linked_share")


@of_towns(
    "desk_caseload", en="Cases at municipal desks", ja="市区町村窓口の相談", unit=CASES_A_MONTH,
    panel=False, capacity="desk_capacity",
)  # fmt: skip
def desk_caseload(run: Outcome) -> Values:
    """Cases that come to the desks of all municipalities in the month."""
    return civic(run, "desk_caseload")


@of_towns(
    "desk_capacity", en="Capacity of municipal desks", ja="市区町村窓口の処理能力",
    unit=CASES_A_MONTH, panel=False,
)  # fmt: skip
def desk_capacity(run: Outcome) -> Values:
    """Cases that these desks could deal with in the month."""
    return civic(run, "desk_capacity")


@of_towns(
    "desk_backlog", en="Waiting at municipal desks", ja="市区町村窓口の滞留", unit="cases",
    panel=False, good=LOWER, scorecard=Row("implementability", "Backlog", 3),
)  # fmt: skip
def desk_backlog(run: Outcome) -> Values:
    """Cases that wait at these desks at the end of the month."""
    return civic(run, "desk_backlog")


@of_towns(
    "school_missing_share", en="Children in no school", ja="不就学・確認できない子ども",
    unit=SHARE, good=LOWER,
)  # fmt: skip
def school_missing_share(run: Outcome) -> Values:
    """Children of school age in no school or not found; a parameter, which levers change."""
    return civic(run, "school_missing_share")


@of_towns(
    "allowance_leak_share", en="Child allowance paid wrongly", ja="児童手当の誤支給", unit=SHARE,
    good=LOWER,
)  # fmt: skip
def allowance_leak_share(run: Outcome) -> Values:
    """Child allowance paid for children who are not there; a parameter, which levers change."""
    return civic(run, "allowance_leak_share")


def fared(run: Outcome, column: str, unit: int) -> dict[int, float]:
    """Mean over all residents, those without a status included, of a column of FARED."""
    sums = {month: rows.sum(axis=(0, 1)) for month, rows in run.record.fared.items()}
    people, own = FARED.at("people"), FARED.at(column)
    return {month: float(v[own] / (unit * max(v[people], 1))) for month, v in sums.items()}


@of_towns(
    "satisfied_share", en="Satisfied with life in Japan", ja="日本での生活に満足", unit=SHARE,
    every=HALF_YEAR, good=HIGHER, scorecard=Row("satisfaction", "Satisfaction of migrants"),
)  # fmt: skip
def satisfied_share(run: Outcome) -> Values:
    """Mean satisfaction of residents, which permit, job, family, Japanese and sentiment make up."""
    return fared(run, "satisfaction", FINE)


@of_towns(
    "norms_share", en="Took the norms programme", ja="社会規範プログラムを受講", unit=SHARE,
    every=HALF_YEAR, good=HIGHER, scorecard=Row("support", "Programme coverage", 2),
)  # fmt: skip
def norms_share(run: Outcome) -> Values:
    """Residents who have taken the programme on norms and rules."""
    return fared(run, "norms", 1)


# Agencies


def queue(run: Outcome, place: int, column: str) -> np.ndarray:
    """int64[T]: a column of QUEUES of one queue."""
    return np.asarray(run.by_month(QUEUES)[:, place, QUEUES.at(column)])


def months_of_work(run: Outcome, place: int) -> np.ndarray:
    """float64[T]: cases that wait over what can be decided in a month."""
    return queue(run, place, "backlog") / np.maximum(queue(run, place, "capacity"), 1)


class Part(NamedTuple):
    """An indicator that every queue has."""

    name: str
    en: str
    ja: str
    unit: str
    text: str


PARTS: Final = (
    Part("caseload", "cases", "受理", CASES_A_MONTH, "cases that come in the month"),
    Part("decided", "decided", "処理", CASES_A_MONTH, "cases decided in the month"),
    Part("capacity", "capacity", "処理能力", CASES_A_MONTH, "cases that could be decided in it"),
    Part("backlog", "waiting", "滞留", "cases", "cases that wait at its end"),
    Part("waiting", "months of work waiting", "滞留月数", "months",
         "cases that wait, over what can be decided in a month"),
)  # fmt: skip


@family(needs="agency", rows=[Row("implementability", "Backlog", 3)])
def queues(config: RunConfig) -> Iterator[Indicator]:
    """What comes to each queue of an agency, what is decided and what waits."""
    found = [one for agency in (config.agency or {}).values() for one in agency.queues.items()]
    for place, (name, body) in enumerate(found):
        for part in PARTS:
            waits = part.name == "backlog"
            made = partial(queue, place=place, column=part.name)
            if part.name == "waiting":
                made = partial(months_of_work, place=place)
            yield Indicator(
                f"{name}_{part.name}", f"{body.label.en}: {part.en}",
                f"{body.label.ja}：{part.ja}", part.unit, panel=False, good=LOWER * waits,
                text=f"{body.label.en}: {part.text}.", values=made, opening=waits,
                needs="agency", scorecard=Row("implementability", "Backlog", 3) if waits else None,
                capacity=f"{name}_capacity" if part.name == "caseload" else "",
            )  # fmt: skip


# A study's own


def counted(run: Outcome, whom: Residents) -> np.ndarray:
    """int64[T]: some of the residents at the end of each month."""
    codes = run.rates.codes
    named = ((codes.statuses, whom.status), (codes.origins, whom.origin),
             (codes.prefectures, whom.prefecture))  # fmt: skip
    chosen = np.ix_(*(np.array([not some or code in some for code in known])
                      for known, some in named))  # fmt: skip
    return np.array([cube[chosen].sum(dtype=np.int64) for cube in run.record.cubes])


def own_values(body: OwnIndicator, run: Outcome) -> Values:
    """People by month, or their share; no value for a month in which there is nobody in `of`."""
    people = counted(run, body.people)
    if body.of is None:
        return people / run.scale
    whole = counted(run, body.of)
    return {month: count / total for month, count, total
            in zip(run.record.months, people, whole, strict=True) if total}  # fmt: skip


@family("indicator")
def own_indicators(config: RunConfig) -> Iterator[Indicator]:
    """Those that the configuration of a study defines."""
    for name, body in (config.indicator or {}).items():
        yield Indicator(name, body.title.en, body.title.ja, body.unit, text=body.text,
                        values=partial(own_values, body))  # fmt: skip
