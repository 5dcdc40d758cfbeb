"""How far a run has come: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SILENT_SECONDS = 2.0  # a run this short says nothing

LINE_SECONDS = 5.0  # between two lines of a log


class MonthProgress:
    """Months done, people, speed in million agent-months per second, and time left.

    Use it in a `with`, and call `advance` once for each month simulated. It writes to standard
    error, so that standard output stays clean for what a run prints.
    """

    def __init__(
        self,
        months: int,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._months = months
        self._quiet = quiet
        self._clock = clock
        self._stream = stream or sys.stderr
        self._console = Console(file=self._stream)
        self._bar: Progress | None = None
        self._done = 0
        self._agent_months = 0
        self._started = self._last_line = clock()

    def __enter__(self) -> MonthProgress:
        self._started = self._last_line = self._clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, month: str, people: int) -> None:
        """One month more is done. month: its name, YYYY-MM; people: rows simulated in it."""
        self._done += 1
        self._agent_months += people
        now = self._clock()
        if self._quiet or now - self._started < SILENT_SECONDS:
            return
        if self._console.is_terminal:
            self._show_bar(month, people, now)
        elif now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            print(self._line(month, people, now), file=self._stream, flush=True)

    def _speed(self, now: float) -> float:
        return self._agent_months / 1e6 / max(now - self._started, 1e-9)

    def _line(self, month: str, people: int, now: float) -> str:
        left = (now - self._started) / self._done * (self._months - self._done)
        return (
            f"{month}  {self._done}/{self._months} months  {people:,} people"
            f"  {self._speed(now):.1f} M agent-months/s  {left:.0f} s left"
        )

    def _show_bar(self, month: str, people: int, now: float) -> None:
        if self._bar is None:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[people]:,} people"),
                TextColumn("{task.fields[speed]:.1f} M agent-months/s"),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.add_task(month, total=self._months, people=people, speed=0.0)
            self._bar.start()
        self._bar.update(
            self._bar.task_ids[0],
            completed=self._done,
            description=month,
            people=people,
            speed=self._speed(now),
        )
