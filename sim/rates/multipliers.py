"""Factors: the covariates that may multiply a rate, each as a small integer code of a person.

To add a factor: a field in `schema.Factors`, a line in FACTORS and its constant, its code in
`person.fill_codes`.
"""

from __future__ import annotations

import numpy as np

from sim.config.factors import (
    AGES,
    ARREARS_BITS,
    CLASS_SIZES,
    MOST_SECTORS,
    SEXES,
    STEP_SIZES,
    gate_table,
)
from sim.config.schema.run import Factors, Gate


def steps(values: dict[int, float], size: int) -> np.ndarray:
    """Step function as float64[size]: each value holds from its key up; 1 below the lowest key."""
    out = np.ones(size)
    for key in sorted(values):
        out[key:] = values[key]
    return out


def named(values: dict[str, float], names: list[str]) -> np.ndarray:
    """float64[len(names)]; `default` (else 1) for names not given."""
    default = values.get("default", 1.0)
    return np.array([values.get(name, default) for name in names])


def arrears(values: dict[str, float]) -> np.ndarray:
    """float64[8] over the arrears bits; `any` applies once when some bit is set, `none` if none."""
    out = np.ones(8)
    out[0] = values.get("none", 1.0)
    for code in range(1, 8):
        out[code] = values.get("any", 1.0)
        for name, bit in ARREARS_BITS.items():
            if code & bit:
                out[code] *= values.get(name, 1.0)
    return out


def gate_tables(gate: Gate) -> list[tuple[str, np.ndarray]]:
    """A gate as multipliers of 0 and 1."""
    out = []
    for name, least in gate.model_dump().items():
        if least is not None and least > 0:
            out.append((name, gate_table(STEP_SIZES[name], least)))
    return out


def factor_tables(
    by: Factors,
    origins: list[str],
    stages: list[str],
    mobility: np.ndarray,
    sectors: list[str] | None = None,
) -> list[tuple[str, np.ndarray]]:
    """The multiplier tables of one fate: (factor name, float64[codes of that factor])."""
    out: list[tuple[str, np.ndarray]] = []
    sectors = sectors or []
    if by.origin is not None:
        out.append(("origin", named(by.origin, origins)))
    if by.stage is not None:
        out.append(("stage", named(by.stage, stages or ["all"])))
    if by.sex is not None:
        out.append(("sex", named(by.sex, list(SEXES))))
    for name, size in STEP_SIZES.items():
        values = getattr(by, name)
        if values is not None:
            out.append((name, steps(values, size)))
    if by.age_sex is not None:
        rows = [steps(by.age_sex.get(sex, {0: 0.0}), AGES) for sex in SEXES]
        out.append(("age_sex", np.concatenate(rows)))
    if by.arrears is not None:
        out.append(("arrears", arrears(by.arrears)))
    if by.calendar_month is not None:
        months = [by.calendar_month.get(m, 1.0) for m in range(1, 13)]
        out.append(("calendar_month", np.array([1.0, *months])))
    for name, size in CLASS_SIZES.items():
        values = getattr(by, name)
        if values is not None:
            out.append((name, np.array([values.get(code, 1.0) for code in range(size)])))
    if by.sector is not None:
        default = by.sector.get("default", 1.0)
        table = [by.sector.get(name, default) for name in sectors]
        rest = MOST_SECTORS + 1 - len(table)
        out.append(("sector", np.array([*table, *[default] * rest])))
    if by.municipality is not None:
        out.append(("municipality", mobility))
    return out
