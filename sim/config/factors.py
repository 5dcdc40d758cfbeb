"""Factors: the covariates that may multiply a rate, each as a small integer code of a person.

To add a factor: a field in `schema.Factors`, a line in FACTORS, its constant, and its code in
`person.fill_codes`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

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
    "months_without_job": 21,
}

N_FACTORS: Final = len(FACTORS)

ORIGIN: Final = FACTORS["origin"]
STAGE: Final = FACTORS["stage"]
SEX: Final = FACTORS["sex"]
AGE: Final = FACTORS["age"]
AGE_SEX: Final = FACTORS["age_sex"]
YEARS_IN_STATUS: Final = FACTORS["years_in_status"]
YEARS_RESIDENT: Final = FACTORS["years_resident"]
COUNTING_YEARS: Final = FACTORS["counting_years"]
PERMIT_MONTHS: Final = FACTORS["permit_months"]
LANGUAGE: Final = FACTORS["language"]
ARREARS: Final = FACTORS["arrears"]
CALENDAR_MONTH: Final = FACTORS["calendar_month"]
MUNICIPALITY: Final = FACTORS["municipality"]
EMPLOYED: Final = FACTORS["employed"]
FIRM_SUPPORT: Final = FACTORS["firm_support"]
TOWN_SUPPORT: Final = FACTORS["town_support"]
SENTIMENT: Final = FACTORS["sentiment"]
NORMS: Final = FACTORS["norms"]
LINKED: Final = FACTORS["linked"]
PERMIT_AGE: Final = FACTORS["permit_age"]
SECTOR: Final = FACTORS["sector"]
MONTHS_WITHOUT_JOB: Final = FACTORS["months_without_job"]

WITHOUT_JOB, WITH_JOB, NO_JOB_ASKED = range(3)
"""Codes of the factor `employed`; the last where the status asks for no job and there is none."""

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
    "months_without_job": YEARS,
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


def gate_table(size: int, least: float) -> np.ndarray:
    """float64[size]: 1 from the code `least` upwards, 0 below."""
    return (np.arange(size) >= least).astype(np.float64)
