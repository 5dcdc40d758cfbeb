"""Draws of a fit's uncertainty: multipliers that are as likely as the data and priors make them.

`fit.draw=k` asks for the k-th. The logarithms of all multipliers are normal around the central
estimates; their Cholesky factor lies beside the fit as `configs/fit/NAME.csv`. A draw is a function
of its number and the names of the rates, so every run with it has the same rates, whatever its
seed. A resolved configuration holds the drawn multipliers themselves.
"""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np

from sim.config.folders import Configs
from sim.config.schema.policy import FittedRates
from sim.core.errors import ConfigError, printable
from sim.core.sums import product
from sim.files.foreign import Unreadable, read_rows

Factor = tuple[list[str], np.ndarray]
"""Names of N edits and float64[N, N], lower triangular: covariance = factor @ factor.T."""


LARGEST = 5.0
"""Largest element of a factor: a standard deviation of 5 in the logarithm is a factor of 148."""


def normals(names: list[str], draw: int) -> np.ndarray:
    """float64[N]: standard normal deviates of a draw, one for each name, whatever the run."""
    from scipy.special import ndtri  # neither scipy nor numba is needed where nothing is drawn

    from sim.core.rng import P_FIT_DRAW, one_uniform, run_key, word_of

    key, month = run_key(0, 0), np.uint64(draw)
    words = [np.uint64(word_of(name)) for name in names]
    return np.array([float(ndtri(one_uniform(*key, word, month, P_FIT_DRAW))) for word in words])


def drawn(fit: FittedRates, factor: Factor, draw: int) -> FittedRates:
    """The same fit with the multipliers of a draw; 0 leaves the central ones."""
    if draw == 0:
        return fit
    names, root = factor
    shift = product(root, normals(names, draw))
    edits = dict(fit.edits)
    for name, by in zip(names, shift.tolist(), strict=True):
        multiply = rounded(edits[name].multiply * math.exp(by))
        edits[name] = edits[name].model_copy(update={"multiply": multiply})
    return fit.model_copy(update={"draw": draw, "edits": edits})


def read_factor(configs: Configs, fit: FittedRates) -> Factor:
    """The factor of a fit, from beside its file. Raises ConfigError."""
    path = configs.file(f"fit/{fit.name}.csv")
    if not path.is_file():
        raise ConfigError(
            f"fit.draw\n    the fit {fit.name} has no draws ({path.name}): write 0, or"
            " choose a fit that has some."
        )
    try:
        rows = read_rows(path)
    except Unreadable as error:
        raise ConfigError(str(error)) from error
    root = np.zeros((len(rows), len(rows)))
    for r, (line, cells) in enumerate(rows):
        if len(cells) != r + 2 or cells[0] not in fit.edits:
            raise ConfigError(f"{path.name}:{line}  is not the row of an edit of the fit")
        for k, cell in enumerate(cells[1:]):
            root[r, k] = _element(path, line, cell)
    return [cells[0] for _, cells in rows], root


def _element(path: Path, line: int, cell: str) -> float:
    """One element of the factor: of the logarithm of a multiplier, so never beyond a few."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        rule = f"must be a number from -{LARGEST:g} to {LARGEST:g}"
        raise ConfigError(f"{path.name}:{line}  {printable(cell)} {rule}")
    return value


def factor_text(factor: Factor) -> str:
    """The factor as CSV: a name and the row up to its diagonal."""
    out = io.StringIO()
    names, root = factor
    for r, name in enumerate(names):
        out.write(",".join([name, *(f"{value:.5g}" for value in root[r, : r + 1])]) + "\n")
    return out.getvalue()


def rounded(value: float) -> float:
    """Six significant digits, so that a file of them is the same everywhere."""
    return float(f"{value:.6g}")
