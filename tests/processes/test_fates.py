"""Every kind of fate has a branch, and every factor of rates has a code."""

from __future__ import annotations

import ast
import inspect
from typing import get_args

import numpy as np

from sim.config import factors
from sim.config.schema.run import Kind
from sim.processes import fates
from sim.rates import kinds
from sim.rates.kinds import KINDS
from tests.helpers import tiny
from tests.helpers.codes import fill_codes
from tests.model.test_reference import rich


def constants(module: object) -> dict[str, int]:
    return {name: int(value) for name, value in vars(module).items() if name.isupper()
            and isinstance(value, int | np.integer)}  # fmt: skip


def test_every_kind_of_the_schema_has_its_number_and_constant():
    assert list(KINDS) == list(get_args(Kind))
    assert constants(kinds) == {name.upper(): number for name, number in KINDS.items()}


def test_every_kind_has_a_branch():
    """A kind without one would be counted and change nothing."""
    module = ast.parse(inspect.getsource(fates))
    apply = next(n for n in ast.walk(module) if getattr(n, "name", "") == "apply_fate")
    named = {ast.unparse(n) for n in ast.walk(apply) if isinstance(n, ast.Attribute)}
    assert {f"kinds.{name.upper()}" for name in KINDS} <= named


def test_every_factor_has_its_constant():
    assert {name.upper(): row for name, row in factors.FACTORS.items()}.items() <= (
        constants(factors).items()
    )


def test_every_factor_is_filled():
    """A factor that is left out would keep the code of the person before."""
    state = tiny.model(rich(), tiny.columns(30)).state
    unset = np.iinfo(np.uint32).max
    codes = np.full(factors.N_FACTORS, unset, np.uint32)
    fill_codes(state.scene._replace(world=state.world._replace(acting=True)), 3, codes)
    assert (codes != unset).all()
