"""What the codes of a study are called on a page, and in which unit they count."""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.config.schema.run import RunConfig
from sim.outputs.indicators import LABELS, WORK_LABELS
from sim.studies.comparison.series import SUMMED, labels_of

SHARE: Final = "share"

SHARES: Final = ("_share", "_rate")
"""Endings of the names of indicators that are shares."""

Text = dict[str, str]
"""Language -> text."""


class Indicator(NamedTuple):
    """An indicator as a page names it.

    unit   a key of UNITS
    topic  a key of TOPICS
    """

    code: str
    label: Text
    unit: str
    topic: str


TOPICS: Final[dict[str, Text]] = {
    "people": {"en": "People", "ja": "人口"},
    "moves": {"en": "Coming, changing, leaving", "ja": "入国・変更・出国"},
    "life": {"en": "Compliance, language, life", "ja": "納付・日本語・生活"},
    "work": {"en": "Work", "ja": "就労"},
    "places": {"en": "Municipalities", "ja": "市区町村"},
    "offices": {"en": "Offices and queues", "ja": "行政窓口と滞留"},
}

UNITS: Final[dict[str, Text]] = {
    SHARE: {"en": "%", "ja": "％"},
    "people": {"en": "people", "ja": "人"},
    "people a month": {"en": "people a month", "ja": "人／月"},
    "people a year": {"en": "people, twelve months before", "ja": "人（直前12か月）"},
    "establishments": {"en": "establishments", "ja": "事業所"},
    "jobs": {"en": "jobs", "ja": "人分"},
    "jobs a month": {"en": "jobs a month", "ja": "人分／月"},
    "municipalities": {"en": "municipalities", "ja": "市区町村"},
    "cases": {"en": "cases", "ja": "件"},
    "cases a month": {"en": "cases a month", "ja": "件／月"},
    "months": {"en": "months", "ja": "か月"},
    "billion yen a year": {"en": "billion yen a year", "ja": "十億円／年"},
}

_MORE: Final = {  # what the labels of the runs leave out: (English, Japanese, unit)
    "settled": ("Settled residents", "定着型在留資格の人", "people"),
    "permanent": ("Permanent residents", "永住者", "people"),
    "permanent_share": ("Share of permanent residents", "永住者の割合", ""),
    "irregular": ("People without a status", "在留資格のない人（不法残留）", "people"),
    "gone_missing": ("Newly without a status", "新たに在留資格を失った人", "people a month"),
    "people": ("People", "人数", "people"),
    "job_seekers": ("Looking for work", "求職者", "people"),
    "hired": ("Hired", "採用", "people a month"),
    "hired_across_share": ("Hired from another prefecture", "県外からの採用", ""),
    "recruited": ("Recruited abroad", "国外からの採用", "people a month"),
    "recruitment_capped": ("Not recruited because of a cap", "上限による不採用", "people a month"),
    "support_cost": ("Support by firms", "企業の支援費用", "billion yen a year"),
}

_MOVES: Final = ("arrivals", "departures", "births", "deaths", "permanent_grants",
                 "naturalisations", "gone_missing", "refusals")  # fmt: skip

_PEOPLE: Final = ("residents", "settled", "settled_share", "permanent", "permanent_share",
                  "irregular", "people")  # fmt: skip


def indicators_of(config: RunConfig) -> dict[str, Indicator]:
    """code -> indicator of all that a run of this configuration may have recorded, in the order of
    reading."""
    known = labels_of(config) | WORK_LABELS | _MORE
    order = [*_PEOPLE, *_MOVES, *known]
    return {
        code: Indicator(code, {"en": known[code][0], "ja": known[code][1]},
                        _unit(code, known[code][2]), _topic(code, config))
        for code in dict.fromkeys(order) if code in known
    }  # fmt: skip


def _unit(code: str, unit: str) -> str:
    return unit or (SHARE if code.endswith(SHARES) else "people")


def _topic(code: str, config: RunConfig) -> str:
    queues = tuple(name for agency in (config.agency or {}).values() for name in agency.queues)
    if code in _PEOPLE or code.startswith("retention_"):
        return "people"
    if code in _MOVES:
        return "moves"
    if code.startswith((*queues, "desk")) and code not in LABELS:
        return "offices"
    if code in WORK_LABELS or code in _MORE:
        return "work"
    return "life" if code in LABELS or not code.startswith(("towns", "residents")) else "places"


def summed(code: str) -> str:
    """The name of a flow's sum since the opening."""
    return code + SUMMED


def text(label: object) -> Text:
    """A label of the configuration, or of a figure, as text by language."""
    en, ja = str(getattr(label, "en", label)), str(getattr(label, "ja", label))
    return {"en": en, "ja": ja or en}
