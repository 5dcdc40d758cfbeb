"""What the configuration is written in: bounded numbers, months, codes, labels, provenance."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
)

from sim.core.clock import month_index


def _finite(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    if isinstance(value, int):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number; a NaN rate would silently never happen")
    return value


def _month(value: str) -> str:
    month_index(value)
    return value


def _in_order(value: list[int]) -> list[int]:
    if value[0] > value[1]:
        raise ValueError("must be the first and the last age, in this order")
    return value


Number = Annotated[StrictFloat, BeforeValidator(_finite)]

Share = Annotated[Number, Field(ge=0, le=1)]

MOST_A_YEAR: Final = 50.0

Rate = Annotated[Number, Field(ge=0, le=MOST_A_YEAR)]
"""Events per person-year. 50 a year is one a week: above it a unit is wrong."""

Positive = Annotated[Number, Field(ge=0, le=1e12)]
"""A quantity in some unit. Nothing that the model counts or pays reaches a million millions."""

Multiplier = Annotated[Number, Field(ge=0, le=1e4)]
"""Of a rate, a share or arrivals. Above ten thousand a unit is wrong."""

Span = Annotated[Number, Field(ge=0, le=100)]
"""A time in years."""

Month = Annotated[StrictStr, AfterValidator(_month)]

Code = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]

Colour = Annotated[StrictStr, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]

Quality = Literal["published", "rounded", "derived", "fitted", "assumption"]

Months = Annotated[StrictInt, Field(ge=1, le=600)]

Years = Annotated[StrictInt, Field(ge=0, le=120)]

Ages = Annotated[list[Years], Field(min_length=2, max_length=2), AfterValidator(_in_order)]
"""First and last completed year of age."""

Mix = dict[Months, Share]
"""months -> share; the shares add to one."""


Z_80: Final = 1.2815515655446004
"""Standard deviations on each side of the mean that hold 80 % of a normal distribution."""

RANGE_SDS: Final = 2 * Z_80
"""low..high of a number is its 80 % interval, everywhere: so many standard deviations wide."""


class Strict(BaseModel):
    """Frozen, no unknown keys, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Provenance(Strict):
    """Where a number comes from: a source key of data/<country>/sources.csv, or an assumption."""

    quality: Quality
    source: StrictStr = ""
    note: StrictStr = ""
    low: Number | None = None
    high: Number | None = None


class Label(Strict):
    """A name in the languages that pages and figures speak; Korean where there is one."""

    en: StrictStr
    ja: StrictStr
    ko: StrictStr | None = None
    short: StrictStr | None = None  # English for figures and printed tables, which have little room

    @property
    def narrow(self) -> str:
        """English for where there is little room."""
        return self.short or self.en


class Quantity(Provenance):
    """A number with its unit; a share (of whatever) is a part of a whole."""

    unit: StrictStr = ""


class Value(Quantity):
    """A single number with its unit."""

    value: Positive


Steps = dict[StrictInt, Multiplier]

Classes = dict[Annotated[StrictInt, Field(ge=0, le=9)], Multiplier]
"""class -> factor; classes that are not named have factor 1."""

Named = dict[StrictStr, Multiplier]
