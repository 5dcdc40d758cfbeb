"""The numbers of a page: series by month, tables by group, places, movements, firms, ages.

Everything is plain lists, dictionaries, text and numbers, ready for JSON; None where nothing is
known. Counts keep five significant digits: a sample says no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.config.schema.run import RunConfig
from sim.core.errors import DataError
from sim.data.load import load
from sim.figures.look import FEWEST
from sim.files.folder import read_parquet
from sim.pages.labels import Indicator, summed, text
from sim.pages.study import Arm, Study
from sim.studies.comparison.effects import estimate
from sim.studies.comparison.series import EVERYBODY

Json = dict[str, Any]

DIGITS: Final = 5

STEPS: Final = (1, 3, 6, 12)

POINTS: Final = 72
"""Most months of a chart: longer runs are shown by quarter, half-year or year."""

ALL_POINTS: Final = 240
"""And of the charts of all scenarios together, so that a page stays below a megabyte and a half."""

YEAR: Final = 12

A_MONTH: Final = ("people a month", "cases a month", "jobs a month")
"""Units of what flows in one month."""

LEVEL: Final = ("mean", "low", "high")

EFFECT: Final = ("effect", "low", "high", "random_low", "random_high")

PLACES: Final = "municipalities"

CENTRES: Final = "municipality_centres"

SOURCES: Final = ("arrived", "born")

SINKS: Final = ("naturalised", "left", "died")
"""Ends of flows that are not statuses, as the table `flows` writes them."""


def number(value: float) -> float | int | None:
    """A number with DIGITS significant digits; None for NaN."""
    if value is None or not math.isfinite(value):
        return None
    if value == 0:
        return 0
    kept = round(float(value), DIGITS - 1 - math.floor(math.log10(abs(value))))
    return int(kept) if kept == int(kept) else kept


def numbers(values: Iterable[float]) -> list[float | int | None]:
    return [number(value) for value in values]


def whole_numbers(values: Iterable[float]) -> list[float | int | None]:
    """Numbers of people, of whom there are no parts."""
    return [number(round(float(value))) if math.isfinite(value) else None for value in values]


def is_distinguishable(effect: Any, low: Any, high: Any, replicates: int) -> bool:
    """Whether an interval tells an effect from zero: enough runs, some spread, zero outside."""
    return bool(replicates >= FEWEST and low < high and (low > 0 or high < 0) and effect != 0)


def shown_months(study: Study) -> pd.DatetimeIndex:
    """The months that charts show: all of a short run; of a longer one every third, sixth or
    twelfth, counted back from the last, and the first."""
    months = study.months
    most = min(POINTS, ALL_POINTS // len(study.arms))
    step = next((step for step in STEPS if len(months) / step <= most), STEPS[-1])
    back = np.arange(len(months))[::-1] % step == 0
    back[0] = True
    return months[back]


def month_code(month: pd.Timestamp) -> str:
    return f"{month:%Y-%m}"


def series(study: Study, indicators: dict[str, Indicator]) -> tuple[Json, Json, list[Indicator]]:
    """(values, effects, indicators): code -> arm -> {mean, low, high} and {effect, low, high,
    random_low, random_high} at the kept months, and the indicators that there are, in order of
    reading.

    A flow is the sum of the twelve months before; its effect is the difference of the sums since
    the opening, which is what has an interval.
    """
    months = shown_months(study)
    values = _by_code(study.values, LEVEL)
    columns = EFFECT if study.design.drawn else EFFECT[:3]  # else both intervals are one
    effects = _by_code(study.effects, columns) if study.effects is not None else {}
    out_values: Json = {}
    out_effects: Json = {}
    found = []
    for code, indicator in indicators.items():
        if code not in values:
            continue
        source = summed(code) if summed(code) in values else code
        flow = source != code
        found.append(indicator._replace(unit="people a year") if flow else indicator)
        level = _sum_of_year if flow else _mean_of_step if indicator.unit in A_MONTH else _level
        out_values[code] = {arm: level(frame, months) for arm, frame in values[source].items()}
        if source in effects:
            out_effects[code] = {
                arm: _columns(frame, months, columns) for arm, frame in effects[source].items()
            }
    return out_values, out_effects, found


def _by_code(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, dict[str, pd.DataFrame]]:
    """indicator -> arm -> columns by month, of everybody."""
    own = frame[frame["by"] == EVERYBODY]
    out: dict[str, dict[str, pd.DataFrame]] = {}
    for (code, arm), rows in own.groupby(["indicator", "arm"], observed=True, sort=False):
        out.setdefault(str(code), {})[str(arm)] = rows.set_index("month")[
            list(columns)
        ].sort_index()
    return out


def _columns(frame: pd.DataFrame, months: pd.DatetimeIndex, names: Sequence[str]) -> Json:
    """Columns at the months, without intervals where there are none."""
    kept = frame.reindex(months)
    return {name: numbers(kept[name]) for name in names
            if name == names[0] or kept[name].notna().any()}  # fmt: skip


def _level(frame: pd.DataFrame, months: pd.DatetimeIndex) -> Json:
    return _columns(frame, months, LEVEL)


def _mean_of_step(frame: pd.DataFrame, months: pd.DatetimeIndex) -> Json:
    """The mean of the months since the last that is shown: one month in three of a series with
    seasons would show a pattern that is not there. It has no interval."""
    own = frame["mean"]
    step = max(1, round(len(own) / max(len(months), 1)))
    return {"mean": numbers(own.rolling(step, min_periods=1).mean().reindex(months))}


def _sum_of_year(frame: pd.DataFrame, months: pd.DatetimeIndex) -> Json:
    """The sum of the twelve months before, from the sum since the opening; without an interval."""
    so_far = frame["mean"]
    opening = so_far.index.min() - pd.DateOffset(months=1)
    so_far = pd.concat([pd.Series([0.0], index=pd.DatetimeIndex([opening])), so_far])
    year = so_far.diff(min(YEAR, len(so_far) - 1))
    return {"mean": numbers(year.reindex(months))}


def splits(study: Study) -> Json:
    """by -> indicator -> month -> arm -> {mean, effect, low, high, sure}: lists over groups, at the
    named months. The order of groups is that of `groups_of`. low and high are of the effect, or of
    the mean if there are no effects."""
    named = [pd.Timestamp(f"{month}-01") for month in study.named]
    out: Json = {}
    keys = ["by", "indicator", "month", "arm"]
    sides = [("mean", study.values), ("effect", study.effects)]
    for value, frame in sides:
        if frame is None:
            continue
        own = frame[(frame["by"] != EVERYBODY) & frame["month"].isin(named)]
        for (by, code, month, arm), rows in own.groupby(keys, observed=True, sort=False):
            groups = [group["code"] for group in groups_of(study.config, str(by))]
            cells = rows.set_index("group").reindex(groups)
            place = out.setdefault(str(by), {}).setdefault(str(code), {})
            place = place.setdefault(f"{month:%Y-%m}", {}).setdefault(str(arm), {})
            place[value] = numbers(cells[value])
            if value == "effect" or study.effects is None:
                place["low"], place["high"] = numbers(cells["low"]), numbers(cells["high"])
            if value == "effect":
                place["sure"] = [
                    is_distinguishable(effect, low, high, study.replicates)
                    for effect, low, high in cells[["effect", "low", "high"]].to_numpy(float)
                ]
    return out


def groups_of(config: RunConfig, by: str) -> list[Json]:
    """code, label, colour, and what else a chart needs, for status, origin and prefecture.

    A list, because a browser puts keys that look like numbers first: prefectures would change
    places.
    """
    if by == "status":
        return [{"code": code, "label": text(config.status[code].label),
                 "colour": config.status[code].colour, "group": config.status[code].group}
                for code in config.country.statuses]  # fmt: skip
    if by == "origin":
        return [{"code": code, "label": text(config.origin[code].label),
                 "colour": config.origin[code].colour}
                for code in config.country.origins]  # fmt: skip
    return [{"code": code, "label": text(place), "row": place.row, "column": place.column}
            for code, place in config.prefecture.items()]  # fmt: skip


def composition(study: Study) -> Json:
    """arm -> group of statuses -> people at the kept months."""
    months = shown_months(study)
    own = study.values
    own = own[(own["by"] == "status") & (own["indicator"] == "people") & own["month"].isin(months)]
    group = own["group"].astype(str).map({code: study.config.status[code].group
                                          for code in study.config.country.statuses})  # fmt: skip
    sums = own.groupby(["arm", group, "month"], observed=True)["mean"].sum()
    return {
        arm.code: {
            code: numbers(sums[arm.code][code].reindex(months))
            for code in study.config.country.groups
            if (arm.code, code) in sums.index
        }
        for arm in study.arms
    }


def places(study: Study) -> Json | None:
    """Residents of each municipality at the opening and at the end, and effects, for the map.

    codes, names, prefectures, longitude, latitude; and by arm: first, last (means over replicates),
    effect, low, high, sure. None without the runs' folders or without positions.
    """
    tables = {arm.code: _residents(arm) for arm in study.arms if arm.folders}
    where = _centres(study.config.country.data)
    if len(tables) < len(study.arms) or where is None:
        return None
    codes = list(next(iter(tables.values()))[0])
    where = where.reindex(codes)
    base = tables[study.arms[0].code][2]
    arms: Json = {}
    for arm in study.arms:
        _, first, last = tables[arm.code]
        arms[arm.code] = {"first": whole_numbers(first.mean(axis=0)),
                          "last": whole_numbers(last.mean(axis=0))}  # fmt: skip
        if arm is not study.arms[0] and study.effects is not None:
            arms[arm.code] |= _effect(last - base, study)
    return {
        "codes": codes, "names": [str(name) for name in where["name"]],
        "prefectures": [str(code) for code in where["prefecture"]],
        "longitude": numbers(where["longitude"]), "latitude": numbers(where["latitude"]),
        "quality": [str(quality) for quality in where["quality"]], "arms": arms,
    }  # fmt: skip


def _effect(paired: np.ndarray, study: Study) -> Json:
    """Mean, interval and whether it is told from zero, of float64[R, N] paired differences."""
    mean, _, low, high, *_ = estimate(paired, study.design)
    sure = [is_distinguishable(*row, len(paired)) for row in zip(mean, low, high, strict=True)]
    sides = {} if np.isnan(low).all() else {"low": whole_numbers(low), "high": whole_numbers(high)}
    return {"effect": whole_numbers(mean), **sides, "sure": sure}


def _residents(arm: Arm) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """(codes, residents at the opening, at the end), each float64[R, N], of the arm's runs."""
    ends = []
    for folder in arm.folders:
        table = _read(folder / f"{PLACES}.parquet", ["month", "municipality", "residents"])
        wide = table.pivot(index="month", columns="municipality", values="residents")
        ends.append((wide.columns.astype(str), wide.iloc[0].to_numpy(), wide.iloc[-1].to_numpy()))
    return ends[0][0], np.array([e[1] for e in ends]), np.array([e[2] for e in ends])


def _centres(country: str) -> pd.DataFrame | None:
    """name, prefecture, longitude, latitude, quality by municipality; None if nobody knows."""
    try:
        data = load(country, only=[PLACES, CENTRES])
    except DataError:
        return None  # a country without positions has no map, and says so
    names = data[PLACES].set_index("municipality")[["name", "prefecture"]]
    return names.join(data[CENTRES].set_index("municipality")[["longitude", "latitude", "quality"]])


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    return read_parquet(path).select(list(columns)).to_pandas(date_as_object=False)


def movements(study: Study) -> list[Json]:
    """People who came, changed status or left, by group of statuses: for the first and the last
    twelve months of the runs, links of each arm (means over replicates).

    Each is {months: [first, last], arms: {arm: [[from, to, people], ...]}}.
    """
    if not all(arm.folders for arm in study.arms):
        return []
    months = study.months[1:]
    spans = [months[-YEAR:]] if len(months) < 2 * YEAR else [months[:YEAR], months[-YEAR:]]
    sums = {arm.code: [_moves(folder, study.config, spans) for folder in arm.folders]
            for arm in study.arms}  # fmt: skip
    return [
        {"months": [month_code(span[0]), month_code(span[-1])],
         "arms": {code: _links([own[k] for own in each]) for code, each in sums.items()}}
        for k, span in enumerate(spans) if len(span)
    ]  # fmt: skip


def _moves(folder: Path, config: RunConfig, spans: list[pd.DatetimeIndex]) -> list[pd.Series]:
    """People by (from, to) groups in each span of months."""
    table = _read(folder / "flows.parquet", ["month", "from", "to", "people"])
    groups = {code: config.status[code].group for code in config.country.statuses}
    ends = [table[end].astype(str).map(lambda code: groups.get(code, code))
            for end in ("from", "to")]  # fmt: skip
    out = []
    for span in spans:
        inside = table["month"].isin(span)
        out.append(table["people"][inside].groupby([ends[0][inside], ends[1][inside]]).sum())
    return out


def _links(runs: Sequence[pd.Series]) -> list[list[Any]]:
    mean = pd.concat(runs, axis=1).fillna(0.0).mean(axis=1)
    ends = mean.index.to_frame(index=False).astype(str).to_numpy()
    return [[before, after, number(people)]
            for (before, after), people in zip(ends, mean, strict=True) if people > 0]  # fmt: skip


def firms(study: Study) -> Json | None:
    """Workers, establishments and open jobs by sector at the opening and the end, with effects on
    workers; None without firms."""
    body = study.config.firms
    if body is None or not all(arm.folders for arm in study.arms):
        return None
    sectors = list(body.sectors)
    ends = {arm.code: [_by_sector(folder, sectors) for folder in arm.folders]
            for arm in study.arms}  # fmt: skip
    base = np.array([each["workers"][1] for each in ends[study.arms[0].code]])
    arms: Json = {}
    for arm in study.arms:
        own = ends[arm.code]
        arms[arm.code] = {
            name: [numbers(row) for row in np.mean([each[name] for each in own], axis=0)]
            for name in ("firms", "workers", "vacancies")
        }
        if arm is not study.arms[0] and study.effects is not None:
            last = np.array([each["workers"][1] for each in own])
            arms[arm.code] |= _effect(last - base, study)
    labels = [{"code": code, "label": text(sector.label), "colour": sector.colour}
              for code, sector in body.sectors.items()]  # fmt: skip
    return {"sectors": labels, "arms": arms}


def _by_sector(folder: Path, sectors: Sequence[str]) -> dict[str, np.ndarray]:
    """firms, workers, vacancies: float64[2, sectors], at the opening and the end."""
    names = ["firms", "workers", "vacancies"]
    table = _read(folder / "firms.parquet", ["month", "sector", *names])
    ends = [table["month"].min(), table["month"].max()]
    sums = table.groupby(["month", "sector"], observed=True)[names].sum()
    return {
        name: np.array([sums.loc[end].reindex(sectors)[name].fillna(0.0) for end in ends])
        for name in names
    }


def ages(study: Study) -> Json | None:
    """arm -> [opening, end] -> sex -> people by five years of age; None without the runs."""
    if not all(arm.folders for arm in study.arms):
        return None
    counted = [code for code in study.config.country.statuses
               if study.config.status[code].published]  # fmt: skip
    tables: dict[str, pd.Series] = {}
    for arm in study.arms:
        frames = [_read(folder / "ages.parquet", ["month", "status", "sex", "age", "people"])
                  for folder in arm.folders]  # fmt: skip
        table = pd.concat(frames)
        table = table[table["status"].isin(counted)]
        sums = table.groupby(["month", "sex", "age"], observed=True)["people"].sum()
        tables[arm.code] = sums.div(len(frames))
    oldest = max(int(t.index.get_level_values("age").max()) for t in tables.values())
    bands = list(range(0, oldest + 1, 5))
    out: Json = {"bands": bands, "arms": {}}
    for code, people in tables.items():
        months = sorted(people.index.get_level_values("month").unique())
        out["arms"][code] = [
            {str(sex): numbers(people[month][sex].reindex(bands).fillna(0.0))
             for sex in people[month].index.get_level_values("sex").unique()}
            for month in (months[0], months[-1])
        ]  # fmt: skip
    return out
