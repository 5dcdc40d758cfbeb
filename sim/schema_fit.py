"""The section `fit` of a configuration: rates as the published past moved them.

Each fitted edit multiplies baseline rates, shares or arrivals, for good or between two months. The
rates of the status files are the priors and stay as they are; `fit=none` runs without.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt, StrictStr

from sim.schema_base import Code, Month, Number, Positive, Provenance, Strict


class Prior(Strict):
    """What was believed of a multiplier before the data: log-normal."""

    median: Positive
    sd: Annotated[Number, Field(gt=0)]  # of the logarithm


class FittedEdit(Provenance):
    """A multiplier of baseline rates from `since` to `until`; low..high is its 80 % interval."""

    paths: list[StrictStr]  # globs over <status>.<occasion>.<fate> or arrivals.<status>
    since: Month
    until: Month | None = None
    multiply: Positive
    prior: Prior
    moved_by: list[StrictStr] = []  # the data that moved it, the one that moved it most first


class FittedRates(Strict):
    """A fit: its edits, and which draw of its uncertainty they are."""

    name: Code = "none"
    draw: Annotated[StrictInt, Field(ge=0, lt=2**31)] = 0  # 0: the central estimate
    data_from: Month | None = None
    data_until: Month | None = None  # last month of the data that it was fitted to
    edits: dict[Code, FittedEdit] = {}
