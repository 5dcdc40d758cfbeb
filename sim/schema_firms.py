"""The shape of what the configuration says about firms (section `firms`)."""

from __future__ import annotations

from sim.schema_base import Strict


class Firms(Strict):
    """Firms. Every `Value` in here is a parameter, named by its path: `firms.recruit.success`."""
