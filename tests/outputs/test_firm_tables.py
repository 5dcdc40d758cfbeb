"""The table, indicators, figure and summary of firms, from a record made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.agents.firms import COUNTS
from sim.agents.record import Record
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.figures.firms import draw_firms
from sim.figures.look import look_of
from sim.outputs.indicators import catalogue
from sim.outputs.outcome import Outcome
from sim.outputs.summary import firms_fit, work_summary
from sim.outputs.tables import firms
from tests.helpers import tiny
from tests.helpers.firm_world import config


def record(months: int = 19) -> Record:
    """Every sector grows by ten workers a month; caps stop three people in month 15."""
    body, made = config().firms, Record()
    k, z, u = len(body.sectors), len(body.sizes), len(body.statuses)
    t, f = len(body.tiers), len(body.fields)
    start = month_index("2025-06")
    for n in range(months):
        made.months.append(start + n)
        made.jobs.append(np.tile([100, 1000 + 10 * n, 30, 20], (k, 1)))
        work = np.zeros((t, len(COUNTS)), np.int64)
        work[:, COUNTS.index("hired")], work[:, COUNTS.index("crossed")] = 8, 2
        work[:, COUNTS.index("employed")] = 2600
        made.work.append(work)
        made.capped.append(np.zeros((t, f), np.int64))
        made.support.append(1000.0)
        kinds = np.zeros((k, z, u, 3), np.int64)
        kinds[:, 0, 0] = 100, 1000 + 10 * n, 20
        made.firms[start + n] = kinds
    made.capped[15][1, 0] = 3
    return made


def outcome(made: Record, cfg: RunConfig, scale: float) -> Outcome:
    """A run with this record; nothing that is said of firms depends on its rates."""
    rates = tiny.state(tiny.config(), tiny.columns(1)).rates
    return Outcome(made, rates, cfg.model_copy(update={"scale": scale}))


def of_firms(run: Outcome) -> dict[str, dict[int, float]]:
    known = catalogue(run.config).items()
    return {name: one.of(run) for name, one in known if one.needs == "firms"}


def test_the_table_has_a_row_for_each_kind_of_firm_and_year():
    made = record()
    ends = (month_index("2025-06"), month_index("2025-12"), month_index("2026-12"))
    made.places.update(dict.fromkeys(ends, np.zeros((1, 1))))
    table = firms(outcome(made, config(), 0.5)).to_pandas()
    assert len(table) == 3 * len(config().firms.sectors)
    first = table.iloc[0]
    assert (first["sector"], first["size"], first["status"]) == (
        "agriculture",
        "under_30",
        "ordinary",
    )
    assert (first["firms"], first["workers"], first["vacancies"]) == (200.0, 2000.0, 40.0)


def test_indicators_are_weighted_and_flows_begin_after_the_opening():
    made = record()
    out = of_firms(outcome(made, config(), 0.5))
    n, start = len(config().firms.sectors), made.months[0]
    assert out["workers"][start] == 2000.0 * n
    assert start not in out["hired"]
    assert out["hired"][start + 1] == 2 * 8 * len(config().firms.tiers)
    assert out["hired_across_share"][start + 1] == 0.25
    assert out["jobs_filled_share"][start + 1] == pytest.approx(1010 / 1030)
    assert out["support_cost"][start] == pytest.approx(0.012)


def test_a_run_without_firms_says_nothing():
    made = Record(months=[0])
    made.jobs.append(np.zeros((0, 4), np.int64))
    made.firms[0], made.places[0] = np.zeros((0, 0, 0, 3), np.int64), np.zeros((1, 1))
    nobody: RunConfig = tiny.config()
    assert of_firms(outcome(made, nobody, 1.0)) == {}
    assert not any(of_firms(outcome(made, config(), 1.0)).values())
    assert firms(outcome(made, nobody, 1.0)).num_rows == 0
    assert work_summary(made, nobody, 1.0) == ""


def test_the_summary_says_which_caps_bound_and_when():
    text = work_summary(record(), config(), 0.5)
    assert "2026-12" in text
    assert "Specified skilled (i), Agriculture and fisheries: 1 months from 2026-09" in text
    assert "turning away 6 a month" in text
    assert "25.0%" in text, "a quarter of the hired changed prefecture"
    fit = firms_fit({"workers_sector": {"worst": -12.0, "relative": -0.1, "at": "care"}, "x": {}})
    assert "workers sector" in fit
    assert "-10.0%" in fit


def test_the_figure_draws_a_line_for_each_sector():
    made = record()
    ends = (month_index("2025-06"), month_index("2025-12"), month_index("2026-12"))
    made.places.update(dict.fromkeys(ends, np.zeros((1, 1))))
    frame = firms(outcome(made, config(), 1.0)).to_pandas(date_as_object=False)
    figure = draw_firms(frame, look_of(config(), "0" * 16))
    assert [len(ax.lines) for ax in figure.axes] == [len(config().firms.sectors)] * 3
    assert "1,300 establishments" in figure.texts[1].get_text()
