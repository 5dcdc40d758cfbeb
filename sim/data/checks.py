"""Rules that hold between rows and between tables: the `checks` of a folder's schema.yaml.

A rule is skipped where one of its tables has bad cells or lacks rows, which is reported instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.data.cells import CodeList
from sim.data.read import MOST_SHOWN, Table

Tables = Mapping[str, Table]

Check = Mapping[str, Any]

CodesOf = Callable[[str], CodeList | None]


def run_checks(checks: Sequence[Check], tables: Tables, codes_of: CodesOf) -> list[str]:
    """One sentence for each rule that is broken, in the order of the rules."""
    problems: list[str] = []
    sound = {name for name, table in tables.items() if not table.problems}
    for check in checks:
        if sound.issuperset(_tables_of(check)):
            found = RULES[check["rule"]](check, tables, codes_of)
            problems += found
            if found and "table" in check:
                sound.discard(check["table"])
    return problems


def _tables_of(check: Check) -> list[str]:
    sides = [check, check.get("whole", {}), check.get("part", {})]
    return [side[role] for side in sides for role in ("table", "join") if role in side]


def _rows(check: Check, tables: Tables, _: CodesOf) -> list[str]:
    table = tables[check["table"]]
    found, wanted = len(table.frame), check["rows"]
    if found == wanted:
        return []
    return [f"{table.spec.file}: has {found:,} rows below the header, but needs {wanted:,}"]


def _gapless(check: Check, tables: Tables, _: CodesOf) -> list[str]:
    table, column = tables[check["table"]], check["column"]
    months = sorted({str(month) for month in table.frame[column]})
    count = np.array([int(m[:4]) * 12 + int(m[5:]) for m in months])
    wrong = np.flatnonzero(np.diff(count) != check["months"])
    return [
        f"{table.spec.file}, row {_first_row(table, column, months[i + 1])}, column {column}: "
        f"{months[i + 1]} follows {months[i]}, but the series has a value every "
        f"{check['months']} months; put back the rows in between"
        for i in wrong
    ]


def _complete(check: Check, tables: Tables, codes_of: CodesOf) -> list[str]:
    table, by, column = tables[check["table"]], check["by"], check["column"]
    wanted = codes_of(table.spec.columns[column].name) or {}
    problems = []
    for value, cells in table.frame.groupby(by)[column]:
        found = set(cells)
        missing = [code for code in wanted if code not in found]
        if missing:
            problems.append(
                f"{table.spec.file}, row {_first_row(table, by, value)}, column {column}: "
                f"{by} {value} lacks {', '.join(missing)}; put back those rows"
            )
    return problems


def _sum_equal(check: Check, tables: Tables, _: CodesOf) -> list[str]:
    by = check["by"]
    whole, part = (sums_of_side(check[side], tables, by) for side in ("whole", "part"))
    part_table = tables[check["part"]["table"]]
    if part_table.spec.columns[by[0]].name in ("month", "year"):
        whole = whole[whole.index.get_level_values(0).isin(part.index.get_level_values(0))]
    whole, part = whole.align(part, fill_value=0)
    wrong = whole.index[whole.to_numpy() != part.to_numpy()]
    names = [_file_column(check[side], tables) for side in ("part", "whole")]
    problems = [
        f"{names[0]} adds up to {part[key]:,.0f} at {key_text(by, key)}"
        f"{_key_row(part_table, by, key)}, but {names[1]} has {whole[key]:,.0f} "
        f"(difference {part[key] - whole[key]:+,.0f}); the two must be equal"
        for key in wrong[:MOST_SHOWN]
    ]
    if len(wrong) > MOST_SHOWN:
        problems.append(f"{names[0]}: {len(wrong) - MOST_SHOWN} more sums differ from {names[1]}")
    return problems


def rows_of_side(side: Check, tables: Tables) -> pd.DataFrame:
    """The rows that one side of a `sum_equal` adds up, with their numbers in the table as index."""
    frame = tables[side["table"]].frame
    for column, value in side.get("where", {}).items():
        frame = frame[frame[column] == value]
    for column, value in side.get("since", {}).items():
        frame = frame[frame[column] >= value]
    if "join" in side:
        frame = frame.reset_index().merge(tables[side["join"]].frame).set_index("index")
    return frame.replace(side["rename"]) if "rename" in side else frame


def sums_of_side(side: Check, tables: Tables, by: list[str]) -> pd.Series:
    """Key -> the sum that one side of a `sum_equal` has there."""
    return rows_of_side(side, tables).groupby(by)[side["value"]].sum()


def _first_row(table: Table, column: str, value: object) -> int:
    return int(table.rows[np.flatnonzero(table.frame[column] == value)[0]])


def _file_column(side: Check, tables: Tables) -> str:
    return f"{tables[side['table']].spec.file}, column {side['value']}"


def key_text(by: list[str], key: object) -> str:
    """The key of a sum in words: `date 2025-06, status student`."""
    values = key if isinstance(key, tuple) else (key,)
    return ", ".join(f"{name} {value}" for name, value in zip(by, values, strict=True))


def _key_row(table: Table, by: list[str], key: object) -> str:
    """` (row N and after)`: the first row that a sum is made of; empty where there is none."""
    values = key if isinstance(key, tuple) else (key,)
    same = np.ones(len(table.frame), np.bool_)
    for name, value in zip(by, values, strict=True):
        same &= (table.frame[name] == value).to_numpy()
    return f" (row {table.rows[np.flatnonzero(same)[0]]} and after)" if same.any() else ""


RULES: dict[str, Callable[[Check, Tables, CodesOf], list[str]]] = {
    "rows": _rows,
    "gapless": _gapless,
    "complete": _complete,
    "sum_equal": _sum_equal,
}
