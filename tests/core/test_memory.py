"""Results kept within a process: the same as fresh ones, and never those of an older file."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.agents.opening import people as opening
from sim.config import compose as config
from sim.config.paths import sections
from sim.config.settings import configs_folder
from sim.core.clock import month_index
from sim.core.errors import ConfigError
from sim.core.memory import ByIdentity, LastResults, state_of_files
from sim.data.load import load


def test_the_last_results_are_kept_and_errors_are_not():
    made: list[str] = []
    recent: LastResults[str] = LastResults(size=2)

    def make(key: str) -> str:
        return recent.get(key, lambda: made.append(key) or key)

    for key in "abacb":  # c puts out b, not a, which was asked for later
        assert make(key) == key
    assert made == ["a", "b", "c", "b"]
    with pytest.raises(ZeroDivisionError):
        recent.get("d", lambda: str(1 / 0))
    assert recent.get("d", lambda: "after all") == "after all"


def test_the_state_of_files_changes_with_any_of_them(tmp_path):
    (tmp_path / "a.yaml").write_text("1")
    (tmp_path / "b.txt").write_text("1")
    before = state_of_files(tmp_path, "*.yaml")
    assert before == state_of_files(tmp_path, "*.yaml")
    (tmp_path / "b.txt").write_text("2")
    assert before == state_of_files(tmp_path, "*.yaml")
    (tmp_path / "c.yaml").write_text("1")
    assert before != state_of_files(tmp_path, "*.yaml")
    (tmp_path / "c.yaml").unlink()
    shutil.copy(tmp_path / "a.yaml", tmp_path / "new")
    (tmp_path / "new").rename(tmp_path / "a.yaml")
    assert before != state_of_files(tmp_path, "*.yaml")


@pytest.fixture(scope="module")
def configs(tmp_path_factory) -> Path:
    return Path(shutil.copytree(configs_folder(), tmp_path_factory.mktemp("copy") / "configs"))


def test_a_composition_after_others_equals_a_fresh_one(configs):
    words = [
        ["status.student.monthly.leave.rate=0.05", "seed=3"],
        ["status.student.permits.first={12:1}", "end=2031-06"],
        ["~status.student.opening.note", "seed=3"],
        [],
    ]
    later = [config.to_yaml(config.compose(line, configs)) for line in words]
    for line, text in zip(words, later, strict=True):
        os.utime(configs / "config.yaml")  # as if it had changed: read again
        assert config.to_yaml(config.compose(line, configs)) == text
    assert len(set(later)) == len(words)


def test_an_edited_file_is_read_again(configs):
    before = config.compose([], configs)
    path = configs / "config.yaml"
    path.write_text(path.read_text().replace("seed: 0", "seed: 77"))
    assert before.seed == 0
    assert config.compose([], configs).seed == 77


def test_the_opening_after_others_equals_a_fresh_one():
    data = load("japan")
    assert load("japan") is data
    month = month_index("2025-06")
    words = [["seed=1"], ["seed=2"], ["seed=1", "status.student.opening.turnover=0.9"],
             ["seed=1", "status.irregular.opening.min_age=40"]]  # fmt: skip
    configs = [config.compose(line) for line in words]
    later = [opening.open_population(one, data, month, 0.001) for one in configs]
    for one, after in zip(configs, later, strict=True):
        fresh = opening.open_population(one, replace(data), month, 0.001)
        assert fresh.report == after.report
        assert all(np.array_equal(fresh.columns[c], after.columns[c]) for c in fresh.columns)
    content = {b"".join(c.tobytes() for c in after.columns.values()) for after in later}
    assert len(content) == len(words)


def test_what_is_known_of_objects_is_known_of_these_objects_alone():
    made: list[object] = []
    same: ByIdentity[int] = ByIdentity(size=2)

    def about(*objects: object) -> int:
        return same.get(objects, lambda: made.append(objects) or len(made))

    one, other = {"a": 1}, {"a": 1}
    assert about(one) == about(one) == 1
    assert about(other) == 2  # equal, and another
    assert about(one, other) == 3
    assert about(one) == 4  # put out by then


def test_sections_that_say_the_same_are_the_same_and_no_others(configs):
    one, other = config.compose(["seed=1"], configs), config.compose(["seed=2"], configs)
    assert one.status["student"] is other.status["student"]
    words = "status.student.monthly.leave.rate=0.123"
    changed = config.compose([words], configs)
    pairs = zip(sections(one), sections(changed), strict=True)
    assert [path for (path, a), (_, b) in pairs if a is not b] == [("status", "student")]


def test_a_section_like_a_known_one_is_not_taken_for_it(configs):
    """1 is no true, though Python calls them equal."""
    config.compose(["status.student.published=true"], configs)
    with pytest.raises(ConfigError, match="true or false"):
        config.compose(["status.student.published=1"], configs)


def test_the_text_by_sections_is_that_of_the_whole(configs):
    settings = config.compose(["threads=1", "checkpoint=[2026-01]"], configs)
    assert config.to_yaml(settings) == config.plain_yaml(settings)
