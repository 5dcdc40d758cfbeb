"""`kyosei report`: from folders to a page, and the page itself in a browser without a network."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sim.cli import main as cli
from sim.files.folder import RunFolder
from sim.pages.document import document
from sim.pages.page import DIST, escaped_json, page
from sim.pages.projection import split_of
from sim.pages.study import Quantiles, read_study

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
MOST_BYTES = 1_500_000
AXE = Path(__file__).resolve().parents[2] / "build/web/node_modules/axe-core/axe.min.js"
BASE = "scenario=baseline_2025"
FEWER = "{fewer: {paths: [arrivals.student], since: '2025-09', multiply: 0.2}}"
WORDS = [
    "compare", "scenario=[baseline_2025,enacted]",
    f'arm.fewer={BASE} "scenario.edits={FEWER}"',
    "scale=0.002", "end=2026-12", "draws=none", "replicates=3", "threads=1", "figures=false",
    "hydra/launcher=basic",
]  # fmt: skip
SERIOUS = ("serious", "critical")
HOSTILE = '=cmd()</script><script>document.title = "taken"</script><img src=x onerror=alert(1)>\n@a'


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("report")
    assert cli.main([*WORDS, f"output={root}", "-q"]) == 0
    (made,) = (path.parent for path in root.glob("*/effects.parquet"))
    return made


@pytest.fixture(scope="module")
def run(comparison) -> Path:
    """A run of the comparison's baseline."""
    manifest = json.loads((comparison / "manifest.json").read_text(encoding="utf-8"))
    return comparison.parent / manifest["runs"]["baseline_2025"][0]


@pytest.fixture(scope="module")
def made(comparison) -> dict[str, Any]:
    """The document of the comparison."""
    return document(read_study([comparison]), "en")


@pytest.fixture(scope="module")
def projection(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("projection")
    words = ["project", "members=10", "split=0", "member_scale=0.001", "scale=0.001",
             "end=2025-12", "figures=false", "threads=1", "hydra/launcher=basic"]  # fmt: skip
    assert cli.main([*words, f"output={root}", "-q"]) == 0
    (made,) = (path.parent for path in root.glob("*/quantiles.parquet"))
    return made


# ---- what the document says -------------------------------------------------------------------


def test_numbers_of_the_page_are_those_of_the_tables(comparison, made):
    effects = pd.read_parquet(comparison / "effects.parquet")
    last = effects[(effects["month"].astype(str) == "2026-12-01") & (effects["arm"] == "fewer")]
    everybody = last[last["by"] == "all"].set_index("indicator")
    for code in made["headline"]:
        own = made["effects"][code]["fewer"]
        for column in ("effect", "low", "high"):
            assert own[column][-1] == pytest.approx(everybody[column][code], rel=1e-4)
    places = last[(last["by"] == "prefecture") & (last["indicator"] == "residents")]
    by_code = places.set_index("group")["effect"]
    cells = made["splits"]["prefecture"]["residents"]["2026-12"]["fewer"]
    codes = [group["code"] for group in made["groups"]["prefecture"]]
    assert dict(zip(codes, cells["effect"], strict=True)) == pytest.approx(dict(by_code), rel=1e-4)


def test_a_comparison_that_draws_shows_both_intervals(tmp_path):
    words = ["compare", BASE, f'arm.fewer={BASE} "scenario.edits={FEWER}"', "scale=0.001",
             "end=2025-10", "replicates=3", "figures=false", "threads=1", "hydra/launcher=basic",
             f"output={tmp_path}", "-q"]  # fmt: skip
    assert cli.main(words) == 0
    (folder,) = (path.parent for path in tmp_path.glob("*/effects.parquet"))
    effects = pd.read_parquet(folder / "effects.parquet")
    last = effects[effects["named"] & (effects["by"] == "all")].set_index("indicator")
    drawn = document(read_study([folder]), "en")
    assert drawn["facts"]["drawn"]
    own = drawn["effects"]["residents"]["fewer"]
    for column in ("effect", "low", "high", "random_low", "random_high"):
        assert own[column][-1] == pytest.approx(last[column]["residents"], rel=1e-4)
    assert "draw rates, demand, arrivals, responses" in drawn["subtitle"]["en"]
    (command,) = drawn["reproduce"]["commands"]
    assert "draws=none" not in command
    assert len(drawn["reproduce"]["runs"]["fewer"]) == 3  # the draws made again are no replicates


def test_what_cannot_be_told_from_zero_is_not_told(comparison, made):
    effects = pd.read_parquet(comparison / "effects.parquet")
    last = effects[(effects["month"].astype(str) == "2026-12-01") & (effects["by"] == "prefecture")]
    last = last[(last["indicator"] == "residents") & (last["arm"] == "enacted")]
    outside = ((last["low"] > 0) | (last["high"] < 0)) & (last["low"] < last["high"])
    sure = made["splits"]["prefecture"]["residents"]["2026-12"]["enacted"]["sure"]
    assert sum(sure) == int(outside.sum()) < len(sure)
    sentences = {arm["code"]: arm["sentence"]["en"] for arm in made["arms"]}
    assert re.fullmatch(
        r"Law before the 2026 package \(fewer\): about [\d,]+ fewer .* by December 2026",
        sentences["fewer"],
    )


def test_municipalities_add_up_to_the_country(made):
    own = made["places"]["arms"]["fewer"]
    assert len(made["places"]["codes"]) == len(set(made["places"]["codes"])) == len(own["last"])
    whole = made["values"]["residents"]["fewer"]["mean"][-1]
    assert sum(own["last"]) == pytest.approx(whole, rel=1e-3)
    assert sum(own["effect"]) == pytest.approx(made["effects"]["residents"]["fewer"]["effect"][-1],
                                               rel=0.05)  # fmt: skip


def test_flows_are_of_twelve_months(comparison, made, run):
    flows = pd.read_parquet(run / "flows.parquet")
    inside = flows["month"].astype(str).between("2026-01-01", "2026-12-31")
    came = flows[inside & (flows["from"] == "arrived")]["people"].sum()
    document_of_run = document(read_study([run]), "en")
    links = document_of_run["movements"][-1]["arms"]["baseline_2025"]
    assert sum(link[2] for link in links if link[0] == "arrived") == pytest.approx(came, rel=1e-4)
    year = document_of_run["values"]["arrivals"]["baseline_2025"]["mean"][-1]
    assert year == pytest.approx(came, rel=1e-4)


def test_levers_have_law_reference_and_mark(made):
    levers = {lever["code"]: lever for lever in made["levers"]}
    assert [lever["differs"] for lever in made["levers"]] == sorted(
        (lever["differs"] for lever in made["levers"]), reverse=True
    )
    differing = {code for code, lever in levers.items() if lever["differs"]}
    assert differing
    assert all(levers[code]["arms"]["enacted"] for code in differing)
    assert all(levers[code]["arms"]["baseline_2025"] is None for code in differing)
    for lever in levers.values():
        for rule in lever["rules"]:
            assert rule["reference"]
            assert rule["kind"] in ("official", "secondary", "assumption")
            basis = rule["basis"]
            assert basis["evidence"] in ("read", "cited", "known", "none")
            assert basis["title"]["ja"] if basis["title"] else basis["note"]


def test_the_command_makes_the_same_comparison(comparison, made, capsys):
    (command,) = made["reproduce"]["commands"]
    words = shlex.split(command)
    assert words[:2] == ["kyosei", "compare"]
    more = [f"output={comparison.parent}", "figures=false", "-q"]
    assert cli.main([*words[1:], *more]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(comparison)


def test_a_single_run_has_no_interval_and_says_so(run):
    made = document(read_study([run]), "en")
    assert made["effects"] == {}
    assert "low" not in made["values"]["residents"]["baseline_2025"]
    assert "no interval" in made["subtitle"]["en"]
    assert made["reproduce"]["exact"]
    assert made["assumed"]["count"] == sum(part["count"] for part in made["assumed"]["sections"])


def test_a_projection_shows_its_quantiles_beside_the_past(projection, capsys):
    made = document(read_study([projection]), "en")
    table = pd.read_parquet(projection / "quantiles.parquet")
    last = table[table["month"].astype(str) == "2025-12-01"]
    total = last[(last["by"] == "all") & (last["indicator"] == "residents")].iloc[0]
    residents, *_ = made["projection"]["fans"]
    for name, values in residents["quantiles"].items():
        assert values[-1] == pytest.approx(total[name], rel=1e-4)
    assert residents["past"][0][0] == "2012-12"
    own = made["values"]["residents"]["enacted"]
    ends = [total["median"], total["q10"], total["q90"]]
    assert [own[name][-1] for name in ("mean", "low", "high")] == pytest.approx(ends, rel=1e-4)
    assert "80% interval" in made["arms"][0]["sentence"]["en"]
    assert "10 members" in made["subtitle"]["en"]
    ranges = made["splits"]["status"]["people"]["2025-12"]["enacted"]
    assert all(low <= mean <= high for low, mean, high
               in zip(ranges["low"], ranges["mean"], ranges["high"], strict=True))  # fmt: skip
    (statuses,) = (one for one in made["projection"]["tables"] if one["by"] == "status")
    students = [group["code"] for group in statuses["groups"]].index("student")
    cell = last[(last["by"] == "status") & (last["group"] == "student")].iloc[0]
    expected = [cell[name] for name in made["projection"]["names"]]
    assert statuses["months"]["2025-12"][students] == pytest.approx(expected, rel=1e-4)
    (command,) = made["reproduce"]["commands"]
    again = [*shlex.split(command)[1:], f"output={projection.parent}", "-q"]
    assert cli.main(again) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(projection)


def test_a_projection_without_its_run_in_detail_still_makes_a_page(projection, tmp_path):
    copy = tmp_path / projection.name
    shutil.copytree(projection, copy)
    made = document(read_study([copy]), "en")
    assert made["places"] is None
    assert made["movements"] == []
    assert made["levers"]
    assert made["projection"]["fans"]


def test_the_split_of_a_projection_is_that_of_residents():
    months = pd.to_datetime(["2030-12-01", "2040-12-01"])
    rows = [(month, outcome, source, share, share / 2, 2 * share)
            for outcome, times in (("residents", 1.0), ("settled", 0.5)) for month in months
            for source, share in (("rates", 0.1 * times), ("demand", 0.3 * times))]  # fmt: skip
    columns = ["month", "outcome", "source", "share", "low", "high"]
    variance = pd.DataFrame(rows, columns=columns)
    found = split_of(Quantiles(pd.DataFrame(), variance))
    assert found is not None
    assert found["months"] == ["2030-12", "2040-12"]
    assert [one["share"] for one in found["sources"]] == [[0.1, 0.1], [0.3, 0.3]]
    assert [one["high"] for one in found["sources"]] == [[0.2, 0.2], [0.6, 0.6]]
    assert split_of(Quantiles(pd.DataFrame(), pd.DataFrame())) is None


def test_runs_with_equal_seeds_are_paired(comparison):
    manifest = json.loads((comparison / "manifest.json").read_text(encoding="utf-8"))
    runs = manifest["runs"]
    folders = [comparison.parent / runs[arm][k] for arm in ("baseline_2025", "fewer")
               for k in range(3)]  # fmt: skip
    study = read_study(folders)
    assert [len(arm.folders) for arm in study.arms] == [3, 3]
    assert study.effects is not None
    effects = pd.read_parquet(comparison / "effects.parquet")
    wanted = effects[(effects["arm"] == "fewer") & (effects["by"] == "all")]
    keys = ["month", "indicator"]
    own = study.effects[study.effects["by"] == "all"]
    both = wanted.assign(month=pd.to_datetime(wanted["month"])).merge(own, on=keys)
    assert len(both) == len(wanted)
    assert (both["effect_x"] == both["effect_y"]).all()
    unpaired = read_study(folders[:4])  # three seeds and one: levels side by side
    assert unpaired.effects is None


def test_a_hindcast_beside_gives_its_own_scores(run, tmp_path):
    board = pd.DataFrame({
        "origin": ["2023-12"] * 3 + ["2024-06"] * 3, "horizon": ["2025-06"] * 6,
        "events": ["told"] * 6,
        "forecaster": ["kyosei", "linear_2y", "constant"] * 2,
        "error_groups": [0.037, 0.05, 0.056, 0.021, 0.03, 0.04],
        "coverage_50": [0.7, None, None] * 2, "coverage_80": [0.88, None, None] * 2,
        "coverage_95": [0.92, None, None] * 2,
    })  # fmt: skip
    with RunFolder(tmp_path, "0123456789abcdef") as folder:
        folder.add_table("scoreboard.parquet", pa.Table.from_pandas(board, preserve_index=False))
        folder.finish({"kind": "hindcast"})
    scores = document(read_study([run, folder.path]), "en")["scores"]
    assert scores["given"]
    assert [row["error"] for row in scores["rows"]] == [3.7, 2.1]
    assert scores["rows"][0]["in_80"] == 88
    assert scores["rows"][scores["nearest"]]["months"] == scores["months"] == 18
    assert not document(read_study([run]), "en")["scores"]["given"]


# ---- what the verb answers --------------------------------------------------------------------


def test_the_verb_writes_one_small_file_and_says_where(comparison, tmp_path, capsys):
    to = tmp_path / "page.html"
    assert cli.main(["report", str(comparison), "--to", str(to), "--lang", "ja"]) == 0
    assert capsys.readouterr().out == f"{to}\n"
    text = to.read_text(encoding="utf-8")
    assert len(to.read_bytes()) < MOST_BYTES
    assert '<html lang="ja">' in text
    assert "src=" not in text.split("<script", 1)[0]
    assert list(tmp_path.iterdir()) == [to]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["{run}/nowhere"], 2, "is not a folder"),
        (["{empty}"], 2, "nothing was finished there"),
        (["{run}", "{comparison}"], 2, "one kind of folder, not comparison and run"),
        (["{run}", "{run}"], 2, "named twice"),
        (["{run}", "--to", "page.pdf"], 2, "ends in .html"),
        (["{run}", "--to", "{empty}/no/page.html"], 2, "a folder that exists"),
    ],
)  # fmt: skip
def test_what_makes_no_page_is_refused(words, code, told, run, comparison, tmp_path, capsys):
    places = {"run": run, "comparison": comparison, "empty": tmp_path}
    given = ["report", *(word.format(**places) for word in words)]
    if "--to" not in given:
        given += ["--to", str(tmp_path / "page.html")]
    assert cli.main(given) == code
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_changed_folder_is_refused(run, tmp_path, capsys):
    copy = tmp_path / run.name
    shutil.copytree(run, copy)
    with open(copy / "flows.parquet", "r+b") as stream:
        stream.seek(100)
        stream.write(b"\0")
    to = tmp_path / "page.html"
    assert cli.main(["report", str(copy), "--to", str(to)]) == 4
    assert "flows.parquet was changed" in capsys.readouterr().err
    assert not to.exists()


def test_a_changed_run_beside_a_comparison_is_refused(comparison, run, tmp_path, capsys):
    root = tmp_path / "runs"
    shutil.copytree(comparison.parent, root)
    (root / run.name / "config.yaml").write_text("scale: 1.0\n", encoding="utf-8")
    words = ["report", str(root / comparison.name), "--to", str(tmp_path / "page.html")]
    assert cli.main(words) == 4
    assert run.name in capsys.readouterr().err


def test_a_comparison_alone_makes_a_page_without_what_its_runs_hold(comparison, tmp_path):
    copy = tmp_path / comparison.name
    shutil.copytree(comparison, copy)
    made = document(read_study([copy]), "en")
    assert made["places"] is None
    assert made["movements"] == []
    assert made["levers"] == []
    assert made["effects"]["settled"]["fewer"]["effect"]


def test_without_the_built_bundle_it_says_how_to_get_it(made, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sim.pages.page.DIST", tmp_path)
    with pytest.raises(Exception, match="make pages"):
        page(made)


def test_neither_the_model_nor_matplotlib_is_loaded(comparison, tmp_path):
    code = (
        "import sys; from pathlib import Path; from sim.pages.report import report;"
        f"report([Path({str(comparison)!r})], to=Path({str(tmp_path / 'p.html')!r}));"
        "print([name for name in ('sim.model.model', 'matplotlib', 'mesa') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr


# ---- the page in a browser --------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, file: Path, **options: Any) -> Iterator[Page]:
    """The page without a network; fails if it asks for anything, or anything goes wrong in it."""
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 900}, **options)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("console", lambda message: wrong.append(message.text))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: wrong.append(request.url)
           if not request.url.startswith(("file:", "blob:")) else None)  # fmt: skip
    tab.goto(file.resolve().as_uri())
    tab.wait_for_selector("#figure-where svg rect", state="attached")
    yield tab
    assert wrong == []
    context.close()


@pytest.fixture(scope="module")
def file(made, tmp_path_factory) -> Path:
    to = tmp_path_factory.mktemp("page") / "page.html"
    to.write_text(page(made), encoding="utf-8")
    return to


@in_browser
def test_opens_offline_and_shows_the_numbers(browser, file, made):
    with opened(browser, file) as tab:
        assert tab.locator("h1").inner_text() == made["arms"][1]["sentence"]["en"]
        size = made["effects"]["residents"]["enacted"]["effect"][-1]
        assert size
        assert f"{size:+,.0f}" in tab.locator(".cards").inner_text()
        tab.get_by_label("Scenario shown").select_option("fewer")
        assert tab.locator("h1").inner_text() == made["arms"][2]["sentence"]["en"]
        size = made["effects"]["residents"]["fewer"]["effect"][-1]
        assert size
        assert f"{size:+,.0f}" in tab.locator(".cards").inner_text()


@in_browser
def test_tiles_stand_for_their_prefectures(browser, file, made):
    cells = made["splits"]["prefecture"]["residents"]["2026-12"]["enacted"]
    with opened(browser, file) as tab:
        tips = tab.locator("#figure-prefectures svg g > title").all_text_contents()
        told = {tip.split("\n")[0]: tip.split("\n")[1:] for tip in tips}
        fills = {
            tile.locator("title").text_content().split("\n")[0]:
            tile.locator("rect").get_attribute("fill")
            for tile in tab.locator("#figure-prefectures svg > g:has(title)").all()
        }  # fmt: skip
    for k, group in enumerate(made["groups"]["prefecture"]):
        name = group["label"]["en"]
        assert told[name][0] == f"{cells['mean'][k]:,.0f}"
        assert (fills[name] != "#ffffff") == cells["sure"][k]


@in_browser
def test_boundaries_that_a_user_gives_are_drawn(browser, run, tmp_path):
    made = document(read_study([run]), "en")
    places = made["places"]
    corners = zip(places["codes"], places["longitude"], places["latitude"], strict=True)
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": {
            "type": "Polygon",
            "coordinates": [[[x, y], [x + 0.1, y], [x + 0.1, y + 0.1], [x, y + 0.1], [x, y]]]}}
        for code, x, y in corners
    ]  # fmt: skip
    shapes = tmp_path / "towns.geojson"
    shapes.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    to = tmp_path / "page.html"
    assert cli.main(["report", str(run), "--to", str(to), "--shapes", str(shapes)]) == 0
    with opened(browser, to) as tab:
        drawn = tab.locator("#figure-towns svg path:has(title)")
        assert drawn.count() > 0.98 * len(features)
        assert "Boundaries: from the file" in tab.locator("#figure-towns").inner_text()


@in_browser
def test_languages_change_every_word_of_the_page(browser, file, made):
    with opened(browser, file) as tab:
        tab.get_by_role("button", name="日本語").click()
        assert tab.locator("html").get_attribute("lang") == "ja"
        assert tab.locator("h1").inner_text() == made["arms"][1]["sentence"]["ja"]
        assert "北海道" in tab.locator("#figure-where").text_content()
        headings = tab.locator("h2").all_inner_texts()
        assert all(re.search("[\u3040-\u30ff\u4e00-\u9fff]", heading) for heading in headings)
        tab.get_by_role("button", name="한국어").click()
        headings = tab.locator("section > h2").all_inner_texts()
        assert all(re.search("[\uac00-\ud7af]", heading) for heading in headings)


@in_browser
@pytest.mark.slow
def test_every_figure_has_its_table_and_every_indicator_can_be_chosen(browser, file, made):
    with opened(browser, file) as tab:
        figures = tab.locator("figure").all()
        assert len(figures) > 10
        for figure in figures:
            figure.get_by_role("tab", name="Table").click()
            assert figure.locator("tbody tr").count() > 1
        tab.get_by_role("tab", name="Chart").first.click()
        choice = tab.locator("#indicators .choice select")
        for indicator in made["indicators"]:
            choice.select_option(indicator["code"])
            figure = tab.locator("#figure-indicator")
            assert figure.locator("h3").inner_text() == indicator["label"]["en"]
            figure.locator("svg path").first.wait_for(state="attached")
            recorded = indicator["code"] in made["splits"]["prefecture"]
            assert figure.get_by_role("tab", name="Map").is_enabled() == recorded


@in_browser
def test_a_line_tells_its_numbers_where_the_pointer_is(browser, file):
    with opened(browser, file) as tab:
        chart = tab.locator("#figure-headline-residents svg[role=img]").nth(1)
        box = chart.bounding_box()
        tab.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
        chart.get_by_text(re.compile("(October|November|December) 2026")).wait_for()


@in_browser
def test_tables_and_pictures_can_be_saved(browser, file, made, tmp_path):
    with opened(browser, file, accept_downloads=True) as tab:
        figure = tab.locator("#figure-headline-settled")
        with tab.expect_download() as saved:
            figure.get_by_role("button", name="CSV").click()
        text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["Month"] for row in rows] == made["months"]
        column = made["arms"][0]["title"]["en"]
        wanted = made["values"]["settled"]["baseline_2025"]["mean"]
        assert [float(row[column]) for row in rows] == pytest.approx(wanted)
        for name in ("figure-headline-settled", "figure-flows", "figure-towns"):
            with tab.expect_download() as saved:
                tab.locator(f"#{name}").get_by_role("button", name="PNG").click()
            picture = Path(saved.value.path())
            assert picture.read_bytes().startswith(b"\x89PNG")
            assert colours_of(tab, picture) > 20


def colours_of(tab: Page, picture: Path) -> int:
    """How many colours a picture has: a blank one has one."""
    from PIL import Image  # matplotlib brings it

    return len(Image.open(picture).convert("RGB").getcolors(1 << 24))


@in_browser
def test_the_keyboard_alone_reaches_tabs_and_choices(browser, file):
    with opened(browser, file) as tab:
        seen = set()
        for _ in range(40):
            tab.keyboard.press("Tab")
            seen.add(tab.evaluate("document.activeElement.getAttribute('role') "
                                  "|| document.activeElement.tagName"))  # fmt: skip
        assert {"A", "SELECT", "BUTTON", "tab"} <= seen
        first = tab.locator("#figure-headline-residents")
        first.get_by_role("tab", name="Chart").focus()
        tab.keyboard.press("ArrowRight")
        assert first.get_by_role("tab", name="Table").get_attribute("aria-selected") == "true"
        assert first.locator("table").count() == 1
        tab.keyboard.press("ArrowLeft")
        assert first.locator("table").count() == 0


@in_browser
@pytest.mark.parametrize("language", ["English", "日本語"])
def test_axe_finds_nothing_serious(browser, file, language):
    assert AXE.is_file(), "make pages brings axe-core"
    with opened(browser, file) as tab:
        tab.get_by_role("button", name=language).click()
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        result = tab.evaluate("axe.run()")
        grave = [each for each in result["violations"] if each["impact"] in SERIOUS]
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in grave] == []


@in_browser
def test_the_first_two_printed_pages_are_the_summary(browser, file, tmp_path):
    with opened(browser, file) as tab:
        tab.emulate_media(media="print")
        tab.set_viewport_size({"width": 703, "height": 1000})  # A4 less its margins
        places = {
            name: tab.locator(f"#{name}").bounding_box()["height"] for name in ("summary", "basis")
        }
        assert places["summary"] < 1039  # 275 mm at 96 dots an inch
        assert places["basis"] < 1039
        assert not tab.locator(".bar").is_visible()
        assert tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@in_browser
def test_the_page_of_a_projection_opens_offline_and_its_tables_can_be_chosen(
    browser, projection, tmp_path
):
    made = document(read_study([projection]), "en")
    file = tmp_path / "page.html"
    file.write_text(page(made), encoding="utf-8")
    assert file.stat().st_size < MOST_BYTES
    with opened(browser, file) as tab:
        assert tab.locator("h1").inner_text() == made["arms"][0]["sentence"]["en"]
        figure = tab.locator("#figure-fan-residents")
        assert figure.locator("svg path").count() > 3
        figure.get_by_role("tab", name="Table").click()
        median = made["projection"]["fans"][0]["quantiles"]["median"][-1]
        assert f"{median:,.0f}" in figure.locator("tbody tr").last.inner_text()
        figure.get_by_role("tab", name="Chart").click()
        tables = tab.locator("#uncertainty")
        assert "not split" in tables.inner_text()
        tables.locator(".choice select").first.select_option("prefecture")
        assert tables.locator("tbody tr").count() == 47
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        grave = [each["id"] for each in tab.evaluate("axe.run()")["violations"]
                 if each["impact"] in SERIOUS]  # fmt: skip
        assert grave == []
        tab.emulate_media(media="print")
        tab.set_viewport_size({"width": 703, "height": 1000})
        assert tab.locator("#summary").bounding_box()["height"] < 1039


@in_browser
def test_hostile_labels_are_shown_as_text(browser, made, tmp_path):
    hostile = json.loads(json.dumps(made))
    poison(hostile)
    to = tmp_path / "hostile.html"
    to.write_text(page(hostile), encoding="utf-8")
    with opened(browser, to, accept_downloads=True) as tab:
        assert tab.locator("h1").text_content() == HOSTILE
        assert tab.title() != "taken"
        assert tab.locator("img").count() == 0
        for figure in tab.locator("figure").all():
            figure.get_by_role("tab").last.click()
        assert HOSTILE in tab.locator("#figure-status tbody").text_content()
        with tab.expect_download() as saved:
            tab.locator("#figure-flows").locator(".save").first.click()
        text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert f"'{HOSTILE}" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]


def poison(node: Any) -> None:
    """Put the hostile text in place of every text that a reader sees."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("en", "ja", "ko", "reference", "unit", "study") and isinstance(value, str):
                if key != "unit" or "name" in node:  # an indicator's unit is a code
                    node[key] = HOSTILE
            else:
                poison(value)
    elif isinstance(node, list):
        for value in node:
            poison(value)


def test_no_text_can_leave_its_element():
    content = {"a": HOSTILE, "b": "\u2028<!--", "c": [1.5, None]}
    text = escaped_json(content)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == content


def test_the_built_script_can_stand_in_its_element():
    for name in ("page.js", "page.css"):
        text = (DIST / name).read_text(encoding="utf-8")
        assert not re.search(r"</(script|style)|<!--", text, re.IGNORECASE)
