"""A scenario that is put together in the browser: words, checks, and its file."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sim.cli.main import main
from sim.config.compose import compose
from sim.config.levers import set_levers
from sim.core.errors import ConfigError
from sim.dashboard.draft import Draft, Pull, check, command_of, save, typed, words_of
from sim.dashboard.library import levers_of


def draft(*pulls: Pull, **given: object) -> Draft:
    return Draft(**{"base": "baseline_2025", "title": "My own", "pulls": list(pulls),
                    "end": "2026-12", "scale": 0.005, **given})  # fmt: skip


def active(words: list[str]) -> dict[str, object]:
    return {each.code: each for each in set_levers(compose(words)) if each.strength > 0}


def test_levers_that_are_set_are_pulled_and_the_others_stay():
    own = active(words_of(draft(Pull(lever="jp06", strength=0.5, level="high", delay=12))))
    base = active(["scenario=baseline_2025"])
    assert set(own) == {*base, "jp06"}
    assert (own["jp06"].strength, own["jp06"].level) == (0.5, "high")
    assert {code: own[code] for code in base} == base


def test_strength_zero_takes_a_lever_out():
    (code,) = set(active(["scenario=retention_50"])) & {"jp15"}
    words = words_of(draft(Pull(lever=code, strength=0.0), base="retention_50"))
    assert code not in active(words)


def test_settings_of_the_scenario_below_stay_unless_they_are_set():
    own = active(words_of(draft(Pull(lever="jp15", delay=6), base="retention_50")))["jp15"]
    below = active(["scenario=retention_50"])["jp15"]
    assert own.use == below.use
    assert own.first_month() == below.first_month() + 6


@pytest.mark.parametrize(
    "title",
    ["My own", "=cmd()", "<script>alert(1)</script>", "it's \"so\"", "a, b: {c}", "\u8ca0\u62c5",
     "ends with \\", "50 % more"],
)  # fmt: skip
def test_any_title_comes_through_the_words_as_it_is(title, tmp_path):
    one = draft(Pull(lever="jp06"), title=title)
    assert compose(words_of(one)).scenario.title.en == title
    arm = command_of(one, tmp_path)[2].removeprefix("arm.mine=")
    assert shlex.split(arm) == words_of(one)
    assert shlex.split(typed(command_of(one, tmp_path))) == command_of(one, tmp_path)


@pytest.mark.parametrize("title", ["a\nb", "a\x1b[31m", "${oc.env:HOME}"])
def test_a_title_that_no_word_may_hold_is_refused_in_words(title):
    with pytest.raises(ConfigError):
        check(draft(title=title))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"scale": 0.5}, "scale = 0.5"),
        ({"end": "2090-12"}, "end = 2090-12"),
        ({"end": "soon"}, "is not a month"),
        ({"base": "baseline"}, "Nearest: baseline_2025"),
    ],
)
def test_problems_are_those_of_the_command_and_of_the_limits(given, told):
    with pytest.raises(ConfigError, match=told):
        check(draft(**given))


def test_an_unknown_lever_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="jp060"):
        check(draft(Pull(lever="jp060")))


def test_it_is_kept_as_a_scenario_of_the_study(tmp_path, monkeypatch):
    assert main(["init", str(tmp_path / "study")]) == 0
    monkeypatch.chdir(tmp_path / "study")
    one = draft(Pull(lever="jp06", strength=0.5), title="it's <b>")
    path = save(one, "fees")
    assert path.is_relative_to(Path.cwd())
    mine, words = compose(["scenario=fees"]), compose(words_of(one))
    assert mine.scenario.title == words.scenario.title
    assert active(["scenario=fees"]) == active(words_of(one))
    with pytest.raises(ConfigError, match="Take another"):
        save(one, "fees")


def test_without_a_study_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="kyosei init"):
        save(draft(), "fees")


def test_every_lever_can_be_found_with_its_law_and_its_responses():
    rows = {row["code"]: row for row in levers_of("enacted")}
    assert set(rows) == set(compose([]).policy)
    assert "fee" in rows["jp06"]["words"]
    assert rows["jp06"]["rules"][0]["since"] < rows["jp06"]["rules"][-1]["since"]
    assert any(row["pulled"] for row in rows.values())
