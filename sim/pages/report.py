"""`kyosei report`: one page of finished folders."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sim.core.errors import ConfigError

EXAMPLES: Final = """\
examples:
  kyosei report runs/749873afaf63256a     a run, comparison or projection, as report.html here
  kyosei report runs/749873afaf63256a --lang ja --to effects.html
  kyosei report runs/68fbf7d3fa32e466 runs/b031072dc4d56049    runs with the same months
  kyosei report runs/749873afaf63256a runs/5d1c2f6a90b3e847    with a hindcast's scores beside

The page is one file that asks nobody for anything: open it, send it, print it (the first two pages
are a summary). Every folder is verified first; one that was changed is refused. Runs of several
scenarios with the same seeds are shown as paired differences, too. The last line printed is the
file.
"""

LANGUAGES: Final = ("en", "ja", "ko")

DEFAULT: Final = Path("report.html")


def add_verb(verbs: Any) -> None:
    """Add the verb to argparse's subcommands."""
    verb = verbs.add_parser(
        "report",
        help="one page to read, print and send, from runs, a comparison or a projection",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Write one self-contained HTML page of charts, maps, tables and sources.",
    )
    verb.add_argument("folders", nargs="+", type=Path, metavar="DIR",
                      help="folders of runs, a comparison, a projection, a hindcast")  # fmt: skip
    verb.add_argument("--lang", choices=LANGUAGES, default="en", help="language shown first")
    verb.add_argument("--to", type=Path, default=DEFAULT, metavar="FILE",
                      help=f"the page; {DEFAULT} if not given")  # fmt: skip
    shapes_help = "boundaries of municipalities, joined by their codes, for the map"
    verb.add_argument("--shapes", type=Path, metavar="FILE.geojson", help=shapes_help)
    verb.set_defaults(action=_report)


def _report(options: argparse.Namespace) -> int:
    print(report(options.folders, options.lang, options.to, options.shapes))
    return 0


def report(
    folders: Sequence[Path],
    language: str = "en",
    to: Path = DEFAULT,
    shapes: Path | None = None,
) -> Path:
    """Write the page of the folders; returns its path.

    shapes  a GeoJSON file with the boundaries of municipalities; without it they are circles

    Raises ConfigError if the folders make no page or the bundle is not built, NotVerified if a
    folder is not as its manifest says, OutputError if a file cannot be read or written.
    """
    # pandas, scipy and numba take a second to import: only who asks for a page pays it.
    from sim.files.folder import write_atomically
    from sim.pages.document import document
    from sim.pages.page import page
    from sim.pages.study import read_study

    if to.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--to {to}: name a file that ends in .html")
    if to.is_dir() or not to.absolute().parent.is_dir():
        raise ConfigError(f"--to {to}: name a file in a folder that exists")
    content = page(document(read_study(folders), language, shapes)).encode("utf-8")
    write_atomically(to, lambda stream: stream.write(content))
    return to
