"""An indicator is one function, a figure one file, a series one declaration: added to a copy, they
are found everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import tiny

ROOT = Path(__file__).resolve().parents[2]
END = "2026-12"
INDICATOR = '''

@indicator(
    "children", en="Residents under 15", ja="15歳未満の在留外国人", unit=PEOPLE, every=HALF_YEAR,
    compare=True, good=HIGHER, scorecard=Row("settle", "Children"),
)
def children(run: Outcome) -> Values:
    """Residents who are younger than 15."""
    ages = run.record.ages.items()
    return {month: counts[:, :, :3].sum() / run.scale for month, counts in ages}
'''
FIGURE = '''"""Residents under 15."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sim.figures.figure import figure
from sim.figures.indicators import series_of
from sim.figures.look import Look
from sim.figures.style import new_figure, panels


@figure("children", "indicators")
def draw_children(indicators: pd.DataFrame, look: Look) -> Figure:
    """Residents under 15 over time."""
    measure = look.measure("children")
    picture = new_figure((6, 4), measure.en, "People.", look)
    (ax,) = panels(picture, 1, 1, (0, 0), (0.9, 0.3, 0.3, 0.3))
    ax.plot(series_of(indicators, measure))
    return picture
'''
SERIES = """

UNDER_15: Final = declare("under_15", "residents younger than 15", "int64", ("S",), MONTH)
"""
LOOKS = """
import json, runpy, sys
from pathlib import Path
import numpy as np, pyarrow.parquet as pq
import sim
from sim.agents.record import Record
from sim.figures.comparison import draw_comparison
from sim.figures.look import look_of
from sim.figures.run import draw_all
from sim.model.checkpoint import _names
from sim.figures.style import png_bytes
from sim.outputs.indicators import catalogue
from sim.outputs.outcome import Outcome
from sim.outputs.tables import tables_of
from sim.rates.places import load_places
from sim.rates.tables import build
from sim.studies.comparison.effects import Design, arms_of, effects_table, values_table
from sim.studies.comparison.scorecard import scorecard_table
from sim.studies.comparison.series import compared, series_of
from tests.helpers import tiny

copy, records, end = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
assert Path(sim.__file__).is_relative_to(copy), sim.__file__
cfg = tiny.config(end=end)
places = load_places(cfg, tiny.data())
rates = build(cfg, places.codes, places.mobility)
series = {}
for path in sorted(records.glob("*.npz")):
    record = Record()
    kept = np.load(path)
    record.resume(kept)
    assert {name: array.tolist() for name, array in record.arrays()} == {
        name: array.tolist() for name, array in kept.items()}
    tables = tables_of(Outcome(record, rates, cfg))
    folder = records / path.stem
    folder.mkdir()
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    arm = path.stem.partition("-")[0]
    series.setdefault(arm, []).append(series_of(folder, cfg).to_pandas(date_as_object=False))
frames = {name: table.to_pandas(date_as_object=False) for name, table in tables.items()}
pictures = draw_all(frames, {}, look_of(cfg, "0" * 16, indicators=catalogue(cfg)))
arms = arms_of(series, Design(0.95))
last = [arms.index.get_level_values("month").max()]
made = {"effects": effects_table(arms, last), "values": values_table(arms, last)}
made["scorecard"] = scorecard_table(made["values"], made["effects"], last, compared(cfg))
look = look_of(cfg, "0" * 16, indicators=compared(cfg))
drawn = draw_comparison(made, list(series), look)
titles = lambda picture: [t.get_text() for ax in picture.axes for t in ax.texts]
card = made["scorecard"]
print(json.dumps({
    "table": frames["indicators"].query("indicator == 'children'")["value"].tolist(),
    "panels": titles(pictures["indicators"]), "figures": list(pictures),
    "picture": [text.get_text() for text in pictures["children"].texts],
    "bytes": len(png_bytes(pictures["children"])),
    "fans": titles(drawn["fans"]), "effects": titles(drawn["effects"]),
    "card": card.query("title == 'Children'")[["section", "indicator", "state"]].values.tolist(),
    "kept": list(_names()),
    "page": runpy.run_path(str(copy / "docs/describe.py"))["page"](),
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with an indicator, a figure and a series more."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("sim", "configs", "docs"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    with open(root / "sim/outputs/indicators.py", "a", encoding="utf-8") as stream:
        stream.write(INDICATOR)
    (root / "sim/figures/children.py").write_text(FIGURE, encoding="utf-8")
    with open(root / "sim/processes/survey.py", "a", encoding="utf-8") as stream:
        stream.write(SERIES)
    listed = root / "sim/figures/run.py"
    text = listed.read_text(encoding="utf-8")
    text = text.replace("from sim.figures.figure", "from sim.figures.children import "
                        "draw_children\nfrom sim.figures.figure", 1)  # fmt: skip
    text = text.replace("    draw_queues,\n)", "    draw_queues,\n    draw_children,\n)", 1)
    listed.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def found(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the copy makes of the records of two replicates of two arms."""
    records = tmp_path_factory.mktemp("records")
    for arm, times in (("base", 1.0), ("more", 2.0)):
        for replicate in range(2):
            change = {"arrivals.channels.worker.level": 1200.0 * times}
            cfg = tiny.config(change, end=END, replicate=replicate)
            record = tiny.model(cfg, tiny.columns(400)).run()
            more = {"under_15": np.zeros((len(record.months), len(cfg.country.statuses)), int)}
            np.savez(records / f"{arm}-{replicate}.npz", **dict(record.arrays()), **more)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", LOOKS, str(copy), str(records), END],
        capture_output=True, text=True, check=False, env=environment, cwd=copy,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_indicator_is_in_the_table(found: dict):
    assert len(found["table"]) == 4, "the opening and three half-years"
    assert found["table"][-1] > 0


def test_it_has_a_panel_in_the_figure_of_all_indicators(found: dict):
    assert {"Residents under 15", "15歳未満の在留外国人"} <= set(found["panels"])


def test_the_figure_is_drawn(found: dict):
    assert found["figures"][-1] == "children"
    assert "Residents under 15" in found["picture"]
    assert found["bytes"] > 5000


def test_comparisons_draw_it(found: dict):
    assert "Residents under 15" in found["fans"]
    assert "Residents under 15" in found["effects"]


def test_it_has_its_line_of_the_scorecard(found: dict):
    assert found["card"] == [["settle", "children", "simulated"]] * 2


def test_the_page_of_documentation_has_both(found: dict):
    row = next(line for line in found["page"].splitlines() if line.startswith("| `children` |"))
    for text in ("15歳未満の在留外国人", "younger than 15.", "half-years", "drawn", "higher"):
        assert text in row
    assert "| `children.png` | Residents under 15 over time. |" in found["page"]
    assert "| settle | Children |" in found["page"]


def test_a_checkpoint_keeps_the_series(found: dict):
    assert "record.under_15" in found["kept"]


def test_the_page_of_documentation_has_the_series(found: dict):
    row = "| `under_15` | residents younger than 15 | int64[S] | months |"
    assert any(line.startswith(row) for line in found["page"].splitlines())
