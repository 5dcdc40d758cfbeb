"""What the codes of a study are called on a page, and in which unit they count."""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.config.schema.run import RunConfig
from sim.figures.look import SHARE, SO_FAR
from sim.studies.comparison.series import compared

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

SOURCES: Final[dict[str, Text]] = {
    "rates": {"en": "rates", "ja": "率"},
    "demand": {"en": "firms' demand", "ja": "企業の需要"},
    "supply": {"en": "arrivals and their shocks", "ja": "入国とその変動"},
    "responses": {"en": "responses to policy", "ja": "施策への反応"},
    "random": {"en": "random numbers", "ja": "乱数"},
    "error": {"en": "model error", "ja": "モデル誤差"},
}
"""Of uncertainty, as `sim.studies.draws` names them."""

_MOVES: Final = ("arrivals", "departures", "births", "deaths", "permanent_grants",
                 "naturalisations", "gone_missing", "refusals")  # fmt: skip

_PEOPLE: Final = ("residents", "settled", "settled_share", "permanent", "permanent_share",
                  "irregular", "people")  # fmt: skip

_WORK: Final = ("job", "hired", "recruit", "support_cost", "vacanc", "firms", "foreign_workers",
                "workers", "finishers")  # fmt: skip
"""How the names of indicators of work begin."""


def indicators_of(config: RunConfig) -> dict[str, Indicator]:
    """code -> indicator of all that a run of this configuration may have recorded, in the order of
    reading."""
    known = compared(config)
    order = [*_PEOPLE, *_MOVES, *known]
    return {
        code: Indicator(code, {"en": known[code].en, "ja": known[code].ja or known[code].en},
                        known[code].unit or "people", _topic(code, config))
        for code in dict.fromkeys(order) if code in known
    }  # fmt: skip


def _topic(code: str, config: RunConfig) -> str:
    queues = tuple(name for agency in (config.agency or {}).values() for name in agency.queues)
    if code in _PEOPLE or code.startswith("retention_"):
        return "people"
    if code in _MOVES:
        return "moves"
    if code.startswith((*queues, "desk")):
        return "offices"
    if code.startswith(_WORK):
        return "work"
    return "places" if code.startswith(("towns", "residents")) else "life"


def summed(code: str) -> str:
    """The name of a flow's sum since the opening."""
    return code + SO_FAR


def text(label: object) -> Text:
    """A label of the configuration, or of a figure, as text by language."""
    en, ja = str(getattr(label, "en", label)), str(getattr(label, "ja", label))
    return {"en": en, "ja": ja or en}
