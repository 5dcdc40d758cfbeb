"""Factors: the covariates that may multiply a rate, each as a small integer code of a person.

To add a factor: a field in `schema.Factors`, a line in FACTORS, its code in `person.fill_codes`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.schema import Factors, Gate

AGES: Final = 111  # 0..110
YEARS: Final = 61  # 0..60

# Numbers are the rows of the code buffer in the kernels; the order is fixed.
FACTORS: Final = {
    "origin": 0,
    "stage": 1,
    "sex": 2,
    "age": 3,
    "age_sex": 4,
    "years_in_status": 5,
    "years_resident": 6,
    "counting_years": 7,
    "permit_months": 8,
    "language": 9,
    "arrears": 10,
    "calendar_month": 11,
    "municipality": 12,
    # From here on: only looked up in a run with firms or towns that act (World.acting).
    "employed": 13,
    "firm_support": 14,
    "town_support": 15,
    "sentiment": 16,
    "norms": 17,
    "linked": 18,
    "permit_age": 19,
    "sector": 20,
}
N_FACTORS: Final = len(FACTORS)
FIRST_ACTING: Final = FACTORS["employed"]
MOST_SECTORS: Final = 31
"""Sectors that a multiplier can tell apart; the code of this number is nobody's sector."""
STEP_SIZES: Final = {
    "age": AGES,
    "years_in_status": YEARS,
    "years_resident": AGES,
    "counting_years": YEARS,
    "permit_months": 256,
    "language": 5,
    "permit_age": YEARS,
}
CLASS_SIZES: Final = {
    "employed": 3,
    "firm_support": 8,
    "town_support": 4,
    "sentiment": 10,
    "norms": 2,
    "linked": 2,
}
SEXES: Final = ("F", "M")
ARREARS_BITS: Final = {"nhi": 1, "pension": 2, "tax": 4}


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


def gate_table(size: int, least: float) -> np.ndarray:
    """float64[size]: 1 from the code `least` upwards, 0 below."""
    return (np.arange(size) >= least).astype(np.float64)


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
