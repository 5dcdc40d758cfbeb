"""The shape of what the configuration says about municipalities, agencies and integration."""

from __future__ import annotations

from sim.schema_base import Strict


class Town(Strict):
    """Municipalities. Every `Value` in here is a parameter, named by its path."""


class Agency(Strict):
    """Central agencies, queues with a capacity. Every `Value` in here is a parameter."""


class Integration(Strict):
    """Language and norms programmes. Every `Value` in here is a parameter."""
