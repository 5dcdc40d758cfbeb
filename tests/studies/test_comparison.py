"""Questions, paired differences, packages and histories, on figures made by hand or tiny runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from sim.agents.population import FIELDS
from sim.core.errors import ConfigError
from sim.model import model as model_module
from sim.outputs.indicators import Described, Row
from sim.studies.comparison.effects import (
    Arms,
    Design,
    arms_of,
    effects_table,
    estimate,
    pairing_table,
    values_table,
)
from sim.studies.comparison.histories import LEFT_OUT, Histories, equal_share
from sim.studies.comparison.packages import (
    Package,
    changes,
    decomposition_table,
    packages_among,
    parted,
    switches,
)
from sim.studies.comparison.question import question_of
from sim.studies.comparison.scorecard import EARLY, MISSING, SIMULATED, scorecard_table
from sim.studies.comparison.series import (
    Finished,
    Line,
    compared,
    load,
    refusals,
    top_tenth,
)
from tests.helpers import civic, tiny

MONTHS = pd.to_datetime(["2030-11-01", "2030-12-01"])


def edit(path: str, times: float, since: str = "2026-01") -> dict[str, object]:
    return {"paths": [path], "since": since, "multiply": times}


STAY = {"stay": edit("worker.monthly.leave", 0.7)}
FEWER = {"fewer": edit("arrivals.learner", 0.8)}


def scenario(name: str, edits: dict[str, object]) -> dict[str, object]:
    return {"name": name, "title": tiny.label(name), "edits": edits}


def table(values: dict[str, list[float]], months: pd.DatetimeIndex = MONTHS) -> pd.DataFrame:
    """Series of one run: indicator -> value by month."""
    rows = [(m, name, "all", "all", v) for name, line in values.items()
            for m, v in zip(months, line, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["month", "indicator", "by", "group", "value"])


def by_hand(**values: list[float]) -> Arms:
    """Arms with one indicator in one month: arm -> value in each replicate."""
    last = MONTHS[-1:]
    runs = {a: [table({"x": [v]}, last) for v in line] for a, line in values.items()}
    return arms_of(runs, Design(0.95))


def test_a_question_is_read():
    asked = question_of(
        ["scenario=[a, b]", "baseline=b", "replicates=3", "scale=0.1", "years=2040,2030",
         "arm.more=scenario=a status.x.y=0.5", "hydra/launcher=basic", "figures=false"]
    )  # fmt: skip
    assert [arm.name for arm in asked.arms] == ["b", "a", "more"]
    assert asked.arm("more").words == ("scenario=a", "status.x.y=0.5")
    assert asked.years == (2030, 2040)
    assert (asked.replicates, asked.words) == (3, ("scale=0.1",))
    assert asked.design == Design(0.8, True, 3)
    alone = question_of(["scenario=a,b", "draws=none"])
    assert (alone.replicates, alone.design) == (8, Design(0.95))
    assert question_of(["scenario=a,b"]).design == Design(0.8, True, 5)
    assert asked.launcher == {"hydra/launcher": "basic"}
    assert not asked.figures


def test_everything_wrong_with_a_question_is_said_at_once():
    words = ["scenario=a,a", "replicates=1", "baseline=z", "years=31", "confidence=95",
             "replicate=4", "sweep.n=3", "arm.q=", "decompose=z", "figures=maybe",
             "draws=some"]  # fmt: skip
    with pytest.raises(ConfigError) as error:
        question_of(words)
    for part in ("a stands there twice", "replicates=1", "baseline=z", "years=31", "confidence=95",
                 "replicate=4", "sweep.n=3", "arm.q", "decompose=z", "figures=maybe",
                 "draws=some"):  # fmt: skip
        assert any(part in problem for problem in error.value.problems), part
    with pytest.raises(ConfigError, match="nothing to compare"):
        question_of(["scenario=a"])


def test_intervals_are_students():
    sample = np.array([[1.0, 5.0], [2.5, 5.0], [4.5, 5.0]])
    got = estimate(sample, Design(0.9))
    known = stats.ttest_1samp(sample[:, 0], 0.0).confidence_interval(0.9)
    assert got.mean[0] == pytest.approx(8 / 3)
    assert (got.low[0], got.high[0]) == pytest.approx((known.low, known.high))
    assert (got.mean[1], got.se[1], got.low[1], got.high[1]) == (5.0, 0.0, 5.0, 5.0)


def test_intervals_cover_as_often_as_they_say():
    draws = np.random.default_rng(5).normal(3.0, 2.0, (6, 20_000))
    got = estimate(draws, Design(0.8))
    assert held(got.low, got.high, np.full(20_000, 3.0)) == AS_SAID


MANY = 20_000
AS_SAID = pytest.approx(0.8, abs=4 * np.sqrt(0.16 / MANY))


def held(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> float:
    return float(((low <= truth) & (truth <= high)).mean())


def planted(replicates: int, again: int, by_draw: float, by_seed: float) -> dict[str, np.ndarray]:
    """Effects with these standard deviations, float64[R + again, N]; the mean of their draws; and
    one more effect."""
    rng = np.random.default_rng(11)
    draws = 5.0 + by_draw * rng.standard_normal((replicates + 1, MANY))
    effects = draws + by_seed * rng.standard_normal(draws.shape)
    twins = draws[:again] + by_seed * rng.standard_normal((again, MANY))
    return {"effects": np.concatenate([effects[:-1], twins]), "next": effects[-1],
            "mean": draws[:-1].mean(axis=0)}  # fmt: skip


@pytest.mark.parametrize(
    ("replicates", "again", "by_draw", "by_seed"),
    [(20, 5, 3.0, 2.0), (20, 5, 0.0, 2.0), (9, 3, 5.0, 0.5), (5, 3, 3.0, 2.0)],
)
def test_the_outer_interval_holds_one_more_effect_and_the_inner_one_the_mean_without_random_numbers(
    replicates, again, by_draw, by_seed
):
    made = planted(replicates, again, by_draw, by_seed)
    got = estimate(made["effects"], Design(0.8, True, again))
    assert held(got.low, got.high, made["next"]) == AS_SAID
    assert (
        0.79 < held(got.random_low, got.random_high, made["mean"]) < (0.81 if again > 3 else 0.83)
    )
    width = (got.random_high - got.random_low).mean() / (got.high - got.low).mean()
    assert width < (0.6 if by_draw else 0.9)


def test_the_outer_interval_of_skewed_effects_holds_as_often():
    """Where replicates are enough it asks for no normal distribution; Student's would hold 88 %."""
    draws = np.exp(1.2 * np.random.default_rng(2).standard_normal((21, MANY)))
    got = estimate(draws[:-1], Design(0.8, drawn=True))
    assert held(got.low, got.high, draws[-1]) == AS_SAID
    assert np.isnan(got.random_low).all()


def test_fewer_than_three_replicates_have_no_interval():
    two = np.array([[1.0, 4.0], [3.0, 4.0]])
    for design in (Design(0.8), Design(0.8, True)):
        got = estimate(two, design)
        assert got.mean.tolist() == [2.0, 4.0]
        assert np.isnan(np.array(got[2:])).all()
    one = estimate(two[:1], Design(0.8))
    assert one.mean.tolist() == [1.0, 4.0]
    assert np.isnan(np.array(one[1:])).all()


def test_effects_are_paired_and_named():
    base = [table({"x": [v, v], "y": [v, 0.0]}) for v in (10.0, 30.0)]
    other = [table({"x": [v, v + 1], "y": [2 * v, 0.0]}) for v in (10.0, 30.0)]
    arms = arms_of({"base": base, "new": other}, Design(0.95))
    got = effects_table(arms, [MONTHS[1]])
    x = got[got["indicator"] == "x"].set_index("month")
    assert x["effect"].tolist() == [0.0, 1.0]
    assert x["se"].tolist() == [0.0, 0.0]
    assert x["named"].tolist() == [False, True]
    assert x["year"].tolist() == [2030, 2030]
    assert x["baseline_value"].tolist() == [20.0, 20.0]
    y = got[(got["indicator"] == "y") & (got["month"] == MONTHS[0])].iloc[0]
    assert (y["effect"], y["se"], y["replicates"]) == (20.0, 10.0, 2)


def test_rows_that_one_arm_lacks_are_left_out():
    base = [table({"x": [1.0, 1.0]})] * 2
    other = [table({"x": [1.0, 2.0], "new": [1.0, 2.0]})] * 2
    arms = arms_of({"base": base, "other": other}, Design(0.95))
    assert set(effects_table(arms, [])["indicator"]) == {"x"}
    values = values_table(arms, [])
    assert set(values.loc[values["arm"] == "other", "indicator"]) == {"x", "new"}


def test_the_ratio_is_unpaired_over_paired_variance():
    arms = by_hand(base=[1.0, 5.0, 9.0], new=[2.0, 6.0, 13.0], same=[1.0, 5.0, 9.0])
    got = pairing_table(arms, [])
    assert list(got["arm"]) == ["new"]  # a difference that never varies has no ratio
    unpaired = np.var([1, 5, 9], ddof=1) + np.var([2, 6, 13], ddof=1)
    assert got["ratio"].iloc[0] == pytest.approx(unpaired / np.var([1, 1, 4], ddof=1))


def test_a_package_is_its_parts_and_what_is_between_them():
    arms = by_hand(base=[0.0, 1.0], a=[2.0, 3.0], b=[5.0, 6.0], ab=[10.0, 9.0])
    package = Package("ab", "ab", "base", {"a": "a", "b": "b"}, {"a": "b", "b": "a"})
    got = decomposition_table(arms, [package], list(MONTHS))
    effect = {(r["kind"], r["part"]): r["effect"] for r in got.to_dict("records")}
    assert effect == {
        ("package", "ab"): 9.0, ("alone", "a"): 2.0, ("alone", "b"): 5.0,
        ("left out", "a"): 4.0, ("left out", "b"): 7.0, ("interaction", "interaction"): 2.0,
    }  # fmt: skip


def test_a_sum_of_arms_is_recognised():
    made = {
        "none": tiny.config(scenario=scenario("none", {})),
        "stay": tiny.config(scenario=scenario("stay", STAY)),
        "fewer": tiny.config(scenario=scenario("fewer", FEWER)),
        "both": tiny.config(scenario=scenario("both", STAY | FEWER)),
        "other": tiny.config(scenario=scenario("other", {"stay": edit("worker.*", 0.5)})),
    }
    (package,) = packages_among(made)
    assert (package.name, package.none, set(package.alone)) == ("both", "none", {"stay", "fewer"})
    assert changes(made["none"], tiny.config(scenario=scenario("named_otherwise", {}))) == set()


def test_a_scenario_comes_apart_into_what_the_baseline_has_not():
    base = tiny.config(scenario=scenario("base", STAY))
    more = {"third": edit("hidden.monthly.leave", 2.0)}
    whole = tiny.config(scenario=scenario("whole", STAY | FEWER | more))
    off = switches(whole, base)
    assert off == {"fewer": "~scenario.edits.fewer", "third": "~scenario.edits.third"}
    asked = question_of(["scenario=base,whole", "decompose=whole"])
    arms, (package,) = parted(asked, {"base": base, "whole": whole})
    assert len(arms) == 3  # none, and each of two parts alone, which leaves the other one out
    assert package.alone["fewer"] == package.without["third"]
    assert arms[0].words == ("scenario=whole", *off.values())
    with pytest.raises(ConfigError, match="two or more"):
        parted(question_of(["scenario=whole,base", "decompose=base"]),
               {"base": base, "whole": whole})  # fmt: skip


def watched(change: dict[str, object], replicate: int = 0, order: int | None = None):
    """Keys and digests of a tiny run of a year."""
    people = tiny.columns(600)
    cfg = tiny.config(scenario=scenario("x", change), end="2026-06", replicate=replicate)
    state = tiny.state(cfg, people)
    if order is not None:
        state.people.permute(np.random.default_rng(order).permutation(600))
    model = model_module.Kyosei(cfg, state=state)
    histories = Histories()
    histories(model)
    model.run(histories)
    return histories.result()


def test_equal_runs_have_equal_histories_in_any_order_of_rows():
    first, again = watched({}), watched({}, order=3)
    people, equal = equal_share(first, again)
    assert people == equal == first[0].size > 600
    assert np.all(np.diff(first[0].astype(object)) > 0)


def test_whose_row_was_taken_twice_in_a_month_is_met_once():
    """Born and gone with the mother, and the row taken again: the key would be there twice."""
    model, histories = tiny.model(tiny.config(end="2025-12"), tiny.columns(600)), Histories()
    histories(model)
    model.step()
    people = model.state.people
    assert people.newcomers.size > 0
    people._taken.append(people.newcomers)
    histories(model)
    keys, _ = histories.result()
    assert np.unique(keys).size == keys.size


def test_histories_part_only_from_the_month_of_a_rule():
    first = watched({})
    assert equal_share(first, watched({"x": edit("*.monthly.leave", 2.0, "2026-07")}))[1] == len(
        first[0]
    )
    people, equal = equal_share(first, watched({"x": edit("worker.monthly.leave", 3.0)}))
    assert 0.8 < equal / people < 1.0
    people, equal = equal_share(first, watched({}, replicate=1))
    assert equal / people < 0.1


@pytest.mark.parametrize("column", sorted(set(FIELDS) - LEFT_OUT))
def test_one_changed_column_in_one_month_is_seen(column):
    class Nudge(Histories):
        def __call__(self, model):
            row = int(np.flatnonzero(model.state.people.alive)[0])
            values = model.state.people[column]
            nudged = model.date == "2025-09"
            values[row] ^= nudged
            super().__call__(model)
            values[row] ^= nudged

    cfg = tiny.config(end="2025-12")
    digests = []
    for kind in (Histories, Nudge):
        model = tiny.model(cfg, tiny.columns(50, ["permanent"]))
        histories = kind()
        histories(model)
        model.run(histories)
        digests.append(histories.result())
    people, equal = equal_share(*digests)
    assert people - equal == 1


def test_who_is_in_one_run_only_is_not_equal():
    one = np.array([1, 2, 3], np.uint64), np.array([7, 8, 9], np.uint64)
    other = np.array([2, 3, 4], np.uint64), np.array([8, 0, 9], np.uint64)
    assert equal_share(one, other) == (4, 1)


@pytest.mark.parametrize("change", [STAY, FEWER], ids=["rates", "arrivals"])
def test_paired_luck_saves_at_least_twenty_times_the_runs(change):
    """Residents summed over the last year, 12 paired replicates of a tiny country."""
    lines: dict[str, list[float]] = {"none": [], "new": []}
    people = tiny.columns(3000)
    for replicate in range(12):
        for name, edits in (("none", {}), ("new", change)):
            cfg = tiny.config(
                {"arrivals.channels.worker.sigma": 0.1, "arrivals.channels.learner.sigma": 0.1},
                scenario=scenario(name, edits), replicate=replicate,
                arrivals=tiny.raw()["arrivals"] | {"shocks": True},
            )  # fmt: skip
            record = tiny.model(cfg, people).run()
            lines[name].append(float(sum(cube.sum() for cube in record.cubes[-12:])))
    ratio = pairing_table(by_hand(**lines), [])["ratio"].iloc[0]
    assert ratio >= 20.0


def test_the_scorecard_lists_what_is_not_simulated():
    arms = by_hand(base=[1.0, 2.0], new=[2.0, 3.0])
    renamed = arms.index.set_levels(["immigration_backlog"], level="indicator")
    arms = replace(arms, index=renamed)
    values, effects = values_table(arms, []), effects_table(arms, [])
    known = {"immigration_backlog": Described(
        "immigration_backlog", "Cases", scorecard=Row("implementability", "Backlog"))}  # fmt: skip
    known |= compared(tiny.config())
    card = scorecard_table(values, effects, list(MONTHS), known)
    card = card.set_index(["title", "arm", "month"])
    row = card.loc[("Backlog", "new", MONTHS[1])]
    assert (row["state"], row["indicator"]) == (SIMULATED, "immigration_backlog")
    assert (row["mean"], row["effect"]) == (2.5, 1.0)
    assert card.loc[("Backlog", "new", MONTHS[0])]["state"] == EARLY
    assert card.loc[("Opposed among the public", "new", MONTHS[1])]["state"] == MISSING
    assert card.loc[("10-year retention rate", "base", MONTHS[1])]["state"] == EARLY


class Folder(Finished):
    """A finished run with these tables and these values of indicators."""

    def __init__(
        self, lines: dict[str, Line] | None = None, months: np.ndarray | None = None,
        **tables: pa.Table,
    ) -> None:  # fmt: skip
        self.__dict__.update(lines=lines or {}, months=months, tables=tables)

    def table(self, name: str) -> pa.Table:
        return self.__dict__["tables"][name]


def test_loads_sum_a_year_of_cases_and_capacity():
    months = np.arange("2030-01", "2031-03", dtype="datetime64[M]").astype("datetime64[D]")
    cases = np.arange(14.0)
    run = Folder({"x_caseload": (months, cases), "x_capacity": (months, np.full(14, 2.0)),
                  "y_caseload": (months, cases)})  # fmt: skip
    line = load(run, "x_caseload", "x_capacity")
    assert line is not None
    when, values = line
    assert np.array_equal(when, months)
    assert values[0] == 0.0
    assert values[3] == (0 + 1 + 2 + 3) / 8
    assert values[13] == cases[2:].sum() / 24
    assert load(run, "y_caseload", "y_capacity") is None, "no capacity, so no load"


def test_every_queue_and_the_desks_have_a_load():
    known = compared(civic.config())
    loads = {name for name in known if name.endswith("_load_rate")}
    cases = {name for name in known if name.endswith("_caseload")}
    assert loads == {name.replace("_caseload", "_load_rate") for name in cases} | {
        "desks_of_top_tenth_load_rate"}  # fmt: skip
    assert {known[name].unit for name in loads} == {"share"}


def test_the_most_loaded_tenth_is_of_municipalities_with_desks():
    months = np.repeat(np.array(["2030-12-01", "2031-12-01"], "datetime64[D]"), 30)
    load = np.concatenate([np.arange(30.0), np.zeros(30)])
    capacity = np.tile(np.r_[np.zeros(10), np.full(20, 2.0)], 2)
    table = pa.table({"month": months, "caseload": load * capacity, "capacity": capacity})
    line = top_tenth(Folder(municipalities=table))
    assert line is not None
    when, values = line
    assert when.size == 2
    assert values.tolist() == [28.5, 0.0]  # two of the twenty that have one
    assert top_tenth(Folder(municipalities=pa.table({"month": months}))) is None


def test_refusals_are_counted_by_what_fates_are_called():
    months = np.array(["2030-01-01", "2030-02-01", "2030-03-01"], "datetime64[D]")
    reason = pa.array(["leave", "refused_x", "refused_x", "refused_y"]).dictionary_encode()
    flows = pa.table({"month": months[[1, 1, 2, 2]], "reason": reason,
                      "people": [9.0, 1.0, 2.0, 4.0]})  # fmt: skip

    line = refusals(Folder(flows=flows, months=months))
    assert line is not None
    when, people = line
    assert when.tolist() == months[1:].tolist()
    assert people.tolist() == [1.0, 6.0]
    leaves = flows.set_column(1, "reason", pa.array(["leave"] * 4).dictionary_encode())
    assert refusals(Folder(flows=leaves, months=months)) is None
