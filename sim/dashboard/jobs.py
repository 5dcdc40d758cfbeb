"""Comparisons that the dashboard has started, or that wait: a queue, a few at a time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

State = Literal["waiting", "running", "done", "failed", "cancelled"]

MOST_WAITING: Final = 20

MOST_LINES: Final = 200

_DONE_OF: Final = re.compile(r"\b(\d+)/(\d+) \w+")


@dataclass
class Job:
    """One command.

    words   after `kyosei`
    folder  what it made, once it is done
    said    its last lines on standard error
    """

    number: int
    title: str
    words: list[str]
    state: State = "waiting"
    folder: str | None = None
    said: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    started: float | None = None
    ended: float | None = None
    process: subprocess.Popen[str] | None = None

    def told(self, command: str) -> dict[str, Any]:
        """What the page shows of it."""
        found = [_DONE_OF.search(line) for line in self.said]
        last = next((match for match in reversed(found) if match), None)
        until = self.ended or time.monotonic()
        return {
            "number": self.number, "title": self.title, "state": self.state, "command": command,
            "folder": self.folder, "said": list(self.said)[-12:],
            "done": int(last[1]) if last else 0, "total": int(last[2]) if last else None,
            "seconds": None if self.started is None else round(until - self.started),
        }  # fmt: skip


class Full(Exception):
    """So many wait already that one more would be forgotten."""


class Jobs:
    """The queue. All methods may be called from any thread."""

    def __init__(self, folder: Path, at_once: int) -> None:
        """folder: where the commands are started, which is where a person would type them."""
        self._folder = folder
        self._jobs: list[Job] = []
        self._changed = threading.Condition()
        self._closed = False
        for _ in range(at_once):
            threading.Thread(target=self._work, daemon=True).start()

    def __iter__(self) -> Any:
        with self._changed:
            return iter(list(self._jobs))

    def add(self, title: str, words: Sequence[str]) -> Job:
        """Put a command at the end of the queue. Raises Full if it is too long."""
        with self._changed:
            waiting = sum(job.state == "waiting" for job in self._jobs)
            if waiting >= MOST_WAITING:
                raise Full
            job = Job(len(self._jobs) + 1, title, list(words))
            self._jobs.append(job)
            self._changed.notify()
            return job

    def cancel(self, number: int) -> bool:
        """End a job that waits or runs; whether there was one."""
        with self._changed:
            job = next((job for job in self._jobs if job.number == number), None)
            if job is None or job.state not in ("waiting", "running"):
                return False
            job.state, job.ended = "cancelled", time.monotonic()
            _kill(job)
            return True

    def close(self) -> None:
        """End all of them: the server goes."""
        with self._changed:
            self._closed = True
            for job in self._jobs:
                if job.state in ("waiting", "running"):
                    job.state = "cancelled"
                    _kill(job)
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (waiting := [job for job in self._jobs if job.state == "waiting"]):
                    if self._closed:
                        return
                    self._changed.wait()
                job = waiting[0]
                job.state, job.started = "running", time.monotonic()
                try:
                    job.process = self._begun(job.words)
                except (OSError, ValueError) as error:  # no memory, a word that no command may hold
                    job.said.append(f"could not be started: {error}")
                    job.state, job.ended = "failed", time.monotonic()
                    continue
            self._follow(job, job.process)

    def _begun(self, words: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sim.dashboard.keeper", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", cwd=self._folder, start_new_session=True,
        )  # fmt: skip

    def _follow(self, job: Job, process: subprocess.Popen[str]) -> None:
        """Read what a command says until it ends, and keep its last line, which is its folder."""
        assert process.stdout is not None
        assert process.stderr is not None
        printed: deque[str] = deque(maxlen=1)
        reader = threading.Thread(target=printed.extend, args=(process.stdout,), daemon=True)
        reader.start()
        for line in process.stderr:
            job.said.append(line.rstrip())
        code = process.wait()
        reader.join()
        with self._changed:
            if job.state == "running":
                job.ended = time.monotonic()
                job.state = "done" if code == 0 else "failed"
                job.folder = Path(printed[0].strip()).name if code == 0 and printed else None


def _kill(job: Job) -> None:
    """End a command with everything that it started: they are one process group."""
    if job.process is not None and job.process.poll() is None:
        os.killpg(job.process.pid, signal.SIGKILL)
