"""The catalogue: each lever changes what it names, from its first month on and not before."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache

import numpy as np
import pytest

from sim.config.compose import compose
from sim.config.levers import set_levers
from sim.config.schema.policy import Effect, Lever, Product
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.core.clock import month_index
from sim.data.load import load
from sim.outputs.indicators import catalogue
from sim.policies.actions import OPS
from sim.policies.ratebook import InForce, RateBook
from sim.rates.places import load_places
from sim.rates.tables import Rates, build

COUNTRY_OF = {
    path.stem: path.parent.name for path in (configs_folder() / "policy").glob("*/*.yaml")
}
CODES = sorted(COUNTRY_OF)
JAPAN = "japan"
FULL = month_index("2045-01")


@cache
def everything(country: str = JAPAN) -> tuple[RunConfig, Rates]:
    """All levers of a country pulled, and the tables that they need."""
    config = compose([f"country={country}", "scenario.levers=[all]"])
    places = load_places(config, load(config.country.data))
    return config, build(config, places.codes, places.mobility)


def with_levers(*codes: str, strength: float = 1.0, **settings: object) -> RunConfig:
    """The configuration with these levers alone, of one country; settings are those of all."""
    config, _ = everything(COUNTRY_OF[codes[0]] if codes else JAPAN)
    scenario = {"levers": list(codes), "strength": strength, "settings": {}}
    policy = {
        code: lever.model_copy(update=settings) if code in codes else lever
        for code, lever in config.policy.items()
    }
    return config.model_copy(
        update={"scenario": config.scenario.model_copy(update=scenario), "policy": policy}
    )


def book(config: RunConfig) -> RateBook:
    return RateBook(config, everything(config.country.name)[1])


@cache
def without(code: str) -> RateBook:
    """The law of the lever's country without any lever."""
    config, _ = everything(COUNTRY_OF[code])
    scenario = config.scenario.model_copy(update={"levers": [], "settings": {}})
    return book(config.model_copy(update={"scenario": scenario}))


def differs(one: InForce, other: InForce) -> bool:
    """Whether policy says anything else about two months."""
    arrays = (
        (one.base, other.base),
        (one.arrivals, other.arrivals),
        (one.fates.values, other.fates.values),
    )
    same = all(np.array_equal(a, b) for a, b in arrays)
    same = same and dict(one.params) == dict(other.params) and one.caps == other.caps
    return not (same and one.beyond == other.beyond)


def test_every_file_of_a_lever_is_one_of_its_country():
    for country in set(COUNTRY_OF.values()):
        config, _ = everything(country)
        own = sorted(code for code in CODES if COUNTRY_OF[code] == country)
        assert sorted(config.policy) == own == sorted(config.scenario.levers)


@pytest.mark.parametrize("code", CODES)
def test_a_lever_acts_from_its_first_month_on_and_never_before(code: str):
    config = with_levers(code)
    rates, (active,) = book(config), set_levers(config)
    first = active.first_month()
    for month in (first - 1, first - 7):
        assert not differs(rates.in_force(month), without(code).in_force(month))
    months = [first, first + 12, first + 30]
    assert any(differs(rates.in_force(m), without(code).in_force(m)) for m in months)


@pytest.mark.parametrize("code", CODES)
def test_an_effect_stays_as_it_is_from_its_last_change_on(code: str):
    (active,) = set_levers(with_levers(code))
    for _, effect in active.effects():
        last, (_, until) = active.last_change(effect), active.window(effect)
        amounts = [amount for op in OPS if (amount := getattr(effect, op)) is not None]
        for month in range(last, min(last + 400, until + 1)):
            assert active.weight(effect, month) == active.weight(effect, last)
            for amount in amounts:
                assert active.amount(amount, month) == active.amount(amount, last)


@pytest.mark.parametrize("code", CODES)
def test_every_effect_of_a_lever_changes_something(code: str):
    """Each effect by itself, in its variant, when it is whole."""
    config, _ = everything(COUNTRY_OF[code])
    lever = config.policy[code]
    for name, effect in lever.effects.items():
        alone = {"effects": {name: effect}, "variant": effect.variant, "anticipation": None}
        rates = book(with_levers(code, **alone))
        (active,) = set_levers(with_levers(code, **alone))
        since, until = active.window(effect)
        months = [month for month in (since, since + 20, since + 80) if month <= until]
        changed = [differs(rates.in_force(m), without(code).in_force(m)) for m in months]
        assert any(changed) or same_as_now(lever, effect), name


def same_as_now(lever: Lever, effect: Effect) -> bool:
    """A rule that writes down what holds already, as the caps on transfers."""
    amount = effect.set
    now = None if amount is None else everything()[0].firms
    return now is not None and effect.paths[0].startswith("firms.transfer.")


@pytest.mark.parametrize("code", CODES)
def test_no_strength_is_no_lever_to_the_bit(code: str):
    rates = book(with_levers(code, strength=0.0))
    for month in (FULL, month_index("2027-04"), month_index("2026-02")):
        assert not differs(rates.in_force(month), without(code).in_force(month))


@pytest.mark.parametrize("code", CODES)
def test_a_lever_reads_all_that_it_says(code: str):
    """A rule or a response that no effect reads would be a setting that does nothing."""
    lever = everything(COUNTRY_OF[code])[0].policy[code]
    said = {*lever.rule, *lever.response}
    hurry = lever.anticipation
    used = {name for effect in lever.effects.values() for name in named(effect)}
    used |= {hurry.rush, hurry.dip} if hurry is not None else set()
    assert said - used == set()


@pytest.mark.parametrize("code", CODES)
def test_a_lever_says_where_it_stands_in_the_law(code: str):
    """Dated values have a basis each, or the schema refuses them; a lever without any has its own:
    the basis of its date, or why there is none."""
    lever = everything(COUNTRY_OF[code])[0].policy[code]
    assert bool(lever.rule) != (lever.basis is not None)


def named(effect: Effect) -> set[str]:
    amounts = [effect.set, effect.multiply, effect.most, effect.least]
    amounts += list((effect.gate or {}).values())
    amounts += [a for by_code in (effect.by or {}).values() for a in by_code.values()]
    return {name for amount in amounts if amount for name in parts(amount)} | {str(effect.share)}


def parts(amount: Product) -> list[str]:
    return [*amount.times, *amount.without, str(amount.ratio), str(amount.power)]


@pytest.mark.parametrize("code", CODES)
def test_the_indicator_of_a_lever_exists(code: str):
    config, model = everything(COUNTRY_OF[code])
    kind, _, of = config.policy[code].indicator.name.partition(":")
    if not of:
        assert kind in catalogue(config)
    elif kind == "flow":
        assert any(fnmatchcase(name.path, of) for name in model.names)
    elif kind in ("stock", "arrivals"):
        assert of in model.codes.statuses
    elif kind == "workers":
        assert config.firms is not None
        assert set(of.split("+")) <= set(config.firms.sectors)
    else:
        assert kind == "prefecture"
        assert set(of.split("+")) <= set(model.codes.prefectures)


@pytest.mark.parametrize("levers", [["jp15"], ["jp01", "jp02", "jp03", "jp15"]])
@pytest.mark.parametrize("variant", ["all_finishers", "without_further_study"])
def test_outcomes_of_courses_still_add_up(levers: list[str], variant: str):
    """When half of the finishers take a job, somebody else must not."""
    config, model = everything()
    use = {"variant": variant, "use": {"closed": 1.0}}
    base = book(with_levers(*levers, **use) if levers == ["jp15"] else with_levers(*levers))
    student = config.status["student"]
    shares = base.in_force(FULL).base
    rows = {n.name: k for k, n in enumerate(model.names) if n.path.startswith("student.at_end.")}
    for stage in student.stages:
        total = 0.0
        for name, fate in student.at_end.items():
            by = fate.by.stage or {}
            total += float(shares[rows[name]]) * by.get(stage, by.get("default", 1.0))
        assert total <= 1.0 + 1e-9, stage


def test_levers_listed_in_another_order_are_the_same_to_the_bit():
    config, _ = everything()
    names = list(config.scenario.levers)
    one, other = (book(with_levers(*order)) for order in (names, names[::-1]))
    for month in (FULL, month_index("2027-04"), month_index("2028-11")):
        assert not differs(one.in_force(month), other.in_force(month))
