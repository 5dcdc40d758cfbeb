"""Results as tables for people, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table

Cell = str | float | int | None


@dataclass
class Result:
    """One benchmark: a table, and named numbers with the target that some of them have."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]]
    numbers: dict[str, float] = field(default_factory=dict)
    targets: dict[str, tuple[str, float]] = field(default_factory=dict)  # (">=" or "<=", bound)
    note: str = ""

    def met(self, name: str) -> bool:
        sign, bound = self.targets[name]
        return self.numbers[name] >= bound if sign == ">=" else self.numbers[name] <= bound


def show(result: Result) -> None:
    """Print the table, then the numbers that matter, each beside its target if it has one."""
    console = Console()
    table = Table(title=result.title, title_justify="left", box=box.SIMPLE_HEAD)
    for k, name in enumerate(result.columns):
        table.add_column(name, justify="left" if k == 0 else "right")
    for row in result.rows:
        table.add_row(*(_text(cell) for cell in row))
    console.print(table)
    if result.note:
        console.print(f"  {result.note}")
    for name, number in result.numbers.items():
        verdict = ""
        if name in result.targets:
            sign, bound = result.targets[name]
            verdict = f" (target {sign} {bound:g}) {'met' if result.met(name) else 'MISSED'}"
        console.print(f"  {name}: {_text(number)}{verdict}")
    console.print()


def as_data(result: Result) -> dict[str, object]:
    """The result for JSON."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    targets = {
        name: {"target": f"{sign} {bound:g}", "met": result.met(name)}
        for name, (sign, bound) in result.targets.items()
    }
    return {"title": result.title, "rows": rows, "numbers": result.numbers, "targets": targets}


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell
