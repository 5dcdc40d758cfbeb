"""An arm that goes on from another one's past makes the folder that it would have made alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import compose as config
from sim.config.schema.run import RunConfig
from sim.files.folder import read_manifest
from sim.studies.comparison.runs import histories_file, make_arm, series_file
from sim.studies.comparison.shared_past import MOST, SharedPast, bytes_of_copies, parting_months

WORDS = ["scale=0.001", "end=2026-03", "figures=false", "threads=1", "seed=7"]
LATE = "{late: {paths: [student.*.leave], since: '2025-12', multiply: 3.0}}"
LATER = "{later: {paths: [arrivals.student], since: '2026-02', multiply: 0.2}}"
BOTH = LATE[:-1] + ", " + LATER[1:]
ARMS = {
    "base": "scenario=baseline_2025",
    "late": f"scenario.edits={LATE}",
    "later": f"scenario.edits={LATER}",
    "both": f"scenario.edits={BOTH}",
}


def settings(root: Path, arm: str, *more: str) -> RunConfig:
    words = [*WORDS, f"output={root}", "scenario=baseline_2025", *more]
    return config.compose(words if arm == "base" else [*words, ARMS[arm]])


def files(root: Path, run: str) -> dict[str, object]:
    """What a run leaves: hash of each of its files, and its two tables."""
    tables = [series_file(root, run), histories_file(root, run)]
    manifest = read_manifest(root / run)
    return {
        **{name: record["sha256"] for name, record in manifest["files"].items()},
        **{path.name: path.read_bytes() for path in tables},
        **{name: manifest[name] for name in ("audit", "ledger", "agent_months", "warnings")},
        "opening": manifest["opening_residuals"],
    }


def run_of(root: Path) -> set[str]:
    return {path.parent.name for path in root.glob("*/manifest.json")}


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, dict[str, object]]:
    """arm -> what it leaves when nothing is shared."""
    out = {}
    for arm in ARMS:
        root = tmp_path_factory.mktemp(arm)
        make_arm(settings(root, arm), root, 1)
        (run,) = run_of(root)
        out[arm] = files(root, run)
    return out


def test_arms_part_where_their_rules_do(tmp_path):
    parting = parting_months([settings(tmp_path, arm) for arm in ARMS])
    assert parting == {"2025-11", "2026-01"}
    assert parting_months([settings(tmp_path, "late")] * 2) == frozenset()


@pytest.mark.parametrize(
    "order", [["base", "late", "later", "both"], ["both", "later", "late", "base"]]
)
def test_a_shared_past_changes_no_byte(alone, tmp_path, order):
    past = SharedPast(parting_months([settings(tmp_path, arm) for arm in ARMS]))
    origins = {}
    for arm in order:
        before = run_of(tmp_path)
        make_arm(settings(tmp_path, arm), tmp_path, 1, past)
        (run,) = run_of(tmp_path) - before
        assert files(tmp_path, run) == alone[arm], arm
        origins[arm] = read_manifest(tmp_path / run)["continued_from"]
    first = order[0]
    assert origins[first] == {}
    months = {arm: origin["month"] for arm, origin in origins.items() if arm != first}
    assert set(months.values()) == {"2025-11", "2026-01"}, months


def test_copies_are_used_again_and_never_changed(alone, tmp_path):
    """The same arm twice from one copy: the first continuation leaves it as it was."""
    arms = [settings(tmp_path, arm) for arm in ("base", "later")]
    past = SharedPast(parting_months(arms))
    make_arm(arms[0], tmp_path, 1, past)
    for again in ("one", "two"):
        root = tmp_path / again
        root.mkdir()
        make_arm(arms[1].model_copy(update={"output": str(root)}), root, 1, past)
        (run,) = run_of(root)
        assert read_manifest(root / run)["continued_from"]["month"] == "2026-01"
        assert files(root, run) == alone["later"]


def test_another_replicate_begins_at_the_beginning(tmp_path):
    arms = [settings(tmp_path, arm) for arm in ("base", "later")]
    past = SharedPast(parting_months(arms))
    make_arm(arms[0], tmp_path, 1, past)
    other = settings(tmp_path, "later", "replicate=1")
    before = run_of(tmp_path)
    make_arm(other, tmp_path, 1, past)
    (run,) = run_of(tmp_path) - before
    assert read_manifest(tmp_path / run)["continued_from"] == {}


def test_copies_are_counted_in_what_a_worker_needs(tmp_path):
    small, large = (
        bytes_of_copies(settings(tmp_path, "base", *more)) for more in ([], ["replicate=1"])
    )
    assert small == large > 4 * 2_000_000
    assert bytes_of_copies(settings(tmp_path, "base").model_copy(update={"scale": 0.1})) > small


def test_only_so_many_copies_are_kept():
    past = SharedPast(frozenset())
    for copy in range(2 * MOST):
        past.keep(copy)  # type: ignore[arg-type]
    assert past._copies == list(range(MOST, 2 * MOST))


def test_a_complete_folder_without_its_tables_gets_them(alone, tmp_path):
    """Its people were not watched when it was made: they are simulated again, from the start."""
    arms = [settings(tmp_path, arm) for arm in ("base", "later")]
    past = SharedPast(parting_months(arms))
    make_arm(arms[1], tmp_path, 1)
    (run,) = run_of(tmp_path)
    histories_file(tmp_path, run).unlink()
    make_arm(arms[0], tmp_path, 1, past)
    make_arm(arms[1], tmp_path, 1, past)
    assert files(tmp_path, run) == alone["later"]
