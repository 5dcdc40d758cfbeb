"""The description of the model as a page holds what the model has, and text only as text."""

import html

import pytest

from sim.config.compose import compose
from sim.data.load import load
from sim.model.month import MONTH
from sim.outputs.describe import describe
from sim.outputs.indicators import catalogue
from sim.pages import page
from sim.pages.description import description_page


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
