"""The shape of what the configuration says about the supply of people by origin."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictStr

from sim.config.schema.base import Number, Provenance, Share, Strict, Value


class Curvature(Provenance):
    """How fast the rate of emigration falls off on both sides of the peak: per squared logarithm
    of income."""

    value: Annotated[Number, Field(ge=0, le=10)]
    unit: StrictStr = ""


class Growth(Provenance):
    """Growth of income per head, a year."""

    value: Annotated[Number, Field(ge=-0.1, le=0.2)]
    unit: StrictStr = ""


class Part(Provenance):
    """A number from 0 to 1."""

    value: Share
    unit: StrictStr = ""


class Ceiling(Provenance):
    """Residents of an origin over its cohort at home that end its supply."""

    value: Annotated[Number, Field(gt=0, le=1)]
    unit: StrictStr = ""


class Supply(Strict):
    """How the supply of people by origin follows cohorts, incomes and those who came before.

    Estimates come from `sim.studies.calibration.supply`.
    """

    peak: Value  # income per head at which the rate of emigration is largest
    curvature: Curvature
    weight: Part  # of the estimated curvature that acts: what it foretold out of sample
    ceiling: Ceiling
    growth: Growth  # of income per head in the long run
    fade: Part  # what is left of the difference from the long run a year later
    response: Part  # power of supply in the number of people who come; composition follows it fully
