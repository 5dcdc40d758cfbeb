"""Sensitivity: designs are deterministic, indices are those known in closed form."""

import numpy as np
import pytest

from sim.config.compose import compose
from sim.core.errors import ConfigError
from sim.studies.sensitivity.settings import check_study, load_study, study_of
from sim.studies.sensitivity.study import Experiment, indices, most_important, screening, tornado

STUDY, _, _ = study_of([], load_study("japan"))
CONFIG = compose([])


def bench(**numbers):
    """A bench whose model is not run: tests answer for it."""
    return Experiment(STUDY.model_copy(update=numbers), CONFIG, None)


def linear(weights):
    """Answers of a model that adds up its factors."""

    def kept(name, points):
        one = 10 + points @ weights
        return np.stack([one] * len(STUDY.outputs), axis=1)

    return kept


def test_the_study_fits_the_configuration():
    check_study(STUDY, CONFIG)
    assert len(STUDY.factors) > STUDY.kept


def test_bad_studies_are_refused():
    with pytest.raises(ConfigError, match="power of two"):
        study_of(["sobol=12"], load_study("japan"))
    with pytest.raises(ConfigError, match="write a number"):
        study_of(["scale=much"], load_study("japan"))
    factor = STUDY.factors["births"]
    wrong = factor.model_copy(update={"paths": ["nobody.*"], "low": 1.2})
    with pytest.raises(ConfigError) as problem:
        check_study(STUDY.model_copy(update={"factors": {"births": wrong}}), CONFIG)
    assert len(problem.value.problems) == 2


def test_the_centre_multiplies_by_one():
    one = bench()
    assert one.multipliers(one.centre) == pytest.approx(np.ones(len(STUDY.factors)))
    ends = np.array([one.multipliers(np.full(len(STUDY.factors), x)) for x in (0.0, 1.0)])
    assert ends[0] == pytest.approx([f.low for f in STUDY.factors.values()])
    assert ends[1] == pytest.approx([f.high for f in STUDY.factors.values()])


def test_tornado_moves_one_factor_at_a_time():
    weights = np.arange(1.0, len(STUDY.factors) + 1)
    swings = tornado(bench(), linear(weights))
    rows = swings[swings["output"] == STUDY.outputs[0]]
    assert (rows["high"] - rows["low"]).to_numpy() == pytest.approx(weights)


def test_morris_of_a_linear_model_is_its_weights():
    weights = np.linspace(-1, 2, len(STUDY.factors))
    found = screening(bench(trajectories=4), 0, linear(weights))
    rows = found[found["output"] == STUDY.outputs[0]]
    scale = abs(weights).max() / rows["mu_star"].max()
    assert rows["mu"].to_numpy() * scale == pytest.approx(weights, abs=1e-9)
    assert rows["sigma"].to_numpy() == pytest.approx(np.zeros(len(weights)), abs=1e-9)
    order = np.argsort(-np.abs(weights))[:6]
    assert set(most_important(found, 6)) == {list(STUDY.factors)[k] for k in order}


def test_sobol_of_a_linear_model_is_its_share_of_variance():
    names = list(STUDY.factors)[:3]
    weights = np.zeros(len(STUDY.factors))
    weights[:3] = 3.0, 2.0, 1.0
    found = indices(bench(sobol=512), names, 0, linear(weights))
    rows = found[found["output"] == STUDY.outputs[0]]
    share = weights[:3] ** 2 / (weights[:3] ** 2).sum()
    assert rows["first"].to_numpy() == pytest.approx(share, abs=0.03)
    assert rows["total"].to_numpy() == pytest.approx(share, abs=0.03)


def test_designs_are_the_same_again():
    seen = []

    def kept(name, points):
        seen.append(points.copy())
        return linear(np.ones(len(STUDY.factors)))(name, points)

    for seed in (0, 0, 1):
        screening(bench(), seed, kept)
        indices(bench(), list(STUDY.factors)[:3], seed, kept)
    assert np.array_equal(seen[0], seen[2])
    assert np.array_equal(seen[1], seen[3])
    assert not np.array_equal(seen[0], seen[4])
