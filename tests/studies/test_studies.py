"""Hindcasts and sensitivity end to end, at a tiny scale: the same again, and after a stop."""

import json
from pathlib import Path

import pytest

from sim.files.folder import read_parquet
from sim.files.manifest import verify
from sim.studies.hindcast import command, forecast
from sim.studies.hindcast import forecast as forecast_module
from sim.studies.hindcast.command import hindcast
from sim.studies.hindcast.forecast import simulate_member
from sim.studies.sensitivity.command import sensitivity

ROOT = Path(__file__).resolve().parents[2]
LOOK = ["origin=2023-12", "horizon=2024-06", "members=2", "scale=0.002", "threads=1"]


def digests(folder: Path) -> dict[str, str]:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    return {name: record["sha256"] for name, record in files.items()}


@pytest.mark.slow
def test_hindcast_is_the_same_again_and_after_a_stop(tmp_path, monkeypatch):
    whole = hindcast([*LOOK, f"output={tmp_path / 'whole'}"], quiet=True)
    part = forecast_module.ensemble

    def stopped(origin, members, kept):
        part(origin, members[:2], kept)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "ensemble", stopped)
        with pytest.raises(KeyboardInterrupt):
            hindcast([*LOOK, f"output={tmp_path / 'again'}"], quiet=True)
    made = sorted((tmp_path / "again").rglob("member_*.parquet"))
    assert [path.name for path in made] == ["member_000.parquet", "member_001.parquet"]
    remade = []
    with monkeypatch.context() as patch:
        patch.setattr(forecast, "member_of", lambda o, m: remade.append(m) or simulate_member(o, m))
        again = hindcast([*LOOK, f"output={tmp_path / 'again'}"], quiet=True)
    assert remade == [2]
    assert again.name == whole.name
    for folder in (tmp_path / "whole").iterdir():
        assert verify(folder) == []
        assert digests(folder) == digests(tmp_path / "again" / folder.name)
    board = read_parquet(whole / "scoreboard.parquet").to_pandas()
    assert set(board["forecaster"]) >= {"kyosei", "kyosei_stacked", "last", "event_aware"}
    assert board["error_groups"].between(0, 1).all()


@pytest.mark.slow
def test_given_entries_are_not_seen_in_free_mode(tmp_path):
    boards = {}
    for mode in ("free", "conditional"):
        folder = hindcast([*LOOK, f"mode={mode}", f"output={tmp_path}"], quiet=True)
        board = read_parquet(folder / "scoreboard.parquet").to_pandas()
        board = board[board["events"] == "told"].set_index("forecaster")
        boards[mode] = board
    free, given = boards["free"], boards["conditional"]
    assert free.loc["kyosei", "error_groups"] != given.loc["kyosei", "error_groups"]
    assert free.loc["last", "error_groups"] == given.loc["last", "error_groups"]


@pytest.mark.slow
def test_sensitivity_is_the_same_again(tmp_path):
    words = ["end=2025-12", "scale=0.001", "trajectories=2", "sobol=2", "kept=2", "threads=1"]
    one = sensitivity([*words, f"output={tmp_path / 'one'}"], quiet=True)
    two = sensitivity([*words, f"output={tmp_path / 'two'}"], quiet=True)
    assert digests(one) == digests(two)
    assert verify(one) == []
    swings = read_parquet(one / "tornado.parquet").to_pandas()
    students = swings[(swings["factor"] == "student_arrivals") & (swings["output"] == "residents")]
    assert students["low"].iloc[0] < students["central"].iloc[0] < students["high"].iloc[0]


@pytest.mark.slow
def test_the_notebook_runs(capsys):
    """Its cells, one after the other, in one namespace, as a notebook runs them."""
    book = json.loads((ROOT / "notebooks" / "hindcast.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "hindcast.ipynb", "exec"), names)
    said = capsys.readouterr().out
    assert "rows were not known at 2022-12" in said
    assert "kyosei_stacked" in said
