"""Mistakes in policy files: each gives its message, exit code 2, and nothing is written."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sim.config import compose as door
from sim.config import words as words_module
from sim.config.checks.policy import check_policy, idle
from sim.config.folders import configs_here
from sim.config.messages import Problem
from sim.config.paths import targets
from sim.config.schema.run import RunConfig
from sim.core.errors import ConfigError
from tests.helpers.levers import config, lever, response

Mistake = tuple[str, Callable[[dict[str, Any]], object], list[str]]
FILE = "policy/japan/jp07.yaml"


def put(path: str, value: object) -> Callable[[dict[str, Any]], object]:
    """Set what is at a path of the file, slashes between its steps; None takes it out."""

    def change(body: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        for step in parents:
            body = body[step]
        if value is None:
            del body[last]
        else:
            body[last] = value

    return change


EFFECT = "effects/longest"
RULE = "rule/permit/values/2027-04"
MISTAKES: list[Mistake] = [
    ("unknown path", put(f"{EFFECT}/paths", ["*.monthly.permanant"]), ["matches nothing"]),
    ("path of a status that is not", put(f"{EFFECT}/paths", ["engineer.monthly.permanent"]),
     ["matches nothing", "Nearest: "]),
    ("no path", put(f"{EFFECT}/paths", []), ["must have 1 items"]),
    ("value outside its bounds", put(f"{RULE}/value", 600.0),
     ["values.2027-04.value", "within its bounds, 0 to 120"]),
    ("date without reference", put(f"{RULE}/reference", None), ["reference", "is missing"]),
    ("empty reference", put(f"{RULE}/reference", ""), ["reference"]),
    ("no official basis", put(f"{RULE}/basis", None), ["2027-04.basis", "is missing"]),
    ("no basis and no reason", put(f"{RULE}/basis", {"evidence": "none"}),
     ["2027-04.basis", "needs a note that says why"]),
    ("a basis in one language", put(f"{RULE}/basis/ja", None),
     ["2027-04.basis", "needs en, kind and the title"]),
    ("a basis of no kind", put(f"{RULE}/basis/kind", "rumour"), ["basis.kind", "not allowed"]),
    ("a basis without evidence", put(f"{RULE}/basis/evidence", None),
     ["basis.evidence", "is missing"]),
    ("a basis without number and date", put(f"{RULE}/basis/date", None),
     ["2027-04.basis", "needs a number or a date"]),
    ("a basis on no date", put(f"{RULE}/basis/date", "24 February 2026"), ["basis.date"]),
    ("no quality", put(f"{RULE}/quality", None), ["quality", "is missing"]),
    ("a quality that is none", put(f"{RULE}/quality", "rumour"), ["quality", "is not allowed"]),
    ("no unit", put("rule/permit/unit", None), ["rule.permit.unit", "is missing"]),
    ("no dated value", put("rule/permit/values", {}), ["rule.permit.values"]),
    ("a day as a date", put("rule/permit/values/2027-04-01", {"value": 60.0, "reference": "x",
                                                              "quality": "published"}),
     ["2027-04-01"]),
    ("bounds upside down", put("rule/permit/bounds", [120.0, 0.0]), ["in this order"]),
    ("text for a number", put(f"{RULE}/value", "sixty"), ["must be a number"]),
    ("central outside low and high", put("response/rush/central", 5.0),
     ["rush.central", "between low and high, 1 to 1.8"]),
    ("published without study", put("response/rush/quality", "published"),
     ["published needs a study"]),
    ("a response that is not", put("anticipation/rush", "rsh"), ["no response rsh"]),
    ("a rule that is not", put(f"{EFFECT}/gate/permit_months", "permits"),
     ["no rule or response permits", "Nearest: permit"]),
    ("an action that is not", put(f"{EFFECT}/add", "permit"), ["add", "is not a setting here"]),
    ("two actions", put(f"{EFFECT}/set", "permit"), ["must have one of", "has set, gate"]),
    ("no action", put(f"{EFFECT}/gate", None), ["must have one of", "has none"]),
    ("a gate that is none", put(f"{EFFECT}/gate", {"income": "permit"}), ["gate.income"]),
    ("another country's", put("country", "korea"), ["lever of another country than japan"]),
    ("an id of another form", put("id", "7"), ["id"]),
    ("an id that is taken", put("id", "JP06"), ["is the id of jp06 too"]),
    ("a legal status that is none", put("legal_status", "law"), ["legal_status", "not allowed"]),
    ("a phase-in that is none", put("phase_in", {"shape": "slow"}), ["phase_in.shape"]),
    ("half grandfathered", put("grandfathering", {"existing": "months"}),
     ["goes with existing: months"]),
    ("an unknown variant", put("variant", "hard"), ["no variant hard"]),
    ("a setting of nothing", put("use", {"perm": 48.0}), ["no rule or response perm"]),
    ("a use outside bounds", put("use", {"permit": 600.0}), ["within its bounds, 0 to 120"]),
    ("strength above one", put("strength", 2.0), ["strength = 2"]),
    ("no effect", put("effects", {}), ["effects"]),
    ("a month that is none", put("since", "April 2027"), ["since", "is not a month"]),
]  # fmt: skip


@cache
def files() -> tuple[dict[Any, Any], Any]:
    """What the files say, and where, with the lever pulled."""
    words = words_module.read_words(["scenario=baseline_2025"], configs_here(), door._override)
    return door._files(configs_here(), words)


def mistaken(change: Callable[[dict[str, Any]], object]) -> list[str]:
    """What the door says when the lever's file has been changed."""
    composed, sources = files()
    body = copy.deepcopy(composed)
    body["scenario"] |= {"levers": ["jp07"], "settings": {}}
    change(body["policy"]["jp07"])
    with pytest.raises(ConfigError) as caught:
        door._checked(body, sources)
    assert caught.value.exit_code == 2
    return caught.value.problems


@pytest.mark.parametrize(("change", "told"), [case[1:] for case in MISTAKES],
                         ids=[case[0] for case in MISTAKES])  # fmt: skip
def test_a_mistake_in_a_policy_file_is_told(
    change: Callable[[dict[str, Any]], object], told: list[str]
):
    text = "\n".join(mistaken(change))
    assert [part for part in told if part not in text] == [], text
    assert FILE in text
    assert "policy.jp07" in text


def test_all_mistakes_of_a_file_come_at_once():
    def change(body: dict[str, Any]) -> None:
        put("response/rush/central", 5.0)(body)
        put(f"{RULE}/value", 600.0)(body)
        put("country", "korea")(body)

    assert len(mistaken(change)) == 3


SCENARIOS = [
    ("scenario.levers=[jp77]", ["there is no lever jp77"]),
    ("scenario.levers=[jp07,jp07]", ["is listed twice"]),
    ("scenario.lifts=[jp99]", ["there is no law jp99 that holds here", "One of: "]),
    ("scenario.lifts=[jp15]", ["there is no law jp15 that holds here, so nothing to lift"]),
    ("scenario.lifts=[jp12,jp12]", ["is listed twice"]),
    ("scenario.lifts=jp12", ["must be a list"]),
    ("scenario.holds=[law]", ["scenario.holds.0"]),
    ("scenario.asof=April", ["scenario.asof"]),
    ("scenario.settings={jp08: {strength: 0.5}}", ["jp08 is not in scenario.levers"]),
    ("scenario.order=[jp07]", ["there is no lever of this scenario jp07"]),
    ("policy.jp07.strenght=0.5", ["there is no strenght", "Nearest: strength"]),
    ("policy.jp07.use.prmit=48", ["no rule or response prmit"]),
    ("policy.jp99.strength=0.5", ["there is no jp99"]),
]


@pytest.mark.parametrize(("word", "told"), SCENARIOS)
def test_a_mistake_in_a_scenario_is_told(word: str, told: list[str]):
    with pytest.raises(ConfigError) as caught:
        door.compose(["scenario=baseline_2025", word])
    text = "\n".join(caught.value.problems)
    assert [part for part in told if part not in text] == [], text


def problems(cfg: RunConfig) -> list[Problem]:
    return list(check_policy(cfg, targets(cfg)))


def test_two_levers_that_replace_one_value_are_refused_unless_ordered():
    half = response(0.5)
    replaces = lever({"e": {"paths": ["worker.monthly.leave"], "set": "m"}}, response={"m": half})
    (problem,) = problems(config(replaces, replaces))
    assert "both replace worker.monthly.leave" in problem.rule
    assert not problems(config(replaces, replaces, scenario={"order": ["one", "two"]}))
    before = {**replaces, "until": "2026-05"}
    after = {**replaces, "since": "2026-06"}
    assert not problems(config(before, after))


def test_levers_that_can_do_nothing_in_a_run_are_told():
    half = {"m": response(0.5)}
    late = lever({"e": {"paths": ["worker.monthly.leave"], "multiply": "m"}}, response=half,
                 since="2040-01")  # fmt: skip
    early = {**late, "since": "2020-01", "until": "2021-01"}
    idle_twin = {**late, "since": "2026-01", "strength": 0.5}
    told = list(idle(config(late, early, idle_twin, pulled=["one", "two"])))
    assert [text.split()[2] for text in told[:2]] == ["one", "two"]
    assert "begins in 2040-01, after the end" in told[0]
    assert "ends before the run begins" in told[1]
    assert told[2] == "policy.three is set, but the scenario levers does not pull it"


def test_the_command_refuses_and_writes_nothing(tmp_path: Path):
    words = ["scenario.levers=[jp77]", f"output={tmp_path / 'runs'}"]
    command = [sys.executable, "-m", "sim.cli.main", "run", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no lever jp77" in done.stderr
    assert not (tmp_path / "runs").exists()
