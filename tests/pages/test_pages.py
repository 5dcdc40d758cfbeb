"""What pages say in words and numbers, and how they are built."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from sim.config.compose import compose
from sim.config.schema.policy import Basis, DatedValue
from sim.core.errors import ConfigError
from sim.data.load import load
from sim.files.folder import RunFolder
from sim.pages.build import is_new_enough
from sim.pages.labels import TOPICS, UNITS, indicators_of
from sim.pages.levers import MODELLED, kind_of, package_of
from sim.pages.page import content_hash, policy
from sim.pages.scores import COLUMNS, PUBLISHED
from sim.pages.shapes import read_shapes
from sim.pages.study import read_study
from sim.pages.tables import is_distinguishable, number
from sim.pages.words import rounded

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "sim" / "web"


@pytest.mark.parametrize(
    ("people", "en", "ja"),
    [
        (0.2, "0", "0"),
        (84, "84", "84"),
        (1_234, "1,200", "1,200"),
        (21_638, "22,000", "2万2000"),
        (103_550, "100,000", "10万"),
        (996_000, "1 million", "100万"),
        (9_096_000, "9.1 million", "910万"),
    ],
)
def test_people_are_told_in_two_digits(people, en, ja):
    assert rounded(people, "en") == en
    assert rounded(people, "ja") == ja


@pytest.mark.parametrize(
    ("effect", "low", "high", "replicates", "told"),
    [
        (10.0, 5.0, 15.0, 3, True),
        (-10.0, -15.0, -5.0, 8, True),
        (10.0, -5.0, 25.0, 8, False),
        (10.0, 5.0, 15.0, 2, False),  # two runs may agree by chance
        (-500.0, -500.0, -500.0, 4, False),  # no spread is no interval
        (0.0, 0.0, 0.0, 4, False),
        (10.0, float("nan"), float("nan"), 4, False),
    ],
)
def test_an_effect_is_told_only_if_its_interval_says_so(effect, low, high, replicates, told):
    assert is_distinguishable(effect, low, high, replicates) is told


def test_numbers_keep_five_digits_and_nothing_that_json_lacks():
    assert number(6_937_712.5) == 6_937_700
    assert number(0.3133456) == 0.31335
    assert number(float("nan")) is None
    assert number(float("inf")) is None
    assert json.dumps(number(12.0)) == "12"


def test_every_indicator_of_a_run_has_words_in_both_languages_and_a_known_unit():
    for indicator in indicators_of(compose([])).values():
        assert indicator.label["en"]
        assert re.search("[\u3040-\u30ff\u4e00-\u9fff]", indicator.label["ja"]), indicator
        assert indicator.unit in UNITS
        assert indicator.topic in TOPICS
        assert indicator.code not in indicator.label.values()


@pytest.mark.parametrize(
    ("evidence", "quality", "kind"),
    [
        ("read", "published", "official"),
        ("read", "assumption", "assumption"),
        ("cited", "published", "secondary"),
        ("known", "rounded", "secondary"),
    ],
)
def test_values_of_the_law_are_marked_by_their_basis(evidence, quality, kind):
    basis = Basis(ja="法", en="Act", kind="law", number="1", evidence=evidence)
    dated = DatedValue(value=1.0, reference="example.org", basis=basis, quality=quality)
    assert kind_of(dated) == kind


def test_the_package_is_counted_as_its_table_has_it():
    table = load("japan", only=["package_measures"])["package_measures"]
    package = package_of("japan")
    assert package is not None
    assert package["counts"] == [int((table["modelled"] == one).sum()) for one in MODELLED]
    assert sum(sum(row["counts"]) for row in package["kinds"]) == len(table)
    assert package_of("nowhere") is None


def test_published_scores_are_those_of_the_docs():
    docs = (ROOT / "docs" / "hindcast.md").read_text(encoding="utf-8")
    for row in pd.read_csv(PUBLISHED, dtype=str).to_dict("records"):
        line = next(text for text in docs.splitlines()
                    if text.startswith(f"| {row['origin']} to {row['horizon']} |"))  # fmt: skip
        cells = [cell.strip(" *") for cell in line.strip("|").split("|")]
        held = re.findall(r"\d+", cells[5])
        assert [*cells[1:4], *held] == [row[name] for name in COLUMNS]


def test_a_hindcast_alone_makes_no_page(tmp_path):
    with RunFolder(tmp_path, "0123456789abcdef") as folder:
        folder.add_table("scoreboard.parquet", pa.table({"origin": ["2017-12"]}))
        folder.finish({"kind": "hindcast"})
    with pytest.raises(ConfigError, match="past scores only"):
        read_study([folder.path])


def test_a_folder_of_another_kind_is_named(tmp_path):
    with RunFolder(tmp_path, "0123456789abcdef") as folder:
        folder.add_text("x.txt", "x")
        folder.finish({"kind": "sensitivity"})
    with pytest.raises(ConfigError, match="folder of a sensitivity: a page is made of comparison"):
        read_study([folder.path])


def test_the_policy_allows_nothing_but_what_it_names():
    text = policy("let x = 1;\n", ["sha256-abc"])
    rules = dict(rule.strip().split(" ", 1) for rule in text.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'{content_hash('let x = 1;' + chr(10))}'"
    assert rules["style-src"] == "'sha256-abc'"
    assert "unsafe" not in text
    assert "http" not in text


def test_hashes_are_those_that_browsers_compute():
    # The example of the Content Security Policy standard, section 8.5.
    assert content_hash("alert('Hello, world.');") == (
        "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
    )


def test_every_word_of_the_page_is_there_in_three_languages():
    text = (WEB / "src" / "words.js").read_text(encoding="utf-8")
    words = re.findall(r"^  (\w+): \{(.*)\},?$", text, re.MULTILINE)
    assert len(words) > 100
    for name, body in words:
        assert re.findall(r"\b(en|ja|ko): \"", body) == ["en", "ja", "ko"], name
        places = [set(re.findall(r"\{(\w+)\}", part)) for part in re.split(r"\b(?:ja|ko): ", body)]
        assert places[0] == places[1] == places[2], name
    page = (WEB / "src" / "page.jsx").read_text("utf-8")
    used = set(re.findall(r"\bt\(\"(\w+)\"", page))
    used |= {f"{name}{end}" for name in re.findall(r"t\(`(\w+)\$\{drawn\}`", page)
             for end in ("", "_drawn")}  # fmt: skip
    assert used <= {name for name, _ in words}


def test_every_state_of_a_law_has_words():
    text = (WEB / "src" / "words.js").read_text(encoding="utf-8")
    for lever in compose([]).policy.values():
        if lever.legal_status != "response":  # shown as an assumption
            assert f"\n  {lever.legal_status}: " in text


def test_node_is_new_enough_from_version_20():
    assert is_new_enough("v20.20.2\n")
    assert is_new_enough("v24.19.0\n")
    assert not is_new_enough("v18.19.1\n")
    assert not is_new_enough("")


def test_the_locks_name_no_address():
    for name in ("sim/web/package-lock.json", "requirements-node.lock"):
        assert "http" not in re.sub(r'"(url|funding)": .*', "", (ROOT / name).read_text("utf-8"))


def test_nothing_of_others_lies_in_the_package():
    assert not list((ROOT / "sim").rglob("node_modules"))


def square(x: float, y: float, size: float = 0.1) -> list[list[float]]:
    return [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]


def feature(properties: dict[str, object], *rings: list[list[float]]) -> dict[str, object]:
    return {"type": "Feature", "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": list(rings)}}  # fmt: skip


def test_shapes_are_joined_by_the_property_that_holds_the_codes(tmp_path):
    path = tmp_path / "towns.geojson"
    features = [
        feature({"N03_007": "01100", "name": "<b>"}, square(141, 43), square(141.02, 43.02, 0.04)),
        feature({"N03_007": "01100"}, square(142, 43)),  # an island
        feature({"N03_007": 1202}, square(140.72, 41.76)),  # a number lacks its zero
        feature({"N03_007": "99999"}, square(0, 0)),
        feature({"N03_007": "01203"}, square(140.9, 43.1, 0.001)),  # smaller than a dot
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    shapes = read_shapes(path, ["01100", "01202", "01203"])
    assert [len(rings) for rings in shapes["rings"]] == [3, 1, 0]
    x, y, *steps = shapes["rings"][1][0]
    assert (x * shapes["grid"], y * shapes["grid"]) == pytest.approx((140.72, 41.76))
    assert (sum(steps[::2]), sum(steps[1::2])) == (0, 0)  # back where it began


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a GeoJSON FeatureCollection"),
        ('{"features": []}', "0 of 1 found"),
        (json.dumps({"features": [feature({"code": "01100"}, square(1e6, 5e6))]}), "degrees"),
        (json.dumps({"features": [feature({"code": "01100"}, [["x", "y"]])]}), "cannot be read"),
    ],
)
def test_shapes_that_cannot_be_used_are_refused(content, told, tmp_path):
    path = tmp_path / "towns.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_shapes(path, ["01100"])
    with pytest.raises(ConfigError, match="No such file"):
        read_shapes(tmp_path / "nowhere", ["01100"])
