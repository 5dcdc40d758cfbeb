"""Progress of a command: a bar on a terminal, plain lines in a log.

Everything here goes to standard error, so that standard output holds results alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SILENT_SECONDS: Final = 2.0  # a log says nothing of months before

LINE_SECONDS: Final = 5.0  # between two lines of a log

MONTH_SECONDS: Final = 0.005

AGENT_MONTH_SECONDS: Final = 115e-9
"""Time of a month whatever its people, and of one person in one month on one thread: means over a
run of everybody from 2025-06 to 2050-12 on two cores (`docs/speed.md`)."""

FIGURES_SECONDS: Final = 15.0


class Doing:
    """Says what is going on while a `with` block works: a spinner with the time that has passed on
    a terminal, one line in a log."""

    def __init__(self, what: str, quiet: bool = False, stream: TextIO | None = None) -> None:
        """what: a sentence without its full stop, such as "Drawing the figures"."""
        self._what = what
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._spinner: Progress | None = None

    def __enter__(self) -> Doing:
        if self._quiet:
            return self
        console = Console(file=self._stream)
        if console.is_terminal:
            self._spinner = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
                console=console, transient=True,
            )  # fmt: skip
            self._spinner.add_task(self._what, total=None)
            self._spinner.start()
        else:
            print(f"{self._what}.", file=self._stream, flush=True)
        return self

    def __exit__(self, *error: object) -> None:
        if self._spinner is not None:
            self._spinner.stop()


class MonthProgress:
    """Months done, people simulated, the time left and, in a log, million agent-months per second.

    Use it in a `with`, and call `advance` once for each month simulated. A terminal shows the bar
    from the start; a log gets a line every few seconds. Speed and time left of a log are those
    since the first month ended: a first month compiles whatever no earlier run has compiled.
    """

    def __init__(
        self,
        total: int,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        unit: str = "months",
        lines: bool = False,
    ) -> None:
        """total: how many there are of what `unit` names in the plural.

        lines: whether each is told as a line of JSON, for programs, quiet or not.
        """
        self._lines = lines
        self._total = total
        self._unit = unit
        self._quiet = quiet
        self._clock = clock
        self._stream = stream or sys.stderr
        self._console = Console(file=self._stream)
        self._bar: Progress | None = None
        self._done = 0
        self._agent_months = 0  # since the first month ended
        self._started = self._last_line = clock()
        self._first_ended: float | None = None

    def __enter__(self) -> MonthProgress:
        self._started = self._last_line = self._clock()
        if self._lines:
            self._tell(None, 0, self._started)  # at once, before the first month is over
        if self._total > 0 and not self._quiet and self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=12),  # all of it in 80 columns
                MofNCompleteColumn(),
                TextColumn(self._unit),
                TextColumn("{task.fields[people]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.add_task("", total=self._total, people="")
            self._bar.start()
        return self

    def _tell(self, name: str | None, people: int, now: float) -> None:
        content = {"month": name, "done": self._done, "total": self._total, "people": people,
                   "seconds": round(now - self._started, 3)}  # fmt: skip
        print(json.dumps(content), file=self._stream, flush=True)

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, name: str, people: int) -> None:
        """One more is done. name: the month, YYYY-MM; people: simulated in it, 0 if unknown."""
        now = self._clock()
        self._done += 1
        if self._first_ended is None:
            self._first_ended = now
        else:
            self._agent_months += people
        if self._lines:
            self._tell(name, people, now)
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, description=name,
                             people=f"{people:,} simulated" if people else "")  # fmt: skip
        elif now - self._started >= SILENT_SECONDS and now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            parts = [name, f"{self._done}/{self._total} {self._unit}", self._people(people, now),
                     self._left(now)]  # fmt: skip
            print("  ".join(part for part in parts if part), file=self._stream, flush=True)

    def _since_first(self, now: float) -> float:
        return now - (now if self._first_ended is None else self._first_ended)

    def _people(self, people: int, now: float) -> str:
        if not people:
            return ""
        seconds = self._since_first(now)
        speed = f"  {self._agent_months / 1e6 / seconds:.1f} M agent-months/s" if seconds else ""
        return f"{people:,} simulated people{speed}"

    def _left(self, now: float) -> str:
        if self._done < 2:
            return ""
        each = self._since_first(now) / (self._done - 1)
        return f"{each * (self._total - self._done):.0f} s left"


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def expected_seconds(people: float, months: int, threads: int, figures: bool) -> float:
    """About how long a compiled run takes. people: mean number simulated at a time.

    Right within a factor of two on machines like the one of `docs/speed.md`.
    """
    work = months * (MONTH_SECONDS + AGENT_MONTH_SECONDS * people / max(threads, 1))
    return work + (FIGURES_SECONDS if figures else 0.0) + 1.0
