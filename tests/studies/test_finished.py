"""Finished runs against each other: pairs, differences, ratios and intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from sim.cli.main import main
from sim.core.errors import ConfigError
from sim.files.folder import RunFolder
from sim.studies.finished import compare_finished

MONTHS = np.array(["2025-06-01", "2025-12-01", "2026-03-01"], "datetime64[D]")


def run(
    root: Path, seed: int, residents: list[float], students: float = 10.0, country: str = "japan"
) -> Path:
    """A folder as a run leaves it."""
    number = f"{seed:016x}"
    about = {"start": "2025-06", "scale": 0.01, "seed": seed, "replicate": 0,
             "country": {"name": country}}  # fmt: skip
    with RunFolder(root, number) as folder:
        folder.add_table("indicators.parquet", pa.table({
            "month": pa.array(MONTHS), "value": residents,
            "indicator": pa.array(["residents"] * 3).dictionary_encode(),
        }))  # fmt: skip
        folder.add_table("stocks.parquet", pa.table({
            "month": pa.array(MONTHS), "people": [students, students, students],
            "status": pa.array(["student"] * 3).dictionary_encode(),
        }))  # fmt: skip
        folder.add_text("config.yaml", yaml.safe_dump(about))
        folder.finish({"kind": "run"})
    return root / number


def row(found: pd.DataFrame, indicator: str) -> pd.Series:
    return found[(found["indicator"] == indicator) & (found["month"] == "2026-03-01")].iloc[0]


def test_runs_of_one_seed_are_paired(tmp_path: Path):
    for seed, more in ((0, 4.0), (1, 6.0), (2, 5.0), (3, 5.0)):
        run(tmp_path / "a", seed, [100.0, 100.0, 100.0 + 50 * seed])
        run(tmp_path / "b", seed, [100.0, 100.0, 100.0 + 50 * seed + more], students=20.0)
    found = compare_finished(tmp_path / "a", tmp_path / "b")
    assert set(found["month"].dt.strftime("%Y-%m")) == {"2025-12", "2026-03"}
    one = row(found, "residents")
    assert (one["pairs"], one["difference"]) == (4, 5.0)
    half = 3.18244630528371 * np.std([4, 6, 5, 5], ddof=1) / 2  # t(3) at 0.975
    assert (one["low"], one["high"]) == pytest.approx((5 - half, 5 + half))
    assert row(found, "residents:student")["ratio"] == 2.0


def test_two_pairs_have_no_interval_and_no_pair_means_only(tmp_path: Path):
    for seed in (0, 1):
        run(tmp_path / "a", seed, [1.0, 2.0, 3.0])
        run(tmp_path / "b", seed + 1, [1.0, 2.0, 4.0])
        run(tmp_path / "c", seed + 7, [1.0, 2.0, 6.0])
    assert row(compare_finished(tmp_path / "a", tmp_path / "b"), "residents")["pairs"] == 1
    apart = row(compare_finished(tmp_path / "a", tmp_path / "c"), "residents")
    assert (apart["pairs"], apart["difference"], apart["ratio"]) == (0, 3.0, 2.0)
    assert np.isnan(apart["low"])


def test_the_verb_takes_folders_and_writes_a_table(tmp_path: Path, capsys):
    first, second = run(tmp_path / "a", 0, [1.0, 2.0, 3.0]), run(tmp_path / "b", 0, [1.0, 2.0, 6.0])
    words = ["compare", str(first), str(second), f"to={tmp_path / 'x.csv'}"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "1 pair of runs with the same random numbers" in said
    assert "residents:student" in said
    assert len(pd.read_csv(tmp_path / "x.csv")) == 4
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "nothing")]) == 2
    with pytest.raises(ConfigError, match="no finished run"):
        compare_finished(tmp_path / "a", tmp_path / "nothing")
