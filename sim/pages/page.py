"""One self-contained HTML file from a document and the built bundle.

The page asks nobody for anything: its content policy forbids every request, and only the script
and the style sheets whose hashes it names may run. The document stands in it as data, with every
sign escaped that could end the element it stands in.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import Any, Final

from sim.core.errors import ConfigError

DIST: Final = Path(__file__).parents[1] / "web" / "dist"
"""The built bundle: not in the repository, made at set-up and packed into the wheel."""

SCRIPT: Final = "page.js"

STYLE: Final = "page.css"

LIBRARY_STYLES: Final = "styles.json"
"""Hashes of the style sheets that the chart library puts into its figures."""

MISSING: Final = (
    "the pages are not built: run `make pages` in the checkout (it needs Node 20 or newer, or gets"
    " it as a Python package). Everything else works without them."
)

_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Kyosei {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div id="page">
<h1>{title}</h1>
<p>{subtitle}</p>
<noscript><p>Charts and tables of this page need JavaScript. / 図表の表示にはJavaScriptが必要です。</p></noscript>
</div>
<script type="application/json" id="document">{document}</script>
<script type="module">{script}</script>
</body>
</html>
"""  # noqa: E501


def page(document: dict[str, Any]) -> str:
    """The page. Raises ConfigError, which says what to do, if the bundle is not built."""
    script, style = built(SCRIPT), built(STYLE)
    styles = json.loads(built(LIBRARY_STYLES))
    language = document["language"]
    arm = document["arms"][min(1, len(document["arms"]) - 1)]
    return _PAGE.format(
        language=language,
        policy=html.escape(policy(script, [content_hash(style), *styles])),
        version=html.escape(document["facts"]["version"]),
        title=html.escape(_in(arm["sentence"], language)),
        subtitle=html.escape(_in(document["subtitle"], language)),
        style=style,
        document=escaped_json(document),
        script=script,
    )


def _in(texts: dict[str, str], language: str) -> str:
    return texts.get(language, texts["en"])


def built(name: str) -> str:
    """A file of the bundle. Raises ConfigError, which says what to do, if it is not built."""
    try:
        return (DIST / name).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(MISSING) from error


def policy(script: str, styles: list[str]) -> str:
    """The content policy: nothing but this script, these sheets, and pictures made by the page."""
    return (
        f"default-src 'none'; script-src '{content_hash(script)}';"
        f" style-src {' '.join(repr(each) for each in styles)}; img-src data: blob:;"
        " base-uri 'none'; form-action 'none'"
    )


def content_hash(content: str) -> str:
    """The hash of an element's content as a content policy names it."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def escaped_json(content: Any) -> str:
    """JSON that may stand in a script element: no sign in it ends or opens an element.

    The escapes are JSON's own, so that it reads back equal; NaN raises ValueError.
    """
    raw = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        raw = raw.replace(sign, f"\\u{ord(sign):04x}")
    return raw
