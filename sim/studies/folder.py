"""The folder of a study whose runs are planned: made once, adopted where it is there already."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sim.files.folder import RunFolder, found_complete
from sim.runs.progress import duration
from sim.sweeps.missing import say

SUMMARY: Final = "summary.txt"


def make_study(
    kind: str, root: Path, number: str, make: Callable[[], int],
    write: Callable[[RunFolder], None], quiet: bool,
) -> tuple[int, Path]:  # fmt: skip
    """(highest exit code of the runs, the folder of the study, written if the code is 0).

    kind   such as "comparison"
    make   makes the missing runs; returns their highest exit code
    write  fills and finishes the folder
    """
    folder = root / number
    if found_complete(folder):
        say(quiet, f"{kind} {number} is complete already: nothing to do")
        return 0, folder
    code = make()
    if code == 0:
        with RunFolder(root, number) as place:
            if place.adopt() is None:
                write(place)
    return code, folder


def print_study(make: Callable[[], tuple[int, Path]], quiet: bool) -> int:
    """Make a study, print its summary and, in the last line, its folder; returns the exit code."""
    started = time.perf_counter()
    code, folder = make()
    if code:
        return code
    print((folder / SUMMARY).read_text(encoding="utf-8"))
    say(quiet, f"done in {duration(time.perf_counter() - started)}")
    print(folder)
    return 0
