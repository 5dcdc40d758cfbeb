"""The description of the model as one self-contained HTML file: `kyosei describe --to FILE.html`.

Made from the Markdown that `sim.outputs.describe` writes, so that both say the same.
"""

from __future__ import annotations

import html
from typing import Final

from markdown_it import MarkdownIt

from sim.pages.page import STYLE, built, content_hash

OWN_STYLE: Final = """
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: 12.5px; margin: 0 0 18px; }
th, td { border-bottom: 1px solid var(--rule); padding: 4px 8px; text-align: left; vertical-align: top; }
main { padding-bottom: 40px; }
main h3 { margin: 22px 0 8px; }
@media print { table { display: table; font-size: 7.5pt; overflow-wrap: anywhere; } }
"""  # noqa: E501

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def description_page(markdown: str) -> str:
    """The page: no script, no request, and HTML or pictures in the text are shown as text.

    Raises ConfigError, which says what to do, if the pages' style sheet is not built.
    """
    style = built(STYLE) + OWN_STYLE
    # An attribute of style, which aligned columns would have, is against the content policy.
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse(markdown)
    for token in tokens:
        token.attrs.pop("style", None)
    policy = (
        f"default-src 'none'; style-src '{content_hash(style)}';"
        " base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(
        policy=html.escape(policy),
        title=html.escape(markdown.partition("\n")[0].removeprefix("# ")),
        style=style,
        body=reader.renderer.render(tokens, reader.options, {}),
    )
