"""Codes of factors as levers name them: steps, classes, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from sim.config_files import nearest
from sim.factors import ARREARS_BITS, CLASS_SIZES, SEXES, STEP_SIZES
from sim.schema import RunConfig

DEFAULT: Final = "default"


def names_of(config: RunConfig, factor: str) -> dict[str, np.ndarray]:
    """Name -> codes, int64, of a factor whose codes have names; {} for steps and classes."""
    if factor == "arrears":
        codes = np.arange(8)
        named = {name: codes[(codes & bit) > 0] for name, bit in ARREARS_BITS.items()}
        return {**named, "any": codes[1:], "none": codes[:1]}
    lists = {"origin": config.country.origins, "sex": list(SEXES)}
    return {name: np.array([k]) for k, name in enumerate(lists.get(factor, []))}


def usable(factor: str) -> bool:
    """Whether a lever may tell people apart by the factor."""
    return factor in STEP_SIZES or factor in CLASS_SIZES or factor in ("arrears", "origin", "sex")


def chosen(
    config: RunConfig, factor: str, by_code: Mapping[str | int, Any]
) -> Iterator[tuple[np.ndarray, Any]]:
    """(codes, amount) of each entry. Steps hold from their key up to the next; classes alone.

    ValueError, in plain words, for a code that the factor does not have.
    """
    names = names_of(config, factor)
    keys = sorted(key for key in by_code if isinstance(key, int))
    size = {**STEP_SIZES, **CLASS_SIZES}.get(factor, 0)
    for key, amount in by_code.items():
        if isinstance(key, str):
            if key == DEFAULT and names and factor != "arrears":
                named = [names[name] for name in names if name not in by_code]
                yield np.concatenate(named) if named else np.zeros(0, np.int64), amount
                continue
            if key not in names:
                raise ValueError(f"there is no {factor} {key} here.{nearest(key, names)}")
            yield names[key], amount
        elif not 0 <= key < size:
            raise ValueError(f"the code {key} of {factor} must be between 0 and {size - 1}.")
        elif factor in CLASS_SIZES:
            yield np.array([key]), amount
        else:
            after = next((other for other in keys if other > key), size)
            yield np.arange(key, after), amount
