"""Levers and scenarios: what they name must exist, values must be possible, no two may disagree."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from sim.config.factors import CLASS_SIZES, STEP_SIZES
from sim.config.fates import MONTHLY
from sim.config.levers import EVERY, IN_FORCE, LAST, Active, chosen, set_levers, usable
from sim.config.messages import Problem
from sim.config.paths import ARRIVALS, GRANT, NOT, Kinds, Paths, parameters_known
from sim.config.schema.base import MOST_A_YEAR, Value
from sim.config.schema.policy import Edit, Effect, Lever, Product, Settings
from sim.config.schema.run import RunConfig
from sim.config.yaml import Path
from sim.core.clock import NEVER, month_index
from sim.core.errors import nearest

ACTIONS = ("set", "multiply", "most", "least", "by", "gate", "mix")


def check_policy(config: RunConfig, known: Kinds) -> Iterator[Problem]:
    """Every broken rule of levers and of the scenario's use of them; `known`: its targets."""
    for code, lever in config.policy.items():
        yield from _lever(config, ("policy", code), lever, known)
    ids: dict[str, str] = {}
    for code, lever in config.policy.items():
        if lever.id in ids:
            rule = f"is the id of {ids[lever.id]} too. Give each lever its own."
            yield Problem(("policy", code, "id"), rule, lever.id)
        ids.setdefault(lever.id, code)
    yield from _scenario(config)
    yield from _fit(config)
    yield from _clashes(config, known)


def _scenario(config: RunConfig) -> Iterator[Problem]:
    scenario, path = config.scenario, ("scenario",)
    lists: tuple[tuple[str, Iterable[str], Collection[str]], ...] = (
        ("levers", scenario.levers, config.policy),
        ("order", scenario.order, scenario.levers),
    )
    for field, names, known in lists:
        for i, name in enumerate(names):
            if name not in known and name != EVERY:
                what = "lever" if known is config.policy else "lever of this scenario"
                rule = f"there is no {what} {name}.{nearest(name, known)}"
                yield Problem((*path, field, i), rule, name)
            elif name in list(names)[:i]:
                yield Problem((*path, field, i), "is listed twice. Keep one.", name)
    for i, name in enumerate(scenario.lifts or []):
        statuses = scenario.holds or [IN_FORCE]
        laws = [code for code, lever in config.policy.items() if lever.legal_status in statuses]
        if name not in (*laws, EVERY):
            rule = f"there is no law {name} that holds here, so nothing to lift."
            rule += nearest(name, laws)
            yield Problem((*path, "lifts", i), rule, name)
        elif name in (scenario.lifts or [])[:i]:
            yield Problem((*path, "lifts", i), "is listed twice. Keep one.", name)
    for name, settings in scenario.settings.items():
        where = (*path, "settings", name)
        if name not in scenario.levers:
            rule = f"{name} is not in scenario.levers.{nearest(name, scenario.levers)}"
            yield Problem(where, rule)
        if name in config.policy:
            yield from _settings(where, settings, config.policy[name])


def _settings(path: Path, settings: Settings, lever: Lever) -> Iterator[Problem]:
    if settings.variant is not None and settings.variant not in lever.variants:
        rule = f"there is no variant {settings.variant}.{nearest(settings.variant, lever.variants)}"
        yield Problem((*path, "variant"), rule, settings.variant)
    known = [*lever.rule, *lever.response]
    for name, value in settings.use.items():
        where = (*path, "use", name)
        if name not in known:
            rule = f"there is no rule or response {name}.{nearest(name, known)}"
            yield Problem(where, rule, value)
        elif name in lever.rule:
            yield from _inside(where, value, lever.rule[name].bounds)


def _fit(config: RunConfig) -> Iterator[Problem]:
    country, fitted = config.country.name, config.fit.country
    if fitted not in (None, country):
        rule = f"is a fit of another country than {country}. Write fit={country} or fit=none."
        yield Problem(("fit", "country"), rule, fitted)


def _inside(path: Path, value: float, bounds: list[float]) -> Iterator[Problem]:
    if not bounds[0] <= value <= bounds[1]:
        yield Problem(path, f"must lie within its bounds, {bounds[0]:g} to {bounds[1]:g}.", value)


def _lever(config: RunConfig, path: Path, lever: Lever, known: Kinds) -> Iterator[Problem]:
    if lever.country != config.country.name:
        rule = f"is a lever of another country than {config.country.name}."
        yield Problem((*path, "country"), rule, lever.country)
    for name, law in lever.rule.items():
        where = (*path, "rule", name)
        if law.bounds[0] > law.bounds[1]:
            yield Problem((*where, "bounds"), "must be the lowest and the highest, in this order.")
        for date, dated in law.values.items():
            yield from _inside((*where, "values", date, "value"), dated.value, law.bounds)
    for name in set(lever.rule) & set(lever.response):
        yield Problem((*path, "response", name), "is the name of a rule too. Rename one of them.")
    for name, response in lever.response.items():
        where = (*path, "response", name)
        ends = sorted((response.low, response.high))
        if not ends[0] <= response.central <= ends[1]:
            rule = f"must lie between low and high, {ends[0]:g} to {ends[1]:g}."
            yield Problem((*where, "central"), rule, response.central)
        if response.quality != "assumption" and not response.study:
            rule = f"{response.quality} needs a study. Name it, or write quality: assumption."
            yield Problem((*where, "quality"), rule, response.quality)
    spared = lever.grandfathering
    if (spared.existing == "months") != (spared.months is not None):
        rule = "goes with existing: months, and only with it."
        yield Problem((*path, "grandfathering", "months"), rule, spared.months)
    yield from _settings(path, lever, lever)
    for name, effect in lever.effects.items():
        yield from _effect(config, (*path, "effects", name), lever, effect, known)
    yield from _anticipation(path, lever, known)


def _anticipation(path: Path, lever: Lever, known: Kinds) -> Iterator[Problem]:
    hurry, where = lever.anticipation, (*path, "anticipation")
    if hurry is None:
        return
    yield from _paths(where, hurry.paths, known["value"])
    for field in ("rush", "dip"):
        name = getattr(hurry, field)
        if name is not None and name not in lever.response:
            rule = f"there is no response {name}.{nearest(name, lever.response)}"
            yield Problem((*where, field), rule, name)


def _paths(path: Path, globs: list[str], known: Paths) -> Iterator[Problem]:
    for i, glob in enumerate(globs):
        meant = glob.removeprefix(NOT)
        if not known.matching([meant]):
            yield Problem((*path, "paths", i), f"matches nothing.{nearest(meant, known)}", glob)
    if globs and not known.matching(globs):
        yield Problem((*path, "paths"), f"name nothing that no {NOT} takes out again.")


def _effect(
    config: RunConfig, path: Path, lever: Lever, effect: Effect, known: Kinds
) -> Iterator[Problem]:
    given = [name for name in ACTIONS if getattr(effect, name) is not None]
    if len(given) != 1:
        rule = f"must have one of {', '.join(ACTIONS)}; has {', '.join(given) or 'none'}."
        yield Problem(path, rule)
        return
    action = given[0]
    chance = known["chance"]
    meant = {"by": chance, "gate": chance, "mix": known["permits"]}.get(action, known["value"])
    yield from _paths(path, effect.paths, meant)
    hits = meant.matching(effect.paths)
    arriving = [target for target in hits if target.startswith(ARRIVALS)]
    if arriving and (action in ("set", "least") or (action == "most") != (effect.per is not None)):
        rule = "arrivals are multiplied, or kept at most a number per stock, year or growth."
        yield Problem((*path, action), rule)
    elif effect.per is not None and (action != "most" or len(arriving) != len(hits)):
        yield Problem((*path, "per"), "goes with `most` of arrivals only.", effect.per)
    if effect.variant is not None and effect.variant not in lever.variants:
        rule = f"there is no variant {effect.variant}.{nearest(effect.variant, lever.variants)}"
        yield Problem((*path, "variant"), rule, effect.variant)
    if effect.mix is not None and abs(math.fsum(effect.mix.values()) - 1.0) > 1e-9:
        rule = f"must add up to 1; the shares add up to {math.fsum(effect.mix.values()):.10g}."
        yield Problem((*path, "mix"), rule)
    yield from _codes(config, path, effect)
    names = [*lever.rule, *lever.response]
    if effect.share is not None and effect.share not in names:
        rule = f"there is no rule or response {effect.share}.{nearest(effect.share, names)}"
        yield Problem((*path, "share"), rule, effect.share)
    for where, amount in _products(effect):
        yield from _product((*path, *where), amount, lever)


def _codes(config: RunConfig, path: Path, effect: Effect) -> Iterator[Problem]:
    for factor, by_code in (effect.by or {}).items():
        if not usable(factor):
            known = [*STEP_SIZES, *CLASS_SIZES, "arrears", "origin", "sex"]
            yield Problem((*path, "by", factor), f"is no factor here.{nearest(factor, known)}")
            continue
        try:
            list(chosen(config, factor, by_code))
        except ValueError as error:
            yield Problem((*path, "by", factor), str(error))


def _products(effect: Effect) -> Iterator[tuple[Path, Product]]:
    for name in ("set", "multiply", "most", "least"):
        if getattr(effect, name) is not None:
            yield (name,), getattr(effect, name)
    for factor, by_code in (effect.by or {}).items():
        for code, amount in by_code.items():
            if amount is not None:
                yield ("by", factor, code), amount
    for gated, amount in (effect.gate or {}).items():
        yield ("gate", gated), amount


def _product(path: Path, amount: Product, lever: Lever) -> Iterator[Problem]:
    known = [*lever.rule, *lever.response]
    for field, names in (
        ("times", amount.times), ("without", amount.without),
        ("ratio", [amount.ratio] if amount.ratio else []),
        ("power", [amount.power] if amount.power else []),
    ):  # fmt: skip
        for name in names:
            if name not in known:
                rule = f"there is no rule or response {name}.{nearest(name, known)}"
                yield Problem((*path, field), rule, name)
    if not (amount.times or amount.without or amount.ratio):
        yield Problem(path, "names no rule or response: it would always be 1.")
    if amount.power is not None and amount.ratio is None:
        yield Problem((*path, "power"), "goes with `ratio`. Give it, or take it out.", amount.power)
    if amount.ratio in lever.rule:
        dated = lever.rule[amount.ratio].values
        before = [value.value for date, value in dated.items() if date < lever.since]
        if not before or 0.0 in before:
            rule = f"needs a value of {amount.ratio} before {lever.since}, other than 0."
            yield Problem((*path, "ratio"), rule, amount.ratio)
    elif amount.ratio in lever.response:
        yield Problem((*path, "ratio"), "must be a rule: responses have no dates.", amount.ratio)


class _Replaced(NamedTuple):
    active: Active
    effect: str
    targets: frozenset[str]
    since: int
    until: int


def _clashes(config: RunConfig, known: Kinds) -> Iterator[Problem]:
    """Two levers that replace one value on overlapping dates, unless the scenario orders them."""
    placed = [
        _Replaced(active, name, frozenset(_replaced(effect, known)), *active.window(effect))
        for active in set_levers(config)
        for name, effect in active.effects()
    ]
    ordered = set(config.scenario.order)
    for one, other in combinations([p for p in placed if p.targets], 2):
        common = sorted(one.targets & other.targets)
        together = max(one.since, other.since) <= min(one.until, other.until)
        pair = {one.active.code, other.active.code}
        if common and together and not (len(pair) == 2 and pair <= ordered):
            rule = f"and policy.{one.active.code}.effects.{one.effect} both replace {common[0]}"
            rule += " on the same dates. End one before the other, or list both in scenario.order."
            yield Problem(("policy", other.active.code, "effects", other.effect), rule)


def _replaced(effect: Effect, known: Kinds) -> Iterator[str]:
    if effect.set is not None:
        hits = known["value"].matching(effect.paths)
        yield from (path for path in hits if not path.startswith(ARRIVALS))
    for factor in effect.gate or {}:
        yield from (f"{t} ({factor})" for t in known["chance"].matching(effect.paths))
    if effect.mix is not None:
        yield from known["permits"].matching(effect.paths)


def idle(config: RunConfig) -> Iterator[str]:
    """Levers of the scenario that cannot do anything in this run, one sentence each."""
    end, start = month_index(config.end), month_index(config.start)
    for active in set_levers(config):
        name = f"the lever {active.code}"
        windows = [active.window(effect) for _, effect in active.effects()]
        if active.strength == 0.0:
            continue
        if not windows:
            yield f"{name} has no effect in its variant {active.variant}"
        elif min(since for since, _ in windows) > end:
            yield f"{name} begins in {active.lever.since}, after the end of the run"
        elif max(until for _, until in windows) <= start and LAST not in dict(windows).values():
            yield f"{name} ends before the run begins"
    for code, lever in config.policy.items():
        given = [lever.strength, lever.level, lever.delay, lever.variant, *lever.use]
        if code not in config.scenario.levers and any(value is not None for value in given):
            yield f"policy.{code} is set, but the scenario {config.scenario.name} does not pull it"


class _Placed(NamedTuple):
    path: Path
    edit: Edit
    targets: frozenset[str]


def check_edits(config: RunConfig, targets: Paths) -> Iterator[Problem]:
    """Problems of the edits of all events and of the scenario; targets: what they may name."""
    placed = [
        _place(("event", event, "edits", name), edit, targets)
        for event, body in config.event.items()
        for name, edit in body.edits.items()
    ]
    for name, fitted in config.fit.edits.items():
        values = fitted.model_dump(include={"paths", "since", "until", "multiply"})
        placed.append(_place(("fit", "edits", name), Edit(**values), targets))
    for name, edit in config.scenario.edits.items():
        placed.append(_place(("scenario", "edits", name), edit, targets))
    known = parameters_known(config)
    for one in placed:
        yield from _edit(one, targets)
        yield from _beyond(one, known)
    for one, other in combinations([p for p in placed if p.edit.set is not None], 2):
        yield from _clash(one, other)


def _place(path: Path, edit: Edit, targets: Paths) -> _Placed:
    return _Placed(path, edit, frozenset(targets.matching(edit.paths)))


def _edit(one: _Placed, targets: Paths) -> Iterator[Problem]:
    path, edit = one.path, one.edit
    if not edit.paths:
        yield Problem((*path, "paths"), "is empty: the edit changes nothing. Name what it edits.")
    for i, pattern in enumerate(edit.paths):
        if not targets.matching([pattern]):
            rule = "matches nothing: write STATUS.OCCASION.FATE, arrivals.STATUS or a parameter,"
            rule += " * for any."
            yield Problem((*path, "paths", i), f"{rule}{nearest(pattern, targets)}", pattern)
    if (edit.multiply is None) == (edit.set is None):
        yield Problem(path, "must have either multiply or set, and not both.")
    if edit.set is not None and any(target.startswith(ARRIVALS) for target in one.targets):
        rule = "sets rates and shares only. Multiply arrivals, or change arrivals.channels."
        yield Problem((*path, "set"), rule, edit.set)


def _is_rate(target: str) -> bool:
    """Whether the path is that of a fate of any month; all others are shares of an occasion."""
    return target.split(".")[1] == MONTHLY and not target.endswith(GRANT)


def _beyond(one: _Placed, parameters: Mapping[str, Value]) -> Iterator[Problem]:
    """A rate that an edit sets is at most what a rate may be, and a share at most the whole."""
    name = "multiply" if one.edit.set is None else "set"
    number = one.edit.multiply if one.edit.set is None else one.edit.set
    if number is None or (name == "multiply" and number <= 1):
        return
    for target in sorted(one.targets):
        known = parameters.get(target)
        if known is not None:
            most = 1.0 if known.unit.startswith("share") else math.inf
            reached = number * known.value if name == "multiply" else number
        elif name == "set" and not target.startswith(ARRIVALS):
            most = MOST_A_YEAR if _is_rate(target) else 1.0
            reached = number
        else:
            continue
        if reached > most:
            rule = f"makes {target} {reached:.6g}: at most {most:g}."
            yield Problem((*one.path, name), rule, number)
            return


def _clash(one: _Placed, other: _Placed) -> Iterator[Problem]:
    """Two edits that set the same value on overlapping dates."""
    common = sorted(one.targets & other.targets)
    starts = max(month_index(one.edit.since), month_index(other.edit.since))
    ends = min(month_index(e.until) if e.until else NEVER for e in (one.edit, other.edit))
    if common and starts <= ends:
        rule = f"and {'.'.join(map(str, one.path))} both set {common[0]} on the same dates."
        yield Problem((*other.path, "set"), f"{rule} End one before the other.", other.edit.set)
