"""What a process that was killed left in a folder that is complete: its lock, half a file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sim.errors import OutputError
from sim.outputs import RunFolder, is_complete


def found_complete(folder: Path) -> bool:
    """`is_complete`, for whoever leaves the folder at that: leavings in it are removed.

    A folder in which nothing begins with a dot costs one look. Nothing goes while a living process
    holds the folder, or where nothing may be written: complete is complete.
    """
    if not is_complete(folder):
        return False
    with suppress(OutputError, OSError):
        if any(name.startswith(".") for name in os.listdir(folder)):
            with RunFolder(folder.parent, folder.name):
                pass  # entering takes a lock over whose holder is gone, and sweeps
    return True
