"""The door: what it composes, what it writes, and that both say the same."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.config import compose as door
from sim.config.checks.run import check
from sim.config.fates import share_ending, window, with_events
from sim.config.files import read_files
from sim.config.folders import configs_here
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.config.yaml import CODE_KEYS, plain, read, write
from sim.core.clock import month_index
from sim.core.errors import ConfigError, nearest


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return door.compose([])


def test_the_defaults_are_the_main_job(config: RunConfig):
    assert (config.start, config.end, config.scale) == ("2025-06", "2050-12", 1.0)
    assert (config.seed, config.replicate, config.threads) == (0, 0, None)
    assert config.scenario.name == "enacted"
    assert set(config.country.statuses) == set(config.status)
    assert set(config.country.origins) == set(config.origin)
    assert len(config.prefecture) == 47


def test_the_written_configuration_reads_back_equal(config: RunConfig):
    text = door.to_yaml(config)
    again = door.from_yaml(text)
    assert again == config
    assert door.to_yaml(again) == text
    assert len(text) < 1_000_000


def test_settings_from_the_command_line():
    words = [
        "scale=1e-2",
        "seed=9223372036854775807",
        "end=2030-12",
        "threads=1",
        "output='/data/my runs'",
        "status.student.monthly.leave.rate=0.3",  # beyond its range, as a run may ask
        "status.student.monthly.leave.by.origin.vietnam=2",
        "status.student.monthly.leave.by.age={0: 1.0, 30: 2.0}",
        "status.student.permits.first={12: 0.25, 24: 0.75}",
        "status.student.permits.renewed.12=1.0",
        "country.label.en=Nippon",
        "~status.student.monthly.marry",
    ]
    config = door.compose(words)
    student = config.status["student"]
    assert (config.scale, config.seed, config.end, config.threads) == (
        0.01,
        2**63 - 1,
        "2030-12",
        1,
    )
    assert config.output == "/data/my runs"
    assert student.monthly["leave"].rate == 0.3
    assert student.monthly["leave"].by.origin == {"vietnam": 2.0}
    assert student.monthly["leave"].by.age == {0: 1.0, 30: 2.0}
    assert student.permits is not None
    assert student.permits.first == {12: 0.25, 24: 0.75}
    assert "marry" not in student.monthly
    assert door.from_yaml(door.to_yaml(config)) == config


def test_an_experiment_is_laid_over_everything(tmp_path: Path):
    folder = tmp_path / "configs"
    shutil.copytree(configs_folder(), folder)
    (folder / "experiment").mkdir(exist_ok=True)
    (folder / "experiment" / "short.yaml").write_text(
        "# @package _global_\nend: 2026-12\nscale: 0.5\n"
        "status: {student: {monthly: {leave: {rate: 0.5}}}}\n"
    )
    config = door.compose(["experiment=short", "scale=0.25"], folder)
    assert (config.end, config.scale) == ("2026-12", 0.25)
    assert config.status["student"].monthly["leave"].rate == 0.5


def test_a_broken_file_that_is_not_used_is_no_trouble(tmp_path: Path):
    folder = tmp_path / "configs"
    shutil.copytree(configs_folder(), folder)
    (folder / "scenario" / "japan" / "broken.yaml").write_text("name: [")
    assert door.compose([], folder).scenario.name == "enacted"
    with pytest.raises(ConfigError, match=r"configs/scenario/japan/broken.yaml:\d+"):
        door.compose(["scenario=broken"], folder)


def test_every_value_is_traced_to_its_file():
    sources = read_files(configs_here(), {})
    rate = sources.of(("status", "student", "monthly", "leave", "rate"))
    assert rate.place.startswith("configs/status/japan/student.yaml:")
    assert sources.of(("start",)).place.startswith("configs/config.yaml:")
    assert sources.of(("prefecture", "13", "en")).written == "Tokyo"
    assert sources.of(("life", "nothing")).place.startswith("configs/")


def test_a_configuration_is_frozen(config: RunConfig):
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 1  # type: ignore[misc]


def test_from_yaml_reports_line_and_key():
    with pytest.raises(ConfigError) as caught:
        door.from_yaml("start: 2025-06\nend: 2050-12\nscale: 12\nseed: yes\nseed: 1\n")
    assert any("config.yaml:5  seed is given twice" in p for p in caught.value.problems)
    with pytest.raises(ConfigError) as caught:
        door.from_yaml("start: 2025-06\nend: 2050-12\nscale: 12\nseed: 1.5\n")
    text = "\n".join(caught.value.problems)
    assert "config.yaml:3  scale = 12" in text
    assert "config.yaml:4  seed = 1.5" in text
    assert "country" in text


def test_a_text_of_any_size_is_refused_in_time():
    with pytest.raises(ConfigError, match="at most"):
        door.from_yaml("a: 1\n" * 1_000_000)


def test_nearest_names():
    assert nearest("studnet", ["student", "dependent"]) == " Nearest: student."
    assert nearest("xyz", ["a", "b"]) == " One of: a, b."
    assert nearest("xyz", []) == ""


def test_dates_of_a_fate_include_those_of_the_status_it_leads_to(config: RunConfig):
    fate = config.status["titp_2"].at_end["to_ssw_1"]
    since = config.status["ssw_1"].since
    assert since is not None
    assert window(config, fate)[0] == month_index(since)


def test_events_change_shares_only_while_they_last(config: RunConfig):
    fates = config.status["titp_2"].at_end
    closed = with_events(config, "titp_2.at_end", fates, month_index("2021-06"))
    opened = with_events(config, "titp_2.at_end", fates, month_index("2024-06"))
    assert closed["leave"].share != fates["leave"].share
    assert opened["leave"].share == fates["leave"].share
    assert share_ending(config, fates, None, month_index("2025-06")) <= 1 + 1e-9


def test_the_checks_pass_on_what_they_checked(config: RunConfig):
    assert list(check(config)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-7", -7), ("0", 0), ("1.5", 1.5), ("1e-3", 0.001), (".5", 0.5), ("1.", 1.0),
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None),
        ("2025-06", "2025-06"), ("1.2.3", "1.2.3"), ("abc", "abc"), ("-", "-"),
    ],
)  # fmt: skip
def test_unquoted_words(text: str, value: object):
    assert plain(text) == value
    assert type(plain(text)) is type(value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
SCALARS = TEXT | NUMBERS | st.none()
KEYS = st.integers(0, 600) | TEXT.filter(lambda key: key not in CODE_KEYS and "${" not in key)
VALUES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=4),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5))
def test_what_is_written_reads_back_equal(value: dict[object, object]):
    document = read(write(value), "t.yaml")
    problems = [p for p in document.problems if "looked up" not in p]
    assert problems == []
    assert document.value == value


def test_a_fit_of_another_country_is_refused():
    with pytest.raises(ConfigError, match="fit of another country than japan"):
        door.compose(["fit.country=korea"])


def test_scenarios_and_fits_are_those_of_the_country(tmp_path: Path):
    """A second country with files of its own: nothing of the first is composed into it."""
    folder = tmp_path / "configs"
    shutil.copytree(configs_folder(), folder)
    text = (folder / "country" / "japan.yaml").read_text("utf-8")
    text = text.replace("/scenario/japan@", "/scenario/there@").replace("/fit: japan", "/fit: none")
    (folder / "country" / "there.yaml").write_text(text, "utf-8")
    (folder / "scenario" / "there").mkdir()
    text = (folder / "scenario" / "japan" / "zero.yaml").read_text("utf-8")
    text = text.replace("name: zero", "name: enacted")
    (folder / "scenario" / "there" / "enacted.yaml").write_text(text, "utf-8")
    config = door.compose(["country=there"], folder)
    assert (config.scenario.strength, config.fit.name) == (0.0, "none")
    with pytest.raises(ConfigError, match=r"no configs/scenario/there/cap\.yaml"):
        door.compose(["country=there", "scenario=cap"], folder)


def test_a_copied_scenario_that_kept_its_name_is_refused(tmp_path: Path):
    """Its results would stand under the other scenario's name."""
    folder = tmp_path / "configs"
    shutil.copytree(configs_folder(), folder)
    scenarios = folder / "scenario" / "japan"
    shutil.copy(scenarios / "retention_50.yaml", scenarios / "mine.yaml")
    (scenarios / "based.yaml").write_text("defaults: [retention_50, _self_]\nstrength: 0.5\n")
    for name in ("mine", "based"):
        with pytest.raises(ConfigError, match=f"must be the name of its file. Write name: {name}"):
            door.compose([f"scenario={name}"], folder)
    assert door.compose(["scenario.name=other"]).scenario.name == "other"
