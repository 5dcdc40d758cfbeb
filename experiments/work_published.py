"""Work in a run beside what is published: the table of docs/firms.md.

python experiments/work_published.py [name=value ...]

The default scenario, one person in twenty, for two years from the opening. The published values
are those of `sim/data/japan/` and of the notes in `configs/firms/`.
"""

from __future__ import annotations

import argparse

import numpy as np

from sim.agents.firms import COUNTS
from sim.config.compose import compose
from sim.core.clock import month_name
from sim.core.text import table
from sim.model.model import Kyosei

SETTINGS = ["scale=0.05", "end=2027-06"]
YEAR = "year to"
SKILLED, PROGRAMME = "skilled_1", "programme"
PUBLISHED = {
    "growth of establishments": "+8.5 % (October 2024 to 2025)",
    "growth of foreign workers in them": "+11.7 % (the same)",
    "specified skilled workers (i) recruited abroad": "64,600 (2024)",
    "trainees recruited abroad": "147,922 (2024), 160 thousand (2025)",
    "jobs that specified skilled workers (i) find in the country, of those employed":
        "0.09 (0.07-0.13) change employer",
    "of these, in another prefecture": "66 %",
}  # fmt: skip


def rows_of(model: Kyosei) -> list[dict[str, str]]:
    """For each whole year since the opening: quantity -> text."""
    record, scale = model.record, model.config.scale
    assert model.config.firms is not None
    tiers = list(model.config.firms.tiers)
    skilled, programme = tiers.index(SKILLED), tiers.index(PROGRAMME)
    work = {name: np.array(record.work)[:, :, k] for k, name in enumerate(COUNTS)}
    jobs = np.array([rows.sum(axis=0) for rows in record.jobs])
    out = []
    for start in range(0, len(record.months) - 12, 12):
        year, end = slice(start + 1, start + 13), start + 12
        employed, seeking = (work[name][year][:, skilled] for name in ("employed", "seeking"))
        hired = work["hired"][year][:, skilled].sum()
        all_employed = work["employed"][year].sum(axis=1).mean()
        out.append({
            YEAR: month_name(record.months[end]),
            "growth of establishments": f"{jobs[end, 0] / jobs[start, 0] - 1:+.1%}",
            "growth of foreign workers in them": f"{jobs[end, 1] / jobs[start, 1] - 1:+.1%}",
            "specified skilled workers (i) recruited abroad":
                f"{work['came'][year][:, skilled].sum() / scale:,.0f}",
            "trainees recruited abroad": f"{work['came'][year][:, programme].sum() / scale:,.0f}",
            "jobs that specified skilled workers (i) find in the country, of those employed":
                f"{hired / employed.mean():.2f}",
            "of these, in another prefecture":
                f"{work['crossed'][year][:, skilled].sum() / hired:.0%}",
            "specified skilled workers (i) without a job":
                f"{seeking.sum() / (seeking + employed).sum():.1%}",
            "months until they find one": f"{12 * seeking.mean() / hired:.1f}",
            "workers of firms that close or are barred":
                f"{work['evicted'][year].sum() / all_employed:.1%}",
            "jobs that nobody took at the end": f"{jobs[end, 3] / scale:,.0f}",
        })  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", metavar="name=value")
    model = Kyosei(compose([*SETTINGS, *parser.parse_args().words]))
    model.run()
    years = rows_of(model)
    lines = [
        [name, *(year[name] for year in years), PUBLISHED.get(name, "not published")]
        for name in years[0]
        if name != YEAR
    ]
    print(table(["", *(f"year to {year[YEAR]}" for year in years), "published"], lines))


if __name__ == "__main__":
    main()
