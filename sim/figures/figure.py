"""What a figure of a run is: a function of tables under `@figure`, listed in `sim.figures.run`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Generic, ParamSpec

import pandas as pd
from matplotlib.figure import Figure

from sim.figures.look import Look
from sim.figures.style import people_by

P = ParamSpec("P")
PUBLISHED: Final = "published "
"""Begins the names of tables that were published, not simulated."""


@dataclass(frozen=True)
class RunTables:
    """The tables of a run and what was published; one that is not there is empty.

    frames     output tables by name, see `sim.outputs.tables`
    published  each optional: `stocks` (date, status, people), `projection` (year or date, people)
               and `indicators` (month, indicator, value)

    Beside these, by name: `people` and `published people`, months x statuses.
    """

    frames: Mapping[str, pd.DataFrame]
    published: Mapping[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name == "people":
            return self._people
        if name == f"{PUBLISHED}people":
            return self._past
        source = self.published if name.startswith(PUBLISHED) else self.frames
        return source.get(name.removeprefix(PUBLISHED), pd.DataFrame())

    def has(self, name: str) -> bool:
        """Whether a table has rows; `table.column` asks for the column, too."""
        table, _, column = name.partition(".")
        return len(self[table]) > 0 and (not column or column in self[table])

    @cached_property
    def _people(self) -> pd.DataFrame:
        return people_by(self["stocks"], "status")

    @cached_property
    def _past(self) -> pd.DataFrame:
        stocks = self[f"{PUBLISHED}stocks"]
        empty = pd.DataFrame(index=pd.DatetimeIndex([]))
        return people_by(stocks, "status") if len(stocks) else empty


@dataclass(frozen=True)
class RunFigure(Generic[P]):
    """A figure of a run; called like the function that draws it.

    name   of the file, without its ending
    of     tables that the function takes before the look, in order: see RunTables
    needs  tables, or table.column, without which the figure is left out
    text   what it shows
    """

    name: str
    of: tuple[str, ...]
    needs: tuple[str, ...]
    text: str
    function: Callable[P, Figure | None]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Figure | None:
        return self.function(*args, **kwargs)

    def drawn(self, tables: RunTables, look: Look) -> Figure | None:
        """The figure of a run, or None if the run has not what it shows."""
        if not all(tables.has(need) for need in self.needs):
            return None
        draw: Callable[..., Figure | None] = self.function
        return draw(*(tables[name] for name in self.of), look)


def figure(
    name: str, *of: str, needs: Sequence[str] | None = None
) -> Callable[[Callable[P, Figure | None]], RunFigure[P]]:
    """Declare the figure that a function draws of the tables `of`; its docstring says what it is.

    needs: see RunFigure; without it, all of the tables.
    """

    def declared(function: Callable[P, Figure | None]) -> RunFigure[P]:
        text = inspect.getdoc(function) or ""
        return RunFigure(name, of, tuple(of if needs is None else needs), text, function)

    return declared
