"""The files of a finished run: tables, then figures drawn from those tables."""

from __future__ import annotations

import pandas as pd

from sim.config.schema.run import RunConfig
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
        frames = {name: table.to_pandas(date_as_object=False) for name, table in tables.items()}
        for name, png in figures_of(frames, model.config, data, number).items():
            folder.add_bytes(f"figures/{name}.png", png)


def one_date_a_year(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the opening and of each later December: figures by year show one date a year."""
    opening = frame["month"].min()
    return frame[(frame["month"] == opening) | (frame["year"] != opening.year)]


def figures_of(
    frames: dict[str, pd.DataFrame], config: RunConfig, data: Data, number: str
) -> dict[str, bytes]:
    """Name -> PNG of each figure of a run.

    frames  its tables by name, months as datetime64
    number  the run's, which figures print
    """
    from sim.figures.run import draw_all
    from sim.figures.style import png_bytes  # a second to import: only who draws pays it

    yearly = {name: one_date_a_year(frames[name]) for name in ("municipalities", "ages", "firms")}
    towns = data["municipalities"]
    look = look_of(
        config, number,
        municipalities={code: Label("", name) for code, name in
                        towns[["municipality", "name"]].itertuples(index=False)},
        indicators=catalogue(config), sources=config.country.sources,
    )  # fmt: skip
    published = {
        "stocks": published_stocks(data),
        "projection": official_projection(data),
        "indicators": published_indicators(data, config),
    }
    drawn = draw_all({**frames, **yearly}, published, look)
    return {name: png_bytes(figure) for name, figure in drawn.items()}
