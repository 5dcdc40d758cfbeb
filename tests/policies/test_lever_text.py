"""What `kyosei levers` finds and shows."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from sim.cli import levers as lever_text
from sim.cli.main import main
from sim.config.compose import compose
from sim.config.schema.policy import Basis, DatedValue
from sim.core.clock import month_index
from sim.core.errors import ConfigError


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("jp06", ["jp06"]),
        ("JP06", ["jp06"]),
        ("\uff2a\uff30\uff10\uff16", ["jp06"]),  # full-width, as Japanese keyboards write it
        ("permanent FEE", ["jp06"]),
        ("fee permanent", ["jp06"]),
        ("永住許可手数料", ["jp06"]),
        ("手数料 永住", ["jp06"]),
        ("naturalisation", ["jp10", "jp11", "jp48"]),
    ],
)
def test_a_lever_is_found_by_code_or_by_words_of_its_title(words: str, codes: list[str]):
    assert sorted(lever_text.found(compose([]), words)) == codes


@pytest.mark.parametrize(("words", "told"), [("permanent fees", "permanent"), ("zzz", "lists")])
def test_words_of_no_title_get_the_nearest(words: str, told: str):
    with pytest.raises(ConfigError) as caught:
        lever_text.found(compose([]), words)
    assert f"there is no lever {words}." in caught.value.problems[0]
    assert told in caught.value.problems[0].partition(".")[2]


def test_one_hit_is_shown_in_full_and_several_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["levers", "--show", "permanent fee"]) == 0
    assert capsys.readouterr().out.startswith("jp06:\n")
    assert main(["levers", "--show", "帰化"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["lever", "jp10", "jp11", "jp48"]
    assert main(["levers", "--show", "帰化", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["lever"] for row in rows] == ["jp10", "jp11", "jp48"]
    assert rows[0]["in_full"]["id"] == "JP10"
    assert rows[0]["in_full"]["rule"]


def test_what_is_law_in_a_month_is_what_had_begun_and_is_no_bill():
    config = compose([])
    rows = {row["lever"]: row for row in lever_text.held(config, month_index("2026-04"))}
    assert "jp12" in rows
    assert rows["jp12"]["value"] == 30.0
    assert rows["jp12"]["basis_number"] == "令和7年法務省令第50号"
    assert not {"jp01", "jp05", "jp07", "jp10"} & set(rows), (
        "announced, bill, scheduled, considered"
    )
    later = {row["lever"] for row in lever_text.held(config, month_index("2027-04"))}
    assert {"jp07", "jp09", "jp21"} <= later
    assert not {"jp01", "jp05", "jp10"} & later
    before = {row["lever"] for row in lever_text.held(config, month_index("2025-09"))}
    assert "jp12" not in before
    assert "jp20" not in {row["lever"] for row in lever_text.held(config, month_index("2029-04"))}


def test_a_day_that_is_no_month_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["levers", "--asof", "April"]) == 2
    assert "must be a month" in capsys.readouterr().err
    assert main(["levers", "--asof", "2026-04"]) == 0
    assert "令和7年法務省令第50号" in capsys.readouterr().out


def test_a_horizon_in_force_is_that_of_laws_in_force_alone():
    for code, lever in compose([]).policy.items():
        assert (lever.horizon == "in_force") == (lever.legal_status == "in_force"), code


@pytest.mark.parametrize("code", sorted(compose([]).policy))
def test_every_dated_value_says_where_it_stands_in_the_law(code: str):
    lever = compose([]).policy[code]
    bases = [dated.basis for rule in lever.rule.values() for dated in rule.values.values()]
    bases += [] if lever.rule else [lever.basis]
    assert bases
    for basis in bases:
        assert basis is not None, "a lever without dated values needs a basis of its own"
        assert (basis.ja and basis.en and (basis.number or basis.date)) or basis.note
        assert (
            "閣議決定" not in (basis.ja or "")
            or basis.kind != "council_decision"
            or ("関係閣僚会議決定" in (basis.ja or ""))
        ), "the package is a decision of the ministerial council"


def test_a_basis_of_nothing_says_why():
    with pytest.raises(ValidationError, match="note"):
        Basis.model_validate({"evidence": "none"})
    with pytest.raises(ValidationError, match="needs en, kind and the title"):
        Basis.model_validate({"evidence": "read", "en": "An Act"})
    with pytest.raises(ValidationError, match="basis"):
        DatedValue.model_validate({"value": 1.0, "reference": "x", "quality": "published"})
