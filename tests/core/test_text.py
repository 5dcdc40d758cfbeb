"""Tables for the terminal and for pages."""

from __future__ import annotations

from sim.core.text import markdown_table, table


def test_a_table_puts_names_left_and_numbers_right():
    text = table(["name", "n"], [["a", "1"], ["longer", "1,000"]])
    assert text.splitlines() == [
        "name        n",
        "-------------",
        "a           1",
        "longer  1,000",
    ]


def test_a_cell_of_a_markdown_table_cannot_end_its_column():
    assert markdown_table(["name", "n"], [["a|b", "1"]], numbers=True).splitlines() == [
        "| name | n |", "| --- | ---: |", "| a/b | 1 |",
    ]  # fmt: skip
