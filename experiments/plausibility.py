"""Finished runs beside what is published, from 2012 to 2050: the page docs/plausibility.md.

    kyosei run start=2012-12 end=2025-06 figures=false     # the past
    kyosei run end=2050-12 figures=false                   # the future
    python experiments/plausibility.py PAST FUTURE > docs/plausibility.md

Each number of a run stands beside the published one of the same date, where there is one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from sim.core.text import markdown_table
from sim.data.load import Data, data_of
from sim.outputs.read import read_run
from sim.studies.calibration.demand import workers_of_sectors

DATES = ["2012-12", "2015-12", "2019-12", "2022-12", "2024-12", "2025-12", "2030-12", "2035-12",
         "2040-12", "2050-12"]  # fmt: skip
INFLOW, BIRTH, DEATH, DEPARTURE, CITIZEN = "arrived", "born", "died", "left", "naturalised"


class Run:
    """The tables of a finished run that are looked at, with months as YYYY-MM."""

    def __init__(self, folder: Path) -> None:
        self.finished = read_run(folder)
        self.config = self.finished.config
        self.stocks, self.flows, self.firms, self.indicators = (
            self._read(name) for name in ("stocks", "flows", "firms", "indicators")
        )

    def _read(self, name: str) -> pd.DataFrame:
        if name not in self.finished.tables:
            return pd.DataFrame({"month": []})
        frame = self.finished.frame(name)
        return frame.assign(month=frame["month"].astype(str).str[:7])


def people(value: float) -> str:
    """Thousands with one digit below ten, without above."""
    thousands = value / 1000.0
    return f"{thousands:,.1f}" if abs(thousands) < 10 else f"{thousands:,.0f}"


def beside(runs: Iterable[pd.Series], published: pd.Series, show: str = "people") -> list[str]:
    """A cell a date: the run's value, and the published one in brackets."""
    said = pd.concat(list(runs))
    said = said[~said.index.duplicated()]
    text = people if show == "people" else (lambda value: f"{value:.2f}")
    cells = []
    for date in DATES:
        own = text(said[date]) if date in said.index else ""
        known = f" ({text(published[date])})" if date in published.index else ""
        cells.append(own + known)
    return cells


def by_date(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby("month")["people"].sum()


def of_year(flows: pd.DataFrame) -> pd.Series:
    """Sum of a calendar year, under its December; years of which all months were simulated."""
    year = flows["month"].str[:4]
    full = flows.groupby(year)["month"].nunique() == 12
    sums = flows.groupby(year)["people"].sum()[full]
    return sums.set_axis(sums.index + "-12")


def yearly(data: Data, name: str, quantity: str) -> pd.Series:
    """A published yearly series under the December of its year."""
    rows = data[name]
    rows = rows[(rows["quantity"] == quantity) & (rows["period"] == "")]
    return rows.set_index(rows["year"].astype(str) + "-12")["value"].astype(float)


def residents(runs: list[Run], data: Data) -> list[list[str]]:
    config, stocks = runs[-1].config, data["stocks_status"]
    rows = []
    for status, one in config.status.items():
        said = [by_date(run.stocks[run.stocks["status"] == status]) for run in runs]
        known = stocks[stocks["status"] == status].set_index("date")["people"]
        rows.append([one.label.en, *beside(said, known)])
    total = [by_date(run.stocks[run.stocks["status"] != config.country.irregular]) for run in runs]
    rows.append(["All inside the published total",
                 *beside(total, stocks.groupby("date")["people"].sum())])  # fmt: skip
    return rows


def dependants(runs: list[Run], data: Data) -> list[list[str]]:
    """Dependants for each resident who may sponsor them, students left out."""
    body = runs[-1].config.status["dependent"].sponsor
    sponsors = [name for name in body.of if name != "student"] if body else []

    def ratio(frame: pd.DataFrame, month: str) -> pd.Series:
        wide = frame.groupby([month, "status"], observed=True)["people"].sum().unstack(fill_value=0)
        holders = wide[[name for name in sponsors if name in wide]].sum(axis=1)
        return wide["dependent"] / holders

    said = [ratio(run.stocks, "month") for run in runs]
    known = ratio(data["stocks_status"], "date")
    return [["Dependants per sponsor, students apart", *beside(said, known, "ratio")]]


def flows(runs: list[Run], data: Data) -> list[list[str]]:
    def said(column: str, value: str, status: str | None = None) -> list[pd.Series]:
        other = "from" if column == "to" else "to"
        return [
            of_year(run.flows[(run.flows[column] == value)
                              & (run.flows[other].isin([status]) if status else True)])
            for run in runs
        ]  # fmt: skip

    entries = data["entries"]
    entries = entries[entries["status"] == "total_ex_temporary"]
    permanent = runs[-1].config.country.permanent
    grants = [
        of_year(
            run.flows[(run.flows["to"] == permanent) & ~run.flows["from"].isin([INFLOW, BIRTH])]
        )
        for run in runs
    ]
    decided = yearly(data, "permanent_residence", "decided")
    share = yearly(data, "permanent_residence", "grant_share")
    none = pd.Series(dtype=float)
    return [
        ["Entries", *beside(said("from", INFLOW),
                            entries.set_index(entries["year"].astype(str) + "-12")["people"])],
        ["Departures for good", *beside(said("to", DEPARTURE), none)],
        ["Births", *beside(said("from", BIRTH), yearly(data, "migration_balance", "births"))],
        ["Deaths", *beside(said("to", DEATH), yearly(data, "migration_balance", "deaths"))],
        ["Permanent residence granted", *beside(grants, (decided * share / 100.0).dropna())],
        ["Naturalised", *beside(said("to", CITIZEN),
                                yearly(data, "naturalisation", "granted"))],
    ]  # fmt: skip


def work(runs: list[Run], data: Data) -> list[list[str]]:
    config, rows = runs[-1].config, []
    acting = [run for run in runs if len(run.firms)]
    firms = config.firms
    if firms is None or not acting:
        return rows
    totals = data["workers_totals"]
    everybody = {int(y): float(n) for y, n in zip(totals["year"], totals["workers"], strict=True)}
    notified = workers_of_sectors(data, firms, everybody)
    for name, sector in firms.sectors.items():
        said = [run.firms[run.firms["sector"] == name].groupby("month")["workers"].sum()
                for run in acting]  # fmt: skip
        rows.append([sector.label.en, *beside(said, _october(notified[name]))])
    all_workers = [run.firms.groupby("month")["workers"].sum() for run in acting]
    rows.append(["All", *beside(all_workers, _october(everybody))])
    seeking = [run.indicators[run.indicators["indicator"] == "job_seekers"].set_index("month")
               ["value"] for run in acting]  # fmt: skip
    unknown = pd.Series(dtype=float)
    rows.append(["Residents of work statuses who look for a job", *beside(seeking, unknown)])
    return rows


def _october(by_year: Mapping[int, float]) -> pd.Series:
    """What is published for an October, under the December of its year."""
    return pd.Series({f"{year}-12": value for year, value in by_year.items()}, dtype=float)


def origins(runs: list[Run], data: Data) -> list[list[str]]:
    """Residents as a percentage of the cohort of 18 to 34 at home."""
    config, rows = runs[-1].config, []
    cohorts = data["origin_cohorts"]
    stocks = data["stocks_origin_status"]
    for name, one in config.origin.items():
        own = cohorts[cohorts["origin"] == name]
        if own.empty:
            continue
        young = own.set_index(own["year"].astype(str) + "-12")["people"] / 100.0
        said = [by_date(run.stocks[run.stocks["origin"] == name]) for run in runs]
        known = stocks[stocks["origin"] == name].groupby("date")["people"].sum()
        shares = [(series / young).dropna() for series in said]
        rows.append([one.label.en, *beside(shares, (known / young).dropna(), "ratio")])
    return rows


def page(folders: list[Path]) -> str:
    runs = [Run(folder) for folder in folders]
    data = data_of(runs[-1].config)
    head = ["", *[date[:4] for date in DATES]]
    parts = [
        "# Plausibility",
        "Levels of finished runs beside what is published (in brackets), in December of each year. "
        "Numbers are in thousands if nothing else is said. Runs: "
        + ", ".join(f"`{run.finished.path.name}` ({run.config.start} to {run.config.end}, scale "
                    f"{run.config.scale:g}, seed {run.config.seed})" for run in runs)
        + ". One run each: random numbers, rates, demand and supply are held fixed, so small "
        "statuses move by chance. Workers are published for October, South Korea by itself from "
        "2015 on only. Made by "
        "`experiments/plausibility.py`.",
    ]  # fmt: skip
    for title, rows in (
        ("Residents by status", residents(runs, data)),
        ("Dependants", dependants(runs, data)),
        ("Flows of a year", flows(runs, data)),
        ("Foreign workers by sector, and who looks for a job", work(runs, data)),
        ("Residents per hundred people of 18 to 34 at home", origins(runs, data)),
    ):
        if rows:
            parts += [f"## {title}", markdown_table(head, rows, numbers=True)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs, oldest first")
    print(page(parser.parse_args().runs), end="")


if __name__ == "__main__":
    main()
