"""The README and the pages of docs/: the commands, configuration and code that they show must work,
and what they link to must be there."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml

from sim import __version__
from sim.cli import main as cli
from sim.config import compose as door
from sim.config.folders import configs_here
from sim.config.settings import check_overrides, configs_folder
from sim.studies.comparison.comparison import comparison_of
from sim.studies.comparison.question import question_of
from sim.studies.hindcast.settings import load_hindcast, request_of
from sim.sweeps import sweep

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md",
         *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md",
         *sorted((ROOT / "experiments").rglob("*.md"))]  # fmt: skip
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}


def blocks(kind: str) -> list[tuple[Path, str]]:
    """(page, text) of the code blocks of a language."""
    pattern = re.compile(rf"^ *```{kind}\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    return [(page, block) for page, text in TEXT.items() for block in pattern.findall(text)]


COMMANDS = sorted({
    line.strip() for _, block in blocks("sh")
    for line in block.replace("\\\n", "").splitlines()
    if re.match(r" *(\.venv/bin/)?kyosei \w+", line)
})  # fmt: skip


def words_of(line: str) -> list[str]:
    """The words of a command, without the study that it names."""
    words = shlex.split(line, comments=True)[1:]
    if "--config" in words:
        place = words.index("--config")
        del words[place : place + 2]
    return words


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new study, whose files the pages speak of as my_..."""
    folder = tmp_path_factory.mktemp("study") / "my_study"
    assert cli.main(["init", str(folder)]) == 0
    return folder


def commands(*verbs: str) -> list[str]:
    return [line for line in COMMANDS if words_of(line)[0] in verbs]


def test_every_verb_is_known(capsys: pytest.CaptureFixture[str]):
    for verb in {words_of(line)[0] for line in COMMANDS}:
        with pytest.raises(SystemExit):
            cli.main([verb, "--help"])
        assert f"usage: kyosei {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("line", commands("run"))
def test_every_run_composes(line: str, study: Path, monkeypatch: pytest.MonkeyPatch):
    if "my_" in line:
        monkeypatch.chdir(study)
    words = [word for word in words_of(line)[1:] if not word.startswith("from=DIR")]
    settings = [word for word in words if not word.startswith("-")]
    if "-m" in words:
        assert check_overrides(settings, sweep=True) == []
        how, own = sweep.split(settings, configs_here())
        settings = sweep._lines(own, how)[0]  # of the first run
    monkeypatch.setattr(
        "sim.config.compose._too_many_threads", lambda config: []
    )  # another machine's
    assert door.compose(settings).end > "2025"


@pytest.mark.parametrize("line", commands("compare"))
def test_every_comparison_can_be_planned(line: str):
    planned = comparison_of(question_of(words_of(line)[1:]))
    assert len(planned.shown) > 1


@pytest.mark.parametrize("line", commands("levers"))
def test_every_list_of_levers_is_printed(line: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(words_of(line)) == 0
    assert "jp" in capsys.readouterr().out.lower()


@pytest.mark.parametrize("line", commands("hindcast"))
def test_every_hindcast_can_be_asked_for(line: str):
    assert request_of(words_of(line)[1:], load_hindcast("japan")).origins


def test_the_scenario_composes(tmp_path: Path):
    ((_, scenario),) = blocks("yaml")
    configs = tmp_path / "configs"
    shutil.copytree(configs_folder(), configs)
    name = yaml.safe_load(scenario)["name"]
    assert f"configs/scenario/japan/{name}.yaml" in scenario
    (configs / "scenario" / "japan" / f"{name}.yaml").write_text(scenario, encoding="utf-8")
    edits = door.compose([f"scenario={name}"], configs).scenario.edits
    assert edits["half"].multiply == 0.5


def test_the_python_examples_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["experiment=quick", "end=2025-08", "histories=1000", f"output={tmp_path}"]
    assert cli.main(["run", "-q", *words]) == 0
    names: dict[str, object] = {"folder": Path(capsys.readouterr().out.strip())}
    for page, code in blocks("python"):
        exec(compile(code, str(page), "exec"), names)
    printed = capsys.readouterr().out
    assert "students" in printed
    assert "people simulated stand for" in printed
    assert len(names["students"]) == 3  # type: ignore[arg-type]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as hosts of repositories make them."""
    plain = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    titles = re.findall(r"^#+ +(.+)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_there(page: Path):
    missing = []
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", TEXT[page]):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    named = re.findall(r"`((?:sim|configs|docs|tests|benchmarks|experiments)/[\w./]+)`", TEXT[page])
    missing += [path for path in named
                if not (ROOT / path).exists() and not re.search("NAME|COUNTRY", path)]  # fmt: skip
    assert missing == []


def test_a_newcomer_reads_the_readme_in_minutes():
    """Reasons, measurements and reference have pages of their own."""
    assert len(TEXT[ROOT / "README.md"].splitlines()) < 150


def test_the_workflow_runs_on_every_python_that_is_supported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [re.search(r":: (3\.\d+)$", text) for text in project["classifiers"]]
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    checks = yaml.safe_load(text)["jobs"]["checks"]
    assert checks["strategy"]["matrix"]["python"] == [match[1] for match in named if match]
    assert ".ci/run" in [step.get("run") for step in checks["steps"]]


def test_the_citation_names_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == __version__
    assert f"## {__version__.partition('.dev')[0]} (" in TEXT[ROOT / "CHANGELOG.md"]
