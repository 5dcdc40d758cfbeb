"""What `kyosei levers` finds and shows."""

from __future__ import annotations

import json

import pytest

from sim.cli import levers as lever_text
from sim.cli.main import main
from sim.config.compose import compose
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
    assert [row["lever"] for row in json.loads(capsys.readouterr().out)] == ["jp10", "jp11", "jp48"]
