"""Verbs about finished runs: what is there, how two differ, their tables for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

DONE = 0

_RUNS_EXAMPLES = """\
examples:
  kyosei runs                    finished runs and studies below runs/
  kyosei runs /data/runs
"""

_DIFF_EXAMPLES = """\
example:
  kyosei diff runs/8fd4a57ee22664f4 runs/0b11c2d93ae4f781

Prints every setting that differs, with its value in the first run and in the second.
"""

_EXPORT_EXAMPLES = """\
examples:
  kyosei export runs/8fd4a57ee22664f4                    CSV of all tables, codes beside labels
  kyosei export runs/8fd4a57ee22664f4 --to dta --lang ja Stata, codes with Japanese labels
  kyosei export runs/8fd4a57ee22664f4 --to xlsx          Excel; sav for SPSS, r for CSV and read.R
  kyosei export runs/8fd4a57ee22664f4 --table stocks --folder /data/for_r

codebook.json in the folder of the run says what every column and code means.
"""


_FIGURES_EXAMPLES = """\
examples:
  kyosei figures runs/8fd4a57ee22664f4                       into figures/8fd4a57ee22664f4/
  kyosei figures runs/8fd4a57ee22664f4 --folder /data/paper

For runs that were made without figures, such as those of a sweep.
"""


def add_verbs(verbs: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the verbs to the parser of the command."""
    runs = verbs.add_parser(
        "runs", help="list the finished runs of a folder", epilog=_RUNS_EXAMPLES,
        description="List the finished runs and studies of a folder and of those below it.",
        formatter_class=formatter,
    )  # fmt: skip
    runs.add_argument("folder", type=Path, nargs="?", default=Path("runs"))
    runs.set_defaults(action=_runs)
    diff = verbs.add_parser(
        "diff", help="say which settings of two runs differ", epilog=_DIFF_EXAMPLES,
        description="Say which settings of two finished runs differ.", formatter_class=formatter,
    )  # fmt: skip
    for name in ("first", "second"):
        diff.add_argument(name, type=Path, help="the folder of a finished run")
    diff.set_defaults(action=_diff)
    export = verbs.add_parser(
        "export", help="write the tables of a run for R, Stata, SPSS and Excel",
        epilog=_EXPORT_EXAMPLES,
        description="Write the tables of a finished run in other forms, with labels.",
        formatter_class=formatter,
    )  # fmt: skip
    export.add_argument("run", type=Path, help="the folder of a finished run")
    export.add_argument(
        "--to", default="csv", metavar="FORM", help="csv (the default), r, xlsx, dta or sav"
    )
    export.add_argument("--lang", default="en", help="language of labels: en (the default) or ja")
    export.add_argument("--table", action="append", default=[], metavar="NAME",
                        help="a table, again for each; all if not given")  # fmt: skip
    export.add_argument("--folder", type=Path, help="where to: export/RUN if not given")
    export.set_defaults(action=_export)
    _add_figures(verbs, formatter)


def _add_figures(verbs: Any, formatter: type[argparse.HelpFormatter]) -> None:
    figures = verbs.add_parser(
        "figures", help="draw the figures of a finished run", epilog=_FIGURES_EXAMPLES,
        description="Draw all figures of a finished run.", formatter_class=formatter,
    )  # fmt: skip
    figures.add_argument("run", type=Path, help="the folder of a finished run")
    figures.add_argument("--folder", type=Path, help="where to: figures/RUN if not given")
    figures.set_defaults(action=_figures)


def _runs(options: argparse.Namespace) -> int:
    from sim.core.errors import ConfigError
    from sim.core.text import table
    from sim.outputs.read import finished_below

    if not options.folder.is_dir():
        raise ConfigError(f"{options.folder} is not a folder")
    rows = [
        [str(run.path), run.kind, *(str(about.get(key, "")) for key in ("start", "end", "scale",
                                                                        "seed")),
         str(about.get("scenario", {}).get("name", "")), str(run.manifest.get("label") or ""),
         ", ".join(run.manifest.get("tags") or [])]
        for run in finished_below(options.folder)
        for about in [run.settings]
    ]  # fmt: skip
    head = ["folder", "kind", "start", "end", "scale", "seed", "scenario", "label", "tags"]
    print(table(head, rows) if rows else f"no finished run below {options.folder}")
    return DONE


def _diff(options: argparse.Namespace) -> int:
    from sim.outputs.read import differences, read_run

    found = differences(read_run(options.first), read_run(options.second))
    for path, first, second in found:
        print(f"{path}\n    {first}\n    {second}")
    print(f"{len(found)} settings differ" if found else "no setting differs")
    return DONE


def _export(options: argparse.Namespace) -> int:
    from sim.outputs.read import read_run
    from sim.runs.export import export

    run = read_run(options.run, options.lang)
    folder = options.folder or Path("export") / run.path.resolve().name
    print(*export(run, options.to, folder, options.table), sep="\n")
    return DONE


def _figures(options: argparse.Namespace) -> int:
    from sim.outputs.read import read_run
    from sim.runs.figures import draw

    run = read_run(options.run)
    print(*draw(run, options.folder or Path("figures") / run.path.resolve().name), sep="\n")
    return DONE
