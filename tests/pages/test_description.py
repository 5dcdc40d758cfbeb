"""The description of the model as a page holds what the model has, and text only as text."""

import html

import pytest

from sim.cli.main import main
from sim.config.compose import compose
from sim.config.marks import marked
from sim.data.load import load
from sim.model.month import MONTH
from sim.outputs.describe import describe
from sim.outputs.indicators import catalogue
from sim.pages import page
from sim.pages.description import description_page
from sim.pages.trace import trace


@pytest.fixture(autouse=True)
def style(tmp_path, monkeypatch):
    (tmp_path / page.STYLE).write_text("main { margin: 0 auto; }")
    monkeypatch.setattr(page, "DIST", tmp_path)


def test_every_process_status_lever_and_indicator_appears():
    config = compose([])
    made = description_page(describe(config, load(config.country.data)))
    for name in (*(process.__name__ for process in MONTH), *config.status, *catalogue(config)):
        assert f"<code>{name}</code>" in made
    for lever in config.policy.values():
        assert f"<td>{html.escape(lever.id)}</td>" in made


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "![x](https://example.org/x)"])
def test_hostile_labels_are_text(hostile: str):
    made = description_page(f"# {hostile}\n\n| name |\n| --- |\n| {hostile} |\n")
    assert "<script" not in made
    assert "<img" not in made
    assert "default-src &#x27;none&#x27;" in made


@pytest.mark.parametrize("country", ["japan", "korea"])
def test_the_evaluation_counts_what_there_is(country: str):
    config = compose([f"country={country}"])
    table = trace(config, load(country))
    assert f"{len(config.status)} statuses, {len(config.policy)} levers" in table
    assumed = sum(one.quality == "assumption" for _, one in marked(config))
    assert f"{assumed} assumption" in table
    assert ("not scored yet" in table) == (country == "korea")
    for element in ("Problem formulation", "Data evaluation", "Implementation verification",
                    "Output verification", "Model analysis", "Output corroboration"):  # fmt: skip
        assert element in table


def test_the_command_writes_a_page_where_the_name_says_so(tmp_path, capsys):
    assert main(["describe", "--to", str(tmp_path / "model.html")]) == 0
    assert "TRACE" in (tmp_path / "model.html").read_text("utf-8")
    assert main(["describe", "--to", str(tmp_path / "model.md")]) == 0
    assert (tmp_path / "model.md").read_text("utf-8").startswith("# Kyosei")
