"""The free projection and the scenario official_2023 to 2070: table and figure of docs/official.md.

    python experiments/official_page.py docs/official.png

Scale 0.01, the law before the 2026 package, no shocks of arrivals, as `kyosei official` fits it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from sim.config.compose import compose
from sim.core.clock import month_index, month_name
from sim.core.text import markdown_table
from sim.data.load import data_of
from sim.data.published import official_projection
from sim.figures.look import look_of
from sim.figures.official import draw_official
from sim.figures.style import png_bytes
from sim.model.model import Kyosei
from sim.studies.official import NAME, Balance, balance_of

SPANS = (("2025-07", "2040-12"), ("2041-01", "2070-12"))
SCENARIOS = {"free": "baseline_2025", "official assumption": NAME}


def main(target: Path) -> None:
    rows, paths = [], {}
    for title, scenario in SCENARIOS.items():
        config = compose([f"scenario={scenario}", "end=2070-12", "scale=0.01",
                          "arrivals.shocks=false"])  # fmt: skip
        model = Kyosei(config)
        said = balance_of(model.run(), model.state.rates, config)
        start = month_index(config.start)
        rows += [row(title, said, start, *span) for span in SPANS]
        december = [k for k in range(said.residents.size) if month_name(start + k)[5:] == "12"]
        years = [int(month_name(start + k)[:4]) for k in december]
        paths[title] = pd.Series(said.residents[december], index=years)
    head = ["a year, thousand", "net migration", "births", "deaths", "naturalisations",
            "residents at the end, million"]  # fmt: skip
    print(markdown_table(head, rows))
    look = look_of(config, NAME, sources=config.country.sources)
    figure = draw_official(paths, official_projection(data_of(config)), look)
    target.write_bytes(png_bytes(figure))


def row(title: str, said: Balance, start: int, since: str, until: str) -> list[str]:
    """Means of a span, in thousands a year, and the residents at its end."""
    span = slice(month_index(since) - start - 1, month_index(until) - start)
    parts = [said.net, said.born, said.died, said.naturalised]
    end = said.residents[span.stop] / 1e6
    title = f"{title}, {since.removesuffix('-01')} to {until[:4]}"
    return [title, *(f"{12 * part[span].mean() / 1000:.0f}" for part in parts), f"{end:.2f}"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="file of the figure")
    main(parser.parse_args().target)
