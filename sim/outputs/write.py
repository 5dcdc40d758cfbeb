"""The files of a finished run: tables, then figures drawn from those tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.core.errors import InvariantError
from sim.data.load import Data
from sim.data.published import official_projection, published_indicators, published_stocks
from sim.figures.look import Label, look_of
from sim.files.folder import RunFolder
from sim.model.model import Kyosei
from sim.outputs.checks import problems_of
from sim.outputs.indicators import (
    LABELS,
    WORK_LABELS,
    civic_indicators,
    civic_labels,
    indicators,
    work_indicators,
)
from sim.outputs.tables import (
    ages_table,
    firms_table,
    flows_table,
    indicators_table,
    municipalities_table,
    stocks_table,
)

SOURCES = {
    "stocks": "Immigration Services Agency of Japan, statistics on foreign residents",
    "projection": "official projection: IPSS 2023, medium variant",
    "indicators": "Immigration Services Agency of Japan",
}


def tables_of(model: Kyosei) -> dict[str, pa.Table]:
    """The run's tables by file name without ending."""
    record, tables, config = model.record, model.state.model, model.config
    scale, codes = config.scale, tables.codes
    body = [config.status[name] for name in codes.statuses]
    return {
        "stocks": stocks_table(record, codes, scale),
        "flows": flows_table(record, tables, scale),
        "municipalities": municipalities_table(
            record, codes, np.array([s.published for s in body]),
            np.array([s.settled for s in body]), tables.status.irregular, scale,
            list(config.town.support.levels) if config.town is not None else (),
        ),
        "ages": ages_table(record, codes, scale),
        "firms": firms_table(record, config, scale),
        "indicators": indicators_table(
            indicators(record, tables, config, scale)
            | work_indicators(record, scale)
            | civic_indicators(record, config)
        ),
    }  # fmt: skip


def write_outputs(folder: RunFolder, model: Kyosei, data: Data, number: str) -> None:
    """Write tables and, if the configuration says so, figures into a run's folder."""
    tables = tables_of(model)
    wrong = problems_of(tables)
    if wrong:
        raise InvariantError(wrong)
    for name, table in tables.items():
        folder.add_table(f"{name}.parquet", table)
    if model.config.figures:
        _draw(folder, tables, model, data, number)


def one_date_a_year(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the opening and of each later December: figures by year show one date a year."""
    opening = frame["month"].min()
    return frame[(frame["month"] == opening) | (frame["year"] != opening.year)]


def _draw(
    folder: RunFolder, tables: dict[str, pa.Table], model: Kyosei, data: Data, number: str
) -> None:
    from sim.figures.run import draw_all
    from sim.figures.style import png_bytes  # a second to import: only who draws pays it

    frames = {name: table.to_pandas(date_as_object=False) for name, table in tables.items()}
    for name in ("municipalities", "ages", "firms"):
        frames[name] = one_date_a_year(frames[name])
    towns = data["municipalities"]
    labels = LABELS | WORK_LABELS | civic_labels(model.config)
    look = look_of(
        model.config, number,
        municipalities={code: Label("", name) for code, name in
                        towns[["municipality", "name"]].itertuples(index=False)},
        indicators={name: Label(en, ja) for name, (en, ja, _) in labels.items()},
        units={name: unit for name, (_, _, unit) in labels.items() if unit},
        sources=SOURCES,
    )  # fmt: skip
    published = {
        "stocks": published_stocks(data),
        "projection": official_projection(data),
        "indicators": published_indicators(data, model.config),
    }
    figures = draw_all(
        frames["stocks"], frames["flows"], frames["municipalities"], frames["indicators"],
        frames["ages"], published, look, frames["firms"],
    )  # fmt: skip
    for name, figure in figures.items():
        folder.add_bytes(f"figures/{name}.png", png_bytes(figure))
