"""The shape of a policy lever: what the law says, how people answer, and what that changes here.

A lever is one file. `rule` holds the dated values of the law, each with its official basis;
`response` holds how people answer, low, central and high, each with its study; `effects` say by
path which rates, shares, grants, gates, permits, arrivals or parameters follow from the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)

from sim.config.schema.base import (
    Code,
    Label,
    Mix,
    Month,
    Multiplier,
    Number,
    Positive,
    Provenance,
    Quality,
    Share,
    Strict,
)

DATE: Final = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"

Text = Annotated[StrictStr, Field(min_length=1)]


class Basis(Strict):
    """Where the rule itself stands: the law, order, decision or figure of an authority.

    evidence  how well it is known: `read` in the official text, `cited` by another page, `known`
              without having been seen; `none`: there is no official basis, and `note` says why
    """

    ja: Text | None = None
    ko: Text | None = None
    en: Text | None = None
    kind: (
        Literal[
            "law", "bill", "cabinet_order", "ministerial_ordinance", "cabinet_decision",
            "council_decision", "guideline", "notice", "proposal", "budget", "statistic",
        ]
        | None
    ) = None  # fmt: skip
    number: Text | None = None  # such as 令和6年法律第60号
    date: Annotated[StrictStr, Field(pattern=DATE)] | None = None  # a year, month or day
    article: Text | None = None  # article, item or page, as the text has it
    evidence: Literal["read", "cited", "known", "none"]
    seen: Text | None = None  # where it was read or cited
    note: Text | None = None

    @model_validator(mode="after")
    def _says_enough(self) -> Basis:
        if self.evidence == "none":
            if self.note is None:
                raise ValueError("evidence: none needs a note that says why there is no basis")
        elif (self.ja or self.ko) is None or self.en is None or self.kind is None:
            rule = "needs en, kind and the title in the law's language (ja, ko), or evidence: none"
            raise ValueError(f"{rule} and a note that says why")
        elif self.number is None and self.date is None:
            raise ValueError("needs a number or a date")
        return self


class DatedValue(Strict):
    """What the law says from a month on, until the next dated value."""

    value: Number
    reference: Text  # a page that says so and can be read today
    basis: Basis
    quality: Quality


class Rule(Strict):
    """A quantity that the law sets, such as a fee. Before the first date its first value holds."""

    unit: Text
    bounds: Annotated[list[Number], Field(min_length=2, max_length=2)]
    values: Annotated[dict[Month, DatedValue], Field(min_length=1)]


class Response(Strict):
    """How people answer: a small, the central and a large answer."""

    unit: Text
    low: Number
    central: Number
    high: Number
    quality: Quality
    study: StrictStr = ""
    note: StrictStr = ""


class PhaseIn(Strict):
    """How an effect grows from nothing to whole over some months."""

    shape: Literal["step", "linear", "logistic"]
    months: Annotated[StrictInt, Field(ge=1, le=360)] = 1


def _as_amount(value: object) -> object:
    """`fee` and `[fee, share]` are short for {times: [...]}."""
    if isinstance(value, str):
        return {"times": [value]}
    return {"times": value} if isinstance(value, list) else value


class Product(Strict):
    """A number made of the lever's rules and responses: nothing but products.

    The product of `times`, of one less the product of `without`, and of (value of `ratio` / its
    value before the lever) to the power of `power`.
    """

    times: list[Code] = []
    without: list[Code] = []
    ratio: Code | None = None
    power: Code | None = None  # 1 if not given


Amount = Annotated[
    Product,
    BeforeValidator(_as_amount),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}},
                              {"type": "object"}]}, mode="validation"),
]  # fmt: skip

Gated = Literal["years_resident", "counting_years", "years_in_status", "permit_months", "language",
                "age", "norms"]  # fmt: skip


class Effect(Strict):
    """What changes: the one action given, on all that the paths name.

    set, most, least  replace the value, keep it at most, keep it at least
    multiply          a rate, share, grant, parameter or arrivals
    by                multiply for some people only: factor -> code -> amount
    gate              replace a threshold: factor -> least code that may
    mix               replace the lengths of permits: paths STATUS.permits.first or .renewed
    """

    paths: Annotated[list[StrictStr], Field(min_length=1)]
    set: Amount | None = None
    multiply: Amount | None = None
    most: Amount | None = None
    least: Amount | None = None
    by: dict[Code, dict[StrictStr | StrictInt, Amount | None]] | None = None  # null: as before
    gate: dict[Gated, Amount] | None = None
    mix: Mix | None = None
    per: Literal["stock", "year", "growth"] | None = None  # what `most` of arrivals counts
    share: Code | None = None  # rule or response: how much of the effect comes true, 0..1
    since: Month | None = None  # instead of the lever's
    until: Month | None = None
    phase_in: PhaseIn | None = None
    variant: Code | None = None  # only in this variant of the lever
    note: StrictStr = ""


class Anticipation(Strict):
    """People who hurry before the lever begins, and are missing afterwards."""

    paths: Annotated[list[StrictStr], Field(min_length=1)]
    months: Annotated[StrictInt, Field(ge=1, le=60)]
    rush: Code  # response: multiplies in the months before
    dip_months: Annotated[StrictInt, Field(ge=0, le=60)] = 0
    dip: Code | None = None  # response: multiplies in the months after


class Grandfathering(Strict):
    """Who is spared: nobody, whoever holds a permit given before, or for some months."""

    existing: Literal["none", "until_renewal", "months"] = "none"
    months: Annotated[StrictInt, Field(ge=1, le=120)] | None = None


class Indicator(Strict):
    """What shows that the lever works, and which way it should go."""

    name: Text
    sign: Literal["+", "-", "0"]
    note: StrictStr = ""


class Settings(Strict):
    """What a scenario or a word of the command line may change of a lever."""

    strength: Share | None = None  # 0 no effect .. 1 full
    level: Literal["low", "central", "high"] | None = None  # of the responses
    delay: Annotated[StrictInt, Field(ge=-240, le=240)] | None = None  # months
    variant: Code | None = None
    use: dict[Code, Number] = {}  # rule (its last value) or response -> another value


def _with_sets(body: Any) -> Any:
    """A lever's raw settings with the names of its sets replaced by their paths, wherever paths are
    named. What is malformed stays as it is: the schema will say so."""
    sets = body.get("sets") if isinstance(body, dict) else None
    if not isinstance(sets, dict) or not all(isinstance(paths, list) for paths in sets.values()):
        return body
    written = [body.get("anticipation"), *_mapping(body.get("effects")).values()]
    lists = [_mapping(part).get("paths") for part in written]
    named = [path for paths in lists if isinstance(paths, list) for path in paths]
    unused = [name for name in sets if name not in named]
    if unused:
        raise ValueError(f"no effect names the set {unused[0]}; name it in paths, or take it out")
    out = {**body, "sets": None}
    if isinstance(body.get("effects"), dict):
        out["effects"] = {name: _written_out(e, sets) for name, e in body["effects"].items()}
    if "anticipation" in body:
        out["anticipation"] = _written_out(body["anticipation"], sets)
    return out


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _written_out(effect: Any, sets: Mapping[str, list[Any]]) -> Any:
    if not isinstance(effect, dict) or not isinstance(effect.get("paths"), list):
        return effect
    paths = [sets.get(path, [path]) if isinstance(path, str) else [path]
             for path in effect["paths"]]  # fmt: skip
    return {**effect, "paths": [path for some in paths for path in some]}


class Reading(Strict):
    """A lever in words, one sentence each, for whoever knows the law and not the model."""

    law: Text  # what the text says
    model: Text  # what the model does
    left_out: Text  # what it leaves out
    doubt: Text | None = None  # what only a later text can settle, and what it would change


LegalStatus = Literal["in_force", "scheduled", "announced", "bill", "under_consideration", "target",
                      "response", "hypothetical"]  # fmt: skip
"""How far a lever is law.

in_force             promulgated or decided, and begun
scheduled            promulgated or decided (law, order, guideline, Cabinet) for a later date
announced            said by the government with a date, without a text that binds
bill                 before the Diet
under_consideration  named by the government without a date or a rule
target, response     a number to be reached; how people answer
hypothetical         nobody's but the scenario's
"""


class Lever(Settings):
    """One policy lever.

    `sets` names lists of paths that several effects share: an effect writes the name in its
    `paths`. A lever that has been read holds the paths themselves, and no sets.
    """

    id: Annotated[StrictStr, Field(pattern=r"^[A-Z]{2}[0-9]{2}$")]
    title: Label
    country: Code
    acts_on: Annotated[
        list[Literal["migrant", "firm", "municipality", "central"]], Field(min_length=1)
    ]
    agency: list[StrictStr]
    horizon: Literal["in_force", "within_1y", "medium_term", "response"]
    legal_status: LegalStatus
    since: Month
    until: Month | None = None
    basis: Basis | None = None  # of a lever without dated values
    rule: dict[Code, Rule] = {}
    response: dict[Code, Response] = {}
    sets: dict[Code, Annotated[list[StrictStr], Field(min_length=1)]] | None = None
    effects: Annotated[dict[Code, Effect], Field(min_length=1)]
    phase_in: PhaseIn = PhaseIn(shape="step")
    anticipation: Anticipation | None = None
    grandfathering: Grandfathering = Grandfathering()
    variants: list[Code] = []  # the first is the default
    indicator: Indicator
    reading: Reading | None = None

    @model_validator(mode="before")
    @classmethod
    def _write_out_sets(cls, body: Any) -> Any:
        return _with_sets(body)


class Prior(Strict):
    """What was believed of a multiplier before the data: log-normal."""

    median: Multiplier
    sd: Annotated[Number, Field(gt=0, le=10)]  # of the logarithm


class FittedEdit(Provenance):
    """A multiplier of baseline rates from `since` to `until`; low..high is its 80 % interval."""

    paths: list[StrictStr]  # globs over <status>.<occasion>.<fate> or arrivals.<status>
    since: Month
    until: Month | None = None
    multiply: Multiplier
    prior: Prior
    moved_by: list[StrictStr] = []  # the data that moved it, the one that moved it most first


class FittedRates(Strict):
    """A fit: its edits, and which draw of its uncertainty they are."""

    name: Code = "none"
    country: Code | None = None  # None: of none, as rates are stated
    draw: Annotated[StrictInt, Field(ge=0, lt=2**31)] = 0  # 0: the central estimate
    data_from: Month | None = None
    data_until: Month | None = None  # last month of the data that it was fitted to
    edits: dict[Code, FittedEdit] = {}


class Edit(Strict):
    """A dated change of rates, shares or arrivals: multiply, or set."""

    paths: list[StrictStr]  # globs over the paths of sim/config/paths.py, permits apart
    since: Month
    until: Month | None = None
    multiply: Multiplier | None = None
    set: Positive | None = None


class Event(Provenance):
    """Something that happened on a date, such as the border closure."""

    title: Label
    edits: dict[Code, Edit]


class Scenario(Strict):
    """Which levers are pulled, how far, and edits of its own.

    Laws hold by themselves: those of the legal statuses in `holds`, in force if it says nothing,
    and of these the ones that had begun by the month `asof`, if it is given. A scenario names the
    levers that it pulls beside them in `levers`, and the laws that it sets aside in `lifts`; [all]
    names every one. What is named in both is pulled. Composing writes the outcome out
    (`levers.hold_laws`): a configuration that has been composed lists all that hold, and nothing of
    the three others.
    """

    name: Code
    title: Label
    levers: list[Code] = []
    holds: list[LegalStatus] | None = None
    asof: Month | None = None
    lifts: list[Code] | None = None
    settings: dict[Code, Settings] = {}  # lever -> how it differs from its file
    strength: Share = 1.0  # of all levers together
    order: list[Code] = []  # of levers that replace one value on the same dates: the last wins
    edits: dict[Code, Edit] = {}
