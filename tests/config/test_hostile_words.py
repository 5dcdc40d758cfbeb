"""Nobody gets in through a configuration: nothing runs, nothing is written outside.

Every case is refused with exit code 2, and while it is handled no program is started, no pickle is
opened and no file is written outside the test's own folder.
"""

from __future__ import annotations

import os
import pickle
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.cli import main as cli
from sim.config import compose as config
from sim.config.settings import configs_folder
from sim.config.yaml import read
from sim.core.errors import ConfigError
from tests.helpers.hostile import TEXTS, Touch, nothing_happens, payload

SCENARIO = "scenario/japan/enacted.yaml"


def test_the_watch_is_awake(tmp_path):
    with pytest.raises(AssertionError), nothing_happens(tmp_path):
        pickle.loads(pickle.dumps(Touch(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    folder = tmp_path / "configs"
    shutil.copytree(configs_folder(), folder, ignore=shutil.ignore_patterns("hydra"))
    return folder


def refused(folder: Path, tmp_path: Path) -> str:
    with nothing_happens(tmp_path), pytest.raises(ConfigError) as caught:
        config.compose([], folder)
    assert caught.value.exit_code == 2
    shown = str(caught.value)
    assert folder.name in shown
    assert len(shown) < 20_000
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    return shown


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_file_is_refused(tmp_path, name):
    folder = tmp_path / "small"
    (folder / "scenario").mkdir(parents=True)
    (folder / "config.yaml").write_text("defaults:\n  - scenario: x\n  - _self_\nseed: 1\n")
    (folder / "scenario" / "x.yaml").write_bytes(payload(name, tmp_path))
    refused(folder, tmp_path)


# What is read as plain data, and refused for what it says. It comes after honest settings.
SAID = {
    "logging": "hydra", "target inside": "Python code", "a terminal's commands": "printed",
    "text turned round": "printed", "a name that is a path": "lower-case letters",
    "an edit that is a path": "lower-case letters", "a default of Hydra's": "choice of files",
    "a launcher": "choice of files", "a long number": "at most 400 digits",
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_hostile_settings_among_honest_ones_are_refused(configs, tmp_path, name):
    """What is told by its shape is told where much else is missing too; that is quicker."""
    folder = configs if SAID[name] == "printed" else tmp_path / "small"
    text, path = payload(name, tmp_path), folder / SCENARIO
    path.parent.mkdir(parents=True, exist_ok=True)
    if folder != configs:
        (folder / "config.yaml").write_text("defaults:\n  - scenario/japan@scenario: enacted\n")
    lines = (configs_folder() / SCENARIO).read_bytes().splitlines(True)
    path.write_bytes(b"".join(line for line in lines if text[:4] != line[:4]) + text)
    assert SAID[name] in refused(folder, tmp_path)


@pytest.mark.parametrize("name", ["logging", "search path", "run folder", "callbacks", "target"])
def test_the_first_file_is_no_way_in(configs, tmp_path, name):
    first = configs / "config.yaml"
    first.write_bytes(first.read_bytes() + payload(name, tmp_path))
    with nothing_happens(tmp_path), pytest.raises(ConfigError, match=r"Hydra|Python code"):
        config.compose([], configs)


def test_a_package_is_no_way_in(configs, tmp_path):
    path = configs / "fit" / "japan.yaml"
    path.write_bytes(b"# @package hydra.job_logging\n" + path.read_bytes())
    with nothing_happens(tmp_path), pytest.raises(ConfigError, match="Hydra's own settings"):
        config.compose([], configs)


def test_pipes_and_devices_are_not_waited_for(configs, tmp_path):
    path = configs / SCENARIO
    path.unlink()
    os.mkfifo(path)
    with nothing_happens(tmp_path), pytest.raises(ConfigError, match="it is not a file"):
        config.compose([], configs)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="it is not a file"):
        config.compose([], configs)


WORDS = [
    "hydra.job_logging.handlers.x={'()':pandas.read_pickle}", "+hydra.job_logging.root.level=1",
    "hydra/job_logging=none", "hydra.run.dir=@", "hydra.sweep.dir=@", "hydra.mode=MULTIRUN",
    "hydra.searchpath=[file:///tmp]", "hydra.callbacks.x={}", "~hydra", "hydra=null",
    "++hydra.launcher._target_=os.system", "scenario@hydra.job_logging=baseline_2025",
    "_target_=os.system", "x={_target_:os.system,_args_:[touch @]}",
    "scenario._target_=os.system", "scenario.title={_partial_:true}",
    "output=${oc.env:HOME}", "output='${oc.env:HOME}'", "${oc.env:HOME}=1",
    "scenario=../../../etc/passwd", "scenario=/etc/passwd", "scenario=..", "scenario=[a,b]",
    "country=../japan", "country.data=../../etc", "country.data=/etc", "country.data=japan/..",
    "output=../outside", "output=a/../../b", "output=~/x", "output=-rf", "output=", "output=a\x00b",
    "output='a\nb'", "output=null", "output=[a]",
    "from=/etc/passwd", "from=@", "from=../x@2025-12\n", "from=null@", "checkpoint=../../x",
    "checkpoint=2025-12/../../x", "checkpoint={a:1}",
    "scenario.name=../x", "scenario.edits.x/../../y={}", "scenario.edits={'../x':{}}",
    "status.../x.law=y", "prefecture.'../x'={}",
    "--config-dir=/tmp", "--config-path=/tmp", "--config-name=x", "-cd=/tmp", "--package=x",
    "--experimental-rerun=x", "--info=all", "--shell-completion=x", "--multirun=x",
    "scenario.title.en='\x1b]0;owned'", "scenario.title.en=\u202eyxalag",
    "seed=" + "9" * 6000, "seed=" + "[" * 3000, "scale=" + "{a:" * 3000, "a" * 50_000 + "=1",
    "seed=range(0,1000000000)", "seed=choice(1,2)", "seed=glob(*)", "seed=sort(3,2,1)",
    "seed=int(x)", "seed=json_str([1])", "seed=extend_list(1)", "seed=shuffle(1,2)",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS, ids=[word[:50] for word in WORDS])
def test_a_hostile_word_is_refused(tmp_path, monkeypatch, capsys, word):
    monkeypatch.chdir(tmp_path)
    word = word.replace("@", str(tmp_path / "canary")) if "scenario@" not in word else word
    with nothing_happens(tmp_path):
        try:
            code = cli.main(["run", "-q", word])
        except SystemExit as stop:  # argparse does not know the option
            code = stop.code
    assert code == 2
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.builds(
                "{}{}{}".format,
                st.sampled_from(["seed=", "scenario.edits=", "output=", "from=", "~", "status."]),
                st.text("ab.,:{}[]()'\"$\\ *@/=-1\n", max_size=30),
                st.text(max_size=5),
            ),
        ),
        max_size=2,
    )
)
def test_no_words_break_the_door(tmp_path, words):
    with nothing_happens(tmp_path), suppress(ConfigError):
        config.compose(words)


@settings(max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text("ab:-{}[]&*!|>'\"#%@`\n\t ,?~0x.", max_size=60).map(str.encode),
        st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    )
)
def test_no_bytes_break_the_reader(payload):
    document = read(payload, "x.yaml")
    assert document.problems or isinstance(document.value, dict)


def test_problems_can_be_shown_on_any_terminal():
    error = ConfigError("a\x1b[2J\u202eb\nc")
    assert str(error) == "a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b\nc"
