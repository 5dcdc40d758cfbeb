"""Tables as text: for the terminal, and for the pages of docs/."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def flat(text: str) -> str:
    """Text of several lines as one."""
    return " ".join(text.split())


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Text table: first column to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    cells = [
        "  ".join(text.ljust(w) if k == 0 else text.rjust(w)
                  for k, (text, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]  # fmt: skip
    return "\n".join([cells[0], "-" * len(cells[0]), *cells[1:]])


def markdown_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False
) -> str:
    """Markdown table; with `numbers`, all columns but the first stand to the right."""
    sides = ["---", *(["---:" if numbers else "---"] * (len(head) - 1))]
    lines = [head, sides, *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
