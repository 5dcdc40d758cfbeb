"""Indicators worked out by hand: job retention, premiums, and that stocks and flows agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.agents.population import HOLE
from sim.agents.record import HALF_YEAR, Record
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.outputs.indicators import catalogue, indicator, indicators
from sim.outputs.outcome import Outcome
from sim.rates.tables import Rates
from tests.helpers import civic, tiny

START = month_index(tiny.START)
FINISHERS = {
    "status.learner.at_end.work.finisher": "job",
    "status.learner.at_end.next_course.finisher": "study",
    "status.learner.at_end.leave.finisher": "other",
}


def tables(change: dict[str, Any] | None = None) -> tuple[Rates, RunConfig]:
    cfg = tiny.config(change)
    return tiny.state(cfg, tiny.columns(5)).rates, cfg


def record_of(model: Rates, months: int) -> Record:
    """Empty books of a number of months after the opening."""
    s = len(model.codes.statuses)
    zero = np.zeros(s, np.int64)
    cube = np.ones((s, 2, 3), np.int32)
    record = Record(months=[START + k for k in range(months + 1)])
    for _ in record.months:
        record.cubes.append(cube)
        record.flows.append(np.zeros(model.kinds, np.int64))
        for column in (record.came, record.brought, record.born):
            column.append(zero)
    return record


def traits_of(model: Rates, people: dict[tuple[str, int], int], owing: dict[str, int]) -> Record:
    """Books of one month: people by (status, age band), and how many of a status owe for health."""
    record, names = record_of(model, 0), model.codes.statuses
    ages, traits = np.zeros((len(names), 2, 23), np.int32), np.zeros((len(names), 9), np.int32)
    for (status, band), count in people.items():
        ages[names.index(status), 0, band] = count
        traits[names.index(status), 0] += count
    for status, count in owing.items():
        traits[names.index(status), 1] = count
    record.ages[START], record.traits[START] = ages, traits
    return record


def rate(name: str, record: Record, model: Rates, cfg: RunConfig) -> float | None:
    return catalogue(cfg)[name].of(Outcome(record, model, cfg)).get(START)


def retention(record: Record, model: Rates, cfg: RunConfig) -> dict[str, dict[int, float]]:
    run = Outcome(record, model, cfg)
    names = ("job_retention_all_share", "job_retention_excluding_study_share")
    return {name: catalogue(cfg)[name].of(run) for name in names}


def finishing(model: Rates, record: Record, month: int, **people: int) -> None:
    paths = [name.path for name in model.names]
    for name, count in people.items():
        record.flows[month][paths.index(f"learner.at_end.{name}")] = count


def test_retention_by_both_definitions_over_twelve_months():
    model, cfg = tables(FINISHERS)
    record = record_of(model, 13)
    finishing(model, record, 1, work=30, next_course=40, leave=30)
    finishing(model, record, 13, work=10, next_course=0, leave=10)
    found = retention(record, model, cfg)
    first, last = START + 12, START + 13
    assert found["job_retention_all_share"] == {first: 30 / 100, last: 10 / 20}
    assert found["job_retention_excluding_study_share"] == {first: 30 / 60, last: 10 / 20}


def test_who_is_not_said_to_finish_does_not_count():
    model, cfg = tables({"status.learner.at_end.work.finisher": "job"})
    record = record_of(model, 12)
    finishing(model, record, 5, work=3, next_course=50, leave=50)
    assert retention(record, model, cfg)["job_retention_all_share"] == {START + 12: 1.0}


def test_without_finishers_there_is_no_retention():
    model, cfg = tables()
    record = record_of(model, 24)
    finishing(model, record, 5, work=3, next_course=50, leave=50)
    assert not any(retention(record, model, cfg).values())
    assert "job_retention_all_share" not in indicators(Outcome(record, model, cfg))


def test_payment_divides_by_those_liable():
    model, cfg = tables()  # half of those aged 18 to 74 are liable in each status
    record = traits_of(model, {("worker", 5): 100, ("permanent", 8): 60}, {"worker": 20})
    assert rate("nhi_payment_rate", record, model, cfg) == pytest.approx(1 - 20 / 80)


def test_children_and_the_old_are_not_liable_and_bands_are_cut():
    model, cfg = tables()
    # Bands 15-19 and 70-74 of the health insurance: two fifths of the first, all of the second.
    people = {("worker", 1): 500, ("worker", 3): 50, ("worker", 14): 20, ("worker", 15): 300}
    record = traits_of(model, people, {"worker": 4})
    assert rate("nhi_payment_rate", record, model, cfg) == pytest.approx(1 - 4 / 20)


def test_debts_count_as_far_as_people_are_liable():
    model, cfg = tables({"status.worker.liable.nhi": 0.1})
    record = traits_of(model, {("worker", 5): 100, ("permanent", 5): 100}, {"worker": 40})
    assert rate("nhi_payment_rate", record, model, cfg) == pytest.approx(1 - 10 / 60)


def test_outsiders_do_not_count_and_nobody_liable_has_no_rate():
    nobody = {f"status.{s}.liable.nhi": 0.0 for s in tiny.STATUSES if s != "hidden"}
    model, cfg = tables(nobody)
    record = traits_of(model, {("worker", 5): 100, ("hidden", 5): 100}, {"hidden": 100})
    assert rate("nhi_payment_rate", record, model, cfg) is None


def test_a_run_has_every_indicator_and_they_agree_with_its_people():
    cfg = tiny.config(FINISHERS, scale=0.5)
    model = tiny.model(cfg, tiny.columns(4000))
    record = model.run()
    found = indicators(Outcome.of(model))
    later = {"retention_3y_share", "retention_5y_share", "retention_10y_share"}
    assert list(found) == [name for name in catalogue(cfg) if name not in later]
    last = record.months[-1]
    people = model.state.people
    alive = people["status"][people["status"] != HOLE]
    inside = alive[alive != tiny.STATUSES.index("hidden")]
    assert found["residents"][last] == 2 * inside.size
    assert found["irregular"][last] == 2 * (alive.size - inside.size)
    permanent = (alive == tiny.STATUSES.index("permanent")).sum() / inside.size
    assert found["permanent_share"][last] == found["settled_share"][last] == permanent
    assert START in found["residents"]
    assert START not in found["arrivals"], "nothing flows before the opening"
    shares = [name for name in found if name.endswith(("_share", "_rate"))]
    assert all(0 <= value <= 1 for name in shares for value in found[name].values())


def test_retention_follows_a_cohort_of_entry():
    """Of those who came from July to December 2025, who is there in December 2026."""
    cfg = tiny.config(end="2026-12")
    model = tiny.model(cfg, tiny.columns(500))
    first, last = month_index("2025-07"), month_index("2025-12")
    came: set[int] = set()

    def of_the_cohort() -> set[int]:
        entered, born = model.people["entered"], model.people["born"]
        own = (first <= entered) & (entered <= last) & (entered != born)
        return set(model.people["key"][own].tolist())

    while model.running:
        model.step()
        came |= of_the_cohort() if model.month <= last else set()
    here = of_the_cohort()
    hidden = model.people["status"] == tiny.STATUSES.index("hidden")
    here -= set(model.people["key"][hidden].tolist())
    found = indicators(Outcome.of(model))["retention_1y_share"]
    assert found[month_index("2026-12")] == len(here) / len(came)
    assert len(came) > 1000


def test_indicators_balance():
    cfg = tiny.config()
    model = tiny.model(cfg, tiny.columns(3000))
    model.run()
    found = indicators(Outcome.of(model))
    months = sorted(found["arrivals"])
    came = sum(found["arrivals"][m] + found["births"][m] for m in months)
    went = sum(found["departures"][m] + found["deaths"][m] + found["naturalisations"][m]
               for m in months)  # fmt: skip
    everybody = [found["residents"][m] + found["irregular"][m] for m in (START, months[-1])]
    assert everybody[1] - everybody[0] == came - went


def test_a_name_is_declared_once():
    with pytest.raises(ValueError, match="residents is declared already"):
        indicator("residents", en="Again", ja="", unit="people")(lambda _: {})


@pytest.mark.parametrize("name", sorted(catalogue(civic.config())))
def test_every_indicator_says_what_it_is(name: str):
    one = catalogue(civic.config())[name]
    assert one.en
    assert one.ja
    assert one.unit
    assert one.text.endswith(".")
    assert (one.unit == "share") == name.endswith(("_share", "_rate"))


def test_half_yearly_indicators_are_of_half_years():
    cfg = civic.config()
    model = civic.model(cfg, tiny.columns(2000))
    model.run()
    run = Outcome.of(model)
    for name, one in catalogue(cfg).items():
        months = one.of(run)
        if one.every == HALF_YEAR:
            assert all(month % 12 in (5, 11) for month in months), name
        elif not name.startswith("job_retention"):  # over the twelve months to each
            assert list(months) == run.record.months[0 if one.opening else 1 :], name
