"""Progress of a sweep, whichever processes run it: counted from the folders that are complete."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sim.runs.progress import duration

LOOK_SECONDS: Final = 0.5

LINE_SECONDS: Final = 10.0  # between two lines of a log


class SweepProgress:
    """Runs done, failed, speed and time left, while jobs run in other processes.

    Use it in a `with`. A thread looks every half second which of the awaited files are there. It
    writes to standard error: a bar on a terminal, a plain line now and then in a log.
    """

    def __init__(
        self,
        awaited: Sequence[tuple[Path, Path]],
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """awaited: for each run the file that says it is done, and the log that says why not."""
        self._awaited = list(awaited)
        self._total = len(self._awaited)
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._clock = clock
        self._console = Console(file=self._stream)
        self._bar: Progress | None = None
        self._started = self._last_line = clock()
        self._first: tuple[int, float] | None = None  # runs ended, and when, at the first sight
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sweep progress", daemon=True)

    def __enter__(self) -> SweepProgress:
        self._started = self._last_line = self._clock()
        if not self._quiet:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._bar is not None:
            self._bar.stop()

    def look(self) -> tuple[int, int]:
        """(done, failed) so far."""
        self._awaited = [pair for pair in self._awaited if not pair[0].exists()]
        return self._total - len(self._awaited), sum(log.exists() for _, log in self._awaited)

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            self.show()

    def show(self) -> None:
        """Count, and print if the interval since the last line has passed."""
        done, failed = self.look()
        now = self._clock()
        if self._console.is_terminal:
            self._show_bar(done, failed)
        elif now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            print(self._line(done, failed, now), file=self._stream, flush=True)

    def _line(self, done: int, failed: int, now: float) -> str:
        ended = done + failed
        if ended and self._first is None:
            self._first = (ended, now)
        text = f"{ended}/{self._total} runs{_failed(failed)}"
        if self._first is None or ended == self._first[0]:
            return f"{text}  {duration(now - self._started)} so far"
        each = (now - self._first[1]) / (ended - self._first[0])  # without the start of the workers
        left = duration(each * (self._total - ended))
        return f"{text}  {60 / each:.0f} a minute  {left} left"

    def _show_bar(self, done: int, failed: int) -> None:
        if self._bar is None:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                TextColumn("runs{task.fields[failed]}"), TimeRemainingColumn(),
                console=self._console,
            )  # fmt: skip
            self._bar.add_task("sweep", total=self._total, failed="")
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done + failed, failed=_failed(failed))


def _failed(count: int) -> str:
    return f"  {count} failed" if count else ""
