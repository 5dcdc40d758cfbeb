"""The verb `kyosei levers`."""

from __future__ import annotations

import argparse
import json
import unicodedata
from collections.abc import Collection, Iterator
from typing import Any, Final

from sim.config.compose import compose, plain_yaml
from sim.config.levers import LAST, MONTH, Active, set_levers
from sim.config.schema.policy import Basis, Effect, Lever, Product
from sim.config.schema.run import RunConfig
from sim.config.settings import check_overrides
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError, nearest


def levers(options: argparse.Namespace) -> int:
    """Print what the options ask for; returns the exit code."""
    problems = check_overrides(options.overrides, sweep=False)
    if problems:
        raise ConfigError(problems)
    config = compose(options.overrides)
    if options.show:
        shown = found(config, options.show)
        if len(shown) == 1:
            print(_json(shown) if options.json else plain_yaml(shown), end="")
            return 0
        rows = listing(config, shown, options.json)
    elif options.asof:
        rows = held(config, _month(options.asof))
        rows = rows if options.json else [_in_short(row) for row in rows]
    elif options.table:
        rows = dated_table(config)
    elif options.against:
        country = [word for word in options.overrides if word.startswith("country=")]
        rows = difference(config, compose([*country, f"scenario={options.against}"]))
    else:
        rows = listing(config, in_full=options.json)
    print(_json(rows).rstrip() if options.json else as_text(rows))
    return 0


def _json(value: Any) -> str:
    def plain(inner: Any) -> Any:
        return inner.model_dump(mode="json")

    return json.dumps(value, default=plain, ensure_ascii=False, indent=2) + "\n"


Row = dict[str, Any]


def listing(
    config: RunConfig, only: Collection[str] | None = None, in_full: bool = False
) -> list[Row]:
    """All levers, or some: status, first month, how the scenario pulls them, and if asked for what
    their files say."""
    pulled = {active.code: active for active in set_levers(config)}
    rows = []
    for code, lever in sorted(config.policy.items()):
        if only is not None and code not in only:
            continue
        active = pulled.get(code)
        first = lever.since if active is None else month_name(active.first_month())
        strength = None if active is None else active.strength
        rows.append({
            "lever": code, "title": lever.title.en, "legal_status": lever.legal_status,
            "horizon": lever.horizon, "first_month": first, "strength": strength,
            "assumed": assumed(lever), **({"in_full": lever} if in_full else {}),
        })  # fmt: skip
    return rows


LAW: Final = ("in_force", "scheduled")
"""Legal statuses that hold on a day after their first."""


def _month(text: str) -> int:
    """Raises ConfigError if it is not written as a month."""
    if not MONTH.match(text):
        raise ConfigError(f"--asof {text}: must be a month, such as 2026-04.")
    return month_index(text)


def held(config: RunConfig, month: int) -> list[Row]:
    """What was, is or will be law in a month, lever by lever and dated value by dated value.

    What is scheduled holds from its date, as far as the levers know; what is announced, a bill or
    under consideration is no law.
    """
    return [
        {"lever": code, "title": lever.title.en, "legal_status": lever.legal_status,
         "since": lever.since, **row}
        for code, lever in sorted(config.policy.items())
        if lever.legal_status in LAW and month_index(lever.since) <= month
        and (lever.until is None or month <= month_index(lever.until))
        for row in _values(lever, month)
    ]  # fmt: skip


def _values(lever: Lever, month: int) -> Iterator[Row]:
    """The dated values of a lever that hold in a month, with their bases; or its own basis."""
    for name, rule in lever.rule.items():
        dated = sorted((date, value) for date, value in rule.values.items())
        begun = [pair for pair in dated if month_index(pair[0]) <= month]
        _, value = begun[-1] if begun else dated[0]
        yield {"rule": name, "value": value.value, "unit": rule.unit, **_basis(value.basis)}
    if not lever.rule:
        yield {"rule": None, "value": None, "unit": None, **_basis(lever.basis)}


def _basis(basis: Basis | None) -> Row:
    names = ("en", "ja", "number", "date", "article", "evidence")
    return {f"basis_{name}": getattr(basis, name, None) for name in names}


def _in_short(row: Row) -> Row:
    """A row of `held` that fits on a screen: the basis by its number or date, article, evidence."""
    at = [row["basis_number"] or row["basis_date"], row["basis_article"], row["basis_evidence"]]
    told = {name: cell for name, cell in row.items() if not name.startswith("basis_")}
    return {**told, "basis": ", ".join(str(part) for part in at if part)}


def assumed(lever: Lever) -> int:
    """Number of the lever's numbers that are assumptions."""
    dated = [value.quality for rule in lever.rule.values() for value in rule.values.values()]
    answers = [response.quality for response in lever.response.values()]
    return sum(quality == "assumption" for quality in dated + answers)


def found(config: RunConfig, words: str) -> dict[str, Lever]:
    """The levers that are meant, by code: the one of this code or id, in any case; else those whose
    title, in English or in the country's language, has all of the words.

    Raises ConfigError, with the nearest name, if there is none.
    """
    wanted = _plain(words)
    for code, lever in config.policy.items():
        if wanted in (code, lever.id.lower()):
            return {code: lever}
    hits = {code: lever for code, lever in config.policy.items() if _has(lever, wanted.split())}
    if not hits:
        titles = [_plain(title) for lever in config.policy.values()
                  for title in (lever.title.en, lever.title.ja)]  # fmt: skip
        close = nearest(wanted, [*config.policy, *titles]) or " `kyosei levers` lists them all."
        raise ConfigError(f"there is no lever {words}.{close}")
    return hits


def _has(lever: Lever, words: list[str]) -> bool:
    titles = [_plain(title) for title in (lever.title.en, lever.title.ja)]
    return bool(words) and any(all(word in title for word in words) for title in titles)


def _plain(text: str) -> str:
    """In lower case, full-width letters as plain ones."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def dated_table(config: RunConfig) -> list[Row]:
    """What is in force from which month: one row for each change of each effect of each lever.

    value   what the effect comes to at full weight
    weight  how much of it is there: strength, phase-in and share together
    """
    return [row for active in set_levers(config) if active.strength > 0 for row in _rows(active)]


def _rows(active: Active) -> Iterator[Row]:
    hurry = active.lever.anticipation
    if hurry is not None:
        rush = active.quantity(hurry.rush, active.since)
        first, last = active.since - hurry.months, active.since - 1
        yield _row(active, "anticipation", "multiply", hurry.paths, first, last, rush,
                   active.strength)  # fmt: skip
        if hurry.dip is not None and hurry.dip_months > 0:
            dip, last = active.quantity(hurry.dip, active.since), active.since + hurry.dip_months
            yield _row(active, "anticipation", "multiply", hurry.paths, active.since, last - 1, dip,
                       active.strength)  # fmt: skip
    for name, effect in active.effects():
        since, until = active.window(effect)
        for month in _turns(active, effect, since, until):
            weight = active.weight(effect, month)
            for action, amount in _amounts(effect):
                value = active.amount(amount, month)
                yield _row(active, name, action, effect.paths, month, until, value, weight)
            if effect.mix is not None:
                yield _row(active, name, "mix", effect.paths, month, until, effect.mix, weight)


def _row(
    active: Active, effect: str, action: str, paths: list[str], since: int, until: int,
    value: object, weight: float,
) -> Row:  # fmt: skip
    return {
        "since": month_name(since), "until": None if until >= LAST else month_name(until),
        "lever": active.code, "effect": effect, "action": action, "value": value,
        "weight": weight, "paths": paths,
    }  # fmt: skip


def _amounts(effect: Effect) -> Iterator[tuple[str, Product]]:
    for name in ("set", "multiply", "most", "least"):
        amount = getattr(effect, name)
        if amount is not None:
            yield (f"{name} per {effect.per}" if effect.per else name), amount
    for factor, by_code in (effect.by or {}).items():
        for code, amount in by_code.items():
            if amount is not None:
                yield f"multiply {factor} {code}", amount
    for factor, amount in (effect.gate or {}).items():
        yield f"least {factor}", amount


def _turns(active: Active, effect: Effect, since: int, until: int) -> list[int]:
    """The months in which an effect begins, is whole, or takes another dated value."""
    months = {since, since + (effect.phase_in or active.lever.phase_in).months - 1}
    for rule in active.lever.rule.values():
        months |= {month_index(date) + active.delay for date in rule.values}
    return sorted(month for month in months if since <= month <= until)


def difference(config: RunConfig, other: RunConfig) -> list[Row]:
    """What only one of two configurations has: rows of their dated tables, and edits of their
    scenarios, with the scenario's name; of two with one name the second is called `as it stands`.
    """
    name, other_name = config.scenario.name, other.scenario.name
    sides = {name: config, "as it stands" if other_name == name else other_name: other}
    tables = {side: {_key(row): row for row in [*dated_table(c), *_edits(c)]}
              for side, c in sides.items()}  # fmt: skip
    (first, mine), (second, theirs) = tables.items()
    rows = [{"only_in": first, **row} for key, row in mine.items() if key not in theirs]
    rows += [{"only_in": second, **row} for key, row in theirs.items() if key not in mine]
    return sorted(rows, key=lambda row: (row["since"], row["lever"], row["effect"], row["only_in"]))


def _edits(config: RunConfig) -> Iterator[Row]:
    """Edits of a scenario as rows of its dated table."""
    for name, edit in config.scenario.edits.items():
        action = "multiply" if edit.set is None else "set"
        yield {"since": edit.since, "until": edit.until, "lever": "-", "effect": f"edit {name}",
               "action": action, "value": edit.multiply if edit.set is None else edit.set,
               "weight": 1.0, "paths": edit.paths}  # fmt: skip


def _key(row: Row) -> str:
    return repr(sorted(row.items()))


def as_text(rows: list[Row]) -> str:
    """Rows as a table in plain text, columns as wide as they need."""
    if not rows:
        return "nothing"
    names = list(rows[0])
    cells = [[_cell(row[name]) for name in names] for row in rows]
    wide = [max(len(line[k]) for line in [names, *cells]) for k in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, wide, strict=True)).rstrip()
        for line in [names, *cells]
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
