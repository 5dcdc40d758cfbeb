"""The record of a run: series by month, each declared once, and the audit of its draws.

A process declares a series beside the code that makes it (`TOWNS = declare("towns", ...)`) and
adds an entry with `record.add(TOWNS, month, entry)`. Checkpoints, output tables and the pages of
documentation are made from the declarations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

MONTH: Final = "month"
HALF_YEAR: Final = "half-year"
PEOPLE: Final = "simulated people"

AXES: Final = {
    "S": "statuses of residence", "O": "origins", "P": "prefectures", "M": "municipalities",
    "F": "transitions and other fates", "Q": "queues of agencies", "K": "sectors",
    "Z": "sizes of establishments", "U": "standings of establishments", "T": "tiers of jobs",
    "J": "fields of work", "sex": "the two sexes", "age": "five-year ages",
}  # fmt: skip
"""What the axes of a series run over, by the letters of `Series.shape`."""

NUMBER: Final = "number"
FLAG: Final = "flag"
CODE: Final = "code"


@dataclass(frozen=True)
class Column:
    """A named number of an entry: its unit, and whether it is a number, a flag (0 or 1) or a code
    (the place of a name in a list of the configuration)."""

    name: str
    unit: str = ""
    kind: str = NUMBER


@dataclass(frozen=True)
class Series:
    """A series of the record.

    name     of the series: `record.<name>`, and `record.<name>` in a checkpoint
    text     what an entry says
    dtype    of an entry
    shape    its axes, as keys of AXES; empty for a single number
    when     MONTH: the opening and every month; HALF_YEAR: the opening, every June and December
    unit     of the numbers, where the columns do not say it
    columns  of the last axis, which comes after those of `shape`; empty if there is none
    """

    name: str
    text: str
    dtype: str
    shape: tuple[str, ...]
    when: str
    unit: str
    columns: tuple[Column, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def at(self, column: str) -> int:
        """Place of a column. Raises ValueError if there is none of that name."""
        return self.names.index(column)

    def check(self, entry: Any) -> None:
        """Raise ValueError if an entry is not as declared; an empty one may have any shape."""
        array = np.asarray(entry)
        axes = len(self.shape) + bool(self.columns)
        fits = array.ndim == axes and (not self.columns or array.shape[-1] == len(self.columns))
        if array.dtype != np.dtype(self.dtype) or (array.size and not fits):
            raise ValueError(
                f"series {self.name} is declared as {self.signature}, "
                f"the entry is {array.dtype}{list(array.shape)}"
            )

    @property
    def signature(self) -> str:
        """Data type and axes, such as `int64[S, P, 4]`; the axes are left out for one number."""
        axes = [*self.shape, *([str(len(self.columns))] if self.columns else [])]
        return f"{self.dtype}[{', '.join(axes)}]" if axes else self.dtype


SERIES: Final[dict[str, Series]] = {}
"""All declared series by name."""


def declare(
    name: str, text: str, dtype: str, shape: Sequence[str], when: str, unit: str = PEOPLE,
    columns: Sequence[str | Column] = (),
) -> Series:  # fmt: skip
    """Declare a series: see `Series`. Columns that are only named have the unit of the series.

    Raises ValueError if the name is taken, or if an axis or the time is not known.
    """
    if name in SERIES or name == "months":
        raise ValueError(f"a series {name} is declared already")
    if when not in (MONTH, HALF_YEAR) or not set(shape) <= AXES.keys():
        raise ValueError(f"series {name}: {when} or one of the axes {list(shape)} is not known")
    made = tuple(c if isinstance(c, Column) else Column(c, unit) for c in columns)
    SERIES[name] = series = Series(name, text, dtype, tuple(shape), when, unit, made)
    return series


CUBES: Final = declare(
    "cubes", "residents at the end of the month", "int32", ("S", "O", "P"), MONTH
)
FLOWS: Final = declare("flows", "people who met each fate in the month", "int64", ("F",), MONTH)
CAME: Final = declare("came", "arrivals on their own account", "int64", ("S",), MONTH)
BROUGHT: Final = declare("brought", "family members brought by residents", "int64", ("S",), MONTH)
BORN: Final = declare("born", "children born as foreign nationals", "int64", ("S",), MONTH)
BORN_CITIZENS: Final = declare(
    "born_citizens", "children born as citizens, who are not simulated", "int64", (), MONTH
)
PLACES: Final = declare("places", "residents by municipality", "int32", ("M", "S"), HALF_YEAR)


class Record:
    """All series of a run: `record.<name>` for every declared one.

    A series of every month is a list with an entry for each of `months`, the opening first; one of
    half-years is a dictionary from month index to entry. Counts are of simulated people: divided by
    the run's scale they are people. Flows of the opening are zeros.

    months  month index of each entry of the monthly series
    """

    months: list[int]
    cubes: list[np.ndarray]
    flows: list[np.ndarray]
    came: list[np.ndarray]
    brought: list[np.ndarray]
    born: list[np.ndarray]
    born_citizens: list[int]
    places: dict[int, np.ndarray]

    def __init__(self, months: Sequence[int] = ()) -> None:
        self.months = list(months)

    def __getattr__(self, name: str) -> Any:
        """A declared series that has no entry yet, which is then kept."""
        if name not in SERIES:
            raise AttributeError(f"no series {name} is declared; there are {', '.join(SERIES)}")
        empty: list[Any] | dict[int, Any] = [] if SERIES[name].when == MONTH else {}
        setattr(self, name, empty)
        return empty

    def add(self, series: Series, month: int, entry: Any) -> None:
        """Keep the entry of a month; of two for one month the second stays.

        Raises ValueError if the entry is not as declared, or if a month was left out.
        """
        series.check(entry)
        kept = getattr(self, series.name)
        if series.when == HALF_YEAR:
            kept[month] = entry
            return
        place = month - self.months[0] if self.months else 0
        if not max(len(kept) - 1, 0) <= place <= len(kept):
            raise ValueError(f"series {series.name} has {len(kept)} months, not {place}")
        kept[place:] = [entry]

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """All entries as arrays, by name: months, and each series in order of name; for those of
        half-years also `<name>.months`."""
        yield "months", np.array(self.months, np.int64)
        for name, series in sorted(SERIES.items()):
            kept = getattr(self, name)
            entries = kept
            if series.when == HALF_YEAR:
                yield f"{name}.months", np.array(list(kept), np.int64)
                entries = list(kept.values())
            yield name, np.stack(entries) if entries else np.zeros(0, series.dtype)

    def resume(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the entries of `arrays`, which another record gave."""
        self.months = arrays["months"].tolist()
        for name, series in SERIES.items():
            rows = arrays[name]
            entries = list(rows) if rows.ndim > 1 else rows.tolist()
            if series.when == HALF_YEAR:
                months = arrays[f"{name}.months"].tolist()
                setattr(self, name, dict(zip(months, entries, strict=True)))
            else:
                setattr(self, name, entries)


def array_names() -> list[str]:
    """Names of the arrays that `Record.arrays` gives."""
    halves = [f"{name}.months" for name, series in SERIES.items() if series.when == HALF_YEAR]
    return ["months", *SERIES, *halves]


@dataclass
class Audit:
    """Observed against expected, summed over the run; integers only.

    seen, expected, variance  int64[F + G]; the last two in units of 2**-20
    screen                    int64[3], see Books.screen
    """

    seen: np.ndarray
    expected: np.ndarray
    variance: np.ndarray
    screen: np.ndarray
    screen_variance: float = 0.0

    def z(self) -> np.ndarray:
        """float64[F + G]: standardised residual of each row; 0 where nothing could happen."""
        unit = 1 << 20
        spread = np.sqrt(np.maximum(self.variance / unit, 1e-300))
        return np.where(self.variance > 0, (self.seen - self.expected / unit) / spread, 0.0)
