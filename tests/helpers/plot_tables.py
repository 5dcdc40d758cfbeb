"""Tables and look of an invented run, for the tests of the figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from sim.figures.look import Label, Look, Measure

ROOT = Path(__file__).resolve().parents[2]
GRID = yaml.safe_load((ROOT / "configs/prefecture/japan.yaml").read_text(encoding="utf-8"))
GROUPS = {
    "stay": Label("Settled", "定住", "#0072B2"),
    "work": Label("Workers", "就労", "#E69F00"),
    "out": Label("Irregular", "非正規滞在", "#333333"),
}
LOOK = Look(
    country=Label("Japan", "日本"),
    statuses={
        "pr": Label("Permanent resident", "永住者", "#0072B2", "stay"),
        "spouse": Label("Spouse of a very long-named national", "配偶者等", "#0072B2", "stay"),
        "engineer": Label("Engineer", "技術・人文知識・国際業務", "#E69F00", "work"),
        "intern": Label("Intern", "技能実習", "#E69F00", "work"),
        "irregular": Label("Irregular", "非正規滞在", "#333333", "out"),
    },
    groups=GROUPS,
    prefectures={code: Label(p["en"], p["ja"]) for code, p in GRID.items()},
    tiles={code: (p["row"], p["column"]) for code, p in GRID.items()},
    settled=frozenset(["pr", "spouse"]),
    permanent=frozenset(["pr"]),
    outside_total=frozenset(["irregular"]),
    run="0123456789abcdef",
    scenario="An invented scenario",
    municipalities={"01101": Label("", "札幌市")},
    indicators={
        name: Measure(name, name.replace("_", " ").capitalize(), "", unit)
        for name, unit in (("residents", "people"), ("settled_share", "share"),
                           ("births", "people a month"), ("sentiment", ""))
    },
    sample="scale 1, seed 0, replicate 0",
    sources={"stocks": "Source of dots", "projection": "Source of diamonds"},
)  # fmt: skip
Tables = dict[str, pd.DataFrame]


def tables(start: str = "2025-06", months: int = 30) -> Tables:
    """Run tables of an invented country in the project's prefectures, without random numbers."""
    index = pd.date_range(start, periods=months, freq="MS")
    cells = pd.MultiIndex.from_product(
        [index, list(LOOK.statuses), list(GRID)], names=["month", "status", "prefecture"]
    ).to_frame(index=False)
    age = (cells["month"].dt.year - 2025) + cells["month"].dt.month / 12
    place = cells["prefecture"].astype(int)
    cells["people"] = (1000 + 40 * place) * (1 + 0.01 * (place % 7) * age)
    pairs = [
        ("arrived", "intern", 900), ("born", "pr", 50), ("intern", "engineer", 300),
        ("intern", "irregular", 20), ("engineer", "pr", 200), ("engineer", "intern", 30),
        ("engineer", "left", 400), ("pr", "died", 40), ("pr", "naturalised", 60),
        ("spouse", "pr", 1),
    ]  # fmt: skip
    flows = [(m, a, b, "reason", float(n)) for m in index for a, b, n in pairs]
    towns = [f"{code}{town}" for code in GRID for town in (101, 202, 303)]
    years = sorted({index[0].year, index[-1].year})
    series = {"residents": 1e5, "settled_share": 0.4, "births": 90.0, "sentiment": -2.0}
    wave = 1 + 0.2 * np.sin(np.arange(months))
    ages = pd.MultiIndex.from_product(
        [range(years[0], years[-1] + 1), list(LOOK.statuses), ["F", "M"], [-1, *range(0, 90, 5)]],
        names=["year", "status", "sex", "age"],
    ).to_frame(index=False)
    ages["people"] = 10.0 * (90 - ages["age"])
    return {
        "stocks": cells.astype({"status": "category", "prefecture": "category"}),
        "flows": pd.DataFrame(flows, columns=["month", "from", "to", "reason", "people"]),
        "municipalities": pd.DataFrame(
            [(y, t, 100.0 * (i + 1), 1.0, 1.0) for y in years for i, t in enumerate(towns)],
            columns=["year", "municipality", "residents", "settled", "irregular"],
        ),
        "indicators": pd.concat(
            pd.DataFrame({"month": index, "indicator": name, "value": level * wave})
            for name, level in series.items()
        ),
        "ages": ages,
    }


def published() -> Tables:
    dates = [f"{year}-{month}" for year in range(2013, 2026) for month in ("06", "12")][:-1]
    rows = [(d, s, 90e3 + 500 * i) for i, d in enumerate(dates) for s in LOOK.counted()]
    known = pd.DataFrame({"month": ["2024-06"], "indicator": ["births"], "value": [80.0]})
    return {
        "stocks": pd.DataFrame(rows, columns=["date", "status", "people"]),
        "projection": pd.DataFrame({"year": [2020, 2040, 2070], "people": [4e5, 6e5, 9e5]}),
        "indicators": known,
    }
