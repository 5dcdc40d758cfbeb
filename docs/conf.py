"""The documentation as a site: `make docs` builds it into build/docs.

The pages are the Markdown files of this folder, which read as well on a code host. Nothing in the
site is fetched from elsewhere.
"""

from __future__ import annotations

import re
from typing import Any

from sim import __version__

project = "Kyosei"
author = "Kyosei contributors"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "code"  # docstrings write code between single backquotes
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
html_theme = "furo"
html_title = f"Kyosei {__version__}"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)#]+)(?:#[^)]*)?\)")
"""A link to a file of the repository that is no page: the site names it instead."""


ARGUMENT = re.compile(r"(\w+)  +(\S.*)")
"""An argument in a docstring, and what it is."""


def _name_files(app: Any, docname: str, source: list[str]) -> None:
    source[0] = OUTSIDE.sub(
        lambda link: link[1] if link[2] in link[1] else f"{link[1]} (`{link[2]}`)",
        source[0],
    )


def _list_arguments(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Docstrings list arguments as `name  what it is`: as a list of fields for Sphinx."""
    written = []
    for line in lines:
        argument = ARGUMENT.fullmatch(line)
        if argument:
            written += [] if written and written[-1].startswith((":", "   ")) else [""]
            written.append(f":{argument[1]}: {argument[2]}")
        elif line.startswith("  ") and written and written[-1].startswith((":", "   ")):
            written.append(f"   {line.strip()}")
        else:
            written += [""] if line and written and written[-1].startswith((":", "   ")) else []
            written.append(line)
    lines[:] = written


def setup(app: Any) -> None:
    """Sphinx calls it."""
    app.connect("source-read", _name_files)
    app.connect("autodoc-process-docstring", _list_arguments)
