"""The seconds of a run by phase; the compiler's time is a phase of its own."""

from __future__ import annotations

import time
from typing import Final

from numba.core import event

PHASES: Final = ("start", "compile", "opening", "months", "outputs")

_COMPILING: Final = "numba:compile"


class Stopwatch:
    """Use it in a `with`; `lap(phase)` gives a phase the seconds since the last lap.

    What the compiler took in between goes to `compile` instead. Kernels that come from the
    cache are not compiled, so `compile` is near 0 in every run but the first after an edit.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._listener = event.TimingListener()
        self._last = time.perf_counter()

    def __enter__(self) -> Stopwatch:
        event.register(_COMPILING, self._listener)
        return self

    def __exit__(self, *error: object) -> None:
        event.unregister(_COMPILING, self._listener)

    def lap(self, phase: str) -> None:
        """Give a phase what has passed since the last lap."""
        now = time.perf_counter()
        compiling = self._listener.duration if self._listener.done else 0.0
        compiled = compiling - self.seconds["compile"]
        self.seconds[phase] += max(now - self._last - compiled, 0.0)
        self.seconds["compile"], self._last = compiling, now
