"""Kyosei from Python: the names that stay.

import kyosei

model = kyosei.Model(kyosei.compose(["scale=0.01", "end=2026-12"]))
run = kyosei.read("runs/8fd4a57ee22664f4")
run["stocks"]                         # a pandas frame with labels
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim import __version__
from sim.config.compose import compose
from sim.outputs.read import FinishedRun
from sim.outputs.read import read_run as read

if TYPE_CHECKING:
    from sim.model.model import Kyosei as Model

__all__ = ["FinishedRun", "Model", "__version__", "compose", "read"]


def __getattr__(name: str) -> Any:
    """`Model` is imported when it is asked for: reading runs needs no kernels."""
    if name == "Model":
        from sim.model.model import Kyosei

        return Kyosei
    raise AttributeError(f"kyosei has no {name}")
