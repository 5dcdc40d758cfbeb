"""Files that are refused: (number of the list in `bad_words`, what is wrong, file, edit, words).

All of a list are broken in one copy of the files, so each shows that all problems come at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Edit = Callable[[Path], object]
Case = tuple[int, str, str, Edit, list[str]]


def put(payload: bytes) -> Edit:
    """The whole file."""
    return lambda path: path.write_bytes(payload)


def change(old: str, new: str) -> Edit:
    """The first `old`."""

    def edit(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text, (path, old)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def lines(choose: Callable[[list[str]], list[str]]) -> Edit:
    def edit(path: Path) -> None:
        chosen = choose(path.read_text(encoding="utf-8").splitlines())
        path.write_text("\n".join(chosen) + "\n", encoding="utf-8")

    return edit


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


JAPAN = "status/japan/"
CONFIGS: list[Case] = [
    (3, "a missing file", "event/japan.yaml", Path.unlink, ["no configs/event/japan.yaml"]),
    (4, "a key twice", JAPAN + "student.yaml", change("  law:", "  group: x\n  law:"),
     ["is given twice"]),
    (7, "empty", JAPAN + "titp_1.yaml", put(b""), ["titp_1.yaml:1", "is empty"]),
    (8, "comments only", JAPAN + "titp_2.yaml", put(b"# nothing\n"), ["is empty"]),
    (6, "a list", JAPAN + "titp_3.yaml", put(b"- titp_3\n"), ["is not a mapping"]),
    (1, "two documents", JAPAN + "ssw_1.yaml", put(b"a: 1\n---\nb: 2\n"), ["second document"]),
    (1, "a list as key", JAPAN + "ssw_2.yaml", put(b"? [1, 2]\n: 3\n"), ["a key must be"]),
    (9, "a tab", JAPAN + "dependent.yaml", change("  law:", "\tlaw:"),
     ["is not YAML", "indent with spaces"]),
    (9, "indentation", JAPAN + "professor.yaml", change("  law:", "      law:"), ["is not YAML"]),
    (10, "an alias", JAPAN + "researcher.yaml", change("{en: ", "&a {en: "), [":3", "anchors"]),
    (10, "an alias bomb", JAPAN + "instructor.yaml", put(b"a: &a [x]\nb: [*a,*a]\n"), ["aliases"]),
    (11, "too large", JAPAN + "nursing_care.yaml", put(b"a: 1\n" + b"# x\n" * 1_100_000),
     ["at most"]),
    (11, "too deep", JAPAN + "skilled_labor.yaml", put(b"a: " + b"[" * 60 + b"]" * 60), ["deep"]),
    (12, "not UTF-8", JAPAN + "business_manager.yaml", put("a: 留学\n".encode("cp932")),
     ["is not UTF-8"]),
    (12, "a byte-order mark", JAPAN + "designated_activities.yaml", put("\ufeffa: {}\n".encode()),
     ["byte-order mark"]),
    (13, "a tag", JAPAN + "cultural_trainee.yaml",
     put(b"a: !!python/object/apply:os.system [id]\n"), [":1", "tag"]),
    (14, "_target_", JAPAN + "permanent_resident.yaml",
     change("  law:", "  _target_: os.system\n  law:"), ["Python code"]),
    (16, "interpolation", JAPAN + "long_term_resident.yaml",
     change("law: ", "law: ${oc.env:PATH} "), ["not looked up"]),
    (19, "a cycle", "scenario/japan/enacted.yaml",
     change("name:", "defaults:\n  - /scenario/japan: enacted\nname:"), ["its own defaults"]),
    (31, "no", JAPAN + "engineer_humanities_intl.yaml", change("family: true", "family: no"),
     ["take no for true or false"]),
    (26, "base 60", JAPAN + "esd.yaml", put(b"esd: 12:30\n"), ["base 60"]),
    (32, "octal", "prefecture/japan.yaml", change('"01":', "01:"), ["leading zero"]),
    (91, "a default outside", "country/japan.yaml",
     change("/life@life: japan", "/../life@life: japan"), ["is not a choice of files"]),
]  # fmt: skip
COMPOSED: list[list[Case]] = [
    [
        (2, "unknown key", JAPAN + "student.yaml", change("  law:", "  lwa: x\n  law:"),
         ["status.student.lwa", "Nearest: law"]),
        (5, "wrong nesting", JAPAN + "titp_1.yaml", change("  sources:", "sources:"),
         ["status.sources", "must be a mapping of settings"]),
        (15, "hydra's node", "scenario/japan/enacted.yaml", change("name:", "hydra: {}\nname:"),
         ["scenario.hydra", "is not a setting here"]),
    ],
    [
        (53, "a slip in a range", JAPAN + "student.yaml", change("high: 0.05", "high: 0.02"),
         ["leave.rate = 0.025", "between low and high, 0.01 to 0.02"]),
    ],
]  # fmt: skip
TABLES: list[Case] = [
    (62, "a gap", "stocks_status.csv", lines(lambda rows: [r for r in rows if "2016-06" not in r]),
     ["2016-12 follows 2015-12", "every 6 months"]),
    (64, "an unknown code", "municipality_flows.csv", change("\n01100,", "\n99999,"),
     ["row 2, column municipality: '99999'"]),
    (32, "a lost zero", "municipalities_foreign.csv", change("\n01100,", "\n1100,"),
     ["'1100'", "Nearest: 01100."]),
    (66, "a ward beside its city", "municipalities.csv",
     lines(lambda rows: [*rows[:2], rows[1].replace("01100", "01101"), *rows[2:]]),
     ["has 1,742 rows below the header, but needs 1,741"]),
    (67, "a sum", "stocks_prefecture_status.csv", change("2025-06,13,student,",
                                                        "2025-06,13,student,1"),
     ["column people adds up to", "prefecture 13"]),
    (74, "a missing file", "entries.csv", Path.unlink, ["entries.csv: is missing"]),
    (75, "empty", "trainees.csv", put(b"\n"), ["trainees.csv: is empty"]),
    (76, "a renamed column", "students.csv", change("quantity", "quantities"),
     ["column 'quantity' is missing. Nearest: quantities."]),
    (77, "a wrong type", "overstayers.csv", change(",published", "x,published"),
     ["is not a whole"]),
    (78, "a row twice", "skilled.csv", lines(lambda rows: [*rows[:2], *rows[1:]]),
     ["skilled.csv, row 3: repeats row 2"]),
    (79, "cut off", "family.csv", lines(lambda rows: [*rows[:2], rows[2][:4]]), ["row 3: has "]),
    (82, "semicolons", "moves.csv", lines(lambda rows: [r.replace(",", ";") for r in rows]),
     ["fields are split by ';'"]),
    (83, "header only", "naturalisation.csv", lines(lambda rows: rows[:1]),
     ["has a header but no rows"]),
    (84, "a folder", "screening.csv", a_folder, ["screening.csv: cannot be read"]),
]  # fmt: skip
