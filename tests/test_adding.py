"""Whoever adds a lever, an origin or a status in YAML finds no test red.

In a copy of the checkout the files are added as the README says, and what checks such files is run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PARTS = ("configs", "sim", "tests")
CHECKS = (
    "tests/test_added.py",  # written into the copy: what is added is there
    "tests/config/test_shipped_configs.py",
    "tests/policies/test_policy.py",
    "tests/policies/test_lever_cases.py",
    "tests/config/test_compose.py",
    "tests/policies/test_lever_text.py",
)
WANTED = "jp99 or not jp"
"""What is told apart by lever is run for the new one alone."""

LEVER = """\
# A job search of two years instead of one after a course.
jp99:
  id: JP99
  title: {en: Longer job search, ja: 就職活動期間の延長}
  country: japan
  acts_on: [migrant]
  agency: [ISA]
  horizon: medium_term
  legal_status: LEGAL_STATUS
  since: "2028-04"
  basis: {evidence: none, note: Made for a test}
  response:
    more:
      unit: multiplier of those who go on to look for work
      low: 1.1
      central: 1.5
      high: 2.0
      quality: assumption
  effects:
    search: {paths: [student.at_end.to_job_search], multiply: more}
  indicator: {name: "flow:student.at_end.to_job_search", sign: "+"}
"""
CASES = """\
reference: Made for a test
cases:
  - says: Nothing changes before.
    month: "2028-03"
    person: {status: student, stage: vocational}
    of: at_end.to_job_search
    times: 1.0
  - says: Half as many again look for a job.
    month: "2028-04"
    person: {status: student, stage: vocational}
    of: at_end.to_job_search
    times: 1.5
"""
STATUS = """\
# A status of a law to come.
defaults:
  - _professional@regional_expert
  - _self_
regional_expert:
  label: {en: Regional expert, ja: 地域専門}
  law: Made for a test
  colour: "#123456"
  since: "2030-04"
  liable: {nhi: 0.0, pension: 0.0}
  opening:
    turnover: 0.2
    earlier_years: 1.0
    language: [0.2, 0.2, 0.2, 0.2, 0.2]
  monthly:
    leave: {rate: 0.1}
    permanent: {rate: 0.2}
    marry: {rate: 0.01}
    to_engineer: {rate: 0.01}
    bring_family: {rate: 0.1}
  at_end:
    leave: {share: 0.05}
"""
ADDED = """\
from pathlib import Path

import sim
from sim.config.compose import compose


def test_what_was_added_is_there():
    assert Path(sim.__file__).parent.parent == Path(__file__).parent.parent
    config = compose([])
    assert "laos" in config.country.origins
    assert "regional_expert" in config.country.statuses
    held = config.policy["jp99"].legal_status == "in_force"
    assert ("jp99" in config.scenario.levers) == held
"""


def after(path: Path, line: str, *more: str) -> None:
    """Write more lines behind each line that is the given one, as far in as it is."""
    text = path.read_text(encoding="utf-8").splitlines()
    assert any(one.strip() == line for one in text), line
    out = []
    for one in text:
        indent = one[: len(one) - len(one.lstrip())]
        out += [one, *(f"{indent}{new}" for new in more if one.strip() == line)]
    path.write_text("\n".join(out) + "\n", encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what is run and what is checked."""
    for part in PARTS:
        shutil.copytree(CHECKOUT / part, tmp_path / part,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def add_lever(checkout: Path, legal_status: str) -> None:
    policy = checkout / "configs/policy/japan"
    (policy / "jp99.yaml").write_text(LEVER.replace("LEGAL_STATUS", legal_status), "utf-8")
    (policy / "cases/jp99.yaml").write_text(CASES, encoding="utf-8")
    country = checkout / "configs/country/japan.yaml"
    last = max(line for line in country.read_text("utf-8").splitlines() if "- jp" in line)
    after(country, last.strip(), "- jp99 # longer job search")


def add_status(checkout: Path) -> None:
    status = checkout / "configs/status/japan/regional_expert.yaml"
    status.write_text(STATUS, encoding="utf-8")
    after(checkout / "configs/country/japan.yaml", "- cultural_trainee", "- regional_expert")


def add_origin(checkout: Path) -> None:
    line = 'laos: {label: {en: Laos, ja: ラオス}, colour: "#654321"}\n'
    origins = checkout / "configs/origin/japan.yaml"
    origins.write_text(origins.read_text(encoding="utf-8") + line, encoding="utf-8")
    after(checkout / "configs/country/japan.yaml", "- chosen", "- laos")
    codes = checkout / "sim/data/japan/schema.yaml"
    text = codes.read_text(encoding="utf-8")
    assert text.count("canada, chosen, other]") == 1
    codes.write_text(
        text.replace("canada, chosen, other]", "canada, chosen, laos, other]"), "utf-8"
    )


@pytest.mark.slow
@pytest.mark.parametrize("legal_status", ["hypothetical", "in_force"])
def test_a_new_lever_status_and_origin_turn_no_test_red(checkout: Path, legal_status: str):
    add_lever(checkout, legal_status)
    add_status(checkout)
    add_origin(checkout)
    (checkout / "tests/test_added.py").write_text(ADDED, encoding="utf-8")
    options = ["-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "-k", WANTED, *CHECKS]
    done = subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
