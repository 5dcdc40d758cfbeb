"""Bad input: every case is refused at the door, with the place, the rule and what to do instead.

Words of one batch are given together, so each case also shows that all problems come at once.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from sim import config as door
from sim.errors import ConfigError
from sim.settings import configs_folder

Case = tuple[str, list[str]]


@cache
def problems(words: tuple[str, ...]) -> str:
    with pytest.raises(ConfigError) as caught:
        door.compose(list(words))
    assert caught.value.exit_code == 2
    return "\n".join(caught.value.problems)


def assert_told(text: str, expected: list[str]) -> None:
    missing = [part for part in expected if part not in text]
    assert not missing, f"{missing} not in\n{text}"


# Words that are refused as they stand, before any file is read.
WORDS: list[Case] = [
    ("seed", ["it sets nothing", "Write name=value", "Nearest: seed"]),
    ("+seed=1", ["leave the + out"]),
    ("++seed=1", ["leave the + out"]),
    ("--config-dir=/tmp", ["it is an option"]),
    ("--config-path=/tmp", ["it is an option"]),
    ("hydra.run.dir=/tmp", ["Hydra's own settings cannot be changed"]),
    ("hydra/launcher=joblib", ["Hydra's own settings cannot be changed"]),
    ("hydra.searchpath=[file:///tmp]", ["Hydra's own settings cannot be changed"]),
    ("_target_=os.system", ["cannot name Python code"]),
    ("status.student._target_=os.system", ["cannot name Python code"]),
    ("life={_partial_: true}", ["cannot name Python code"]),
    ("output=${oc.env:HOME}", ["${...} is not looked up", "Write the value itself"]),
    ("scenario=baseline", ["no configs/scenario/baseline.yaml", "Nearest: baseline_2025"]),
    ("scenario=../../etc/passwd", ["must be the name of a file", "no folders"]),
    ("scenario=/etc/passwd", ["must be the name of a file", "no folders"]),
    ("country=jpan", ["no configs/country/jpan.yaml", "Nearest: japan"]),
    ("status/japan@status=student", ["chosen by its name alone"]),
    ("scale=0,5", ["scale = 0,5", "several values", "kyosei run -m"]),
    ("scale=1,000", ["scale = 1,000", "Write 1000, without commas"]),
    ("seed=007", ["seed = 007", "leading zero"]),
    ("seed=1_000", ["seed = 1_000", "without it"]),
    ("scale=yes", ["scale = yes", "take yes for true or false"]),
    ("seed=\uff11", ["full-width"]),
    ("seed=[1,2", ["cannot be read", "quotes"]),
    ("seed=1\x07", ["control character"]),
    ("~scenario", ["only a setting can be taken out"]),
]


@pytest.mark.parametrize(("word", "expected"), WORDS, ids=[case[0][:40] for case in WORDS])
def test_words(word: str, expected: list[str]):
    assert_told(problems((word,)), ["command line  ", *expected])


def test_a_word_given_twice_is_refused():
    assert_told(problems(("seed=1", "seed=2")), ["seed is given twice", "Keep one"])


# Each list is one command line: no key twice in it.
SHAPES: list[list[Case]] = [
    [
        ("sed=1", ["there is no sed to set", "Nearest: seed"]),
        ("seed=-1", ["seed = -1", "must be 0 or more"]),
        ("replicate=1.5", ["replicate = 1.5", "a whole number, not 1.5"]),
        ("scale=nan", ["scale = nan", "finite number"]),
        ("threads=0", ["threads = 0", "must be 1 or more"]),
        ("start=2025-13", ["start = 2025-13", "is not a month"]),
        ("end=2030", ["end = 2030", "write YYYY-MM"]),
        ("output=7", ["output = 7", 'Write it in quotes: "7"']),
        ("status.studnet.work=none", ["no studnet in status", "Nearest: student"]),
        ("status.student.wrok=none", ["no wrok in status.student", "Nearest: work"]),
        ("status.student.work=all", ["status.student.work = all", "One of: any, field"]),
        ("status.student.family=maybe", ["status.student.family = maybe", "true or false"]),
        ("status.student.colour=blue", ["status.student.colour = blue", '"#0072B2"']),
        ("status.student.group=Study", ["status.student.group = Study", "lower-case letters"]),
        ("status.student.monthly.leave.rate=12%", ["leave.rate = 12%", "Write 0.12 for 12%"]),
        ("status.student.monthly.marry.rate=700", ["marry.rate = 700", "must be 50 or less"]),
        ("status.student.permits.first.12=12", ["first.12 = 12", "did you mean 0.12 (12 %)?"]),
        ("status.student.opening.language=[1.0]", ["must have 5 items, has 1"]),
        ("status.student.opening.turnover=null", ["turnover = null", "it is empty"]),
        ("status.student.sources=ISA", ["sources = ISA", "must be a list"]),
        ("life.newborn_female.value='0.5'", ["newborn_female.value = '0.5'", "bare number"]),
        ("arrivals.shocks=1", ["arrivals.shocks = 1", "true or false"]),
        ("prefecture.13.row=1e30", ["prefecture.13.row = 1e30", "whole number"]),
        ("country.statuses.30=x", ["country.statuses.30", "has items 0 to 26"]),
        ("arrivals.mode=fre", ["arrivals.mode = fre", "Nearest: free"]),
        ("seed.more=1", ["seed is a single value"]),
        ("~status.titp_1.opening", ["status.titp_1.opening", "is missing"]),
        ("~status.titp_9", ["there is no status.titp_9 to take out", "Nearest: titp_"]),
    ],
    [
        ("seed=18446744073709551616", ["must be less than 9223372036854775808"]),
        ("scale=1.5", ["scale = 1.5", "must be 1 or less"]),
        ("threads=2000", ["threads = 2000", "1024 or less"]),
        ("replicate=abc", ["replicate = abc", "not the text 'abc'"]),
        ("status.student.monthly.leave.rate=inf", ["leave.rate = inf", "finite number"]),
        ("status.student.monthly.marry.rate=true", ["marry.rate = true", "not true or false"]),
        ("status.student.at_end.leave.share=-0.1", ["share = -0.1", "must be 0 or more"]),
        ("status.student.at_end.leave.kind=go", ["kind = go", "One of: "]),
        ("status.student.opening.min_age=130", ["min_age = 130", "120 or less"]),
        ("arrivals.channels.student.growth=5", ["growth = 5", "0.5 or less"]),
        ("end=2100-13", ["end = 2100-13", "is not a month"]),
    ],
    [("status=student", ["status = student", "a mapping of names to values"])],
]
SENSE: list[list[Case]] = [
    [
        ("start=2025-05", ["start = 2025-05", "June or December, 2012-12 to 2025-06"]),
        ("end=2101-01", ["end = 2101-01", "must be 2100-12 or earlier"]),
    ],
    [
        ("start=2010-12", ["start = 2010-12", "2012-12 to 2025-06"]),
        ("end=2010-12", ["end = 2010-12", "must be after the start, 2010-12"]),
        ("output=../x", ["output = ../x", "nor lead upwards"]),
        ("status.student.child=chld", ["no status chld"]),
        ("status.student.group=stdy", ["no group stdy", "Nearest: study"]),
        ("status.student.at_end.leave.to=irregular", ["leave leads nowhere"]),
        ("status.student.at_end.to_ssw_1.to=ssw", ["no status ssw", "Nearest: ssw_"]),
        ("status.student.at_end.to_graduate.to=phd", ["no stage phd", "One of: "]),
        (
            "status.student.at_end.to_professor.share=0.9",
            ["student.at_end", "they may add up to 1"],
        ),
        ("status.student.monthly.leave.share=0.1", ["give a yearly `rate`, and no share"]),
        ("status.titp_1.at_end.leave.rate=1.0", ["give its `share`, and no rate"]),
        ("status.student.monthly.leave.by.origin.vietman=2", ["Nearest: vietnam"]),
        ("status.student.monthly.leave.by.stage.lang=2", ["no stage lang here"]),
        ("status.student.monthly.leave.by.language.7=2", ["step 7 must be between 0 and 4"]),
        ("status.student.monthly.leave.by.calendar_month.0=2", ["0 must be between 1 and 12"]),
        ("status.student.monthly.leave.by.status.student=2", ["for fates common to all"]),
        ("status.student.permits.first.12=0.6", ["permits.first", "the shares add up to 1.1"]),
        ("status.student.opening.language=[0.2,0.2,0.2,0.2,0.1]", ["the shares add up to 0.9"]),
        ("status.student.opening.min_age=90", ["min_age = 90", "must not be above max_age"]),
        ("status.student.until=2010-01", []),
        ("status.student.since=2020-01", ["student.until", "must not be before since, 2020-01"]),
        ("status.ssw_1.longest_stay.value=60.5", ["whole months"]),
        ("status.dependent.sponsor.of=[titp_1]", ["titp_1 may not bring a family"]),
        ("status.dependent.opening.quality=published", ["published needs a source"]),
        ("status.dependent.permits.source=nobody", ["no source nobody"]),
        ("status.titp_1.opening.low=3.0", []),
        ("status.titp_1.opening.high=2.0", ["titp_1.opening.low", "must not be above high, 2"]),
        ("status.titp_2.at_end.to_titp_3.low=0.9", ["must not be above high, 0.38"]),
        ("life.monthly.birth.by.age_sex.M.20=0.1", ["only women give birth"]),
        ("life.monthly.learn.by.arrears.rent=2", ["no arrears rent here"]),
        ("life.same_prefecture_moves.value=1.2", ["share between 0 and 1"]),
        ("arrivals.channels.student.ages={20: 0.5, 18: 0.5}", ["ascending order"]),
        ("arrivals.channels.student.season.13=1", ["no calendar month"]),
        ("arrivals.channels.student.oldest=1", ["must be above the last age"]),
        ("event.border_closure.edits.arrivals.set=1", ["either multiply or set"]),
        ("event.border_closure.edits.family.paths=[nobody.*]", ["matches nothing"]),
        (
            (
                "scenario.edits={a: {paths: [student.monthly.leave], since: 2027-01, set: 0.1}, "
                "b: {paths: ['*.monthly.leave'], since: 2028-01, set: 0.2}, "
                "c: {paths: [arrivals.student], since: 2027-01, set: 5}}"
            ),
            [
                "scenario.edits.b.set = 0.2",
                "both set student.monthly.leave",
                "scenario.edits.c.set = 5",
                "Multiply arrivals",
            ],
        ),
        ("status.dependent.family=true", ["status.dependent.family = true", "must be false"]),
        ("country.irregular=iregular", ["no status iregular", "Nearest: irregular"]),
        ("country.origins.0=vietnam", ["listed twice", "is not in country.origins"]),
        ("prefecture.13.row=0", []),
        ("prefecture.13.column=12", ["stands on the tile of 01"]),
        ("status.titp_1.permits.renewed={300: 1.0}", ["254 months or less"]),
    ],
]


def batched(batches: list[list[Case]]) -> list[tuple[tuple[str, ...], str, list[str]]]:
    return [
        (tuple(word for word, _ in batch), word, expected)
        for batch in batches
        for word, expected in batch
    ]


@pytest.mark.parametrize(
    ("line", "word", "expected"),
    batched(SHAPES + SENSE),
    ids=[case[1][:48] for case in batched(SHAPES + SENSE)],
)
def test_settings(line: tuple[str, ...], word: str, expected: list[str]):
    assert_told(problems(line), expected)


def test_more_threads_than_cores():
    assert_told(problems(("threads=1000",)), ["threads = 1000", "this machine has"])


STUDENT = "status/japan/student.yaml"


def replace(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


FILES: list[tuple[str, str, Callable[[str], str] | bytes, list[str]]] = [
    ("duplicate key", STUDENT, replace("  law:", "  group: x\n  law:"), ["is given twice"]),
    ("alias", STUDENT, replace("{en: Student", "&a {en: Student"), [":3", "anchors"]),
    ("alias bomb", STUDENT, b"a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n", ["aliases"]),
    ("python tag", STUDENT, b"student: !!python/object/apply:os.system [id]\n", [":1", "tag"]),
    ("path tag", STUDENT, b"s: !!python/object/apply:pathlib.Path [a]\n", [":1", "tag"]),
    ("_target_", STUDENT, replace("  law:", "  _target_: os.system\n  law:"), ["Python code"]),
    ("interpolation", STUDENT, replace("law: ", "law: ${oc.env:PATH} "), ["not looked up"]),
    ("tab", STUDENT, replace("  law:", "\tlaw:"), ["is not YAML", "indent with spaces"]),
    ("bad indentation", STUDENT, replace("  law:", "      law:"), ["is not YAML"]),
    ("empty", STUDENT, b"", [":1", "is empty"]),
    ("comments only", STUDENT, b"# nothing\n", ["is empty"]),
    ("a list", STUDENT, b"- student\n", ["is not a mapping"]),
    ("two documents", STUDENT, b"a: 1\n---\nb: 2\n", ["second document"]),
    ("not UTF-8", STUDENT, "student: 留学\n".encode("cp932"), ["is not UTF-8"]),
    ("byte-order mark", STUDENT, "\ufeffstudent: {}\n".encode(), ["byte-order mark"]),
    ("too large", STUDENT, b"a: 1\n" + b"# x\n" * 1_100_000, ["at most"]),
    ("too deep", STUDENT, b"a: " + b"[" * 60 + b"]" * 60, ["deep"]),
    ("norway", STUDENT, replace("family: true", "family: no"), ["take no for true or false"]),
    ("octal code", "prefecture/japan.yaml", replace('"01":', "01:"), ["leading zero"]),
    ("base 60", STUDENT, replace("part_time", "12:30"), ["base 60"]),
    ("a list as key", STUDENT, b"? [1, 2]\n: 3\n", ["a key must be"]),
    ("an include cycle", "scenario/enacted.yaml",
     replace("name:", "defaults:\n  - /scenario: enacted\nname:"), ["its own defaults"]),
    ("a default outside", "country/japan.yaml",
     replace("/life@life: japan", "/../life@life: japan"), ["is not a choice of files"]),
    ("a missing file", "country/japan.yaml",
     replace("/life@life: japan", "/life@life: jpan"), ["no configs/life/jpan.yaml", "japan"]),
]  # fmt: skip
COMPOSED: list[tuple[str, str, Callable[[str], str] | bytes, list[str]]] = [
    ("unknown key", STUDENT, replace("  law:", "  lwa: x\n  law:"),
     [f"configs/{STUDENT}:", "status.student.lwa", "Nearest: law"]),
    ("hydra node", "scenario/enacted.yaml", replace("name:", "hydra: {}\nname:"),
     ["scenario.hydra", "is not a setting here"]),
    ("a slip in a range", STUDENT, replace("high: 0.05", "high: 0.02"),
     [f"configs/{STUDENT}:", "leave.rate = 0.025", "between low and high, 0.01 to 0.02"]),
    ("wrong nesting", STUDENT, replace("  sources:", "sources:"),
     ["status.sources", "must be a mapping of settings"]),
]  # fmt: skip


def edited(folder: Path, name: str, edit: Callable[[str], str] | bytes) -> Path:
    """A copy of the configuration in which one file differs."""
    configs = folder / "configs"
    shutil.copytree(configs_folder(), configs)
    path = configs / name
    data = edit if isinstance(edit, bytes) else edit(path.read_text(encoding="utf-8")).encode()
    path.write_bytes(data)
    return configs


@pytest.mark.parametrize(
    ("name", "file", "edit", "expected"), FILES + COMPOSED, ids=[c[0] for c in FILES + COMPOSED]
)
def test_files(
    tmp_path: Path,
    name: str,
    file: str,
    edit: Callable[[str], str] | bytes,
    expected: list[str],
):
    configs = edited(tmp_path, file, edit)
    with pytest.raises(ConfigError) as caught:
        door.compose([], configs)
    assert_told("\n".join(caught.value.problems), ["configs/", *expected])


def test_problems_of_words_and_files_come_together(tmp_path: Path):
    configs = edited(tmp_path, STUDENT, b"")
    with pytest.raises(ConfigError) as caught:
        door.compose(["hydra.run.dir=x", "seed"], configs)
    assert len(caught.value.problems) == 3


def test_a_folder_without_configuration(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"holds no config\.yaml"):
        door.compose([], tmp_path)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["scale=12"], ["command line  scale = 12", "did you mean 0.12"]),
        (["sed=1", "start=2025-05"], ["there is no sed to set", "June or December"]),
        (["hydra.run.dir=/tmp"], ["hydra.run.dir"]),
    ],
)
def test_the_command_says_so_and_writes_nothing(
    tmp_path: Path, words: list[str], expected: list[str]
):
    done = subprocess.run(
        [sys.executable, "-m", "sim.cli", "run", *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(door.__file__).parents[1]), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert_told(done.stderr, expected)
    assert "nothing was written" in done.stderr
    assert not (tmp_path / "runs").exists()
