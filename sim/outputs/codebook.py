"""What every table, column and code of a run means: `codebook.json` in its folder.

    {"tables": {TABLE: {"text", "columns": {COLUMN: {"unit", "kind", "codes"?}}}},
     "codes": {LIST: {CODE: {"en", "ja"}}},
     "indicators": {CODE: {"en", "ja", "unit", "text"}}}

`codes` of a column names its list; a column without one holds numbers, dates, or words that
name themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import sim.outputs.histories  # noqa: F401  (declares its tables)
from sim.config.schema.run import RunConfig
from sim.core.text import flat
from sim.data.load import Data
from sim.figures.look import look_of
from sim.outputs.indicators import catalogue
from sim.outputs.tables import tables_in

NAME: Final = "codebook.json"

WEIGHTED: Final = (
    "Numbers of people, firms and jobs are simulated ones divided by the scale of the run. "
    "Months are given by their first day; stocks are those of the month's end."
)

LISTS: Final[Mapping[tuple[str, str], str]] = {
    ("flows", "from"): "status", ("flows", "to"): "status",
    ("events", "from"): "status", ("events", "to"): "status", ("persons", "came"): "way",
    ("firms", "status"): "firm_status", ("municipalities", "support"): "support",
}  # fmt: skip
"""Lists of columns whose list is not called as the column."""

ENDS: Final = {
    "arrived": ("came from abroad", "入国"), "born": ("born in the country", "出生"),
    "left": ("left the country", "出国"), "died": ("died", "死亡"),
    "naturalised": ("became a citizen", "帰化"),
}  # fmt: skip
"""Where people of the table `flows` come from, or go to, beside the statuses."""

WAYS: Final = {
    "opening": ("resident at the opening", "当初の在留者"),
    "arrival": ("came from abroad", "入国"), "family": ("brought by a resident", "家族の呼び寄せ"),
    "birth": ("born in the country", "出生"),
}  # fmt: skip
"""How people who are followed came."""

SEX: Final = {"F": ("female", "女"), "M": ("male", "男")}


def codebook(config: RunConfig, data: Data) -> dict[str, Any]:
    """The meaning of all columns and codes that runs of a configuration may write."""
    codes = _codes(config, data)
    tables = {}
    for name, table in tables_in(config).items():
        columns = {}
        for column in (*table.columns, *table.further[1]):
            entry = {"unit": column.unit, "kind": column.kind}
            known = LISTS.get((name, column.name), column.name)
            if known in codes:
                entry["codes"] = known
            columns[column.name] = entry
        tables[name] = {"text": flat(table.text), "columns": columns}
    return {
        "note": WEIGHTED,
        "tables": tables,
        "codes": {
            name: {code: {"en": en, "ja": ja} for code, (en, ja) in members.items()}
            for name, members in codes.items()
        },
        "indicators": {
            name: {"en": one.en, "ja": one.ja, "unit": one.unit, "text": flat(one.text)}
            for name, one in catalogue(config).items()
        },
    }


def codebook_text(config: RunConfig, data: Data) -> str:
    """The codebook as the text of its file; the same bytes for the same configuration."""
    return json.dumps(codebook(config, data), ensure_ascii=False, indent=1) + "\n"


def _codes(config: RunConfig, data: Data) -> dict[str, dict[str, tuple[str, str]]]:
    """List -> code -> (English, the country's language)."""
    look = look_of(config, "")
    named: dict[str, Mapping[str, Any]] = {
        "status": look.statuses, "origin": look.origins, "prefecture": look.prefectures,
        "sector": look.sectors, "support": look.levels, "indicator": catalogue(config),
    }  # fmt: skip
    out = {
        name: {code: (label.en, label.ja) for code, label in members.items()}
        for name, members in named.items()
    }
    out["status"] |= ENDS
    out["sex"] = dict(SEX)
    if config.histories:
        out["way"] = dict(WAYS)
    towns = data["municipalities"]
    pairs = zip(towns["municipality"], towns.get("name", towns["municipality"]), strict=True)
    out["municipality"] = {str(code): ("", str(name)) for code, name in pairs}
    if config.firms is not None:
        sizes, statuses = config.firms.sizes, config.firms.statuses
        out["size"] = {code: (one.label.en, one.label.ja) for code, one in sizes.items()}
        out["firm_status"] = {code: (one.label.en, one.label.ja) for code, one in statuses.items()}
    return out
