"""A number that was estimated, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

from sim.config.schema.base import Z_80


@dataclass(frozen=True)
class Estimate:
    """A number and its standard deviation."""

    value: float
    sd: float

    @property
    def range(self) -> tuple[float, float]:
        """Ends of the 80 % interval."""
        return self.value - Z_80 * self.sd, self.value + Z_80 * self.sd

    def __str__(self) -> str:
        low, high = self.range
        return f"{self.value:.4f}  sd {self.sd:.4f}  80 % {low:.4f} to {high:.4f}"
