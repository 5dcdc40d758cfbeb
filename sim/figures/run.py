"""All figures of a run, from its tables. Nothing is written here: `png_bytes` gives the file.

Tables come as pandas frames; months may be dates or text, codes may be categories. Read parquet
with dates as numpy dates (`to_pandas(date_as_object=False)`): Python dates cost seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from sim.figures.firms import draw_firms
from sim.figures.flows import draw_flows
from sim.figures.indicators import draw_indicators, draw_queues, own_panels
from sim.figures.look import Look
from sim.figures.maps import draw_prefectures, draw_support
from sim.figures.municipalities import draw_municipalities
from sim.figures.pyramids import draw_pyramids
from sim.figures.residents import draw_residents, draw_trajectories
from sim.figures.settled import draw_settled
from sim.figures.style import house_style, people_by


def draw_all(
    stocks: pd.DataFrame,
    flows: pd.DataFrame,
    municipalities: pd.DataFrame,
    indicators: pd.DataFrame,
    ages: pd.DataFrame,
    published: Mapping[str, pd.DataFrame],
    look: Look,
    firms: pd.DataFrame | None = None,
) -> dict[str, Figure]:
    """Figures by name (the file's name without its ending), in the order of a report.

    stocks: month, status, prefecture, people. flows: month, from, to, people.
    municipalities: year, municipality, residents. indicators: month, indicator, value.
    ages: year, status, sex (M, F), age, people.
    firms: month, sector, firms, workers, vacancies, in a run that has them.
    published, each optional: `stocks` (date, status, people), `projection` (year or date, people)
    and `indicators` (month, indicator, value). A table without rows leaves its figure out.
    """
    nothing = pd.DataFrame()
    unknown = pd.DataFrame(index=pd.DatetimeIndex([]))
    past = people_by(published["stocks"], "status") if "stocks" in published else unknown
    projection = published.get("projection", nothing)
    with house_style():
        people = people_by(stocks, "status")
        figures = {
            "residents": draw_residents(people, past, projection, look),
            "settled": draw_settled(people, past, look),
            "trajectories": draw_trajectories(people, past, look),
            "prefectures": draw_prefectures(stocks, look),
        }
        if len(flows):
            figures["flows"] = draw_flows(flows, look)
        if len(ages):
            figures["pyramids"] = draw_pyramids(ages, look)
        if len(municipalities):
            figures["municipalities"] = draw_municipalities(municipalities, look)
        if "sentiment" in municipalities:
            figures["support"] = draw_support(municipalities, look)
        if firms is not None and len(firms):
            figures["firms"] = draw_firms(firms, look)
        if len(indicators):
            known = published.get("indicators", nothing)
            figures["indicators"] = draw_indicators(own_panels(indicators), known, look)
            if look.queues:
                figures["queues"] = draw_queues(indicators, look)
    return figures
