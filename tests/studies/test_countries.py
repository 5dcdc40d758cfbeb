"""Two countries side by side: only shares and rates, entrants followed person by person."""

import pandas as pd
import pytest

from sim.core.errors import ConfigError
from sim.data.load import data_of
from sim.model.model import Kyosei
from sim.studies.countries.measures import _rates
from sim.studies.countries.paths import BECAME, Followed
from sim.studies.countries.settings import Side, sides_of
from sim.studies.finished import compare_finished
from tests.studies.test_finished import run

SMALL = ["draws=none", "replicates=2", "end=2030-08", "scale=0.0005", "threads=1"]


@pytest.fixture(scope="module")
def sides() -> list[Side]:
    return sides_of(SMALL)


@pytest.mark.parametrize("word", ["by=status", "status=student", "scenario=enacted"])
def test_what_cannot_be_compared_is_refused(word: str):
    with pytest.raises(ConfigError, match=r"not the same|has its own"):
        sides_of([*SMALL, word])


def test_one_country_is_not_two():
    with pytest.raises(ConfigError, match="write two of"):
        sides_of([*SMALL, "countries=japan"])


def test_a_lever_is_in_both_countries_or_said_to_be_missing(sides: list[Side]):
    told = [side.compared.levers.keys() | side.compared.missing.keys() for side in sides]
    assert told[0] == told[1]


def test_the_narrow_share_leaves_out_who_is_settled_by_descent(sides: list[Side]):
    month = pd.date_range("2025-07-01", periods=12, freq="MS")
    lines = pd.DataFrame({
        "residents": 1000.0, "settled": 500.0, "settled_share": 0.5, "permanent_grants": 1.0,
        "irregular": 20.0,
    }, index=month)  # fmt: skip
    korea = next(side for side in sides if side.name == "korea")
    people = pd.DataFrame({"overseas_korean": 300.0}, index=month)
    last = _rates(korea, lines, people).iloc[-1]
    assert last["narrow_share"] == pytest.approx(0.2)
    assert last["grants"] == pytest.approx(12.0)
    assert last["irregular"] == pytest.approx(20.0)
    assert "retention" not in last


def test_entrants_of_the_first_year_are_all_accounted_for(sides: list[Side]):
    """Those of the first two months have been followed for five years at the end."""
    korea = next(side for side in sides if side.name == "korea")
    model = Kyosei(korea.config, data_of(korea.config))
    followed, came = Followed(korea), []

    def watch(model: Kyosei) -> None:
        followed(model)
        if model.state.month > month and len(came) < 2:
            new = model.state.people.newcomers
            status = model.state.people["status"][new]
            rotation = [model.config.country.statuses.index(s) for s in korea.compared.rotation]
            came.append(int(pd.Series(status).isin(rotation).sum()))

    month = model.state.month
    watch(model)
    model.run(watch)
    assert followed.counts[0].sum() == sum(came) > 0
    assert followed.counts[0][BECAME.index("gone")] > 0
    assert followed.counts[1:].sum() == 0
    assert (followed.waits > 0).all()


def test_runs_of_two_countries_are_not_subtracted(tmp_path):
    for name in ("japan", "korea"):
        run(tmp_path / name, 0, [1.0, 2.0, 3.0], country=name)
    with pytest.raises(ConfigError, match="kyosei countries"):
        compare_finished(tmp_path / "japan", tmp_path / "korea")
