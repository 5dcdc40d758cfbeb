"""Figures: drawn without a warning, signed with the run, equal in every byte, right in numbers."""

import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace

import matplotlib
import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from sim.figures import flows as plots_flows
from sim.figures import maps as plots_prefectures
from sim.figures import municipalities as plots_municipalities
from sim.figures import settled as plots_settled
from sim.figures import style as plots_style
from sim.figures.indicators import draw_indicators
from sim.figures.look import Label, look_of
from sim.figures.maps import draw_prefectures
from sim.figures.run import FIGURES, draw_all
from sim.figures.style import png_bytes, thousands
from tests.helpers import tiny
from tests.helpers.plot_tables import GRID, LOOK, ROOT, published, tables

NAMES = [
    "residents", "settled", "trajectories", "prefectures",
    "flows", "pyramids", "municipalities", "indicators",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Any warning fails, a missing glyph or a font that matplotlib had to replace above all."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


@pytest.fixture(scope="module")
def drawn() -> dict[str, tuple[Figure, bytes]]:
    figures = draw_all(tables(), published(), LOOK)
    return {name: (figure, png_bytes(figure)) for name, figure in figures.items()}


def texts(figure: Artist) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_every_figure_is_drawn(drawn: dict[str, tuple[Figure, bytes]]):
    assert set(NAMES) <= set(drawn)
    order = [one.name for one in FIGURES]
    assert sorted(drawn, key=order.index) == list(drawn)
    for _, png in drawn.values():
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NAMES)
def test_figures_name_the_run_and_the_scenario(name: str, drawn: dict[str, tuple[Figure, bytes]]):
    footer = "run 0123456789abcdef · scenario: An invented scenario · scale 1, seed 0, replicate 0"
    assert footer in texts(drawn[name][0])


def test_dots_name_their_sources(drawn: dict[str, tuple[Figure, bytes]]):
    assert "Sources: Source of dots." in texts(drawn["trajectories"][0])
    assert "Sources: Source of dots; Source of diamonds." in texts(drawn["residents"][0])
    assert "Sources" not in texts(drawn["flows"][0])


def test_bytes_are_equal_on_repetition_and_under_other_settings(
    drawn: dict[str, tuple[Figure, bytes]],
):
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.grid": False}):
        again = draw_all(tables(), published(), LOOK)
        pngs = {name: png_bytes(figure) for name, figure in again.items()}
    assert [name for name in NAMES if pngs[name] != drawn[name][1]] == []


def test_png_carries_neither_date_nor_version(drawn: dict[str, tuple[Figure, bytes]]):
    for _, png in drawn.values():
        assert b"tIME" not in png
        assert b"Software" not in png


@pytest.mark.parametrize(("start", "months"), [("2025-06", 1), ("2025-06", 2), ("2013-06", 145)])
def test_short_runs_and_runs_over_the_past_are_drawn(start: str, months: int):
    for figure in draw_all(tables(start, months), published(), LOOK).values():
        figure.draw_without_rendering()


def test_tables_without_rows_leave_their_figures_out():
    frames = {name: table if name == "stocks" else table.iloc[:0]
              for name, table in tables().items()}  # fmt: skip
    figures = draw_all(frames, {}, LOOK)
    assert list(figures) == [one.name for one in FIGURES if one.needs == ("stocks",)]
    png_bytes(figures["residents"])


def test_a_missing_glyph_would_be_noticed():
    look = replace(LOOK, scenario="\U0001f5fe")
    figure = plots_style.new_figure((2, 2), "title", "subtitle", look)
    with pytest.raises(UserWarning, match="Glyph"):
        figure.draw_without_rendering()
    with pytest.raises(UserWarning, match="Glyph"):
        png_bytes(figure)


def test_the_fonts_hold_every_name_of_the_configuration_and_the_data():
    with plots_style.house_style():
        paths = matplotlib.font_manager.fontManager._find_fonts_by_props(
            matplotlib.font_manager.FontProperties()
        )
    known = {chr(code) for path in paths for code in FT2Font(path).get_charmap()} | {"\n"}
    files = [*(ROOT / "configs").rglob("*.yaml"), ROOT / "sim/data/japan/municipalities.csv"]
    korean = re.compile("[\uac00-\ud7a3]")  # names that pages show and figures do not draw
    missing = {
        character: path.name
        for path in files
        for character in korean.sub("", path.read_text(encoding="utf-8"))
        if character not in known
    }
    assert missing == {}


def test_months_may_be_dates_text_or_numpy_dates():
    rows = tables(months=3)["stocks"]
    plain = plots_style.people_by(rows, "status")
    assert plain.shape == (3, 5)
    july = rows[(rows["month"] == pd.Timestamp("2025-07-01")) & (rows["status"] == "pr")]
    assert plain.loc["2025-07-01", "pr"] == pytest.approx(july["people"].sum())
    for months in (rows["month"].dt.date, rows["month"].dt.strftime("%Y-%m")):
        pd.testing.assert_frame_equal(
            plots_style.people_by(rows.assign(month=months), "status"), plain
        )


def test_shares_leave_the_irregular_out():
    people = pd.DataFrame(
        {"pr": [30.0], "spouse": [10.0], "engineer": [60.0], "irregular": [900.0]},
        index=pd.DatetimeIndex(["2025-06-01"]),
    )
    assert plots_settled.share(people, LOOK.settled, LOOK).tolist() == [40.0]
    assert plots_settled.share(people, LOOK.permanent, LOOK).tolist() == [30.0]
    assert plots_settled.by_group(people, LOOK).iloc[0].to_dict() == {"stay": 40.0, "work": 60.0}


def test_published_settled_share_is_the_one_everybody_quotes():
    stocks = pd.read_csv(ROOT / "sim/data/japan/stocks_status.csv")
    codes = stocks["status"].unique()
    look = replace(
        LOOK,
        statuses={code: Label(code) for code in codes},
        outside_total=frozenset(),
        settled=frozenset(
            ["permanent_resident", "special_permanent_resident", "long_term_resident",
             "spouse_child_japanese", "spouse_child_permanent_resident"]
        ),
    )  # fmt: skip
    share = plots_settled.share(plots_style.people_by(stocks, "status"), look.settled, look)
    assert round(share["2012-12-01"], 1) == 66.7
    assert round(share["2025-06-01"], 1) == 41.3


def test_flows_take_the_last_year_or_the_one_asked_for():
    flows = tables("2025-06", 30)["flows"]
    last = texts(plots_flows.draw_flows(flows, LOOK))
    assert "December 2026 to November 2027" in last
    assert "24,012 entries, births, changes of status and exits" in last  # 2,001 a month
    assert "in all) are not drawn" in last
    assert "Japan, 2026" in texts(plots_flows.draw_flows(flows, LOOK, year=2026))
    assert "to November 2027" in texts(plots_flows.draw_flows(flows, LOOK, year=2027))  # not whole


def test_flow_nodes_add_up_over_the_statuses_of_a_group(drawn: dict[str, tuple[Figure, bytes]]):
    written = texts(drawn["flows"][0])
    assert "就労  11,400" in written  # from: (300 + 20 + 200 + 30 + 400) x 12
    assert "就労  14,760" in written  # to: (900 + 300 + 30) x 12
    assert "帰化  720" in written


def test_tiles_print_residents_and_growth(drawn: dict[str, tuple[Figure, bytes]]):
    written = texts(drawn["prefectures"][0])
    stocks = tables()["stocks"].query("status != 'irregular' and prefecture == '13'")
    ends = stocks.groupby("month")["people"].sum()
    for text in (
        "Tokyo",
        "東京都",
        f"{ends.iloc[-1]:,.0f}",
        f"×{ends.iloc[-1] / ends.iloc[0]:.2f}",
    ):
        assert text in written


def test_the_tile_grid_has_one_cell_for_each_prefecture():
    assert list(GRID) == [f"{code:02d}" for code in range(1, 48)]
    assert len({(p["row"], p["column"]) for p in GRID.values()}) == 47
    assert {frozenset(p) for p in GRID.values()} == {
        frozenset(["en", "ja", "row", "column", "region"])
    }
    okinawa = GRID["47"]
    others = [p for code, p in GRID.items() if code != "47"]
    assert all(p["row"] < okinawa["row"] and p["column"] > okinawa["column"] for p in others)


def test_indicators_have_their_unit_and_those_that_stay_are_only_named():
    months = pd.date_range("2025-06", periods=3, freq="MS")
    values = {"residents": [1.0, 2.0, 3.0], "settled_share": [0.25] * 3, "unknown": [1.0, 2.0, 4.0]}
    table = pd.concat(pd.DataFrame({"month": months, "indicator": name, "value": line})
                      for name, line in values.items())  # fmt: skip
    figure = draw_indicators(table, pd.DataFrame(), LOOK)
    assert len(figure.axes) == 2
    written = texts(figure)
    assert "The same all the time: Settled share 25 %." in written
    assert "people" in texts(figure.axes[0])
    assert "Unknown" in texts(figure.axes[1]), "its code, as nobody described it"
    assert (
        draw_indicators(table[table["indicator"] == "settled_share"], pd.DataFrame(), LOOK) is None
    )


def test_growth_of_few_simulated_residents_is_in_brackets(drawn: dict[str, tuple[Figure, bytes]]):
    assert "(×" not in texts(drawn["prefectures"][0])
    sample = draw_prefectures(tables()["stocks"], replace(LOOK, scale=0.01))
    assert "(×" in texts(sample)
    assert "fewer than 200 simulated residents" in texts(sample)


def test_numbers_on_an_axis_have_the_digits_that_they_need():
    ax = Figure().subplots()
    ax.set_ylim(0, 1.15)
    thousands(ax.yaxis)
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(shown)) == len(shown)
    ax.set_ylim(0, 3e6)
    thousands(ax.yaxis)
    assert "2,000,000" in [label.get_text() for label in ax.get_yticklabels()]


def test_half_of_the_residents():
    assert plots_municipalities._how_many(pd.Series([50.0, 30.0, 20.0]), 0.5) == 1
    assert plots_municipalities._how_many(pd.Series([40.0, 30.0, 30.0]), 0.5) == 2


def test_labels_move_apart_no_further_than_needed():
    assert plots_style.spread([5.0, 1.0], 1.0, 0.0, 10.0) == [5.0, 1.0]
    assert plots_style.spread([5.0, 5.0], 1.0, 0.0, 10.0) == [4.5, 5.5]
    assert plots_style.spread([10.0, 9.9], 1.0, 0.0, 10.0) == [10.0, 9.0]
    assert plots_style.spread([], 1.0, 0.0, 10.0) == []


@pytest.mark.parametrize(("low", "high"), [(0.93, 1.05), (0.5, 3.3), (6000.0, 870000.0)])
def test_colour_keys_have_a_few_round_ticks(low: float, high: float):
    ticks = plots_prefectures._round_ticks(low, high)
    assert 3 <= len(ticks) <= 8
    assert all(low <= tick <= high and float(f"{tick:.3g}") == round(tick, 12) for tick in ticks)


def test_the_look_of_a_run_is_its_configuration():
    look = look_of(tiny.config(), "f" * 64)
    assert list(look.statuses) == tiny.STATUSES
    assert look.outside_total == {"hidden"}
    assert look.permanent == {"permanent"}
    assert look.run == "f" * 16
    assert all(look.groups[label.group].colour for label in look.statuses.values())
    assert set(look.tiles) == set(look.prefectures)
