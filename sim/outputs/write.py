"""The files of a finished run: tables, then figures drawn from those tables."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from sim.core.errors import InvariantError
from sim.data.load import Data
from sim.data.published import official_projection, published_indicators, published_stocks
from sim.figures.look import Label, look_of
from sim.files.folder import RunFolder
from sim.model.model import Kyosei
from sim.outputs.checks import problems_of
from sim.outputs.codebook import NAME as CODEBOOK
from sim.outputs.codebook import codebook_text
from sim.outputs.indicators import catalogue
from sim.outputs.outcome import Outcome
from sim.outputs.tables import tables_of

SOURCES = {
    "stocks": "Immigration Services Agency of Japan, statistics on foreign residents",
    "projection": "official projection: IPSS 2023, medium variant",
    "indicators": "Immigration Services Agency of Japan",
}


def write_outputs(folder: RunFolder, model: Kyosei, data: Data, number: str) -> None:
    """Write tables and, if the configuration says so, figures into a run's folder."""
    tables = tables_of(Outcome.of(model))
    wrong = problems_of(tables)
    if wrong:
        raise InvariantError(wrong)
    for name, table in tables.items():
        folder.add_table(f"{name}.parquet", table)
    folder.add_text(CODEBOOK, codebook_text(model.config, data))
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
    look = look_of(
        model.config, number,
        municipalities={code: Label("", name) for code, name in
                        towns[["municipality", "name"]].itertuples(index=False)},
        indicators=catalogue(model.config), sources=SOURCES,
    )  # fmt: skip
    published = {
        "stocks": published_stocks(data),
        "projection": official_projection(data),
        "indicators": published_indicators(data, model.config),
    }
    for name, figure in draw_all(frames, published, look).items():
        folder.add_bytes(f"figures/{name}.png", png_bytes(figure))
