"""Months as integers. This module alone knows dates.

A month index counts months since January 1900 (= 0), so it fits an int16 until the year 4630.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

EPOCH_YEAR = 1900

HALF_YEAR = 6
"""Months of the half-years, January to June and July to December, at whose ends stocks are
published."""

NEVER = 32767
"""int16 month that is never reached: the permit end of people without a permit limit."""

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


@lru_cache(maxsize=4096)  # a month asks 110 times for a hundred dates of 0.6 us each
def month_index(text: str) -> int:
    """Month index of `YYYY-MM`.

    Raises ValueError if the text is not a month between 1900-01 and 2199-12.
    """
    match = _MONTH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a month: write YYYY-MM, for example 2025-06")
    year, month = int(match[1]), int(match[2])
    if not (EPOCH_YEAR <= year < 2200 and 1 <= month <= 12):
        raise ValueError(f"{text!r} is not a month between 1900-01 and 2199-12")
    return (year - EPOCH_YEAR) * 12 + month - 1


def month_name(index: int) -> str:
    """`YYYY-MM` of a month index."""
    return f"{year_of(index):04d}-{calendar_month(index):02d}"


def year_of(index: int) -> int:
    """Calendar year of a month index."""
    return EPOCH_YEAR + index // 12


def calendar_month(index: int) -> int:
    """Calendar month of a month index, 1 to 12."""
    return index % 12 + 1


def half_year_end(index: int) -> int:
    """Month index of the June or December that ends the half-year of a month."""
    return index - index % HALF_YEAR + HALF_YEAR - 1


def date_of(index: int) -> datetime.date:
    """First day of the month."""
    return datetime.date(year_of(index), calendar_month(index), 1)
