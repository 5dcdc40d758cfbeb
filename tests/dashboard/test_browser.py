"""The dashboard in a real browser: a person composes a scenario, runs it and looks at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sim.cli.main import main

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "build/web/node_modules/axe-core/axe.min.js"
HOSTILE = "=cmd()<script>document.title='taken'</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )


class Server:
    """`kyosei dashboard` in a study of its own."""

    def __init__(self, folder: Path) -> None:
        assert main(["init", str(folder)]) == 0
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim.cli.main", "dashboard"], cwd=folder, text=True,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[1]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("dashboard") / "study")
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Page]:
    """A page that was opened with the printed address; it may ask nobody but the server."""
    context = browser.new_context()
    opened = context.new_page()
    asked, wrong = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(server.address)
    opened.get_by_role("button", name="Compose").wait_for()
    yield opened
    assert all(url.startswith(("http://127.0.0.1:", "blob:", "data:")) for url in asked)
    assert wrong == []
    context.close()


def compose_fees(tab: Page, title: str) -> None:
    """Set two levers over the law of 2025, in a comparison of a few seconds."""
    tab.get_by_role("button", name="Compose").click()
    tab.get_by_label("Called").fill(title)
    tab.get_by_label("Last month", exact=True).fill("2025-08")
    tab.get_by_label("Scale").fill("0.001")
    tab.get_by_label("Replicates").fill("3")
    tab.get_by_label("Search by words").fill("residence fee")
    tab.get_by_role("button", name="Set Permanent residence fee").click()
    tab.get_by_label("Search by words").fill("")
    tab.get_by_role("button", name="Set Renewal and change fee").click()
    tab.get_by_label("Strength of Permanent residence fee").fill("0.5")
    tab.get_by_label("Response to Permanent residence fee").select_option("high")
    expect(tab.get_by_role("button", name="Start the comparison")).to_be_enabled(timeout=20_000)
    expect(tab.locator(".command").first).to_contain_text("jp05", timeout=20_000)


def test_without_the_secret_there_is_no_page(browser, server):
    context = browser.new_context()
    opened = context.new_page()
    answer = opened.goto(server.address.partition("?")[0])
    assert answer is not None
    assert answer.status == 403
    context.close()


def test_a_scenario_is_composed_run_seen_and_kept(tab, server):
    compose_fees(tab, HOSTILE)
    tab.get_by_text("What the law says").first.click()
    expect(tab.locator(".dated svg").first).to_be_visible()
    tab.get_by_label("Name of the file").fill("fees")
    tab.get_by_role("button", name="Save as a scenario").click()
    expect(tab.locator(".said")).to_contain_text("scenario=fees", timeout=20_000)
    assert "jp06" in (server.folder / "configs/scenario/japan/fees.yaml").read_text("utf-8")
    tab.get_by_role("button", name="Start the comparison").click()
    state = tab.locator(".state").first
    expect(state).to_have_text(re.compile("runs|waits|done"))
    expect(state).to_have_text("done", timeout=240_000)
    tab.get_by_role("button", name="Show differences").click()
    tab.locator("figure .drawing svg").first.wait_for(timeout=30_000)
    assert tab.title() == "Kyosei dashboard"  # the title of the scenario is text
    expect(tab.locator(".legend").first).to_contain_text("=cmd()<script>")
    with tab.expect_download() as saving:
        tab.get_by_role("button", name=re.compile("as CSV")).click()
    table = Path(saving.value.path()).read_text("utf-8-sig")
    assert not any(cell.startswith("=") for line in table.splitlines() for cell in line.split(","))
    tab.get_by_role("button", name="Results").click()
    expect(tab.locator("tbody th").first).to_contain_text("=cmd()<script>", timeout=20_000)


def test_what_is_wrong_is_said_by_kyoseis_own_checks_and_starts_nothing(tab):
    tab.get_by_role("button", name="Compose").click()
    tab.get_by_label("Last month", exact=True).fill("2110-01")
    expect(tab.locator(".problems")).to_contain_text("2100-12 or earlier", timeout=20_000)
    expect(tab.get_by_role("button", name="Start the comparison")).to_be_disabled()


def test_a_comparison_is_cancelled_with_all_its_processes(tab, server):
    compose_fees(tab, "Cancelled")
    tab.get_by_label("Last month", exact=True).fill("2050-12")
    expect(tab.get_by_text("306 months")).to_be_visible(timeout=20_000)
    tab.get_by_role("button", name="Start the comparison").click()
    expect(tab.locator(".state").first).to_have_text("runs")
    wait_for(server.children)
    tab.get_by_role("button", name="Cancel Cancelled").click()
    expect(tab.locator(".state").first).to_have_text("cancelled")
    wait_for(lambda: not alive(server.children()))


def test_the_keyboard_alone_reaches_everything(tab):
    tab.get_by_role("button", name="Compose").focus()
    tab.keyboard.press("Enter")
    tab.get_by_label("Search by words").focus()
    tab.keyboard.type("language")
    expect(tab.locator("[role=status]").first).to_have_text(re.compile(r"^[1-9]\d? of"))
    tab.keyboard.press("Tab")  # the list, which scrolls
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.locator(".pull")).to_have_count(1)
    box = tab.locator(".pull summary")
    box.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".pull details")).to_have_attribute("open", "")


@pytest.mark.parametrize("view", ["Results", "Compare", "Compose", "Queue"])
def test_axe_finds_nothing_serious(tab, view):
    assert AXE.is_file(), "make pages brings axe-core"
    tab.get_by_role("button", name=view, exact=True).click()
    tab.wait_for_timeout(500)
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    found = tab.evaluate("axe.run()")["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in grave] == []


def test_nothing_outlives_a_dashboard_that_is_killed(browser, tmp_path):
    made = Server(tmp_path / "study")
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(made.address)
    compose_fees(opened, "Long")
    opened.get_by_label("Last month", exact=True).fill("2050-12")
    expect(opened.get_by_text("306 months")).to_be_visible(timeout=20_000)
    opened.get_by_role("button", name="Start the comparison").click()
    wait_for(lambda: len(made.children()) > 1)
    inside = made.children()
    made.process.send_signal(signal.SIGKILL)
    made.process.wait()
    wait_for(lambda: not alive(inside))
    context.close()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != "zombie"]


def wait_for(what, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)
