"""Runs one `kyosei` command and ends it when the dashboard ends: `python -m sim.dashboard.keeper`.

The dashboard holds the other end of this process's standard input. However it ends, the system
closes that end, and the command is killed with everything that it started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main(words: list[str]) -> int:
    """Run `kyosei WORDS`; its exit code. The process leads a group of its own."""
    command = subprocess.Popen(
        [sys.executable, "-m", "sim.cli.main", *words], stdin=subprocess.DEVNULL
    )
    threading.Thread(target=_end_with_the_dashboard, daemon=True).start()
    return command.wait()


def _end_with_the_dashboard() -> None:
    while os.read(0, 1024):  # without Python's buffer, whose lock would stop the way out
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
